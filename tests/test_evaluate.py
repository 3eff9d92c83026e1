"""A saved run is scored on rows that it has not seen."""

import json
import re

import numpy as np
import pytest
from helpers.commands import tk
from helpers.stores import make_store, pooled
from scipy.stats import binomtest
from sklearn.metrics import f1_score, log_loss, roc_auc_score

from classify import Predictor, classify
from classify.analysis.comparison import Interval
from classify.analysis.drift import told_apart
from classify.analysis.goals import judged
from classify.analysis.score_run import score_run
from classify.scoring.metrics import METRICS
from commands.evaluate import goal_line
from stores import FailureError, FeatureStore, InputError


def word(number):
    """A word a number, in letters: texts that differ in digits alone are alike."""
    return "".join("abcdefghij"[int(digit)] for digit in str(number))


def table(path, rows, seed, shift=0.0, first=0, labels=("no", "yes")):
    """A store whose first feature tells the class of most rows; the texts are numbered from ``first`` on."""
    rng = np.random.default_rng(seed)
    y = rng.integers(2, size=rows)
    x = rng.normal(size=(rows, 5)) + shift
    x[:, 0] += 2 * y
    return make_store(path, pooled(x), [labels[v] for v in y], [f"text {word(first + i)} of many" for i in range(rows)])


@pytest.fixture
def run(in_tmp):
    """Trained on texts 0 to 199."""
    (run,) = classify(table(in_tmp / "old.h5", 200, 0), ["nb"], cv=3)
    return run


def test_scores_are_those_of_scikit_learn(run, in_tmp):
    """Of the model as it was saved, on the rows of the new store; the class frequencies play no part."""
    store = table(in_tmp / "new.h5", 150, 1, first=1000)
    found = score_run(run, store)
    with FeatureStore(store) as new:
        proba, predicted = Predictor(run).predict(new.read())
        truth = np.array(new.classes)[new.codes[:]]

    assert (found.rows, found.trained_on, found.unlabelled) == (150, 0, 0)
    assert found.overall["f1_macro"].value == pytest.approx(f1_score(truth, predicted, average="macro"))
    assert found.overall["log_loss"].value == pytest.approx(log_loss(truth, proba, labels=["no", "yes"]))
    assert found.overall["roc_auc"].value == pytest.approx(roc_auc_score(truth == "yes", proba[:, 1]))
    for name, score in found.overall.items():
        if not name.startswith("calibration"):  # slope and intercept have no interval
            assert score.low <= score.value <= score.high


def test_a_few_rows_that_are_all_right_do_not_make_it_certain(in_tmp):
    """8 of 8 right: Wilson's interval as scipy has it, not 1 to 1; none of its class, and the reason."""
    (run,) = classify(table(in_tmp / "old.h5", 200, 0), ["majority"], cv=3)
    frequent = run.recipe.classes[int(np.sum(run.metrics.confusion, axis=0).argmax())]  # what it always says
    texts = [f"other {word(i)}" for i in range(8)]
    alone = score_run(run, make_store(in_tmp / "new.h5", pooled(np.ones((8, 5))), [frequent] * 8, texts))
    expected = binomtest(8, 8).proportion_ci(0.95, "wilson")

    assert alone.overall["accuracy"].low == pytest.approx(expected.low, abs=1e-6)
    assert (alone.overall["roc_auc"].value, alone.overall["f1_macro"].low) == (None, None)
    assert alone.remarks[0].startswith(f"too few rows of class {frequent!r} (8) for intervals")
    assert "NaN" not in json.dumps(alone.as_dict())


@pytest.mark.slow
def test_rows_that_it_was_trained_on_are_left_out(run, in_tmp):
    """Texts 150 to 199 were trained on; asked for, they are scored too."""
    store = table(in_tmp / "new.h5", 100, 2, first=150)

    assert (score_run(run, store).rows, score_run(run, store).trained_on) == (50, 50)
    assert score_run(run, store, with_training_rows=True).rows == 100
    with pytest.raises(InputError, match="no labelled row that the run was not trained on"):
        score_run(run, "old.h5")


def test_training_rows_that_cannot_be_told_are_a_failure(run, in_tmp):
    """Without the training store scores could flatter, so they are given only when asked for."""
    store = table(in_tmp / "new.h5", 50, 2, first=900)
    (in_tmp / "old.h5").unlink()

    with pytest.raises(FailureError, match="cannot be told .*`with_training_rows=True` scores all"):
        score_run(run, store)
    assert score_run(run, store, with_training_rows=True).rows == 50
    assert "no such file" in score_run(run, store, with_training_rows=True).drift.missing


def test_classes_by_name(run, in_tmp):
    """A table of one class is scored, where the classes have other numbers; a strange class is named."""
    one = make_store(
        in_tmp / "one.h5", pooled(np.ones((30, 5)) * 3), ["yes"] * 30, [f"new {word(i)}" for i in range(30)]
    )
    found = score_run(run, one)

    assert found.overall["accuracy"].value == 1
    assert found.confusion == [[0, 0], [0, 30]]
    assert found.overall["roc_auc"].value is None and found.as_dict()["overall"]["roc_auc"]["value"] is None
    strange = table(in_tmp / "strange.h5", 30, 3, first=900, labels=("no", "maybe"))
    with pytest.raises(InputError, match="the class 'maybe', which the run does not know"):
        score_run(run, strange)


def test_drift(run, in_tmp):
    """Rows of the same kind cannot be told from those trained on; shifted ones can."""
    same = score_run(run, table(in_tmp / "same.h5", 300, 4, first=1000)).drift
    shifted = score_run(run, table(in_tmp / "far.h5", 300, 5, first=2000, shift=2.0)).drift

    assert same.features_auc == pytest.approx(0.5, abs=0.1)
    assert shifted.features_auc > 0.98
    assert same.median_words == (4, 4)


