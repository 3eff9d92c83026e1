"""A run and new features -> classes and probabilities."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TextIO

import numpy as np

from classify.model_inputs import assemble, sources
from classify.runs import Run
from stores.features import Features
from stores.shared.errors import FailureError
from stores.shared.spreadsheets import spreadsheet_safe

FORMS = ("csv", "jsonl", "json")


@dataclass(frozen=True)
class NewTexts:
    """Some texts that are to be classified.

    Attributes:
        keys: name -> ``n`` values of what identifies the texts.
        features: of the ``n`` texts, of each encoder that the run needs, see ``Predictor.sources``.
        empty: bool ``[n]``, which texts hold nothing but blanks.
    """

    keys: dict[str, list]
    features: list[Features]
    empty: np.ndarray


class Predictor:
    """The model of a run, loaded once.

    Args:
        run: a finished run.

    Attributes:
        classes: class names, in the order of the columns of the probabilities.
        sources: the encoders whose features it takes: one, or several for joined features and ensembles.
        rule: what the class follows from where that is not the probabilities alone, see ``FittedModel.rule``; else
            None.
    """

    def __init__(self, run: Run) -> None:
        self.classes: list[str] = run.recipe.classes
        self.sources = sources(run.recipe.features)
        self.multilabel: bool = run.recipe.multilabel
        self._features = run.recipe.features
        self._model = run.model()
        self.rule: str | None = None if self._model.rule == "probability" else self._model.rule

    def predict(self, features: Features | Sequence[Features]) -> tuple[np.ndarray, list]:
        """Probabilities float64 ``[n, C]`` and class names (with several labels, lists of them).

        Args:
            features: made by the run's own encoder recipe; where it needs several, of each of the ``sources``.

        Raises:
            FailureError: if these are features of another kind, or of another number of encoders.
        """
        each = [features] if isinstance(features, Features) else list(features)
        if len(each) != len(self.sources):
            raise FailureError(f"the run takes features of {len(self.sources)} encoders, not of {len(each)}")
        given = {source.digest: own for source, own in zip(self.sources, each, strict=True)}
        proba, predicted = self._model.predict(assemble(self._features, given))
        if self.multilabel:
            return proba, [[self.classes[i] for i in np.flatnonzero(row)] for row in predicted]
        return proba, [self.classes[i] for i in predicted]

    def results(self, blocks: Iterable[NewTexts]) -> Iterator[dict[str, Any]]:
        """One mapping a text: its keys, ``predicted`` (several labels with ``|`` between), ``p_<class>``, ``empty``.

        Where the class does not follow from the probabilities alone, ``rule`` says from what.

        An empty text says nothing, so it is marked, and has no prediction: None, as its probabilities.
        """
        for block in blocks:
            yield from self.named(block, *self.predict(block.features))

    def named(self, block: NewTexts, proba: np.ndarray, predicted: list) -> Iterator[dict[str, Any]]:
        """The ``results`` of a block, from what ``predict`` gave for its features."""
        keys = zip(*block.keys.values(), strict=True)
        rows = zip(keys, predicted, proba.tolist(), block.empty.tolist(), strict=True)
        for values, label, row, empty in rows:
            label = "|".join(label) if self.multilabel else label
            named = {f"p_{c}": None if empty else float(f"{p:.6g}") for c, p in zip(self.classes, row, strict=True)}
            yield {
                **dict(zip(block.keys, values, strict=True)),
                "predicted": None if empty else label,
                **({} if self.rule is None else {"rule": self.rule}),
                **named,
                "empty": empty,
            }


class ResultWriter:
    """Writes ``results`` of a predictor as they come.

    Args:
        file: takes the text.
        form: ``csv`` (with a header; None is an empty cell, true and false are 1 and 0), ``jsonl`` (an object a line)
            or ``json`` (an array).
        csv_safe: whether cells that a spreadsheet would compute as formulas get an apostrophe before them.
        written: results that the file holds already.
    """

    def __init__(self, file: TextIO, form: str, csv_safe: bool = False, written: int = 0) -> None:
        self._file, self._form, self._safe, self.written = file, form, csv_safe, written

    def write(self, results: Iterable[dict[str, Any]]) -> None:
        """Write more results, mappings with the same keys."""
        for result in results:
            if self._form == "csv":
                self._write_row(result)
            elif self._form == "jsonl":
                self._file.write(f"{json.dumps(result, ensure_ascii=False)}\n")
            else:
                self._file.write(f"{',' if self.written else '['}\n{json.dumps(result, ensure_ascii=False)}")
            self.written += 1

    def close(self) -> None:
        """There are no more; the file stays open."""
        if self._form == "json":
            self._file.write("\n]\n" if self.written else "[\n]\n")

    def _write_row(self, result: dict[str, Any]) -> None:
        writer = csv.DictWriter(self._file, list(result), lineterminator="\n")
        if not self.written:
            writer.writeheader()
        cells = {name: int(value) if isinstance(value, bool) else value for name, value in result.items()}
        if self._safe:
            cells = {k: spreadsheet_safe(value) if isinstance(value, str) else value for k, value in cells.items()}
        writer.writerow(cells)


def write_results(file: TextIO, results: Iterable[dict[str, Any]], form: str, csv_safe: bool = False) -> None:
    """Write all ``results`` of a predictor as they come, see ``ResultWriter``."""
    writer = ResultWriter(file, form, csv_safe)
    writer.write(results)
    writer.close()
