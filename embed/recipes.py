"""Several encoders that see the same texts, as a run on joined features or an ensemble needs them."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from embed.known_texts import Asked, KnownTexts
from embed.machine_stores import default_folder
from embed.recipe import Recipe
from embed.tables.rows import Rows
from embed.tables.table import Table
from stores.features import Features
from stores.shared.errors import InputError
from stores.shared.reporter import SILENT, Reporter
from stores.shared.suggest import listing

if TYPE_CHECKING:
    from embed.engines import Cluster


def load_recipes(
    kept: Sequence[tuple[dict, str]],
    model: Sequence[str] = (),
    *,
    trust_model: bool = False,
    reporter: Reporter | None = None,
) -> list[Recipe]:
    """The recipes that a run was made with, each with its encoder loaded.

    Args:
        kept: recipe and identity digest of each, as ``Recipe.from_dict`` takes them.
        model: where models are now: a path if there is one encoder, else ``encoder=path`` for each that has moved.
        trust_model, reporter: see ``Recipe.from_dict``.

    Raises:
        InputError: if it is not clear whose a model is; or as ``Recipe.from_dict``, like ``FailureError``.
    """
    names = [str(recipe.get("encoder")) for recipe, _ in kept]
    moved = _moved(names, model)
    return [
        Recipe.from_dict(recipe, digest, moved.get(name), trust_model=trust_model, reporter=reporter)
        for name, (recipe, digest) in zip(names, kept, strict=True)
    ]


def _moved(names: Sequence[str], models: Sequence[str]) -> dict[str, str]:
    """Encoder -> where its model is now."""
    if len(names) == len(models) == 1:
        return {names[0]: models[0]}
    if len(names) == 1 and models:
        raise InputError(f"`model={models[1]!r}`: the run has one encoder, {names[0]}; give one model")
    moved = {}
    for given in models:
        name, _, path = given.partition("=")
        if not path or name not in names:
            raise InputError(
                f"`model={given!r}`: the run has several encoders; write whose it is, such as {names[0]}=PATH; there "
                f"are {listing(name, dict.fromkeys(names))}"
            )
        moved[name] = path
    return moved


def encode_texts(
    texts: Sequence[str], recipes: Sequence[Recipe], *, remember: bool = False
) -> tuple[list[Features], np.ndarray]:
    """Features of ``n`` texts by each recipe, each distinct text encoded once by each; and which texts are empty.

    Args:
        texts: at least one.
        recipes: the encoders; texts that a store of this machine knows are taken from there.
        remember: whether new vectors are kept, in the cache folder, for the next time.

    Returns:
        features of each recipe; bool ``[n]``, true for a text of which no recipe's cleaning leaves more than blanks.
    """
    return encode_known(texts, known_texts(recipes, remember), remember)


def encode_rows(
    table: Table, recipes: Sequence[Recipe], *, remember: bool = False
) -> Generator[tuple[Rows, list[Features], np.ndarray]]:
    """The rows of a table with what ``encode_texts`` makes of their texts, a block at a time."""
    blocks = table.blocks(min(recipe.encoder.part_rows for recipe in recipes))
    yield from encode_blocks(blocks, known_texts(recipes, remember), remember)


def encode_blocks(
    blocks: Iterable[Rows],
    known: Sequence[KnownTexts],
    remember: bool = False,
    *,
    cluster: Cluster | None = None,
    reporter: Reporter = SILENT,
) -> Generator[tuple[Rows, list[Features], np.ndarray]]:
    """Blocks of rows, in their order, each with what ``encode_texts`` makes of its texts; nothing of one without rows.

    Args:
        blocks: of a table; of these a few a worker are read before they are due.
        known: what is known of texts under each recipe.
        remember: see ``encode_texts``; this process alone can.
        cluster: the Ray workers that encode; None: this process does.
        reporter: told of the workers.
    """
    if cluster is not None:
        yield from _encoded_by(cluster, blocks, known, reporter)
        return
    for rows in blocks:
        yield rows, *(encode_known(rows.texts, known, remember) if len(rows) else ([], np.zeros(0, bool)))


def _encoded_by(
    cluster: Cluster, blocks: Iterable[Rows], known: Sequence[KnownTexts], reporter: Reporter
) -> Generator[tuple[Rows, list[Features], np.ndarray]]:
    from embed.engines.features import Block, feature_engine

    def asked() -> Iterator[Block[tuple[Rows, list[Asked], np.ndarray]]]:
        for rows in blocks:
            cleaned = [each.recipe.clean(rows.texts) for each in known]
            asked = [each.look_up(texts) for each, texts in zip(known, cleaned, strict=True)] if len(rows) else []
            lines = f"from line {rows.line[0]} on" if len(rows) else ""
            yield Block((rows, asked, empty_texts(cleaned)), lines, [each.new_texts for each in asked])

    with feature_engine(cluster, [each.recipe for each in known], reporter.note) as engine:
        for block in engine.encode(asked()):
            rows, found, empty = block.asker
            yield rows, [each.with_these(made) for each, made in zip(found, block.made or [], strict=True)], empty


def known_texts(recipes: Sequence[Recipe], remember: bool = False) -> list[KnownTexts]:
    """What is known of texts under each recipe, for several calls of ``encode_known``."""
    return [KnownTexts(recipe, default_folder() if remember else None) for recipe in recipes]


def encode_known(
    texts: Sequence[str], known: Sequence[KnownTexts], remember: bool = False
) -> tuple[list[Features], np.ndarray]:
    """As ``encode_texts``, with what is known of them."""
    cleaned = [each.recipe.clean(list(texts)) for each in known]
    return [each.encode(some, keep=remember) for each, some in zip(known, cleaned, strict=True)], empty_texts(cleaned)


def empty_texts(cleaned: Sequence[list[str]]) -> np.ndarray:
    """Bool ``[n]``: texts of which no cleaning leaves more than blanks.

    Args:
        cleaned: the ``n`` texts after each cleaning.
    """
    return np.array([not any(text.strip() for text in texts) for texts in zip(*cleaned, strict=True)], bool)
