"""What is taken of a store in a feature expression: ``a.h5:pool=max,dims=256,pca=64+b.h5+tfidf``."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from classify.heads.base import X, vectors
from stores.features import Features, IdFeatures, PooledFeatures, TokenFeatures
from stores.pooling import POOLINGS, pool
from stores.shared.errors import InputError
from stores.shared.registry import convert, parse_spec
from stores.shared.remote import full_address, scheme_of
from stores.shared.suggest import listing

WORDS = "tfidf"  # the part of an expression that is no store
SIF = "sif"
DIRECTIONS = 100  # of TF-IDF; what is gained by more was less than noise on texts of 5,000 and 7,600 rows


@dataclass(frozen=True)
class ColumnOptions:
    """What is made of one part of an expression, in this order; the last three learn from training rows.

    Attributes:
        pool: how the vectors of a text's tokens become one: mean, max, first, last, or sif, see
            ``classify.fitting.column_steps.Sif``; None: they are one already, or stay as they are.
        dims: how many of the first columns; None: all.
        pca: how many principal components; None: the columns as they are.
        tfidf: of a bag of words how many directions; None: it is none.
    """

    pool: str | None = None
    dims: int | None = None
    pca: int | None = None
    tfidf: int | None = None

    @property
    def learns(self) -> bool:
        """Whether something of it is fitted on training rows."""
        return self.pool == SIF or self.pca is not None or self.tfidf is not None

    def as_dict(self) -> dict[str, Any]:
        """What is given of them."""
        return {name: value for name, value in vars(self).items() if value is not None}

    @classmethod
    def from_dict(cls, options: dict[str, Any]) -> ColumnOptions:
        """Inverse of ``as_dict``; what this version does not know is an ``InputError``."""
        if unknown := options.keys() - {field.name for field in fields(cls)}:
            raise InputError(f"the features of the run have the option {min(unknown)}, which this tk does not know")
        return cls(**options)


def parse_part(part: str) -> tuple[str, ColumnOptions]:
    """The store of a part of an expression (``tfidf`` for words) and what is made of it.

    Raises:
        InputError: for an option that there is not, or a value of another type.
    """
    scheme = scheme_of(part)
    start = f"{scheme}://" if scheme else ""
    rest = full_address(part).removeprefix(start)
    has_options = re.search(":[a-z]+=", rest) if scheme else ":" in rest  # an address may name a port
    if Path(part).exists() or (not has_options and part != WORDS):
        return part, ColumnOptions()
    name, given = parse_spec(rest)
    name = start + name
    known = ("dims",) if name == WORDS else ("pool", "dims", "pca")
    for option in given:
        if option not in known:
            raise InputError(f"{part}: {name} has no option {option!r}; there are {listing(option, known)}")
    numbers = {option: int(str(convert(value, int, f"{part}: {option}"))) for option, value in given.items()
               if option != "pool"}  # fmt: skip
    for option, number in numbers.items():
        if number < 1:
            raise InputError(f"{part}: {option}={number} is too few; give 1 or more")
    if name == WORDS:
        return name, ColumnOptions(tfidf=numbers.get("dims", DIRECTIONS))
    pooling = given.get("pool")
    if pooling is not None and pooling not in (*POOLINGS, SIF):
        raise InputError(f"{part}: pool={pooling} is unknown; choose one of {listing(pooling, (*POOLINGS, SIF))}")
    if pooling == SIF and "dims" in numbers:
        raise InputError(
            f"{part}: the columns of pool=sif have no order; leave dims out, or give pca={numbers['dims']}"
        )
    return name, ColumnOptions(pool=pooling, **numbers)


def check_part(name: str, features: X, options: ColumnOptions, part: str) -> None:
    """``InputError`` if these features have not what the options ask for."""
    kind, table = ("pooled", None) if isinstance(features, np.ndarray) else (features.kind, _table(features))
    if options.pool is None and kind != "pooled" and (options.dims or options.pca):
        advice = "; give pool=mean as well" if kind == "tokens" or table is not None else ""
        raise InputError(f"{part}: {name} holds {kind} features; only one vector a text has columns to choose{advice}")
    if options.pool is not None and kind == "pooled":
        raise InputError(f"{part}: {name} holds one vector a text already; leave pool out")
    if options.pool is not None and kind == "ids" and table is None:
        raise InputError(f"{part}: the words of {name} have no vectors to pool; join them to a store by +{WORDS}")
    if options.pool == SIF and kind == "tokens":
        raise InputError(
            f"{part}: pool=sif weighs words by how frequent they are, and {name} holds vectors without their words; "
            "pool=mean with `components=1` is what else there is of it"
        )
    width = _width(features)
    for option, most in (("dims", width), ("pca", options.dims or width)):
        if most is not None and (getattr(options, option) or 0) > most:
            raise InputError(f"{part}: {name} has {most} columns; give {option} a number from 1 to {most}")


def columns_of(features: X, options: ColumnOptions) -> np.ndarray | IdFeatures | TokenFeatures:
    """The part of the columns that is not fitted: float ``[n, D]``, or words where the rest is fitted on these."""
    if options.tfidf is not None or options.pool == SIF:
        assert isinstance(features, IdFeatures)  # noqa: S101 (see check_part)
        return features
    if options.pool is not None and not isinstance(features, np.ndarray):
        features = pool(features, options.pool)
    if isinstance(features, PooledFeatures):
        features = features.matrix()
    if isinstance(features, Features):
        assert isinstance(features, IdFeatures | TokenFeatures)  # noqa: S101 (there are no others)
        return features
    return vectors(features)[:, : options.dims]


def _table(features: Features) -> np.ndarray | None:
    return features.table if isinstance(features, IdFeatures) else None


def _width(features: X) -> int | None:
    """Columns of a vector; None of words without vectors."""
    if isinstance(features, np.ndarray):
        return features.shape[1]
    table = _table(features)
    if table is not None:
        return table.shape[1]
    return None if isinstance(features, IdFeatures) else sum(v.shape[1] for v in features.outputs.values())
