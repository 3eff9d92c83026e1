"""Heads over tokens against plain Keras at the same work: the same network, batches, epochs and vocabulary, by turns.

    python -m benchmarks.networks --table spam.csv [--heads lstm,conv] [--rows 2000] [--rounds 2]
    python -m benchmarks.networks --store features/spam.words.h5 ...

The rival is what a person writes: words numbered, texts padded to the longest one (at most 250 words), an embedding
with a mask, ``model.fit`` in batches of 32, the weights begun as Keras begins them; it predicts the same test rows.
Seconds of the processor (all cores) and of the clock for one fold, learning and predicting, TensorFlow loaded before.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from classify.heads import load
from classify.heads._keras import load_keras
from classify.heads._tokens import fit_words, number_words
from embed import embed
from stores import FeatureStore, IdFeatures

EPOCHS, BATCH, LENGTH, WIDTH, UNITS = 2, 32, 250, 50, 64
CHAINS = {"lstm": "LSTM", "gru": "GRU", "gru2": "GRU", "rnn": "SimpleRNN", "bilstm": "LSTM"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", help="of which the words are counted first")
    parser.add_argument("--store", default="words.h5", help="of words, where there is one already")
    parser.add_argument("--heads", default="rnn,lstm,gru,bilstm,gru2,average,conv")
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=2)
    given = parser.parse_args()
    if given.table:
        given.store = Path(tempfile.mkdtemp()) / "words.h5"
        embed(given.table, "words", given.store)
    with FeatureStore(given.store) as store:
        rows = np.random.default_rng(0).permutation(np.flatnonzero(store.codes >= 0))[: given.rows]
        x, y = store.take(rows).canonical(), store.codes[rows]
    assert isinstance(x, IdFeatures)
    load_keras().layers.Dense(1)(np.zeros((1, 1)))
    test, train = np.split(np.arange(len(y)), [len(y) // 5])
    for name in given.heads.split(","):
        ways: dict[str, Callable[[], np.ndarray]] = {
            "tk": lambda name=name: own(name, x, y, train, test),
            "Keras": lambda name=name: keras(name, x, y, train, test),
        }
        best: dict[str, np.ndarray] = {}
        for _ in range(given.rounds):
            for way, run in ways.items():
                start, used = time.perf_counter(), time.process_time()
                proba = run()
                seconds = np.array([time.process_time() - used, time.perf_counter() - start])
                best[way] = np.minimum(best.get(way, seconds), seconds)
                print(f"{name:7} {way:6} right: {np.mean((proba > 0.5) == y[test]):.3f}", flush=True)
        ratio = best["tk"] / best["Keras"]
        for way, (used, seconds) in best.items():
            print(f"{name:7} {way:6} {used:7.2f} s of the processor {seconds:7.2f} s")
        print(f"{name:7} tk takes {ratio[0]:.2f} times the processor time, {ratio[1]:.2f} times the time", flush=True)


def own(name: str, x: IdFeatures, y: np.ndarray, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Probabilities of class 1 by our head."""
    head = load(name, epochs=EPOCHS, batch=BATCH, length=LENGTH, width=WIDTH)
    head.fit(x.take(train), y[train], 2, seed=0)
    return head.predict_proba(x.take(test))[:, 1]


def keras(name: str, x: IdFeatures, y: np.ndarray, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    """The same by ``model.fit`` on padded texts."""
    from tensorflow import keras

    words = fit_words(x.take(train), 20_000, 2)
    numbers, lengths = number_words(x, words), np.minimum(np.diff(x.offsets), LENGTH)
    padded = np.zeros((len(y), lengths.max()), np.int32)
    for row, (start, length) in enumerate(zip(x.offsets[:-1], lengths, strict=True)):
        padded[row, :length] = numbers[start : start + length] + 1  # 0 is padding
    tokens = keras.Input((None,), dtype="int32")
    vectors = keras.layers.Embedding(len(words) + 2, WIDTH, mask_zero=name != "conv")(tokens)
    model = keras.Model(tokens, keras.layers.Dense(1, activation="sigmoid")(body(name, keras.layers, vectors)))
    model.compile("adam", "binary_crossentropy")
    model.fit(padded[train], y[train], batch_size=BATCH, epochs=EPOCHS, verbose=0)
    return model.predict(padded[test], batch_size=128, verbose=0)[:, 0]


def body(name: str, layers: Any, vectors: Any) -> Any:
    """What a head has between the vectors and the last layer."""
    if name == "conv":
        found = [layers.Conv1D(50, width, padding="same", activation="relu")(vectors) for width in (2, 3, 4)]
        pooled = layers.concatenate([layers.GlobalAveragePooling1D()(each) for each in found])
        return layers.Dense(1024, activation="relu")(layers.Dropout(0.2)(pooled))
    if name == "average":
        return layers.Dense(UNITS, activation="relu")(layers.Dropout(0.2)(layers.GlobalAveragePooling1D()(vectors)))
    kind, vectors = getattr(layers, CHAINS[name]), layers.SpatialDropout1D(0.2)(vectors)
    if name == "bilstm":
        return layers.Bidirectional(kind(UNITS))(vectors)
    chains = [kind(UNITS)(vectors) for _ in range(2 if name == "gru2" else 1)]
    return layers.concatenate(chains) if len(chains) > 1 else chains[0]


if __name__ == "__main__":
    main()
