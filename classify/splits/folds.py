"""Classes and groups -> pairs of row numbers (training, test); rows of one group stay on one side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stores.shared.errors import InputError

Split = tuple[np.ndarray, np.ndarray]  # training rows, test rows: sorted int64


def stratified_kfold(
    y: np.ndarray, groups: np.ndarray, k: int, seed: int, classes: list[str], option: str = ""
) -> list[Split]:
    """``k`` folds of like class frequencies; each row is tested once.

    The groups are what is dealt out, each with the class of its first row, so that a group of many rows, or one with
    rows of two classes, can make the folds differ a little. Several labels a row are dealt out by iterative
    stratification (Sechidis, Tsoumakas, Vlahavas 2011, "On the Stratification of Multi-Label Data").

    Args:
        y: int ``[n]``, classes; with several labels a row 0/1 ``[n, C]``.
        groups: int ``[n]``, equal for rows that must not be parted.
        k: number of folds, at least 2.
        seed: of the shuffling.
        classes: class names, for messages.
        option: what asked for the folds, for messages; ``--cv`` if empty.

    Raises:
        InputError: if k is less than 2 or some class has fewer than k groups.
    """
    option = option or f"--cv {k}"
    if k < 2:
        raise InputError(f"{option}: cross-validation needs at least 2 folds")
    first, inverse = _first_rows(groups)
    if y.ndim == 2:
        from iterstrat.ml_stratifiers import MultilabelStratifiedKFold as KFold

        _check_groups(len(first), k, option)
    else:
        from sklearn.model_selection import StratifiedKFold as KFold

        _check_classes(y[first], k, classes, option)
    deal = KFold(k, shuffle=True, random_state=seed)
    return [_rows(test, inverse) for _, test in deal.split(first, y[first])]


def holdout(y: np.ndarray, groups: np.ndarray, test_size: float, seed: int, classes: list[str]) -> list[Split]:
    """One split with about the share ``test_size`` of the groups, of like class frequencies, to test on.

    Args:
        y, groups, seed, classes: as ``stratified_kfold``.
        test_size: above 0 and below 1.

    Raises:
        InputError: if ``test_size`` is not between 0 and 1, or leaves a side without some class.
    """
    option = f"--test-size {test_size:g}"
    if not 0 < test_size < 1:
        raise InputError(f"{option}: give the share of rows to test on, between 0 and 1")
    first, inverse = _first_rows(groups)
    if y.ndim == 2:
        from iterstrat.ml_stratifiers import MultilabelStratifiedShuffleSplit as ShuffleSplit

        _check_groups(len(first), 2, option)
    else:
        from sklearn.model_selection import StratifiedShuffleSplit as ShuffleSplit

        _check_classes(y[first], 2, classes, option)
    deal = ShuffleSplit(1, test_size=test_size, random_state=seed)
    try:
        _, test = next(deal.split(first, y[first]))
    except ValueError as error:
        raise InputError(f"{option} of {len(first):,} different texts: {error}") from error
    return [_rows(test, inverse)]


def shrunk(train: np.ndarray, y: np.ndarray, groups: np.ndarray, share: float, seed: int) -> np.ndarray:
    """About the share ``share`` of the training rows, of like class frequencies, groups kept whole.

    With the same seed, the rows of a smaller share are among those of a larger one.
    """
    first, inverse = _first_rows(groups[train])
    order = np.random.default_rng(seed).permutation(len(first))
    kind = y[train][first] if y.ndim == 1 else np.unique(y[train][first], axis=0, return_inverse=True)[1].ravel()
    kept = np.zeros(len(first), bool)
    for c in np.unique(kind):
        own = order[kind[order] == c]
        kept[own[: max(1, round(share * len(own)))]] = True
    return train[kept[inverse]]


def apart(train: np.ndarray, test: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """The training rows whose group has no test row."""
    return train[~np.isin(groups[train], groups[test])]


def straddling(splits: Sequence[Split], groups: np.ndarray) -> int:
    """How many test rows have a row of their own group among the training rows, over all splits."""
    return int(sum(np.isin(groups[test], groups[train]).sum() for train, test in splits))


def _first_rows(groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First row of each group, and the group number 0 ... G - 1 of each row."""
    _, first, inverse = np.unique(groups, return_index=True, return_inverse=True)
    return first, inverse


def _rows(test_groups: np.ndarray, inverse: np.ndarray) -> Split:
    in_test = np.isin(inverse, test_groups)
    return np.flatnonzero(~in_test), np.flatnonzero(in_test)


def _check_classes(y: np.ndarray, least: int, classes: list[str], option: str) -> None:
    counts = np.bincount(y, minlength=len(classes))
    if counts.min() < least:
        few = counts.argmin()
        found = f"class {classes[few]!r} has {counts[few]} different texts"
        raise InputError(f"{option}: {found}, and each class needs at least {least}; lower it or add rows")


def _check_groups(n: int, least: int, option: str) -> None:
    if n < least:
        raise InputError(f"{option}: there are {n} different texts, and at least {least} are needed")
