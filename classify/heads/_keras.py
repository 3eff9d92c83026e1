"""Keras on TensorFlow: imported where a head needs it (it takes seconds), without chatter, repeatable."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType


def load_keras() -> ModuleType:
    """The ``keras`` module on TensorFlow, set to give the same result each time for the same seed."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    with _quiet():
        import keras
        import tensorflow as tf

    tf.get_logger().setLevel("ERROR")
    tf.config.experimental.enable_op_determinism()
    return keras


@contextmanager
def _quiet() -> Iterator[None]:
    """Nothing written to stderr, not even by compiled code, which heeds no log level while TensorFlow is imported."""
    stderr, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(nothing)
