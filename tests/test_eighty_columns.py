"""What a terminal of 80 columns shows: tables that fit, names that keep their ends, records without marks of Python."""

import io
import re
from types import SimpleNamespace

import pytest
from helpers.commands import tk
from rich.console import Console

from classify.metrics_json import EpochPoint, Estimate
from classify.reports.grid import grid, shorten
from classify.reports.text import extras
from classify.scoring.metrics import columns_of
from stores.shared.worded import worded

LONG = "tweets.transformer.all-MiniLM-L6-v2.logistic:C=0.0{}"


def printed(table):
    """Lines of a table on a terminal of 80 columns."""
    console = Console(file=io.StringIO(), width=80, force_terminal=True, color_system=None)
    console.print(table)
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize("names", [["run"], ["head", "features"], ["head", "features", "sampler"]], ids=len)
@pytest.mark.parametrize("problem", ["binary", "multi-class", "multi-label"])
def test_tables_of_scores_fit(names, problem):
    """However long the names are: each header is whole, each name has its end, each cell is there."""
    titles = list(columns_of(problem).values())
    rows = [([LONG.format(i)] * len(names), ["0.1234\n0.123-0.234"] * len(titles)) for i in range(3)]
    lines = printed(grid(names, titles, rows))

    assert max(map(len, lines)) <= 80
    text = "\n".join(lines)
    for title in titles:
        assert re.search(rf"(?<!\S){re.escape(title)}(?!\S)", text)
    assert text.count("0.1234") == text.count("0.123-0.234") == 3 * len(titles)
    assert all(f"C=0.0{i} " in text for i in range(3))


def test_scores_after_an_epoch_fit_and_hold_what_was_asked_for():
    """Two classes: precision, recall and F1 of the positive one; of several their means; areas where there are some."""
    score = Estimate(0.75, 0.6, 0.85, 0.75, 0.01)
    told = "0.7500 [0.600, 0.850]"
    binary = dict.fromkeys(["accuracy", "f1_macro", "precision_positive", "recall_positive", "f1_positive"], score)
    several = dict.fromkeys(["accuracy", "f1_macro", "precision_macro", "recall_macro", "roc_auc", "log_loss"], score)

    for overall, problem, expected in (
        (binary, "binary", [
            "after 10 epochs:", f"  accuracy {told}  F1 macro {told}", f"  precision {told}  recall {told}",
            f"  F1 {told}",
        ]),
        (several, "multi-class", [
            "after 10 epochs:", f"  accuracy {told}  F1 macro {told}", f"  ROC-AUC {told}  precision macro {told}",
            f"  recall macro {told}",
        ]),
    ):  # fmt: skip
        point = EpochPoint(10, overall)
        metrics = SimpleNamespace(learning_curve=[], epochs=[point], identical_texts_in_one_fold=None)
        (found,) = extras(metrics, problem)
        assert found.split("\n") == expected
        assert max(map(len, expected)) <= 78  # the details of a run are indented by two


def test_columns_that_fit_share_a_table():
    """24 for the name and four columns of 12, two between each, are 80; one character more makes two tables."""
    rows = [(["n" * 24], ["1" * 12] * 4)]
    assert len(printed(grid(["run"], ["a", "b", "c", "d"], rows))) == 3
    assert max(map(len, printed(grid(["run"], ["a", "b", "c", "d"], rows)))) == 80
    assert len(printed(grid(["run"], ["a", "b", "c", "d"], [(["n" * 24], ["1" * 12] * 3 + ["1" * 13])]))) == 7


def test_a_long_name_loses_its_middle():
    """Its length is what is asked for."""
    assert shorten("abcdefghij", 7) == "abc\u2026hij" and shorten("abcdefg", 7) == "abcdefg"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"file": "a.csv", "lines": 12000, "labels": {}, "id": None}, "file a.csv, lines 12,000"),
        ({"columns": {"labels": ["v1"], "text": "v2"}}, "columns (labels v1, text v2)"),
        ({"files": [{"file": "a.csv", "header": True}, {"file": "b.csv", "header": False}]},
         "files ((file a.csv, header yes), (file b.csv, header no))"),
        ([], "none"), ({}, "none"), ([0.1, 1.0], "0.1, 1.0"), (True, "yes"),
    ],
)  # fmt: skip
def test_records_in_words(value, expected):
    """What is empty is left out, thousands have a comma."""
    assert worded(value) == expected


def test_what_a_store_holds_is_readable(ten_store):
    """No braces, brackets or quotes of Python, and no line is longer than a terminal, but for the command."""
    lines = tk("features", "info", str(ten_store)).stdout.splitlines()
    names = [line.split()[0] for line in lines if not line.startswith(" ")]

    assert names[:5] == ["store", "rows", "kind", "outputs", "identity"]
    assert not re.search(r"[{}']", "\n".join(lines))
    assert all(len(line) <= 80 for line in lines if not line.startswith(("store", "command")))
