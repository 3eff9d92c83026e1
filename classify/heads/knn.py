"""``knn``: the classes of the most similar training texts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from scipy import sparse

from classify.heads._sklearn import fit_terms, term_counts
from classify.heads.base import Head, HeadFitOptions, X, vectors
from stores.features import IdFeatures
from stores.shared.errors import InputError

BLOCK = 512  # rows that are compared at a time with all training rows


@dataclass
class KnnHead(Head):
    """The k nearest training texts by cosine, of vectors or of TF-IDF; each votes for its class.

    The probability of a class is its share of the votes, with the class frequencies of the training rows as one vote
    more, so that none is 0. Of equally near texts the first count. The model holds the vectors of all training rows.

    Options:
        k: how many neighbours vote, at least 1; chosen on inner folds unless it is given.
    """

    name = "knn"
    kinds = frozenset({"pooled", "ids"})
    grid: ClassVar[dict[str, tuple]] = {"k": (5, 10, 20, 50, 100)}
    k: int = 20

    def __post_init__(self) -> None:
        if self.k < 1:
            raise InputError(f"head knn: k={self.k} is not at least 1")

    def _fit(self, x: X, y: np.ndarray, how: HeadFitOptions) -> None:
        self.terms_ = fit_terms(x) if isinstance(x, IdFeatures) else None
        if self.terms_ == []:
            raise InputError("the training texts hold no term of two or more letters or digits; nothing to learn from")
        self.idf_ = np.ones(1)
        if self.terms_ is not None and isinstance(x, IdFeatures):
            seen = np.bincount(term_counts(x, self.terms_).indices, minlength=len(self.terms_))
            self.idf_ = np.log((1 + len(x)) / (1 + seen)) + 1  # as scikit-learn smooths it
        truth = y if self.multilabel_ else np.eye(len(self.seen_classes_))[y]
        weight = np.ones(len(y)) if how.sample_weight is None else how.sample_weight
        self.rows_ = self._rows(x)
        self.votes_ = np.column_stack([weight, truth * weight[:, None]])  # [m, 1 + C]: in all, and for each class
        self.prior_ = self.votes_[:, 1:].sum(0) / weight.sum()

    def _rows(self, x: X) -> np.ndarray | sparse.csr_matrix:
        """Rows of length 1: float32 ``[n, D]``, or sparse TF-IDF with ``1 + log(count)``; rows of zeros stay so."""
        if isinstance(x, IdFeatures) and self.terms_ is not None:
            counts = term_counts(x, self.terms_)
            counts.data = 1 + np.log(counts.data)
            found = (counts @ sparse.diags(self.idf_)).tocsr()
            length = np.sqrt(np.asarray(found.multiply(found).sum(1)).ravel())
            return (sparse.diags(1 / np.where(length > 0, length, 1)) @ found).tocsr()
        own = np.asarray(vectors(x), np.float32)
        length = np.linalg.norm(own, axis=1, keepdims=True)
        return own / np.where(length > 0, length, 1)

    def _predict_proba(self, x: X) -> np.ndarray:
        k = min(self.k, len(self.votes_))
        found = []
        for start in range(0, len(x), BLOCK):
            near = self._rows(x[np.arange(start, min(start + BLOCK, len(x)))]) @ self.rows_.T  # [b, m] cosines
            near = np.asarray(near.todense()) if sparse.issparse(near) else near
            least = np.partition(near, -k, axis=1)[:, [-k]]  # the k-th largest
            nearer = near > least
            level = (near == least) & (np.cumsum(near == least, 1) <= k - nearer.sum(1, keepdims=True))
            votes = (nearer | level).astype(np.float64) @ self.votes_
            found.append((votes[:, 1:] + self.prior_) / (votes[:, :1] + 1))
        return np.concatenate(found)

    def _save(self, folder: Path) -> None:
        parts = {"votes": self.votes_, "prior": self.prior_, "idf": self.idf_}
        if sparse.issparse(self.rows_):
            sparse.save_npz(folder / "rows.npz", self.rows_)
        else:
            np.save(folder / "rows.npy", self.rows_)
        np.savez(folder / "neighbours.npz", **parts)
        (folder / "terms.json").write_text(json.dumps(self.terms_, ensure_ascii=True), encoding="utf-8")

    def _load(self, folder: Path) -> None:
        self.terms_ = json.loads((folder / "terms.json").read_text(encoding="utf-8"))
        with np.load(folder / "neighbours.npz", allow_pickle=False) as file:
            self.votes_, self.prior_, self.idf_ = file["votes"], file["prior"], file["idf"]
        there = folder / "rows.npz"
        self.rows_ = sparse.load_npz(there) if there.exists() else np.load(folder / "rows.npy", allow_pickle=False)
