"""Which rows are tested by a model trained on which: from the options of the command to a list of splits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from classify.data import Data
from classify.splits.folds import Split, apart, holdout, straddling, stratified_kfold
from stores.shared.errors import InputError

TRAIN, TEST = ("train", "training"), ("test", "testing", "eval")  # names of parts of a data set
FOLDS = 5


@dataclass(frozen=True)
class Splits:
    """What is tested how.

    Attributes:
        splits: training and test rows of each model.
        how: the same in words and numbers, JSON-able.
    """

    splits: list[Split]
    how: dict


@dataclass(frozen=True)
class Scheme:
    """How to split; at most one of ``cv``, ``test_size``, ``by_split``, ``splits`` and a test store (see ``Data``).

    Attributes:
        cv: number of stratified folds; 5 if nothing is given.
        repeats: how often the folds are drawn anew.
        test_size: share of the rows to hold out.
        by_split: whether the split column of the store decides.
        splits: pairs of row numbers (training, test) among the labelled rows; they are taken as they are.
        allow_duplicates: whether identical texts may sit on both sides.
    """

    cv: int | None = None
    repeats: int = 1
    test_size: float | None = None
    by_split: bool = False
    splits: Sequence[Split] | None = None
    allow_duplicates: bool = False

    def plan(self, data: Data, seed: int) -> Splits:
        """The splits of the labelled rows of ``data``.

        Raises:
            InputError: if two ways are asked for, or the rows do not suffice.
        """
        ways = {
            "--cv": self.cv,
            "--test-size": self.test_size,
            "--by-split": self.by_split or None,
            "--test": data.tested,
            "splits": self.splits,
        }
        asked = [name for name, value in ways.items() if value is not None]
        if len(asked) > 1:
            raise InputError(f"{asked[0]} and {asked[1]} exclude each other; give one of them")
        if self.repeats < 1 or (self.repeats > 1 and asked not in ([], ["--cv"])):
            raise InputError(f"--repeats {self.repeats}: only folds (--cv) can be repeated, once or more often")
        groups = data.id_groups if self.allow_duplicates else data.groups
        if self.splits is not None:
            how = {"kind": "given", "splits": len(self.splits)}
            made = list(self.splits)
        elif self.test_size is not None:
            made = holdout(data.y, groups, self.test_size, seed, data.classes)
            how = {"kind": "stratified hold-out", "test_size": self.test_size}
        elif self.by_split:
            made, how = _by_column(data, groups)
        elif data.tested is not None:
            train, test = np.flatnonzero(~data.tested), np.flatnonzero(data.tested)
            left = apart(train, test, groups)
            made, how = [(left, test)], {"kind": "test store", "left_out": len(train) - len(left)}
        else:
            k = FOLDS if self.cv is None else self.cv
            made = [
                pair
                for repeat in range(self.repeats)
                for pair in stratified_kfold(data.y, groups, k, seed + repeat, data.classes)
            ]
            how = {"kind": "stratified k-fold", "folds": k, "repeats": self.repeats}
        kept = [] if self.allow_duplicates else ["identical texts"]
        kept += [] if data.grouped_by is None else [f"rows of one {data.grouped_by}"]
        together = "nothing" if self.splits is not None or not kept else " and ".join(kept)
        return Splits(made, how | {"together": together, "test_rows_seen_in_training": straddling(made, data.groups)})


def _by_column(data: Data, groups: np.ndarray) -> tuple[list[Split], dict]:
    """The split that the table brings; training rows whose text is also tested are left out."""
    if data.split is None:
        raise InputError(f"--by-split: {data.path} has no split column; embed a table that has one (--split-column)")
    names = np.array([name.strip().lower() for name in data.split])
    train, test = np.flatnonzero(np.isin(names, TRAIN)), np.flatnonzero(np.isin(names, TEST))
    there = ", ".join(sorted(set(data.split)))
    if not len(train) or not len(test):
        raise InputError(f"--by-split: the split column needs rows called train and rows called test; it has: {there}")
    kept = apart(train, test, groups)
    other = len(data) - len(train) - len(test)
    return [(kept, test)], {"kind": "split column", "left_out": len(train) - len(kept), "other_rows": other}
