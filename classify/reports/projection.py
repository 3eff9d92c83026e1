"""Features -> places on a plane, and which rows are out of place among the features themselves."""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np

from classify.solvers.blockwise import shared_out
from stores.shared.cores import one_thread_a_product
from stores.shared.distribution import pip_install
from stores.shared.errors import InputError
from stores.shared.suggest import listing

DENSE = 512  # rows or columns up to which the components come from a symmetric matrix of this size
PROJECTIONS = {"pca": "principal components", "tsne": "t-SNE", "umap": "UMAP"}
REDUCED = 50  # principal components that t-SNE and UMAP see, as van der Maaten and Hinton 2008 did it
PERPLEXITY = 30.0
NEIGHBOURS = 10
ASTRAY = 8  # of the neighbours that are of one other class, where none is of the row's own
WORK = 1e10  # multiplications for the neighbours of all rows; of more rows a sample is looked at
BLOCK = 512  # rows whose distances are in memory at once
GROUP = 16  # columns whose minimum is looked at first


@dataclass(frozen=True)
class Spots:
    """Rows on a plane.

    Attributes:
        prediction: int ``[m]``, which prediction each spot is of.
        place: float ``[m, 2]``; what lies far out is moved to the edge, or all else would be one blot.
        share: float ``[2]``, of the variance along each axis; None where axes mean nothing.
        outside: how many were moved.
        projection: ``pca``, ``tsne`` or ``umap``.
        alone: bool ``[m]``, far from its nearest neighbours.
        astray: bool ``[m]``, among rows of one other class.
    """

    prediction: np.ndarray
    place: np.ndarray
    share: np.ndarray | None
    outside: int
    projection: str
    alone: np.ndarray
    astray: np.ndarray


def check_projection(name: str) -> None:
    """Raise ``InputError`` if there is none of this name, or its package is missing."""
    if name not in PROJECTIONS:
        raise InputError(f"`projection={name!r}`: choose one of {listing(name, PROJECTIONS)}")
    if name == "umap" and find_spec("umap") is None:
        command = pip_install("umap-learn", "umap")
        raise InputError(f"`projection='umap'` needs the package umap-learn: {command}; `projection='tsne'` needs none")


def project(
    vectors: np.ndarray, prediction: np.ndarray, answer: np.ndarray | None = None, projection: str = "pca"
) -> Spots:
    """The map of ``vectors`` ``[m, D]``; of principal components each axis points to its largest value.

    Args:
        vectors: features.
        prediction: int ``[m]``.
        answer: int ``[m]``, the class of each row; without it none is astray.
        projection: a key of ``PROJECTIONS``. t-SNE and UMAP begin with seed 0, and take seconds to minutes.
    """
    with one_thread_a_product():
        return _projected(vectors, prediction, answer, projection)


def _projected(vectors: np.ndarray, prediction: np.ndarray, answer: np.ndarray | None, projection: str) -> Spots:
    centred = vectors - vectors.mean(0, dtype=np.float64)
    share: np.ndarray | None = None
    if projection == "pca" or len(vectors) < 2 * NEIGHBOURS:
        projection = "pca"
        place = _components(centred, 2)
        place *= np.where(place[np.abs(place).argmax(0), [0, 1]] < 0, -1, 1)
        share = (place**2).sum(0) / max((centred**2).sum(), np.finfo(float).tiny)
    else:
        place = _embedded(_components(centred, min(REDUCED, *vectors.shape)).astype(np.float32), projection)
    low, high = np.quantile(place, [0.01, 0.99], axis=0)
    inside = np.clip(place, low - (high - low) / 2, high + (high - low) / 2)
    alone, astray = out_of_place(centred.astype(np.float32), answer)
    return Spots(prediction, inside, share, int((inside != place).any(1).sum()), projection, alone, astray)


def _components(centred: np.ndarray, number: int) -> np.ndarray:
    """The first principal components ``[m, number]`` of ``centred`` ``[m, D]``; zeros where there are fewer."""
    axes = _first_axes(centred, number)
    found = np.zeros((len(centred), number))
    found[:, : len(axes)] = centred @ axes.T
    return found


