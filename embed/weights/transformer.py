"""Hugging Face folders -> ``TransformerWeights``: ``config.json`` and ``model.safetensors`` of ten architectures.

The names of the weights differ by architecture, see ``NAMES``; files of a model with a head put a prefix before each
(``bert.``, ``model.``), and very old ones say ``LayerNorm.gamma`` and ``.beta``. Matrices are ``[out, in]``. Weights
that no rule uses are an error: a rule would be missing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from embed.networks.transformer_weights import Affine, Disentangled, Layer, TransformerWeights
from embed.weights.safetensors import read_folder
from stores.shared.errors import InputError
from stores.shared.files import read_json


@dataclass(frozen=True)
class Names:
    """What an architecture calls its weights; the defaults are BERT's.

    Attributes:
        pooler: of the first token, tanh after it; empty: none that is used.
        layer: before each name of a layer; ``{}`` is its number.
        query_key_value: of the three in one matrix, one below the other; empty: apart.
        defaults: of ``config.json``, where they differ from ``DEFAULTS``.
    """

    words: str = "embeddings.word_embeddings"
    positions: str = "embeddings.position_embeddings"
    types: str = "embeddings.token_type_embeddings"
    norm: str = "embeddings.LayerNorm"
    project: str = ""
    pooler: str = "pooler.dense"
    layer: str = "encoder.layer.{}."
    query: str = "attention.self.query"
    key: str = "attention.self.key"
    value: str = "attention.self.value"
    query_key_value: str = ""
    output: str = "attention.output.dense"
    attention_norm: str = "attention.output.LayerNorm"
    up: str = "intermediate.dense"
    down: str = "output.dense"
    output_norm: str = "output.LayerNorm"
    defaults: dict[str, Any] = field(default_factory=dict)


BERT = Names()
ROBERTA = replace(BERT, defaults={"pad_token_id": 1})
NAMES = {
    "bert": BERT,
    "electra": replace(
        BERT, project="embeddings_project", pooler="",
        defaults={"hidden_size": 256, "num_attention_heads": 4, "intermediate_size": 1024, "embedding_size": 128},
    ),
    "roberta": ROBERTA,
    "xlm-roberta": ROBERTA,
    "camembert": ROBERTA,
    "distilbert": replace(
        BERT, types="", pooler="", layer="transformer.layer.{}.", query="attention.q_lin", key="attention.k_lin",
        value="attention.v_lin", output="attention.out_lin", attention_norm="sa_layer_norm", up="ffn.lin1",
        down="ffn.lin2", output_norm="output_layer_norm", defaults={"num_hidden_layers": 6},
    ),
    "mpnet": replace(
        BERT, types="", query="attention.attn.q", key="attention.attn.k", value="attention.attn.v",
        output="attention.attn.o", attention_norm="attention.LayerNorm", defaults={"pad_token_id": 1},
    ),
    "albert": replace(
        BERT, project="encoder.embedding_hidden_mapping_in", pooler="pooler",
        layer="encoder.albert_layer_groups.{}.albert_layers.0.", query="attention.query", key="attention.key",
        value="attention.value", output="attention.dense", attention_norm="attention.LayerNorm", up="ffn",
        down="ffn_output", output_norm="full_layer_layer_norm",
        defaults={
            "hidden_size": 4096, "num_attention_heads": 64, "intermediate_size": 16384, "embedding_size": 128,
            "hidden_act": "gelu_new",
        },
    ),
    "deberta-v2": replace(
        BERT, project="embeddings.embed_proj", pooler="", query="attention.self.query_proj",
        key="attention.self.key_proj", value="attention.self.value_proj",
        defaults={
            "hidden_size": 1536, "num_hidden_layers": 24, "num_attention_heads": 24, "intermediate_size": 6144,
            "layer_norm_eps": 1e-7, "type_vocab_size": 0,
        },
    ),
    "modernbert": replace(
        BERT, words="embeddings.tok_embeddings", positions="", types="", norm="embeddings.norm", pooler="",
        layer="layers.{}.", query_key_value="attn.Wqkv", output="attn.Wo", attention_norm="attn_norm", up="mlp.Wi",
        down="mlp.Wo", output_norm="mlp_norm",
        defaults={
            "num_hidden_layers": 22, "intermediate_size": 1152, "layer_norm_eps": 1e-5,
            "max_position_embeddings": 8192,
        },
    ),
}  # fmt: skip
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
# weights of heads, which hidden states do not need, and numbers that are no weights
_UNUSED = re.compile(
    r"(pooler|cls|lm_head|head|decoder|classifier|pre_classifier|qa_outputs|sop_classifier|generator_\w+"
    r"|discriminator_\w+|predictions|vocab_\w+|lm_predictions|mask_predictions)\b.*|.*\bposition_ids|.*\binv_freq"
)


def read_transformer(folder: Path) -> TransformerWeights:
    """The weights of a Hugging Face folder.

    Raises:
        InputError: if its architecture is not one of ``NAMES``, or ``config.json`` does not fit the weights.
        FailureError: if a file is damaged.
    """
    config = Config(folder / "config.json")
    _refuse_variants(config)
    stored = Stored(folder, config.names.words + ".weight")
    width, layers = config.number("hidden_size"), config.depth
    inner, narrow = config.number("intermediate_size"), config.number("embedding_size", width)
    if width % config.number("num_attention_heads"):
        raise config.wrong("num_attention_heads", f"does not divide hidden_size {width}")
    names, kind = config.names, config.kind
    gated = kind == "modernbert"
    make = _LayerReader(config, stored, width, inner * (2 if gated else 1))
    weights = TransformerWeights(
        words=stored.table(names.words, narrow),
        norm=stored.affine(names.norm, width if kind == "deberta-v2" else narrow, bias=config.has_bias("norm_bias")),
        layers=tuple(make(i, layers) for i in range(layers)),
        heads=config.number("num_attention_heads"),
        activation=config.activation(),
        epsilon=config.real("layer_norm_eps"),
        max_tokens=config.max_tokens,
        projection=_projection(config, stored, narrow, width),
        project_first=kind == "deberta-v2",
        final_norm=stored.affine("final_norm", width, bias=config.has_bias("norm_bias")) if gated else None,
    )
    weights = _with_positions(weights, config, stored, narrow)
    if names.pooler and names.pooler + ".weight" in stored.arrays:
        weights = replace(weights, pooler=stored.affine(names.pooler, width, width))
    stored.check_all_used()
    return weights


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
        return value

    def real(self, key: str, default: float | None = None) -> float:
        """A number above 0."""
        value = self.get(key, default)
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value < np.inf:
            raise self.wrong(key, "is no number above 0")
        return float(value)

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
        if name not in ACTIVATIONS:
            raise self.wrong("hidden_act", f"is none of those that tk knows: {', '.join(ACTIVATIONS)}")
        return ACTIVATIONS[name]

    def wrong(self, key: str, why: str) -> InputError:
        """The error of an entry: file, entry, value and reason in one line."""
        return InputError(f"{self.path}: {key} {self.values.get(key)!r} {why}")


class Stored:
    """The arrays of a folder by their names without prefix, with a check of each one's shape.

    Attributes:
        arrays: by name.
    """

    def __init__(self, folder: Path, words: str) -> None:
        self._folder, self._used = folder, set[str]()
        arrays = read_folder(folder)
        found = sorted((name for name in arrays if name == words or name.endswith("." + words)), key=len)
        if not found:
            raise InputError(f"{folder}: its weights hold no {words}, which its config.json needs")
        prefix = found[0].removesuffix(words)
        modern = {
            re.sub(r"\.beta$", ".bias", re.sub(r"\.gamma$", ".weight", name)).removeprefix(prefix): array
            for name, array in arrays.items()
        }
        self.arrays: dict[str, np.ndarray] = modern

    def array(self, name: str, *shape: int | None) -> np.ndarray:
        """The array of that name and shape, in which None is any number."""
        if name not in self.arrays:
            raise InputError(f"{self._folder}: its weights hold no {name}, which its config.json needs")
        array = self.arrays[name]
        fits = array.ndim == len(shape) and all(s in (None, n) for s, n in zip(shape, array.shape, strict=True))
        if not fits or array.dtype.kind != "f":
            wanted = " x ".join("any" if s is None else str(s) for s in shape)
            found = " x ".join(map(str, array.shape))
            raise InputError(
                f"{self._folder}: {name} of its weights is {array.dtype} {found}, and config.json means floats {wanted}"
            )
        self._used.add(name)
        return array

    def table(self, name: str, columns: int) -> np.ndarray:
        """Rows of vectors, ``[rows, columns]``, at least one."""
        found = self.array(f"{name}.weight", None, columns)
        if not len(found):
            raise InputError(f"{self._folder}: {name}.weight of its weights has no rows")
        return found

    def affine(self, name: str, *shape: int, bias: bool = True) -> Affine:
        """Weight of that shape, and bias."""
        weight = self.array(f"{name}.weight", *shape)
        return Affine(weight, self.array(f"{name}.bias", shape[0]) if bias else None)

    def ignore(self, *names: str) -> None:
        """What is there and, as configured, plays no part."""
        self._used.update(names)

    def check_all_used(self) -> None:
        """``InputError`` if a weight is left over that no head explains."""
        spare = sorted(name for name in self.arrays if name not in self._used and not _UNUSED.fullmatch(name))
        if spare:
            raise InputError(
                f"{self._folder}: its weights hold {spare[0]} ({len(spare):,} such), of which config.json says nothing;"
                " tk does not run such a model"
            )


class _LayerReader:
    """Reads the layers; ALBERT's that share their weights become one object."""

    def __init__(self, config: Config, stored: Stored, width: int, up: int) -> None:
        self._config, self._stored, self._width, self._up = config, stored, width, up
        self._read: dict[int, Layer] = {}
        self._kinds = _kinds_of_layers(config) if config.kind == "modernbert" else None
        relative = config.kind == "deberta-v2" and config.get("relative_attention", False)
        self._table = self._distance_table(2 * _disentangled(config).span) if relative else None

    def __call__(self, i: int, layers: int) -> Layer:
        groups = self._config.number("num_hidden_groups", 1) if self._config.kind == "albert" else layers
        group = i * groups // layers
        if group not in self._read:
            self._read[group] = self._layer(group)
        return self._read[group]

    def _layer(self, i: int) -> Layer:
        config, stored, width, up = self._config, self._stored, self._width, self._up
        names, at = config.names, config.names.layer.format(i)
        attention, inner, norm = (config.has_bias(key) for key in ("attention_bias", "mlp_bias", "norm_bias"))
        if names.query_key_value:
            whole = stored.affine(at + names.query_key_value, 3 * width, width, bias=attention)
            biases = [None] * 3 if whole.bias is None else np.split(whole.bias, 3)
            query, key, value = map(Affine, np.split(whole.weight, 3), biases)
        else:
            query, key, value = (
                stored.affine(at + name, width, width) for name in (names.query, names.key, names.value)
            )
        gated = self._config.kind == "modernbert"
        layer = Layer(
            query=query,
            key=key,
            value=value,
            output=stored.affine(at + names.output, width, width, bias=attention),
            up=stored.affine(at + names.up, up, width, bias=inner),
            down=stored.affine(at + names.down, width, up // 2 if gated else up, bias=inner),
            attention_norm=None if gated and i == 0 else stored.affine(at + names.attention_norm, width, bias=norm),
            output_norm=stored.affine(at + names.output_norm, width, bias=norm),
        )
        if self._kinds:
            theta, window = self._kinds[i]
            return replace(layer, theta=theta, window=window)
        return layer if self._table is None else self._with_distances(layer, self._table, at)

    def _distance_table(self, rows: int) -> np.ndarray:
        """DeBERTa's vectors of distances, ``[2 span, H]``, normalised where the configuration says so."""
        from embed.networks.transformer_numpy import layer_norm

        table = self._stored.table("encoder.rel_embeddings", self._width)
        if len(table) < rows:
            why = f"needs {rows} rows of encoder.rel_embeddings.weight, which has {len(table)}"
            raise self._config.wrong("position_buckets", why)
        table = np.asarray(table[:rows], np.float32)
        if "layer_norm" in str(self._config.get("norm_rel_ebd", "none")).lower():
            norm = self._stored.affine("encoder.LayerNorm", self._width)
            return layer_norm(table, norm, self._config.real("layer_norm_eps"))
        return table

    def _with_distances(self, layer: Layer, table: np.ndarray, at: str) -> Layer:
        """The layer with keys and queries of the distances, which depend on the weights alone."""
        shared, made = self._config.get("share_att_key", False), {}
        for term, own, name in (("c2p", layer.key, "pos_key_proj"), ("p2c", layer.query, "pos_query_proj")):
            if term not in _terms(self._config):
                continue
            part = own if shared else self._stored.affine(f"{at}attention.self.{name}", self._width, self._width)
            made[term] = table @ np.asarray(part.weight, np.float32).T
            if part.bias is not None:
                made[term] += part.bias
        return replace(layer, position_key=made.get("c2p"), position_query=made.get("p2c"))


def _projection(config: Config, stored: Stored, narrow: int, width: int) -> Affine | None:
    """From ``embedding_size`` columns to ``hidden_size``; ALBERT has it in any case."""
    if not config.names.project or (narrow == width and config.kind != "albert"):
        return None
    return stored.affine(config.names.project, width, narrow, bias=config.kind != "deberta-v2")


def _with_positions(weights: TransformerWeights, config: Config, stored: Stored, narrow: int) -> TransformerWeights:
    """Positions, token types and what depends on distances."""
    names, rows = config.names, config.number("max_position_embeddings")
    made: dict[str, Any] = {}
    if names.positions and config.get("position_biased_input", True):
        made["positions"] = stored.array(f"{names.positions}.weight", rows, narrow)
    else:
        stored.ignore(f"{names.positions}.weight")
    if names.types and config.get("type_vocab_size"):
        made["first_type"] = stored.array(f"{names.types}.weight", config.number("type_vocab_size"), narrow)[0]
    made["pad"] = config.pad
    if config.kind == "mpnet":
        made["distance_bias"] = stored.array("encoder.relative_attention_bias.weight", 32, weights.heads)
    if config.kind == "deberta-v2":
        # terms count in the scale even where relative_attention is false
        made["disentangled"] = _disentangled(config)
        stored.ignore("encoder.LayerNorm.weight", "encoder.LayerNorm.bias")
    return replace(weights, **made)


def _terms(config: Config) -> set[str]:
    """DeBERTa's ``pos_att_type``: a list, or ``p2c|c2p``."""
    found = config.get("pos_att_type", [])
    parts = found.lower().split("|") if isinstance(found, str) else found
    if not isinstance(parts, list) or not {str(part).strip() for part in parts} <= {"c2p", "p2c", ""}:
        raise config.wrong("pos_att_type", "is not made of c2p and p2c")
    return {part.strip() for part in parts} - {""}


def _disentangled(config: Config) -> Disentangled:
    buckets, farthest = config.get("position_buckets", -1), config.get("max_relative_positions", -1)
    if not isinstance(buckets, int) or not isinstance(farthest, int):
        raise config.wrong("position_buckets", "and max_relative_positions are no whole numbers")
    farthest = farthest if farthest >= 1 else config.number("max_position_embeddings")
    if buckets > 0 and not 2 <= buckets // 2 < farthest - 1:
        raise config.wrong("position_buckets", f"leaves nothing between 2 and the farthest distance {farthest}")
    return Disentangled(buckets, farthest, buckets if buckets > 0 else farthest, len(_terms(config)))


def _kinds_of_layers(config: Config) -> list[tuple[float, int | None]]:
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
        if not isinstance(theta, int | float) or not theta > 0:
            raise config.wrong("rope_parameters", f"gives {kind} no rope_theta above 0")
        found.append((float(theta), window if kind == "sliding_attention" else None))
    return found


def _refuse_variants(config: Config) -> None:
    """Variants of the architectures whose arithmetic is another one."""
    if config.get("position_embedding_type", "absolute") != "absolute":
        raise config.wrong("position_embedding_type", "is not absolute; tk does not run such a model")
    if config.get("conv_kernel_size", 0):
        raise config.wrong("conv_kernel_size", "asks for a convolution; tk does not run such a model")
    if config.kind == "albert" and config.get("inner_group_num", 1) != 1:
        raise config.wrong("inner_group_num", "is not 1; tk does not run such a model")
    if config.get("is_decoder", False) or config.get("add_cross_attention", False):
        raise config.wrong("is_decoder", "means a decoder, in which a token sees those before it alone; tk runs none")
