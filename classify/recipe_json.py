"""What ``recipe.json`` of a run holds: what was asked, and of what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from classify.typed_json import Jsonable


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
