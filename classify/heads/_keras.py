"""Keras on TensorFlow: imported where a head needs it (it takes seconds), repeatable."""

from __future__ import annotations

from types import ModuleType

from stores.shared.tensorflow import load_tensorflow, without_collector


def load_keras() -> ModuleType:
    """The ``keras`` module on TensorFlow, set to give the same result each time for the same seed."""
    tf = load_tensorflow()
    with without_collector():
        import keras

    tf.config.experimental.enable_op_determinism()
    return keras
