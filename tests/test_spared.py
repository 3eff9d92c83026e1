"""What a head costs is what it would cost alone, also where another one has done its work before."""

import itertools
import time

import pytest
from helpers.commands import LETTERS
from helpers.stores import make_store

from classify import classify
from classify.heads._spared import once, share_cores, spared
from embed import Recipe


@pytest.fixture
def clock(monkeypatch):
    """A clock that is three seconds further at each look."""
    ticks = itertools.count(0.0, 3.0)
    monkeypatch.setattr(time, "perf_counter", lambda: next(ticks))


def test_work_that_was_done_before_counts_as_spared(clock):
    """Done once it takes its time; then as much is spared. What is too large to be kept is done again."""
    done, calls, before = {}, [], spared()
    for _ in range(3):
        once(done, "key", lambda: calls.append("small"), lambda found: True)
        once(done, "large", lambda: calls.append("large"), lambda found: False)

    assert sorted(calls) == ["large", "large", "large", "small"]
    assert spared() - before == 2 * 3.0


def test_seconds_of_one_of_several_threads(clock):
    """Beside one other it is half of the whole."""
    done, before = {}, spared()
    share_cores(2)
    try:
        for _ in range(2):
            once(done, "key", lambda: 1, lambda found: True)
    finally:
        share_cores(1)
    assert spared() - before == 1.5


@pytest.mark.slow
def test_the_same_head_twice_costs_it_twice(in_tmp):
    """The baseline and two heads on the same words share their fits; no run is said to have cost next to nothing."""
    texts = [f"{LETTERS[i % 60]} {LETTERS[i // 10]} {'win' if i % 3 else 'see'} {LETTERS[i // 7]}" for i in range(400)]
    features = Recipe.of("words").encode(texts)
    store = make_store(in_tmp / "a.words.h5", features, ["a" if i % 3 else "b" for i in range(400)], texts)
    before = spared()
    runs = classify(store, ["logistic", "logistic:C=100"], cv=3)
    total, baseline = spared() - before, runs[0].metrics.baselines["tfidf+logistic"].folds[0].seconds
    models = [(4, run.metrics.folds[0].seconds) for run in runs]  # three folds, and all rows

    assert total > 0
    assert sum(count * seconds for count, seconds in [*models, (3, baseline)]) >= total
