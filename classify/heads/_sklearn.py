"""Heads that are a scikit-learn pipeline, over vectors or over term counts."""

from __future__ import annotations

import json
import re
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from classify.heads.base import Head, HeadFitOptions, X
from stores.features import IdFeatures
from stores.shared.errors import FailureError, InputError

Estimator = Any  # of scikit-learn, which is not imported for its name
TERM = re.compile(r"\b\w\w+\b")


def fit_terms(x: IdFeatures) -> list[str]:
    """The distinct terms of ``x``, sorted."""
    used = np.unique(x.ids)
    return sorted({term for i in used for term in TERM.findall(x.vocabulary[i].lower())})


def term_counts(x: IdFeatures, terms: list[str]) -> sparse.csr_matrix:
    """float64 ``[n, len(terms)]``: how often each term occurs in each text; other terms are left out."""
    column = {term: i for i, term in enumerate(terms)}
    pairs = [
        (token, column[term])
        for token, name in enumerate(x.vocabulary)
        for term in TERM.findall(name.lower())
        if term in column
    ]
    token, term = np.array(pairs, np.int64).reshape(-1, 2).T
    which = sparse.csr_matrix((np.ones(len(token)), (token, term)), shape=(len(x.vocabulary), len(terms)))
    ids = x.ids
    tokens = sparse.csr_matrix((np.ones(len(ids)), ids, x.offsets), shape=(len(x), len(x.vocabulary)))
    counts = (tokens @ which).tocsr()
    counts.sort_indices()
    return counts


@dataclass
class SklearnHead(Head):
    """A subclass builds the pipeline; it is kept with skops, which needs no pickle."""

    kinds = frozenset({"pooled", "ids"})

    @abstractmethod
    def _pipeline(self, counts: bool, seed: int) -> Estimator:
        """An unfitted estimator, for term counts (sparse, float64) or for vectors (float32 ``[n, D]``)."""

    def _fit(self, x: X, y: np.ndarray, how: HeadFitOptions) -> None:
        from sklearn.multiclass import OneVsRestClassifier

        self.terms_ = fit_terms(x) if isinstance(x, IdFeatures) else None
        if self.terms_ == []:
            raise InputError("the training texts hold no term of two or more letters or digits; nothing to learn from")
        model = self._pipeline(self.terms_ is not None, how.seed)
        if self.multilabel_:
            self.model_ = OneVsRestClassifier(model).fit(self._matrix(x), y)
        else:
            sample_weight = (
                {} if how.sample_weight is None else {f"{model.steps[-1][0]}__sample_weight": how.sample_weight}
            )
            self.model_ = model.fit(self._matrix(x), y, **sample_weight)

    def _predict_proba(self, x: X) -> np.ndarray:
        return self.model_.predict_proba(self._matrix(x))

    def _matrix(self, x: X) -> object:
        return term_counts(x, self.terms_) if isinstance(x, IdFeatures) and self.terms_ is not None else x

    def _save(self, folder: Path) -> None:
        from skops.io import dump

        dump(self.model_, folder / "model.skops")
        (folder / "terms.json").write_text(json.dumps(self.terms_, ensure_ascii=True), encoding="utf-8")

    def _load(self, folder: Path) -> None:
        self.model_, self.terms_ = load_pipeline(folder, self.trusted_types)


def load_pipeline(folder: Path, trusted_types: Sequence[str]) -> tuple[Any, list[str] | None]:
    """The estimator and the terms that were saved, without running anything of a type that is not known.

    Raises:
        FailureError: if the file holds such a type.
    """
    from skops.io import get_untrusted_types, load

    strange = set(get_untrusted_types(file=folder / "model.skops")) - set(trusted_types)
    if strange:
        raise FailureError(f"{folder / 'model.skops'} holds code of unknown type {min(strange)}; it is not loaded")
    model = load(folder / "model.skops", trusted=list(trusted_types))
    return model, json.loads((folder / "terms.json").read_text(encoding="utf-8"))
