"""``dense``: one hidden layer, as the published ELMo and BERT experiments on these data put on their features."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from classify.heads._base import Fitting, Head, X
from classify.heads._keras import load_keras

ROWS = 1024  # rows at a time where nothing is learned
STEPS = 32  # training steps a call from Python into TensorFlow: a third less time, the same result


@dataclass
class DenseHead(Head):
    """Dense(units, relu, L2) and a sigmoid (two classes) or softmax layer, trained with Adam on cross-entropy.

    Features are standardised with the means and variances of the training rows (part of the saved network).
    ``history_`` holds the training loss and, on the watched rows, the validation loss of each epoch.

    Options:
        units: width of the hidden layer.
        l2: L2 penalty on its weights.
        learning_rate: of Adam.
        batch: rows a step.
        epochs: passes over the training rows.
        scale: whether the features are standardised.
    """

    name = "dense"
    units: int = 1024
    l2: float = 0.001
    learning_rate: float = 2e-4
    batch: int = 32
    epochs: int = 10
    scale: bool = True

    def _fit(self, x: X, y: np.ndarray, how: Fitting) -> None:
        keras = load_keras()
        keras.utils.set_random_seed(how.seed)
        sigmoid = self.several_ or len(self.seen_) == 2
        self.model_ = self._network(x, y.shape[1] if self.several_ else 1 if sigmoid else len(self.seen_), sigmoid)
        self.model_.compile(
            keras.optimizers.Adam(self.learning_rate),
            "binary_crossentropy" if sigmoid else "sparse_categorical_crossentropy",
            steps_per_execution=STEPS,
            jit_compile=False,
        )
        history = self.model_.fit(
            x,
            y,
            self.batch,
            self.epochs,
            verbose=0,
            validation_data=how.watch,
            validation_batch_size=ROWS,
            sample_weight=how.weight,
        )
        names = {"loss": "loss", "val_loss": "validation_loss"}
        self.history_ = {names[k]: [float(v) for v in values] for k, values in history.history.items()}

    def _network(self, x: np.ndarray, n_outputs: int, sigmoid: bool) -> object:
        keras = load_keras()
        layers = [keras.Input((x.shape[1],))]
        if self.scale:
            mean, variance = x.mean(0, dtype=np.float64), x.var(0, dtype=np.float64)
            # A column that never varied in training says nothing: whatever it holds later is turned into 0, not fed
            # through weights that are still random.
            variance[variance == 0] = 1e30
            layers.append(keras.layers.Normalization(mean=mean.tolist(), variance=variance.tolist()))
        penalty = keras.regularizers.L2(self.l2)
        layers.append(keras.layers.Dense(self.units, activation="relu", kernel_regularizer=penalty))
        layers.append(keras.layers.Dense(n_outputs, activation="sigmoid" if sigmoid else "softmax"))
        return keras.Sequential(layers)

    def _predict_proba(self, x: X) -> np.ndarray:
        blocks = [self.model_(x[i : i + ROWS], training=False) for i in range(0, len(x), ROWS)]
        proba = np.concatenate(blocks).astype(np.float64)
        if self.several_:
            return proba
        if proba.shape[1] == 1:
            return np.hstack([1 - proba, proba])
        return proba / proba.sum(1, keepdims=True)  # float32 softmax sums to 1 only nearly

    def _save(self, folder: Path) -> None:
        self.model_.save(folder / "model.keras")

    def _load(self, folder: Path) -> None:
        self.model_ = load_keras().models.load_model(folder / "model.keras", safe_mode=True)
