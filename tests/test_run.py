"""``tk run``: from a table to the winner, the cheapest first, nothing done twice."""

import json
import re
import subprocess
import sys

import h5py
import pytest
from helpers.commands import ROWS, tk
from helpers.killed import FORK
from helpers.toy import write_csv

import classify
import commands.trials.first_training as first_training_module
from classify import read_run
from classify.analysis.cost import run_cost
from commands.trials import candidates as candidates_module
from commands.trials.budget import Budget
from commands.trials.candidates import Candidate

TRIED = ("--encoder", "static", "--encoder", "words", "--head", "logistic", "--cv", "3")


@pytest.fixture
def messages(in_tmp):
    """A table of 60 rows."""
    write_csv(in_tmp / "messages.csv", ROWS)
    return in_tmp


def made(folder):
    """Names of runs, and when their recipes were written."""
    return {path.parent.name: path.stat().st_mtime_ns for path in folder.glob("runs/*/recipe.json")}


@pytest.mark.slow
def test_from_a_table_to_a_run_that_predicts(messages):
    """Each encoder with each head on one split; a report; and the winner works."""
    found = json.loads(tk("run", "messages.csv", *TRIED, "--head", "nb", "--json").stdout)
    runs = [read_run(path) for path in sorted((messages / "experiments/messages/runs").iterdir())]

    assert [run.folder.name for run in runs] == ["static.logistic", "static.nb", "words.logistic", "words.nb"]
    assert len({run.recipe.split["digest"] for run in runs}) == 1
    assert all(set(run.metrics.baselines) == {"majority", "tfidf+logistic"} for run in runs)
    assert (messages / "experiments/messages/report/compare.html").exists()
    assert found["take"] in [entry["folder"] for entry in found["comparison"]["runs"]]
    assert ",spam," in tk("predict", found["take"], "--text", "WIN cash now").stdout


@pytest.mark.slow
def test_nothing_is_done_twice(messages):
    """The same command again makes no run; more heads and encoders are added; other settings are another experiment."""
    folder = messages / "experiments/messages"
    tk("run", "messages.csv", *TRIED)
    before = made(folder)
    again = tk("run", "messages.csv", *TRIED)
    more = tk("run", "messages.csv", *TRIED, "--head", "nb", "--encoder", "max=static:pooling=max")

    assert "0 runs made, 2 taken as they were; one split for all" in again.stdout
    assert "static: encoded already" in again.stderr
    assert "4 runs made, 2 taken" in more.stdout
    assert before.items() <= made(folder).items()
    assert set(made(folder)) - set(before) == {"static.nb", "words.nb", "max.logistic", "max.nb"}
    refused = tk("run", "messages.csv", *TRIED, "--seed", "1", code=2).stderr
    assert "experiments/messages holds an experiment with other settings (seed: 0); choose another --out" in refused
    (folder / "runs/static.nb").rename(folder / "runs/words.svm")
    assert "holds another run than its name says" in tk("run", "messages.csv", *TRIED, "--head", "svm", code=2).stderr


@pytest.mark.slow
def test_interrupted_it_goes_on(messages, monkeypatch):
    """What was finished before Ctrl-C is there, and is taken as it is."""
    real, calls = classify.classify, []

    def classify_once(*args, **options):
        calls.append(args)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(classify, "classify", classify_once)
        said = tk("run", "messages.csv", *TRIED, code=130).stderr
    before = made(messages / "experiments/messages")
    after = tk("run", "messages.csv", *TRIED)

    assert "what is finished is kept, and the same command goes on from there" in said
    assert len(before) == 1
    assert "1 runs made, 1 taken as they were" in after.stdout
    assert before.items() <= made(messages / "experiments/messages").items()


KILLED = f"""{FORK}
def tried(kill_at, out):
    return run(kill_at, [*sys.argv[1:], "--out", out], ("fsync", "replace", "rename"))
assert tried(0, "whole") == 0
killed = 0
for kill_at in (2, 16, 37):
    killed += os.WIFSIGNALED(tried(kill_at, f"killed-{{kill_at}}"))
    assert tried(0, f"killed-{{kill_at}}") == 0
print("killed", killed)
"""


def results(folder):
    """Predictions and scores of all runs, without what they took."""
    found = {}
    for path in sorted((folder / "runs").glob("[!.]*")):
        scores = re.sub(r'"seconds": [^,]+', "", (path / "metrics.json").read_text())
        found[path.name] = (path / "predictions.csv").read_bytes(), scores
    return found


