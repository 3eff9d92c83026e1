"""Columns side by side of which some are fitted on training rows, as feature expressions ask for them.

A folder of a saved model holds ``columns.json``, the steps of each part in their order, and for each step its arrays
in ``columns-<part>-<step>.npz``. Components alone, as of ``components=1``, are ``components.npy``, as ever.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np

from classify.columns import ColumnOptions
from classify.fitting.vector_columns import Common, Pca
from classify.fitting.word_columns import Sif, Tfidf, Words
from classify.heads.base import X, vectors
from stores.features import Features, IdFeatures

FILE, COMPONENTS = "columns.json", "components.npy"
Source = np.ndarray | Words


class FittedStep(Protocol):
    """Something that was fitted on some rows and makes columns of any."""

    name: ClassVar[str]

    def apply(self, x: Any, rows: np.ndarray | None) -> np.ndarray:  # noqa: ANN401 (vectors, or words)
        """The columns of ``rows``, all if None: float32 ``[m, k]``."""

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Arrays and a JSON-able mapping, of which the class method ``restore`` makes the same."""


STEPS: dict[str, Any] = {step.name: step for step in (Pca, Tfidf, Sif, Common)}


@dataclass(frozen=True)
class ColumnParts:
    """Features of ``n`` texts before the fit: parts that become columns side by side.

    Attributes:
        parts: float ``[n, D]`` each, or words.
        options: what is to be made of each.
    """

    parts: tuple[Source, ...]
    options: tuple[ColumnOptions, ...]

    @classmethod
    def of(cls, features: Sequence[X], options: Sequence[ColumnOptions]) -> ColumnParts:
        """Those of vectors and ids of words, one a part."""
        parts = tuple(Words(x) if isinstance(x, IdFeatures) else vectors(x) for x in features)
        return cls(parts, tuple(options))

    def __len__(self) -> int:
        return len(self.parts[0])

    def after(self, other: ColumnParts) -> ColumnParts:
        """The rows of this and below them those of ``other``."""
        both = zip(self.parts, other.parts, strict=True)
        parts = [
            Words(Features.concat([a.ids, b.ids])) if isinstance(a, Words) and isinstance(b, Words)
            else np.concatenate([_vectors(a), _vectors(b)])
            for a, b in both
        ]  # fmt: skip
        return replace(self, parts=tuple(parts))


@dataclass(frozen=True)
class FittedColumns:
    """Steps that were fitted on training rows.

    Attributes:
        parts: of each part its steps; none where columns stay as they are.
        last: on all columns together.
    """

    parts: tuple[tuple[FittedStep, ...], ...]
    last: Common | None = None

    def apply(self, x: X | ColumnParts, rows: np.ndarray | None = None) -> np.ndarray:
        """The columns of ``rows``, all if None: float ``[m, D]``, float32 where anything is fitted."""
        sources = x.parts if isinstance(x, ColumnParts) else (vectors(x),)
        found = [_applied(source, steps, rows) for source, steps in zip(sources, self.parts, strict=True)]
        whole = found[0] if len(found) == 1 else np.hstack(found)
        return whole if self.last is None else self.last.apply(whole, None)

    def save(self, folder: Path) -> None:
        """Into the folder of a model."""
        if self.last is not None:
            np.save(folder / COMPONENTS, self.last.components)
        if not any(self.parts):
            return
        listed: list[list[dict[str, Any]]] = []
        for number, steps in enumerate(self.parts, 1):
            listed.append([])
            for place, step in enumerate(steps, 1):
                arrays, state = step.state()
                np.savez(folder / f"columns-{number}-{place}.npz", **arrays)  # type: ignore[arg-type]
                listed[-1].append({"step": step.name} | state)
        (folder / FILE).write_text(json.dumps({"parts": listed}), encoding="utf-8")

    @classmethod
    def restore(cls, folder: Path) -> FittedColumns | None:
        """Inverse of ``save``; None if the model takes columns as they are. Raises what a damaged file raises."""
        last: Common | None = None
        parts: list[tuple[FittedStep, ...]] = [()]
        if (folder / COMPONENTS).exists():
            last = Common(np.load(folder / COMPONENTS, allow_pickle=False))
        if (folder / FILE).exists():
            listed = json.loads((folder / FILE).read_text(encoding="utf-8"))["parts"]
            parts = [
                tuple(
                    _restored(folder / f"columns-{number}-{place}.npz", state) for place, state in enumerate(steps, 1)
                )
                for number, steps in enumerate(listed, 1)
            ]
        elif last is None:
            return None
        return cls(tuple(parts), last)


def fit_columns(x: X | ColumnParts, rows: np.ndarray, components: int) -> FittedColumns | None:
    """What is fitted on the training rows before a head sees them; None if nothing is.

    Args:
        x: all rows.
        rows: int ``[m]``, the training rows.
        components: directions that are taken out of all columns together, see ``FitOptions``.
    """
    if not isinstance(x, ColumnParts) and not components:
        return None
    parts: list[tuple[FittedStep, ...]] = [()]
    if isinstance(x, ColumnParts):
        parts = [_fitted(source, options, rows) for source, options in zip(x.parts, x.options, strict=True)]
    fitted = FittedColumns(tuple(parts))
    if not components:
        return fitted
    whole = fitted.apply(x) if isinstance(x, ColumnParts) else vectors(x)
    return replace(fitted, last=Common.fit(whole, rows, components))


def _fitted(source: Source, options: ColumnOptions, rows: np.ndarray) -> tuple[FittedStep, ...]:
    """The steps of one part, each fitted on what the one before makes of the training rows."""
    steps: list[FittedStep] = []
    if isinstance(source, Words):
        steps.append(Sif.fit(source, rows) if options.tfidf is None else Tfidf.fit(source, rows, options.tfidf))
    if options.pca is not None:
        steps.append(Pca.fit(_applied(source, steps, None), rows, options.pca))
    return tuple(steps)


def _applied(source: Source, steps: Sequence[FittedStep], rows: np.ndarray | None) -> np.ndarray:
    if not steps:
        return _vectors(source) if rows is None else _vectors(source)[rows]
    x: Any = source
    for number, step in enumerate(steps):
        x = step.apply(x, rows if number == 0 else None)
    return x


def _vectors(source: Source) -> np.ndarray:
    if isinstance(source, Words):
        raise TypeError("words are no vectors; the step that makes columns of them is lacking")
    return source


def _restored(path: Path, state: dict[str, Any]) -> FittedStep:
    with np.load(path, allow_pickle=False) as arrays:
        return STEPS[state["step"]].restore(dict(arrays), state)
