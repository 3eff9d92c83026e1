"""How far the fitting of models is: which of them, which epoch, and the loss at present."""

from __future__ import annotations

from dataclasses import dataclass, replace

from stores.shared.reporter import SILENT, Progress, Reporter


@dataclass(frozen=True)
class FitProgress:
    """Where a model stands among those that are fitted in one stage.

    Attributes:
        reporter: is told.
        stage: what is fitted, for people: ``messages.words, head lstm``.
        model: name of the model at hand among them, such as ``fold 2 of 5``.
        before: models of the stage that are fitted already.
        together: models that are fitted at the same time.
        models: of the stage.
        start, span: which stretch of the stage these models are, where it has several of such lots.
    """

    reporter: Reporter = SILENT
    stage: str = ""
    model: str = ""
    before: int = 0
    together: int = 1
    models: int = 1
    start: float = 0.0
    span: float = 1.0

    def at(self, model: str, before: int, together: int, models: int) -> FitProgress:
        """The same stage, with these models at hand."""
        return replace(self, model=model, before=before, together=together, models=models)

    def tell(self, within: float | None = 0.0, step: str = "") -> None:
        """``within``: share of the model at hand that is done; None: not known. ``step``: what of it is done now."""
        done = None if within is None else (self.before + within * self.together) / self.models
        share = None if done is None else min(self.start + self.span * done, 0.999)
        said = ", ".join(filter(None, (self.stage, self.model, step)))
        self.reporter.progress(Progress("training", share, said, self.stage))

    def epoch(self, epoch: int, epochs: int, done: float, loss: float | None) -> None:
        """``done`` is the share of this epoch, counted from 1, and ``loss`` its mean so far."""
        step = f"epoch {epoch} of {epochs}" + ("" if loss is None else f", loss {loss:.4f}")
        self.tell((epoch - 1 + done) / epochs, step)
