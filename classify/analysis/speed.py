"""Runs -> how many texts a second they classify, encoder and head apart, beside their scores."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from classify.analysis.align import names
from classify.analysis.compare import deciding
from classify.analysis.comparison import Interval
from classify.model_inputs import assemble, joined_words, words_of
from classify.recipe_json import FeaturesRecord
from classify.runs import Run
from classify.sources import encoding_cost, opened
from classify.typed_json import Jsonable
from stores.features import Features
from stores.shared.errors import InputError

ROWS = 2000  # that a head predicts
TIMES = 3  # how often; the best counts

Encode = Callable[[FeaturesRecord, list[str]], float]


@dataclass(frozen=True)
class RunSpeed(Jsonable):
    """Texts a second of a run; those of the encoder, and of both one after the other, are None where not known."""

    name: str
    folder: str
    score: Interval
    encoder_texts_per_second: float | None
    head_texts_per_second: float
    texts_per_second: float | None


@dataclass(frozen=True)
class SpeedReport(Jsonable):
    """Runs by their speed.

    Attributes:
        by: the score that stands beside.
        rows: that a head predicted, at most.
        encoded: how the encoders' rates came about: ``recorded`` in their stores, or measured ``now``.
        runs: the fastest first, those whose rate is not known last.
    """

    by: str
    rows: int
    encoded: str
    runs: list[RunSpeed]


def speed(runs: Sequence[Run], by: str = "f1_macro", encode: Encode | None = None, sample: int = 0) -> SpeedReport:
    """Measure the heads on features of their stores, now; the encoders' rates are those that the stores recorded.

    Args:
        runs: finished; their rows need not be the same.
        by: score to show beside, see ``classify.analysis.compare.deciding``.
        encode: takes the record of a store and texts, encodes them with a loaded encoder and returns the seconds that
            took; None: the recorded rates are taken.
        sample: how many texts of each store ``encode`` is given.

    Raises:
        InputError: if a store is gone, so that the head has nothing to predict, or ``by`` is no metric.
        FailureError: if a model cannot be loaded.
    """
    for run in runs:
        deciding(by, run.recipe.problem)
    measured: dict[str, float] = {}
    entries = []
    for name, run in zip(names(runs), runs, strict=True):
        head = _head_seconds(run)
        encoder = _encoder_seconds(run, encode, sample, measured)
        score = run.metrics.overall[by]
        entries.append(
            RunSpeed(
                name=name,
                folder=str(run.folder),
                score=Interval(score.value, score.low, score.high),
                encoder_texts_per_second=None if encoder is None else 1 / encoder,
                head_texts_per_second=1 / head,
                texts_per_second=None if encoder is None else 1 / (encoder + head),
            )
        )
    entries.sort(key=lambda entry: -(entry.texts_per_second or 0))
    return SpeedReport(by, ROWS, "now" if encode else "recorded", entries)


def _head_seconds(run: Run) -> float:
    """Seconds a text of all heads, the best of a few times over the same rows."""
    x, rows = _features(run)
    model = run.model()
    model.predict(x)  # what is loaded or traced at the first call
    best = np.inf
    for _ in range(TIMES):
        start = time.perf_counter()
        model.predict(x)
        best = min(best, time.perf_counter() - start)
    return best / rows


def _features(run: Run) -> tuple[Any, int]:
    """The first rows of the run's stores, as its model takes them, and how many these are."""
    read: dict[str, Features] = {}
    texts: list[str] = []
    for part in run.recipe.features.stores(test=False):
        with opened(part) as store:
            read[part.identity_digest] = store.read(0, ROWS)
            texts = texts or ([] if store.texts is None else store.texts[:ROWS])
    read |= {digest: words_of(texts) for digest in joined_words(run.recipe.features) - read.keys()}
    rows = min(map(len, read.values()))
    same = {digest: features.take(np.arange(rows)) for digest, features in read.items()}
    return assemble(run.recipe.features, same), rows


def _encoder_seconds(run: Run, encode: Encode | None, sample: int, measured: dict[str, float]) -> float | None:
    """Seconds a text, all encoders one after another; each store's is measured once and noted in ``measured``."""
    if encode is None:
        rate = encoding_cost(run).texts_per_second
        return None if rate is None else 1 / rate
    parts = run.recipe.features.stores(test=False)
    for part in parts:
        if part.digest not in measured:
            with opened(part) as store:
                if store.texts is None:
                    raise InputError(f"{part.path} was made without texts, so none can be encoded; leave out encode")
                _, first = np.unique(store.text_hash.view("V16").ravel(), return_index=True)
                rows = np.sort(first)[:sample]
                measured[part.digest] = encode(part, [str(store.texts[int(row)]) for row in rows]) / len(rows)
    return sum(measured[part.digest] for part in parts)
