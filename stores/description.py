"""What a store says beside its features: the rows, their labels and texts, and where all that came from."""

from __future__ import annotations

import math
import os
from functools import cached_property
from pathlib import Path

import numpy as np

from stores.append import place_in_growing
from stores.block import Extent
from stores.columns import view
from stores.format import ROW_STRINGS, members
from stores.shared.errors import FailureError, InputError
from stores.shared.mirror import Mirror, opened_mirror
from stores.shared.remote import SCHEMES, full_address, scheme_of
from stores.strings import Strings
from stores.validation.opening import open_store


class StoreDescription:
    """An open store but for its features, which ``stores.reader`` adds."""

    identity: dict
    recipe: dict
    source: dict
    totals: dict
    versions: dict
    command: str
    parts: dict
    kind: str
    identity_digest: str
    digest: str
    created: str
    seconds: float
    reused_seconds: float
    foreign: list[str]

    def __init__(self, path: str | Path) -> None:
        self._mirror: Mirror | None = opened_mirror(path) if scheme_of(path) in SCHEMES else None
        self.path = Path(path) if self._mirror is None else self._mirror.output
        if not self.path.is_file():
            path = full_address(path)
            why = " is no file" if os.path.lexists(self.path) else ": no such file"
            raise InputError(f"{path}{why}; make a feature store with: tk embed --data FILE")
        self._file, entries = open_store(self.path, self._mirror)
        for name, value in entries.items():
            setattr(self, name, value)

    def __len__(self) -> int:
        return len(self._file["line"])

    def close(self) -> None:
        """Let go of the file; arrays that were handed out stay valid."""
        self._file.close()

    @property
    def size(self) -> int:
        """Bytes on the disk, those of the parts included if the features lie there."""
        return self.path.stat().st_size + sum(self._size_of(part) for part, _ in self.parts.get("files", ()))

    def _size_of(self, part: str) -> int:
        there = None if self._mirror is None else self._mirror.size(part)
        return (self.path.parent / part).stat().st_size if there is None else there

    @property
    def seconds_per_text(self) -> float | None:
        """What a text took to encode, those of other stores as long as they took there; None where it is not known."""
        encoded, reused = (self.totals.get(name, 0) for name in ("encoded", "reused"))
        seconds = self.seconds + self.reused_seconds
        if not math.isfinite(seconds):  # an older store: what it encoded says enough if that is most of it
            reused, seconds = 0, self.seconds if 2 * encoded >= self.totals.get("distinct", 0) else 0.0
        return seconds / (encoded + reused) if encoded + reused and 0 < seconds < math.inf else None

    @property
    def place(self) -> range | None:
        """Where in the growing file the features of a part lie, bytes; None if they do not lie there."""
        return place_in_growing(self.parts)

    @property
    def part_paths(self) -> list[Path]:
        """The parts in which the features lie; none if they lie in the file itself."""
        return [self.path.parent / part for part, _ in self.parts.get("files", ())]

    @property
    def outputs(self) -> list[str]:
        """Names of the outputs."""
        return members(self._file["features"])

    def shape_of(self, output: str) -> tuple[int, ...]:
        """Shape of an output: ``[N, D]``, ``[sum T, D]`` or ``[sum T]``."""
        return self._file[f"features/{output}"].shape

    def dtype_of(self, output: str) -> np.dtype:
        """Type of an output."""
        return self._file[f"features/{output}"].dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the first output."""
        return self.shape_of(self.outputs[0])

    @property
    def dtype(self) -> np.dtype:
        """Type of the first output."""
        return self.dtype_of(self.outputs[0])

    @cached_property
    def classes(self) -> list[str]:
        """Class names in the order of their codes."""
        return self._strings("labels/classes")[:]

    @cached_property
    def codes(self) -> np.ndarray:
        """int32 ``[N]``: index into ``classes``, -1 where the label is missing.

        With several labels int32 ``[N, L]``: for each of ``classes`` 1 where the row has it, 0, or -1 if not known.
        """
        codes = self._file["labels/codes"][...]
        most = 2 if codes.ndim > 1 else len(self.classes)
        wrong = ((codes < -1) | (codes >= most)).any(axis=tuple(range(1, codes.ndim)))
        if wrong.any():
            row = int(wrong.argmax())
            raise FailureError(f"{self.path} is damaged: the label of row {row} is none; make it again with: tk embed")
        return codes

    @property
    def has_several_labels(self) -> bool:
        """Whether a row may have several labels."""
        return self._file["labels/codes"].ndim > 1

    @property
    def labelled(self) -> np.ndarray:
        """Bool ``[N]``: whether the label of the row, or each of its labels, is known."""
        return np.all(self.codes >= 0, axis=tuple(range(1, self.codes.ndim)))

    @cached_property
    def labels(self) -> np.ndarray:
        """Class name of each row, None where it is missing: object ``[N]``; with several labels ``codes``."""
        if self.has_several_labels:
            return self.codes
        return np.array([*self.classes, None], object)[self.codes]  # code -1 is the last

    @cached_property
    def line(self) -> np.ndarray:
        """int64 ``[N]``: line of the data file on which each row starts."""
        return self._file["line"][...]

    @cached_property
    def text_hash(self) -> np.ndarray:
        """uint8 ``[N, 16]``: see ``stores.shared.fingerprint.hash_texts``."""
        return self._file["text_hash"][...]

    @cached_property
    def raw_hash(self) -> np.ndarray | None:
        """uint8 ``[N, 16]``: ``hash_texts`` of the texts before they were cleaned; None in a store of version 1."""
        return self._file["raw_hash"][...] if "raw_hash" in self._file else None

    @cached_property
    def like_hash(self) -> np.ndarray | None:
        """uint8 ``[N, 16]``: equal for rows whose texts differ in case, blanks, digits, links, ... only.

        It is ``stores.shared.likeness.hash_likeness`` of the texts before they were cleaned; None in a store of
        version 1.
        """
        return self._file["like_hash"][...] if "like_hash" in self._file else None

    @cached_property
    def vocabulary(self) -> list[str] | None:
        """The words that the ids of kind ``ids`` point to, else None."""
        return self._strings("vocabulary")[:] if "vocabulary" in self._file else None

    @cached_property
    def table(self) -> np.ndarray | None:
        """Float ``[V, D]``: the vector of each token of the vocabulary, None without vectors."""
        return np.array(view(self._file, "table")[:]) if "table" in self._file else None

    @property
    def texts(self) -> Strings | None:
        """The cleaned texts, to be indexed like a list and read as they are asked for; None if they were not kept."""
        return self._strings("texts") if "texts" in self._file else None

    @property
    def ids(self) -> Strings | None:
        """What identifies the rows in the data file, empty where nothing does; None if it has no such column."""
        return self._strings("ids") if "ids" in self._file else None

    @property
    def splits(self) -> Strings | None:
        """To which part of the data set each row belongs, empty if to none; None if the data file does not say."""
        return self._strings("splits") if "splits" in self._file else None

    @property
    def extent(self) -> Extent:
        """How much the store holds."""
        tokens = 0 if self.kind == "pooled" else self.shape[0]
        strings = {name: len(self._file[f"{name}/bytes"]) for name in ROW_STRINGS if name in self._file}
        words = len(self._file["vocabulary/offsets"]) - 1 if "vocabulary" in self._file else 0
        return Extent(self.classes, len(self), tokens, strings, words, self.has_several_labels)

    def _strings(self, path: str) -> Strings:
        return Strings(self._file[f"{path}/bytes"], self._file[f"{path}/offsets"])
