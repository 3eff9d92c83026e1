"""classify(): from a store to a run that says what it is."""

import csv
import json
import re

import numpy as np
import pytest
from helpers.stores import make_store, pooled
from helpers.toy import write_csv
from sklearn.metrics import balanced_accuracy_score, brier_score_loss, matthews_corrcoef

from classify import Predictor, classify, read_run
from classify.predict import NewTexts
from classify.recipe_json import RowCounts
from classify.reports.text import details
from embed import Recipe, embed, read_table
from stores import FailureError, FeatureStore, InputError


@pytest.mark.slow
def test_published_scores_are_reproduced(real, in_tmp):
    """TF-IDF and multinomial naive Bayes on the disaster tweets, as published, to four decimals.

    Published for the table shuffled by pandas ``sample(frac=1, random_state=42)`` and split by scikit-learn's
    ``train_test_split(test_size=0.1, random_state=42)``: accuracy 0.79265, weighted precision 0.81114, recall
    0.79265, F1 0.78622. Here the same rows go through the ``words`` encoder, a store, the ``nb`` head and our metrics.
    """
    from sklearn.model_selection import train_test_split

    embed(read_table(real / "disaster_tweets/train.csv"), Recipe.of("words"), "tweets.h5")
    shuffled = np.random.RandomState(42).permutation(7613)  # what pandas' sample draws
    train, test = train_test_split(shuffled, test_size=0.1, random_state=42)
    (run,) = classify("tweets.h5", ["nb"], cv=[(train, test)], tune="none")

    found = {name: round(score.value, 5) for name, score in run.metrics.overall.items()}
    assert found["accuracy"] == 0.79265
    assert (found["precision_weighted"], found["recall_weighted"], found["f1_weighted"]) == (0.81114, 0.79265, 0.78622)
    assert run.recipe.split["test_rows_seen_in_training"] == 12  # what the published split lets through


def test_run_says_what_it_is(separable, in_tmp):
    """Recipe, scores, baselines, folds, predictions and model are in the folder."""
    (run,) = classify(separable, ["logistic:C=0.5"], cv=3, seed=4, sampler="under", command="tk classify ...")
    recipe, metrics = read_run(run.folder).recipe, read_run(run.folder).metrics

    assert run.folder.as_posix() == "runs/separable.logistic"
    assert recipe.head.as_dict() == {
        "name": "logistic",
        "options": {"C": 0.5, "terms": "marks", "max_iter": 1000, "solver": "full"},
    }
    assert (recipe.seed, recipe.sampler, recipe.command) == (4, "under", "tk classify ...")
    split = {name: value for name, value in recipe.split.items() if name != "digest"}
    assert split == {
        "kind": "stratified k-fold",
        "folds": 3,
        "repeats": 1,
        "together": "texts alike",
        "test_rows_seen_in_training": 0,
        "test_rows_alike_in_training": 0,
    }
    assert len(recipe.split["digest"]) == 16
    twins = {"with_identical_twin": 0, "largest_identical_group": 1, "with_alike_twin": 0, "largest_alike_group": 1}
    twins |= {"largest_groups": [], "by_class": {"no": 80, "yes": 40}}
    assert recipe.rows == RowCounts(labelled=120, unlabelled=0, broken=0, distinct_texts=120, more=twins)
    with FeatureStore(separable) as store:
        assert recipe.features.digest == store.digest
    assert set(metrics.baselines) == {"majority", "tfidf+logistic"}
    assert [fold.test_rows for fold in metrics.folds] == [40, 40, 40]
    score = metrics.overall["f1_macro"]
    assert 0.85 < score.low <= score.value <= score.high <= 1


def test_predictions_are_the_scores(separable, in_tmp):
    """Accuracy and confusion worked out again from predictions.csv are those of metrics.json."""
    (run,) = classify(separable, ["nb"], cv=3, sampler="under")
    with open(run.folder / "predictions.csv", newline="") as file:
        rows = list(csv.DictReader(file))

    right = sum(row["label"] == row["predicted"] for row in rows)
    assert right / 120 == pytest.approx(run.metrics.overall["accuracy"].value)
    missed = sum(row["label"] == "yes" and row["predicted"] == "no" for row in rows)
    assert run.metrics.confusion[1][0] == missed
    assert all(float(row["p_no"]) + float(row["p_yes"]) == pytest.approx(1, abs=1e-5) for row in rows)


def test_what_is_printed_has_the_scores_of_the_second_table(separable, in_tmp):
    """Balanced accuracy, MCC, Brier score as scikit-learn has them, the skill by hand, and the calibration."""
    (run,) = classify(separable, ["nb"], cv=3)
    found, said = run.predictions(), "\n".join(details(run))
    y, p, c = found.y, found.proba[:, found.positive], found.positive
    share, brier = (y == c).mean(), brier_score_loss(y == c, p)

    assert f"bal. accuracy {balanced_accuracy_score(y, found.predicted):.4f} [" in said
    assert f"MCC {matthews_corrcoef(y, found.predicted):.4f}" in said
    assert f"Brier {brier:.4f} [" in said and f"Brier skill {1 - brier / (share * (1 - share)):.4f}" in said
    assert re.search(r"ECE 0\.\d+.*\n *calibration: slope [\d.]+ .*, intercept [-+]", said)


