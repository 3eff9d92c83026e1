"""A store -> features, classes and groups of the rows that can be learned from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stores.errors import InputError
from stores.features import Features
from stores.store import FeatureStore

PROVENANCE = ("digest", "identity", "identity_digest", "recipe", "source")  # of the store, kept in every run


@dataclass(frozen=True)
class Data:
    """The labelled rows of a store.

    Attributes:
        path: the store.
        kind: of the features, ``pooled`` or ``ids``.
        x: float ``[n, D]``, or features of kind ``ids``.
        y: int ``[n]``, class of each row.
        classes: class names, in the order of their numbers; at least 2.
        groups: int ``[n]``, equal for rows with the same text.
        line: int64 ``[n]``, line of the data file.
        texts: features of kind ``ids`` of the texts themselves, for the baseline; None if the store has no texts.
        unlabelled: rows of the store that have no label and are left out here.
        provenance: digest, identity, recipe and source of the store, JSON-able.
    """

    path: Path
    kind: str
    x: np.ndarray | Features
    y: np.ndarray
    classes: list[str]
    groups: np.ndarray
    line: np.ndarray
    texts: Features | None
    unlabelled: int
    provenance: dict

    def __len__(self) -> int:
        return len(self.y)


def load_data(path: str | Path) -> Data:
    """The labelled rows of the store ``path``; features are held in memory.

    Raises:
        InputError: if there is no such store, it has no labels, several a row, or only one class.
        FailureError: if it cannot be read, or is damaged.
    """
    with FeatureStore(path) as store:
        store.verify()
        if store.has_several_labels:
            cure = "embed the table again with one --label-column"
            raise InputError(f"{path} has {len(store.classes)} labels a row, and a head learns one; {cure}")
        rows = np.flatnonzero(store.labelled)
        if not len(rows):
            raise InputError(f"{path} has no labelled rows; embed a table with a label column (--label-column)")
        y, classes = store.codes[rows], store.classes
        if len(classes) < 2:
            raise InputError(f"{path} has one class only, {classes[0]!r}; a classifier needs two")
        if store.kind == "pooled":
            x = matrix(store.read() if len(rows) == len(store) else store.read().take(rows))
        else:
            x = store.read() if len(rows) == len(store) else store.read().take(rows)
        _, groups = np.unique(store.text_hash[rows].view("V16").ravel(), return_inverse=True)
        texts = _terms_of(store.texts[:], rows) if store.texts is not None and store.kind != "ids" else None
        provenance = {name: getattr(store, name) for name in PROVENANCE}
        return Data(
            store.path, store.kind, x, y, classes, groups, store.line[rows], texts, len(store) - len(rows), provenance
        )


def matrix(features: Features) -> np.ndarray:
    """Pooled features as the matrix that heads take: float32 ``[n, D]``, several outputs side by side, by name."""
    outputs = [np.asarray(features.outputs[name], np.float32) for name in sorted(features.outputs)]
    return outputs[0] if len(outputs) == 1 else np.hstack(outputs)


def _terms_of(texts: list[str], rows: np.ndarray) -> Features:
    """The words of the texts as ids: all that the TF-IDF baseline looks at."""
    return Features.from_tokens([re.findall(r"\w+", texts[row]) for row in rows])
