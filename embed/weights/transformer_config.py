"""``config.json`` of the architectures that tk runs: numbers with their defaults, and what they mean for the layers.

A value that makes no sense, or asks for arithmetic that tk has not, is an error of one line: file, entry, value and
reason.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from embed.networks.transformer_weights import Disentangled
from embed.weights.architectures import NAMES
from stores.shared.errors import InputError
from stores.shared.files import read_json

MOST = 1 << 20  # of layers, columns, positions: what is above it is no model, and would only take memory
MOST_EPSILON = 0.01
DEFAULTS = {
    "hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072,
    "hidden_act": "gelu", "layer_norm_eps": 1e-12, "max_position_embeddings": 512, "type_vocab_size": 2,
}  # fmt: skip
ALIASES = {  # names of DistilBERT and ModernBERT
    "dim": "hidden_size", "n_heads": "num_attention_heads", "n_layers": "num_hidden_layers", "hidden_dim":
    "intermediate_size", "activation": "hidden_act", "hidden_activation": "hidden_act", "norm_eps": "layer_norm_eps",
}  # fmt: skip
ACTIVATIONS = {
    **{name: name for name in ("gelu", "quick_gelu", "relu", "relu2", "silu", "tanh", "sigmoid", "linear")},
    **dict.fromkeys(
        ("gelu_new", "gelu_fast", "gelu_accurate", "gelu_pytorch_tanh", "gelu_python_tanh"), "gelu_tanh"
    ),
    "gelu_python": "gelu", "swish": "silu", "identity": "linear",
}  # fmt: skip


class AnyConfig:
    """``config.json`` of any architecture, as far as a graph in another form needs it.

    Attributes:
        path, kind: of the file, and its ``model_type``.
    """

    depth = 0  # the last layer is the one that a graph gives

    def __init__(self, path: Path) -> None:
        self.path, self.values = path, read_json(path)
        self.kind = str(self.values.get("model_type"))

    @property
    def max_tokens(self) -> int:
        """Of a text; RoBERTa's kin keep two positions for themselves. Where the file is silent, there is no limit."""
        if self.kind in NAMES:
            return Config(self.path).max_tokens
        found = self.values.get("max_position_embeddings") or self.values.get("n_positions")
        return found if isinstance(found, int) and found > 2 else 1 << 20


