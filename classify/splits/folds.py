"""Classes and groups -> pairs of row numbers (training, test); rows of one group stay on one side.

Groups are dealt in an order that a seed and the key of each row decide, and nothing else: not the order of the rows,
the machine or a library. With keys made of the texts the split belongs to the table, for every encoder and cleaning.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stores.shared.errors import InputError

Split = tuple[np.ndarray, np.ndarray]  # training rows, test rows: sorted int64


def stratified_kfold(
    y: np.ndarray,
    groups: np.ndarray,
    k: int,
    seed: int,
    classes: Sequence[str],
    key: np.ndarray | None = None,
    asked: str = "",
) -> list[Split]:
    """``k`` folds of like class frequencies and sizes; each row is tested once.

    Each group has the class that most of its rows have. Groups of several rows are dealt first, the largest first, each
    to the fold with the fewest rows of its class; then the groups of one row fill up. Where a row may have several
    labels, its rarest label is its class, so that rare labels are spread evenly.

    Args:
        y: int ``[n]``, classes; with several labels a row 0/1 ``[n, C]``.
        groups: int ``[n]``, equal for rows that must not be parted.
        k: number of folds, at least 2.
        seed: of the order.
        classes: class names, for messages.
        key: uint64 ``[n]``, what the order of the groups is drawn from; the row numbers if None.
        asked: what asked for the folds, for messages; ``cv=k`` if empty.

    Raises:
        InputError: if k is less than 2 or some class has fewer than k groups.
    """
    asked = asked or f"`cv={k}`"
    if k < 2:
        raise InputError(f"{asked}: cross-validation needs at least 2 folds")
    found = _Groups(y, groups, key, seed)
    found.check(k, classes, asked)
    fold, rows = np.full(found.count, -1), np.zeros((found.kinds, k), np.int64)  # rows of each class in each fold
    large = np.flatnonzero(found.size > 1)
    for group in large[np.lexsort((found.order[large], -found.size[large]))].tolist():
        own = rows[found.kind[group]]
        fewest = np.flatnonzero(own == own.min())
        fold[group] = fewest[np.argmin(rows.sum(0)[fewest])]
        own[fold[group]] += found.size[group]
    for kind in range(found.kinds):
        single = np.flatnonzero((found.size == 1) & (found.kind == kind))
        single = single[np.argsort(found.order[single], kind="stable")]
        share = _filled_up(rows[kind], rows.sum(0), len(single))
        fold[single] = np.repeat(np.arange(k), share)
        rows[kind] += share
    tested = fold[found.of_row]
    return [(np.flatnonzero(tested != i), np.flatnonzero(tested == i)) for i in range(k)]


def holdout(
    y: np.ndarray,
    groups: np.ndarray,
    test_size: float,
    seed: int,
    classes: Sequence[str],
    key: np.ndarray | None = None,
) -> list[Split]:
    """One split with about the share ``test_size`` of the rows, of like class frequencies, to test on.

    Args:
        y, groups, seed, classes, key: as ``stratified_kfold``.
        test_size: above 0 and below 1.

    Raises:
        InputError: if ``test_size`` is not between 0 and 1, or leaves a side without some class.
    """
    asked = f"`test_size={test_size:g}`"
    if not 0 < test_size < 1:
        raise InputError(f"{asked}: give the share of rows to test on, between 0 and 1")
    found = _Groups(y, groups, key, seed)
    found.check(2, classes, asked)
    tested = np.zeros(found.count, bool)
    for kind in range(found.kinds):
        own = np.flatnonzero(found.kind == kind)
        if not len(own):
            continue
        own = own[np.argsort(found.order[own], kind="stable")]
        rows = np.cumsum(found.size[own])
        count = int(np.abs(np.append(0, rows) - test_size * rows[-1]).argmin())  # groups whose rows come closest
        if y.ndim == 1 and count in (0, len(own)):
            raise InputError(
                f"{asked}: of the {len(own)} different texts of class {classes[kind]!r} {count} would be tested; "
                f"each side needs one of each class"
            )
        tested[own[:count]] = True
    if tested.all() or not tested.any():
        side = "train" if tested.all() else "test"
        raise InputError(f"{asked} of {found.count} different texts leaves nothing to {side} on")
    in_test = tested[found.of_row]
    return [(np.flatnonzero(~in_test), np.flatnonzero(in_test))]


class _Groups:
    """The groups, each with its size, class, and place in the order.

    Attributes:
        of_row: int ``[n]``, the group of each row, 0 ... ``count`` - 1.
        size: int ``[G]``, its rows.
        kind: int ``[G]``, its class; where a row may have several labels the rarest that it has, or the last for none.
        order: uint64 ``[G]``, drawn from seed and key.
    """

    def __init__(self, y: np.ndarray, groups: np.ndarray, key: np.ndarray | None, seed: int) -> None:
        _, first, self.of_row = np.unique(groups, return_index=True, return_inverse=True)
        self.count, self.size = len(first), np.bincount(self.of_row)
        key = np.arange(len(y), dtype=np.uint64) if key is None else key
        least = np.full(self.count, np.iinfo(np.uint64).max, np.uint64)
        np.minimum.at(least, self.of_row, key)
        self.order = mixed(least ^ mixed(np.array([seed], np.uint64)))
        if y.ndim == 2:
            frequency = y.sum(0)
            rarity = np.where(y == 1, frequency, len(y) + 1)
            kind = np.where(y.any(1), rarity.argmin(1), y.shape[1])
            self.kinds, self.labels = y.shape[1] + 1, True
        else:
            kind, self.kinds, self.labels = y, int(y.max()) + 1, False
        rows = np.zeros((self.count, self.kinds), np.int32) if self.count * self.kinds < 1 << 26 else None
        if rows is None:  # too many classes and groups for a table: the class of the first row
            self.kind = kind[first]
        else:
            np.add.at(rows, (self.of_row, kind), 1)
            self.kind = rows.argmax(1)

    def check(self, least: int, classes: Sequence[str], asked: str) -> None:
        """Refuse fewer groups of a class than ``least``."""
        if self.labels:
            if self.count < least:
                raise InputError(f"{asked}: there are {self.count} different texts, and at least {least} are needed")
            return
        counts = np.bincount(self.kind, minlength=len(classes))
        if counts.min() < least:
            few = int(counts.argmin())
            found = f"class {classes[few]!r} has {counts[few]} different texts"
            raise InputError(
                f"{asked}: {found}, and each class needs at least {least}; lower it or add rows (texts that differ in"
                " case, digits, links, mentions and marks alone count once; `identical='bytes'` tells them apart)"
            )


def mixed(values: np.ndarray) -> np.ndarray:
    """uint64: each value turned into another that looks random (SplitMix64; Steele, Lea, Flood 2014)."""
    with np.errstate(over="ignore"):
        z = values + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def _filled_up(there: np.ndarray, total: np.ndarray, count: int) -> np.ndarray:
    """How many of ``count`` rows each fold gets, so that its rows ``there`` become as equal as they can.

    What is left over when all are equal goes to the folds with the fewest rows of all classes (``total``).
    """
    level = there.copy()
    while count:
        lowest = np.flatnonzero(level == level.min())
        higher = level[level > level.min()]
        room = (higher.min() - level.min()) * len(lowest) if len(higher) else count
        if count < len(lowest):
            lowest = lowest[np.argsort((total + level - there)[lowest], kind="stable")][:count]
            each = 1
        else:
            each = min(room, count) // len(lowest)
        level[lowest] += each
        count -= each * len(lowest)
    return level - there


def shrunk(
    train: np.ndarray, y: np.ndarray, groups: np.ndarray, share: float, seed: int, key: np.ndarray | None = None
) -> np.ndarray:
    """About the share ``share`` of the training rows, of like class frequencies, groups kept whole.

    With the same seed, the rows of a smaller share are among those of a larger one.
    """
    found = _Groups(y[train], groups[train], None if key is None else key[train], seed)
    kept = np.zeros(found.count, bool)
    for kind in np.unique(found.kind):
        own = np.flatnonzero(found.kind == kind)
        own = own[np.argsort(found.order[own], kind="stable")]
        kept[own[: max(1, round(share * len(own)))]] = True
    return train[kept[found.of_row]]


def apart(train: np.ndarray, test: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """The training rows whose group has no test row; ``InputError`` if there is none."""
    left = train[~np.isin(groups[train], groups[test])]
    if len(train) and not len(left):
        raise InputError("the texts of all training rows are among those to be tested; nothing is left to train on")
    return left


def straddling(splits: Sequence[Split], groups: np.ndarray) -> int:
    """How many test rows have a row of their own group among the training rows, over all splits."""
    return int(sum(np.isin(groups[test], groups[train]).sum() for train, test in splits))
