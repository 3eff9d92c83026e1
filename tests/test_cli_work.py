"""What ``embed``, ``classify`` and ``predict`` print, and where."""

import csv
import io
import json
import os
import re
import sys

import pytest
from click.testing import CliRunner
from helpers.commands import LETTERS, ROWS, tk
from helpers.toy import TEN_ROWS, write_csv

from cli import cli

STATIC, WORDS = "features/messages.static.h5", "features/messages.words.h5"


def test_embed_says_what_it_did(in_tmp):
    """Counts and the store on stdout; the columns and why on stderr; the second run encodes nothing."""
    write_csv(in_tmp / "ten.csv", TEN_ROWS)
    first = tk("embed", "--encoder", "words", "--data", "ten.csv")

    assert "10 rows, 8 distinct texts: 8 encoded, 0 taken from earlier stores" in first.stdout
    assert "1 empty texts" in first.stdout
    assert "1 rows without a label" in first.stdout
    assert "text column 'text' (by its name)" in first.stderr
    second = tk("embed", "--encoder", "words", "--data", "ten.csv")
    assert second.stdout == "nothing to encode: features/ten.words.h5 holds all 10 rows already\n"


def test_embed_json(in_tmp):
    """Numbers for programs, and nothing else on stdout."""
    write_csv(in_tmp / "ten.csv", TEN_ROWS)
    found = json.loads(tk("embed", "--data", "ten.csv", "--json").stdout)

    assert found["store"] == "features/ten.static.h5"
    assert found["totals"]["encoded"] == 8


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the names of files are text")
def test_file_name_that_is_no_utf8(in_tmp):
    """From table to prediction; names of files are bytes."""
    name = os.fsdecode(b"caf\xe9.csv")
    write_csv(in_tmp / name, ROWS)
    tk("embed", "--data", name)
    tk("features", "verify", os.fsdecode(b"features/caf\xe9.static.h5"))
    tk("classify", "--features", os.fsdecode(b"features/caf\xe9.static.h5"), "--out", "run", "--cv", "2")

    assert tk("predict", "--run", "run", "--data", name).stdout.count("\n") == len(ROWS) + 1


def test_layout_parts(in_tmp):
    """The store is an index of a folder of parts; all else is as ever."""
    write_csv(in_tmp / "ten.csv", TEN_ROWS)
    said = tk("embed", "--data", "ten.csv", "--layout", "parts").stdout

    assert list((in_tmp / "features" / "ten.static.h5.parts").rglob("part-000000.h5"))
    assert "encoded" in said
    assert "10 rows, all as written" in tk("features", "verify", "features/ten.static.h5").stdout


@pytest.mark.slow
def test_embed_lists_broken_rows(in_tmp):
    """Beside the store, and says how many."""
    write_csv(in_tmp / "ten.csv", [*TEN_ROWS, ("one", "two", "three")])
    result = tk("embed", "--data", "ten.csv", "--bad-rows", "skip")

    assert "1 broken rows left out, listed in features/ten.static.bad-rows.jsonl" in result.stdout
    assert json.loads((in_tmp / "features/ten.static.bad-rows.jsonl").read_text())["row"] == "one,two,three"
    result = tk("classify", "--features", "features/ten.static.h5", "--cv", "2", "--head", "nb")
    assert "; 1 broken rows of the table left out; " in result.output


def test_embed_stdin_and_several_files(in_tmp, monkeypatch):
    """What is piped in needs its format only if nothing tells it; two files make one store."""
    data = write_csv(in_tmp / "a.csv", TEN_ROWS).read_bytes()
    write_csv(in_tmp / "b.csv", ROWS)
    result = CliRunner().invoke(cli, ["embed", "--encoder", "words", "--data", "-", "--format", "csv"], input=data)

    assert "store: features/stdin.words.h5" in result.stdout
    assert "70 rows" in tk("embed", "--data", "a.csv", "--data", "b.csv", "--clean", "classic").stdout
    assert (in_tmp / "features/a-and-1-more.static.h5").exists()


@pytest.mark.slow
def test_several_labels_a_row_are_learned(in_tmp):
    """Each label has its own score and probability; sampling is refused with the reason."""
    words = {(0, 0): "nice", (1, 0): "stupid", (1, 1): "stupid toad"}
    rows = [(f"{words[i % 4 > 1, i % 4 > 2]} {LETTERS[i]}", int(i % 4 > 1), int(i % 4 > 2)) for i in range(60)]
    write_csv(in_tmp / "toxic.csv", rows, header=("comment_text", "toxic", "insult"))
    tk("embed", "--encoder", "words", "--data", "toxic.csv")
    store = "features/toxic.words.h5"
    result = tk("classify", "--features", store, "--head", "nb", "--threshold", "f1", "--no-report")
    refused = tk("classify", "--features", store, "--sampler", "under", code=2)
    texts = ["--text", "nice 1", "--text", "you stupid toad"]
    predicted = tk("predict", "--run", "runs/toxic.words.nb", *texts, "--to", "jsonl")

    assert json.loads(tk("features", "info", store, "--json").stdout)["labels"] == {
        "toxic": 30, "insult": 15, "(none)": 0
    }  # fmt: skip
    assert re.search(r"^  toxic: precision 1.000  recall 1.000 .* ROC-AUC 1.0000 .* \(30 rows\)", result.stdout, re.M)
    assert "to drop or repeat it for one of them changes the others" in refused.stderr
    first, second = map(json.loads, predicted.stdout.splitlines())
    assert (first["predicted"], second["predicted"]) == ("", "toxic|insult")
    assert second["p_toxic"] + second["p_insult"] > 1


