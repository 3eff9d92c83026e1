"""Heads that read the tokens of a text in order: what they share."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Lock

import numpy as np

from classify.heads._fit_progress import fit_together
from classify.heads._fit_task import FitTask
from classify.heads._keras import load_keras
from classify.heads._network import BatchPlan, Network, Tensor, TokenRows
from classify.heads._optimizer import EPSILON, RULES, OptimizerOptions
from classify.heads._ragged import Ragged
from classify.heads.base import Head, HeadFitOptions, X, probabilities
from classify.scoring.epoch_metrics import epoch_metrics
from stores.features import IdFeatures, RaggedFeatures
from stores.shared.cores import threads
from stores.shared.errors import InputError
from stores.shared.tensorflow import device_kind


def fit_words(x: IdFeatures, most: int, min_count: int) -> list[str]:
    """The ``most`` most frequent words that occur ``min_count`` times or more; of equals, the first by alphabet."""
    counts: dict[str, int] = {}
    for i, count in enumerate(np.bincount(x.ids, minlength=len(x.vocabulary)).tolist()):
        if count:
            word = x.vocabulary[i].lower()
            counts[word] = counts.get(word, 0) + count
    kept = [word for word, count in counts.items() if count >= min_count]
    return sorted(kept, key=lambda word: (-counts[word], word))[:most]


def number_words(x: IdFeatures, words: list[str]) -> np.ndarray:
    """int32 ``[sum T]``: for each token 1 + its place in ``words``, or 0."""
    number = {word: i + 1 for i, word in enumerate(words)}
    return np.array([number.get(token.lower(), 0) for token in x.vocabulary], np.int32)[x.ids]


def inside(vectors: Tensor, lengths: Tensor) -> Tensor:
    """float32 ``[n, T, 1]``: 1 at the tokens of a text, 0 at padding.

    Args:
        vectors: Keras tensor ``[n, T, D]``.
        lengths: ``[n]``.
    """
    ops = load_keras().ops
    step = ops.cumsum(ops.ones_like(vectors[:, :, :1]), 1)
    return ops.cast(step <= ops.cast(lengths, "float32")[:, None, None], "float32")


BUILDING = Lock()  # weights are drawn by the generators of the whole process
AT_LEAST_1 = ("vocabulary", "min_count", "length", "width", "batch", "epochs")


@dataclass
class TokensHead(Head):
    """A subclass builds what is between the vectors of the tokens and the last layer.

    The vectors of ``words`` are learned, for the words of the training rows. Those of a table (``glove``,
    ``numberbatch``, ``static``) and those of tokens in their context (``elmo``, ``bert``) are taken as they are, but
    for a standardisation by the training rows. ``history_`` holds the training loss of each epoch and, if there are
    validation rows, their loss and the metrics of both, see ``classify.scoring.epoch_metrics``.

    Options:
        vocabulary, min_count: the most words that get a vector, and how often a word must occur to be one of them.
        length: tokens of a text that are read.
        side: which these are of a longer text: the first ones (start) or the last ones (end).
        width: columns of the learned vectors.
        scale: whether vectors that are not learned are standardised.
        optimizer: adam, rmsprop or sgd.
        learning_rate: of the optimizer.
        epsilon: what adam and rmsprop add to the root of the mean square of a gradient.
        clipnorm: a gradient of a larger norm is scaled down to this one; 0: none is.
        decay: after n steps the learning rate is divided by 1 + decay n.
        batch: rows a step.
        epochs: passes over the training rows.
        patience: if > 0, training ends after so many epochs in a row without a new lowest validation loss, and the
            weights of the epoch with the lowest are taken; 0: nothing is decided by the validation rows.
    """

    kinds = frozenset({"ids", "tokens"})
    vocabulary: int = 20000
    min_count: int = 2
    length: int = 250
    side: str = "start"
    width: int = 50
    scale: bool = True
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    epsilon: float = EPSILON
    clipnorm: float = 0.0
    decay: float = 0.0
    batch: int = 32
    epochs: int = 5
    patience: int = 0

    def __post_init__(self) -> None:
        for name in AT_LEAST_1:
            if getattr(self, name) < 1:
                raise InputError(f"head {self.name}: {name}={getattr(self, name)} is less than 1")
        if self.patience < 0:
            raise InputError(f"head {self.name}: patience={self.patience} is less than 0")
        if self.side not in ("start", "end"):
            raise InputError(f"head {self.name}: side={self.side} is unknown; choose start or end")
        if self.optimizer not in RULES:
            known = ", ".join(RULES)
            raise InputError(f"head {self.name}: optimizer={self.optimizer} is unknown; choose one of {known}")
        if not (self.learning_rate > 0 and self.epsilon > 0 and self.clipnorm >= 0 and self.decay >= 0):
            raise InputError(
                f"head {self.name}: learning_rate and epsilon must be above 0, clipnorm and decay 0 or more"
            )

    @abstractmethod
    def _body(self, vectors: Tensor, lengths: Tensor) -> Tensor:
        """Keras tensors ``[n, T, D]`` and ``[n]``, at least 1 -> ``[n, any]``; nothing may come of padding."""

    def fit_folds(self, x: X, y: np.ndarray, n_classes: int, folds: Sequence[FitTask]) -> list[Head]:
        """As ``Head.fit_folds``; on a CPU as many folds at once as it has cores, since one keeps few of them busy.

        Vectors of tokens are too large for a copy of each fold's rows: for these one fold after the other.
        """
        if not isinstance(x, IdFeatures) or device_kind(None) != "cpu":
            return super().fit_folds(x, y, n_classes, folds)
        load_keras()  # before there are threads that would do it
        return fit_together(partial(self._fit_fold, x, y, n_classes), folds, self.progress_, threads())

    def _fit(self, x: X, y: np.ndarray, how: HeadFitOptions) -> None:
        self.words_ = None
        if isinstance(x, IdFeatures) and x.table is None:
            self.words_ = fit_words(x, self.vocabulary, self.min_count)
        tokens = self._tokens(x)
        outputs = y.shape[1] if self.multilabel_ else len(self.seen_classes_)
        with BUILDING:
            load_keras().utils.set_random_seed(how.seed)
            self._take(self._model(tokens, 1 if outputs == 2 and not self.multilabel_ else outputs))
        validation = None if how.validation is None else self._rows(self._tokens(how.validation[0]), how.validation[1])
        optimizer = OptimizerOptions(self.optimizer, self.learning_rate, self.epsilon, self.clipnorm, self.decay)
        plan = BatchPlan(optimizer, self.batch, self.epochs, self.patience)
        self.reported_ = {}

        def after(epoch: int) -> None:
            if how.validation is not None and epoch in how.report:
                self.reported_[epoch] = self.predict_proba(how.validation[0])

        def measure(rows: TokenRows, logits: np.ndarray, prefix: str) -> dict[str, float]:
            proba = probabilities(logits.astype(np.float64), self.multilabel_)
            return epoch_metrics(rows.codes, proba, how.positive, prefix)

        self.history_ = self.network_.learn(
            self._rows(tokens, y, how.sample_weight), validation, plan, how.seed, after, self.progress_, measure
        )

    def _take(self, model: Tensor) -> None:
        """Go on with this Keras model."""
        self.exclusive_ = model.output_shape[1] > 1 and not self.multilabel_
        self.network_ = Network(model, self.exclusive_)

    def _tokens(self, x: X) -> Ragged:
        """What the network is to see of the texts."""
        if not isinstance(x, RaggedFeatures):
            raise TypeError(f"head {self.name} takes tokens or ids, not vectors")
        lengths = np.minimum(np.diff(x.offsets), self.length)
        starts = x.offsets[:-1] if self.side == "start" else x.offsets[1:] - lengths
        if self.words_ is not None and isinstance(x, IdFeatures):
            return Ragged([number_words(x, self.words_)], starts, lengths)
        table = x.table if isinstance(x, IdFeatures) else None
        return Ragged([x.outputs[name] for name in sorted(x.outputs)], starts, lengths, table)

    def _model(self, rows: Ragged, outputs: int) -> object:
        keras = load_keras()
        lengths = keras.Input((), dtype="int32")
        tokens = keras.Input((None,), dtype="int32") if rows.width is None else keras.Input((None, rows.width))
        if rows.width is None:
            vectors = keras.layers.Embedding(len(self.words_ or []) + 1, self.width)(tokens)
        elif self.scale:
            mean, variance = rows.moments()
            variance[variance == 0] = 1e30  # a column that never varied in training says nothing
            vectors = keras.layers.Normalization(mean=mean.tolist(), variance=variance.tolist())(tokens)
        else:
            vectors = tokens
        return keras.Model([tokens, lengths], keras.layers.Dense(outputs)(self._body(vectors, lengths)))

    def _rows(self, tokens: Ragged, y: np.ndarray, sample_weight: np.ndarray | None = None) -> TokenRows:
        targets = np.eye(self.network_.outputs)[y] if self.exclusive_ else y.reshape(-1, self.network_.outputs)
        sample_weight = np.ones(len(y)) if sample_weight is None else sample_weight
        return TokenRows(tokens, targets.astype(np.float32), y, sample_weight.astype(np.float32))

    def _predict_proba(self, x: X) -> np.ndarray:
        return probabilities(self.network_.logits(self._tokens(x)).astype(np.float64), self.multilabel_)

    def _save(self, folder: Path) -> None:
        self.network_.model.save(folder / "model.keras")
        (folder / "words.json").write_text(json.dumps(self.words_, ensure_ascii=True), encoding="utf-8")

    def _load(self, folder: Path) -> None:
        self.words_ = json.loads((folder / "words.json").read_text(encoding="utf-8"))
        self._take(load_keras().models.load_model(folder / "model.keras", safe_mode=True))
