"""Runs on the same rows, side by side."""

import json
import shutil
from dataclasses import replace

import h5py
import numpy as np
import pytest
from helpers.commands import tk
from helpers.several_labels import several_store
from helpers.stores import make_store, pooled

from classify import classify, read_run
from classify.analysis.compare import compare
from classify.analysis.comparison import ComparedRows, Interval
from classify.analysis.cost import parameters, run_cost
from stores import FailureError, FeatureStore, InputError

pytestmark = pytest.mark.slow


@pytest.fixture
def noisy(in_tmp):
    """A function: seed of the noise, line numbers -> store of the same 200 texts, of which ten are copies."""

    def made(name="noisy.h5", noise=1.0, rows=200, labels=("no", "yes"), line=None):
        rng = np.random.default_rng(5)
        y = np.arange(rows) % 2
        values = rng.normal(size=(rows, 4))
        values[:, 0] = 2 * y + noise * values[:, 0]
        texts = [f"text {min(i, rows - 10)}" for i in range(rows)]
        return make_store(in_tmp / name, pooled(values), [labels[v] for v in y], texts, line)

    return made


def test_scores_are_those_of_the_runs(noisy):
    """Values, intervals and folds are the ones in each run's metrics.json; the best comes first."""
    runs = classify(noisy(), ["logistic", "majority", "nb"], cv=4)
    found = compare(runs)

    assert len(found.runs) == 3
    assert [e.scores["f1_macro"].value for e in found.runs] == sorted(
        (run.metrics.overall["f1_macro"].value for run in runs), reverse=True
    )
    for entry in found.runs:
        metrics = read_run(entry.folder).metrics
        for name, score in entry.scores.items():
            own = Interval(*(getattr(metrics.overall[name], key) for key in ("value", "low", "high")))
            assert score.numbers == pytest.approx(own.numbers), name
        assert entry.folds == pytest.approx([fold.metrics["f1_macro"] for fold in metrics.folds])
    assert found.rows == ComparedRows(200, 191, dict.fromkeys(found.rows.left_out, 0))
    json.dumps(found.as_dict(), allow_nan=False)


def test_clear_difference_and_none(noisy):
    """Coin tossing is told from the best; a run is not told from itself under another name, and the cheaper wins."""
    good, idle = classify(noisy(), ["logistic", "majority"], cv=4)
    shutil.copytree(good.folder, "runs/copy")
    found = compare([good, read_run("runs/copy"), idle])
    best, twin, worst = found.runs

    assert best.against_best is None
    assert twin.distinguishable is False
    assert [getattr(twin.against_best, test).p_holm for test in ("test", "bootstrap", "mcnemar", "t_test")] == [1] * 4
    assert (best.verdict, twin.verdict, worst.verdict) == ("best", "practically the same", "worse")
    assert twin.against.test.practically_same == 1
    assert worst.distinguishable is True
    against = worst.against_best
    assert against.difference.high < 0 > against.t_test.statistic
    assert against.mcnemar.best_ahead > 60 > 30 > against.mcnemar.ahead
    assert found.cheapest in (best.name, twin.name)


def test_order_of_the_runs_does_not_matter(noisy):
    """The same verdicts and signs, whichever is named first."""
    runs = classify(noisy(), ["logistic", "nb", "majority"], cv=4)
    one, other = compare(runs, "accuracy"), compare(runs[::-1], "accuracy")
    for a in one.runs:
        (b,) = (entry for entry in other.runs if entry.name == a.name)
        assert a.against_best == b.against_best


def test_log_loss_is_better_when_lower(noisy):
    """The best has the lowest, and the others' difference to it is above 0."""
    runs = classify(noisy(), ["logistic", "majority"], cv=4)
    found = compare(runs, "log_loss")

    assert not found.higher_is_better
    assert found.best.endswith("logistic")
    assert found.runs[1].against_best.difference.low > 0


def test_other_folds_have_no_t_test(noisy):
    """With another seed the rows are the same and the folds are not; single splits have no folds to test over."""
    path = noisy()
    (a,), (b,) = classify(path, ["nb"], seed=1), classify(path, ["logistic"], seed=2)
    found = compare([a, b])

    assert not found.same_folds
    assert found.runs[1].against_best.t_test is None
    held = classify(path, ["nb", "logistic"], test_size=0.3)
    assert compare(held).runs[1].against_best.t_test is None


def test_repeated_folds(noisy):
    """A row that was predicted three times is compared three times, but is one piece of run_data."""
    runs = classify(noisy(), ["nb", "majority"], cv=3, repeats=3)
    found = compare(runs)
    mcnemar = found.runs[1].against_best.mcnemar

    assert found.rows.compared == 600
    assert found.rows.groups == 191 >= mcnemar.best_ahead + mcnemar.ahead


