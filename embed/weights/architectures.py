"""The architectures of transformer encoders: what each calls its weights, and the defaults of its ``config.json``."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any


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
