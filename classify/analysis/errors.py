"""A run -> the rows that it gets most wrong, labels that are probably wrong, identical texts with different labels."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from classify.analysis.label_errors import LabelErrors, find_label_errors
from classify.runs import Run
from classify.scoring.predictions import Predictions
from classify.sources import Texts, texts_of
from classify.typed_json import Jsonable
from stores.shared.errors import InputError

Answer = str | list[str]  # a class; with several labels a row, the names of those that are there


@dataclass(frozen=True)
class ErrorRow(Jsonable):
    """A row to look at.

    Attributes:
        line: in the data file.
        text: None if it is not available.
        label, predicted: what the table says, and what the model said.
        p: probability of the class that is looked at, where one is.
        better: the class that it seems to be of, where the label is doubted.
        margin: probability of the label less that of the better class.
        about: with several labels a row, the label that is doubted.
    """

    line: int
    text: str | None
    label: Answer
    predicted: Answer
    p: float | None = None
    better: str | None = None
    margin: float | None = None
    about: str | None = None


@dataclass(frozen=True)
class ErrorRows(Jsonable):
    """The first ``rows`` of ``count``."""

    count: int
    rows: list[ErrorRow]


@dataclass(frozen=True)
class ClassErrors(Jsonable):
    """Rows wrongly predicted to be of a class, and rows of it that are missed; where the model was surest first."""

    false_positives: ErrorRows
    false_negatives: ErrorRows


@dataclass(frozen=True)
class Contradiction(Jsonable):
    """One text with different labels, and the lines of each."""

    text: str | None
    lines_by_label: dict[str, list[int]]


@dataclass(frozen=True)
class Contradictions(Jsonable):
    """The first ``rows`` of ``count`` texts; ``count`` is None where the store is gone."""

    count: int | None
    rows: list[Contradiction]


@dataclass(frozen=True)
class ErrorReport(Jsonable):
    """What a run gets wrong.

    Attributes:
        rows: tested.
        wrong: how many of these are predicted wrong, in some label where there are several.
        texts_missing: why there are no texts; empty if there are.
        classes: class -> its errors; of two classes only the positive one is there.
        suspected_label_errors: labels that are probably wrong.
        contradictions: identical texts with different labels.
    """

    rows: int
    wrong: int
    texts_missing: str
    classes: dict[str, ClassErrors]
    suspected_label_errors: ErrorRows
    contradictions: Contradictions


def errors(run: Run, top: int = 10) -> ErrorReport:
    """What a run gets wrong, by its out-of-fold predictions: by models that had not seen the rows.

    Args:
        run: finished.
        top: rows of each kind.

    Raises:
        InputError: if ``top`` is below 1.
        FailureError: if the predictions cannot be read.
    """
    if top < 1:
        raise InputError(f"`top={top}`: show at least one row")
    predictions = one_per_row(run.predictions())
    table = _Table(predictions, texts_of(run, predictions))
    shown = [predictions.positive] if run.recipe.problem == "binary" else range(len(predictions.classes))
    return ErrorReport(
        rows=len(predictions),
        wrong=int((~predictions.right).sum()),
        texts_missing=table.texts.missing,
        classes={predictions.classes[c]: _of_class(table, c, top) for c in shown},
        suspected_label_errors=_suspected(table, top),
        contradictions=_contradictions(table, top),
    )


def one_per_row(p: Predictions) -> Predictions:
    """Each line once: the mean of its probabilities, and the class predicted most often (of equals the first)."""
    lines, first, inverse, counts = np.unique(p.row, return_index=True, return_inverse=True, return_counts=True)
    if counts.max(initial=1) == 1:
        return p.take(first)
    votes = p.predicted if p.multilabel else np.eye(len(p.classes))[p.predicted]
    total, proba = np.zeros((2, len(lines), len(p.classes)))
    np.add.at(total, inverse, votes)
    np.add.at(proba, inverse, p.proba)
    decided = (2 * total > counts[:, None]).astype(int) if p.multilabel else total.argmax(1)
    return replace(p.take(first), predicted=decided, proba=proba / counts[:, None])


@dataclass(frozen=True)
class _Table:
    """Predictions, one a row, and the texts of the same rows."""

    p: Predictions
    texts: Texts

    def row(self, i: int, *, p: float | None = None) -> ErrorRow:
        text = None if self.texts.texts is None else self.texts.texts[i]
        return ErrorRow(int(self.p.line[i]), text, self._answer(self.p.y[i]), self._answer(self.p.predicted[i]), p)

    def doubted(self, i: int, better: str, margin: float, about: str | None = None) -> ErrorRow:
        return replace(self.row(i), better=better, margin=margin, about=about)

    def _answer(self, answer: np.ndarray) -> Answer:
        p = self.p
        return [p.classes[i] for i in np.flatnonzero(answer)] if p.multilabel else p.classes[int(answer)]


def _of_class(table: _Table, c: int, top: int) -> ClassErrors:
    """The rows most surely taken for the class, and those most surely not."""
    p = table.p
    is_it, taken = (p.y[:, c] == 1, p.predicted[:, c] == 1) if p.multilabel else (p.y == c, p.predicted == c)

    def surest(rows: np.ndarray, sign: int) -> ErrorRows:
        rows = np.flatnonzero(rows)
        order = rows[np.argsort(sign * p.proba[rows, c], kind="stable")][:top]
        return ErrorRows(len(rows), [table.row(i, p=float(p.proba[i, c])) for i in order.tolist()])

    return ClassErrors(surest(taken & ~is_it, -1), surest(is_it & ~taken, 1))


def _suspected(table: _Table, top: int) -> ErrorRows:
    """With several labels each label is looked at by itself, as a problem of two classes."""
    p = table.p
    if not p.multilabel:
        doubts = find_label_errors(p.y, p.proba)
        return ErrorRows(len(doubts), [table.doubted(i, p.classes[b], m) for i, b, m in _first(doubts, top)])
    rows, count = [], 0
    for c, name in enumerate(p.classes):
        doubts = find_label_errors(p.y[:, c], np.stack([1 - p.proba[:, c], p.proba[:, c]], 1))
        count += len(doubts)
        rows += [(m, table.doubted(i, name if b else f"not {name}", m, name)) for i, b, m in _first(doubts, top)]
    return ErrorRows(count, [row for _, row in sorted(rows, key=lambda pair: pair[0])[:top]])


def _first(doubts: LabelErrors, top: int) -> list[tuple[int, int, float]]:
    """Row, better class and margin of the most doubtful."""
    arrays = (doubts.rows[:top].tolist(), doubts.better[:top].tolist(), doubts.margin[:top].tolist())
    return list(zip(*arrays, strict=True))


def _contradictions(table: _Table, top: int) -> Contradictions:
    """Groups of rows with the same text whose labels are not all the same; by the line of the first."""
    y, hashes = table.p.y, table.texts.hashes
    if hashes is None:
        return Contradictions(None, [])
    together: dict[bytes, list[int]] = {}
    for i, text_hash in enumerate(hashes):
        together.setdefault(text_hash, []).append(i)
    groups = [rows for rows in together.values() if len(rows) > 1 and (y[rows] != y[rows[0]]).any()]
    return Contradictions(len(groups), [_together([table.row(i) for i in rows]) for rows in groups[:top]])


def _together(rows: list[ErrorRow]) -> Contradiction:
    """One entry for rows of one text."""
    lines: dict[str, list[int]] = {}
    for row in rows:
        name = row.label if isinstance(row.label, str) else "|".join(row.label) or "none"
        lines.setdefault(name, []).append(row.line)
    return Contradiction(rows[0].text, lines)
