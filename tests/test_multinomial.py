"""Naive Bayes on words: the smoothing that inner folds choose, by the formula of scikit-learn's ``MultinomialNB``."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.metrics import f1_score, log_loss
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline

from classify import classify, heads
from classify.fitting.options import FitOptions
from classify.fitting.training import fit
from classify.heads._multinomial import held_out
from classify.heads.base import FitTask, InnerFit
from stores.features import IdFeatures

ALPHAS = (0.001, 0.1, 10.0)
WORDS = np.array([a + b for a in "bcdfghklmn" for b in ("ar", "el", "it", "on", "ut", "im", "oz", "ep", "as", "ir")])


def drawn(rows, shares, seed=0, long=12):
    """Texts of 12 words of which classes prefer different ones, as lists of words; and their classes."""
    rng = np.random.default_rng(seed)
    y = rng.choice(len(shares), rows, p=shares)
    common = 1 / np.arange(1, len(WORDS) + 1)
    frequency = np.stack([common * rng.gamma(1.0, size=len(WORDS)) for _ in shares])
    frequency /= frequency.sum(1, keepdims=True)
    return [rng.choice(WORDS, long, p=frequency[k]).tolist() for k in y], y


def rival(alpha, tfidf):
    """What a practitioner writes."""
    count = CountVectorizer(analyzer=lambda words: words)
    return make_pipeline(count, *([TfidfTransformer()] if tfidf else []), MultinomialNB(alpha=alpha))


@pytest.mark.parametrize("tfidf", [True, False])
def test_held_out_rows_get_the_probabilities_of_scikit_learn(tfidf):
    """Of three classes; words that the training rows lack are no words to it either."""
    texts, y = drawn(60, (0.6, 0.3, 0.1))
    rows, wanted = np.arange(0, 60, 2), np.arange(1, 60, 2)
    counts = CountVectorizer(analyzer=lambda words: words, dtype=np.float64).fit_transform(texts)

    found = held_out(counts, rows, y[rows], wanted, ALPHAS, tfidf)

    for alpha, proba in zip(ALPHAS, found, strict=True):
        model = rival(alpha, tfidf).fit([texts[i] for i in rows], y[rows])
        np.testing.assert_allclose(proba, model.predict_proba([texts[i] for i in wanted]), rtol=1e-9)


def test_each_of_several_labels_is_a_problem_of_its_own():
    """Two labels, each by a ``MultinomialNB`` of two classes."""
    texts, y = drawn(60, (0.4, 0.4, 0.2), seed=1)
    labels = np.column_stack([y > 0, y == 2]).astype(int)
    rows, wanted = np.arange(40), np.arange(40, 60)
    counts = CountVectorizer(analyzer=lambda words: words, dtype=np.float64).fit_transform(texts)

    (found,) = held_out(counts, rows, labels[rows], wanted, [0.1], tfidf=True)

    for label in (0, 1):
        model = rival(0.1, True).fit(texts[:40], labels[:40, label])
        np.testing.assert_allclose(found[:, label], model.predict_proba(texts[40:])[:, 1], rtol=1e-9)


def test_the_smoothing_with_the_lowest_log_loss_is_chosen():
    """The losses are those of scikit-learn on the same inner folds."""
    texts, y = drawn(90, (0.7, 0.3), seed=2)
    rows = np.arange(90)
    inner = [InnerFit(FitTask(np.setdiff1d(rows, rows[i::3]), 0), rows[i::3]) for i in range(3)]
    head = heads.load("nb")
    candidates = [{"alpha": alpha} for alpha in ALPHAS]

    (found,) = head.choose(IdFeatures.from_tokens(texts), y, 2, [inner], candidates)

    expected = []
    for alpha in ALPHAS:
        proba = [
            rival(alpha, True).fit([texts[i] for i in task.rows], y[task.rows]).predict_proba([texts[i] for i in held])
            for task, held in inner
        ]
        expected.append(log_loss(y[np.concatenate([held for _, held in inner])], np.concatenate(proba)))
    np.testing.assert_allclose(found.losses, expected, rtol=1e-9)


def test_a_rare_class_is_not_lost_to_its_frequency():
    """By default F1 and log loss are better than by scikit-learn's defaults, which hardly ever take a rare class."""
    texts, y = drawn(600, (0.85, 0.15), seed=3, long=6)
    head, train, test = heads.load("nb"), np.arange(400), np.arange(400, 600)
    options = FitOptions(tune=head.grid_of("ids"), calibrate=head.calibration_of("ids"))

    model = fit(head, IdFeatures.from_tokens(texts), y, [FitTask(train, 0)], 2, options)[0]

    proba, decided = model.predict(IdFeatures.from_tokens(texts), test)
    plain = rival(1.0, True).fit(texts[:400], y[:400])
    assert f1_score(y[test], decided) > f1_score(y[test], plain.predict(texts[400:])) + 0.1
    assert log_loss(y[test], proba) < log_loss(y[test], plain.predict_proba(texts[400:]))


@pytest.mark.slow
def test_a_smoothing_that_is_given_is_neither_chosen_nor_calibrated(separable_words, in_tmp):
    """As with the penalty of the others: what is asked for is what is done."""
    (given,) = classify(separable_words, "nb:alpha=0.5", cv=3, out=in_tmp / "given")
    (chosen,) = classify(separable_words, "nb", cv=3, out=in_tmp / "chosen")

    assert given.recipe.training["tune"] == {}
    assert given.recipe.training["calibrate"] == "none"
    assert list(chosen.recipe.training["tune"]) == ["alpha"]
    assert chosen.recipe.training["calibrate"] == "sigmoid"
