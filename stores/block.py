"""Some rows with their features, and how much of them a store will hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from stores.features import Features, IdFeatures, RaggedFeatures
from stores.format import RAW_HASHES, ROW_STRINGS
from stores.strings import pack


@dataclass(frozen=True)
class Block:
    """Some consecutive rows of a data file with their features.

    Attributes:
        line: int64 ``[n]``, line of the data file on which each row starts.
        text_hash: uint8 ``[n, 16]``, see ``stores.shared.fingerprint.hash_texts``.
        labels: one name a row, None where it is missing; or int ``[n, L]``, 1, 0, or -1 where it is not known.
        texts: the cleaned texts, or None if they are not to be kept.
        features: features of the same ``n`` rows.
        classes: names of the ``L`` labels, None if each row has one.
        ids: what identifies each row in the data file, or None.
        splits: to which part of the data set each row belongs, or None.
        raw_hash, like_hash: uint8 ``[n, 16]``, ``hash_texts`` and ``hash_likeness`` of the texts before they were
            cleaned; None if these are not known.
        checksums: of outputs whose chunks have a checksum already: those of a store of just these rows, by output.
    """

    line: np.ndarray
    text_hash: np.ndarray
    labels: Sequence[str | None] | np.ndarray
    texts: Sequence[str] | None
    features: Features
    classes: Sequence[str] | None = None
    ids: Sequence[str] | None = None
    splits: Sequence[str] | None = None
    raw_hash: np.ndarray | None = None
    like_hash: np.ndarray | None = None
    checksums: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def raw_hashes(self) -> dict[str, np.ndarray]:
        """Those of ``RAW_HASHES`` that there are."""
        return {name: getattr(self, name) for name in RAW_HASHES if getattr(self, name) is not None}

    @property
    def strings(self) -> dict[str, Sequence[str]]:
        """Those of ``ROW_STRINGS`` that there are."""
        return {name: getattr(self, name) for name in ROW_STRINGS if getattr(self, name) is not None}


@dataclass(frozen=True)
class Extent:
    """How much a store will hold, known before it is written.

    Attributes:
        classes: all class names.
        rows, tokens: how many (no tokens for pooled features).
        strings: name of each kind of strings that are kept -> how many bytes.
        words: size of the vocabulary, 0 without one.
        several_labels: whether a row may have several labels.
    """

    classes: list[str]
    rows: int
    tokens: int
    strings: dict[str, int]
    words: int
    several_labels: bool = False

    @classmethod
    def of(cls, block: Block) -> Extent:
        """The extent of a store of this one block."""
        several = block.classes is not None
        names = block.classes if block.classes is not None else {name for name in block.labels if name is not None}
        classes = list(names) if several else sort_classes(names)
        features = block.features
        tokens = int(features.offsets[-1]) if isinstance(features, RaggedFeatures) else 0
        words = len(features.vocabulary) if isinstance(features, IdFeatures) else 0
        strings = {name: len(pack(values)[0]) for name, values in block.strings.items()}
        return cls(classes, len(block.line), tokens, strings, words, several)


def sort_classes(names: Iterable[str]) -> list[str]:
    """Class names in the order of their codes: by value if all are numbers, else as text."""
    try:
        return sorted(names, key=lambda name: (float(name), name))
    except ValueError:
        return sorted(names)
