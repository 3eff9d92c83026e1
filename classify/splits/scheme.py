"""Which rows are tested by a model trained on which: from the options of the command to a list of splits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from classify.data import Data
from classify.splits.folds import Split, apart, holdout, mixed, straddling, stratified_kfold
from classify.splits.published import read_folds, read_test_rows
from stores.shared.errors import InputError

TRAIN, TEST = ("train", "training"), ("test", "testing", "eval")  # names of parts of a data set
FOLDS = 5
LATEST = 0.2  # share of the rows that a split by time tests


class Splitter(Protocol):
    """What scikit-learn's splitters are: ``KFold(5)``, ``StratifiedGroupKFold(5)``, ..."""

    def split(self, X: Any, y: Any, groups: Any) -> Iterable[Split]:  # noqa: ANN401
        """Pairs of row numbers."""
        ...


@dataclass(frozen=True)
class Splits:
    """What is tested how.

    Attributes:
        splits: training and test rows of each model.
        how: the same in words and numbers, JSON-able; ``digest`` tells whether two runs were split alike.
    """

    splits: list[Split]
    how: dict[str, Any]


@dataclass(frozen=True)
class Scheme:
    """How to split; at most one of ``cv``, ``test_size``, ``by_split``, ``test_rows``, ``folds_file`` and a test store.

    Attributes:
        cv: number of stratified folds (5 if nothing is given), pairs of row numbers (training, test) among the labelled
            rows, which are taken as they are, or a splitter of scikit-learn.
        repeats: how often the folds are drawn again.
        test_size: share of the rows to hold out; with ``time_column`` the latest.
        by_split: whether the split column of the store decides.
        test_rows: file with the lines or ids of the rows to test on, see ``classify.splits.published``; taken as it is.
        folds_file: file with the line or id of each row and its fold; taken as it is.
        time_column: id column of the table that holds a time: the latest rows are tested.
        allow_duplicates: whether identical texts may sit on both sides.
    """

    cv: int | Splitter | Iterable[Split] | None = None
    repeats: int = 1
    test_size: float | None = None
    by_split: bool = False
    test_rows: str | Path | None = None
    folds_file: str | Path | None = None
    time_column: str | None = None
    allow_duplicates: bool = False

    def plan(self, data: Data, seed: int) -> Splits:
        """The splits of the labelled rows of ``data``.

        Raises:
            InputError: if two ways are asked for, or the rows do not suffice.
        """
        self._check(data)
        groups = data.id_groups if self.allow_duplicates else data.groups
        made, how = self._made(data, groups, data.key if not self.allow_duplicates else _apart(data.key), seed)
        kept = [] if self.allow_duplicates else ["texts alike" if data.by_likeness else "identical texts"]
        kept += ["texts nearly alike"] if data.near is not None and not self.allow_duplicates else []
        kept += [] if data.grouped_by is None else [f"rows of one {data.grouped_by}"]
        together = "nothing" if how["kind"] in AS_THEY_ARE or not kept else " and ".join(kept)
        how |= {"together": together, "test_rows_seen_in_training": straddling(made, data.twins("bytes"))}
        how |= {"test_rows_alike_in_training": straddling(made, data.twins("likeness"))} if data.by_likeness else {}
        return Splits(made, how | {"digest": digest(made, data)})

    def _made(self, data: Data, groups: np.ndarray, key: np.ndarray, seed: int) -> tuple[list[Split], dict[str, Any]]:
        """The splits, and their kind with its numbers."""
        if self.test_rows is not None:
            test = read_test_rows(self.test_rows, data)
            train = np.setdiff1d(np.arange(len(data)), test)
            return [(train, test)], {"kind": "test rows", "file": str(self.test_rows)}
        if self.folds_file is not None:
            made = read_folds(self.folds_file, data)
            return made, {"kind": "folds file", "file": str(self.folds_file), "folds": len(made)}
        if self.time_column is not None:
            return _by_time(data, groups, self.time_column, LATEST if self.test_size is None else self.test_size)
        if self.test_size is not None:
            made = holdout(data.y, groups, self.test_size, seed, data.classes, key)
            return made, {"kind": "stratified hold-out", "test_size": self.test_size}
        if self.by_split:
            return _by_column(data, groups)
        if data.tested is not None:
            train, test = np.flatnonzero(~data.tested), np.flatnonzero(data.tested)
            left = apart(train, test, groups)
            return [(left, test)], {"kind": "test store", "left_out": len(train) - len(left)}
        if self.cv is None or isinstance(self.cv, int):
            k = FOLDS if self.cv is None else self.cv
            made = [
                pair
                for repeat in range(self.repeats)
                for pair in stratified_kfold(data.y, groups, k, seed + repeat, data.classes, key)
            ]
            return made, {"kind": "stratified k-fold", "folds": k, "repeats": self.repeats}
        made = _given(self.cv, data, groups)
        return made, {"kind": "given", "splits": len(made)}

    def _check(self, data: Data) -> None:
        """Refuse two ways at once, and repeats of anything but folds."""
        ways = {
            "`cv`": self.cv,
            "`test_size`": self.test_size if self.time_column is None else None,
            "`by_split`": self.by_split or None,
            "`test`": data.tested,
            "`test_rows`": self.test_rows,
            "`folds_file`": self.folds_file,
            "`time_column`": self.time_column,
        }
        asked = [name for name, value in ways.items() if value is not None]
        if len(asked) > 1:
            raise InputError(f"{asked[0]} and {asked[1]} exclude each other; give one of them")
        if self.repeats < 1 or (self.repeats > 1 and asked not in ([], ["`cv`"])):
            raise InputError(f"`repeats={self.repeats}`: only folds (`cv`) can be repeated, once or more often")


