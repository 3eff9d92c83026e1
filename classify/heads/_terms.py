"""Words and pairs of adjacent words as TF-IDF, for linear heads whose penalty is chosen inside each training set.

- Terms are counted once for all training sets. A set needs no vocabulary: document frequencies are counts over its
  rows, and terms that it has not seen get idf 0.
- Proportional columns are merged: terms of the same texts at the same rates have the same idf in all training sets,
  so that under an L2 penalty they are one column, of the root of their summed squares, exactly. All terms of one text
  alone become one column (SMS: 50,326 columns become 15,005).
- The solver is liblinear's dual coordinate descent: an epoch is two passes over the entries that are not zero.
"""

from __future__ import annotations

import weakref
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from classify.heads import _liblinear
from classify.heads._vocabulary import Vocabulary, counted
from stores.features import IdFeatures

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

DIGITS = 11  # to which the keys of two columns must agree to be called proportional
EPOCHS = 50  # of a fit on an inner fold, at most
LOOSE, TIGHT = 1e-2, 1e-3  # liblinear's tolerance: fits on inner folds, fits that are used
BLOCK = 8192  # rows that are weighted at a time
KEPT = 1 << 24  # entries of counted terms that are kept for the next head on the same texts


@dataclass(frozen=True)
class Terms:
    """The terms of ``n`` texts, proportional ones merged.

    Attributes:
        x: float64 ``[n, D]``, ``1 + log(count)``.
        column, share: of each term its merged column, and its part of the weight there.
        vocabulary: the terms.
        done: what has been fitted to them, by all that it depends on beside them.
    """

    x: csr_matrix
    column: np.ndarray
    share: np.ndarray
    vocabulary: Vocabulary
    done: dict[Hashable, Any] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, texts: IdFeatures, marks: bool) -> Terms:
        """Those of all texts; if they are not too many, they are counted once as long as somebody holds the texts."""
        found = cls.known(texts, marks)
        if found is None:
            vocabulary, counts = counted(texts, marks)
            found = cls(*_merged(counts), vocabulary)
            if found.x.nnz <= KEPT:
                if id(texts) not in _COUNTED:
                    weakref.finalize(texts, _COUNTED.pop, id(texts), None)
                _COUNTED.setdefault(id(texts), {})[marks] = found
        return found

    @classmethod
    def known(cls, texts: IdFeatures, marks: bool) -> Terms | None:
        """What ``of`` has counted before, None if it has not or they were too many."""
        return _COUNTED.get(id(texts), {}).get(marks)


_COUNTED: dict[int, dict[bool, Terms]] = {}  # by the id of the texts, which are alive


def _merged(x: csr_matrix) -> tuple[csr_matrix, np.ndarray, np.ndarray]:
    """One column for all that are proportional; of each old column its new one and its share of the length."""
    from scipy.sparse import csr_matrix

    n, d = x.shape
    squares = csr_matrix((x.data**2, x.indices, x.indptr), x.shape)
    length = np.sqrt(squares.T @ np.ones(n))  # of each column
    del squares
    # the product with a random vector, over the length, is equal for proportional columns, and for no others
    random = np.random.default_rng(0).standard_normal(n)
    key = np.round(x.T @ random / np.where(length > 0, length, 1), DIGITS)
    size = np.bincount(x.indices, minlength=d)
    order = np.lexsort((key, size))
    new = np.append(True, (np.diff(key[order]) != 0) | (np.diff(size[order]) != 0))[:d]
    column = np.empty(d, np.int64)
    column[order] = np.cumsum(new) - 1
    first = order[new]  # one of each kind stands for all
    whole = np.sqrt(np.bincount(column, length**2, minlength=len(first)))
    is_first = np.zeros(d, bool)
    is_first[first] = True
    kept = is_first[x.indices]
    ends = np.append(0, np.cumsum(kept, dtype=x.indptr.dtype))[x.indptr]
    indices = column.astype(x.indices.dtype)[x.indices[kept]]
    scale = whole / np.where(length[first] > 0, length[first], 1)
    merged = csr_matrix((x.data[kept] * scale[indices], indices, ends), (n, len(first)))
    merged.sort_indices()
    return merged, column, length / np.where(whole > 0, whole, 1)[column]