@pytest.mark.slow
def test_predict_names_the_rows_by_their_ids(trained):
    """As competitions want them; no label is needed, and a broken row has no prediction."""
    (trained / "new.csv").write_text("id,text\n007,WIN cash 9\n1e5,see you 5\nx\n")
    run = "runs/messages.words.logistic"
    result = tk("predict", "--run", run, "--data", "new.csv", "--bad-rows", "skip")
    rows = list(csv.DictReader(io.StringIO(result.stdout)))

    assert [(row["id"], row["predicted"]) for row in rows] == [("007", "spam"), ("1e5", "ham")]
    assert "1 broken rows have no prediction" in result.stderr


@pytest.mark.slow
def test_cleaning_of_a_run_is_that_of_its_predictions(trained):
    """A text differs from another only by what the cleaning takes away."""
    tk("embed", "--encoder", "words", "--data", "messages.csv", "--clean", "lower,spaces", "--out", "features/clean.h5")
    tk("classify", "--features", "features/clean.h5", "--cv", "3", "--out", "runs/clean", "--no-report")
    result = tk("predict", "--run", "runs/clean", "--text", "Win   CASH 3", "--text", "win cash 3")
    rows = list(csv.DictReader(io.StringIO(result.stdout)))

    assert rows[0]["p_spam"] == rows[1]["p_spam"]
    assert rows[0]["text"] == "Win   CASH 3"


@pytest.mark.slow
def test_classify_prints_scores_and_baselines(trained):
    """A row for each baseline and head with values and intervals, what they rest on, and where the run is."""
    result = tk(*f"classify --features {WORDS} --head nb --head logistic --seed 1".split())

    assert re.search(r"^majority +0\.6667", result.stdout, re.MULTILINE)
    assert re.search(r"^nb.* +\d\.\d{4} +\d\.\d{4} +\d\.\d{4}", result.stdout, re.MULTILINE)
    assert "60 of 60 labelled rows tested (60 distinct texts)" in result.stdout
    assert re.search(
        "5 stratified folds, texts alike in one fold; split [0-9a-f]{8}; alpha of 0.0001, .* and sigmoid calibration "
        "chosen on 3 inner folds of the training rows; seed 1; precision, recall, F1 and areas of class 'spam'",
        result.stdout,
    )
    assert "nb: runs/messages.words.nb\n" in result.stdout
    assert "logistic: runs/messages.words.logistic-2\n" in result.stdout


@pytest.mark.slow
def test_classify_json(trained):
    """The whole recipe and all metrics."""
    result = tk(
        "classify", "--features", "features/messages.words.h5", "--head", "nb:alpha=0.5", "--json", "--no-report"
    )
    (run,) = json.loads(result.stdout)

    assert run["recipe"]["head"]["options"]["alpha"] == 0.5
    assert 0 <= run["metrics"]["overall"]["pr_auc"]["low"] <= run["metrics"]["overall"]["pr_auc"]["value"]


@pytest.mark.slow
@pytest.mark.parametrize("encoder", ["static", "words"])
def test_predict_text_and_file(trained, encoder):
    """New texts become a class and probabilities, as CSV and as JSON lines, on stdout or in a file."""
    run = f"runs/messages.{encoder}.logistic"
    rows = list(csv.DictReader(io.StringIO(tk("predict", "--run", run, "--text", "WIN cash 3", "--text", "").stdout)))
    assert [row["text"] for row in rows] == ["WIN cash 3", ""]
    assert rows[0]["predicted"] == "spam"
    assert float(rows[0]["p_ham"]) + float(rows[0]["p_spam"]) == pytest.approx(1, abs=1e-5)

    write_csv(trained / "new.csv", [("", "see you 5"), ("", "WIN cash 9"), ("", "see you 5")])
    tk("predict", "--run", run, "--data", "new.csv", "--to", "jsonl", "--out", "new.jsonl")
    found = [json.loads(line) for line in (trained / "new.jsonl").read_text().splitlines()]
    assert [(row["line"], row["predicted"]) for row in found] == [(2, "ham"), (3, "spam"), (4, "ham")]
    assert found[0]["p_spam"] == found[2]["p_spam"]


@pytest.mark.slow
def test_predict_agrees_with_the_store(trained):
    """The table the run was trained on, predicted again, gives the labels it was trained with (it is separable)."""
    result = tk(*"predict --run runs/messages.static.logistic --data messages.csv".split())
    rows = csv.DictReader(io.StringIO(result.stdout))

    assert [row["predicted"] for row in rows] == [label for label, _ in ROWS]


@pytest.mark.slow
def test_report_is_written_unless_refused(trained):
    """``--no-report`` writes none, ``tk report`` makes it; where it went is said on stderr."""
    folder = trained / "runs/messages.static.logistic"
    assert not (folder / "report.html").exists()
    assert not (folder / "figures").exists()
    result = tk("report", "runs/messages.static.logistic")

    assert (result.stdout, result.stderr) == ("", "wrote runs/messages.static.logistic/report.html\n")
    assert (folder / "report.html").read_text().count("<svg") > 3
    assert "tk classify --features FILE" in tk("report", "runs", code=2).stderr
