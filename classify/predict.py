"""A run and new features -> classes and probabilities."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from typing import TextIO

import numpy as np

from classify.data import matrix
from classify.runs import Run
from stores.features import Features
from stores.shared.errors import FailureError


class Predictor:
    """The model of a run, loaded once.

    Args:
        run: a finished run.

    Attributes:
        classes: class names, in the order of the columns of the probabilities.
        kind: the kind of features it takes.
    """

    def __init__(self, run: Run) -> None:
        self.classes: list[str] = run.recipe.classes
        self.kind: str = run.recipe.features.kind
        self.multilabel: bool = run.recipe.multilabel
        self._model = run.model()

    def predict(self, features: Features) -> tuple[np.ndarray, list]:
        """Probabilities float64 ``[n, C]`` and class names (with several labels, lists of them).

        Args:
            features: made by the run's own encoder recipe.

        Raises:
            FailureError: if these are features of another kind.
        """
        if features.kind != self.kind:
            raise FailureError(f"the run was trained on {self.kind} features, not on {features.kind} features")
        x = matrix(features) if self.kind == "pooled" else features
        proba, predicted = self._model.predict(x)
        if self.multilabel:
            return proba, [[self.classes[i] for i in np.flatnonzero(row)] for row in predicted]
        return proba, [self.classes[i] for i in predicted]

    def results(self, blocks: Iterable[tuple[dict[str, list], Features]]) -> Iterator[dict]:
        """One mapping a text: what identifies it, ``predicted`` (several labels with ``|`` between) and ``p_<class>``.

        Args:
            blocks: name -> values of what identifies the texts, and the features of the same texts.
        """
        for keys, features in blocks:
            proba, predicted = self.predict(features)
            for key, label, row in zip(zip(*keys.values(), strict=True), predicted, proba.tolist(), strict=True):
                label = "|".join(label) if self.multilabel else label
                probabilities = {f"p_{c}": float(f"{p:.6g}") for c, p in zip(self.classes, row, strict=True)}
                yield dict(zip(keys, key, strict=True)) | {"predicted": label, **probabilities}


def write_results(file: TextIO, results: Iterator[dict], form: str) -> None:
    """Write ``results`` of a predictor as they come, as ``csv`` with a header or as ``jsonl``."""
    writer = None
    for result in results:
        if form == "jsonl":
            file.write(json.dumps(result, ensure_ascii=False) + "\n")
            continue
        if writer is None:
            writer = csv.DictWriter(file, list(result), lineterminator="\n")
            writer.writeheader()
        writer.writerow(result)
