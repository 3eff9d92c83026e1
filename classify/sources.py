"""The stores that a run was made of, where they still are: their texts, and what they cost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from classify.recipe_json import FeaturesRecord
from classify.runs import Run
from classify.scoring.predictions import Predictions
from stores.reader import FeatureStore
from stores.shared.errors import FailureError, InputError


@dataclass(frozen=True)
class Texts:
    """The texts of a run's predictions.

    Attributes:
        texts: ``t`` texts; None if the store has none.
        hashes: ``t`` hashes of texts; None if the store is gone.
        missing: why something is None; empty if nothing is.
    """

    texts: list[str] | None
    hashes: list[bytes] | None
    missing: str = ""


def texts_of(run: Run, predictions: Predictions) -> Texts:
    """The texts of predictions of the run, from the store of the rows that it tested."""
    first = run.recipe.features.tested()[0]
    try:
        with opened(first) as store:
            row = rows_of(store, predictions)
            hashes = list(map(bytes, store.text_hash[row]))
            if store.texts is None:
                return Texts(None, hashes, f"{first.path} was made without texts")
            texts = list(store.texts[:])
            return Texts([texts[i] for i in row.tolist()], hashes)
    except (InputError, FailureError) as error:
        return Texts(None, None, str(error))


def tables_of(source: dict) -> list[tuple[str, str]]:
    """Name and digest (empty if not known) of every table that a store was made from, through merges and joins.

    Args:
        source: of the store: one table (``file``), several read as one (``files``), or merged stores (``stores``).
    """
    if "stores" in source:
        found = [table for part in source["stores"] for table in tables_of(part.get("source", part))]
    else:
        found = [(file.get("file", "not known"), file.get("digest", "")) for file in source.get("files") or [source]]
    return list(dict.fromkeys(found))


def recipes_of(recipe: dict) -> list[dict]:
    """The recipe of every encoder that a store was made by; one that was joined has several."""
    joined = [part for part in recipe.get("joined", []) if isinstance(part, dict)]
    return [inner for part in joined for inner in recipes_of(part)] or [recipe]


@contextmanager
def opened(part: FeaturesRecord) -> Iterator[FeatureStore]:
    """The store that was read when the run was made.

    Raises:
        InputError: if it is gone, or another one lies in its place.
        FailureError: if it cannot be read.
    """
    with FeatureStore(part.path) as store:
        if store.digest != part.digest:
            raise InputError(f"{part.path} is not the store any more that the run was made from")
        yield store


def rows_of(store: FeatureStore, predictions: Predictions) -> np.ndarray:
    """int64 ``[t]``: the row in a store of each prediction.

    By their line in the table; where a store is of several tables whose lines are counted alike, by their number.

    Raises:
        InputError: if the store has a line twice, and the rows are not numbered as in it.
    """
    line = predictions.line
    order = np.argsort(store.line, kind="stable")
    lines = store.line[order]
    if not (np.diff(lines) == 0).any():
        return order[np.searchsorted(lines, line)]
    row = predictions.row
    if len(row) and row.max() < len(store) and np.array_equal(np.asarray(store.line)[row], line):
        return row
    raise InputError(f"{store.path} is of several tables, whose lines are counted alike")


@dataclass(frozen=True)
class EncodingCost:
    """What features cost, as the stores say, each counted once.

    Attributes:
        texts_per_second: of all encoders one after another.
        seconds: for all distinct texts at this rate.
        store_bytes: of all stores.

    Texts that a store took from an earlier one count as long as they took there. Each is None where a store is gone;
    the first two, where a store was made elsewhere, or by a version that did not keep what it took over.
    """

    texts_per_second: float | None = None
    seconds: float | None = None
    store_bytes: int | None = None


def encoding_cost(run: Run) -> EncodingCost:
    """What the features of a run cost."""
    features = run.recipe.features
    per_text: dict[str, float] = {}
    seconds, size, known = 0.0, 0, True
    try:
        for part in features.stores():
            with opened(part) as store:
                size += store.size
                each = store.seconds_per_text
                known = known and each is not None
                per_text[part.digest] = each or 0.0
                seconds += per_text[part.digest] * store.totals["distinct"] if each else 0.0
    except (InputError, FailureError):
        return EncodingCost()
    if not known:
        return EncodingCost(store_bytes=size)
    return EncodingCost(1 / sum(per_text[part.digest] for part in features.stores(test=False)), seconds, size)


def training_seconds(run: Run) -> float:
    """Seconds that fitting the folds took."""
    return float(sum(fold.seconds for fold in run.metrics.folds))
