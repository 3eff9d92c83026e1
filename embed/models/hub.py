"""Modules of TensorFlow Hub, as a folder on this machine, in both generations.

Those of the first (TF1 Hub, ``tfhub_module.pb``) have ``signatures`` and cannot be called; those of the second
(SavedModel of TensorFlow 2) can. A module is a program: what is loaded here runs with the user's rights.
"""

from __future__ import annotations

import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

from embed.models.resolve import missing_part
from stores.shared.errors import FailureError, InputError
from stores.shared.tensorflow import load_tensorflow

ATTENTION = {"BatchMatMul", "BatchMatMulV2", "BatchMatMulV3", "Einsum"}


def load_module(path: Path) -> Any:  # noqa: ANN401 (what TensorFlow makes of it has no common type)
    """The module in the folder ``path``.

    ``tensorflow_text`` is loaded first where it is installed (not on Windows): its operations would be unknown else.

    Raises:
        InputError: if ``path`` is no SavedModel.
        FailureError: if a part of it is missing, or TensorFlow cannot load it.
    """
    if lack := missing_part(path):
        what = "half deleted, or no TF-Hub module" if path.is_dir() else "no folder of a TF-Hub module"
        raise InputError(f"{path} is {what}: it holds {lack}; give the folder with saved_model.pb, or get it again")
    load_tensorflow()
    with suppress(ImportError):
        import tensorflow_text  # noqa: F401 (it registers operations)
    with warnings.catch_warnings():  # it imports pkg_resources, and setuptools below 81 warns of that
        warnings.filterwarnings("ignore", "pkg_resources is deprecated")
        import tensorflow_hub

    try:
        return tensorflow_hub.load(str(path))
    except Exception as error:  # TensorFlow raises errors of many types
        raise FailureError(f"{path} cannot be loaded by TensorFlow: {_why(error)}") from error


def has_attention(path: Path) -> bool:
    """Whether a module's graphs multiply batches of matrices, as attention does: it costs the square of the length."""
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    if not (path / "saved_model.pb").is_file():  # but saved_model.pbtxt, which nobody publishes
        return True
    model = SavedModel.FromString((path / "saved_model.pb").read_bytes())
    graphs = [meta.graph_def for meta in model.meta_graphs]
    nodes = [graph.node for graph in graphs] + [f.node_def for graph in graphs for f in graph.library.function]
    return any(node.op in ATTENTION for some in nodes for node in some)


def _why(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    if "Op type not registered" in text:
        return f"{text.splitlines()[0]} (is tensorflow-text installed, in the version of TensorFlow?)"
    return text.splitlines()[0]
