"""Text in, features out: frozen encoders, run once over a table, into a feature store."""

from embed.encoders import load as load_encoder
from embed.encoders import names as encoder_names
from embed.engines import Cluster
from embed.pipeline import EmbedSummary, embed, encode_rows
from embed.progress import Done, Meter
from embed.recipe import Recipe
from embed.tables.table import Table, read_table

__all__ = [
    "Cluster",
    "Done",
    "EmbedSummary",
    "Meter",
    "Recipe",
    "Table",
    "embed",
    "encode_rows",
    "encoder_names",
    "load_encoder",
    "read_table",
]  # fmt: skip
