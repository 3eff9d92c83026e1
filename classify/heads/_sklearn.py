"""Heads that are a scikit-learn pipeline, over vectors or over term counts."""

from __future__ import annotations

import json
import re
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from classify.heads.base import Head, HeadFitOptions, X
from stores.features import IdFeatures
from stores.shared.errors import FailureError, InputError

if TYPE_CHECKING:
    from scipy import sparse

Estimator = Any  # of scikit-learn, which is not imported for its name
TERM = re.compile(r"\b\w\w+\b")


def fit_terms(x: IdFeatures) -> list[str]:
    """The distinct terms of ``x``, sorted."""
    used = np.unique(x.ids)
    return sorted({term for i in used for term in TERM.findall(x.vocabulary[i].lower())})


def term_counts(x: IdFeatures, terms: list[str]) -> sparse.csr_matrix:
    """float64 ``[n, len(terms)]``: how often each term occurs in each text; other terms are left out."""
    from scipy import sparse

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
    def _pipeline(self, counts: bool, seed: int, y: np.ndarray) -> Estimator:
        """An unfitted estimator, for term counts (sparse, float64) or vectors (float32 ``[n, D]``) of the classes y."""

    def _fit(self, x: X, y: np.ndarray, how: HeadFitOptions) -> None:
        self.terms_ = fit_terms(x) if isinstance(x, IdFeatures) else None
        if self.terms_ == []:
            raise InputError("the training texts hold no term of two or more letters or digits; nothing to learn from")
        matrix = self._matrix(x)
        if self.multilabel_:
            self.model_ = [self._fitted(matrix, label, how) for label in y.T]
        else:
            self.model_ = self._fitted(matrix, y, how)

    def _fitted(self, matrix: object, y: np.ndarray, how: HeadFitOptions) -> Estimator:
        model = self._pipeline(self.terms_ is not None, how.seed, y)
        weight = how.sample_weight
        return model.fit(matrix, y, **({} if weight is None else {f"{model.steps[-1][0]}__sample_weight": weight}))

    def _predict_proba(self, x: X) -> np.ndarray:
        matrix = self._matrix(x)
        if isinstance(self.model_, list):
            return np.column_stack([model.predict_proba(matrix)[:, 1] for model in self.model_])
        return self.model_.predict_proba(matrix)

    def _matrix(self, x: X) -> object:
        return term_counts(x, self.terms_) if isinstance(x, IdFeatures) and self.terms_ is not None else x

    def _save(self, folder: Path) -> None:
        from skops.io import dump

        dump(self.model_, folder / "model.skops")
        (folder / "terms.json").write_text(json.dumps(self.terms_, ensure_ascii=True), encoding="utf-8")

    def _load(self, folder: Path) -> None:
        self.model_, self.terms_ = load_pipeline(folder, self.trusted_types)


@dataclass
class CalibratedHead(SklearnHead):
    """A machine without probabilities: a sigmoid (Platt 1999) of its outputs for held-out training rows gives them."""

    trusted_types = ("sklearn.calibration._CalibratedClassifier", "sklearn.calibration._SigmoidCalibration")

    @abstractmethod
    def _machine(self, seed: int) -> Estimator:
        """The machine, unfitted."""

    def _pipeline(self, counts: bool, seed: int, y: np.ndarray) -> Estimator:
        from sklearn.calibration import CalibratedClassifierCV
        from sklearn.feature_extraction.text import TfidfTransformer
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        first = TfidfTransformer(sublinear_tf=True) if counts else StandardScaler()
        rarest, rows = int(np.unique(y, return_counts=True)[1].min()), np.arange(len(y))
        cv = min(3, rarest) if rarest > 1 else [(rows, rows)]  # a class of one row cannot be held out
        return make_pipeline(first, CalibratedClassifierCV(self._machine(seed), cv=cv, ensemble=False))


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
