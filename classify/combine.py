"""Several stores as one: encoders side by side, or a test store after the training store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from classify.data import Data, load_data
from classify.heads.base import X, vectors
from stores.features import Features
from stores.shared.errors import InputError
from stores.shared.registry import convert, parse_spec


def load_all(spec: str | Path, test: str | Path | None = None) -> Data:
    """The labelled rows of ``spec``, a store or several joined by ``+``, and of the test store if there is one.

    Args:
        spec: ``a.h5`` or ``a.h5+b.h5``; joined stores are of one table by different encoders. ``a.h5:dims=256`` takes
            the first 256 columns alone, which encoders trained for that (Matryoshka) put the most into.
        test: likewise; made by the same encoders from another table.

    Raises:
        InputError: if the stores do not belong together.
    """
    data = _side_by_side(_parts(spec))
    if test is None:
        return data
    return _one_after_the_other(data, _side_by_side(_parts(test)))


def _parts(spec: str | Path) -> list[Data]:
    return [load_data(spec)] if Path(spec).exists() else [_part(part) for part in str(spec).split("+")]


def _part(spec: str) -> Data:
    """A store, or the first columns of its vectors."""
    if Path(spec).exists() or ":" not in spec:
        return load_data(spec)
    name, options = parse_spec(spec)
    if options.keys() != {"dims"}:
        raise InputError(f"{spec}: features have the option dims, and no other")
    dims = int(str(convert(options["dims"], int, f"{spec}: dims")))
    data = load_data(name)
    if data.kind != "pooled":
        raise InputError(f"{spec}: {name} holds {data.kind} features; only one vector a text has columns to choose")
    x = vectors(data.x)
    if not 1 <= dims <= x.shape[1]:
        raise InputError(f"{spec}: {name} has {x.shape[1]} columns; give a number from 1 to {x.shape[1]}")
    path = data.path.with_name(f"{data.path.stem}-{dims}{data.path.suffix}")
    return replace(data, path=path, x=x[:, :dims], provenance={**data.provenance, "path": name, "dims": dims})


def _side_by_side(parts: Sequence[Data]) -> Data:
    """Columns of all parts, row by row."""
    first = parts[0]
    if len(parts) == 1:
        return first
    for other in parts:
        if other.kind != "pooled":
            raise InputError(f"{other.path} holds {other.kind} features; only pooled ones are put side by side")
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
    return replace(first, path=path, x=np.hstack([vectors(part.x) for part in parts]), provenance=provenance)


def _one_after_the_other(data: Data, test: Data) -> Data:
    """The rows of ``data`` to train on and after them those of ``test``."""
    for ours, theirs in zip(_identities(data), _identities(test), strict=False):
        if ours != theirs:
            raise InputError(f"{test.path} is of another encoder, model or options than {data.path}; embed it alike")
    if _differ_in_width(data, test):
        raise InputError(f"{test.path} has other columns than {data.path}; give both the same `dims`")
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


def _differ_in_width(data: Data, test: Data) -> bool:
    """Whether both hold vectors, of different widths."""
    widths = [part.x.shape[1] for part in (data, test) if isinstance(part.x, np.ndarray)]
    return len(set(widths)) > 1


def _both(a: np.ndarray | None, b: np.ndarray | None) -> np.ndarray | None:
    return None if a is None or b is None else np.concatenate([a, b])


def _identities(data: Data) -> list[str]:
    return [part["identity_digest"] for part in data.provenance.get("joined", [data.provenance])]


def _after(a: X, b: X) -> X:
    if isinstance(a, Features) and isinstance(b, Features):
        return Features.concat([a, b])
    return np.concatenate([vectors(a), vectors(b)])
