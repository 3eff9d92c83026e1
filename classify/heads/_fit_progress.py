"""How far the fitting of models is: which of them, which epoch, and the loss at present."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from dataclasses import dataclass, replace
from threading import Event
from typing import TypeVar

from classify.heads._fit_task import FitTask
from stores.shared.reporter import SILENT, Progress, Reporter, SilentReporter


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


T = TypeVar("T")


class _UntilEnded(SilentReporter):
    """Says nothing, and ends the fit that tells it something once ``ended`` is set."""

    def __init__(self, ended: Event) -> None:
        super().__init__()
        self._ended = ended

    def progress(self, progress: Progress) -> None:
        """Nothing, or the end."""
        if self._ended.is_set():
            raise CancelledError


def fit_together(
    fit: Callable[[FitTask, FitProgress], T], folds: Sequence[FitTask], progress: FitProgress, most: int
) -> list[T]:
    """``fit`` of each fold and what it is to tell, ``most`` of them at once in threads; in the order of the folds.

    The first of those at once runs in this thread and tells how far they are. Where it fails or is interrupted, the
    others end when they next tell something.
    """
    fitted: list[T] = []
    for start in range(0, len(folds), most):
        first, *others = folds[start : start + most]
        name = first.name + (f" and {len(others)} more" if others else "")
        ended, told = Event(), progress.at(name, start, 1 + len(others), len(folds))
        with ThreadPoolExecutor(max(1, len(others))) as pool:
            silent = replace(told, reporter=_UntilEnded(ended))
            running = [pool.submit(fit, fold, silent) for fold in others]
            try:
                fitted += [fit(first, told), *(each.result() for each in running)]
            finally:
                ended.set()
    return fitted