@pytest.mark.slow
def test_killed_at_any_moment_the_same_comes_out(messages):
    """kill -9 at a sync or rename, while a store, a run or the settings are written; repeated folds."""
    command = [sys.executable, "-c", KILLED, "run", "messages.csv", "--encoder", "static", "--encoder", "words"]
    command += ["--head", "nb", "--cv", "2", "--repeats", "2"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    expected = results(messages / "whole")

    assert done.stdout.rstrip().endswith("killed 3")
    assert set(expected) == {"static.nb", "words.nb"}
    assert len(read_run("whole/runs/static.nb").predictions()) == 2 * 60
    for folder in messages.glob("killed-*"):
        assert results(folder) == expected, folder
        assert not [*folder.glob(".*.partial"), *folder.glob("runs/.*.partial")]


@pytest.mark.slow
def test_dry_run_says_what_it_would_take_and_leaves_nothing(messages):
    """Texts that are there twice count once."""
    write_csv(messages / "twice.csv", [*ROWS, *ROWS])
    said = tk("run", "twice.csv", *TRIED, "--dry-run").stdout
    found = json.loads(tk("run", "twice.csv", *TRIED, "--dry-run", "--json").stdout)

    assert said.startswith("60 distinct texts\n")
    assert found["distinct_texts"] == 60
    assert set(found["encoders"]) == {"static", "words"}
    assert sorted(path.name for path in messages.iterdir()) == ["messages.csv", "twice.csv"]


def test_what_does_not_fit_into_the_budget_is_left_out(messages, monkeypatch):
    """With a clock that says that all time is gone, nothing is begun; nothing is silent."""
    monkeypatch.setattr(Budget, "left", property(lambda self: -1.0))
    said = tk("run", "messages.csv", *TRIED, "--budget", "1s", code=1).stderr

    assert "left out: static: encoding would take about 0 s, and 0 s are left" in said
    assert said.rstrip().endswith("Error: there was no time for any run; give a larger --budget")


def test_mistakes_show_before_anything_is_done(messages):
    """One line each, in the first second."""
    assert "no encoder 'statik'" in tk("run", "messages.csv", "--encoder", "statik", code=2).stderr
    assert "--by beauty" in tk("run", "messages.csv", *TRIED, "--by", "beauty", code=2).stderr
    assert "--budget soon" in tk("run", "messages.csv", *TRIED, "--budget", "soon", code=2).stderr
    twice = tk("run", "messages.csv", "--encoder", "static", "--encoder", "static", code=2).stderr
    assert "two encoders are called static" in twice


@pytest.mark.slow
def test_what_stores_know_is_not_encoded_and_its_cost_is_told(messages, machine):
    """40 of 60 texts took 8 s elsewhere: the others are estimated; the runs cost what both took."""
    write_csv(messages / "few.csv", ROWS[:40])
    tk("embed", "few.csv", "--out", "elsewhere/few.h5")
    with h5py.File("elsewhere/few.h5", "r+") as file:
        file["times"][1] = 8.0
    said = tk("run", "messages.csv", "--encoder", "static", "--head", "nb", "--head", "logistic", "--cv", "3")
    cost = run_cost(read_run("experiments/messages/runs/static.nb")).encode_seconds
    again = tk("run", "messages.csv", "--encoder", "static", "--head", "nb", "--head", "logistic", "--cv", "3").stderr

    assert (
        "static: 40 texts are known, which took 8.0 s where they were encoded; about 0.0 s to encode" in said.stderr
    ), said.stderr
    assert cost == pytest.approx(8.0, abs=0.5)
    assert "static: encoded already, which took 8." in again
    write_csv(messages / "fewer.csv", ROWS[:30])  # of the 60 that took 8 s together
    fewer = tk("run", "fewer.csv", "--encoder", "static", "--head", "nb", "--cv", "3", "--dry-run").stdout
    assert "static: all texts are known, which took 4.0 s where they were encoded\n" in fewer


@pytest.mark.slow
def test_slow_head_is_not_begun_where_there_is_no_time(messages, monkeypatch):
    """Its first training is foreseen, and left out by name."""
    monkeypatch.setattr(first_training_module, "first_training", lambda *_: 3600.0)
    said = tk("run", "messages.csv", *TRIED, "--budget", "100s", code=1).stderr
    assert "left out: static.logistic: training would take about 3600 s, and " in said


@pytest.mark.slow
def test_encoder_that_nobody_named_may_fail(messages, monkeypatch):
    """It is left out, with the reason; a named one is an error."""
    broken = [Candidate("static", "static", {}, False), Candidate("gone", "use", {"model": "nowhere"}, False)]
    monkeypatch.setattr(candidates_module, "at_hand", lambda: iter(broken))
    said = tk("run", "messages.csv", "--head", "logistic", "--cv", "2")

    assert "gone: left out; model nowhere: no such folder" in said.stderr
    assert "experiments/messages/runs/static.logistic" in said.stdout
    assert "no such folder" in tk("run", "messages.csv", "--cv", "2", "--encoder", "use:model=nowhere", code=2).stderr
