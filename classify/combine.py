"""Several stores as one: encoders side by side, or a test store after the training store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from classify.columns import DIRECTIONS, WORDS, ColumnOptions, check_part, columns_of, parse_part
from classify.data import Data, load_data
from classify.fitting.columns import ColumnParts
from classify.heads.base import X, vectors
from classify.model_inputs import words_recipe
from stores.features import Features
from stores.shared.errors import InputError


def load_all(spec: str | Path, test: str | Path | None = None) -> Data:
    """The labelled rows of ``spec``, a store or several joined by ``+``, and of the test store if there is one.

    Args:
        spec: ``a.h5`` or ``a.h5+b.h5``; joined stores are of one table by different encoders. ``a.h5:dims=256`` takes
            the first 256 columns alone, which encoders trained for that (Matryoshka) put the most into, ``:pca=64``
            principal components, ``:pool=mean`` (max, first, last, sif) one vector out of those of a text's tokens;
            ``+tfidf`` joins the words of the texts. What learns from rows does so inside each fold.
        test: likewise; made by the same encoders from another table.

    Raises:
        InputError: if the stores do not belong together.
    """
    data = _side_by_side(_parts(spec))
    if test is None:
        return data
    return _one_after_the_other(data, _side_by_side(_parts(test)))


def _parts(spec: str | Path) -> list[Data]:
    if Path(spec).exists():
        return [load_data(spec)]
    named = [(part, *parse_part(part)) for part in str(spec).split("+")]
    stores = [_part(*part) for part in named if part[1] != WORDS]
    words = [(part, options) for part, name, options in named if name == WORDS]
    if len(words) > 1 or not stores:
        raise InputError(f"{spec}: join {WORDS} once, to a store: a.h5+{WORDS}")
    return stores + [_words(spec, stores[0], options) for _, options in words]


def _part(part: str, name: str, options: ColumnOptions) -> Data:
    """A store, and what is made of its features as far as it is not fitted."""
    data = load_data(name)
    if options == ColumnOptions():
        return data
    assert not isinstance(data.x, ColumnParts)  # noqa: S101 (a store as it is)
    check_part(name, data.x, options, part)
    given = options.as_dict()
    x = columns_of(data.x, options)
    stem = "-".join([data.path.stem, *(str(value) if key != "pca" else f"pca{value}" for key, value in given.items())])
    dims = given.pop("dims", None)
    return replace(
        data, path=data.path.with_name(f"{stem}{data.path.suffix}"), kind="pooled",
        x=ColumnParts.of([x], [options]) if options.learns else x,
        provenance={**data.provenance, "path": name, "kind": data.kind, "dims": dims, "columns": given},
    )  # fmt: skip


def _words(spec: str | Path, first: Data, options: ColumnOptions) -> Data:
    """The words of the texts of a store."""
    if first.texts is None:
        why = "holds words itself; give it alone" if first.kind == "ids" else "was made without its texts (`no_texts`)"
        raise InputError(f"{spec}: {first.path} {why}")
    made = {"path": WORDS, "kind": "ids", "dims": None, "columns": options.as_dict()}
    provenance = first.provenance | words_recipe(first.provenance) | made
    path = Path(WORDS if options.tfidf == DIRECTIONS else f"{WORDS}-{options.tfidf}")
    return replace(first, path=path, kind="pooled", x=ColumnParts.of([first.texts], [options]), provenance=provenance)


def _side_by_side(parts: Sequence[Data]) -> Data:
    """Columns of all parts, row by row."""
    first = parts[0]
    if len(parts) == 1:
        return first
    for other in parts:
        if other.kind != "pooled":
            raise InputError(
                f"{other.path} holds {other.kind} features; only pooled ones are put side by side"
                + (f" (the words of the texts are joined by +{WORDS})" if other.kind == "ids" else "")
            )
        same = np.array_equal(first.line, other.line) and np.array_equal(first.key, other.key)
        if not same or first.classes != other.classes or not np.array_equal(first.y, other.y):
            raise InputError(
                f"{first.path} and {other.path} are not of the same rows; embed one table with both encoders"
            )
    path = first.path.with_name("+".join(part.path.stem for part in parts) + first.path.suffix)
    provenance = {
        "source": first.provenance["source"],
        "recipe": {"joined": [str(part.path) for part in parts]},  # as of a store that tk features join made
        "identity_digest": "",
        "joined": [{"path": str(part.path), **part.provenance} for part in parts],
    }
    return replace(first, path=path, x=_joined_columns([part.x for part in parts]), provenance=provenance)


def _joined_columns(parts: Sequence[X | ColumnParts]) -> np.ndarray | ColumnParts:
    """All columns, or all parts of them where some are still to be fitted."""
    if not any(isinstance(x, ColumnParts) for x in parts):
        return np.hstack([vectors(x) for x in parts if not isinstance(x, ColumnParts)])
    each = [x if isinstance(x, ColumnParts) else ColumnParts.of([x], [ColumnOptions()]) for x in parts]
    return ColumnParts(sum((x.parts for x in each), ()), sum((x.options for x in each), ()))


def _one_after_the_other(data: Data, test: Data) -> Data:
    """The rows of ``data`` to train on and after them those of ``test``."""
    for ours, theirs in zip(_identities(data), _identities(test), strict=False):
        if ours != theirs:
            raise InputError(f"{test.path} is of another encoder, model or options than {data.path}; embed it alike")
    if _differ_in_columns(data, test):
        raise InputError(f"{test.path} has other columns than {data.path}; give both the same options, such as dims")
    if data.kind != test.kind or data.multilabel != test.multilabel:
        raise InputError(f"{test.path} holds other features or labels than {data.path}")
    strange = sorted(set(test.classes) - set(data.classes))
    if strange or (data.multilabel and data.classes != test.classes):
        raise InputError(f"{test.path} has the class {(strange or test.classes)[0]!r}, which {data.path} has not")
    y = test.y if data.multilabel else np.array([data.classes.index(name) for name in test.classes])[test.y]
    return replace(
        data,
        x=_after(data.x, test.x),
        y=np.concatenate([data.y, y]),
        text_hash=np.concatenate([data.text_hash, test.text_hash]),
        row=np.concatenate([data.row, test.row + len(data) + data.unlabelled]),
        line=np.concatenate([data.line, test.line]),
        raw_hash=_both(data.raw_hash, test.raw_hash),
        likeness_hash=_both(data.likeness_hash, test.likeness_hash),
        texts=None if data.texts is None or test.texts is None else Features.concat([data.texts, test.texts]),
        unlabelled=data.unlabelled + test.unlabelled,
        broken=data.broken + test.broken,
        split=None,
        ids=None if data.ids is None or test.ids is None else data.ids + test.ids,
        tested=np.arange(len(data) + len(test)) >= len(data),
        provenance=data.provenance | {"test": {"path": str(test.path), **test.provenance}},
    )


def _differ_in_columns(data: Data, test: Data) -> bool:
    """Whether both hold vectors of different widths, or other things are made of them."""
    widths = [part.x.shape[1] for part in (data, test) if isinstance(part.x, np.ndarray)]
    asked = [part.x.options for part in (data, test) if isinstance(part.x, ColumnParts)]
    return len(set(widths)) > 1 or len(set(asked)) > 1 or len(asked) == 1


def _both(a: np.ndarray | None, b: np.ndarray | None) -> np.ndarray | None:
    return None if a is None or b is None else np.concatenate([a, b])


def _identities(data: Data) -> list[str]:
    return [part["identity_digest"] for part in data.provenance.get("joined", [data.provenance])]


def _after(a: X | ColumnParts, b: X | ColumnParts) -> X | ColumnParts:
    if isinstance(a, ColumnParts) and isinstance(b, ColumnParts):
        return a.after(b)
    if isinstance(a, Features) and isinstance(b, Features):
        return Features.concat([a, b])
    assert not isinstance(a, ColumnParts) and not isinstance(b, ColumnParts)  # noqa: S101 (see above)
    return np.concatenate([vectors(a), vectors(b)])
