"""What is known of an encoder that is tried, and what came of all trials."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from commands.trials.candidates import Candidate
from commands.trials.probe import Estimate

if TYPE_CHECKING:
    from classify import Run
    from embed import Recipe


@dataclass
class EncoderTrial:
    """An encoder on the table.

    Attributes:
        candidate: the encoder.
        store: where its features are, or will be.
        estimate: None if all that is asked of it is done.
        recipe: loaded; None likewise, and once its store is written.
    """

    candidate: Candidate
    store: Path
    estimate: Estimate | None = None
    recipe: Recipe | None = None

    @property
    def spent(self) -> float:
        """What the features in the store have taken, wherever they were encoded; NaN where that is not known."""
        from stores import FeatureStore

        with FeatureStore(self.store) as store:
            each = store.seconds_per_text
            return math.nan if each is None else each * store.totals.get("distinct", 0)

    @property
    def encoding(self) -> float:
        """Seconds of encoding that are still to come, at most; to load it was paid with the probe."""
        return 0.0 if self.estimate is None or self.store.exists() else self.estimate.encode


@dataclass
class Outcome:
    """What came of an experiment.

    Attributes:
        runs: of all trials, those of earlier calls among them.
        taken: how many of these were there already.
        left_out: name -> why.
    """

    runs: list[Run] = field(default_factory=list)
    taken: int = 0
    left_out: dict[str, str] = field(default_factory=dict)
