"""What the model of a run takes: the encoders whose features it needs, and how these are put together.

A run on one store needs one encoder; one on joined features (``a.h5+b.h5``, or a store of ``tk features join``) needs
several, an ensemble those of all its members. An encoder that is needed twice is there once.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from classify.columns import ColumnOptions, columns_of
from classify.fitting.columns import ColumnParts
from classify.heads.base import X, vectors
from classify.recipe_json import FeaturesRecord
from stores.features import Features, IdFeatures, PooledFeatures
from stores.shared.errors import FailureError, InputError
from stores.shared.fingerprint import identity_digest

TOKEN = re.compile(r"\w+|[^\w\s]")  # of the encoder words


@dataclass(frozen=True)
class Source:
    """An encoder that a run needs.

    Attributes:
        recipe: how it was loaded.
        digest: of its identity.
        identity: itself; empty where it is not known.
    """

    recipe: dict[str, Any]
    digest: str
    identity: dict[str, Any] = field(default_factory=dict)


def sources(features: FeaturesRecord, given: Container[str] = ()) -> list[Source]:
    """Every encoder, once, in the order in which they are first needed.

    Args:
        features: of the run.
        given: digests of joined stores that are at hand, so that their encoders need not be.
    """
    found: dict[str, Source] = {}
    for source in _sources(features, given):
        found.setdefault(source.digest, source)
    return list(found.values())


def _sources(features: FeaturesRecord, given: Container[str]) -> Iterator[Source]:
    for part in [member.features for member in features.members] or features.joined:
        yield from _sources(part, given)
    if not features.members and not features.joined:
        yield from _of_store(features.recipe, features.identity, features.identity_digest, given)


def _of_store(recipe: dict, identity: dict, digest: str, given: Container[str]) -> Iterator[Source]:
    """The encoder of a store, or those of one that was joined."""
    if digest in given or "joined" not in identity:
        yield Source(recipe, digest, identity)
    else:
        for part, own in _joined(recipe, identity):
            yield from _of_store(part, own, identity_digest(own), given)


def _joined(recipe: dict, identity: dict) -> list[tuple[dict, dict]]:
    """Recipe and identity of each part of a joined store."""
    try:
        return list(zip(recipe["joined"], identity["joined"], strict=True))
    except (KeyError, TypeError, ValueError) as error:
        raise FailureError(f"the recipe of the joined features is damaged ({error}); train the run again") from error


def source_columns(features: FeaturesRecord) -> dict[str, Any]:
    """The ``source`` of the table that the run read: where its texts were.

    Raises:
        InputError: if the members of an ensemble read different columns.
    """
    leaves = [features.source] if not features.members else [source_columns(m.features) for m in features.members]
    columns = [str(source.get("columns", {}).get("text")) for source in leaves]
    if len(set(columns)) > 1:
        raise InputError(
            f"the runs of the ensemble read different text columns ({'; '.join(dict.fromkeys(columns))}), so no text "
            "is the text of all; train them on one column, or on these joined (`text_column`)"
        )
    return leaves[0]


def assemble(features: FeaturesRecord, given: Mapping[str, Features]) -> Any:  # noqa: ANN401 (nested as ensembles are)
    """What the model of a run takes, as ``X``; for an ensemble a list with an entry for each of its members.

    Args:
        features: of the run.
        given: digest of an identity -> features; of each of the ``sources``, or of a store that joins them.

    Raises:
        FailureError: for features of another kind than those that the run was trained on.
    """
    if features.members:
        return [assemble(member.features, given) for member in features.members]
    parts = [_part(part, given) for part in features.joined or [features]]
    options = [_options(part) for part in features.joined or [features]]
    if any(each.learns for each in options):
        return ColumnParts.of(parts, options)
    return np.hstack([vectors(part) for part in parts]) if features.joined else parts[0]


def _part(features: FeaturesRecord, given: Mapping[str, Features]) -> X:
    """What is taken of one store, as far as it is not fitted."""
    found = _features(features.recipe, features.identity, features.identity_digest, given)
    if features.kind and found.kind != features.kind:
        raise FailureError(f"the run was trained on {features.kind} features, not on {found.kind} features")
    return columns_of(found, _options(features))


def _options(features: FeaturesRecord) -> ColumnOptions:
    return ColumnOptions.from_dict(features.columns | ({} if features.dims is None else {"dims": features.dims}))


def joined_words(features: FeaturesRecord) -> set[str]:
    """Digests of the identities of words that were joined to stores, by ``+tfidf``."""
    if features.members:
        return set().union(*(joined_words(member.features) for member in features.members))
    return {part.identity_digest for part in features.joined if "tfidf" in part.columns}


def words_of(texts: Iterable[str]) -> IdFeatures:
    """The words of texts, as the encoder ``words`` has them."""
    return IdFeatures.from_tokens(map(TOKEN.findall, texts))


def words_recipe(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """Recipe and identity of the words of a store's texts: those of the encoder ``words`` with the same cleaning.

    So a prediction gets them as it gets features of any other encoder; a test compares them with that encoder's own.
    """
    recipe = provenance["recipe"]
    while "joined" in recipe:  # the texts of a joined store are those of its first
        recipe = recipe["joined"][0]
    cleaning = {"cleaning": list(recipe.get("cleaning", []))}
    cleaning |= {"text_columns": recipe["text_columns"]} if "text_columns" in recipe else {}
    identity = {"encoder": "words", "version": 1, "token": TOKEN.pattern, "dtype": "int32", **cleaning}
    made = {"encoder": "words", "options": {}, "dtype": "float32", **cleaning}
    return {"recipe": made, "identity": identity, "identity_digest": identity_digest(identity)}


def _features(recipe: dict, identity: dict, digest: str, given: Mapping[str, Features]) -> Features:
    """The features of a store, put together as ``tk features join`` does it where it was joined."""
    from stores.join import joined_outputs  # it brings HDF5 along, which a prediction has no other use for

    if digest in given or "joined" not in identity:
        return given[digest]
    inner = _joined(recipe, identity)
    parts = [_features(part, own, identity_digest(own), given) for part, own in inner]
    named = [(part.get("encoder", "joined"), found.outputs) for (part, _), found in zip(inner, parts, strict=True)]
    return PooledFeatures(joined_outputs(named), parts[0].counts)
