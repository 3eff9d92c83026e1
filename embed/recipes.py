"""Several encoders that see the same texts, as a run on joined features or an ensemble needs them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from embed.known_texts import KnownTexts, default_folder
from embed.recipe import Recipe
from embed.tables.rows import Rows
from embed.tables.table import Table
from stores.features import Features
from stores.shared.errors import InputError
from stores.shared.reporter import Reporter
from stores.shared.suggest import listing


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
) -> Iterator[tuple[Rows, list[Features], np.ndarray]]:
    """The rows of a table with what ``encode_texts`` makes of their texts, a block at a time."""
    known = known_texts(recipes, remember)
    for rows in table.blocks(min(recipe.encoder.part_rows for recipe in recipes)):
        yield rows, *encode_known(rows.texts, known, remember)


def known_texts(recipes: Sequence[Recipe], remember: bool = False) -> list[KnownTexts]:
    """What is known of texts under each recipe, for several calls of ``encode_known``."""
    return [KnownTexts(recipe, default_folder() if remember else None) for recipe in recipes]


def encode_known(
    texts: Sequence[str], known: Sequence[KnownTexts], remember: bool = False
) -> tuple[list[Features], np.ndarray]:
    """As ``encode_texts``, with what is known of them."""
    found, empty = [], np.ones(len(texts), bool)
    for each in known:
        cleaned = each.recipe.clean(list(texts))
        found.append(each.encode(cleaned, keep=remember))
        empty &= [not text.strip() for text in cleaned]
    return found, empty
