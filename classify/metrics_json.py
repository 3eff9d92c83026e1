"""What ``metrics.json`` of a run holds: what came out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from classify.typed_json import Jsonable


@dataclass(frozen=True)
class Estimate(Jsonable):
    """A score with its uncertainty; None where there is no value.

    Attributes:
        value: over all out-of-fold predictions.
        low, high: 95 % interval.
        mean, sd: over the folds (n - 1); sd is None for one fold.
    """

    value: float | None
    low: float | None
    high: float | None
    mean: float | None
    sd: float | None
    more: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class FoldScore(Jsonable):
    """One fold: what its model was fitted on, and how it did on the rows it had not seen.

    Attributes:
        train_rows, test_rows: how many.
        fitted_rows: training rows after sampling and weighting.
        seconds: to fit.
        history: losses and metrics by name, a value an epoch; empty for heads without epochs.
        chosen: options that were chosen on inner folds.
        thresholds: of each decision, where some were chosen or given.
        metrics: every metric that is one number; None where it has no value.
        train_classes: training rows of each class, in the order of the classes.
        fitted_classes: likewise after sampling and weighting.
    """

    train_rows: int
    fitted_rows: float
    test_rows: int
    seconds: float
    history: dict[str, Any]
    chosen: dict[str, Any]
    thresholds: list[float] | None
    metrics: dict[str, float | None]
    train_classes: list[float] = field(default_factory=list)
    fitted_classes: list[float] = field(default_factory=list)
    more: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Summary(Jsonable):
    """The scores of one head on some splits; ``summary.f1_macro`` is the value of ``summary.overall["f1_macro"]``.

    Attributes:
        overall: metric -> estimate, for every metric that is one number.
        per_class: class -> precision, recall, f1, support (several labels a row: and areas).
        confusion: rows by true (first) and predicted class, ``[C, C]``; with several labels ``[L, 2, 2]``.
        folds: one entry a split.
    """

    overall: dict[str, Estimate]
    per_class: dict[str, dict[str, float | None]]
    confusion: list[Any]
    folds: list[FoldScore]
    more: dict[str, Any] = field(default_factory=dict)

    def __getattr__(self, name: str) -> float | None:
        overall = self.__dict__.get("overall", {})
        if name not in overall:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return overall[name].value

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.overall]


@dataclass(frozen=True)
class LearningPoint(Jsonable):
    """Scores of models trained on a ``share`` of the training rows, ``train_rows`` on average."""

    share: float
    train_rows: float
    overall: dict[str, Estimate]
    more: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class EpochPoint(Jsonable):
    """Scores after ``epoch`` epochs of one training."""

    epoch: int
    overall: dict[str, Estimate]
    more: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Flattery(Jsonable):
    """Scores with identical texts in one fold, and by how much the run's own are better (``optimism``)."""

    overall: dict[str, Estimate]
    optimism: dict[str, float | None]
    more: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RunMetrics(Summary):
    """``metrics.json``: the run's own scores, those of the baselines on the same splits, and what is to be known."""

    baselines: dict[str, Summary] = field(default_factory=dict)
    learning_curve: list[LearningPoint] = field(default_factory=list)
    epochs: list[EpochPoint] = field(default_factory=list)
    identical_texts_in_one_fold: Flattery | None = None
    notes: list[str] = field(default_factory=list)
