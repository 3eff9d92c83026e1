"""A Keras network over the tokens of texts: learning and answers. One compiled step serves batches of every shape."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from classify.heads._fit_progress import FitProgress
from classify.heads._optimizer import OptimizerOptions
from classify.heads._ragged import Ragged
from classify.scoring.epoch_metrics import VALIDATION
from stores.shared.tensorflow import load_tensorflow

Tensor = Any  # a tf.Tensor; TensorFlow is not imported for its name
ROWS = 128  # texts at a time where nothing is learned


@dataclass(frozen=True)
class TokenRows:
    """What a network learns from, or is validated on.

    Attributes:
        x: the tokens of n texts.
        y: float32 ``[n, outputs]``, 0 or 1.
        codes: the classes as a head's ``_fit`` takes them.
        sample_weight: float32 ``[n]``, how much each row counts.
    """

    x: Ragged
    y: np.ndarray
    codes: np.ndarray
    sample_weight: np.ndarray


@dataclass(frozen=True)
class BatchPlan:
    """How long a network learns.

    Attributes:
        optimizer: moves the weights.
        batch: rows a step.
        epochs: passes over the rows, at most.
        patience: if > 0, learning ends after so many epochs in a row without a new lowest loss on the validation rows,
            and the weights of the epoch with the lowest are taken.
    """

    optimizer: OptimizerOptions
    batch: int
    epochs: int
    patience: int


class Network:
    """A Keras model and what it answers.

    Args:
        model: takes tokens and lengths as ``Ragged.padded`` gives them, and returns logits ``[n, outputs]``.
        exclusive: whether one of the outputs is right (softmax); else each is a yes or no by itself (sigmoid).
    """

    def __init__(self, model: Any, exclusive: bool) -> None:  # noqa: ANN401
        self._tf = load_tensorflow()
        self.model, self._exclusive = model, exclusive
        self._answer = self._compile(lambda tokens, lengths: model([tokens, lengths], training=False), model.inputs)

    @property
    def outputs(self) -> int:
        """How many numbers a text gives."""
        return self.model.output_shape[1]

    def logits(self, x: Ragged) -> np.ndarray:
        """float32 ``[n, outputs]``, n > 0."""
        found = np.empty((len(x.lengths), self.outputs), np.float32)
        for some in x.sorted(ROWS):
            found[some] = self._answer(*x.padded(some))
        return found

    def learn(
        self,
        rows: TokenRows,
        validation: TokenRows | None,
        plan: BatchPlan,
        seed: int,
        after: Callable[[int], None],
        progress: FitProgress,
        measure: Callable[[TokenRows, np.ndarray, str], dict[str, float]],
    ) -> dict[str, list[float]]:
        """Lower the mean cross-entropy; ``after`` is called with the number of each finished epoch, from 1.

        Returns:
            ``loss``, of each batch before it was learned from. If there are validation rows, also their
            ``validation_loss``, and what ``measure`` makes of rows, their logits and the prefix of the names.
        """
        step, rng = self._step(plan.optimizer), np.random.default_rng(seed)
        history: dict[str, list[float]] = {}
        best = None
        logits = np.empty((len(rows.y), self.outputs), np.float32)  # of the training rows, before they are learned from
        for epoch in range(1, plan.epochs + 1):
            self._seed(epoch)
            total, seen = 0.0, 0
            for some in rows.x.shuffled(plan.batch, rng):
                loss, logits[some] = step(*rows.x.padded(some), rows.y[some], rows.sample_weight[some])
                total += len(some) * float(loss)
                seen += len(some)
                progress.epoch(epoch, plan.epochs, seen / len(rows.y), total / seen)
            values = {"loss": total / len(rows.y)}
            if validation is not None:
                said = self.logits(validation.x)
                values["validation_loss"] = float(self._loss(said, validation.y, validation.sample_weight))
                values |= measure(rows, logits, "") | measure(validation, said, VALIDATION)
            for name, value in values.items():
                history.setdefault(name, []).append(value)
            if plan.patience and values["validation_loss"] <= min(history["validation_loss"]):
                best = epoch, self.model.get_weights()
            after(epoch)
            if best is not None and epoch - best[0] >= plan.patience:
                break
        if best is not None:
            self.model.set_weights(best[1])
        return history

    def _seed(self, epoch: int) -> None:
        """Let what an epoch draws depend on the seed and its number alone.

        Keras draws the dropout of a recurrent layer even where it drops nothing, so answers in between would tell.
        """
        for variable in self.model.variables:
            if variable.path.endswith("seed_generator_state"):
                own, _ = variable.numpy()
                variable.assign([own, epoch << 20])

    def _step(self, options: OptimizerOptions) -> Callable:
        variables = self.model.trainable_variables
        optimizer = options.make()
        optimizer.build(variables)

        def step(tokens: Tensor, lengths: Tensor, y: Tensor, sample_weight: Tensor) -> Tensor:
            with self._tf.GradientTape() as tape:
                logits = self.model([tokens, lengths], training=True)
                loss = self._loss(logits, y, sample_weight)
            optimizer.apply(tape.gradient(loss, [variable.value for variable in variables]), variables)
            return loss, logits

        return self._compile(step, [*self.model.inputs, *self.model.outputs], self._tf.TensorSpec([None]))

    def _loss(self, z: Tensor, y: Tensor, sample_weight: Tensor) -> Tensor:
        if self._exclusive:
            each = self._tf.nn.softmax_cross_entropy_with_logits(y, z)
        else:
            each = self._tf.reduce_mean(self._tf.nn.sigmoid_cross_entropy_with_logits(y, z), 1)
        return self._tf.reduce_mean(sample_weight * each)

    def _compile(self, function: Callable, like: list, *more: Tensor) -> Callable:
        """``function`` of tensors shaped as those of the model, any number of rows and tokens: traced once."""
        signature = [self._tf.TensorSpec(tensor.shape, tensor.dtype) for tensor in like]
        return self._tf.function(function, input_signature=[*signature, *more], autograph=False)
