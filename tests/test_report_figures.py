"""The figures of a report: their structure, and their numbers against scikit-learn and scipy."""

import numpy as np
import pytest
from helpers.run_data import made

from classify.reports.figures import FIGURES, finding
from classify.reports.figures.decisions import scores_at
from classify.reports.figures.ranks import GRID_POINTS, precision_curve, roc_curve, wilson
from classify.reports.html import inline
from classify.reports.run_data import project
from stores.shared.chart import Words
from stores.shared.plot_style import house_style, shown

pytestmark = pytest.mark.slow


def drawn(run_data):
    """The figures that make sense, by name."""
    figures = {name: figure(run_data) for name, figure in FIGURES.items()}
    return {name: figure for name, figure in figures.items() if figure is not None}


BINARY = made([0, 1, 0, 1, 0, 1, 1, 0], [[1 - q, q] for q in (0.1, 0.9, 0.4, 0.8, 0.75, 0.6, 0.3, 0.2)], ["a", "b"])
THREE = made([0, 1, 2, 0, 1, 2], np.eye(3)[[0, 1, 2, 0, 2, 2]] * 0.7 + 0.1, ["a", "b", "c"])
LABELS = made([[0, 1], [1, 1], [0, 0], [1, 0]], [[0.2, 0.9], [0.8, 0.4], [0.1, 0.3], [0.6, 0.2]], ["p", "q"])


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        (BINARY, ["scores", "confusion", "roc", "precision-recall", "threshold", "calibration", "classes"]),
        (THREE, ["scores", "confusion", "roc", "precision-recall", "calibration", "classes"]),
        (LABELS, ["scores", "confusion", "roc", "precision-recall", "threshold", "calibration", "classes"]),
    ],
    ids=["binary", "multi-class", "multi-label"],
)
def test_figures_that_make_sense(case, expected):
    """Without a store there are no lengths and no map, without epochs no losses, for three classes no threshold."""
    with house_style():
        figures = drawn(case)

    assert list(figures) == expected
    for figure in figures.values():
        title, _, basis = finding(figure).rpartition(". ")
        assert title and "n = " in basis


def test_figures_by_their_structure():
    """Lines, labels and titles of some; the values are worked out by hand."""
    with house_style():
        figures = drawn(BINARY)
        losses = FIGURES["losses"](
            made([0, 1], [[1, 0], [0, 1]], ["a", "b"], {"loss": [2, 1], "validation_loss": [1, 3]})
        )
    (threshold,), (confusion,) = figures["threshold"].panels, figures["confusion"].panels

    assert [mark.label for mark in figures["threshold"].entries()] == ["precision", "recall", "F1", "as decided"]
    assert (threshold.x.label, threshold.y.label) == ("threshold of the probability of 'b'", "score")
    (words,) = (mark for mark in confusion.marks if isinstance(mark, Words))
    assert [text.split()[0] for text in words.texts] == ["3", "1", "1", "3"]
    assert figures["confusion"].finding == "75.0% of 'b' is found, 25.0% of 'a' is taken for it"
    assert losses.finding == "Validation loss is least in epoch 1 of 2"
    assert len(losses.panels[0].marks) == 5  # two folds, twice, and the mark


def test_curves_have_the_areas_of_scikit_learn():
    """The area under what is drawn is the metric that the title gives."""
    from scipy.integrate import trapezoid
    from sklearn.metrics import average_precision_score, roc_auc_score

    rng = np.random.default_rng(0)
    truth = rng.random(5000) < 0.3
    p = (rng.normal(size=5000) + truth).round(1)  # many equal ones

    assert trapezoid(roc_curve(truth, p), GRID_POINTS) == pytest.approx(roc_auc_score(truth, p), abs=1e-3)
    area = trapezoid(precision_curve(truth, p), GRID_POINTS)
    assert area == pytest.approx(average_precision_score(truth, p), abs=5e-3)


def test_scores_at_a_threshold_by_hand():
    """At 0.5 three of four are positive, of which two are right, of three."""
    truth, p = np.array([True, True, False, True]), np.array([0.9, 0.5, 0.7, 0.1])
    assert scores_at(truth, p, np.array([0.5]))[:, 0] == pytest.approx([2 / 3, 2 / 3, 2 / 3])


def test_wilson_interval():
    """scipy's, for 3 of 10 and for none of 10."""
    from scipy.stats import binomtest

    for k in (3, 0):
        low, high = wilson(np.array([k / 10]), np.array([10]))
        expected = binomtest(k, 10).proportion_ci(method="wilson")
        assert (low[0], high[0]) == pytest.approx((max(expected.low, 0), expected.high), abs=1e-6)


@pytest.mark.parametrize("columns", [1, 5, 60])
def test_map_is_the_principal_components(columns):
    """As scikit-learn's PCA, signs aside; few columns and many go different ways."""
    from sklearn.decomposition import PCA

    values = np.random.default_rng(1).normal(size=(80, columns)) * np.arange(columns, 0, -1)
    found = project(values.astype(np.float32), np.arange(80))
    pca = PCA(min(2, columns), svd_solver="full").fit(values)

    assert found.share[: pca.n_components_] == pytest.approx(pca.explained_variance_ratio_, abs=1e-4)
    expected = np.abs(pca.transform(values))
    inside = np.isclose(np.abs(found.place[:, : pca.n_components_]), expected, atol=1e-2).all(1)
    assert (~inside).sum() <= found.outside


def test_figure_in_a_page_has_its_own_names():
    """Two figures on one page share no ids, and take their colours from the page."""
    path = '<path id="m1" style="fill: #1f2328"/><use xlink:href="#m1"/>'
    svg = f'<svg xmlns:xlink="http://x" viewBox="0 0 1 1">{path}</svg>'
    text = inline(svg, "one", 'say "hi"')

    assert 'id="one-m1"' in text
    assert 'href="#one-m1"' in text
    assert "fill: var(--ink)" in text
    assert 'aria-label="say &quot;hi&quot;"' in text
    assert "http" not in text


def test_names_as_labels():
    """On one line, printable, and cut."""
    assert shown("a\n\tb\x00c") == "a b c"
    assert shown("  ") == "(blank)"
    assert shown("x" * 30) == "x" * 23 + "\u2026"


@pytest.mark.parametrize("rows", [3, 64, 128, 256, 600])
def test_map_is_that_of_scikit_learn_for_every_number_of_rows(rows):
    """Rows as many as a power of two, whose sum is nothing, and more columns than rows, are no special case."""
    from sklearn.decomposition import PCA

    values = np.random.default_rng(rows).normal(size=(rows, 700)).astype(np.float32) * np.linspace(3, 1, 700)
    found = project(values, np.arange(rows))
    pca = PCA(2, svd_solver="full").fit(values)

    assert found.share == pytest.approx(pca.explained_variance_ratio_, rel=1e-3)
