"""Predictions of random truth, and their intervals."""

import numpy as np

from classify.scoring.intervals import intervals
from classify.scoring.predictions import Predictions


def problem(n_classes, seed, n=200):
    """Random truth and coarse probabilities (so that scores tie), and the most probable class."""
    rng = np.random.default_rng(seed)
    y = rng.integers(n_classes, size=n)
    proba = np.round(rng.dirichlet(np.ones(n_classes), n) + 0.5 * np.eye(n_classes)[y], 1) + 0.01
    proba /= proba.sum(1, keepdims=True)
    return y, proba, proba.argmax(1)


def made(y, proba, predicted, group=None):
    """Predictions by one model, each row a group of its own unless said otherwise."""
    rows = np.arange(len(y))
    names = ["no", "yes"] if proba.shape[1] == 2 else [f"c{i}" for i in range(proba.shape[1])]
    return Predictions(names, 1, rows, rows, rows if group is None else group, rows * 0, y, predicted, proba)


def interval(y, proba, predicted, group, seed):
    """Intervals of predictions by one model."""
    return intervals(made(y, proba, predicted, group), seed).found
