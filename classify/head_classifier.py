"""A head as a classifier of scikit-learn, for its pipelines, searches and scores."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from classify import heads
from classify.fitting.model import FittedModel
from classify.fitting.options import FitOptions
from classify.fitting.training import fit
from classify.fitting.tune import Tuning
from classify.heads.base import FitTask
from stores.shared.errors import InputError
from stores.shared.estimator_options import EstimatorOptions
from stores.shared.registry import parse_spec
from stores.shared.suggest import listing


class HeadClassifier(EstimatorOptions, ClassifierMixin, BaseEstimator):
    """A head on vectors: ``make_pipeline(TextEncoder("static"), HeadClassifier("logistic", C=0.1))``.

    Sampling, calibration and thresholds are left to what scikit-learn and imbalanced-learn have for it.

    Args:
        head: its name, or ``name:option=value,...``; ``classify.head_names()`` lists them. It must take vectors.
        tune: ``none``: the options are those given, else the head's defaults; ``default``: those in the ``grid`` of
            the head that are not given are chosen on inner folds of the training rows, as ``classify`` does.
        inner: how many inner folds; None: 5 for ``logistic``, else 3.
        seed: for everything random.
        options: of the head, such as ``C``; in a grid ``headclassifier__C``.

    Attributes:
        classes_: ``[C]``, the classes in the order of the columns of the probabilities.
        model_: the fitted head, or the fitted model that was chosen on inner folds.
        chosen_: options that were chosen.
        n_features_in_: D.
    """

    own = ("head", "tune", "inner", "seed")

    def __init__(
        self,
        head: str = "logistic",
        *,
        tune: str = "none",
        inner: int | None = None,
        seed: int = 0,
        **options: Any,  # noqa: ANN401
    ) -> None:
        self.head, self.tune, self.inner, self.seed = head, tune, inner, seed
        self._options = options

    def fit(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> Self:  # noqa: ANN401
        """Learn.

        Args:
            X: float ``[n, D]``.
            y: classes ``[n]``, of at least two kinds.
            sample_weight: float ``[n]``, how much each row counts; not with ``tune``.
            groups: ``[n]``, equal for rows that inner folds must not part.

        Raises:
            InputError: for a wrong option, or a head that takes no vectors; it is a ``ValueError``.
        """
        if len(getattr(y, "shape", ())) == 2 and y.shape[1] > 1:
            raise InputError("`y` has several labels a row; give scikit-learn's OneVsRestClassifier this classifier")
        X, y = validate_data(self, X, y, dtype=np.float32, order="C", ensure_min_samples=2)
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise InputError(f"`y` holds one class only, {str(self.classes_[0])!r}; a classifier needs two")
        head = self._load()
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X, dtype=np.float32)
            if self.tune != "none":
                raise InputError("`sample_weight`: inner folds know no weights; give `tune='none'`")
        if self.tune == "none":
            self.model_: Any = self._fit_plain(head, X, codes, sample_weight)
            self.chosen_: dict[str, Any] = {}
        else:
            self.model_ = self._fit_tuned(head, X, codes, groups)
            self.chosen_ = self.model_.choice.options
        return self

    def predict_proba(self, X: Any) -> np.ndarray:  # noqa: ANN401
        """float64 ``[n, C]``, the probability of each of ``classes_``."""
        check_is_fitted(self, "model_")
        X = validate_data(self, X, dtype=np.float32, order="C", reset=False)
        if isinstance(self.model_, FittedModel):
            return self.model_.predict(X)[0]
        return self.model_.predict_proba(X)

    def predict(self, X: Any) -> np.ndarray:  # noqa: ANN401
        """The most probable of ``classes_`` for each row, ``[n]``."""
        best = self.predict_proba(X).argmax(1)
        return self.classes_[best]

    def _check_options(self, name: str, options: dict[str, Any]) -> None:
        if name not in heads.names():
            return
        known = heads.documentation(heads.head_class(name))
        for option in options.keys() - known.keys():
            raise InputError(f"head {name} has no option {option!r}; it has: {listing(option, known)}")

    def __sklearn_tags__(self) -> Any:  # noqa: ANN401
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = str(self.head).startswith("majority")  # it looks at no features
        return tags

    def _load(self) -> heads.Head:
        if self.tune not in ("none", "default"):
            raise InputError(f"`tune={self.tune!r}`: choose none or default")
        if str(self.head).startswith("sklearn:"):
            return heads.parse(self.head)
        name, options = parse_spec(self.head)
        head = heads.load(name, **(options | self._options))
        if "pooled" not in head.kinds:
            raise InputError(f"`head={self.head!r}` takes {' and '.join(sorted(head.kinds))}, no vectors")
        return head

    def _fit_plain(self, head: heads.Head, X: np.ndarray, codes: np.ndarray, weight: np.ndarray | None) -> heads.Head:
        if weight is not None:  # a row that counts nothing is not there
            rows = np.flatnonzero(weight)
            X, codes, weight = X[rows], codes[rows], weight[rows]
            if len(np.unique(codes)) < 2:
                raise InputError("`sample_weight`: the rows that count hold one class only; a classifier needs two")
        return head.fit(X, codes, len(self.classes_), self.seed, None, weight)

    def _fit_tuned(self, head: heads.Head, X: np.ndarray, codes: np.ndarray, groups: Any) -> FittedModel:  # noqa: ANN401
        group = None if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
        how = FitOptions(**Tuning(True, {}).of_head(head, "pooled", inner=self.inner))
        task = FitTask(np.arange(len(codes)), self.seed)
        return fit(head, X, codes, [task], len(self.classes_), how, group)[0]
