"""Text in, features out: frozen encoders, run once over a table, into a feature store."""

from typing import TYPE_CHECKING, Any

from stores.shared.public_names import public_name

if TYPE_CHECKING:
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
    from embed.text_encoder import TextEncoder
    from stores.shared.reporter import Reporter

# imported when they are asked for: each command takes what it needs, and TextEncoder alone needs scikit-learn
_PLACES = {
    "Cluster": "embed.engines.Cluster",
    "Done": "embed.progress.Done",
    "EmbedSummary": "embed.pipeline.EmbedSummary",
    "Encoder": "embed.encoders.base.Encoder",
    "Published": "embed.encoders.base.Published",
    "Recipe": "embed.recipe.Recipe",
    "Reporter": "stores.shared.reporter.Reporter",
    "StoreOptions": "embed.pipeline.StoreOptions",
    "Table": "embed.tables.table.Table",
    "TextEncoder": "embed.text_encoder.TextEncoder",
    "embed": "embed.pipeline.embed",
    "encode_rows": "embed.recipes.encode_rows",
    "encode_texts": "embed.recipes.encode_texts",
    "encoder_names": "embed.encoders.names",
    "load_encoder": "embed.encoders.load",
    "load_recipes": "embed.recipes.load_recipes",
    "read_table": "embed.tables.read_table.read_table",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 (each of them has a type of its own, see above)
    return public_name(__name__, _PLACES, name)


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
]