AS_THEY_ARE = ("given", "test rows", "folds file")  # kinds of splits that somebody else drew


def digest(splits: Sequence[Split], data: Data) -> str:
    """16 hexadecimal digits of which texts with which labels were tested by models trained on which.

    The order of the rows, the encoder and the cleaning have no say in it.
    """
    label = data.y if data.y.ndim == 1 else data.y @ (1 << np.arange(data.y.shape[1]) % 62)
    rows = np.unique(np.stack([data.key, label.astype(np.uint64)], axis=1), axis=0, return_inverse=True)
    names, number = np.ascontiguousarray(rows[0], "<u8"), rows[1].ravel()
    found = blake2b(names.tobytes(), digest_size=8)
    for part in (part for split in splits for part in split):
        found.update(np.bincount(number[part], minlength=len(names)).astype("<u4").tobytes())
    return found.hexdigest()


def _apart(key: np.ndarray) -> np.ndarray:
    """Keys of rows of which each is dealt out by itself: copies of a text have different ones."""
    order = np.argsort(key, kind="stable")
    _, start, counts = np.unique(key[order], return_index=True, return_counts=True)
    copy = np.empty(len(key), np.uint64)
    copy[order] = np.arange(len(key)) - np.repeat(start, counts)
    return mixed(key ^ mixed(copy))


def _given(cv: Splitter | Iterable[Split], data: Data, groups: np.ndarray) -> list[Split]:
    """The splits of somebody else, checked."""
    if hasattr(cv, "split"):
        found = list(cv.split(np.empty((len(data), 0)), data.y, groups))
    else:
        found = [(np.asarray(train), np.asarray(test)) for train, test in cv]
    for train, test in found:
        for rows in (train, test):
            if not len(rows) or rows.min() < 0 or rows.max() >= len(data):
                raise InputError(
                    f"`cv`: the rows of a split are numbers from 0 to {len(data) - 1:,}, at least one each"
                )
        if np.isin(test, train).any():
            raise InputError("`cv`: a split trains on rows that it tests")
    if not found:
        raise InputError("`cv`: there is no split in it")
    return found


def _by_column(data: Data, groups: np.ndarray) -> tuple[list[Split], dict[str, Any]]:
    """The split that the table brings; training rows whose text is also tested are left out."""
    if data.split is None:
        raise InputError(f"`by_split`: {data.path} has no split column; embed a table with its `split_column` named")
    names = np.array([name.strip().lower() for name in data.split])
    train, test = np.flatnonzero(np.isin(names, TRAIN)), np.flatnonzero(np.isin(names, TEST))
    there = ", ".join(sorted(set(data.split)))
    if not len(train) or not len(test):
        raise InputError(f"`by_split`: the split column needs rows called train and rows called test; it has: {there}")
    kept = apart(train, test, groups)
    other = len(data) - len(train) - len(test)
    return [(kept, test)], {"kind": "split column", "left_out": len(train) - len(kept), "other_rows": other}


def _by_time(data: Data, groups: np.ndarray, column: str, share: float) -> tuple[list[Split], dict[str, Any]]:
    """The latest rows are tested, by a model of those before; rows of one time stay on one side."""
    data.group_by(column, "time_column")  # refuses ids of another column
    if not 0 < share < 1:
        raise InputError(f"`test_size={share:g}`: give the share of rows to test on, between 0 and 1")
    times = _times(data.ids or [], column)
    start = np.sort(times)[min(len(times) - 1, int(np.ceil((1 - share) * len(times))))]
    train, test = np.flatnonzero(times < start), np.flatnonzero(times >= start)
    if not len(train):
        raise InputError(f"`time_column={column!r}`: all rows are of one time; nothing is left to train on")
    kept = apart(train, test, groups)
    how = {"kind": "time", "column": column, "from": (data.ids or [])[int(test[np.argmin(times[test])])]}
    return [(kept, test)], how | {"left_out": len(train) - len(kept)}


def _times(cells: list[str], column: str) -> np.ndarray:
    """float64 or datetime64 ``[n]``: numbers, or dates and times as ISO 8601 writes them."""
    try:
        return np.array(cells, np.float64)
    except ValueError:
        pass
    try:
        return np.array([cell.strip().removesuffix("Z") for cell in cells], "datetime64[us]")
    except ValueError as error:
        raise InputError(f"`time_column={column!r}`: {error}; times are numbers or as 2026-11-28T09:30") from error
