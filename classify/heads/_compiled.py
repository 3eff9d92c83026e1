"""Estimators whose compiled code believes the indices in them: compared after they were read, before they are used.

A file that was changed could else send scikit-learn outside of its memory: to nodes that are not there, columns that
rows have not, support vectors beyond the last.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

DEEPEST = 12  # estimators inside estimators


def check_indices(model: object) -> None:
    """Look at a fitted estimator and all that are in it.

    Raises:
        ValueError: if an index points out of what there is.
    """
    for part in _parts(model):
        held = vars(part) if hasattr(part, "__dict__") else {}
        width = held.get("n_features_in_")
        if "tree_" in held:
            _check_tree(held["tree_"], width)
        for predictor in np.ravel(np.array(held.get("_predictors", []), object)).tolist():
            _check_nodes(predictor.nodes, width)
        if "_n_support" in held:
            _check_support(part)
        if type(part).__module__ == "sklearn.ensemble._gb":
            for tree in held["estimators_"].ravel().tolist():
                _check_tree(tree.tree_, width)


def _check_tree(tree: Any, width: int | None) -> None:  # noqa: ANN401
    """Of ``tree_``: children lie further down, columns are those of the rows."""
    leaf = tree.children_left == -1
    _check(tree.n_features == width)
    _check_children(tree.children_left, tree.children_right, tree.feature, leaf, width)


def _check_nodes(nodes: np.ndarray, width: int | None) -> None:
    """Of a tree on histograms; without categories."""
    leaf = nodes["is_leaf"].astype(bool)
    _check(not nodes["is_categorical"].any())
    _check_children(nodes["left"], nodes["right"], nodes["feature_idx"], leaf, width)


def _check_children(
    left: np.ndarray, right: np.ndarray, feature: np.ndarray, leaf: np.ndarray, width: int | None
) -> None:
    here, inner = np.arange(len(left)), ~leaf
    for child in (left.astype(np.int64), right.astype(np.int64)):
        _check(((child > here) & (child < len(here)))[inner].all())
    _check(width is not None and ((feature >= 0) & (feature < width))[inner].all())


def _check_support(machine: Any) -> None:  # noqa: ANN401
    """Of a support vector machine with a kernel: as many vectors and weights as it says."""
    counts, vectors = np.asarray(machine._n_support), machine.support_vectors_
    _check((counts >= 0).all() and counts.sum() == len(vectors) == len(machine.support_))
    _check(vectors.shape[1] == machine.n_features_in_)
    classes = len(machine.classes_)
    _check(machine._dual_coef_.shape == (classes - 1, len(vectors)) and len(counts) == classes)
    _check(len(machine._intercept_) == classes * (classes - 1) // 2)


def _check(good: object) -> None:
    if not good:
        raise ValueError("an index in it points out of what there is")


def _parts(value: object, depth: int = 0) -> Iterator[object]:
    """An estimator and all that is in it."""
    if depth > DEEPEST:
        raise ValueError("its estimators are nested too deeply")
    if isinstance(value, dict):
        inner: Any = value.values()
    elif isinstance(value, list | tuple):
        inner = value
    elif isinstance(value, np.ndarray):
        inner = value.ravel().tolist() if value.dtype == object else ()
    elif type(value).__module__.partition(".")[0] == "sklearn":
        yield value
        inner = vars(value).values() if hasattr(value, "__dict__") else ()
    else:
        return
    for item in inner:
        yield from _parts(item, depth + 1)
