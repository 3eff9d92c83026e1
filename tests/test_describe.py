"""tk describe: the counts of the real tables, a small one by hand, and how good the estimate is."""

import json
import re
import shlex
import unicodedata

import numpy as np
import pytest
from click.testing import CliRunner
from helpers.toy import TEN_ROWS, write_csv

from cli import cli
from embed import read_table
from embed.tables.describe import LIMITS, describe


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "rows", "classes", "duplicates", "contradictory", "mojibake"),
    [
        ("spam_sms/spam.csv", 5572, {"ham": 4825, "spam": 747}, 403, 0, 0),
        ("spam_emails/emails.csv.gz", 5728, {"0": 4360, "1": 1368}, 33, 0, 0),
        ("disaster_tweets/train.csv", 7613, {"0": 4342, "1": 3271}, 110, 18, 614),
    ],
)
def test_real_tables(real, name, rows, classes, duplicates, contradictory, mojibake):
    """Counts as published with the files."""
    found = describe(read_table(real / name))

    assert (found.rows, found.classes) == (rows, classes)
    assert (found.duplicates, found.contradictory, found.mojibake) == (duplicates, contradictory, mojibake)


@pytest.mark.slow
def test_longest_mail(real):
    """43,952 characters; the ten longest come in order."""
    longest = [characters for _, characters, _ in describe(read_table(real / "spam_emails/emails.csv.gz")).longest]

    assert len(longest) == 10
    assert longest[0] == 43_952
    assert longest == sorted(longest, reverse=True)


def test_small_table_by_hand(ten_csv):
    """Two texts stand twice; ``see you at home`` has 4 words and 15 characters."""
    found = describe(read_table(ten_csv))

    assert (found.rows, found.distinct, found.duplicates, found.empty, found.unlabelled) == (10, 8, 2, 1, 1)
    assert found.classes == {"ham": 5, "spam": 4}
    assert found.words["ham"] == {"min": 0, "median": 3, "mean": 2.4, "p95": 4, "max": 4}
    assert found.characters["ham"]["max"] == 15
    assert found.histogram == {"ham": [1, 1, 1, 2], "spam": [0, 0, 2, 2], "(none)": [0, 0, 1, 0]}


def test_rows_that_are_alike_are_counted_before_any_cleaning(tmp_path):
    """Two texts differ in case and digits, three in a link; the largest group comes first, with its first line."""
    texts = [
        "Win 5 pounds",
        "win 77 POUNDS!",
        "one",
        "see http://a.example/x",
        "See www.b.example",
        "see https://c.example",
    ]
    write_csv(tmp_path / "a.csv", [("x", text) for text in texts])
    found = describe(read_table(tmp_path / "a.csv"), ["lower", "punctuation"])

    assert (found.distinct, found.alike, found.distinct_alike) == (6, 5, 3)
    assert [(group.rows, group.line, group.beginning) for group in found.largest_alike] == [
        (3, 5, "see http://a.example/x"),
        (2, 2, "Win 5 pounds"),
    ]


def test_cleaning_comes_first(tmp_path):
    """What the cleaning empties or makes equal counts as it will be encoded."""
    write_csv(tmp_path / "a.csv", [("x", "Hello"), ("y", "hello"), ("x", "12 34")])
    found = describe(read_table(tmp_path / "a.csv"), ["lower", "digits"])

    assert (found.distinct, found.duplicates, found.contradictory, found.emptied) == (2, 1, 1, 1)


def test_several_labels(tmp_path):
    """Each is a class of its own; rows that none of them applies to are one more, rows that are not known another."""
    (tmp_path / "a.csv").write_text("text,a,b\none,1,1\ntwo,1,0\nthree four,0,0\nfive,,1\none,0,0\n")
    found = describe(read_table(tmp_path / "a.csv"))

    assert found.classes == {"a": 2, "b": 2}
    assert (found.unlabelled, found.contradictory) == (1, 1)
    assert {name: sum(counts) for name, counts in found.histogram.items()} == {
        "a": 2, "b": 2, "(none of these)": 2, "(none)": 1,
    }  # fmt: skip


def word_pieces(text, vocabulary):
    """Number of pieces of BERT's own algorithm (google-research/bert, tokenization.py), [CLS] and [SEP] included."""
    text = "".join(c for c in unicodedata.normalize("NFD", text.lower()) if unicodedata.category(c) != "Mn")
    count = 2
    for word in re.findall(r"[^\W_]+|[^\w\s]|_", text):
        start = 0
        while start < len(word):
            ends = range(len(word), start, -1)
            end = next((e for e in ends if ("##" if start else "") + word[start:e] in vocabulary), None)
            count, start = count + 1, end or len(word)
    return count


@pytest.mark.slow
@pytest.mark.parametrize("name", ["spam_emails/emails.csv.gz", "jigsaw/test_labelled_union.csv.gz"])
def test_share_that_is_cut_off_is_about_right(real, name):
    """Within 3 points of what the true vocabulary gives; the second table had no part in setting the estimate."""
    vocabulary = set((real / "bert_vocab/bert_base_uncased_vocab.txt").read_text(encoding="utf-8").splitlines())
    table = read_table(real / name)
    texts = [text for block in table.blocks(5000) for text in block.texts][::3]
    lengths = np.array([word_pieces(text, vocabulary) for text in texts])
    found = describe(table)

    assert found.cut == pytest.approx({limit: (lengths > limit).mean() for limit in LIMITS}, abs=0.03)


def test_command_line(tmp_path, monkeypatch):
    """The report, the picture, the command to go on with (which runs), and JSON with nothing else on stdout."""
    monkeypatch.chdir(tmp_path)
    write_csv(tmp_path / "my table.csv", [*TEN_ROWS, ("a", "b", "c")])
    args = ["describe", "--data", "my table.csv", "--label-map", "ham=no,spam=$yes$", "--out", "lengths.png"]
    result = CliRunner().invoke(cli, args)
    command = result.stdout.splitlines()[-1]

    assert result.exit_code == 0, result.output
    assert "10 rows, 8 distinct texts\n2 rows repeat the text of an earlier row\n1 empty texts\n" in result.stdout
    assert "1 broken rows\n  my table.csv, line 13: 3 cells where the header has 2" in result.stdout
    for name in ("lengths.png", "lengths.classes.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
        assert f"wrote {name}" in result.stderr
    assert "tk embed --data 'my table.csv' --text-column text --label-column label" in command
    assert CliRunner().invoke(cli, shlex.split(command)[1:]).stdout.startswith("10 rows, 8 distinct texts: 8 encoded")

    found = json.loads(CliRunner().invoke(cli, ["describe", "--data", "my table.csv", "--json"]).stdout)
    assert (found["rows"], found["bad"], found["classes"]) == (10, 1, {"ham": 5, "spam": 4})