def test_told_apart_is_out_of_fold():
    """More columns than rows are no help to tell chance from chance."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 60, 200)).astype(np.float32)

    assert told_apart(a, b) == pytest.approx(0.5, abs=0.12)


def test_the_same_rows_once_more_are_no_drift():
    """Exactly 0.5, in another order or encoded in other batches, too; about that for some of them; not for one kind."""
    rng = np.random.default_rng(0)
    a = rng.normal(size=(300, 50)).astype(np.float32)
    rounded = (a * (1 + 1e-6 * rng.normal(size=a.shape))).astype(np.float32)
    one, two = a[:1].repeat(30, 0), a[1:2].repeat(30, 0)

    assert told_apart(a, a) == 0.5 == told_apart(a, rng.permutation(a))
    assert told_apart(a, rounded) == pytest.approx(0.5, abs=1e-3)
    assert told_apart(a, a[rng.permutation(300)[:100]]) == pytest.approx(0.5, abs=0.1)
    assert told_apart(a, np.concatenate([a, a[a[:, 0] > 1]])) > 0.5
    assert told_apart(a, a[a[:, 0] > 0.5]) > 0.7
    assert (told_apart(one, one), told_apart(one, two)) == (0.5, 1)


def test_command(run, in_tmp):
    """Exit code 0 where the goal is reached, 3 where it is missed, 2 for one that is none; JSON has the same."""
    table(in_tmp / "new.h5", 150, 1, first=1000)
    args = ("evaluate", str(run.folder), "--features", "new.h5")
    said = tk(*args, "--goal", "f1_macro>=0.5").stdout

    assert "150 rows of 150 distinct texts scored; 0 rows that the run was trained on left out" in said
    end = r"the lower end of its 95 % interval, 0.\d{4}, reaches it, too"
    assert re.search(rf"goal f1_macro>=0.5: F1 macro is 0.\d{{4}}, reached; {end}$", said.rstrip())
    assert tk(*args, "--goal", "f1_macro>=0.5", "--goal", "log_loss<=0.001", code=3).stdout.rstrip().endswith("missed")
    assert "give a metric, >= or <=, and a number" in tk(*args, "--goal", "beauty>1", code=2).output
    assert "give a metric" in tk(*args[:2], "--data", "not there.csv", "--goal", "beauty>1", code=2).output  # at once
    assert "give a run" in tk("evaluate", str(run.folder), code=2).output
    assert json.loads(tk(*args, "--json").stdout)["rows"] == 150


def test_a_goal_between_the_value_and_the_end_of_its_interval(run, in_tmp):
    """The value reaches it, the worse end does not: exit code 0 by the value, 3 by the interval; both are told."""
    table(in_tmp / "new.h5", 150, 1, first=1000)
    args = ("evaluate", str(run.folder), "--features", "new.h5")
    scores = json.loads(tk(*args, "--json").stdout)["overall"]
    f1, loss = scores["f1_macro"], scores["log_loss"]
    above, below = f"f1_macro>={(f1['low'] + f1['value']) / 2}", f"log_loss<={(loss['value'] + loss['high']) / 2}"

    for goal, side, end in ((above, "lower", f1["low"]), (below, "upper", loss["high"])):
        told = tk(*args, "--goal", goal).stdout
        assert f"reached; the {side} end of its 95 % interval, {end:.4f}, does not reach it" in told
        assert tk(*args, "--goal", goal, "--goal-by", "interval", code=3).stdout == told
        (found,) = json.loads(tk(*args, "--goal", goal, "--json").stdout)["goals"]
        assert (found["reached"], found["certain"], found["end"]) == (True, False, end)
    tk(*args, "--goal", f"f1_macro>={f1['low'] - 0.001}", "--goal-by", "interval")


def test_a_goal_without_an_interval_is_not_certain():
    """Too few rows of a class: the value may reach it all the same."""
    goal = judged(METRICS["f1_macro"], ">=", 0.5, Interval(0.75, None, None))

    assert (goal.reached, goal.end, goal.certain) == (True, None, False)
    assert goal_line(goal, "binary").endswith("is 0.7500, reached; not certain, as it has no interval")


def test_table_is_encoded_as_the_run_was(in_tmp, machine):
    """The columns and the cleaning are those of the run; nothing stays behind, nor is known to the machine."""
    rows = [f"{'spam' if i % 2 else 'ham'},{'win a prize' if i % 2 else 'see you'} {word(i)}" for i in range(80)]
    (in_tmp / "old.csv").write_text("kind,said\n" + "\n".join(rows[:60]) + "\n")
    turned = [f"{text},x,{label}" for label, text in (row.split(",") for row in rows)]
    (in_tmp / "new.csv").write_text("said,other,kind\n" + "\n".join(turned) + "\n")
    tk("embed", "--encoder", "words", "--clean", "lower", "--text-column", "said", "--label-column", "kind", "old.csv")
    tk("classify", "features/old.words.h5", "--head", "nb", "--no-report")
    said = tk("evaluate", "runs/old.words.nb", "new.csv").stdout
    assert "ids features are compared by lengths and unknown words; vectors of a text more closely" in said

    assert "20 rows of 20 distinct texts scored; 60 rows that the run was trained on left out" in said
    assert sorted(path.name for path in in_tmp.iterdir()) == ["features", "new.csv", "old.csv", "runs"]
    assert len(list((machine / "stores").glob("*/*.json"))) == 1  # of old.csv
