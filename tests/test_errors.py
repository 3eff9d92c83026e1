"""What a run gets wrong."""

import json

import numpy as np
import pytest
from helpers.commands import tk
from helpers.several_labels import several_store
from helpers.stores import make_store, pooled

from classify import classify
from classify.analysis.errors import errors, one_per_row
from classify.analysis.label_errors import find_label_errors
from classify.scoring.predictions import Predictions
from stores import InputError

HOSTILE = "\x1b]0;owned\x07\x1b[2J \u202egnp.exe [bold]x[/bold] ü"


def test_confident_joint_by_hand():
    """Thresholds 0.7 and 0.6; the third row is labelled 0, and 0.9 sure to be 1; the last is sure of nothing."""
    p = np.array([0.1, 0.1, 0.9, 0.1, 0.9, 0.5, 0.4])  # of class 1
    y = np.array([0, 0, 0, 0, 1, 1, 1])
    found = find_label_errors(y, np.stack([1 - p, p], 1))

    assert found.thresholds == pytest.approx([(0.9 + 0.9 + 0.1 + 0.9) / 4, (0.9 + 0.5 + 0.4) / 3])
    assert found.joint.tolist() == [[3, 1], [0, 1]]
    assert (found.rows.tolist(), found.better.tolist()) == ([2], [1])
    assert found.margin == pytest.approx([0.1 - 0.9])


@pytest.mark.parametrize("n_classes", [2, 4])
def test_flipped_labels_are_found(n_classes):
    """One label in twenty is turned into another; most of these are found, and most of what is found are these."""
    rng = np.random.default_rng(n_classes)
    true = rng.integers(n_classes, size=1000)
    noise = rng.normal(size=(1000, n_classes)) + 6 * np.eye(n_classes)[true]
    proba = np.exp(noise) / np.exp(noise).sum(1, keepdims=True)
    y, flipped = true.copy(), rng.permutation(1000)[:50]
    y[flipped] = (true[flipped] + 1) % n_classes
    found = find_label_errors(y, proba)
    hits = np.isin(found.rows, flipped)

    assert hits.sum() >= 45
    assert hits[:40].mean() >= 0.95  # the most suspect come first
    assert (found.better[hits] == true[found.rows[hits]]).mean() >= 0.95
    assert (np.diff(found.margin) >= 0).all()


def test_guessing_model_suspects_nobody():
    """The same probability everywhere is confidence in nothing; a class without rows does no harm."""
    y = np.array([0, 0, 1])
    assert len(find_label_errors(y, np.tile([0.6, 0.4, 0.0], (3, 1))).rows) <= 1
    assert np.isnan(find_label_errors(y, np.tile([0.6, 0.4, 0.0], (3, 1))).thresholds[2])


@pytest.fixture
def run(in_tmp):
    """120 rows; two labels of clear texts are turned round, one text stands under both labels, one is hostile."""
    rng = np.random.default_rng(3)
    y = np.arange(120) % 2
    values = rng.normal(size=(120, 3)) * 0.3
    values[:, 0] += 4 * y
    y[[10, 11]] = 1 - y[[10, 11]]
    texts = [f"text {i}" for i in range(120)]
    texts[10] = HOSTILE
    texts[51] = texts[50]
    values[51] = values[50]
    path = make_store(in_tmp / "some.h5", pooled(values), ["yes" if v else "no" for v in y], texts)
    (run,) = classify(path, ["logistic"], cv=4)
    return run


def test_most_wrong_rows_and_suspects(run):
    """Rows 10 and 11 are on lines 12 and 13; the contradiction is on lines 52 and 53."""
    found = errors(run)
    yes = found.classes["yes"]

    assert list(found.classes) == ["yes"]
    assert yes.false_positives.rows[0].line in (13, 52)  # labelled no, like a yes
    assert [row.line for row in yes.false_negatives.rows if row.line < 20] == [12]
    assert yes.false_negatives.rows[0].p < 0.1
    assert {12, 13} <= {row.line for row in found.suspected_label_errors.rows}
    assert found.contradictions.as_dict() == {
        "count": 1,
        "rows": [{"text": "text 50", "lines_by_label": {"no": [52], "yes": [53]}}],
    }
    assert found.wrong == yes.false_positives.count + yes.false_negatives.count


def test_texts_of_strangers_are_harmless(run):
    """No control, no right-to-left mark and no markup reaches the terminal; letters stay letters."""
    for args in ([], ["--json"]):
        said = tk("errors", "runs/some.logistic", *args).stdout
        assert not {c for c in said if not c.isprintable()} - {"\n"}
    said = tk("errors", "runs/some.logistic").stdout
    assert "\\x1b]0;owned\\x07\\x1b[2J \\u202egnp.exe [bold]x[/bold] ü" in said
    assert json.loads(tk("errors", "runs/some.logistic", "--json").stdout)["classes"]["yes"]


def test_without_the_store_there_are_lines(run, in_tmp):
    """The store is gone, or is another by now: the reason is said and nothing is guessed."""
    (in_tmp / "some.h5").rename(in_tmp / "kept.h5")
    said = tk("errors", "runs/some.logistic").stdout
    assert "no texts, lines only:" in said
    assert "some.h5: no such file" in said
    assert "  line 12  " in said
    assert "identical texts with different labels: not known, the store is gone" in said

    make_store(in_tmp / "some.h5", pooled(np.zeros((120, 3))), ["yes", "no"] * 60, ["other"] * 120)
    assert "is not the store any more" in tk("errors", "runs/some.logistic").stdout


def test_top_limits_the_rows(run):
    """The counts are of all rows."""
    found = errors(run, top=1)

    assert len(found.suspected_label_errors.rows) == 1 < found.suspected_label_errors.count
    with pytest.raises(InputError, match="`top=0`"):
        errors(run, top=0)


@pytest.mark.slow
def test_several_classes_and_labels(in_tmp):
    """Every class has its lists; with several labels a suspect says which label it is about."""
    rng = np.random.default_rng(1)
    y = np.arange(90) % 3
    values = rng.normal(size=(90, 3)) + 2 * np.eye(3)[y]
    path = make_store(in_tmp / "three.h5", pooled(values), [f"c{v}" for v in y], [f"text {i}" for i in range(90)])
    (run,) = classify(path, ["nb"], cv=3)
    found = errors(run)
    assert list(found.classes) == ["c0", "c1", "c2"]
    assert found.wrong == sum(kinds.false_positives.count for kinds in found.classes.values())

    labels = (rng.random((90, 2)) < 0.5).astype(np.int32)
    turned = labels.copy()
    turned[20:28, 0] = 1 - turned[20:28, 0]
    (run,) = classify(several_store(in_tmp / "two.h5", labels, 0.0, labelled=turned), ["nb"], cv=3)
    first = errors(run).suspected_label_errors.rows[0]
    assert first.about == "rude"
    assert first.line in range(22, 30)
    assert f"line {first.line}  {first.margin:+.3f}" in tk("errors", str(run.folder)).stdout


def test_repeated_predictions_count_once():
    """Of three predictions of a row the mean probability and the class predicted most often."""
    proba = np.array([[0.9, 0.1], [0.4, 0.6], [0.3, 0.7], [0.2, 0.8]])
    line, y = np.array([5, 5, 5, 6]), np.array([0, 0, 0, 1])
    found = one_per_row(Predictions(["a", "b"], 1, line, line, line, np.arange(4), y, proba.argmax(1), proba))

    assert found.line.tolist() == [5, 6]
    assert found.predicted.tolist() == [1, 1]
    assert found.proba[0] == pytest.approx([1.6 / 3, 1.4 / 3])
