"""Paired tests between two classifiers on the same rows, and the correction for several of them; pure functions.

A test that has nothing to look at (no row on which the two differ, no spread between folds) says so with p = 1 or None.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

UNBOUNDED = ("log_loss",)  # a few sure mistakes of a head that is fitted hard decide it
EXACT_BELOW = 25  # discordant pairs, under which the chi-square approximation is not trusted


@dataclass(frozen=True)
class TestResult:
    """The outcome of a test.

    Attributes:
        method: which test.
        statistic: its value; None where it has none.
        p: two-sided; None where the test cannot be made.
    """

    method: str
    statistic: float | None
    p: float | None


@dataclass(frozen=True)
class PairedDifference:
    """A difference of two scores on the same rows.

    Attributes:
        value: first minus second.
        error: its standard error, the luck of training among it; None if it cannot be told.
        z: value / error; None where that is not defined.
        p: two-sided, of a standard normal z; None where there is none.
    """

    value: float
    error: float | None
    z: float | None
    p: float | None

    def within(self, margin: float) -> float | None:
        """Probability that the true difference lies within -margin and margin, as the normal curve has it."""
        if self.error is None:
            return None
        return self._below(margin) - self._below(-margin)

    def _below(self, at: float) -> float:
        if not self.error:
            return float(abs(self.value) <= at)
        return 0.5 * math.erfc((abs(self.value) - at) / (self.error * math.sqrt(2)))


def discordant(right_a: np.ndarray, right_b: np.ndarray, group: np.ndarray) -> tuple[int, int]:
    """In how many groups a, and in how many b, has more predictions right.

    Rows with the same text, and repeated predictions of a row, are no independent evidence, so that a group counts
    once. Where each row is a group of its own these are McNemar's two counts.

    Args:
        right_a, right_b: bool ``[t]``, whether each prediction is right.
        group: int ``[t]``.
    """
    _, inverse = np.unique(group, return_inverse=True)
    ahead = np.bincount(inverse, right_a.astype(float) - right_b)
    return int((ahead > 0).sum()), int((ahead < 0).sum())


def mcnemar(a: int, b: int) -> TestResult:
    """Whether a is right where b is wrong as often as the other way round (McNemar 1947).

    With fewer than 25 discordant pairs the exact binomial test, otherwise chi-square with one degree of freedom and
    Edwards' (1948) correction for continuity, (|a - b| - 1)^2 / (a + b); Fleiss, Levin, Paik 2003, "Statistical
    Methods for Rates and Proportions", section 13.1.

    Args:
        a, b: discordant pairs in favour of the one and of the other.
    """
    from scipy.stats import binom, chi2

    if a + b < EXACT_BELOW:
        return TestResult("exact binomial", None, min(1.0, 2 * float(binom.cdf(min(a, b), a + b, 0.5))))
    statistic = max(abs(a - b) - 1, 0) ** 2 / (a + b)
    return TestResult("chi-square, corrected for continuity", statistic, float(chi2.sf(statistic, 1)))


def bootstrap_p(differences: np.ndarray) -> float | None:
    """Two-sided p of a difference from its bootstrap resamples: twice the smaller share on either side of 0.

    It is below 0.05 when the 95 % percentile interval leaves out 0. One is added to counts and resamples, so that p is
    never 0 (Davison, Hinkley 1997, "Bootstrap Methods and their Application", section 4.2.3).

    Args:
        differences: ``[B]``; resamples without a value (NaN) are left out. None if none has one.
    """
    defined = differences[~np.isnan(differences)]
    if not len(defined):
        return None
    side = min((defined <= 0).sum(), (defined >= 0).sum())
    return min(1.0, 2 * float(side + 1) / (len(defined) + 1))


def luck_of_training(rarest: int, freedom: float = 0.0) -> float:
    """By how much the spread of a score is larger than its rows alone make it, since models of other rows differ, too.

    The square root of 1 + 5 / sqrt(m) + 4 d / n for m rows of the rarest class and ``freedom`` d / n: 1.6 at 10 rows,
    1.15 at 250. The form and the first constant were fitted to simulations with real training; the second is that of
    the intervals. See ``tools/simulate_verdicts.py`` and docs.

    Args:
        rarest: m.
        freedom: directions in which a head can be fitted by chance (``effective_directions``) for each row; 0 for
            metrics that are not in ``UNBOUNDED``.
    """
    return math.sqrt(1 + 5 / math.sqrt(max(rarest, 1)) + 4 * freedom)


def paired_z(
    difference: float, resampled: np.ndarray, rarest: int, by_fold: float = 0.0, freedom: float = 0.0
) -> PairedDifference:
    """The difference of two scores on the same rows against its standard error.

    The standard error is the spread of the difference over bootstrap resamples of the rows (by group), times the luck
    of training: resampling alone takes the models as they are, and calls equal learners different too often. What the
    folds say of it, which sees heads that are fitted hard to few rows, is added as another variance.

    Args:
        difference: of the scores on all rows.
        resampled: ``[B]``, the same on each resample; those without a value (NaN) are left out.
        rarest: rows (groups) of the rarest class.
        by_fold: standard error of the mean difference over the folds, see ``corrected_error``; 0 where there is none.
        freedom: see ``luck_of_training``; of the two runs the larger.
    """
    values = resampled[~np.isnan(resampled)]
    error = float(values.std(ddof=1)) * luck_of_training(rarest, freedom) if len(values) > 1 else float("nan")
    error = math.hypot(error, by_fold if math.isfinite(by_fold) else 0.0)
    if not math.isfinite(error) or not math.isfinite(difference):
        return PairedDifference(difference, None, None, None)
    if error == 0:
        return PairedDifference(difference, 0.0, None, 0.0 if difference else 1.0)
    z = difference / error
    return PairedDifference(difference, error, z, math.erfc(abs(z) / math.sqrt(2)))


def corrected_error(differences: np.ndarray, train: float, test: float) -> float:
    """Standard error of the mean of ``differences`` over folds, see ``resampled_t``; NaN for fewer than two."""
    values = differences[~np.isnan(differences)]
    if len(values) < 2:
        return float("nan")
    return math.sqrt((1 / len(values) + test / train) * float(values.var(ddof=1)))


def resampled_t(differences: np.ndarray, train: float, test: float) -> TestResult:
    """Corrected resampled t-test over folds (Nadeau, Bengio 2003, "Inference for the Generalization Error", eq. 9).

    Folds share training rows, so their differences vary less than independent ones would: the variance of the mean is
    taken as (1 / J + test / train) times that of the differences, with J - 1 degrees of freedom.

    Args:
        differences: ``[J]``, of the scores of two classifiers in each fold.
        train, test: rows that each fold was trained and tested on.
    """
    from scipy.stats import t

    method = "corrected resampled t-test"
    values = differences[~np.isnan(differences)]
    if len(values) < 2:
        return TestResult(method, None, None)
    if values.std() == 0:
        return TestResult(method, None, None if values[0] else 1.0)
    statistic = float(values.mean() / corrected_error(values, train, test))
    return TestResult(method, statistic, float(2 * t.sf(abs(statistic), len(values) - 1)))


def holm(p: Sequence[float | None]) -> list[float | None]:
    """p-values corrected for their number (Holm 1979, "A Simple Sequentially Rejective Multiple Test Procedure").

    Args:
        p: None where there was no test; these are not counted.
    """
    order = sorted((value, i) for i, value in enumerate(p) if value is not None)
    corrected: list[float | None] = [None] * len(p)
    largest = 0.0
    for rank, (value, i) in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - rank) * value))
        corrected[i] = largest
    return corrected


def joined_groups(groups: Sequence[np.ndarray]) -> np.ndarray:
    """Groups that part no group of any of these: int ``[t]``, each named by the smallest name in the first of them.

    Texts that are cleaned in different ways are identical in different ways.

    Args:
        groups: int ``[t]`` each.
    """
    joined = groups[0]
    for other in groups[1:]:
        if not np.array_equal(joined, other):
            joined = _join(joined, other)
    return joined


def _join(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Connected components of the graph in which a row ties its group in ``a`` to its group in ``b``."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    names, left = np.unique(a, return_inverse=True)
    _, right = np.unique(b, return_inverse=True)
    right = right + len(names)
    size = right.max() + 1
    _, component = connected_components(coo_matrix((np.ones(len(a)), (left, right)), shape=(size, size)), False)
    smallest = np.full(component.max() + 1, np.iinfo(np.int64).max)
    np.minimum.at(smallest, component[: len(names)], names)
    return smallest[component[left]]