def test_mean_and_sd_are_those_of_the_folds(separable, in_tmp):
    """The sd has n - 1 below; a single split has none."""
    (run,) = classify(separable, ["nb"], cv=4)
    folds = [fold.metrics["accuracy"] for fold in run.metrics.folds]
    (single,) = classify(separable, ["nb"], test_size=0.25)

    assert run.metrics.overall["accuracy"].mean == pytest.approx(np.mean(folds))
    assert run.metrics.overall["accuracy"].sd == pytest.approx(np.std(folds, ddof=1))
    assert single.metrics.overall["accuracy"].sd is None


@pytest.mark.slow
def test_majority_is_always_there(separable_words, in_tmp):
    """A head that knows nothing but the class frequencies: two thirds right, ROC-AUC one half."""
    (run,) = classify(separable_words, ["nb"])
    majority = run.metrics.baselines["majority"]

    assert majority.overall["accuracy"].value == pytest.approx(2 / 3)
    assert majority.overall["roc_auc"].value == pytest.approx(0.5)


@pytest.mark.slow
def test_same_command_same_numbers(separable, in_tmp):
    """Every number but the times, and another seed gives other folds."""
    runs = [classify(separable, ["logistic"], seed=seed, sampler="under")[0] for seed in (1, 1, 2)]
    first, again, other = ((run.folder / "predictions.csv").read_text() for run in runs)

    assert first == again != other
    assert runs[0].metrics.overall == runs[1].metrics.overall


def test_runs_are_never_overwritten(separable, in_tmp):
    """The next run gets the next number; a name that is taken is refused before anything is computed."""
    folders = [run.folder.name for run in classify(separable, ["nb", "nb:smoothing=0.1"], test_size=0.5)]
    assert folders == ["separable.nb", "separable.nb-2"]
    assert [run.folder.name for run in classify(separable, ["nb"], test_size=0.5)] == ["separable.nb-3"]

    with pytest.raises(InputError, match="exists already"):
        classify(separable, ["nb"], out="runs/separable.nb")


def test_unlabelled_rows_are_left_out_and_counted(tmp_path, in_tmp):
    """Rows without a label stay in the store; neither training nor test sees them."""
    x = np.random.default_rng(0).normal(size=(40, 3))
    labels = [None if i % 4 == 3 else str(i % 2) for i in range(40)]
    path = make_store(tmp_path / "s.h5", pooled(x), labels, [str(i) for i in range(40)])
    (run,) = classify(path, ["nb"], cv=2)

    assert (run.recipe.rows.labelled, run.recipe.rows.unlabelled, run.recipe.rows.distinct_texts) == (30, 10, 30)
    assert run.metrics.confusion[0][0] + run.metrics.confusion[0][1] == 20


@pytest.mark.slow
@pytest.mark.parametrize("head", ["majority", "nb", "logistic", "dense:units=8,epochs=2"])
def test_model_of_a_run_predicts_as_it_was_trained(separable, in_tmp, head):
    """The kept model, read back, is fitted on all rows with the run's sampler and seed."""
    from classify import heads
    from classify.data import load_data
    from classify.fitting.options import FitOptions
    from classify.fitting.training import fit
    from classify.heads.base import FitTask

    (run,) = classify(separable, [head], cv=2, sampler="under", seed=3)
    data = load_data(separable)
    fold = FitTask(np.arange(120), 3)
    chosen = heads.parse(head)
    how = FitOptions(sampler="under", tune=chosen.grid, calibrate=chosen.calibration_of("pooled"))
    (model,) = fit(heads.parse(head), data.x, data.y, [fold], 2, how, data.groups, 1, data.key)
    expected, labels = model.predict(data.x)
    with FeatureStore(separable) as store:
        proba, predicted = Predictor(read_run(run.folder)).predict(store.read())

    # logistic shares its sweep with the folds' models: another way to the same optimum
    assert np.allclose(proba, expected, atol=1e-3 if head == "logistic" else 1e-6)
    assert predicted == [data.classes[i] for i in labels]


@pytest.mark.slow
def test_three_classes(tmp_path, in_tmp):
    """More than two classes: softmax, one-against-rest areas, a three by three confusion matrix."""
    y = np.arange(90) % 3
    x = np.eye(3)[y] * 4 + np.random.default_rng(0).normal(size=(90, 3))
    path = make_store(tmp_path / "s.h5", pooled(x), [f"c{i}" for i in y], [str(i) for i in range(90)])
    for run in classify(path, ["logistic", "nb", "dense:units=8,epochs=30,learning_rate=0.01"], cv=3, sampler="under"):
        assert run.metrics.overall["roc_auc"].value > 0.97
        assert np.shape(run.metrics.confusion) == (3, 3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"heads": ["forest"]}, "no head 'forest'"),
        ({"cv": 3, "test_size": 0.2}, "exclude each other"),
        ({"cv": 100}, "class 'yes' has 40 different texts"),
        ({"sampler": "smite"}, "choose one of none, under, over"),
        ({"identical": "letters"}, "choose likeness or bytes"),
        ({"test_rows": "no such file"}, "No such file"),
        ({"positive": "maybe"}, "there are: no, yes"),
    ],
)
def test_wrong_call_is_refused_before_the_work(separable, in_tmp, options, message):
    """One line, and no run folder."""
    with pytest.raises(InputError, match=message):
        classify(separable, **options)
    assert not (in_tmp / "runs").exists()