def test_rows_that_differ_are_named(noisy):
    """Other rows, other labels, other classes: one line each; --common compares on what both have."""
    (a,) = classify(noisy(), ["nb"], cv=3)
    (fewer,) = classify(noisy("fewer.h5", rows=150), ["nb"], cv=3)
    (other,) = classify(noisy("other.h5", labels=("no", "maybe")), ["nb"], cv=3)
    (turned,) = classify(noisy("turned.h5", labels=("yes", "no")), ["nb"], cv=3)
    (elsewhere,) = classify(noisy("elsewhere.h5", line=np.arange(1000, 1200)), ["nb"], cv=3)

    with pytest.raises(InputError, match=r"200 and 150 predictions\); the first that .* line 152; `common=True`"):
        compare([a, fewer])
    found = compare([a, fewer], common=True)
    assert found.rows.compared == 150
    assert found.rows.left_out == {"noisy.nb": 50, "fewer.nb": 0}
    with pytest.raises(InputError, match="differ in classes"):
        compare([a, other])
    with pytest.raises(InputError, match="200 rows have different labels, the first on line 2"):
        compare([a, turned], common=True)
    with pytest.raises(InputError, match="not of the same table: a row is on line 2 in the one and on line 1000 in"):
        compare([a, elsewhere], common=True)
    with pytest.raises(InputError, match=r"runs/noisy\.nb is named twice"):
        compare([a, a])
    with pytest.raises(InputError, match="two runs or more"):
        compare([a])
    with pytest.raises(InputError, match="`by='f2'`: choose one of"):
        compare([a, a], by="f2")


def test_several_labels(in_tmp):
    """Every test has its say; a row is right when all of its labels are."""
    y = (np.random.default_rng(0).random((90, 2)) < 0.4).astype(np.int32)
    path = several_store(in_tmp / "several.h5", y, wrong=0.1)
    found = compare(classify(path, ["nb", "majority"], cv=3), "roc_auc")

    assert found.problem == "multi-label"
    assert found.best.endswith("nb")
    assert found.runs[1].distinguishable


def test_parameters_by_hand(noisy):
    """Four weights and an intercept; naive Bayes has means and variances for two classes; the majority two shares."""
    logistic, nb = classify(noisy(), ["logistic", "nb"], cv=3)

    assert parameters(logistic.folder / "model") == 5
    assert parameters(nb.folder / "model") >= 2 * 2 * 4


def test_cost_is_what_the_store_says(in_tmp):
    """Encoding time and size come from the store, and are not known once it is gone; then training time decides."""
    from helpers.commands import ROWS
    from helpers.toy import write_csv

    write_csv(in_tmp / "messages.csv", ROWS)
    tk("embed", "--data", "messages.csv")
    runs = classify("features/messages.static.h5", ["nb", "logistic"], cv=3)
    cost = compare(runs).runs[0].cost

    assert cost.store_bytes == (in_tmp / "features/messages.static.h5").stat().st_size
    assert cost.seconds == pytest.approx(cost.encode_seconds + cost.train_seconds)
    assert cost.encode_texts_per_second == pytest.approx(60 / cost.encode_seconds)
    (in_tmp / "features/messages.static.h5").unlink()
    cost = compare(runs).runs[0].cost
    assert cost.seconds is cost.encode_seconds is cost.store_bytes is None


def test_tables_are_told_by_their_digests(noisy):
    """Equal lines and labels are not the same table; with an equal split, which is drawn from the texts, they are."""

    def of(run, digest, split):
        source = {"file": "t.csv", "digest": digest}
        features = replace(run.recipe.features, source=source)
        return replace(run, recipe=replace(run.recipe, features=features, split={"kind": "given", "digest": split}))

    a, b = classify(noisy(), ["nb", "majority"], cv=3)
    with pytest.raises(InputError, match=r"tested different tables \(t.csv 11111111; t.csv 22222222\)"):
        compare([of(a, "1" * 32, "x"), of(b, "2" * 32, "y")])
    for pair in ([of(a, "1" * 32, "x"), of(b, "1" * 32, "y")], [of(a, "1" * 32, "x"), of(b, "2" * 32, "x")]):
        assert compare(pair).rows.compared == 200
    assert compare([of(a, "1" * 32, "x"), of(b, "2" * 32, "y")], common=True).rows.compared == 200


