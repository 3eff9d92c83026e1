"""A run -> the rows that it gets most wrong, labels that are probably wrong, identical texts with different labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from classify.analysis.label_errors import suspects
from classify.runs import Run, plain
from classify.scoring.predictions import Predictions
from classify.sources import Texts, texts_of
from stores.shared.errors import InputError


def errors(run: Run, top: int = 10) -> dict:
    """What a run gets wrong.

    Args:
        run: finished.
        top: rows of each kind.

    Returns:
        - ``rows`` tested, ``wrong`` (how many of these are predicted wrong in some label), ``texts_missing`` (why there
          are no texts; empty if there are)
        - ``classes``: class -> ``false_positives`` and ``false_negatives``, each with ``count`` and the ``rows`` in
          which the model was surest; of two classes only the positive one is there
        - ``suspected_label_errors``: ``count`` and ``rows``, with the ``better`` class and its ``margin``; with
          several labels a row also the ``about`` label
        - ``contradictions``: ``count`` and the first ``rows``: identical texts with different labels; ``count`` is None
          where the store is gone

        A row has ``line``, ``text`` (None if missing), ``label``, ``predicted`` (lists of names with several labels a
        row) and, where a class is looked at, its probability ``p``.

    Raises:
        InputError: if ``top`` is below 1.
        FailureError: if the predictions cannot be read.
    """
    if top < 1:
        raise InputError(f"--top {top}: show at least one")
    predictions = once(run.predictions())
    texts = texts_of(run, predictions.line)

    def row(i: int, **more: object) -> dict:
        text = None if texts.texts is None else texts.texts[i]
        answers = {"label": predictions.y[i], "predicted": predictions.predicted[i]}
        names = {what: _names(predictions, answer) for what, answer in answers.items()}
        return {"line": int(predictions.line[i]), "text": text} | names | more

    shown = range(len(predictions.classes))
    shown = [predictions.positive] if run.recipe["problem"] == "binary" else shown
    return plain(
        {
            "rows": len(predictions),
            "wrong": int((~predictions.right).sum()),
            "texts_missing": texts.missing,
            "classes": {predictions.classes[c]: _of_class(predictions, c, top, row) for c in shown},
            "suspected_label_errors": _suspected(predictions, top, row),
            "contradictions": _contradictions(predictions, texts, top, row),
        }
    )


def once(p: Predictions) -> Predictions:
    """Each line once: the mean of its probabilities, and the class predicted most often (of equals the first)."""
    lines, first, inverse, counts = np.unique(p.line, return_index=True, return_inverse=True, return_counts=True)
    if counts.max(initial=1) == 1:
        return p.take(first)
    votes = p.predicted if p.multilabel else np.eye(len(p.classes))[p.predicted]
    total, proba = np.zeros((2, len(lines), len(p.classes)))
    np.add.at(total, inverse, votes)
    np.add.at(proba, inverse, p.proba)
    decided = (2 * total > counts[:, None]).astype(int) if p.multilabel else total.argmax(1)
    return replace(p.take(first), predicted=decided, proba=proba / counts[:, None])


def _names(p: Predictions, answer: np.ndarray) -> str | list[str]:
    return [p.classes[i] for i in np.flatnonzero(answer)] if p.multilabel else p.classes[answer]


def _of_class(p: Predictions, c: int, top: int, row: Callable) -> dict:
    """The rows most surely taken for the class, and those most surely not."""
    is_it, taken = (p.y[:, c] == 1, p.predicted[:, c] == 1) if p.multilabel else (p.y == c, p.predicted == c)
    found = {}
    for name, rows, sign in (("false_positives", taken & ~is_it, -1), ("false_negatives", is_it & ~taken, 1)):
        rows = np.flatnonzero(rows)
        order = rows[np.argsort(sign * p.proba[rows, c], kind="stable")][:top]
        found[name] = {"count": len(rows), "rows": [row(i, p=p.proba[i, c]) for i in order]}
    return found


def _suspected(p: Predictions, top: int, row: Callable) -> dict:
    """With several labels each label is looked at by itself, as a problem of two classes."""
    if not p.multilabel:
        found = suspects(p.y, p.proba)
        each = zip(found.rows[:top], found.better, found.margin, strict=False)
        return {"count": len(found.rows), "rows": [row(i, better=p.classes[b], margin=m) for i, b, m in each]}
    rows, count = [], 0
    for c, name in enumerate(p.classes):
        found = suspects(p.y[:, c], np.stack([1 - p.proba[:, c], p.proba[:, c]], 1))
        count += len(found.rows)
        each = zip(found.rows[:top], found.better, found.margin, strict=False)
        rows += [row(i, about=name, better=name if b else f"not {name}", margin=m) for i, b, m in each]
    return {"count": count, "rows": sorted(rows, key=lambda r: r["margin"])[:top]}


def _contradictions(p: Predictions, texts: Texts, top: int, row: Callable) -> dict:
    """Groups of rows with the same text whose labels are not all the same; by the line of the first."""
    if texts.hashes is None:
        return {"count": None, "rows": []}
    together: dict[bytes, list[int]] = {}
    for i, text_hash in enumerate(texts.hashes):
        together.setdefault(text_hash, []).append(i)
    found = [rows for rows in together.values() if len(rows) > 1 and (p.y[rows] != p.y[rows[0]]).any()]
    return {"count": len(found), "rows": [_together([row(i) for i in rows]) for rows in found[:top]]}


def _together(rows: list[dict]) -> dict:
    """One entry for rows of one text."""
    labels: dict[str, list[int]] = {}
    for row in rows:
        name = row["label"] if isinstance(row["label"], str) else "|".join(row["label"]) or "none"
        labels.setdefault(name, []).append(row["line"])
    return {"text": rows[0]["text"], "lines_by_label": labels}
