"""Several runs -> their out-of-fold predictions row by row, so that they can be compared and combined."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import numpy as np

from classify.runs import Run
from classify.scoring.predictions import Predictions
from classify.sources import tables_of
from stores.shared.errors import InputError


def names(runs: Sequence[Run]) -> list[str]:
    """What to call each run: the name of its folder where that tells it from the others, else the whole path."""
    short = [run.folder.resolve().name for run in runs]
    return [name if short.count(name) == 1 else str(run.folder) for name, run in zip(short, runs, strict=True)]


def align(runs: Sequence[Run], common: bool = False) -> list[Predictions]:
    """The predictions of each run, in the order of their lines; equal places are the same row, with the same label.

    A row that is predicted several times (repeated folds) is there several times: its first prediction stands beside
    the first of the others, and so on.

    Args:
        runs: of one table.
        common: whether rows that some runs did not test are left out; otherwise that is a mistake.

    Raises:
        InputError: if the rows, their labels or the classes differ, or there is no row in common.
        FailureError: if the predictions of a run cannot be read.
    """
    called = names(runs)
    if twice := [name for name in called if called.count(name) > 1]:
        raise InputError(f"{twice[0]} is named twice; give each run once")
    for name, run in zip(called, runs, strict=True):
        _check_classes(called[0], runs[0], name, run)
        _check_tables(called[0], runs[0], name, run, common)
    predictions = [run.predictions() for run in runs]
    keys = _keys(predictions)
    shared = reduce(np.intersect1d, keys)
    for name, own in zip(called, predictions, strict=True):
        if not common and (len(own) != len(predictions[0]) or len(shared) != len(own)):
            lines = [set(predictions[0].line.tolist()), set(own.line.tolist())]
            apart = sorted(lines[0] ^ lines[1])
            first = f"the first that only one of them has is line {apart[0]}; " if apart else ""
            if apart or len(own) != len(predictions[0]):
                raise InputError(
                    f"{called[0]} and {name} did not test the same rows ({len(predictions[0]):,} and {len(own):,} "
                    f"predictions); {first}`common=True` takes the rows that all have"
                )
    if not len(shared):
        raise InputError(f"{', '.join(called)}: no row was tested by all of them")
    aligned: list[Predictions] = []
    for name, own, other in zip(called, predictions, keys, strict=True):
        order = np.argsort(other)
        aligned.append(own.take(order[np.searchsorted(other[order], shared)]))
        moved = np.flatnonzero(aligned[-1].line != aligned[0].line)
        if len(moved):
            numbers = [int(p.line[moved[0]]) for p in (aligned[0], aligned[-1])]
            raise InputError(
                f"{called[0]} and {name} are not of the same table: a row is on line {numbers[0]} in the one and on "
                f"line {numbers[1]} in the other"
            )
        wrong = np.flatnonzero((aligned[-1].y != aligned[0].y).reshape(len(shared), -1).any(1))
        if len(wrong):
            raise InputError(
                f"{called[0]} and {name} are not of the same table: {len(wrong):,} rows have different labels, "
                f"the first on line {aligned[0].line[wrong[0]]}"
            )
    return aligned


def same_folds(aligned: Sequence[Predictions]) -> bool:
    """Whether aligned predictions come from the same folds."""
    return all(np.array_equal(aligned[0].fold, other.fold) for other in aligned)


def _keys(predictions: Sequence[Predictions]) -> list[np.ndarray]:
    """int64 ``[t]`` each: equal for the same row and the same number among the predictions of this row."""
    most = max(p.repeat.max(initial=0) for p in predictions) + 1
    return [p.row * most + p.repeat for p in predictions]


def _check_classes(first: str, a: Run, name: str, b: Run) -> None:
    pairs = {
        "problem": (a.recipe.problem, b.recipe.problem),
        "classes": (a.recipe.classes, b.recipe.classes),
        "positive": (a.recipe.positive, b.recipe.positive),
    }
    for what, (ours, theirs) in pairs.items():
        if ours != theirs:
            advice = "train one of them with positive= of the other" if what == "positive" else "take runs of one table"
            raise InputError(f"{first} and {name} differ in {what} ({_brief(ours)}; {_brief(theirs)}); {advice}")


def _brief(value: object) -> str:
    return ", ".join(map(str, value))[:100] if isinstance(value, list) else str(value)


def _check_tables(first: str, a: Run, name: str, b: Run, common: bool) -> None:
    """That both tested the same table: equal digests of its files, or of its split, which is drawn from its texts."""
    split = a.recipe.split.get("digest")
    if common or (split and split == b.recipe.split.get("digest")):
        return
    ours, theirs = (tables_of(run.recipe.features.tested()[0].source) for run in (a, b))
    digests = [[digest for _, digest in tables] for tables in (ours, theirs)]
    if all(digests[0]) and all(digests[1]) and sorted(digests[0]) != sorted(digests[1]):
        files = (", ".join(f"{file} {digest[:8]}" for file, digest in tables)[:100] for tables in (ours, theirs))
        raise InputError(
            f"{first} and {name} tested different tables ({'; '.join(files)}); "
            "`common=True` compares the rows that are alike by number, line and label"
        )
