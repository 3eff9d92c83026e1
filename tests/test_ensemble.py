"""Several runs as one."""

import json

import numpy as np
import pytest
from helpers.commands import tk
from helpers.several_labels import several_store
from helpers.stores import make_store, pooled

from classify import Predictor, classify, read_run
from classify.analysis.cost import run_cost
from classify.analysis.ensemble import METHODS, averaged, ensemble, stacked, voted
from classify.fitting.ensemble_model import stack_inputs
from classify.scoring.intervals import intervals
from classify.scoring.metrics import METRICS
from classify.scoring.predictions import Predictions
from stores import FeatureStore, InputError

pytestmark = pytest.mark.slow


def made(proba, y, predicted=None, fold=None, group=None, classes=None, several=False):
    """Predictions with these probabilities; of one fold, each row a group of its own, unless said otherwise."""
    proba, y = np.array(proba, float), np.array(y)
    rows = np.arange(len(y))
    decided = (proba >= 0.5).astype(int) if several else proba.argmax(1)
    names = classes or [f"c{i}" for i in range(proba.shape[1])]
    return Predictions(
        names,
        len(names) - 1,
        rows,
        rows,
        rows if group is None else group,
        np.zeros(len(y), int) if fold is None else fold,
        y,
        decided if predicted is None else np.array(predicted),
        proba,
    )


def test_average_by_hand():
    """(0.4 + 0.9) / 2 = 0.65: the surer one wins."""
    found = averaged([made([[0.6, 0.4]], [1]), made([[0.1, 0.9]], [1])])

    assert found.proba.tolist() == [[0.35, 0.65]]
    assert found.predicted.tolist() == [1]


def test_vote_by_hand():
    """Two votes to one; one vote each is decided by the mean of the probabilities."""
    three = [made([[0.6, 0.4]], [0]), made([[0.6, 0.4]], [0]), made([[0.0, 1.0]], [0])]

    assert voted(three).predicted.tolist() == [0]
    assert voted(three).proba[0] == pytest.approx([2 / 3, 1 / 3])
    assert voted(three[1:]).predicted.tolist() == [1]


def test_votes_that_are_worse_than_the_frequencies_say_so(in_tmp):
    """Two runs that are right in 80 of 100 rows: a vote of all for a class that is wrong is as sure as can be."""
    rng = np.random.default_rng(0)
    y = rng.integers(2, size=100)
    x = rng.normal(size=(100, 3)) + y[:, None]
    store = make_store(in_tmp / "t.h5", pooled(x), [f"{v}" for v in y], [f"text {i}" for i in range(100)])
    run = ensemble(classify(store, ["logistic", "nb"], cv=3), "vote")

    (note,) = [note for note in run.metrics.notes if "worse than the class frequencies alone" in note]
    assert note.startswith("the probabilities of head vote are worse")


def test_vote_of_several_labels_by_hand():
    """A label needs more than half of the votes, or half of them and a mean of at least 0.5."""
    a = made([[0.6, 0.6, 0.1]], [[1, 1, 0]], several=True)
    b = made([[0.2, 0.4, 0.2]], [[1, 1, 0]], several=True)

    assert voted([a, b]).predicted.tolist() == [[0, 1, 0]]
    assert averaged([a, b]).predicted.tolist() == [[0, 1, 0]]


def random_members(n, count, seed, fold=5, signal=0.0):
    """Members that know nothing of the labels (or a little), and the folds they were made in."""
    rng = np.random.default_rng(seed)
    y = rng.integers(2, size=n)
    folds = rng.permutation(n) % fold
    members = []
    for _ in range(count):
        z = rng.normal(size=n) + signal * (2 * y - 1)
        p = 1 / (1 + np.exp(-2 * z))
        members.append(made(np.stack([1 - p, p], 1), y, fold=folds))
    return members


def test_stacking_does_not_see_the_rows_it_is_scored_on():
    """Turn round the labels of one fold: nothing changes in what that fold is predicted to be, elsewhere it does."""
    from dataclasses import replace

    members = random_members(100, 3, seed=1, signal=0.5)
    turned = [replace(p, y=np.where(p.fold == 2, 1 - p.y, p.y)) for p in members]
    before, after = stacked(members, 0)[0], stacked(turned, 0)[0]
    own = members[0].fold == 2

    assert np.allclose(before.proba[own], after.proba[own], atol=1e-6)
    assert not np.allclose(before.proba[~own], after.proba[~own], atol=1e-2)


