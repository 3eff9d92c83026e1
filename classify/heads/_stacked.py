"""A network of one hidden layer, trained for several folds at once: their weights are stacked, ``[k, D, U]``.

Each fold has its own initial weights and order of rows, from its own seed, so it becomes what it would become alone.
Weights, and what Adam keeps of their gradients, are moved by one fused operation a step: on a CPU these bytes are
what a step waits for. So no more folds are stacked than fit the cache, one after the other if they are large. A GPU
trains as many as its memory is allowed to hold, and has the features there, which are gathered and standardised where
they are used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from classify.heads._fit_progress import FitProgress
from stores.shared.tensorflow import device_kind, load_tensorflow

STACK_BYTES = 4 << 20  # of the weights of folds that are trained together
RESIDENT_BYTES = 1 << 30  # on a GPU: of all features in float32, and of the weights of a stack with Adam's means
STEPS = 32  # training steps a call from Python into TensorFlow
BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-7  # of Adam (Kingma, Ba 2015), as in Keras

Weights = dict[str, np.ndarray]
Tensor = Any  # of TensorFlow, or its module; it is not imported for its name


@dataclass(frozen=True)
class Settings:
    """What networks that are trained together share; ``sigmoid`` is False for a softmax over the outputs."""

    units: int
    l2: float
    learning_rate: float
    batch: int
    epochs: int
    sigmoid: bool


@dataclass(frozen=True)
class StackedFit:
    """One of the networks.

    Attributes:
        x: float ``[n, D]``, an array or a memory map; gathered a few batches at a time.
        rows: int ``[m]``, the training rows.
        target: float32 ``[m, O]``, what the outputs should be for them.
        sample_weight: float32 ``[m]``, how much each counts.
        scale: float32 mean and 1 / sd, ``[D]`` each, with which the features are standardised.
        seed: of the initial weights and of the order.
        ended: called after each epoch with its number, the mean loss of the training rows without penalty, their
            logits ``[m, O]``, each before it was learned from, and the weights: ``hidden [D, U]``, ``hidden_bias [U]``,
            ``output [U, O]``, ``output_bias [O]``; False stops.
    """

    x: np.ndarray
    rows: np.ndarray
    target: np.ndarray
    sample_weight: np.ndarray
    scale: tuple[np.ndarray, np.ndarray]
    seed: int
    ended: Callable[[int, float, np.ndarray, Weights], bool]


def train(jobs: list[StackedFit], settings: Settings, progress: FitProgress) -> None:
    """Train all networks, together those that take as many steps an epoch, as many as fit the cache.

    ``progress`` is told of each epoch; its ``before`` are networks that were trained already.
    """
    before = progress.before
    weight_bytes, features = 4 * settings.units * jobs[0].x.shape[1], None
    together = max(1, STACK_BYTES // weight_bytes)
    if device_kind(None) == "gpu" and 4 * jobs[0].x.size <= RESIDENT_BYTES:
        together = max(1, RESIDENT_BYTES // (3 * weight_bytes))
        features = load_tensorflow().constant(np.asarray(jobs[0].x, np.float32))
    by_steps: dict[int, list[StackedFit]] = {}
    for job in jobs:
        by_steps.setdefault(-(-len(job.rows) // settings.batch), []).append(job)
    stacks: dict[int, _Stack] = {}
    for alike in by_steps.values():
        for first in range(0, len(alike), together):
            some = alike[first : first + together]
            if len(some) not in stacks:
                stacks[len(some)] = _Stack(
                    len(some), some[0].x.shape[1], some[0].target.shape[1], settings, features
                )  # fmt: skip
            last = before + len(some)
            name = f"model {last}" if len(some) == 1 else f"models {before + 1} to {last}"
            told = progress.at(f"{name} of {progress.models}", before, len(some), progress.models)
            _train(some, stacks[len(some)], settings, told)
            before = last


def _train(jobs: list[StackedFit], stack: _Stack, settings: Settings, progress: FitProgress) -> None:
    randoms = [np.random.default_rng(job.seed) for job in jobs]
    stack.start(randoms, jobs)
    for epoch in range(1, settings.epochs + 1):
        # each network sees its own rows in an order of its own, as if it were trained alone
        order = [random.permutation(len(job.rows)) for random, job in zip(randoms, jobs, strict=True)]
        loss, seen = np.zeros(len(jobs)), 0
        logits = [np.empty_like(job.target) for job in jobs]
        for number, batches in enumerate(_batches(jobs, order, settings.batch, stack.gathers)):
            losses, found = stack.run(*batches)
            loss += losses
            seen += int(batches[-1].sum())
            for j, places in enumerate(order):
                some = places[number * STEPS * settings.batch :][: STEPS * settings.batch]
                logits[j][some] = found[:, j].reshape(-1, found.shape[-1])[: len(some)]
            progress.epoch(epoch, settings.epochs, seen / sum(map(len, order)), loss.sum() / seen)
        # a network that has ended still takes steps with the others; ``ended`` has kept its weights
        weights = stack.weights()
        going = [
            job.ended(
                epoch, float(loss[j] / len(job.rows)), logits[j], {name: values[j] for name, values in weights.items()}
            )
            for j, job in enumerate(jobs)
        ]
        if not any(going):
            break


def _batches(
    jobs: list[StackedFit], order: list[np.ndarray], size: int, numbers: bool
) -> Iterator[tuple[np.ndarray, ...]]:
    """Of up to ``STEPS`` steps: rows ``[s, k, b, D]``, targets ``[s, k, b, O]``, weights ``[s, k, b]``.

    Last, also ``[s, k, b]``, comes 1 for each row that is there: the last batch of an epoch may be smaller. With
    ``numbers`` those of the rows, int32 ``[s, k, b]``, take their place.
    """
    for first in range(0, max(map(len, order)), STEPS * size):
        some = [places[first : first + STEPS * size] for places in order]
        # all networks get as many steps as the one with the most rows; what is missing is padding of weight 0
        steps = -(-max(map(len, some)) // size)
        shape = len(jobs), steps * size
        x = np.zeros(shape, np.int32) if numbers else np.zeros((*shape, jobs[0].x.shape[1]), np.float32)
        target = np.zeros((*shape, jobs[0].target.shape[1]), np.float32)
        sample_weight, there = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        for j, (job, places) in enumerate(zip(jobs, some, strict=True)):
            if numbers:
                x[j, : len(places)] = job.rows[places]
            else:  # rows are standardised as they are read, [rows, D], so that no scaled copy of the features is held
                mean, per_sd = job.scale
                np.subtract(job.x[job.rows[places]], mean, out=x[j, : len(places)], casting="same_kind")
                x[j, : len(places)] *= per_sd
            target[j, : len(places)], sample_weight[j, : len(places)] = job.target[places], job.sample_weight[places]
            there[j, : len(places)] = 1
        # [k, s * b, ...] -> [s, k, b, ...]: a step takes one slice
        yield tuple(
            part.reshape(len(jobs), steps, size, *part.shape[2:]).swapaxes(0, 1)
            for part in (x, target, sample_weight, there)
        )


class _Stack:
    """The weights of ``k`` networks in TensorFlow, and the steps that move them.

    ``features``: a tensor ``[n, D]`` of which batches are gathered, by the numbers of its rows, and standardised; None:
    they come as they are to be.
    """

    def __init__(self, k: int, dimension: int, outputs: int, settings: Settings, features: Tensor | None) -> None:
        self._features, self.gathers = features, features is not None
        tf = load_tensorflow()
        units = settings.units
        self._settings = settings
        self._shapes = {
            "hidden": (dimension, units),
            "hidden_bias": (1, units),
            "output": (units, outputs),
            "output_bias": (1, outputs),
        }
        self._kept = {  # the weights, and the means of their gradients and of the squares of these
            name: [tf.Variable(tf.zeros((k, *shape))) for _ in range(3)] for name, shape in self._shapes.items()
        }
        self._scale = [tf.Variable(tf.zeros((k, 1, dimension if self.gathers else 0))) for _ in range(2)]
        self._step = tf.Variable(0.0)
        rows: Any = (None, k, settings.batch)
        self._run = tf.function(self._steps, autograph=False, input_signature=[
            tf.TensorSpec(rows, tf.int32) if self.gathers else tf.TensorSpec((*rows, dimension)),
            tf.TensorSpec((*rows, outputs)), *[tf.TensorSpec(rows)] * 2,
        ])  # fmt: skip

    def start(self, randoms: list[np.random.Generator], jobs: list[StackedFit]) -> None:
        """New networks: Glorot's uniform weights (Glorot, Bengio 2010, equation 16), as in Keras, and no bias."""
        for name, (rows, columns) in self._shapes.items():
            variable, *kept = self._kept[name]
            limit = 0.0 if name.endswith("bias") else (6 / (rows + columns)) ** 0.5
            variable.assign(np.stack([r.uniform(-limit, limit, (rows, columns)).astype(np.float32) for r in randoms]))
            for other in kept:
                other.assign(np.zeros(other.shape, np.float32))
        self._step.assign(0.0)
        for variable, values in zip(self._scale, zip(*(job.scale for job in jobs), strict=True), strict=True):
            if self.gathers:
                variable.assign(np.stack(values)[:, None])

    def run(self, *batches: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Take steps; the sum over all rows of their losses, ``[k]``, and the logits, ``[s, k, b, O]``."""
        losses, logits = self._run(*batches)
        return losses.numpy(), logits.numpy()

    def weights(self) -> Weights:
        """Copies of the weights, each ``[k, ...]``; a bias ``[k, units]``."""
        found = {name: variable.numpy() for name, (variable, *_) in self._kept.items()}
        return {name: values[:, 0] if name.endswith("bias") else values for name, values in found.items()}

    def _steps(self, x: Tensor, target: Tensor, sample_weight: Tensor, there: Tensor) -> tuple[Tensor, Tensor]:
        tf = load_tensorflow()

        def step(i: Tensor, total: Tensor, logits: Tensor) -> tuple:  # no AutoGraph, which fails with Python 3.13
            given = x[i]  # [k, b, D], or the numbers of the rows, [k, b]
            if self.gathers:
                given = (tf.gather(self._features, given) - self._scale[0]) * self._scale[1]
            loss, z = self._one_step(tf, given, target[i], sample_weight[i], tf.reduce_sum(there[i], 1))
            return i + 1, total + loss, logits.write(i, z)

        count = tf.shape(x)[0]
        start = 0, tf.zeros(x.shape[1]), tf.TensorArray(tf.float32, count, element_shape=target.shape[1:])
        _, total, logits = tf.while_loop(lambda i, *_: i < count, step, start, parallel_iterations=1)
        return total, logits.stack()

    def _one_step(self, tf: Tensor, x: Tensor, target: Tensor, sample_weight: Tensor, rows: Tensor) -> tuple:
        """One step of Adam on a batch ``[k, b, D]``, with the gradients by hand.

        Returns:
            the sum of its losses, ``[k]``, and its logits, ``[k, b, O]``, before the step.
        """
        w, b, o, c = (self._kept[name][0] for name in self._shapes)
        # forward: x [k, b, D] times w [k, D, U] -> the hidden layer [k, b, U]; times o [k, U, O] -> logits z [k, b, O]
        before = tf.matmul(x, w) + b
        hidden = tf.nn.relu(before)
        z = tf.matmul(hidden, o) + c
        # the loss of each row [k, b], and its gradient by the logits: probability minus target, [k, b, O]
        if self._settings.sigmoid:
            loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(target, z), 2)
            wrong = (tf.sigmoid(z) - target) / z.shape[2]
        else:
            loss = tf.nn.softmax_cross_entropy_with_logits(target, z)
            wrong = tf.nn.softmax(z) - target
        # the mean over the rows that are there; padded rows have weight 0 and so no gradient
        wrong *= (sample_weight / rows[:, None])[:, :, None]
        # backward: through the output layer [k, b, U], and only where ReLU let something through
        back = tf.where(before > 0, tf.matmul(wrong, o, transpose_b=True), 0.0)
        # by the weights: what went in, transposed, times what came back; biases: the sum over the batch
        gradients = {
            "hidden": tf.matmul(x, back, transpose_a=True) + 2 * self._settings.l2 * w,
            "hidden_bias": tf.reduce_sum(back, 1, keepdims=True),
            "output": tf.matmul(hidden, wrong, transpose_a=True),
            "output_bias": tf.reduce_sum(wrong, 1, keepdims=True),
        }
        # Adam (Kingma, Ba 2015, algorithm 1); beta^step takes the bias of the first steps out of the two means
        step = self._step.assign_add(1.0)
        for name, gradient in gradients.items():
            variable, m, v = (kept.handle for kept in self._kept[name])
            tf.raw_ops.ResourceApplyAdam(
                var=variable, m=m, v=v, beta1_power=BETA1**step, beta2_power=BETA2**step,
                lr=self._settings.learning_rate, beta1=BETA1, beta2=BETA2, epsilon=EPSILON, grad=gradient,
            )  # fmt: skip
        return tf.reduce_sum(loss * sample_weight, 1), z
