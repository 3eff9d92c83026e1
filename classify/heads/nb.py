"""``nb``: naive Bayes, multinomial over terms or Gaussian over vectors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from classify.heads._multinomial import held_out
from classify.heads._sklearn import Estimator, SklearnHead, fit_terms, term_counts
from classify.heads.base import FitTask, Head, HeadFitOptions, InnerChoice, InnerFit, X, vectors
from classify.solvers.blockwise import by_blocks, class_sums, moments_of
from stores.features import Features, IdFeatures
from stores.shared.errors import InputError


@dataclass
class NbHead(SklearnHead):
    """Multinomial naive Bayes over the terms of ``words``, Gaussian naive Bayes over vectors.

    They are scikit-learn's ``MultinomialNB`` and ``GaussianNB``; means and variances of all folds come from one pass.
    Neither words nor columns of vectors are independent, as they take them to be. Over words the class frequencies
    outweigh the terms unless these are smoothed by little, so the smoothing is chosen on inner folds. Over vectors the
    probabilities are far too sure and the class frequencies count for nothing, so they are tempered, on inner folds,
    too. Both are then calibrated by a sigmoid; the class is that of Bayes' rule, or the most probable one after
    calibration, whichever has the better macro F1 there. Where a text may have several labels, each is a problem of its
    own with two classes.

    Options:
        weights: ``tfidf`` or ``counts``, what the multinomial model is fed with.
        alpha: additive (Lidstone) smoothing of the multinomial model, > 0; chosen on inner folds from 0.0001 to 10
            unless it is given, and then the probabilities are not calibrated either.
        smoothing: share of the largest variance that is added to all variances of the Gaussian model.
        power: exponent of the probabilities of the Gaussian model: 1 is Bayes' rule for independent columns, below 1
            they are less sure, and the class is the same; chosen on inner folds unless it is given, and then the
            probabilities are not calibrated either.
    """

    name = "nb"
    grid: ClassVar[dict[str, tuple]] = {"power": (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)}
    smoothings: ClassVar[dict[str, tuple]] = {"alpha": (1e-4, 1e-3, 0.01, 0.1, 1.0, 10.0)}  # on words
    weights: str = "tfidf"
    alpha: float = 1.0
    smoothing: float = 1e-9
    power: float = 1.0

    def __post_init__(self) -> None:
        if not self.power > 0:
            raise InputError(f"head nb: power={self.power:g} is not above 0")
        if self.weights not in ("tfidf", "counts"):
            raise InputError(f"head nb: weights={self.weights} is unknown; choose tfidf or counts")

    def grid_of(self, kind: str) -> dict[str, tuple]:
        """As ``Head.grid_of``: the smoothing on words."""
        return self.grid if kind == "pooled" else self.smoothings

    def calibration_of(self, kind: str) -> str:
        """As ``Head.calibration_of``: a sigmoid, unless what it is chosen with is given."""
        return "none" if ("power" if kind == "pooled" else "alpha") in self.given else "sigmoid"

    def choose(
        self, x: X, y: np.ndarray, n_classes: int, inner: Sequence[Sequence[InnerFit]], candidates: Sequence[dict]
    ) -> list[InnerChoice] | None:
        """As ``Head.choose``: likelihoods are worked out once for all powers, sums of terms for all smoothings."""
        if isinstance(x, IdFeatures):
            return self._choose_alpha(x, y, n_classes, inner, candidates)
        if any(set(candidate) != {"power"} for candidate in candidates):
            return None
        fitted: Iterator[Any] = iter(self.fit_folds(x, y, n_classes, [fit.task for fits in inner for fit in fits]))
        found = []
        for fits in inner:
            truth = y[np.concatenate([fit.held_out for fit in fits])]
            known = [(head := next(fitted), head._likelihood(x, fit.held_out)) for fit in fits]
            tried = [
                np.concatenate([head._all_classes(head._posterior(log, candidate["power"])) for head, log in known])
                for candidate in candidates
            ]
            found.append(InnerChoice.of(tried, truth))
        return found

    def _choose_alpha(
        self, x: IdFeatures, y: np.ndarray, classes: int, inner: Sequence[Sequence[InnerFit]],
        candidates: Sequence[dict],
    ) -> list[InnerChoice] | None:  # fmt: skip
        if any(set(candidate) != {"alpha"} for candidate in candidates):
            return None
        alphas = [float(candidate["alpha"]) for candidate in candidates]
        counts, found = term_counts(x, fit_terms(x)), []
        for fits in inner:
            each = []
            for fit in fits:
                head = self.copy()
                codes = head._begin(y[fit.task.rows], classes)
                proba = held_out(counts, fit.task.rows, codes, fit.held_out, alphas, self.weights == "tfidf")
                each.append([head._all_classes(own) for own in proba])
            tried = [np.concatenate(parts) for parts in zip(*each, strict=True)]
            truth = y[np.concatenate([fit.held_out for fit in fits])]
            found.append(InnerChoice.of(tried, truth))
        return found

    def fit_folds(self, x: X, y: np.ndarray, n_classes: int, folds: Sequence[FitTask]) -> list[Head]:
        """As ``Head.fit_folds``."""
        if isinstance(x, Features):
            return super().fit_folds(x, y, n_classes, folds)
        sample_weight = np.stack([fold.sample_weights(len(y)) for fold in folds], axis=1)
        sums = _label_sums(x, sample_weight, y) if y.ndim == 2 else _sums(x, sample_weight, y, n_classes)
        total, summed, squares, shift = sums
        mean, variance = moments_of(total, summed, squares, shift)
        _, whole = moments_of(total[:, 0].sum(1), summed[:, 0].sum(1), squares[:, 0].sum(1), shift)
        heads = []
        for j, fold in enumerate(folds):
            head = self.copy(**fold.options)
            head._begin(y[fold.rows], n_classes)
            seen = np.index_exp[head.seen_classes_] if head.multilabel_ else np.index_exp[:, head.seen_classes_]
            share = total[j][seen] / total[j][seen].sum(-1, keepdims=True)
            spread = variance[j][seen] + head.smoothing * whole[j].max()
            head.terms_, head.gauss_ = None, {"mean": mean[j][seen], "variance": spread, "share": share}
            heads.append(head)
        return list(heads)

    def _fit(self, x: X, y: np.ndarray, how: HeadFitOptions) -> None:
        if isinstance(x, Features):
            return super()._fit(x, y, how)
        task = FitTask(np.arange(len(y)), how.seed, sample_weight=how.sample_weight)
        head: Any = self.fit_folds(x, y, len(self.seen_classes_), [task])[0]
        self.terms_, self.gauss_ = None, head.gauss_
        return None

    def _pipeline(self, counts: bool, seed: int, y: np.ndarray) -> Estimator:
        from sklearn.feature_extraction.text import TfidfTransformer
        from sklearn.naive_bayes import MultinomialNB
        from sklearn.pipeline import make_pipeline

        first = [TfidfTransformer()] if self.weights == "tfidf" else []
        return make_pipeline(*first, MultinomialNB(alpha=self.alpha))

    def _predict_proba(self, x: X) -> np.ndarray:
        return super()._predict_proba(x) if self.terms_ is not None else self._predict_rows(x, None)

    def _predict_rows(self, x: X, rows: np.ndarray | None) -> np.ndarray:
        if self.terms_ is not None:
            return super()._predict_rows(x, rows)
        return self._posterior(self._likelihood(x, rows), self.power)

    def _likelihood(self, x: X, rows: np.ndarray | None) -> np.ndarray:
        """float64 ``[n, problems, classes]``: logarithm of the density of each row, but for a constant."""
        mean, variance = self.gauss_["mean"], self.gauss_["variance"]
        problems, classes, dimension = mean.shape
        shift = mean.mean((0, 1))  # so that the squares of the products cancel little
        mean = (mean - shift).reshape(-1, dimension)
        inverse = 1 / variance.reshape(-1, dimension)
        constant = (np.log(inverse) - mean**2 * inverse).sum(1) / 2
        linear, square = np.ascontiguousarray((mean * inverse).T), np.ascontiguousarray(inverse.T / -2)

        def work(block: np.ndarray) -> np.ndarray:
            block = block - shift
            log = constant + block @ linear
            log += np.square(block, out=block) @ square
            return log.reshape(-1, problems, classes)

        return by_blocks(work, vectors(x), rows)

    def _posterior(self, likelihood: np.ndarray, power: float) -> np.ndarray:
        """``[n, classes]``, or of labels ``[n, labels]``: (class frequencies times likelihood) to the power."""
        log = power * (np.log(self.gauss_["share"]) + likelihood)
        proba = np.exp(log - log.max(2, keepdims=True))
        proba /= proba.sum(2, keepdims=True)
        return proba[:, :, 1] if self.multilabel_ else proba[:, 0]

    def _save(self, folder: Path) -> None:
        if self.terms_ is not None:
            return super()._save(folder)
        return np.savez(folder / "gauss.npz", **self.gauss_)

    def _load(self, folder: Path) -> None:
        if not (folder / "gauss.npz").exists():
            return super()._load(folder)
        with np.load(folder / "gauss.npz", allow_pickle=False) as file:
            self.terms_, self.gauss_ = None, dict(file)
        return None


def _sums(x: np.ndarray, sample_weight: np.ndarray, y: np.ndarray, n_classes: int) -> tuple[np.ndarray, ...]:
    """As ``class_sums``, for one problem: totals ``[J, 1, C]``, sums and squares ``[J, 1, C, D]``, shift ``[D]``."""
    *sums, shift = class_sums(x, sample_weight, y, n_classes)
    return *(part[:, None] for part in sums), shift


def _label_sums(x: np.ndarray, sample_weight: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, ...]:
    """The same for labels: totals ``[J, L, 2]``, sums and squares ``[J, L, 2, D]``, shift ``[D]``."""
    own = np.concatenate([sample_weight[:, :, None], sample_weight[:, :, None] * y[:, None]], axis=2, dtype=np.float32)
    *sums, shift = class_sums(x, own.reshape(len(y), -1), np.zeros(len(y), int), 1)
    both = [part.reshape(sample_weight.shape[1], 1 + y.shape[1], *part.shape[2:]) for part in sums]
    return *(np.stack([part[:, :1] - part[:, 1:], part[:, 1:]], axis=2) for part in both), shift
