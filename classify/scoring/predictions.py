"""Out-of-fold predictions: what every score, interval, picture and comparison is made of; written as CSV and read."""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from classify.scoring.metrics import Measures, measure
from classify.scoring.scored import Scored, problem_of
from stores.shared.errors import FailureError

if TYPE_CHECKING:
    import pandas
    import pyarrow

PLACE = ("row", "line", "group", "fold")  # the first columns of the file


@dataclass(frozen=True)
class Predictions:
    """Predictions of models that had not seen the rows; with repeated folds a row has several, ``t`` in all.

    Attributes:
        classes: the ``C`` class names; with several labels a row, the labels.
        positive: of two classes, the one that AUC and thresholds are about.
        row: int64 ``[t]``, number of each row among those of the store, from 0; rows of a test store go on counting.
        line: int64 ``[t]``, line of the data file that each row starts on.
        group: int64 ``[t]``, number of the first row that must not be parted from this one (mostly: of the same text).
        fold: int ``[t]``, number of the model that predicted it, from 0, through all repeats.
        y: int ``[t]``, the true class; with several labels a row 0/1 ``[t, C]``.
        predicted: likewise, what the model decided.
        proba: float64 ``[t, C]``, its probabilities.
        rule: str ``[t]``, what each decision follows from, see ``FittedModel.rule``; None: from the probability alone.
    """

    classes: list[str]
    positive: int
    row: np.ndarray
    line: np.ndarray
    group: np.ndarray
    fold: np.ndarray
    y: np.ndarray
    predicted: np.ndarray
    proba: np.ndarray
    rule: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.line)

    @property
    def multilabel(self) -> bool:
        """Whether a row may have several labels."""
        return self.problem == "multi-label"

    @property
    def problem(self) -> str:
        """``binary``, ``multi-class`` or ``multi-label``."""
        return problem_of(self.y, len(self.classes))

    @property
    def right(self) -> np.ndarray:
        """Bool ``[t]``: whether the class, or every label, is predicted right."""
        return (self.y == self.predicted).reshape(len(self), -1).all(1)

    @cached_property
    def repeat(self) -> np.ndarray:
        """Int ``[t]``: how many predictions of the same row come before, by fold: its repeat of the folds."""
        order = np.lexsort((self.fold, self.row))
        _, start, counts = np.unique(self.row[order], return_index=True, return_counts=True)
        number = np.empty(len(self), int)
        number[order] = np.arange(len(self)) - np.repeat(start, counts)
        return number

    def take(self, rows: np.ndarray) -> Predictions:
        """These of the predictions."""
        arrays = (a[rows] for a in (self.row, self.line, self.group, self.fold, self.y, self.predicted, self.proba))
        found = Predictions(self.classes, self.positive, *arrays)
        return found if self.rule is None else replace(found, rule=self.rule[rows])

    def to_arrow(self) -> pyarrow.Table:
        """A row a prediction: ``row``, ``line``, ``group``, ``fold``, ``label``, ``predicted`` and ``p_<class>``.

        With several labels ``label`` and ``predicted`` are lists of names. ``rule`` is there as in the CSV.
        """
        import pyarrow as pa

        names = np.array(self.classes, object)
        columns: dict[str, object] = {name: getattr(self, name) for name in PLACE}
        for name, codes in (("label", self.y), ("predicted", self.predicted)):
            columns[name] = [names[row > 0].tolist() for row in codes] if self.multilabel else names[codes].tolist()
        columns |= {} if self.rule is None else {"rule": self.rule.tolist()}
        return pa.table(columns | {f"p_{name}": self.proba[:, i] for i, name in enumerate(self.classes)})

    def to_pandas(self) -> pandas.DataFrame:
        """The same as a frame of pandas."""
        return self.to_arrow().to_pandas()

    def measure(self, weights: np.ndarray | None = None) -> Measures:
        """All metrics, as ``metrics.measure``; ``weights`` ``[B, t]`` say how often each prediction counts."""
        return measure(self.y, self.proba, self.predicted, self.positive, self.repeat, weights)

    def scored(self) -> Scored:
        """What single metrics and their influences are computed from, each prediction counted once."""
        return Scored(self.y, self.proba, self.predicted, self.positive, self.repeat, np.ones((1, len(self))))

    def unweighted(self, rows: np.ndarray) -> Scored:
        """The same of some rows under no weighting yet, see ``Scored.under``; the other columns are not copied."""
        arrays = (self.y[rows], self.proba[rows], self.predicted[rows])
        return Scored(*arrays, self.positive, self.repeat[rows], np.empty((0, len(rows))))

    def write(self, path: Path) -> None:
        """Write the CSV: row, line, group, fold (from 1), label, predicted, rule and the probability of each class.

        With several labels a row ``label`` and ``predicted`` are a column a label (``label_toxic``), 0 or 1. ``rule``
        says what ``predicted`` follows from where that is not the probability alone: a ``threshold`` of the positive
        class, or one a label; the least expected ``cost``; or ``head``, the head's own choice before its probabilities
        were calibrated or corrected for sampling.
        """
        with open(path, "w", newline="", encoding="utf-8", errors="backslashreplace") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(self._header())
            names = np.array(self.classes, object)
            for i in range(len(self)):
                found = (self.y[i], self.predicted[i])
                answers = [*found[0], *found[1]] if self.multilabel else [names[found[0]], names[found[1]]]
                proba = map(repr, self.proba[i].tolist())  # whole: rounded, those near 1 would tie
                rule = [] if self.rule is None else [self.rule[i]]
                writer.writerow([self.row[i], self.line[i], self.group[i], self.fold[i] + 1, *answers, *rule, *proba])

    def _header(self) -> list[str]:
        multilabel = [f"{what}_{name}" for what in ("label", "predicted") for name in self.classes]
        answers = multilabel if self.multilabel else ["label", "predicted"]
        rule = [] if self.rule is None else ["rule"]
        return [*PLACE, *answers, *rule, *(f"p_{name}" for name in self.classes)]

    @classmethod
    def read(cls, path: Path, classes: list[str], positive: int, multilabel: bool) -> Predictions:
        """Inverse of ``write``; in runs of version 0.1, which have no ``row``, a row is known by its line.

        Raises:
            FailureError: if the file is missing or not what ``write`` made.
        """
        try:
            with open(path, newline="", encoding="utf-8") as file:
                header, *rows = csv.reader(file)
            width = len(classes)
            if header[:1] == ["line"]:
                header, rows = ["row", *header], [[row[0], *row] for row in rows]
            row_, line, group, fold = np.array([row[:4] for row in rows], np.int64).reshape(-1, 4).T
            if multilabel:
                answers = np.array([row[4 : 4 + 2 * width] for row in rows], np.int64).reshape(-1, 2, width)
                y, predicted = answers[:, 0], answers[:, 1]
            else:
                code = {name: i for i, name in enumerate(classes)}
                y, predicted = np.array([[code[row[4]], code[row[5]]] for row in rows], np.int64).reshape(-1, 2).T
            proba = np.array([row[-width:] for row in rows], np.float64).reshape(-1, width)
            before = len(PLACE) + (2 * width if multilabel else 2)
            rule = np.array([row[before] for row in rows], object) if header[before] == "rule" else None
            found = cls(classes, positive, row_, line, group, fold - 1, y, predicted, proba, rule)
            if header != found._header():
                raise ValueError("its columns are others")
            return found
        except (OSError, ValueError, KeyError, IndexError) as error:
            raise FailureError(f"{path} is no list of predictions ({error}); train the run again") from error


def looks_at_nothing(predictions: Predictions) -> bool:
    """Whether each model gives all rows the same probabilities, as ``majority`` does: it looks at nothing."""
    order = np.argsort(predictions.fold, kind="stable")
    fold, proba = predictions.fold[order], predictions.proba[order]
    same = fold[1:] == fold[:-1]
    return bool((proba[1:][same] == proba[:-1][same]).all())
