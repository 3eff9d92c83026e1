"""Small separable sets of each kind of features, and heads that train quickly."""

import numpy as np

from classify import heads
from stores import IdFeatures, TokenFeatures

RECURRENT = ("bilstm", "gru", "gru2", "lstm", "rnn")
SMALL = {"units": 8, "epochs": 8, "learning_rate": 0.03, "width": 6}
QUICK = {"dense": {"units": 32, "epochs": 30, "learning_rate": 0.01}}  # small enough for a test
QUICK |= {name: SMALL for name in RECURRENT} | {"conv": SMALL | {"epochs": 12, "learning_rate": 0.01}, "average": SMALL}


def pooled_set(n_classes, n=150, seed=0):
    """Vectors whose class shows in one direction each; class counts differ."""
    rng = np.random.default_rng(seed)
    y = np.minimum(rng.integers(n_classes + 1, size=n), n_classes - 1)
    x = rng.normal(size=(n, 6)).astype(np.float32)
    x[np.arange(n), y] += 6
    return x, y


def ids_set(n_classes, n=150, seed=0):
    """Texts with one word that tells the class."""
    rng = np.random.default_rng(seed)
    y = np.minimum(rng.integers(n_classes + 1, size=n), n_classes - 1)
    return IdFeatures.from_tokens([[*rng.choice(["the", "of", "I", "!"], 3), f"Class{c}"] for c in y]), y


def tokens_set(n_classes, n=150, seed=0):
    """Texts of one to five vectors, one of which tells the class."""
    x, y = pooled_set(n_classes, n, seed)
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 6, size=n)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    values = rng.normal(size=(offsets[-1], x.shape[1])).astype(np.float32)
    values[offsets[:-1] + rng.integers(lengths)] = x
    return TokenFeatures({"tokens": values}, np.ones((n, 3), np.int32), offsets), y


SETS = {"pooled": pooled_set, "ids": ids_set, "tokens": tokens_set}


def make(name):
    """An untrained head that trains quickly."""
    return heads.load(name, **QUICK.get(name, {}))


def noisy(n=400, seed=0):
    """Two classes, one in four positive, that one direction tells only nearly; many directions tell nothing."""
    rng = np.random.default_rng(seed)
    y = (rng.random(n) < 0.25).astype(int)
    x = rng.normal(size=(n, 30)).astype(np.float32)
    x[:, 0] += 1.5 * y
    return x, y
