"""A store of vectors that were made elsewhere: checked, and marked as such, so that all that follows works on it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from stores.block import Block, Extent
from stores.features import PooledFeatures
from stores.reader import FeatureStore
from stores.shared.errors import InputError
from stores.shared.files import regular_output
from stores.shared.fingerprint import digest_bytes, hash_texts, identity_digest
from stores.shared.likeness import hash_likeness
from stores.writer import write_store

OUTPUT = "pooled"


def write(
    path: str | Path,
    vectors: Any,  # noqa: ANN401 (whatever NumPy makes an array of)
    texts: Sequence[str],
    *,
    name: str,
    labels: Sequence[str | None] | np.ndarray | None = None,
    classes: Sequence[str] | None = None,
    ids: Sequence[str] | None = None,
    splits: Sequence[str] | None = None,
    line: np.ndarray | None = None,
    keep_texts: bool = True,
    overwrite: bool = False,
    source: dict[str, Any] | None = None,
    command: str = "",
) -> FeatureStore:
    """Write vectors of texts that were made elsewhere as a store, and open it.

    Args:
        path: the store.
        vectors: float ``[N, D]``; kept as float32, float16 stays what it is.
        texts: one a row; splits keep those that are alike on one side.
        name: of what made the vectors, such as ``openai-3-small``. Stores of one name and width have one identity.
        labels: one name a row, None where it is missing; or int ``[N, L]``, 1, 0 or -1, with ``classes``.
        classes: names of the ``L`` labels; None if each row has one.
        ids, splits: what identifies each row, and its part of the data set.
        line: int64 ``[N]``, line of the data file of each row; from 1 if None.
        keep_texts: whether the store holds the texts.
        overwrite: whether a store that is there may be replaced.
        source: of the rows, JSON-able.
        command: kept in the store.

    Raises:
        InputError: if a number is not finite, the numbers of rows differ, or ``path`` is there.
        FailureError: if the machine refuses the write.
    """
    path = regular_output(Path(path), "a store")
    if path.exists() and not overwrite:
        raise InputError(f"{path} exists already; choose another `path`, or give `overwrite=True`")
    if isinstance(texts, str):
        raise InputError("`texts` is a single text; give a list of texts, one a row")
    texts, began = list(texts), time.time()
    values = _checked(vectors)
    rows = len(values)
    given = {"texts": texts, "labels": labels, "ids": ids, "splits": splits, "line": line}
    for parameter, column in given.items():
        if column is not None and len(column) != rows:
            raise InputError(f"`{parameter}` are {len(column):,}, but there are {rows:,} vectors")
    if wrong := [row for row, text in enumerate(texts) if not isinstance(text, str)]:
        raise InputError(f"`texts`: item {wrong[0]} is of type {type(texts[wrong[0]]).__name__}, not a text")
    named = [None] * rows if labels is None else labels if classes is not None else list(map(_label, labels))
    counts = np.zeros((rows, 3), np.int32)
    counts[:, 0] = [len(text.split()) for text in texts]
    block = Block(
        np.arange(1, rows + 1) if line is None else np.asarray(line, np.int64), hash_texts(texts), named,
        texts if keep_texts else None, PooledFeatures({OUTPUT: values}, counts), classes, ids, splits,
        raw_hash=hash_texts(texts), like_hash=hash_likeness(texts),
    )  # fmt: skip
    identity = {"encoder": name, "given": True, "width": values.shape[1], "dtype": values.dtype.name}
    digest = digest_bytes([block.text_hash.tobytes(), values.tobytes()])
    attributes = {
        "identity": identity, "identity_digest": identity_digest(identity), "versions": {}, "command": command,
        "recipe": {"encoder": name, "given": True, "options": {}, "dtype": values.dtype.name, "cleaning": []},
        "source": source or {"file": "rows given from Python", "digest": digest},
        "totals": _totals(block, texts), "times": (began, time.time() - began, 0.0),
    }  # fmt: skip
    write_store(path, [block], Extent.of(block), attributes)
    return FeatureStore(path)


def _checked(vectors: Any) -> np.ndarray:  # noqa: ANN401
    """Vectors as a store holds them."""
    try:
        values = np.asarray(vectors)
        values = values if values.dtype == np.float16 else values.astype(np.float32)
    except (TypeError, ValueError) as error:
        raise InputError(f"`vectors` are no numbers in a rectangle ({error})") from error
    if values.ndim != 2 or not values.size:
        raise InputError(f"`vectors` have the shape {list(values.shape)}; give one vector a row, [N, D]")
    bad = ~np.isfinite(values).all(1)
    if bad.any():
        raise InputError(
            f"`vectors`: row {int(bad.argmax())} holds a number that is not finite ({int(bad.sum())} rows)"
        )
    return np.ascontiguousarray(values)


def _label(label: object) -> str | None:
    """A label by its name; None where there is none."""
    if label is None or label != label:
        return None
    return label if isinstance(label, str) else str(label)


def _totals(block: Block, texts: list[str]) -> dict[str, int]:
    rows = len(texts)
    labels = block.labels
    unlabelled = int((labels < 0).any(1).sum()) if isinstance(labels, np.ndarray) and labels.ndim == 2 else 0
    if block.classes is None:
        unlabelled = sum(label is None for label in labels)
    empty = sum(not text.strip() for text in texts)
    return {
        "rows": rows, "distinct": len(set(texts)), "encoded": 0, "reused": 0, "empty": empty, "emptied": 0,
        "mojibake": 0, "unlabelled": unlabelled, "bad_rows": 0, "unknown_tokens": 0, "truncated_tokens": 0,
        "tokens": int(block.features.counts[:, 0].sum()),
    }  # fmt: skip
