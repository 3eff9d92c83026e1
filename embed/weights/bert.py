"""BERT's weights as Google published them -> ``TransformerWeights``, by way of the names of Google's checkpoints.

=====================  =========================================================================================
Google's checkpoints   ``bert_model.ckpt.*``; ``bert/encoder/layer_0/attention/self/query/kernel [H, H]``
TF1 Hub modules        the same names in ``variables/``
TF-Hub SavedModels     ``transformer/layer_0/self_attention/query/kernel [H, A, D]``, or version 1's
                       ``bert_model/encoder/layer_0/...`` (tensorflow/models, ``tf1_bert_checkpoint_converter_lib.py``)
=====================  =========================================================================================

Folders of Hugging Face are read by ``embed.weights.transformer``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from embed.networks.transformer_weights import Affine, Layer, TransformerWeights
from embed.weights.checkpoints import Checkpoint
from stores.shared.errors import InputError
from stores.shared.files import read_json

# What a form calls a variable -> what Google's checkpoints call it; all else is no part of the encoder.
_LAYER = r"(?:.*/)?(?:transformer|encoder)/layer_(\d+)"
HUB = {
    r"(?:.*/)?word_embeddings/embeddings": r"embeddings/word_embeddings",
    r"(?:.*/)?(?:position_embedding/embeddings|position_embeddings)": r"embeddings/position_embeddings",
    r"(?:.*/)?(?:type_embeddings/embeddings|type_embeddings)": r"embeddings/token_type_embeddings",
    r"(?:.*/)?(?:embeddings|embedding_postprocessor)/layer_norm/(\w+)": r"embeddings/LayerNorm/\1",
    rf"{_LAYER}/self_attention/(query|key|value)/(\w+)": r"encoder/layer_\1/attention/self/\2/\3",
    rf"{_LAYER}/(?:self_attention_output|self_attention/attention_output)/(\w+)": (
        r"encoder/layer_\1/attention/output/dense/\2"
    ),
    rf"{_LAYER}/self_attention_layer_norm/(\w+)": r"encoder/layer_\1/attention/output/LayerNorm/\2",
    rf"{_LAYER}/(intermediate|output)/(\w+)": r"encoder/layer_\1/\2/dense/\3",
    rf"{_LAYER}/output_layer_norm/(\w+)": r"encoder/layer_\1/output/LayerNorm/\2",
    r"(?:.*/)?pooler_transform/(\w+)": r"pooler/dense/\1",
}
GOOGLE = {r"(?:.*/)?bert/((?:embeddings|encoder|pooler)/.*(?<!/adam_m)(?<!/adam_v))": r"\1"}
PARTS = (
    "attention/self/query", "attention/self/key", "attention/self/value", "attention/output/dense",
    "attention/output/LayerNorm", "intermediate/dense", "output/dense", "output/LayerNorm",
)  # fmt: skip
HEAD = 64  # numbers a head has in all that Google published; TF1 Hub modules do not say it


def read_google(folder: Path) -> TransformerWeights:
    """The weights of a checkpoint in ``folder`` with its ``bert_config.json``; optimiser slots are left out.

    Raises:
        InputError: if there is none, or it is no BERT.
        FailureError: if a file is damaged.
    """
    config = read_json(folder / "bert_config.json")
    indexes = sorted(folder.glob("*.index"))
    if not indexes:
        raise InputError(f"{folder} has bert_config.json but no checkpoint (bert_model.ckpt.index); put it there")
    checkpoint = Checkpoint(indexes[0].with_suffix(""))
    arrays = {new: checkpoint.read(name) for new, name in _renamed(checkpoint.keys, GOOGLE).items()}
    activation = {"gelu": "gelu_tanh", "relu": "relu"}.get(
        str(config.get("hidden_act"))
    )  # Google's gelu is the tanh form
    return _checked(folder, config.get("num_attention_heads"), activation, 1e-12, arrays)


def read_hub(folder: Path) -> TransformerWeights | None:
    """The weights of a TF-Hub module of either generation; None if its variables are not those of a BERT.

    Raises:
        FailureError: if its checkpoint is damaged.
    """
    checkpoint = Checkpoint(folder / "variables/variables")
    names = _renamed(checkpoint.keys, GOOGLE) or _renamed(checkpoint.keys, HUB)
    arrays = {new: checkpoint.read(checkpoint.keys[name]) for new, name in names.items()}
    query = arrays.get("encoder/layer_0/attention/self/query/kernel")
    if query is None:
        return None
    width = query.shape[0]
    heads = query.shape[1] if query.ndim == 3 else max(1, width // HEAD)
    flat = {name: _without_heads(name, array, width) for name, array in arrays.items()}
    try:
        return _checked(folder, heads, "gelu_tanh", 1e-12, flat)
    except InputError:
        return None


def _renamed(stored: Iterable[str], rules: Mapping[str, str]) -> dict[str, str]:
    """New name -> name in the file, of all that one of the rules knows."""
    found = {name: next(filter(None, (re.fullmatch(old, name) for old in rules)), None) for name in stored}
    return {match.expand(rules[match.re.pattern]): name for name, match in found.items() if match}


def _without_heads(name: str, array: np.ndarray, width: int) -> np.ndarray:
    """An array of the attention as a matrix or vector: ``[H, A, D]`` to ``[H, H]``, ``[A, D]`` to ``[H]``."""
    if "/attention/" not in name or "LayerNorm" in name:
        return array
    if name.endswith("/bias"):
        return array.reshape(-1)
    return array.reshape(-1, width) if "/output/" in name else array.reshape(width, -1)


def _checked(
    folder: Path, heads: object, activation: str | None, epsilon: float, arrays: Mapping[str, np.ndarray]
) -> TransformerWeights:
    """The weights, if all that the network needs is there and fits together; else ``InputError``."""
    words = arrays.get("embeddings/word_embeddings", np.zeros((0, 0)))
    width = words.shape[-1]
    depth = len({name.split("/")[1] for name in arrays if name.startswith("encoder/")})
    needed = {f"embeddings/{kind}_embeddings": width for kind in ("word", "position", "token_type")}
    needed |= {f"embeddings/LayerNorm/{name}": width for name in ("gamma", "beta")}
    for layer in range(depth):
        for part in PARTS:
            inner = arrays.get(f"encoder/layer_{layer}/intermediate/dense/bias", words).shape[-1]
            size = inner if part == "intermediate/dense" else width
            for name in ("gamma", "beta") if "LayerNorm" in part else ("kernel", "bias"):
                needed[f"encoder/layer_{layer}/{part}/{name}"] = size
    wrong = [name for name, size in needed.items() if name not in arrays or arrays[name].shape[-1] != size]
    if not depth or wrong:
        lack = f"{len(wrong)} of its arrays, such as {wrong[0]}, are" if wrong else "its layers are"
        raise InputError(f"{folder} is no BERT: {lack} missing or of another shape")
    if activation is None or not isinstance(heads, int) or heads < 1 or width % heads:
        raise InputError(f"{folder}: its configuration (heads {heads}, activation {activation}) is none of BERT's")
    return bert_weights(arrays, heads, activation, epsilon)


def bert_weights(
    arrays: Mapping[str, np.ndarray], heads: int, activation: str = "gelu", epsilon: float = 1e-12
) -> TransformerWeights:
    """The weights from arrays by the names of Google's checkpoints without ``bert/``; the pooler may be missing.

    Args:
        arrays: ``embeddings/word_embeddings [V, H]``, ``encoder/layer_0/attention/self/query/kernel [H, H]``, ...
        heads, activation, epsilon: see ``TransformerWeights``.
    """

    def dense(name: str) -> Affine:  # kernels are [in, out]
        return Affine(arrays[f"{name}/kernel"].T, arrays[f"{name}/bias"])

    def norm(name: str) -> Affine:
        return Affine(arrays[f"{name}/gamma"], arrays[f"{name}/beta"])

    def layer(at: str) -> Layer:
        return Layer(
            query=dense(f"{at}/attention/self/query"),
            key=dense(f"{at}/attention/self/key"),
            value=dense(f"{at}/attention/self/value"),
            output=dense(f"{at}/attention/output/dense"),
            up=dense(f"{at}/intermediate/dense"),
            down=dense(f"{at}/output/dense"),
            attention_norm=norm(f"{at}/attention/output/LayerNorm"),
            output_norm=norm(f"{at}/output/LayerNorm"),
        )

    depth = len({name.split("/")[1] for name in arrays if name.startswith("encoder/")})
    return TransformerWeights(
        words=arrays["embeddings/word_embeddings"],
        positions=arrays["embeddings/position_embeddings"],
        first_type=arrays["embeddings/token_type_embeddings"][0],
        norm=norm("embeddings/LayerNorm"),
        layers=tuple(layer(f"encoder/layer_{i}") for i in range(depth)),
        heads=heads,
        activation=activation,
        epsilon=epsilon,
        max_tokens=len(arrays["embeddings/position_embeddings"]),
        pooler=dense("pooler/dense") if "pooler/dense/kernel" in arrays else None,
    )