def test_stacking_many_guesses_gains_nothing():
    """Forty guessing members of sixty rows: fitted and scored on all rows they look good; across folds they do not."""
    members = random_members(60, 40, seed=2)
    honest, (model,), _ = stacked(members, 0)
    _, fooled = model.predict(stack_inputs([p.proba for p in members], 1))

    assert (fooled == members[0].y).mean() > 0.9
    assert (honest.predicted == members[0].y).mean() < 0.7


def test_stacking_parts_no_group():
    """A text whose copy is in the fold is not learned from: its label, turned round, changes nothing there."""
    from dataclasses import replace

    members = random_members(80, 2, seed=3, signal=0.5)
    group = np.arange(80)
    copies = np.flatnonzero(members[0].fold == 1)[:10]
    group[copies] = np.flatnonzero(members[0].fold == 0)[:10]  # each has a copy in fold 0
    members = [replace(p, group=group) for p in members]
    y = members[0].y.copy()
    y[copies] = 1 - y[copies]
    before, after = (stacked(some, 0)[0].proba for some in (members, [replace(p, y=y) for p in members]))
    tested, others = members[0].fold == 0, members[0].fold == 2

    assert np.allclose(before[tested], after[tested], atol=1e-6)
    assert not np.allclose(before[others], after[others], atol=1e-2)


def test_label_that_hardly_a_row_has_keeps_its_mean():
    """One row has it, so that the folds that learn without this row see none: its probabilities are the mean."""
    rng = np.random.default_rng(6)
    y = np.stack([rng.integers(2, size=60), np.arange(60) == 7], 1).astype(int)
    members = [made(rng.random((60, 2)), y, fold=np.arange(60) % 3, several=True) for _ in range(2)]
    found, models, labels = stacked(members, 0)

    assert (len(models), labels) == (1, [0])
    assert np.array_equal(found.proba[:, 1], averaged(members).proba[:, 1])
    assert not np.allclose(found.proba[:, 0], averaged(members).proba[:, 0])


def test_stacking_learns_whom_to_believe():
    """One member is right and unsure, one sure and wrong: stacked they are better than either, and than the mean."""
    members = random_members(300, 1, seed=4, signal=1.0)
    wrong = random_members(300, 1, seed=5)[0]
    p = np.where(wrong.proba > 0.5, 0.999, 0.001)
    members.append(made(p, members[0].y, fold=members[0].fold))
    right = {name: (f(members).predicted == members[0].y).mean() for name, f in (("mean", averaged), ("vote", voted))}
    stack = (stacked(members, 0)[0].predicted == members[0].y).mean()

    assert stack > max(right.values()) + 0.1
    assert stack >= (members[0].predicted == members[0].y).mean() - 0.02


@pytest.fixture(params=["binary", "multi-class", "multi-label"])
def runs(request, in_tmp):
    """Two runs of one table, of each kind of problem."""
    rng = np.random.default_rng(7)
    if request.param == "multi-label":
        y = (rng.random((120, 2)) < 0.4).astype(np.int32)
        path = several_store(in_tmp / "some.h5", y, wrong=0.1)
    else:
        width = 2 if request.param == "binary" else 3
        y = np.arange(120) % width
        values = rng.normal(size=(120, 4)) + 1.5 * np.eye(4)[y]
        path = make_store(in_tmp / "some.h5", pooled(values), [f"c{v}" for v in y], [f"text {i}" for i in range(120)])
    return classify(path, ["nb:alpha=0.1,smoothing=0.1", "nb"], cv=3)


