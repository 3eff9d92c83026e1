"""Text in, features out: frozen encoders, run once over a table, into a feature store."""

from typing import TYPE_CHECKING, Any

from embed.encoders import load as load_encoder
from embed.encoders import names as encoder_names
from embed.encoders.base import Encoder, Published
from embed.engines import Cluster
from embed.pipeline import EmbedSummary, StoreOptions, embed
from embed.progress import Done
from embed.recipe import Recipe
from embed.recipes import encode_rows, encode_texts, load_recipes
from embed.tables.read_table import read_table
from embed.tables.table import Table
from stores.shared.reporter import Reporter

if TYPE_CHECKING:
    from embed.text_encoder import TextEncoder


def __getattr__(name: str) -> Any:  # noqa: ANN401
    if name != "TextEncoder":
        raise AttributeError(f"module 'embed' has no attribute {name!r}")
    from embed.text_encoder import TextEncoder  # it needs scikit-learn, which nothing else here does

    return TextEncoder


__all__ = [
    "Cluster",
    "Done",
    "EmbedSummary",
    "Encoder",
    "Published",
    "Recipe",
    "Reporter",
    "StoreOptions",
    "Table",
    "TextEncoder",
    "embed",
    "encode_rows",
    "encode_texts",
    "encoder_names",
    "load_encoder",
    "load_recipes",
    "read_table",
]  # fmt: skip
