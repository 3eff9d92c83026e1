"""A head fitted on sampled rows, with probabilities that are right for the rows as they are, and a decision.

A folder of a saved model holds ``model.json`` (everything but the heads) and a folder ``1``, ``2``, ... for each head.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from math import inf, isfinite
from pathlib import Path

import numpy as np

from classify import heads
from classify.fitting.calibration import Calibration
from classify.fitting.columns import ColumnParts, FittedColumns
from classify.fitting.sampling import correct_prior
from classify.heads.base import Head, X
from classify.scoring.kept import InnerPredictions
from classify.splits.nested import Choice
from stores.shared.errors import FailureError


@dataclass(frozen=True)
class FittedModel:
    """A fitted model.

    Attributes:
        heads: fitted; their probabilities are averaged.
        fitted: float ``[C]``, rows of each class that they were fitted on, after sampling and weighting.
        real: float ``[C]``, rows of each class before.
        positive: the class that the threshold is about, of two classes or more.
        choice: what was chosen on inner folds.
        columns: what makes the columns that the heads see; None: they see the features as they are.
        costs: float64 ``[C, C]``, of taking a row of the first class for the second; None if no costs are given.
    """

    heads: list[Head]
    fitted: np.ndarray
    real: np.ndarray
    positive: int
    choice: Choice
    columns: FittedColumns | None = None
    costs: np.ndarray | None = None

    def predict(self, x: X | ColumnParts, rows: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Probabilities float64 ``[n, C]`` and classes int ``[n]``; with several labels 0/1 ``[n, C]``.

        The probabilities hold under the class frequencies before sampling. The class is that of the least expected
        cost if costs are given, else by the threshold, else the most probable one. To sample is to ask for classes of
        equal weight, which the corrected probabilities would take back; so of two classes a sampled model has a
        threshold, the probability at which the head was undecided, and of several the class is the head's own choice.
        What was calibrated is decided in the one way or the other, see ``FitOptions``. ``rule`` says which it was.
        """
        if self.columns is not None:
            x, rows = self.columns.apply(x, rows), None
        if isinstance(x, ColumnParts):
            raise FailureError("the model has lost what makes its columns; train the run again")
        return self.finish(np.mean([head.predict_proba(x, rows) for head in self.heads], axis=0))

    def finish(self, own: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """As ``predict``, from the mean of the heads' own probabilities."""
        if not np.isfinite(own).all():
            head = self.heads[0]
            options = ",".join(f"{name}={value}" for name, value in (head.options() | self.choice.options).items())
            raise FailureError(
                f"head {head.name}:{options} gives probabilities that are no numbers: its training diverged; lower its "
                "learning rate, or look at the features (tk features verify)"
            )
        proba = own if self.heads[0].multilabel_ else correct_prior(own, self.fitted, self.real)
        return self._decide(proba, own)

    def on_inner_folds(self) -> InnerPredictions | None:
        """What its inner folds predicted, decided as it decides; None if there were none.

        Nor of several classes that were sampled: of these the head's own choice is not kept.
        """
        inner = self.choice.inner
        if inner is None or (self.rule == "head" and (self.fitted != self.real).any()):
            return None
        return InnerPredictions(inner.rows, *self._decide(inner.proba, inner.proba), inner.learned)

    def _decide(self, proba: np.ndarray, own: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Calibrated probabilities and classes, of those before calibration and of the head's own."""
        multilabel = self.heads[0].multilabel_
        if self.choice.calibration is not None:
            proba = self.choice.calibration.apply(proba)
        if self.costs is not None:
            return proba, (proba @ self.costs).argmin(1)
        if self.choice.thresholds is None:
            deciding = proba if self.choice.by_probability else own
            return proba, (deciding >= 0.5).astype(int) if multilabel else deciding.argmax(1)
        if multilabel:
            return proba, (proba >= self.choice.thresholds).astype(int)
        others = proba.copy()
        others[:, self.positive] = -1  # below the threshold the most probable one of the others
        return proba, np.where(proba[:, self.positive] >= self.choice.thresholds[0], self.positive, others.argmax(1))

    @property
    def rule(self) -> str:
        """What its classes follow from: ``probability``: the most probable one; ``threshold``; ``cost``; or ``head``.

        The last is the head's own choice, before its probabilities were calibrated, or corrected for sampling.
        """
        if self.costs is not None:
            return "cost"
        if self.choice.thresholds is not None:
            return "threshold " + " ".join(f"{value:.6g}" for value in self.choice.thresholds)
        changed = self.choice.calibration is not None or (self.fitted != self.real).any()
        return "head" if changed and not self.choice.by_probability else "probability"

    def is_of(self, width: int) -> bool:
        """Whether it answers with so many classes."""
        return len(self.fitted) == len(self.real) == width and 0 <= self.positive < width

    def save(self, folder: Path) -> None:
        """Write the model into ``folder``, which is made; without pickle."""
        folder.mkdir()
        state = {
            "heads": len(self.heads),
            "fitted": self.fitted.tolist(),
            "real": self.real.tolist(),
            "positive": self.positive,
            "costs": None if self.costs is None else self.costs.tolist(),
            "choice": _state(self.choice) | {"losses": [x if isfinite(x) else None for x in self.choice.losses]},
        }
        (folder / "model.json").write_text(json.dumps(state, indent=1), encoding="utf-8")
        if self.columns is not None:
            self.columns.save(folder)
        for number, head in enumerate(self.heads):
            (folder / str(number + 1)).mkdir()
            heads.save(head, folder / str(number + 1))

    @classmethod
    def restore(cls, folder: Path) -> FittedModel:
        """Inverse of ``save``.

        Raises:
            FailureError: if the folder holds no model that this version can read.
        """
        try:
            state = json.loads((folder / "model.json").read_text(encoding="utf-8"))
            choice = state["choice"]
            losses = [inf if loss is None else loss for loss in choice.get("losses", [])]
            calibration = None if choice["calibration"] is None else Calibration.from_dict(choice["calibration"])
            made = Choice(choice["options"], calibration, choice["thresholds"], losses, choice.get("missed", []))
            return cls(
                [heads.restore(folder / str(number + 1)) for number in range(state["heads"])],
                np.array(state["fitted"], float),
                np.array(state["real"], float),
                state["positive"],
                replace(made, by_probability=choice.get("by_probability", False)),
                FittedColumns.restore(folder),
                None if state.get("costs") is None else np.array(state["costs"], float),
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise FailureError(
                f"{folder} holds no model that this version can read ({error}); train it again"
            ) from error


def _state(choice: Choice) -> dict:
    """A choice, JSON-able, without what the inner folds predicted."""
    state = asdict(replace(choice, inner=None))
    del state["inner"]
    return state