def _first_axes(centred: np.ndarray, number: int) -> np.ndarray:
    """The right singular vectors of the largest singular values, ``[number, D]``, of ``centred`` ``[m, D]``.

    The smaller of X'X and XX' has the same directions: its eigenvectors.
    """
    rows, columns = centred.shape
    size = min(rows, columns)
    if size > DENSE:
        from scipy.sparse.linalg import svds

        # the rows of centred sum to nothing, so a start of ones would lie in the null space: take a random one
        start = np.random.default_rng(0).normal(size=size).astype(np.float32)
        _, _, axes = svds(centred.astype(np.float32), number, v0=start)
        return axes[::-1]
    if size <= number:
        return np.linalg.svd(centred, full_matrices=False)[2][:number]
    if columns <= rows:
        return np.linalg.eigh(centred.T @ centred)[1].T[: -number - 1 : -1]
    axes = np.linalg.eigh(centred @ centred.T)[1].T[: -number - 1 : -1] @ centred
    return axes / np.maximum(np.linalg.norm(axes, axis=1, keepdims=True), np.finfo(float).tiny)


def _embedded(reduced: np.ndarray, projection: str) -> np.ndarray:
    """Float ``[m, 2]`` by t-SNE (van der Maaten, Hinton 2008) or UMAP (McInnes et al. 2018)."""
    if projection == "umap":
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # umap loads TensorFlow if it is there, which talks
        import umap  # type: ignore[import-not-found]

        return np.asarray(umap.UMAP(random_state=0, n_jobs=1).fit_transform(reduced), np.float64)
    from sklearn.manifold import TSNE

    perplexity = min(PERPLEXITY, (len(reduced) - 1) / 3)
    return np.asarray(TSNE(perplexity=perplexity, random_state=0).fit_transform(reduced), np.float64)


def out_of_place(vectors: np.ndarray, answer: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Which rows are alone, and which are astray, bool ``[m]`` each, by their 10 nearest rows in all dimensions.

    Alone: the mean distance to these lies beyond Tukey's (1977) outer fence, the third quartile and three times the
    interquartile range. Astray: none of them is of its class, and 8 or more are of one other. Where there are many
    rows, the neighbours are looked for in a sample of them, drawn with seed 0, so that it takes about a second.

    Args:
        vectors: float32 ``[m, D]``.
        answer: int ``[m]``, class (or combination of labels) of each row.
    """
    rows, columns = vectors.shape
    alone, astray = np.zeros((2, rows), bool)
    if rows <= 2 * NEIGHBOURS:
        return alone, astray
    size = int(np.clip(WORK / (rows * columns), 100 * NEIGHBOURS, rows)) if rows > 100 * NEIGHBOURS else rows
    sample = np.sort(np.random.default_rng(0).choice(rows, size, replace=False))
    others = vectors[sample]
    squares = (others**2).sum(1)
    distance = np.empty(rows)

    def look(some: range) -> None:
        for start in range(some.start, some.stop, BLOCK):
            ids = np.arange(start, min(start + BLOCK, some.stop))
            own = vectors[ids]
            far = own @ others.T
            far *= -2
            far += squares  # squared distance less the row's own square
            at = np.minimum(np.searchsorted(sample, ids), size - 1)
            same = np.flatnonzero(sample[at] == ids)
            far[same, at[same]] = np.inf  # a row is no neighbour of its own
            nearest, squared = _smallest(far)
            distance[ids] = np.sqrt(np.maximum(squared + (own**2).sum(1)[:, None], 0)).mean(1)
            if answer is not None:
                found = np.sort(answer[sample[nearest]], axis=1)
                most = found[:, NEIGHBOURS // 2]  # of 8 equal ones in order, the middle is one
                agree = (found == most[:, None]).sum(1)
                own_class = (found == answer[ids][:, None]).any(1)
                astray[ids] = (agree >= ASTRAY) & ~own_class

    for _ in shared_out(look, rows):
        pass
    first, third = np.quantile(distance, [0.25, 0.75])
    alone = distance > third + 3 * (third - first)
    return alone & (third > first), astray


def _smallest(far: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Columns and values of the 10 smallest of each row of ``far`` ``[m, n]``, ``[m, 10]`` each.

    Columns are taken together in groups: the 10 smallest values lie in the 10 groups with the smallest minima, since
    a group left out has 10 smaller values before it. Minima are quick to find; only these groups are put in order.
    """
    rows, columns = far.shape
    width = columns // GROUP if columns > 100 * NEIGHBOURS else columns  # group g: columns g, g + width, ...
    whole = far[:, : columns // width * width].reshape(rows, -1, width)
    best = np.argpartition(whole.min(1), NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
    members = (best[:, None, :] + width * np.arange(whole.shape[1])[:, None]).reshape(rows, -1)
    rest = np.broadcast_to(np.arange(whole.shape[1] * width, columns), (rows, columns % width))
    members = np.concatenate([members, rest], axis=1)
    values = np.take_along_axis(far, members, 1)
    if values.shape[1] > NEIGHBOURS:
        order = np.argpartition(values, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
        members, values = np.take_along_axis(members, order, 1), np.take_along_axis(values, order, 1)
    return members, values
