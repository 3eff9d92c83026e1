"""What the files of a run hold: ``recipe.json`` (what was asked, of what) and ``metrics.json`` (what came out)."""

from __future__ import annotations

from collections.abc import Iterator
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


@dataclass(frozen=True)
class HeadRecord(Jsonable):
    """A head by name, with all of its options."""

    name: str
    options: dict[str, Any]


@dataclass(frozen=True)
class ModelRecord(Jsonable):
    """The model that was kept: what it was fitted on, and what was chosen for it."""

    fitted_on: str
    chosen: dict[str, Any] | None
    thresholds: list[float] | None
    more: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RowCounts(Jsonable):
    """Rows of the table: labelled (used), unlabelled and broken (left out); distinct texts among the labelled."""

    labelled: int
    unlabelled: int
    broken: int
    distinct_texts: int
    more: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class EnsembleRecord(Jsonable):
    """An ensemble: its method, and the names of its runs."""

    method: str
    runs: list[str]
    more: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class FeaturesRecord(Jsonable):
    """The features that a run was trained on: of one store, or of several.

    Attributes:
        path: as given; ``a.h5+b.h5`` for several side by side.
        kind: ``pooled``, ``tokens`` or ``ids``; ``ensemble`` for the runs of an ensemble.
        digest, identity, identity_digest: see the store; empty where there are several.
        recipe, source: how the store was made, and of which table.
        joined: the stores side by side; empty for one store.
        test: the store that was tested on, where it was another one.
        members: of an ensemble.
        dims: how many of the first columns were taken; None: all.
        columns: what else was made of them, see ``classify.columns``; with ``tfidf`` it is no store, but its words.
    """

    path: str
    recipe: dict[str, Any]
    source: dict[str, Any]
    identity_digest: str
    kind: str = ""
    digest: str = ""
    identity: dict[str, Any] = field(default_factory=dict)
    joined: list[FeaturesRecord] = field(default_factory=list)
    test: FeaturesRecord | None = None
    members: list[MemberRecord] = field(default_factory=list)
    dims: int | None = None
    columns: dict[str, Any] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)

    def stores(self, test: bool = True) -> list[FeaturesRecord]:
        """Every store, once: several encoders, a test store (if asked for), those of the runs of an ensemble."""
        return list({part.digest: part for part in self._stores(test)}.values())

    def tested(self) -> list[FeaturesRecord]:
        """The stores of the rows that were tested; of an ensemble, of every member."""
        if self.members:
            parts = [part for member in self.members for part in member.features.tested()]
            return list({part.digest: part for part in parts}.values())
        return (self.test or self).stores()

    def _stores(self, test: bool) -> Iterator[FeaturesRecord]:
        for member in self.members:
            yield from member.features.stores(test)
        if not self.members:
            yield from [part for part in self.joined if "tfidf" not in part.columns] or [self]
            yield from self.test.stores() if test and self.test else []


@dataclass(frozen=True)
class MemberRecord(Jsonable):
    """A run of an ensemble: its folder, head and features."""

    run: str
    head: HeadRecord
    features: FeaturesRecord


@dataclass(frozen=True)
class RunRecipe(Jsonable):
    """``recipe.json``: everything that was asked for, and of what.

    Attributes:
        head: name and options.
        problem: ``binary``, ``multi-class`` or ``multi-label``.
        split: how rows were split; ``kind``, ``together``, ``test_rows_seen_in_training`` and what the kind has.
        sampler: of training rows.
        training: options of fitting.
        seed: of split, sampling, head and bootstrap.
        classes: names, in the order of the columns of probabilities.
        positive: of two classes, the one that areas and thresholds are about.
        model: the one that was kept.
        rows: counts.
        features: what it was trained on.
        command, versions: that made it; ``asked``: the arguments of ``classify``, as ``classify.rerun`` takes them.
        created: UTC, ``2026-11-28T12:00:00Z``.
        ensemble: of other runs; None for a run of its own.
        files, digest: path in the folder of the run -> digest (older runs have none); of the recipe without this.
    """

    head: HeadRecord
    problem: str
    split: dict[str, Any]
    sampler: str
    training: dict[str, Any]
    seed: int
    classes: list[str]
    positive: str | None
    model: ModelRecord
    rows: RowCounts
    features: FeaturesRecord
    command: str
    versions: dict[str, str]
    created: str
    ensemble: EnsembleRecord | None = None
    asked: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    digest: str = ""
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def multilabel(self) -> bool:
        """Whether a row may have several labels."""
        return self.problem == "multi-label"
