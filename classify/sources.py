"""The stores that a run was made of, where they still are: their texts, and what they cost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from classify.runs import Run
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


def texts_of(run: Run, line: np.ndarray) -> Texts:
    """The texts of these lines, int64 ``[t]``, of the rows that the run tested, from its store."""
    features = run.recipe["features"]
    while "members" in features:
        features = features["members"][0]["features"]
    (first, *_) = parts_of(features.get("test", features))
    try:
        with opened(first) as store:
            row = rows_of(store, line)
            hashes = list(map(bytes, store.text_hash[row]))
            if store.texts is None:
                return Texts(None, hashes, f"{first['path']} was made without texts (--no-texts)")
            texts = store.texts[:]
            return Texts([texts[i] for i in row.tolist()], hashes)
    except (InputError, FailureError) as error:
        return Texts(None, None, str(error))


def parts_of(features: dict, test: bool = True) -> list[dict]:
    """Path and digest of every store in ``recipe["features"]``: several encoders, a test store, runs of an ensemble.

    Args:
        features: of the recipe.
        test: whether test stores are among them.
    """
    if "members" in features:
        found = [part for member in features["members"] for part in parts_of(member["features"], test)]
    else:
        found = list(features.get("joined", [features]))
        found += parts_of(features["test"]) if test and "test" in features else []
    return list({part["digest"]: part for part in found}.values())


@contextmanager
def opened(part: dict) -> Iterator[FeatureStore]:
    """The store that was read when the run was made.

    Raises:
        InputError: if it is gone, or another one lies in its place.
        FailureError: if it cannot be read.
    """
    with FeatureStore(part["path"]) as store:
        if store.digest != part["digest"]:
            raise InputError(f"{part['path']} is not the store any more that the run was made from")
        yield store


def rows_of(store: FeatureStore, line: np.ndarray) -> np.ndarray:
    """int64 ``[t]``: the row of each line, int64 ``[t]``, of the table that a store was made from.

    Raises:
        InputError: if the store is of several tables, and has a line twice.
    """
    order = np.argsort(store.line, kind="stable")
    lines = store.line[order]
    if (np.diff(lines) == 0).any():
        raise InputError(f"{store.path} is of several tables, whose lines are counted alike")
    return order[np.searchsorted(lines, line)]


def encoding_cost(run: Run) -> dict:
    """What the features cost, as the stores say, each counted once.

    Returns:
        ``encode_texts_per_second`` of all encoders one after another, ``encode_seconds`` for all distinct texts at
        this rate, ``store_bytes``. None where a store is gone, or took most of its texts from an earlier one, so that
        its time says nothing.
    """
    features = run.recipe["features"]
    per_text, seconds, size = {}, [], 0
    try:
        for part in parts_of(features):
            with opened(part) as store:
                per_text[part["digest"]] = each = _seconds_per_text(store)
                seconds.append(each and each * store.totals["distinct"])
                size += store.size
    except (InputError, FailureError):
        return dict.fromkeys(("encode_texts_per_second", "encode_seconds", "store_bytes"))
    known = None not in per_text.values()
    rate = 1 / sum(per_text[part["digest"]] for part in parts_of(features, test=False)) if known else None
    return {"encode_texts_per_second": rate, "encode_seconds": sum(seconds) if known else None, "store_bytes": size}


def _seconds_per_text(store: FeatureStore) -> float | None:
    encoded, distinct = (store.totals.get(name, 0) for name in ("encoded", "distinct"))
    if not encoded or 2 * encoded < distinct or store.seconds <= 0:
        return None
    return store.seconds / encoded


def training_seconds(run: Run) -> float:
    """Seconds that fitting the folds took."""
    return float(np.sum([fold["seconds"] for fold in run.metrics["folds"]]))
