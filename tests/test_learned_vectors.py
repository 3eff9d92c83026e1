"""tk vectors: what a head has learned of words, in files that other programs read."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from helpers.commands import LETTERS
from helpers.toy import write_csv

from classify import classify, read_run
from cli import cli
from stores import FeatureStore

pytestmark = pytest.mark.slow


@pytest.fixture
def learned(in_tmp):
    """A run of the head ``average`` on texts of three words, each there more than once, and the weights it keeps."""
    write_csv(in_tmp / "t.csv", [("ab"[i % 2], f"Tea {LETTERS[i % 5]} {LETTERS[i]}") for i in range(40)])
    assert CliRunner().invoke(cli, ["embed", "--encoder", "words", "--data", "t.csv"]).exit_code == 0
    (run,) = classify("features/t.words.h5", "average:width=3,epochs=1,units=2", cv=2, out="runs/average")
    head = run.model().heads[0]
    (table,) = (layer.get_weights()[0] for layer in head.network_.model.layers if type(layer).__name__ == "Embedding")
    return head.words_, table


def test_vectors_in_three_forms(learned):
    """The rows of the embedding layer but its first, which all other words share; other programs read them alike."""
    words, table = learned
    for form, out in (("npz", "v.npz"), ("text", "v.txt"), ("projector", "v")):
        done = CliRunner().invoke(cli, ["vectors", "runs/average", "--to", form, "--out", out])
        assert done.exit_code == 0, done.output
        assert f"vectors of {len(words)} words" in done.stderr
    lines = [line.split(" ") for line in Path("v.txt").read_text(encoding="utf-8").splitlines()]
    with np.load("v.npz") as arrays:
        assert arrays["words"].tolist() == words
        assert (arrays["vectors"] == table[1:]).all()

    assert words[0] == "tea"
    assert [line[0] for line in lines] == words == Path("v/metadata.tsv").read_text(encoding="utf-8").split()
    assert (np.array([line[1:] for line in lines], np.float32) == table[1:]).all()
    assert (np.loadtxt("v/vectors.tsv", np.float32) == table[1:]).all()


def test_the_text_form_is_one_that_glove_reads(learned):
    """The encoder of word vectors gives a text of one word the vector that was learned for it."""
    words, table = learned
    CliRunner().invoke(cli, ["vectors", "runs/average", "--out", "v.txt"])
    write_csv("one.csv", [("a", words[1])])
    args = ["embed", "--encoder", "glove", "--model", "v.txt", "--data", "one.csv", "--out", "one.h5"]
    done = CliRunner().invoke(cli, args)
    assert done.exit_code == 0, done.output
    with FeatureStore("one.h5") as store:
        assert store.read(0, 1).outputs[store.outputs[0]][0] == pytest.approx(table[2], abs=1e-6)


def test_a_head_without_words_is_refused(learned):
    """One line says which heads have some; a file that is there stays."""
    classify("features/t.words.h5", "logistic", cv=2, out="runs/logistic")
    assert read_run("runs/logistic").recipe.head.name == "logistic"
    wrong = CliRunner().invoke(cli, ["vectors", "runs/logistic", "--out", "v.txt"])
    CliRunner().invoke(cli, ["vectors", "runs/average", "--out", "v.txt"])
    again = CliRunner().invoke(cli, ["vectors", "runs/average", "--out", "v.txt"])

    assert (wrong.exit_code, again.exit_code) == (2, 2)
    assert "head logistic has learned no vectors of words; heads over a store of words do" in wrong.stderr
    assert "v.txt exists already; give another --out, or --overwrite" in again.stderr
    assert CliRunner().invoke(cli, ["vectors", "runs/average", "--out", "v.txt", "--overwrite"]).exit_code == 0
