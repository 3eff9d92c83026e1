"""``tk rerun``: a run made again from its recipe, and what differs."""

import json
import shutil

import numpy as np
import pytest
from helpers.commands import LETTERS, ROWS, tk
from helpers.stores import make_store, pooled
from helpers.toy import write_csv

from classify import classify, read_run
from classify.rerun import arguments_of, differences, reading_of
from classify.run_folder import recipe_digest
from stores import FeatureStore, InputError

MANY = {
    "repeats": 2, "cv": 3, "sampler": "under", "tune": ["logistic:C=0.1..10", "nb:shrink=none"], "calibrate": "sigmoid",
    "threshold": "f1", "seed": 3, "learning_curve": [0.5], "identical": "bytes", "inner": 2,
}  # fmt: skip


@pytest.fixture
def messages(in_tmp):
    """A table of 60 rows, embedded."""
    write_csv(in_tmp / "messages.csv", ROWS)
    tk("embed", "--data", "messages.csv")
    return in_tmp


@pytest.mark.slow
def test_the_same_comes_out(messages):
    """Of a run with many options, one of a test store, an ensemble: every score and prediction."""
    store = "features/messages.static.h5"
    classify(store, "logistic", **{**MANY, "tune": ["logistic:C=0.1..10"]}, out="runs/many")
    classify(store, ["nb", "logistic:C=2"], cv=3)
    tk("ensemble", "runs/messages.static.nb", "runs/messages.static.logistic", "--out", "runs/both", "--no-report")
    for name in ("many", "messages.static.logistic", "both"):
        said = tk("rerun", f"runs/{name}", "--json").stdout
        found = json.loads(said)
        before, now = read_run(f"runs/{name}"), read_run(f"runs/{name}-again")

        assert found["same"] and found["digests"] == found["scores"] == found["versions"] == {}
        assert found["rows"] == len(before.predictions())
        assert (before.recipe.asked, before.recipe.split) == (now.recipe.asked, now.recipe.split)
        assert before.metrics.learning_curve == now.metrics.learning_curve
    assert "runs/both-again exists already" in tk("rerun", "runs/both", code=2).stderr


@pytest.mark.slow
def test_what_differs_is_said(messages):
    """Another table, other features, another version; the exit code is 3 unless it is the version alone."""
    tk("classify", "features/messages.static.h5", "--cv", "3", "--no-report")
    run, rows = "runs/messages.static.logistic", [("spam", "WIN"), *ROWS[1:]]
    write_csv(messages / "other.csv", rows)
    said = tk("rerun", run, "--data", "other.csv", code=3).stdout
    assert "digest of the table: " in said and said.endswith("not the same, 60 predictions compared\n")

    tk("embed", "--data", "other.csv", "--encoder", "static", "--pooling", "max", "--out", "max.h5")
    found = json.loads(tk("rerun", run, "--features", "max.h5", "--out", "runs/max", "--json", code=3).stdout)
    assert set(found["digests"]) == {"table", "store", "features", "split"}
    assert found["scores"]["f1_macro"][0] == read_run(run).metrics.f1_macro
    assert found["scores"]["f1_macro"][1] == read_run("runs/max").metrics.f1_macro

    path = messages / run / "recipe.json"
    recipe = json.loads(path.read_text())
    recipe["versions"]["numpy"] = "1.0"
    path.write_text(json.dumps(recipe | {"digest": recipe_digest(recipe)}))
    said = tk("rerun", run, "--out", "runs/old").stdout
    assert "version of numpy: 1.0, now " in said and "the same scores and predictions, 60" in said


@pytest.mark.slow
def test_what_is_gone_is_named_or_made_again(messages):
    """One line with what to do; followed, the same comes out."""
    tk("classify", "features/messages.static.h5", "--cv", "3", "--no-report")
    (messages / "features/messages.static.h5").unlink()
    run = "runs/messages.static.logistic"
    said = tk("rerun", run, code=2).stderr
    assert "features/messages.static.h5 is gone (seen from this folder); name the store in --features, or" in said
    assert "the table messages.csv in --data to encode it again" in said
    assert "none.csv: no such file" in tk("rerun", run, "--data", "none.csv", code=2).stderr
    done = tk("rerun", run, "--data", "messages.csv")
    assert "is encoded again" in done.stderr and "the same scores and predictions" in done.stdout


def test_options_come_back(in_tmp):
    """What was asked stands in the recipe; the head that was given an option is not tuned in it."""
    y = np.arange(60) % 2
    values = np.random.default_rng(0).normal(size=(60, 3)) + y[:, None]
    store = make_store(in_tmp / "a.h5", pooled(values.tolist()), [f"{v}" for v in y], [f"t {word}" for word in LETTERS])
    (run,) = classify(store, "logistic:C=2", cv=2, identical="bytes", positive="0")
    asked = arguments_of(run.recipe)

    assert (asked["cv"], asked["identical"], asked["positive"], asked["tune"]) == (2, "bytes", "0", ["default"])
    assert (asked["heads"].C, asked["heads"].given) == (2.0, {"C"})
    (given,) = classify(store, "nb", cv=[(np.arange(30), np.arange(30, 60))])
    with pytest.raises(InputError, match="splits of the run were given from Python"):
        arguments_of(given.recipe)
    run.recipe.asked.clear()
    with pytest.raises(InputError, match="did not keep all that was asked"):
        arguments_of(run.recipe)


def test_difference_by_hand(in_tmp):
    """One prediction of another class, by 0.25; a table that was looked at and is another one."""
    store = make_store(in_tmp / "a.h5", pooled([[i % 2, i] for i in range(40)]), [f"{i % 2}" for i in range(40)],
                       [f"t {word}" for word in LETTERS[:40]])  # fmt: skip
    before, now = (classify(store, "nb", cv=2, out=name)[0] for name in ("runs/a", "runs/b"))
    assert differences(before, now).same
    predictions = now.predictions()
    predictions.predicted[0] = 1 - predictions.predicted[0]
    predictions.proba[0] = predictions.proba[0] + [0.25, -0.25]
    shutil.rmtree("runs/b/model")
    object.__setattr__(now, "predictions", lambda: predictions)
    found = differences(before, now, table="x")

    assert (found.rows, found.predicted, found.largest) == (40, 1, 0.25)
    assert not found.same and found.digests == {"table": (found.digests["table"][0], "x")}


@pytest.mark.slow
def test_a_table_is_read_as_it_was(in_tmp):
    """Columns, map of labels, threshold: with what the store says, the table has the same digest."""
    lines = ["a;b;note;score", *(f"{text};x;y;{i % 7}" for i, (_, text) in enumerate(ROWS))]
    (in_tmp / "t.csv").write_text("\n".join(lines), encoding="utf-8")
    tk("embed", "t.csv", "--text-column", "a", "--text-column", "note", "--label-column", "score",
       "--label-threshold", "3", "--label-map", '1="so, yes",0=no', "--delimiter", ";")  # fmt: skip
    with FeatureStore("features/t.static.h5") as store:
        source = store.source
    from embed import read_table

    assert read_table("t.csv", **reading_of(source)).source() == {
        k: v for k, v in source.items() if k in read_table("t.csv", **reading_of(source)).source()
    }