def test_unknown_argument_is_named_with_those_there_are(separable, in_tmp):
    """What scikit-learn calls n_splits and random_state is understood; anything else is explained."""
    with pytest.raises(TypeError, match="classify: unexpected argument 'k'; there are: features, heads, cv, repeats"):
        classify(separable, k=3)
    (run,) = classify(separable, "majority", n_splits=3, random_state=5)

    assert (run.recipe.split["folds"], run.recipe.seed) == (3, 5)


def test_features_of_a_kind_that_the_head_cannot_take(separable_words, in_tmp):
    """A dense head on token ids: both kinds are named."""
    with pytest.raises(InputError, match="head dense takes pooled features, but .* holds ids features"):
        classify(separable_words, ["dense"])


def test_one_class_and_no_labels_are_said_so(tmp_path, in_tmp):
    """A classifier needs two classes."""
    x = pooled(np.zeros((4, 2)))
    one = make_store(tmp_path / "one.h5", x, ["a"] * 4, list("abcd"))
    none = make_store(tmp_path / "none.h5", x, [None] * 4, list("abcd"))

    with pytest.raises(InputError, match="one class only, 'a'"):
        classify(one)
    with pytest.raises(InputError, match="no labelled rows"):
        classify(none)


def test_encoder_that_changed_is_refused(tmp_path, in_tmp):
    """A run of other weights or rules is not fed with the vectors of these."""
    table = read_table(write_csv(tmp_path / "a.csv", [("x", "one thing"), ("y", "other")] * 3))
    embed(table, Recipe.of("words"), "a.h5")
    with FeatureStore("a.h5") as store:
        recipe, digest = store.recipe, store.identity_digest

    assert Recipe.from_dict(recipe, digest).encoder.name == "words"
    with pytest.raises(FailureError, match="other features than the one the run was trained on"):
        Recipe.from_dict(recipe, "0" * 32)


def test_what_a_class_follows_from_is_in_the_files(tmp_path, in_tmp):
    """Three classes, over-sampled: the head's own choice, said in a column of both files; without sampling none."""
    rng = np.random.default_rng(0)
    y = rng.choice(3, 240, p=[0.7, 0.2, 0.1])
    x = (rng.normal(size=(240, 4)) + 0.8 * np.eye(4)[y]).astype(np.float32)
    store = make_store(tmp_path / "a.h5", pooled(x), [f"class {c}" for c in y], [f"text {i}" for i in range(240)])
    plain, sampled = (classify(store, ["logistic"], cv=3, sampler=sampler)[0] for sampler in ("none", "over"))
    found = sampled.predictions()

    assert plain.predictions().rule is None
    assert (plain.predictions().predicted == plain.predictions().proba.argmax(1)).all()
    assert set(found.rule) == {"head"}
    assert (found.predicted != found.proba.argmax(1)).any()
    assert found.to_pandas()["rule"].tolist() == ["head"] * 240
    assert found.take(np.arange(3)).rule.tolist() == ["head"] * 3
    keys = NewTexts({"line": [1, 2]}, [pooled(x[:2])], np.zeros(2, bool))
    assert [row["rule"] for row in Predictor(sampled).results([keys])] == ["head", "head"]
    assert "rule" not in next(Predictor(plain).results([keys]))


def test_no_run_and_damaged_run_are_said_so(tmp_path):
    """A folder that is no run, and one whose recipe is broken."""
    with pytest.raises(InputError, match="is no run"):
        read_run(tmp_path)
    (tmp_path / "recipe.json").write_text("{")
    with pytest.raises(FailureError, match="is damaged"):
        read_run(tmp_path)


def test_metrics_file_is_plain_json(separable, in_tmp):
    """No NaN, which JSON does not know."""
    (run,) = classify(separable, ["nb"], cv=2)

    def refuse(name):
        raise AssertionError(name)

    assert json.loads((run.folder / "metrics.json").read_text(), parse_constant=refuse)["overall"]


@pytest.mark.slow
def test_texts_of_single_letters_have_a_baseline(tmp_path, in_tmp):
    """No word of two letters is there, so that marks are chosen for words; the first letter tells the class."""
    texts = [f"{a} {b}" for a in "abcdef" for b in "ghijkl"]
    labels = ["low" if text < "d" else "high" for text in texts]
    store = make_store(tmp_path / "a.h5", pooled(np.random.default_rng(0).normal(size=(36, 2))), labels, texts)
    (run,) = classify(store, ["nb"], cv=3)

    assert run.metrics.baselines["tfidf+logistic"].accuracy == 1
