"""TensorFlow: imported where it is used (it takes seconds), without its start-up chatter."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import ModuleType

from stores.shared import distribution
from stores.shared.errors import FailureError, InputError
from stores.shared.later import LaterFinder


def load_tensorflow() -> ModuleType:
    """The ``tensorflow`` module.

    A GPU's memory is taken as it is needed, not all at once. Products of float32 are products of float32: TensorFlow
    would round their factors to TF32 on GPUs since Ampere, and the same identity would have other numbers there.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    with _quiet(), _without_keras(), without_collector():
        import tensorflow as tf

    tf.get_logger().setLevel("ERROR")
    tf.config.experimental.enable_tensor_float_32_execution(False)
    return tf


def on_device(name: str | None) -> AbstractContextManager:
    """TensorFlow operations within run on the device ``cpu``, ``gpu`` or ``gpu:1``; None: where it chooses.

    Raises:
        InputError: if this machine has no such device.
    """
    if name is None:
        return nullcontext()
    tf = load_tensorflow()
    devices = [device.name.removeprefix("/device:").lower() for device in tf.config.list_logical_devices()]
    wanted = name.lower() if ":" in name else f"{name.lower()}:0"
    if wanted not in devices:
        raise InputError(f"`device={name!r}`: this machine has {', '.join(devices)}")
    return tf.device(f"/device:{wanted.upper()}")


def device_kind(name: str | None) -> str:
    """``cpu`` or ``gpu``: where what runs within ``on_device(name)`` is computed."""
    if name is not None:
        return name.lower().partition(":")[0]
    return "gpu" if load_tensorflow().config.list_logical_devices("GPU") else "cpu"


def load_tensorflow_text() -> ModuleType:
    """The ``tensorflow_text`` module; importing it also registers the operations that published models need.

    Raises:
        FailureError: if it is not installed (there is none for Windows), or cannot be loaded.
    """
    load_tensorflow()
    try:
        with _keras_of_text_later():
            import tensorflow_text
    except ModuleNotFoundError as error:
        raise FailureError("this encoder needs tensorflow-text, which is not installed (none for Windows)") from error
    except ImportError as error:
        why = str(error).partition("\n")[0]
        advice = distribution.pip_install("tensorflow-text")
        raise FailureError(f"tensorflow-text cannot be loaded ({why}); install another version: {advice}") from error
    return tensorflow_text


@contextmanager
def _without_keras() -> Iterator[None]:
    """TensorFlow is imported without Keras, which brings scikit-learn and matplotlib: 1.2 of 3.1 s.

    Its last line imports the optimisers of Keras, for a registry, and goes on without them. They are imported when
    Keras is first used; with TF_USE_LEGACY_KERAS=1 instead, Keras 2 would be (which takes half a second), and
    ``from tensorflow.keras import layers`` would find it for ever after.
    """
    name = "keras.src.optimizers"
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]  # so Python says of a module that it cannot be imported
    try:
        yield
    finally:
        del sys.modules[name]


@contextmanager
def _keras_of_text_later() -> Iterator[None]:
    """TensorFlow Text is imported without Keras, which its layers need and encoders do not: 1.6 of 1.9 s."""
    finder = LaterFinder("tensorflow_text.python.keras")
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


@contextmanager
def without_collector() -> Iterator[None]:
    """No garbage is looked for: few of the million new objects of a large import are any."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


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