class Config:
    """``config.json`` with its defaults; a number that is missing has the default of the architecture.

    Attributes:
        path, kind, names: of the file, its ``model_type``, and what that calls its weights.
    """

    def __init__(self, path: Path) -> None:
        self.path, found = path, read_json(path)
        self.kind = str(found.get("model_type"))
        if self.kind not in NAMES:
            raise InputError(
                f"{path}: model_type {self.kind!r} is none of those that tk runs ({', '.join(NAMES)}); if the model has"
                " a graph in ONNX, name it as `onnx`, such as `onnx='model'`"
            )
        self.names = NAMES[self.kind]
        named = {ALIASES.get(name, name): value for name, value in found.items()}
        if self.kind == "distilbert":  # it has no such key
            named["layer_norm_eps"] = 1e-12
        self.values: dict[str, Any] = DEFAULTS | self.names.defaults | named

    def get(self, key: str, default: Any = None) -> Any:  # noqa: ANN401 (JSON)
        """The value of a key; the default where it is missing or null."""
        value = self.values.get(key)
        return default if value is None else value

    def number(self, key: str, default: int | None = None) -> int:
        """A whole number above 0."""
        value = self.get(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise self.wrong(key, "is no whole number above 0")
        if value > MOST:
            raise self.wrong(key, f"is more than the {MOST:,} that tk takes")
        return value

    def real(self, key: str, default: float | None = None) -> float:
        """A number above 0."""
        value = self.get(key, default)
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value < np.inf:
            raise self.wrong(key, "is no number above 0")
        return float(value)

    @property
    def epsilon(self) -> float:
        """Of the normalisations, which a number of the size of the states would drown."""
        value = self.real("layer_norm_eps")
        if value > MOST_EPSILON:
            raise self.wrong("layer_norm_eps", f"is more than {MOST_EPSILON}, which no model has")
        return value

    @property
    def depth(self) -> int:
        """Layers."""
        return self.number("num_hidden_layers")

    @property
    def pad(self) -> int | None:
        """The id of the padding token where positions count from it on; None: they do not."""
        if not self.names.defaults.get("pad_token_id"):
            return None
        pad, rows = 1 if self.kind == "mpnet" else self.get("pad_token_id", 1), self.number("max_position_embeddings")
        if not isinstance(pad, int) or not 0 <= pad < rows - 1:
            raise self.wrong("pad_token_id", f"leaves no positions of {rows} (max_position_embeddings)")
        return pad

    @property
    def max_tokens(self) -> int:
        """Of a text, with special tokens: RoBERTa's 514 rows of positions serve 512 tokens."""
        return self.number("max_position_embeddings") - (0 if self.pad is None else self.pad + 1)

    def has_bias(self, key: str) -> bool:
        """Whether ModernBERT's parts of that kind have biases; those of the others have them all."""
        return self.kind != "modernbert" or bool(self.get(key, False))

    def activation(self) -> str:
        """One of ``embed.networks.transformer_weights.ACTIVATIONS``."""
        name = self.get("hidden_act")
        if not isinstance(name, str) or name not in ACTIVATIONS:
            raise self.wrong("hidden_act", f"is none of those that tk knows: {', '.join(ACTIVATIONS)}")
        return ACTIVATIONS[name]

    def wrong(self, key: str, why: str) -> InputError:
        """The error of an entry: file, entry, value and reason in one line."""
        return InputError(f"{self.path}: {key} {self.values.get(key)!r} {why}")


def terms(config: Config) -> set[str]:
    """DeBERTa's ``pos_att_type``: a list, or ``p2c|c2p``."""
    found = config.get("pos_att_type", [])
    parts = found.lower().split("|") if isinstance(found, str) else found
    if not isinstance(parts, list) or not {str(part).strip() for part in parts} <= {"c2p", "p2c", ""}:
        raise config.wrong("pos_att_type", "is not made of c2p and p2c")
    return {part.strip() for part in parts} - {""}


def disentangled(config: Config) -> Disentangled:
    """DeBERTa's buckets of distances."""
    buckets, farthest = config.get("position_buckets", -1), config.get("max_relative_positions", -1)
    if not isinstance(buckets, int) or not isinstance(farthest, int):
        raise config.wrong("position_buckets", "and max_relative_positions are no whole numbers")
    farthest = farthest if farthest >= 1 else config.number("max_position_embeddings")
    if buckets > 0 and not 2 <= buckets // 2 < farthest - 1:
        raise config.wrong("position_buckets", f"leaves nothing between 2 and the farthest distance {farthest}")
    return Disentangled(buckets, farthest, buckets if buckets > 0 else farthest, len(terms(config)))


def kinds_of_layers(config: Config) -> list[tuple[float, int | None]]:
    """Rotary base and window of each of ModernBERT's layers."""
    layers, every = config.number("num_hidden_layers"), config.number("global_attn_every_n_layers", 3)
    usual = ["sliding_attention" if i % every else "full_attention" for i in range(layers)]
    kinds, ropes = config.get("layer_types", usual), config.get("rope_parameters", {})
    older = {
        "full_attention": config.real("global_rope_theta", 160000.0),
        "sliding_attention": config.real("local_rope_theta", 10000.0),
    }
    if not isinstance(kinds, list) or len(kinds) != layers or not set(map(str, kinds)) <= set(older):
        raise config.wrong("layer_types", f"is no list of {layers} times full_attention or sliding_attention")
    if not isinstance(ropes, dict):
        raise config.wrong("rope_parameters", "is no object")
    window = config.number("local_attention", 128) // 2
    found: list[tuple[float, int | None]] = []
    for kind in kinds:
        rope = ropes.get(kind) or {}
        if not isinstance(rope, dict) or rope.get("rope_type", "default") != "default":
            raise config.wrong("rope_parameters", "asks for another rotation than rope_type default, which tk has not")
        theta = rope.get("rope_theta") or older[kind]
        if not isinstance(theta, int | float) or isinstance(theta, bool) or not theta > 0:
            raise config.wrong("rope_parameters", f"gives {kind} no rope_theta above 0")
        found.append((float(theta), window if kind == "sliding_attention" else None))
    return found


def refuse_variants(config: Config) -> None:
    """Variants of the architectures whose arithmetic is another one."""
    if config.get("position_embedding_type", "absolute") != "absolute":
        raise config.wrong("position_embedding_type", "is not absolute; tk does not run such a model")
    if config.get("conv_kernel_size", 0):
        raise config.wrong("conv_kernel_size", "asks for a convolution; tk does not run such a model")
    if config.kind == "albert" and config.get("inner_group_num", 1) != 1:
        raise config.wrong("inner_group_num", "is not 1; tk does not run such a model")
    if config.get("is_decoder", False) or config.get("add_cross_attention", False):
        raise config.wrong("is_decoder", "means a decoder, in which a token sees those before it alone; tk runs none")
