"""Which rows are tested by what: repeats, split columns, test stores, groups, and what the report says of it."""

import csv
from pathlib import Path

import numpy as np
import pytest
from helpers.commands import LETTERS
from helpers.stores import make_store, pooled
from helpers.toy import write_csv

from classify import classify
from embed import Recipe, embed, read_table
from stores import InputError
from stores.merge import merge


def values(n, seed=0):
    """Vectors whose first number tells the class, every other row positive."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 4))
    x[:, 0] += 3 * (np.arange(n) % 2)
    return pooled(x), [f"c{i % 2}" for i in range(n)]


def lines(run):
    """(line, fold) of every prediction."""
    with open(run.folder / "predictions.csv", newline="") as file:
        return [(int(row["line"]), int(row["fold"])) for row in csv.DictReader(file)]


@pytest.mark.slow
def test_repeated_folds_are_drawn_anew(separable, in_tmp):
    """Each row is tested once a repeat, in other company; the interval does not shrink for it."""
    (once,) = classify(separable, ["logistic"], cv=3)
    (run,) = classify(separable, ["logistic"], cv=3, repeats=4)

    found = lines(run)
    assert len(found) == 4 * 120
    assert [sorted(line for line, fold in found if (fold - 1) // 3 == r) for r in range(4)] == [list(range(2, 122))] * 4
    company = {fold: frozenset(line for line, f in found if f == fold) for fold in range(1, 13)}
    assert len(set(company.values())) == 12
    width = {r.folder: r.metrics.overall["accuracy"].high - r.metrics.overall["accuracy"].low for r in (run, once)}
    assert width[run.folder] > 0.6 * width[once.folder]


def test_split_column_decides(tmp_path, in_tmp):
    """Rows called test are tested, rows called train are trained on; a text that is in both is not trained on."""
    table = tmp_path / "a.csv"
    with open(table, "w", newline="") as file:
        rows = [
            ("x" if i % 2 else "y", f"{'red' if i % 2 else 'blue'} {i}", "train" if i < 20 else "test")
            for i in range(30)
        ]
        rows += [("x", "red 21", "train"), ("x", "red new", "other")]
        csv.writer(file).writerows([("label", "text", "split"), *rows])
    embed(read_table(table, split_column="split"), Recipe.of("words"), "a.h5")
    (run,) = classify("a.h5", ["nb"], by_split=True, identical="bytes")

    assert [line for line, _ in lines(run)] == list(range(22, 32))
    assert run.metrics.folds[0].train_rows == 20
    assert {name: value for name, value in run.recipe.split.items() if name != "digest"} == {
        "kind": "split column", "left_out": 1, "other_rows": 1, "together": "identical texts",
        "test_rows_seen_in_training": 0,
    }  # fmt: skip


def test_test_store_is_only_tested(tmp_path, in_tmp):
    """The model learns from one store and is scored on the other; a common text is left out of the training."""
    x, labels = values(60)
    train = make_store(tmp_path / "train.h5", x, labels, [f"t{i}" for i in range(60)])
    other, others = values(20, seed=1)
    test = make_store(tmp_path / "test.h5", other, others, ["t5", *(f"u{i}" for i in range(19))])
    (run,) = classify(train, ["logistic"], test=test)

    assert [line for line, _ in lines(run)] == list(range(2, 22))
    assert run.metrics.folds[0].train_rows == 59
    assert run.recipe.model.fitted_on == "all rows but those of the test store"
    assert run.metrics.overall["accuracy"].value > 0.8


def test_test_store_of_another_encoder_is_refused(tmp_path, in_tmp, ten_csv):
    """Vectors of another identity would be scored as nonsense."""
    embed(read_table(ten_csv), Recipe.of("static"), "static.h5")
    x, labels = values(60)
    train = make_store(tmp_path / "train.h5", x, labels, [f"t{i}" for i in range(60)])

    with pytest.raises(InputError, match="of another encoder, model or options"):
        classify(train, test="static.h5")


def test_stores_side_by_side(tmp_path, in_tmp):
    """One half of the label is told by each store; only both together tell it."""
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 2, (2, 200))
    labels, texts = [f"c{v}" for v in a | b], [f"t{i}" for i in range(200)]
    first = make_store(tmp_path / "a.h5", pooled(a[:, None] + rng.normal(0, 0.1, (200, 1))), labels, texts)
    second = make_store(tmp_path / "b.h5", pooled(b[:, None] + rng.normal(0, 0.1, (200, 1))), labels, texts)
    runs = classify([first, second, f"{first}+{second}"], ["logistic"], cv=3)

    scores = [run.metrics.overall["accuracy"].value for run in runs]
    assert max(scores[:2]) < 0.9 < 0.99 < scores[2]
    assert runs[2].folder.name == "a+b.logistic"
    features = runs[2].recipe.features
    with pytest.raises(InputError, match="one of several encoders"):
        Recipe.from_dict(features.recipe, features.identity_digest)


def test_stores_of_other_rows_are_not_put_side_by_side(tmp_path, in_tmp):
    """The same number of rows is not the same rows."""
    x, labels = values(40)
    first = make_store(tmp_path / "a.h5", x, labels, [f"t{i}" for i in range(40)])
    second = make_store(tmp_path / "b.h5", x, labels, [f"t{i}" for i in range(39, -1, -1)])

    with pytest.raises(InputError, match="are not of the same rows"):
        classify(f"{first}+{second}")


def test_groups_stay_on_one_side(tmp_path, in_tmp):
    """Ten authors with eight texts each; and texts of two authors that are the same tie these together."""
    table = tmp_path / "a.csv"
    rows = [(f"author {i % 10}", "x" if i % 2 else "y", f"text {i}") for i in range(80)]
    rows[3] = ("author 3", "x", "text 5")  # as author 5 wrote
    with open(table, "w", newline="") as file:
        csv.writer(file).writerows([("author", "label", "text"), *rows])
    embed(read_table(table, id_column="author"), Recipe.of("words"), "a.h5")
    (run,) = classify("a.h5", ["nb"], cv=3, groups="author", identical="bytes")

    fold = dict(lines(run))
    folds = {a: {fold[i + 2] for i in range(80) if rows[i][0] == f"author {a}"} for a in range(10)}
    assert all(len(found) == 1 for found in folds.values())
    assert folds[3] == folds[5]
    assert run.recipe.split["together"] == "identical texts and rows of one author"
    with pytest.raises(
        InputError, match="groups='day'.: a.h5 keeps ids of author; embed the table with .id_column='day'"
    ):
        classify("a.h5", groups="day")


def test_groups_hold_together_across_merged_tables(tmp_path, in_tmp):
    """Two tables of the same ten authors: each author is on one side with the rows of both tables."""
    for name in "ab":
        rows = [(f"author {i % 10}", "x" if i % 2 else "y", f"{name} text {LETTERS[i]}") for i in range(40)]
        with open(tmp_path / f"{name}.csv", "w", newline="") as file:
            csv.writer(file).writerows([("author", "label", "text"), *rows])
        embed(read_table(tmp_path / f"{name}.csv", id_column="author"), Recipe.of("words"), f"{name}.h5")
    merge([Path("a.h5"), Path("b.h5")], Path("all.h5")).close()
    (run,) = classify("all.h5", ["nb"], cv=3, groups="author")
    found = run.predictions()

    assert len(found) == 80
    assert all(len(set(found.fold[found.row % 10 == author])) == 1 for author in range(10))
    with pytest.raises(InputError, match="all.h5 keeps ids of author; embed the table with .id_column='day'"):
        classify("all.h5", groups="day")


@pytest.mark.slow
def test_what_duplicates_flatter_is_a_number(tmp_path, in_tmp):
    """60 texts four times over with labels that nothing tells: nearly all of the score is remembering."""
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(60, 40)), rng.permutation(np.arange(60) % 2)
    rows = np.tile(np.arange(60), 4)
    path = make_store(tmp_path / "s.h5", pooled(x[rows]), [f"c{v}" for v in y[rows]], [f"text {i}" for i in rows])
    (run,) = classify(path, ["logistic:C=100"], cv=5, allow_duplicates=True)

    assert run.metrics.identical_texts_in_one_fold.optimism["accuracy"] > 0.25
    assert run.recipe.split["test_rows_seen_in_training"] > 200


@pytest.mark.slow
def test_learning_curve_grows_with_the_rows(tmp_path, in_tmp):
    """A tenth and a half of the training rows, tested on the same rows; smaller shares lie in larger ones."""
    from classify.splits.folds import shrunk

    rng = np.random.default_rng(0)
    x = rng.normal(size=(600, 40))
    labels = [f"c{int(v)}" for v in x[:, :20].sum(1) > 0]
    path = make_store(tmp_path / "s.h5", pooled(x), labels, [f"t{i}" for i in range(600)])
    (run,) = classify(path, ["logistic"], cv=3, learning_curve=[0.1, 0.5])

    curve = run.metrics.learning_curve
    assert [point.train_rows for point in curve] == [pytest.approx(40, abs=1), pytest.approx(200, abs=1)]
    scores = [*(point.overall["accuracy"].value for point in curve), run.metrics.overall["accuracy"].value]
    assert scores == sorted(scores)
    y, groups = np.arange(600) % 3, np.arange(600) // 2
    small, large = (shrunk(np.arange(600), y, groups, share, 5) for share in (0.1, 0.5))
    assert set(small) <= set(large)


@pytest.mark.slow
def test_scores_after_some_epochs_are_those_of_shorter_trainings(separable, in_tmp):
    """One training of four epochs reports what a training of two and one of four score."""
    spec = "dense:units=8,learning_rate=0.01,epochs="
    (run,) = classify(separable, [f"{spec}4"], cv=3, epochs=[2, 4])
    shorter = [classify(separable, [f"{spec}{n}"], cv=3)[0] for n in (2, 4)]

    assert [point.epoch for point in run.metrics.epochs] == [2, 4]
    for point, other in zip(run.metrics.epochs, shorter, strict=True):
        expected = other.metrics.overall["log_loss"].value
        assert point.overall["log_loss"].value == pytest.approx(expected, rel=1e-4)


def test_labels_that_never_vary_are_refused(tmp_path, in_tmp):
    """Two labels that all rows or none have: there is nothing to learn."""
    (tmp_path / "a.csv").write_text("text,toxic,insult\n" + "".join(f"row {i},{int(i < 19)},0\n" for i in range(20)))
    embed(read_table(tmp_path / "a.csv", label_columns=("toxic", "insult")), Recipe.of("words"), "a.h5")

    with pytest.raises(InputError, match="each label is on all rows or on none"):
        classify("a.h5", ["nb"], cv=2, identical="bytes")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"by_split": True}, "has no split column"),
        ({"cv": 3, "by_split": True}, "`cv` and `by_split` exclude each other"),
        ({"repeats": 3, "test_size": 0.2}, "only folds"),
        ({"repeats": 0}, "once or more often"),
        ({"sampler": "under", "class_weight": "balanced"}, "give one of them"),
        ({"threshold": "maybe"}, "give a number between 0 and 1"),
        ({"calibrate": "yes"}, "choose one of none, sigmoid, isotonic, temperature"),
        ({"epochs": [5]}, "head logistic has no epochs"),
        ({"heads": ["dense"], "epochs": [50]}, "trains for 10 epochs"),
        ({"groups": "author"}, "keeps no ids"),
    ],
)
def test_wrong_ways_to_validate_are_refused(separable, in_tmp, options, message):
    """One line, before anything is computed."""
    with pytest.raises(InputError, match=message):
        classify(separable, **options)
    assert not (in_tmp / "runs").exists()


def test_sampling_of_words_by_smote_is_refused(tmp_path, in_tmp):
    """There is no word between two words."""
    path = write_csv(tmp_path / "a.csv", [("x", "one thing"), ("y", "other")] * 3)
    embed(read_table(path), Recipe.of("words"), "a.h5")

    with pytest.raises(InputError, match="makes vectors between vectors"):
        classify("a.h5", ["nb"], sampler="smote")
