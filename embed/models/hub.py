"""Modules of TensorFlow Hub, as a folder on this machine, in both generations.

Those of the first (TF1 Hub, ``tfhub_module.pb``) have ``signatures`` and cannot be called; those of the second
(SavedModel of TensorFlow 2) can. A module is a program: what is loaded here runs with the user's rights.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any

from embed.models.resolve import missing_part
from embed.models.trust import Trust, check_program
from stores.shared.errors import FailureError, InputError
from stores.shared.reporter import Reporter
from stores.shared.tensorflow import load_tensorflow, load_tensorflow_text

ATTENTION = {"BatchMatMul", "BatchMatMulV2", "BatchMatMulV3", "Einsum"}
PRODUCTS = ATTENTION | {"MatMul", "Conv2D"}


def load_module(path: Path, reporter: Reporter | None = None, trust: Trust = Trust.USER) -> Any:  # noqa: ANN401 (what TensorFlow makes of it has no common type)
    """The module in the folder ``path``.

    ``tensorflow_text`` is loaded first where it is installed (not on Windows): its operations would be unknown else.

    Args:
        path: the folder.
        reporter: told that it is a program, once for each model; None: stderr.
        trust: who named it.

    Raises:
        InputError: if ``path`` is no SavedModel, or a run or store names it and it was never used here.
        FailureError: if it names files outside the folder, a part of it is missing, or TensorFlow cannot load it.
    """
    if lack := missing_part(path):
        what = "half deleted, or no TF-Hub module" if path.is_dir() else "no folder of a TF-Hub module"
        raise InputError(f"{path} is {what}: it holds {lack}; give the folder with saved_model.pb, or get it again")
    check_program(path, trust, reporter or Reporter())
    tf = load_tensorflow()
    _check_assets(path)
    with suppress(FailureError):
        load_tensorflow_text()  # it registers operations, which not every module needs
    # what tensorflow_hub.load does: graphs of the first generation carry no tags, those of the second carry their own
    tags: list[str] | None = [] if (path / "tfhub_module.pb").is_file() else None
    try:
        return tf.compat.v1.saved_model.load_v2(str(path), tags=tags)
    except Exception as error:  # TensorFlow raises errors of many types
        raise FailureError(f"{path} cannot be loaded by TensorFlow: {_why(error)}") from error


def _check_assets(path: Path) -> None:
    """``FailureError`` if an asset is a file outside the folder, which no digest covers."""
    model = _saved_model(path)
    for asset in (asset for meta in model.meta_graphs for asset in meta.asset_file_def) if model else ():
        parts = PurePosixPath(asset.filename.replace("\\", "/")).parts
        if asset.filename.startswith("/") or ".." in parts or any(part.startswith(".") for part in parts):
            raise FailureError(f"{path} names the asset {asset.filename!r} outside its folder; get it from its maker")


def _saved_model(path: Path) -> Any:  # noqa: ANN401 (a message of TensorFlow's)
    """What saved_model.pb says; None where there is saved_model.pbtxt instead, which nobody publishes."""
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    if not (path / "saved_model.pb").is_file():
        return None
    try:
        return SavedModel.FromString((path / "saved_model.pb").read_bytes())
    except DecodeError as error:
        raise FailureError(f"{path} cannot be loaded by TensorFlow: saved_model.pb is damaged; get it again") from error


def has_attention(path: Path) -> bool:
    """Whether a module's graphs multiply batches of matrices, as attention does: it costs the square of the length."""
    return _has_one_of(ATTENTION, path)


def has_products(path: Path) -> bool:
    """Whether a module's graphs multiply matrices, whose precision can be chosen."""
    return _has_one_of(PRODUCTS, path)


def _has_one_of(operations: set[str], path: Path) -> bool:
    model = _saved_model(path)
    if model is None:
        return True
    graphs = [meta.graph_def for meta in model.meta_graphs]
    nodes = [graph.node for graph in graphs] + [f.node_def for graph in graphs for f in graph.library.function]
    return any(node.op in operations for some in nodes for node in some)


def _why(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    if "Op type not registered" in text:
        return f"{text.splitlines()[0]} (is tensorflow-text installed, in the version of TensorFlow?)"
    return text.splitlines()[0]
