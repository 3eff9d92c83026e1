"""What one command makes, each other takes: merged, joined and test stores, from the table to the report."""

import csv
import json
import random

import pytest
from helpers.commands import tk

WORDS = {"ham": "see you home later lunch mum".split(), "spam": "win cash prize free call now".split()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Tables a, b and c by two poolings of ``static``; a and b merged for each, and both of these joined."""
    folder, rng = tmp_path_factory.mktemp("pairs"), random.Random(0)
    for table in "abc":
        labels = [rng.choice(["ham", "spam"]) for _ in range(40)]
        rows = [(label, " ".join([*rng.choices(WORDS[label], k=4), f"{table}{i}"])) for i, label in enumerate(labels)]
        with open(folder / f"{table}.csv", "w", newline="") as file:
            csv.writer(file).writerows([("label", "text"), *rows])
        for pooling in ("mean", "max"):
            out = folder / f"{table}.{pooling}.h5"
            tk("embed", "--data", folder / f"{table}.csv", "--pooling", pooling, "--out", out)
    for pooling in ("mean", "max"):
        both = [folder / f"{table}.{pooling}.h5" for table in "ab"]
        tk("features", "merge", *both, "--out", folder / f"ab.{pooling}.h5")
    tk("features", "join", folder / "ab.mean.h5", folder / "ab.max.h5", "--out", folder / "joined.h5")
    return folder


@pytest.fixture(scope="module")
def runs(folder):
    """Runs of all these stores, with their reports."""
    features = {
        "merged": ["ab.mean.h5"],
        "joined": ["joined.h5"],
        "merged-tested": ["c.mean.h5", "--test", folder / "ab.mean.h5"],
        "tested-on-c": ["ab.mean.h5", "--test", folder / "c.mean.h5"],
    }
    for name, (store, *more) in features.items():
        tk("classify", "--features", folder / store, *more, "--out", folder / name)
    return {name: folder / name for name in features}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["merged", "joined", "merged-tested", "tested-on-c"])
def test_report_names_each_table_that_the_features_are_of(runs, name):
    """When the run is made, and when its report is made again."""
    page = runs[name] / "report.html"
    for _ in range(2):
        text = page.read_text(encoding="utf-8")
        assert "a.csv" in text
        assert "b.csv" in text
        page.unlink()
        tk("report", runs[name])


@pytest.mark.slow
def test_runs_on_merged_and_joined_features_are_compared(runs):
    """They tested the same rows."""
    assert "joined" in tk("compare", runs["merged"], runs["joined"]).stdout


@pytest.mark.slow
@pytest.mark.parametrize("name", ["merged", "joined", "merged-tested", "tested-on-c"])
def test_errors_of_runs_on_merged_and_joined_features(runs, name):
    """With the texts, which lie in the merged store; tested are the 80 rows of a and b, or the 40 of c."""
    found = json.loads(tk("errors", runs[name], "--json").stdout)

    assert (found["rows"], found["texts_missing"]) == (40 if name == "tested-on-c" else 80, "")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["merged", "merged-tested", "tested-on-c"])
def test_runs_on_merged_features_predict(runs, folder, name):
    """One encoder made all of them."""
    lines = tk("predict", "--run", runs[name], "--data", folder / "c.csv").stdout.splitlines()
    assert len(lines) == 1 + 40


@pytest.mark.slow
def test_runs_on_joined_features_predict(runs, folder):
    """Both encoders encode each new text: a line and a header."""
    said = tk("predict", "--run", runs["joined"], "--data", folder / "c.csv").stdout
    assert len(said.splitlines()) == 1 + len((folder / "c.csv").read_text().splitlines()) - 1
