"""What learning looks like: metrics of epochs, more and more rows, classes before and after sampling, lengths."""

import numpy as np
import pytest
from helpers.commands import LETTERS
from helpers.toy import ToyEncoder, write_csv

from classify import classify
from classify.analysis.comparison import (
    AgainstBest,
    ComparedRows,
    ComparedRun,
    Comparison,
    DecidingTest,
    Interval,
    McNemarTest,
    PairedTest,
)
from classify.analysis.cost import Cost
from classify.analysis.learning import LearningFit, Point, fit_power_law, learning_fit
from classify.analysis.paired_runs import mean_epochs
from classify.metrics_json import FoldScore
from classify.reports.figures.compared import compared_charts
from classify.reports.figures.curves import epoch_panel, epochs, learning
from classify.reports.figures.table import class_counts, classes, lengths
from classify.reports.run_data import collect_run_data
from classify.scoring.metrics import columns_of
from embed import Recipe, embed, read_table
from stores.shared.chart import Bars, Line, Words
from stores.shared.table_chart import Lengths, class_chart, length_chart


def marks(panel, kind):
    """The marks of a kind on a panel."""
    return [mark for mark in panel.marks if isinstance(mark, kind)]


def test_classes_before_and_after_sampling_by_hand():
    """Bars end at the counts, and beside each stands its share of all rows of its set."""
    counts = {"whole table": {"ham": 6, "spam": 2}, "after sampling": {"ham": 1.5, "spam": 1.5}}
    chart = class_chart(counts, {"whole table": 8, "after sampling": 3}, "Rows a class, n = 8")
    (panel,) = chart.panels

    assert [[x for _, x in bars.x] for bars in marks(panel, Bars)] == [[6, 2], [1.5, 1.5]]
    assert [words.texts for words in marks(panel, Words)] == [["6 (75.0%)", "2 (25.0%)"], ["2 (50.0%)", "2 (50.0%)"]]
    assert [text for _, text in panel.y.ticks] == ["ham", "spam"]
    assert chart.finding == "The rarest class, 'spam', has 25.0% of the rows"


def test_lengths_by_hand():
    """Of three texts of class a one has no word and two have 2 or 3; of one of b it has 1."""
    words = Lengths({"a": [1, 0, 2], "b": [0, 1, 0]}, 0, 3)
    characters = Lengths({"a": [1, 0, 0, 2], "b": [0, 0, 1, 0]}, 0, 7)
    chart = length_chart({"characters": characters, "words": words}, 4)

    assert chart.finding == "The texts have 0 to 7 characters and 0 to 3 words"
    upper, lower = (marks(panel, Bars) for panel in chart.panels)
    assert [[high for _, high in bars.y] for bars in lower] == [pytest.approx([1 / 3, 0, 2 / 3]), [0, 1, 0]]
    assert [bars.label for bars in upper] == ["a (3)", "b (1)"]
    assert [text for _, text in chart.panels[1].x.ticks] == ["0", "1", "2-3", "4-7"]


def test_curves_of_epochs_by_hand():
    """Two folds of two and three epochs: thin lines of each, and a mean over the two epochs that both have."""
    histories = [{"accuracy": [0.5, 0.7]}, {"accuracy": [0.7, 0.9, 1.0]}]
    folds = [FoldScore(4, 4, 4, 0.1, history, {}, None, {}) for history in histories]
    lines = marks(epoch_panel(folds, "accuracy", "accuracy", first=True), Line)

    assert [list(line.y) for line in lines] == [[0.5, 0.7], [0.7, 0.9, 1.0], pytest.approx([0.6, 0.8])]
    assert [line.label for line in lines] == ["", "", "training"]


@pytest.mark.parametrize("floor", [0.0, 0.05])
def test_a_power_law_is_found_again(floor):
    """From scores that follow one exactly: what more rows bring is what the law says."""
    rows = np.array([100.0, 200, 400, 800, 1600])
    error = floor + 2 * rows**-0.5
    a, b, c = fit_power_law(rows, error[None], floor=True)
    fit = LearningFit([Point(n, 1 - e, 1 - e, 1 - e) for n, e in zip(rows, error, strict=True)])

    assert (a[0], b[0], c[0]) == pytest.approx((floor, 2, 0.5), abs=1e-6)
    gained = 2 * (1600**-0.5 - 2600**-0.5)
    assert fit.gain == pytest.approx((gained, gained, gained), abs=1e-6)
    assert fit.at(np.array([400.0]))[0] == pytest.approx([1 - floor - 2 * 400**-0.5])


def test_uncertain_scores_make_an_uncertain_gain():
    """Intervals four times as wide make the gain's wider; a curve that does not rise promises nothing."""
    rows, score = [100.0, 200, 400], [0.6, 0.7, 0.78]
    narrow, wide = (
        LearningFit([Point(n, s, s - half, s + half) for n, s in zip(rows, score, strict=True)]).gain
        for half in (0.01, 0.04)
    )
    flat = LearningFit([Point(n, 0.8, 0.8, 0.8) for n in rows])

    assert narrow[1] < narrow[0] < narrow[2]
    assert wide[2] - wide[1] > 2 * (narrow[2] - narrow[1])
    assert flat.gain[0] == pytest.approx(0, abs=1e-12)


