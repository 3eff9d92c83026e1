"""Folds that are fitted at the same time: what they give, what they tell, and how they end."""

import numpy as np
import pytest
from helpers.head_sets import SMALL, ids_set

from classify import heads
from classify.heads import _tokens
from classify.heads._fit_progress import FitProgress, fit_together
from classify.heads._fit_task import FitTask
from stores.shared.reporter import Reporter

FOLDS = [FitTask(np.arange(1), seed, name=f"fold {seed + 1} of 3") for seed in range(3)]


class Told(Reporter):
    """Keeps what it is told."""

    def __init__(self):
        super().__init__()
        self.steps = []

    def progress(self, progress):
        """Step and share."""
        self.steps.append((progress.step, progress.share))


def test_the_first_of_those_at_once_tells_for_all():
    """Three folds, two at once: half of the first pair is one of three models."""
    told = Told()

    def fit(fold, progress):
        progress.tell(0.5)
        return fold.seed

    assert fit_together(fit, FOLDS, FitProgress(told), 2) == [0, 1, 2]
    assert told.steps == [("fold 1 of 3 and 1 more", pytest.approx(1 / 3)), ("fold 3 of 3", pytest.approx(2.5 / 3))]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_where_the_first_fails_the_others_end(error):
    """The second fold would go on for ever."""
    begun = []

    def fit(fold, progress):
        if fold.seed == 0:
            while not begun:
                pass
            raise error
        while True:
            progress.tell()
            begun.append(fold.seed)

    with pytest.raises(error):
        fit_together(fit, FOLDS, FitProgress(), 2)
    assert set(begun) == {1}


def test_where_another_fails_the_command_fails():
    """The error of the second fold is that of the whole."""

    def fit(fold, progress):
        if fold.seed == 1:
            raise MemoryError

    with pytest.raises(MemoryError):
        fit_together(fit, FOLDS, FitProgress(), 3)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lstm", "conv"])
def test_networks_learn_the_same_side_by_side(name, monkeypatch):
    """Losses and probabilities to the last bit: each network draws its weights by its own seed alone."""
    x, y = ids_set(2, n=80)
    rows = np.arange(80)
    folds = [FitTask(rows[rows % 4 != seed], seed, rows[rows % 4 == seed]) for seed in range(4)]
    found = []
    for at_once in (1, 3):
        monkeypatch.setattr(_tokens, "threads", lambda at_once=at_once: at_once)
        fitted = heads.load(name, **SMALL).fit_folds(x, y, 2, folds)
        found.append([(head.history_, head.predict_proba(x).tolist()) for head in fitted])

    assert found[0] == found[1]