def test_commands_print_what_they_found(noisy):
    """The table, the verdicts and the cheapest; JSON has the same."""
    classify(noisy(), ["nb", "majority"], cv=3)
    said = tk("compare", "runs/noisy.nb", "runs/noisy.majority").stdout

    assert "noisy.majority: worse than the best\n  F1 macro -0." in said
    assert "F1 macro of the best, corrected for having been picked: 0." in said
    assert "mostly not seen with these rows" in said
    assert max(map(len, said.splitlines())) <= 120
    assert "McNemar p < 0.001" in said
    assert "cheapest that is not distinguishable from the best: noisy.nb" in said
    assert json.loads(tk("compare", "runs/noisy.nb", "runs/noisy.majority", "--json").stdout)["best"] == "noisy.nb"
    shutil.copytree("runs/noisy.nb", "runs/twin")
    assert "practically the same as the best" in tk("compare", "runs/noisy.nb", "runs/twin").stdout
    assert "0 or more" in tk("compare", "runs/noisy.nb", "runs/twin", "--rope", "-1", code=2).output


def test_speed_measures_heads_and_reads_encoders(noisy, in_tmp):
    """A made store knows no rate; without its store a head has nothing to predict; --encode measures now."""
    from helpers.commands import ROWS
    from helpers.toy import write_csv

    classify(noisy(), ["nb"], cv=3)
    (entry,) = json.loads(tk("speed", "runs/noisy.nb", "--json").stdout)["runs"]
    assert entry["head_texts_per_second"] > 0
    assert entry["encoder_texts_per_second"] is entry["texts_per_second"] is None
    assert "--encode 500 measures" in tk("speed", "runs/noisy.nb").stdout

    write_csv(in_tmp / "messages.csv", ROWS)
    tk("embed", "--data", "messages.csv")
    classify("features/messages.static.h5", ["nb", "logistic"], cv=3)
    for how in ([], ["--encode", "20"]):
        found = json.loads(
            tk("speed", "runs/messages.static.nb", "runs/messages.static.logistic", *how, "--json").stdout
        )
        for entry in found["runs"]:
            encoder, head = entry["encoder_texts_per_second"], entry["head_texts_per_second"]
            assert entry["texts_per_second"] == pytest.approx(1 / (1 / encoder + 1 / head))
    (in_tmp / "features/messages.static.h5").unlink()
    assert "no such file" in tk("speed", "runs/messages.static.nb", code=2).output


def test_speed_knows_what_features_of_other_stores_cost(in_tmp):
    """Of 60 texts 40 took 8 s in one store, and 20 more 10 s in a second: 0.2 s each for the first, 0.3 s for all."""
    from helpers.commands import ROWS
    from helpers.toy import write_csv

    for name, rows, seconds in (("few", ROWS[:40], 8.0), ("all", ROWS, 10.0)):
        write_csv(in_tmp / f"{name}.csv", rows)
        tk("embed", "--data", f"{name}.csv")
        with h5py.File(f"features/{name}.static.h5", "r+") as file:
            file["times"][1] = seconds
    write_csv(in_tmp / "again.csv", ROWS)
    tk("embed", "--data", "again.csv")
    tk("features", "merge", "features/few.static.h5", "features/again.static.h5", "--out", "features/merged.h5")
    found = {}
    for name in ("few.static", "all.static", "again.static", "merged"):
        with FeatureStore(f"features/{name}.h5") as store:
            found[name] = store.seconds_per_text
    (run,) = classify("features/again.static.h5", ["nb"], cv=3)

    assert found["few.static"] == pytest.approx(0.2)
    assert found["all.static"] == pytest.approx(0.3)
    assert 0.233 < found["again.static"] < 0.301  # from one of the two, or both
    assert found["merged"] == pytest.approx((8 + 60 * found["again.static"]) / 100, rel=0.01)
    assert run_cost(run).encode_seconds == pytest.approx(60 * found["again.static"], rel=0.01)
    (entry,) = json.loads(tk("speed", str(run.folder), "--json").stdout)["runs"]
    assert entry["encoder_texts_per_second"] == pytest.approx(1 / found["again.static"])
    with h5py.File("features/again.static.h5", "r+") as file:  # as a version wrote it that did not count them
        del file["times"]
        file["times"] = np.array([0.0, 0.5])
    with FeatureStore("features/again.static.h5") as store:
        assert store.seconds_per_text is None


def test_damaged_predictions_are_named(noisy):
    """One line with the file."""
    runs = classify(noisy(), ["nb", "majority"], cv=3)
    (runs[0].folder / "predictions.csv").write_text("line,group\n1,2\n")

    with pytest.raises(FailureError, match=r"predictions\.csv is damaged or changed"):
        compare(runs)
