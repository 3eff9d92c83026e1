"""Logistic regression on words: what is chosen on inner folds, and that nothing is counted or fitted twice."""

import gc
import os
import pickle
from threading import Event

import numpy as np
import pytest

from classify import heads
from classify.heads import _term_fits, _terms
from classify.heads.base import FitTask, InnerFit
from classify.scoring.scored import log_loss
from stores.features import IdFeatures

WORDS = ("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "!", "?")


@pytest.fixture
def texts():
    """60 texts of 6 words; those with ``alpha`` are mostly of class 1."""
    rng = np.random.default_rng(0)
    y = np.arange(60) % 2
    tokens = [[*rng.choice(WORDS[1:], 5), "alpha" if (rng.random() < 0.8) == k else "beta"] for k in y]
    return IdFeatures.from_tokens([list(map(str, row)) for row in tokens]), y


def inner_folds(rows):
    """Three of them."""
    return [InnerFit(FitTask(np.setdiff1d(rows, rows[i::3]), 0), rows[i::3]) for i in range(3)]


def test_the_walk_finds_the_best_of_all_candidates(texts):
    """As trying each of them does, with scikit-learn's pipeline parts put together by hand."""
    x, y = texts
    fits = inner_folds(np.arange(60))
    candidates = [(c, kind) for kind in ("marks", "words") for c in (0.1, 1.0, 10.0, 100.0)]
    counted = {kind: _terms.Terms.of(x, kind == "marks") for kind in ("marks", "words")}

    found = _term_fits.choose(counted, y, 2, fits, candidates)

    losses = []
    truth = y[np.concatenate([fit.held_out for fit in fits])]
    for c, kind in candidates:
        heads_ = heads.load("logistic", C=c, terms=kind).fit_folds(x, y, 2, [fit.task for fit in fits])
        proba = np.concatenate([head.predict_proba(x, fit.held_out) for head, fit in zip(heads_, fits, strict=True)])
        losses.append(log_loss(proba, truth))
    assert np.argmin(found.losses) == np.argmin(losses)
    assert min(found.losses) == pytest.approx(min(losses), rel=1e-2)  # inner fits stop earlier


def test_a_race_is_lost_when_the_difference_is_sure(monkeypatch):
    """Each row behind by 0.1 or 0.3, so 0.2 on the average and by 0.1 / sqrt(m) for m rows' standard error."""
    monkeypatch.setattr(_term_fits, "FEWEST", 4)
    truth = [np.zeros(m, int) for m in (2, 4, 6, 2)]
    looked_at = []

    def folds(*behind):
        """Of each fold probabilities whose loss is 0.5, and ``behind``, by turns, more."""
        for number, rows in enumerate(truth):
            looked_at.append(number)
            p = np.exp(-0.5 - np.resize(behind, len(rows)))
            yield np.stack([p, 1 - p], axis=1)

    best = _term_fits._raced(folds(0.0), truth, None)
    assert best.loss == pytest.approx(0.5)
    assert looked_at == [0, 1, 2, 3]  # the first runs alone

    looked_at.clear()
    lost = _term_fits._raced(folds(0.1, 0.3), truth, best)
    # of 2 rows too few; 0.2 > 5 * 0.1 / sqrt(m) from m = 7 on: not of 6 rows, but of 12
    assert looked_at == [0, 1, 2]
    assert lost.proba is None
    assert lost.loss == pytest.approx(0.7)

    looked_at.clear()
    near = _term_fits._raced(folds(0.4, -0.3), truth, best)
    assert looked_at == [0, 1, 2, 3]
    assert near.loss == pytest.approx(0.55)
    assert near.proba.shape == (14, 2)


def test_texts_that_were_learned_from_are_predicted_as_others(texts, tmp_path):
    """Whether their counted terms are at hand, or they are counted again, by a pickled or a saved model."""
    x, y = texts
    counted = _terms.Terms.of(x, True).x.copy()
    head = heads.load("logistic").fit_folds(x, y, 2, [FitTask(np.arange(60), 0)])[0]
    at_hand = head.predict_proba(x, np.arange(30, 60))
    assert head.predict_proba(x)[30:] == pytest.approx(at_hand, abs=1e-12)
    assert np.array_equal(_terms.Terms.of(x, True).x.data, counted.data)  # what was weighted were copies of rows
    copied = pickle.loads(pickle.dumps(head))
    assert head.merged_ is copied.merged_ is None  # the texts are not taken along
    heads.save(head, tmp_path)
    for model in (head, copied, heads.restore(tmp_path)):
        assert model.predict_proba(x, np.arange(30, 60)) == pytest.approx(at_hand, abs=1e-12)
        assert model.predict_proba(x[np.arange(30, 60)]) == pytest.approx(at_hand, abs=1e-12)


def test_a_second_head_on_the_same_words_fits_nothing_again(texts, monkeypatch):
    """The baseline and a head on words share their fits; other rows or another penalty are fitted."""
    x, y = texts
    fitted, fit_linear = [], _terms.fit_linear
    monkeypatch.setattr(_terms, "fit_linear", lambda *a, **b: fitted.append(a[3]) or fit_linear(*a, **b))
    task = FitTask(np.arange(40), 0)

    first = heads.load("logistic").fit_folds(x, y, 2, [task])[0].predict_proba(x)
    second = heads.load("logistic").fit_folds(x, y, 2, [task])[0].predict_proba(x)
    assert len(fitted) == 1
    assert np.array_equal(first, second)

    weighted = FitTask(np.arange(40), 0, sample_weight=np.where(y == 1, 2.0, 1.0))
    for other in (FitTask(np.arange(41), 0), weighted, FitTask(np.arange(40), 0, options={"C": 2.0})):
        heads.load("logistic").fit_folds(x, y, 2, [other])
    heads.load("logistic").fit_folds(x, 1 - y, 2, [task])
    assert len(fitted) == 5


def test_words_are_counted_once_while_the_texts_live(texts):
    """And not kept longer, nor taken for those of other texts."""
    x, _ = texts
    terms = _terms.Terms.of(x, True)
    assert _terms.Terms.of(x, True) is terms
    assert _terms.Terms.of(x, False) is not terms
    assert _terms.Terms.of(x[np.arange(60)], True) is not terms

    gc.collect()  # what other tests have left
    known = len(_terms._COUNTED)
    some = x[np.arange(3)]
    _terms.Terms.of(some, True)
    del some
    gc.collect()
    assert len(_terms._COUNTED) == known


def test_options_on_words_are_chosen_on_some_rows_of_many(texts, monkeypatch):
    """Of a training set of 60 rows on 30; on all of them where a threshold is wanted, which is of the same models."""
    from classify.fitting.options import FitOptions
    from classify.fitting.training import fit
    from classify.heads import logistic

    x, y = texts
    monkeypatch.setattr(logistic, "TERM_ROWS", 30)
    rows, choose = [], _term_fits.choose
    monkeypatch.setattr(
        _term_fits, "choose", lambda *a: rows.append(sorted(np.concatenate([f.held_out for f in a[3]]))) or choose(*a)
    )
    for threshold in (None, "f1"):
        options = FitOptions(tune={"C": (1.0, 10.0)}, threshold=threshold)
        fit(heads.load("logistic"), x, y, [FitTask(np.arange(60), 0)], 2, options)

    some, every = rows
    assert len(set(some)) == 30
    assert np.bincount(y[some]).tolist() == [15, 15]
    assert every == list(range(60))


@pytest.mark.slow
def test_processes_of_the_solver_give_the_bits_of_scikit_learn(monkeypatch):
    """Also weighted, and after the one that was asked has been killed."""
    from scipy import sparse
    from sklearn.linear_model import LogisticRegression

    from classify.heads import _liblinear

    rng = np.random.default_rng(0)
    x, y = sparse.random(300, 200, 0.1, format="csr", rng=rng), rng.integers(0, 2, 300)
    monkeypatch.setattr(_liblinear, "ENTRIES", 1)
    asked = _liblinear._processes(os.getpid())
    for weight in (None, rng.integers(0, 3, 300).astype(np.float32)):
        model = LogisticRegression(C=10, solver="liblinear", dual=True, tol=1e-3, max_iter=1000, random_state=0)
        model.fit(x, y, weight)
        expected = [*model.coef_[0], *model.intercept_]

        found = asked.solve(x, y, weight, 10, 1e-3, 1000)
        assert found is not None
        assert found.tolist() == expected

    process = asked._take()
    process.kill()
    asked._idle.put(process)
    assert _liblinear.solve(x, y, weight, 10, 1e-3, 1000).tolist() == expected
    assert _liblinear.solve(x, y, weight, 10, 1e-3, 1000).tolist() == expected
    _liblinear._processes.cache_clear()


def test_a_walk_that_nobody_waits_for_stops(texts):
    """Where another one failed, or the user has interrupted."""
    from concurrent.futures import CancelledError

    x, y = texts
    stopped = Event()
    stopped.set()
    with pytest.raises(CancelledError):
        _term_fits.choose(
            {"marks": _terms.Terms.of(x, True)}, y, 2, inner_folds(np.arange(60)), [(1.0, "marks")], stopped
        )
