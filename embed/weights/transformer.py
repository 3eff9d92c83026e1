"""Hugging Face folders -> ``TransformerWeights``: ``config.json`` and ``model.safetensors`` of ten architectures.

The names of the weights differ by architecture, see ``embed.weights.architectures``; files of a model with a head put a
prefix before each (``bert.``, ``model.``), and very old ones say ``LayerNorm.gamma`` and ``.beta``. Matrices are
``[out, in]``. Weights that no rule uses are an error: a rule would be missing.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from embed.networks.transformer_weights import Affine, Layer, TransformerWeights
from embed.weights.checked_arrays import CheckedArrays
from embed.weights.transformer_config import Config, disentangled, kinds_of_layers, refuse_variants, terms


def read_transformer(folder: Path) -> TransformerWeights:
    """The weights of a Hugging Face folder.

    Raises:
        InputError: if its architecture is not one of ``NAMES``, or ``config.json`` does not fit the weights.
        FailureError: if a file is damaged.
    """
    config = Config(folder / "config.json")
    refuse_variants(config)
    stored = CheckedArrays(folder, config.names.words + ".weight")
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
        epsilon=config.epsilon,
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


class _LayerReader:
    """Reads the layers; ALBERT's that share their weights become one object."""

    def __init__(self, config: Config, stored: CheckedArrays, width: int, up: int) -> None:
        self._config, self._stored, self._width, self._up = config, stored, width, up
        self._read: dict[int, Layer] = {}
        self._kinds = kinds_of_layers(config) if config.kind == "modernbert" else None
        relative = config.kind == "deberta-v2" and config.get("relative_attention", False)
        self._table = self._distance_table(2 * disentangled(config).span) if relative else None

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
        norms = str(self._config.get("norm_rel_ebd", "none")).lower()
        if norms not in ("none", "layer_norm"):
            raise self._config.wrong("norm_rel_ebd", "is neither none nor layer_norm")
        if norms == "layer_norm":
            norm = self._stored.affine("encoder.LayerNorm", self._width)
            return layer_norm(table, norm, self._config.epsilon)
        return table

    def _with_distances(self, layer: Layer, table: np.ndarray, at: str) -> Layer:
        """The layer with keys and queries of the distances, which depend on the weights alone."""
        shared, made = self._config.get("share_att_key", False), {}
        for term, own, name in (("c2p", layer.key, "pos_key_proj"), ("p2c", layer.query, "pos_query_proj")):
            if term not in terms(self._config):
                continue
            part = own if shared else self._stored.affine(f"{at}attention.self.{name}", self._width, self._width)
            made[term] = table @ np.asarray(part.weight, np.float32).T
            if part.bias is not None:
                made[term] += part.bias
        return replace(layer, position_key=made.get("c2p"), position_query=made.get("p2c"))


def _projection(config: Config, stored: CheckedArrays, narrow: int, width: int) -> Affine | None:
    """From ``embedding_size`` columns to ``hidden_size``; ALBERT has it in any case."""
    if not config.names.project or (narrow == width and config.kind != "albert"):
        return None
    return stored.affine(config.names.project, width, narrow, bias=config.kind != "deberta-v2")


def _with_positions(
    weights: TransformerWeights, config: Config, stored: CheckedArrays, narrow: int
) -> TransformerWeights:
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
        made["disentangled"] = disentangled(config)
        stored.ignore("encoder.LayerNorm.weight", "encoder.LayerNorm.bias")
    return replace(weights, **made)