def inverse_frequency(train: csr_matrix) -> np.ndarray:
    """``log((1 + n) / (1 + df)) + 1`` over the training rows, as scikit-learn smooths it; 0 for terms not there."""
    seen = np.bincount(train.indices, minlength=train.shape[1])
    return np.where(seen > 0, np.log((1 + train.shape[0]) / (1 + seen)) + 1, 0)


def weighted(x: csr_matrix, idf: np.ndarray, copy: bool = True) -> csr_matrix:
    """TF-IDF of all rows, each of length 1 (a row without known terms of length 0); in place of ``x`` if no copy."""
    from scipy.sparse import csr_matrix

    data = np.empty(x.nnz) if copy else x.data
    for start in range(0, x.shape[0], BLOCK):
        ends = x.indptr[start : start + BLOCK + 1]
        some, sizes = slice(ends[0], ends[-1]), np.diff(ends)
        tfidf = x.data[some] * idf[x.indices[some]]
        rows = np.repeat(np.arange(len(sizes)), sizes)
        length = np.sqrt(np.bincount(rows, tfidf**2, minlength=len(sizes)))
        data[some] = tfidf / np.where(length > 0, length, 1)[rows]
    return csr_matrix((data, x.indices, x.indptr), x.shape)


def fit_linear(
    x: csr_matrix, targets: np.ndarray, sample_weight: np.ndarray | None, penalty: float, final: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Logistic regressions of 0/1 columns ``[m, c]``: weights ``[D, c]`` and intercepts ``[c]``.

    liblinear penalises the intercept as a weight of its own; of the objective that is less than 1e-4 here.
    """
    epochs, tolerance = (1000, TIGHT) if final else (EPOCHS, LOOSE)
    weights, intercepts = np.zeros((x.shape[1], targets.shape[1])), np.zeros(targets.shape[1])
    for c, target in enumerate(targets.T):
        if not x.shape[1]:  # no text has a term: what is known is how frequent the class is
            share = np.average(target, weights=sample_weight)
            intercepts[c] = np.log(share / (1 - share))
            continue
        found = _liblinear.solve(x, target, sample_weight, penalty, tolerance, epochs)
        weights[:, c], intercepts[c] = found[:-1], found[-1]
    return weights, intercepts


def logits(x: csr_matrix, weights: np.ndarray, intercepts: np.ndarray) -> np.ndarray:
    """float64 ``[n, c]``."""
    return x @ weights + intercepts


def one_column_each(y: np.ndarray, n_classes: int) -> np.ndarray:
    """0/1 targets: a column for two classes, else one a class or label."""
    if y.ndim == 2:
        return y
    return (y == 1).astype(int)[:, None] if n_classes == 2 else np.eye(n_classes, dtype=int)[y]


def probabilities_of(z: np.ndarray, multilabel: bool) -> np.ndarray:
    """Of logits ``[n, c]``: two classes ``[n, 2]``; more, each against the rest, scaled to sum 1; labels."""
    tail = np.exp(-np.abs(z))
    p = np.where(z > 0, 1, tail) / (1 + tail)
    if multilabel:
        return p
    return np.hstack([1 - p, p]) if z.shape[1] == 1 else p / np.maximum(p.sum(1, keepdims=True), 1e-300)


def valley(losses: dict[float, float], penalties: Sequence[float], start: int) -> float | None:
    """The next penalty to try, walking downhill from ``start`` over rising ``penalties``; None at the lowest.

    The loss over the logarithm of the penalty has one valley, so its neighbours tell whether a value is the lowest.
    """
    tried = [i for i, c in enumerate(penalties) if c in losses]
    if not tried:
        return penalties[start]
    best = min(tried, key=lambda i: losses[penalties[i]])
    for near in (best + 1, best - 1):
        if 0 <= near < len(penalties) and penalties[near] not in losses:
            return penalties[near]
    return None