@pytest.mark.parametrize("method", METHODS)
def test_ensemble_is_a_run(runs, method):
    """Its scores are those of its predictions; other commands read it, and it predicts as its members do together."""
    made = read_run(ensemble(runs, method).folder)
    predictions = made.predictions()

    assert made.folder.as_posix() == f"runs/some.{method}"
    assert made.metrics.overall["accuracy"].value == pytest.approx(predictions.measure()["accuracy"][0])
    assert made.recipe.ensemble.runs == ["some.nb", "some.nb-2"]
    folders = [str(run.folder) for run in [*runs, made]]
    assert f"some.{method}" in tk("compare", *folders).stdout
    assert "rows are predicted wrong" in tk("errors", str(made.folder)).stdout
    assert "head texts/s" in tk("speed", str(made.folder)).stdout
    with FeatureStore("some.h5") as store:
        features = store.read()
    each, (proba, names) = [Predictor(run).predict(features)[0] for run in runs], Predictor(made).predict(features)
    assert len(Predictor(made).sources) == 1  # of one store twice
    if method == "average":
        assert np.allclose(proba, np.mean(each, axis=0))
    assert len(names) == 120 and proba.shape == each[0].shape


@pytest.mark.parametrize("method", ["average", "stack"])
def test_intervals_hold_the_kept_model(runs, method):
    """Two classes: those of the predictions. Else the better end is half as far again from the score, at most 0 or 1.

    So ``classify.scoring.kept`` says of models that nothing was chosen for on inner folds.
    """
    made = ensemble(runs, method)
    predictions = made.predictions()
    directions = max(run.metrics.more["directions"] for run in runs)
    own = intervals(predictions, runs[0].recipe.seed, directions).found

    assert {"accuracy", "f1_macro", "roc_auc", "log_loss"} < own.keys()
    for name, (low, high) in own.items():
        score = made.metrics.overall[name]
        assert low <= score.value <= high
        if predictions.problem != "binary" and METRICS[name].higher_is_better:
            high = min(1.0, max(high, high + (high - score.value) / 2))
        elif predictions.problem != "binary" and METRICS[name].higher_is_better is False:
            low = max(0.0, low - (score.value - low) / 2)
        assert (score.low, score.high) == pytest.approx((low, high)), name


def test_ensemble_of_ensembles(runs):
    """What is a run can be combined again, and costs what its members cost."""
    both = ensemble(runs, "average")
    again = ensemble([both, runs[0]], "vote")

    assert run_cost(again).parameters > run_cost(both).parameters
    with FeatureStore("some.h5") as store:
        assert len(Predictor(read_run(again.folder)).predict(store.read())[1]) == 120
    assert json.loads(tk("speed", str(again.folder), "--json").stdout)["runs"][0]["head_texts_per_second"] > 0


def test_what_cannot_be_combined(runs):
    """Too few, other folds for the stack, a folder that exists: one line each."""
    (other,) = classify("some.h5", ["nb"], cv=3, seed=9)
    held = classify("some.h5", ["nb", "logistic"], test_size=0.3)

    assert ensemble([runs[0], other], "average").metrics.folds
    with pytest.raises(InputError, match="different folds; train them with the same `cv` and `seed`"):
        ensemble([runs[0], other], "stack")
    assert len(ensemble(held, "stack").metrics.folds) == 1
    with pytest.raises(InputError, match="two runs or more"):
        ensemble(runs[:1])
    with pytest.raises(InputError, match="`method='sum'`: choose one of average, vote, stack"):
        ensemble(runs, "sum")
    with pytest.raises(InputError, match="exists already"):
        ensemble(runs, out=runs[0].folder)


def test_command(runs):
    """It prints the members beside the ensemble."""
    said = tk("ensemble", *(str(run.folder) for run in runs), "--method", "stack", "--out", "runs/both").stdout

    assert "stack: runs/both" in said
    table = said.splitlines()[: next(i for i, line in enumerate(said.splitlines()) if "tested" in line)]
    assert max(map(len, table)) <= 80
    assert said.count("majority") == 2  # one set of baselines, in a table of two parts


def test_stacking_on_a_hold_out():
    """The rows that were held out are dealt into parts: labels of a part, turned round, change nothing in it."""
    from dataclasses import replace

    members = [replace(p, fold=np.zeros(300, int)) for p in random_members(300, 2, seed=8, signal=1.0)]
    found = stacked(members, 0)[0]
    right = [(p.predicted == p.y).mean() for p in (found, *members)]
    untold = [replace(p, y=np.random.default_rng(1).integers(2, size=300)) for p in members]
    noise = stacked(untold, 0)[0]

    assert set(found.fold) == {0}
    assert right[0] >= min(right[1:])
    assert abs((noise.predicted == noise.y).mean() - 0.5) < 0.1  # labels of chance are not learned by heart
