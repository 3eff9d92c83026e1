"""The modules of sentence-transformers that follow the pooling: from pooled vectors to those that a folder means.

A module reads its files in ``MODULES[type](folder, path)``: the folder of the model, and its own path below that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from embed.networks.transformer_numpy import ACTIVATIONS, layer_norm
from embed.networks.transformer_weights import Affine
from embed.weights.safetensors import read_folder, weight_files
from stores.shared.errors import InputError
from stores.shared.files import read_json


@dataclass(frozen=True)
class Module:
    """One step from pooled vectors to those that the folder means.

    Attributes:
        name: the last part of its type.
        width: columns that it takes; None: any.
        makes: columns that it gives; None: as many.
        apply: float32 ``[n, D]`` to float32 ``[n, E]``.
    """

    name: str
    width: int | None
    makes: int | None
    apply: Callable[[np.ndarray], np.ndarray]


Read = tuple[Module | None, tuple[str, ...]]  # None where nothing is to be done; names of the files that were read


def _sentence_vectors(config: dict[str, Any], where: Path) -> None:
    """``InputError`` if a module works on something else than the pooled vectors."""
    for key in ("module_input_name", "module_output_name"):
        if (value := config.get(key) or "sentence_embedding") != "sentence_embedding":
            raise InputError(f"{where}: {key} {value!r} is not sentence_embedding; tk does not run such a model")


def _normalize(folder: Path, path: str) -> Read:
    """Each vector divided by its length."""
    config, files = _config(folder, path)
    _sentence_vectors(config, folder / path)
    return Module("Normalize", None, None, unit_length), files


def _dropout(folder: Path, path: str) -> Read:
    """It plays a part in training alone."""
    return None, ()


def _dense(folder: Path, path: str) -> Read:
    """act(x W' + b), plus x itself with ``use_residual``."""
    config, files = _config(folder, path)
    where = folder / path / "config.json"
    _sentence_vectors(config, where)
    name = config.get("activation_function", "torch.nn.modules.activation.Tanh")
    kind = name.rpartition(".")[2].lower() if isinstance(name, str) else ""
    if kind not in ACTIVATIONS and kind != "identity":
        raise InputError(f"{where}: activation_function {name!r} is none of those that tk knows")
    activate = ACTIVATIONS["linear" if kind == "identity" else kind]
    arrays = read_folder(folder / path)
    files += _weight_names(folder, path)
    weight = _matrix(arrays, "linear.weight", folder / path, config.get("out_features"), config.get("in_features"))
    bias = _matrix(arrays, "linear.bias", folder / path, len(weight)) if "linear.bias" in arrays else np.float32(0)
    if bool(config.get("bias", True)) != ("linear.bias" in arrays):
        raise InputError(f"{where}: bias {config.get('bias', True)} does not fit the weights beside it")
    beside: np.ndarray | None = None
    if residual := bool(config.get("use_residual", False)):
        narrow = len(weight) != weight.shape[1]
        beside = _matrix(arrays, "residual.weight", folder / path, *weight.shape) if narrow else None

    def apply(x: np.ndarray) -> np.ndarray:
        y = activate(x @ weight.T + bias)
        return y + (x if beside is None else x @ beside.T) if residual else y

    return Module("Dense", weight.shape[1], len(weight), apply), files


def _layer_norm(folder: Path, path: str) -> Read:
    """Layer normalisation of the vectors, with PyTorch's epsilon."""
    config, files = _config(folder, path)
    _sentence_vectors(config, folder / path / "config.json")
    arrays = read_folder(folder / path)
    files += _weight_names(folder, path)
    width = config.get("dimension")
    norm = Affine(*(_matrix(arrays, name, folder / path, width) for name in ("norm.weight", "norm.bias")))
    return Module("LayerNorm", len(norm.weight), None, lambda x: layer_norm(x, norm, 1e-5)), files


def _config(folder: Path, path: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The module's settings, and the name of their file; empty if there is none."""
    name = below(path, "config.json")
    return (read_json(folder / name), (name,)) if (folder / name).is_file() else ({}, ())


def _weight_names(folder: Path, path: str) -> tuple[str, ...]:
    return tuple(below(path, name) for name in weight_files(folder / path))


def _matrix(arrays: dict[str, np.ndarray], name: str, where: Path, *shape: int | None) -> np.ndarray:
    """The array of that name, float32, of a shape in which None is any number."""
    array = arrays.get(name)
    if array is None:
        raise InputError(f"{where / 'model.safetensors'} has no {name}; get it again")
    fits = array.ndim == len(shape) and all(s in (None, n) for s, n in zip(shape, array.shape, strict=True))
    if not fits or array.dtype.kind != "f":
        raise InputError(f"{where / 'model.safetensors'}: {name} is {array.shape}, and config.json means {shape}")
    return np.asarray(array, np.float32)


def below(path: str, name: str) -> str:
    """The name of a file in a module's folder, below the model's."""
    return (PurePosixPath(path) / name).as_posix()


def unit_length(x: np.ndarray) -> np.ndarray:
    """Each row divided by its length, at least 1e-12: float32 ``[n, D]``."""
    return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)


MODULES: dict[str, Callable[[Path, str], Read]] = {
    "Dense": _dense,
    "LayerNorm": _layer_norm,
    "Normalize": _normalize,
    "Dropout": _dropout,
}
