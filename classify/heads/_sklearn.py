"""Heads that are a scikit-learn pipeline, over vectors or over term counts."""

from __future__ import annotations

import json
from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from classify.heads._base import Fitting, Head, X
from classify.heads._terms import fit_terms, term_counts
from stores.errors import FailureError, InputError
from stores.features import Features


@dataclass
class SklearnHead(Head):
    """A subclass builds the pipeline; it is kept with skops, which needs no pickle."""

    kinds = frozenset({"pooled", "ids"})

    @abstractmethod
    def _pipeline(self, counts: bool, seed: int) -> object:
        """An unfitted estimator, for term counts (sparse, float64) or for vectors (float32 ``[n, D]``)."""

    def _fit(self, x: X, y: np.ndarray, how: Fitting) -> None:
        from sklearn.multiclass import OneVsRestClassifier

        self.terms_ = fit_terms(x) if isinstance(x, Features) else None
        if self.terms_ == []:
            raise InputError("the training texts hold no term of two or more letters or digits; nothing to learn from")
        model = self._pipeline(self.terms_ is not None, how.seed)
        if self.several_:
            self.model_ = OneVsRestClassifier(model).fit(self._matrix(x), y)
        else:
            weight = {} if how.weight is None else {f"{model.steps[-1][0]}__sample_weight": how.weight}
            self.model_ = model.fit(self._matrix(x), y, **weight)

    def _predict_proba(self, x: X) -> np.ndarray:
        return self.model_.predict_proba(self._matrix(x))

    def _matrix(self, x: X) -> object:
        return x if self.terms_ is None else term_counts(x, self.terms_)

    def _save(self, folder: Path) -> None:
        from skops.io import dump

        dump(self.model_, folder / "model.skops")
        (folder / "terms.json").write_text(json.dumps(self.terms_, ensure_ascii=True), encoding="utf-8")

    def _load(self, folder: Path) -> None:
        from skops.io import get_untrusted_types, load

        strange = get_untrusted_types(file=folder / "model.skops")
        if strange:
            raise FailureError(f"{folder / 'model.skops'} holds code of unknown type {strange[0]}; it is not loaded")
        self.model_ = load(folder / "model.skops")
        self.terms_ = json.loads((folder / "terms.json").read_text(encoding="utf-8"))
