"""The head ``nb``: a worked example, terms, and probabilities that are no surer than they may be."""

import numpy as np
import pytest

from classify import heads
from classify.fitting.options import FitOptions
from classify.fitting.training import fit
from classify.heads.base import FitTask
from classify.scoring.scored import log_loss
from stores import IdFeatures

pytestmark = pytest.mark.slow


def test_nb_equals_the_counts_of_a_worked_example():
    """Manning, Raghavan, Schuetze, Introduction to Information Retrieval, example 13.1: P(China | d5) is about 0.69.

    Priors 3/4 and 1/4; Chinese 3/7 and 2/9, Tokyo and Japan 1/14 and 2/9 each; so 0.0003 against 0.0001.
    """
    texts = ["Chinese Beijing Chinese", "Chinese Chinese Shanghai", "Chinese Macao", "Tokyo Japan Chinese"]
    head = heads.load("nb", weights="counts")
    head.fit(IdFeatures.from_tokens([t.split() for t in texts]), np.array([1, 1, 1, 0]), 2, 0)
    proba = head.predict_proba(IdFeatures.from_tokens(["Chinese Chinese Chinese Tokyo Japan".split()]))

    yes, no = 3 / 4 * (3 / 7) ** 3 / 14 / 14, 1 / 4 * (2 / 9) ** 3 * (2 / 9) ** 2
    assert proba[0, 1] == pytest.approx(yes / (yes + no))
    assert round(proba[0, 1], 2) == 0.69


def test_terms_are_those_of_scikit_learn(real):
    """On every tweet, the term counts are those of CountVectorizer with its default settings."""
    from sklearn.feature_extraction.text import CountVectorizer

    from classify.heads._sklearn import fit_terms, term_counts
    from embed import load_encoder, read_table

    texts = [text for block in read_table(real / "disaster_tweets/train.csv").blocks(8192) for text in block.texts]
    features = load_encoder("words").encode(texts)
    reference = CountVectorizer()
    expected = reference.fit_transform(texts)
    terms = fit_terms(features)

    assert terms == reference.get_feature_names_out().tolist()
    assert (term_counts(features, terms) != expected).nnz == 0


def test_naive_bayes_is_not_surer_than_the_vectors_allow():
    """A column that stands there 30 times says no more than once: its own log loss is reached, by Bayes' rule."""
    from scipy.stats import norm

    rng = np.random.default_rng(0)
    y = np.arange(600) % 2
    column = (rng.normal(size=600) + 1.2 * y).astype(np.float32)
    x = np.repeat(column[:, None], 30, 1)
    head, rows = heads.load("nb"), FitTask(np.arange(400), 0)
    tuned, plain = (fit(head, x, y, [rows], 2, FitOptions(tune=grid))[0] for grid in (head.grid_of("pooled"), {}))
    density = norm.pdf(column[400:, None], loc=[0, 1.2])
    best = -np.log(density[np.arange(200), y[400:]] / density.sum(1)).mean()

    assert tuned.choice.options == {"power": 0.03}
    assert log_loss(tuned.predict(x, np.arange(400, 600))[0], y[400:]) == pytest.approx(best, abs=0.02)
    assert log_loss(plain.predict(x, np.arange(400, 600))[0], y[400:]) > 5 * best


@pytest.mark.parametrize(("shares", "apart"), [((0.85, 0.15), 0.5), ((0.5, 0.5), 0.3), ((0.6, 0.3, 0.1), 0.7)])
def test_naive_bayes_is_not_made_worse_to_be_made_honest(shares, apart):
    """Columns that hang together, a rare class: the log loss of GaussianNB falls, and its macro F1 is kept."""
    from sklearn.metrics import f1_score
    from sklearn.naive_bayes import GaussianNB

    rng = np.random.default_rng(1)
    y = rng.choice(len(shares), 3000, p=shares)
    hidden = rng.normal(size=(3000, 6)) + apart * np.eye(6)[y]
    x = (hidden @ rng.normal(size=(6, 60)) + rng.normal(size=(3000, 60))).astype(np.float32)
    train, test = np.arange(1000), np.arange(1000, 3000)
    head, task = heads.load("nb"), FitTask(train, 0)
    options = FitOptions(tune=head.grid_of("pooled"), calibrate=head.calibration_of("pooled"))
    proba, decided = fit(head, x, y, [task], len(shares), options)[0].predict(x, test)
    bayes = GaussianNB().fit(x[train], y[train])

    frequencies = np.bincount(y[train]) / len(train)
    assert log_loss(proba, y[test]) < log_loss(bayes.predict_proba(x[test]), y[test])
    assert log_loss(proba, y[test]) < log_loss(np.tile(frequencies, (2000, 1)), y[test])
    ours, theirs = (f1_score(y[test], d, average="macro") for d in (decided, bayes.predict(x[test])))
    assert ours > theirs - 0.01