def compared(name, **fields):
    """A run of a comparison, the best if nothing else is said."""
    scores = dict.fromkeys(columns_of("binary"), Interval(fields.pop("score", 0.9), 0.8, 1.0))
    cost = Cost(fields.pop("encode", None), None, fields.pop("train", 1.0), None, None, 1)
    usual = {"folds": [0.9], "against_best": None, "distinguishable": False, "verdict": "best", "frontier": True}
    made = {"name": name, "folder": name, "head": "nb", "options": {}, "sampler": "none", "encoders": [],
            "features": "", "created": "", "scores": scores, "cost": cost}  # fmt: skip
    return ComparedRun(**made | usual | fields)


def test_charts_of_several_runs_by_hand():
    """One run is 0.2 below the best; it took 2 s to encode and 6 to train, the best 4; its curve ends at 0.7."""
    p = PairedTest("", 0.0, 0.01, 0.01)
    test = DecidingTest("", 0.0, 0.01, 0.01, 0.05, 0.0)
    against = AgainstBest(Interval(-0.2, -0.3, -0.1), test, p, McNemarTest("", 0.0, 0.01, 0.01, 3, 1), None)
    worse = compared("worse", score=0.7, encode=2.0, train=6.0, folds=[0.7] * 5, against_best=against,
                     distinguishable=True, epochs={"validation_loss": [0.6, 0.5], "validation_f1_positive": [0.5, 0.7]},
                     )  # fmt: skip
    found = Comparison("f1_macro", True, 0.05, 0.01, None, 0.01, Interval(0.9, 0.8, 1.0), 1000, 0, "binary", ["a", "b"],
                       "b", ComparedRows(90, 90, {}), False, 1, "best", "best",
                       [compared("best", train=4.0), worse])  # fmt: skip
    charts = compared_charts(found)
    gap = marks(charts["differences"].panels[0], Line)[-1]
    bars = [bar.x for bar in marks(charts["times"].panels[0], Bars)]

    assert charts["differences"].finding == "1 of 1 other runs is worse than best"
    assert list(gap.x) == [-0.2]
    assert bars == [[(0, 0.0), (0, 2.0)], [(0.0, 4.0), (2.0, 8.0)]]  # encode, then train; the quickest is on top
    assert marks(charts["times"].panels[0], Words)[0].texts == ["4.00 s, hold-out", "8.00 s, 5 folds"]
    assert [list(line.x) for line in marks(charts["metrics"].panels[0], Line)] == [[0.9] * 7, [0.7] * 7]
    assert charts["epochs"].finding == "F1 of validation rows is highest in worse: 0.700"
    assert [list(line.y) for panel in charts["epochs"].panels for line in panel.marks] == [[0.6, 0.5], [0.5, 0.7]]


def test_curves_of_folds_are_averaged_as_far_as_all_go():
    """Training rows have no part in it."""
    histories = [{"loss": [3, 2], "validation_loss": [1.0, 2.0]}, {"loss": [3], "validation_loss": [3.0]}]

    assert mean_epochs(histories) == {"validation_loss": [2.0]}


@pytest.fixture(scope="module")
def sampled(tmp_path_factory):
    """A run with 60 ham and 30 spam, two folds, under-sampled, with a learning curve and four epochs."""
    folder = tmp_path_factory.mktemp("curves")
    rows = [("spam" if i % 3 == 0 else "ham", f"{LETTERS[i % 26]} {LETTERS[i // 26]} x") for i in range(90)]
    table = read_table(write_csv(folder / "t.csv", rows))
    embed(table, Recipe(ToyEncoder(), {}), folder / "t.h5")
    (run,) = classify(folder / "t.h5", "dense:units=4,epochs=4", cv=2, sampler="under", learning_curve=[0.5],
                      identical="bytes", tune="none", out=folder / "run")  # fmt: skip
    return run


@pytest.mark.slow
def test_classes_of_a_run(sampled):
    """Of 90 rows 45 train a fold, 30 and 15; under-sampled 15 and 15."""
    with collect_run_data(sampled) as found:
        counts, totals = class_counts(found)
        said = classes(found).finding

    assert counts == {
        "whole table": {"ham": 60, "spam": 30}, "trained on": {"ham": 30, "spam": 15},
        "after sampling": {"ham": 15, "spam": 15},
    }  # fmt: skip
    assert totals == {"whole table": 90, "trained on": 45, "after sampling": 30}
    assert said == "The rarest class, 'spam', has 33.3% of the rows, 50.0% after sampling"


@pytest.mark.slow
def test_curves_of_a_run(sampled):
    """Four epochs of six metrics; two points of the learning curve, and what the law says in the terminal, too."""
    with collect_run_data(sampled) as found:
        panels = epochs(found).panels
        law, drawn = learning_fit(sampled.metrics), learning(found)
        units = lengths(found).finding

    assert [panel.y.label for panel in panels] == ["accuracy", "F1 macro", "precision", "recall", "F1", "ROC-AUC"]
    assert {len(line.y) for panel in panels for line in marks(panel, Line)} == {4}
    assert [point.rows for point in law.points] == [pytest.approx(22.5, abs=1.5), 45]
    assert drawn.finding.startswith("1,000 more labelled rows would bring about")
    assert units == "The texts have 7 to 7 characters and 3 to 3 words"
