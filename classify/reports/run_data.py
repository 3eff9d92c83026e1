"""What a report shows of a run: its predictions, and what its store still knows of the rows that were predicted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from classify.reports.projection import Spots, project
from classify.runs import Run
from classify.scoring.predictions import Predictions
from classify.sources import opened, rows_of
from stores.features import IdFeatures, RaggedFeatures
from stores.reader import READ_ROWS, FeatureStore
from stores.shared.errors import FailureError, InputError
from stores.shared.lengths import length_histogram
from stores.shared.table_chart import Lengths
from stores.strings import Strings

MAP_ROWS, TOKEN_ROWS = 20_000, 4_000  # points of the map; where each has a vector a token, these are much to read
BLOCK = 1000  # rows whose tokens are in memory at once
NONE_APPLIES = "(none of these)"  # of several labels
NEAR = 512  # rows whose texts are read at once
SURE = 0.5  # the threshold where nobody chose one


def vectors_of(store: FeatureStore, rows: np.ndarray) -> np.ndarray | None:
    """float32 ``[m, D]``; tokens are averaged. None for words without vectors."""
    if store.kind != "tokens":
        return _vectors(store, rows)
    blocks = (_vectors(store, rows[start : start + BLOCK]) for start in range(0, len(rows), BLOCK))
    return np.concatenate([block for block in blocks if block is not None])


def _vectors(store: FeatureStore, rows: np.ndarray) -> np.ndarray | None:
    features = store.take(rows)
    if not isinstance(features, RaggedFeatures):
        return features.matrix()
    if isinstance(features, IdFeatures) and features.table is None:
        return None
    output = next(iter(features.outputs.values()))
    table = features.table if isinstance(features, IdFeatures) else None
    tokens = np.asarray(output if table is None else table[output], np.float32)
    sums = np.concatenate([np.zeros((1, tokens.shape[1])), np.cumsum(tokens, axis=0, dtype=np.float64)])
    offsets = np.asarray(features.offsets)
    lengths = np.diff(offsets)[:, None]
    return (np.diff(sums[offsets], axis=0) / np.maximum(lengths, 1)).astype(np.float32)


@dataclass(frozen=True)
class RunData:
    """A run, opened for looking at.

    Attributes:
        run: the run.
        predictions: all of them, ``t``.
        stores: of the rows that were tested, open; several lie side by side. Empty if they cannot be read.
        row: int64 ``[t]``, the row in the store of each prediction; None without a store.
        missing: why something cannot be shown, one sentence each.
        projection: of the map, see ``classify.reports.projection``.
    """

    run: Run
    predictions: Predictions
    stores: list[FeatureStore]
    row: np.ndarray | None
    missing: list[str]
    projection: str = "pca"

    @cached_property
    def first(self) -> np.ndarray:
        """int64 ``[m]``: the first prediction of each row; with repeated folds a row has several."""
        return np.unique(self.predictions.row, return_index=True)[1]

    @property
    def classes(self) -> list[str]:
        """Class names; with several labels a row, the labels."""
        return self.predictions.classes

    @property
    def problem(self) -> str:
        """``binary``, ``multi-class`` or ``multi-label``."""
        return self.run.recipe.problem

    @cached_property
    def members(self) -> np.ndarray:
        """Bool ``[t, C]``: which predictions are of rows of which class."""
        y = self.predictions.y
        return y == 1 if self.predictions.multilabel else y[:, None] == np.arange(len(self.classes))

    @property
    def wrong(self) -> np.ndarray:
        """Bool ``[t]``: the prediction is not what the label says (of several labels: any)."""
        return ~self.predictions.right

    @cached_property
    def cuts(self) -> np.ndarray:
        """Float ``[folds]``: the probability of the positive class from which on each model decided for it.

        It is 0.5 or was chosen; where sampling moved it, it lies between the rows that were decided either way.
        """
        p, positive = self.predictions, self.predictions.positive
        chosen: list[float] = []
        for number, fold in enumerate(self.run.metrics.folds):
            rows = p.fold == number
            proba, taken = p.proba[rows, positive], p.predicted[rows] == positive
            if fold.thresholds:
                chosen.append(fold.thresholds[0])
            elif (taken == (proba >= SURE)).all():
                chosen.append(SURE)
            else:
                chosen.append((proba[~taken].max(initial=0) + proba[taken].min(initial=1)) / 2)
        return np.array(chosen)

    def text(self, prediction: int) -> str | None:
        """The text of a prediction, None if it is not available."""
        if self._strings is None or self.row is None:
            return None
        row = int(self.row[prediction])
        start = row - row % NEAR
        if start not in self._near:  # those that are asked for next mostly lie near by
            self._near.clear()
            self._near[start] = self._strings[start : start + NEAR]
        return self._near[start][row - start]

    @cached_property
    def _near(self) -> dict[int, list[str]]:
        """First row -> texts, of the rows that were read last."""
        return {}

    @cached_property
    def _strings(self) -> Strings | None:
        return None if self.row is None else self.stores[0].texts

    def lengths(self) -> tuple[dict[str, Lengths], int] | None:
        """Characters and words of the tested texts by class, and how many texts; None without texts."""
        if self._strings is None or self.row is None:
            return None
        blocks = (self._strings[start : start + READ_ROWS] for start in range(0, len(self._strings), READ_ROWS))
        found = [(len(text), len(text.split())) for block in blocks for text in block]
        characters, words = np.array(found)[self.row[self.first]].T
        members = self.members[self.first]
        by_class = dict(zip(self.classes, members.T, strict=True)) | {NONE_APPLIES: ~members.any(1)}
        by_class = {name: rows for name, rows in by_class.items() if rows.any()}
        units = {"characters": characters, "words": words}
        return {
            unit: Lengths(length_histogram(values, by_class), int(values.min()), int(values.max()))
            for unit, values in units.items()
        }, len(words)

    @cached_property
    def spots(self) -> Spots | None:
        """The map of the features; None where there are no vectors."""
        if self.row is None:
            return None
        chosen = self.first
        most = TOKEN_ROWS if any(store.kind == "tokens" for store in self.stores) else MAP_ROWS
        if len(chosen) > most:
            chosen = np.sort(np.random.default_rng(0).choice(chosen, most, replace=False))
        by_store = [vectors_of(store, self.row[chosen]) for store in self.stores]
        vectors = [v for v in by_store if v is not None]
        if len(vectors) < len(by_store) or len(chosen) < 3:
            return None
        y = self.predictions.y[chosen]
        answer = np.unique(y, axis=0, return_inverse=True)[1].reshape(-1) if y.ndim == 2 else y
        return project(np.hstack(vectors), chosen, answer, self.projection)


@contextmanager
def collect_run_data(run: Run, projection: str = "pca") -> Iterator[RunData]:
    """The run with its stores, open inside the block; ``projection`` is that of the map.

    A store that is gone, or is not what the run was made from, is missing run_data, not an error.

    Raises:
        FailureError: if the predictions cannot be read.
    """
    predictions = run.predictions()
    with ExitStack() as stack:
        stores, missing, row = [], [], None
        try:
            stores = [stack.enter_context(opened(part)) for part in run.recipe.features.tested()]
            row = rows_of(stores[0], predictions)
        except (InputError, FailureError) as error:
            stores, missing = [], [f"Texts, lengths, map and encoding time are left out: {error}."]
        yield RunData(run, predictions, stores, row, missing, projection)
