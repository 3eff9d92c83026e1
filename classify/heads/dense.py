"""``dense``: one hidden layer, as the published ELMo and BERT experiments on these data put on their features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from classify.heads._stacked import Settings, StackedFit, Weights, train
from classify.heads.base import FitTask, Head, HeadFitOptions, X, probabilities, vectors
from classify.scoring.epoch_metrics import VALIDATION, epoch_metrics
from classify.solvers.blockwise import by_blocks, moments
from classify.solvers.logistic import CONSTANT


@dataclass
class DenseHead(Head):
    """Dense(units, relu, L2) and a sigmoid (two classes, labels) or softmax layer, trained with Adam on cross-entropy.

    Features are standardised with the means and variances of the training rows. All folds are trained by one piece of
    code, see ``classify.heads._stacked``. ``history_`` holds the training loss of each epoch and, if there are
    validation rows, their loss, both with the penalty as it is when the epoch ends, and the metrics of both, see
    ``classify.scoring.epoch_metrics``.

    Options:
        units: width of the hidden layer.
        l2: L2 penalty on its weights.
        learning_rate: of Adam.
        batch: rows a step.
        epochs: passes over the training rows.
        scale: whether the features are standardised.
        patience: stop after so many epochs in which the validation loss did not fall, and keep the weights of its
            lowest point; 0: never. Needs validation rows.
    """

    name = "dense"
    units: int = 1024
    l2: float = 0.001
    learning_rate: float = 2e-4
    batch: int = 32
    epochs: int = 10
    scale: bool = True
    patience: int = 0

    def fit_folds(self, x: X, y: np.ndarray, n_classes: int, folds: Sequence[FitTask]) -> list[Head]:
        """As ``Head.fit_folds``; folds with the same options and number of classes are trained together."""
        x = vectors(x)
        heads = [self.copy(**fold.options) for fold in folds]
        scales = self._scales(x, np.stack([FitTask(fold.rows, 0).sample_weights(len(y)) for fold in folds], axis=1))
        alike: dict[tuple, tuple[list[StackedFit], Settings]] = {}
        for head, fold, scale in zip(heads, folds, scales, strict=True):
            codes = head._begin(y[fold.rows], n_classes)
            validation = None if fold.validation is None else head._validation(fold.validation, y[fold.validation])
            sample_weight = None if fold.sample_weight is None else fold.sample_weight[fold.rows]
            rows = None if validation is None else np.asarray(validation[0])
            code = int(np.searchsorted(head.seen_classes_, fold.positive))
            how = HeadFitOptions(fold.seed, validation and (x, validation[1]), sample_weight, fold.report, code)
            job = head._job(x, fold.rows, codes, scale, how, rows)
            if len(head.seen_classes_):
                key = (tuple(head.options().items()), job.target.shape[1], head.multilabel_)
                alike.setdefault(key, ([], head._settings()))[0].append(job)
        before = 0
        for jobs, settings in alike.values():
            train(jobs, settings, self.progress_.at("", before, 1, len(folds)))
            before += len(jobs)
        return list(heads)

    def _fit(self, x: X, y: np.ndarray, how: HeadFitOptions) -> None:
        x = vectors(x)
        (scale,) = self._scales(x, np.ones((len(y), 1), np.float32))
        train([self._job(x, np.arange(len(y)), y, scale, how, None)], self._settings(), self.progress_)

    def _settings(self) -> Settings:
        sigmoid = self.multilabel_ or len(self.seen_classes_) == 2
        return Settings(self.units, self.l2, self.learning_rate, self.batch, self.epochs, sigmoid)

    def _scales(self, x: np.ndarray, sample_weight: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """Mean and 1 / sd of each fold. A column that never varied in training says nothing: it is turned into 0."""
        if not self.scale:
            return [(np.zeros(x.shape[1], np.float32), np.ones(x.shape[1], np.float32))] * sample_weight.shape[1]
        mean, variance = moments(x, sample_weight)
        varies = variance > CONSTANT * mean**2
        per_sd = np.divide(1, np.sqrt(variance), out=np.zeros(mean.shape), where=varies)
        return list(zip(mean.astype(np.float32), per_sd.astype(np.float32), strict=True))

    def _job(
        self,
        x: np.ndarray,
        rows: np.ndarray,
        y: np.ndarray,
        scale: tuple,
        how: HeadFitOptions,
        validation_rows: np.ndarray | None,
    ) -> StackedFit:
        """What to train; ``validation_rows`` are those of ``how.validation``, all if None."""
        self.scale_, self.history_, self.reported_ = scale, {}, {}
        constant = int((scale[1] == 0).sum())
        self.notes_ = (
            [f"head dense leaves out {constant} columns that are constant in training rows"] if constant else []
        )
        validation = None
        if how.validation is not None:
            validation = (how.validation[0], validation_rows, self._targets(how.validation[1]))
        sample_weight = (
            np.ones(len(rows), np.float32) if how.sample_weight is None else how.sample_weight.astype(np.float32)
        )
        self.weights_: Weights = {}
        self._lowest, self._waited = np.inf, 0
        ended = partial(self._ended, validation, y, how)
        return StackedFit(x, rows, self._targets(y), sample_weight, scale, how.seed, ended)

    def _targets(self, y: np.ndarray) -> np.ndarray:
        """What the outputs should be, float32 ``[m, O]``."""
        if self.multilabel_:
            return y.astype(np.float32)
        two = len(self.seen_classes_) == 2
        return (y[:, None] == 1 if two else y[:, None] == np.arange(len(self.seen_classes_))).astype(np.float32)

    def _ended(
        self,
        validation: tuple | None,
        y: np.ndarray,
        how: HeadFitOptions,
        epoch: int,
        loss: float,
        logits: np.ndarray,
        weights: Weights,
    ) -> bool:
        """After an epoch: note losses and metrics, keep the weights if they are to be, and say whether to go on."""
        if self.patience and self._waited >= self.patience:
            return False  # it stopped before; others go on
        penalty = self.l2 * float(np.square(weights["hidden"]).sum(dtype=np.float64))
        before, self.weights_ = self.weights_, weights
        if validation is None or how.validation is None:
            self._note({"loss": loss + penalty})
            return True
        x, rows, target = validation
        z = self._outputs(x, rows)
        value = float(_losses(z, target, self._settings().sigmoid).mean()) + penalty
        self._note({"loss": loss + penalty, "validation_loss": value})
        for codes, said, prefix in ((y, logits.astype(np.float64), ""), (how.validation[1], z, VALIDATION)):
            self._note(epoch_metrics(codes, probabilities(said, self.multilabel_), how.positive, prefix))
        if epoch in how.report:
            self.reported_[epoch] = self.predict_proba(x, rows)
        self._waited = 0 if value < self._lowest else self._waited + 1
        self._lowest = min(self._lowest, value)
        if self.patience and self._waited and before:
            self.weights_ = before
        return not self.patience or self._waited < self.patience

    def _note(self, values: dict[str, float]) -> None:
        for name, value in values.items():
            self.history_.setdefault(name, []).append(value)

    def _predict_proba(self, x: X) -> np.ndarray:
        return self._predict_rows(x, None)

    def _predict_rows(self, x: X, rows: np.ndarray | None) -> np.ndarray:
        return probabilities(self._outputs(vectors(x), rows), self.multilabel_)

    def _outputs(self, x: np.ndarray, rows: np.ndarray | None) -> np.ndarray:
        """The outputs before the sigmoid or softmax, float64 ``[m, O]``; without loading TensorFlow."""
        mean, per_sd = self.scale_

        def work(block: np.ndarray) -> np.ndarray:
            hidden = (block - mean) * per_sd @ self.weights_["hidden"] + self.weights_["hidden_bias"]
            return np.maximum(hidden, 0, out=hidden) @ self.weights_["output"] + self.weights_["output_bias"]

        return by_blocks(work, x, rows).astype(np.float64)

    def _save(self, folder: Path) -> None:
        mean, per_sd = self.scale_
        arrays: dict[str, Any] = {"mean": mean, "per_sd": per_sd, **self.weights_}
        np.savez(folder / "network.npz", **arrays)

    def _load(self, folder: Path) -> None:
        with np.load(folder / "network.npz", allow_pickle=False) as file:
            self.weights_ = dict(file)
        self.scale_ = self.weights_.pop("mean"), self.weights_.pop("per_sd")


def _losses(z: np.ndarray, target: np.ndarray, sigmoid: bool) -> np.ndarray:
    """Cross-entropy of each row, ``[m]``: the mean over the outputs of a sigmoid, or that of the softmax."""
    if sigmoid:
        return (np.logaddexp(0, z) - z * target).mean(1)
    z = z - z.max(1, keepdims=True)
    return np.log(np.exp(z).sum(1)) - (z * target).sum(1)
