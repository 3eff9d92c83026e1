"""What ``classify`` refuses before anything is computed, and which class is the positive one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from classify.data import Data
from classify.fitting.calibration import ISOTONIC_ROWS
from classify.fitting.options import FitOptions
from classify.fitting.threshold import parse_costs
from classify.heads.base import Head
from stores.shared.errors import InputError

TELLING = ("spam", "toxic", "1", "yes", "true", "positive", "pos")  # names of a positive class


def check_features(
    data: Data, spec: str | Path, chosen: Sequence[Head], trainings: Sequence[FitOptions], positive: str | None = None
) -> None:
    """``InputError`` if a head cannot take these features, or the problem cannot be treated as asked."""
    for head in chosen:
        if data.kind not in head.kinds:
            takes = " or ".join(sorted(head.kinds))
            raise InputError(f"head {head.name} takes {takes} features, but {spec} holds {data.kind} features")
    for training in trainings:
        if training.cost is not None:
            parse_costs(training.cost, data.classes)
        counts = data.y.sum(0) if data.multilabel else np.bincount(data.y, minlength=len(data.classes))
        if training.calibrate == "isotonic" and counts.min() < ISOTONIC_ROWS:
            few = int(counts.argmin())
            raise InputError(
                f"`calibrate='isotonic'`: class {data.classes[few]!r} has {counts[few]} rows, and below "
                f"{ISOTONIC_ROWS:,} a class its steps follow chance; choose sigmoid or temperature"
            )
        training.check(data.multilabel, len(data.classes), data.kind == "pooled", positive)


def check_epochs(head: Head, epochs: Sequence[int]) -> None:
    """``InputError`` if a head cannot be scored after these epochs."""
    if not epochs:
        return
    last = getattr(head, "epochs", None)
    if last is None:
        raise InputError(f"`report_epochs`: head {head.name} has no epochs")
    if getattr(head, "patience", 0):
        raise InputError(f"`report_epochs`: head {head.name} with patience may stop before; set patience=0")
    if not 1 <= min(epochs) <= max(epochs) <= last:
        raise InputError(f"`report_epochs`: head {head.name} trains for {last} epochs; name some of these")


def positive_class(name: str | None, data: Data) -> int:
    """Number of the positive class: as asked, else the one with a telling name, else the rarer."""
    if name is not None and name not in data.classes:
        raise InputError(f"`positive={name!r}`: no such class; there are: {', '.join(data.classes)}")
    if name is not None:
        return data.classes.index(name)
    if data.problem != "binary":
        return len(data.classes) - 1
    telling = [i for i, label in enumerate(data.classes) if label.strip().lower() in TELLING]
    counts = np.bincount(data.y, minlength=2)
    return telling[0] if len(telling) == 1 else 0 if counts[0] < counts[1] else 1
