"""One split for a table, groups of texts alike, and splits that somebody else drew."""

import csv

import numpy as np
import pytest
from helpers.commands import LETTERS
from helpers.stores import make_store, pooled

from classify import classify
from classify.data import load_data
from classify.reports.basis import basis
from classify.splits.near_duplicates import near_duplicate_groups
from embed import Recipe, embed, read_table
from stores import InputError


def table(path, rows):
    """A CSV of text, label and day."""
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows([("text", "label", "day"), *rows])
    return path


@pytest.fixture
def rows():
    """60 texts, of which some differ in their writing alone."""
    made = [(f"{'Win' if i % 3 else 'See'} {word} <b>now</b>", "ab"[i % 3 == 0], f"2026-01-{1 + i // 3:02}")
            for i, word in enumerate(LETTERS)]  # fmt: skip
    return [*made, ("WIN bb NOW!", "a", "2026-02-01"), ("Win bb now 12", "a", "2026-02-01")]


def lines_of(run):
    """Fold -> texts' lines, of a run."""
    p = run.predictions()
    return [sorted(p.line[p.fold == fold].tolist()) for fold in np.unique(p.fold)]


@pytest.mark.slow
def test_a_split_is_the_same_for_every_encoder_cleaning_and_order(rows, in_tmp):
    """Digest and tested texts of: words as they are, static vectors of cleaned texts, and the table turned round."""
    embed(read_table(table("a.csv", rows)), Recipe.of("words"), "words.h5")
    embed(read_table("a.csv"), Recipe.of("static", clean="html,lower"), "static.h5")
    embed(read_table(table("b.csv", rows[::-1])), Recipe.of("words"), "turned.h5")
    words, static, turned = (classify(f"{name}.h5", "nb", cv=3, seed=5)[0] for name in ("words", "static", "turned"))
    (other,) = classify("words.h5", "nb", cv=3, seed=6)

    assert words.recipe.split["digest"] == static.recipe.split["digest"] == turned.recipe.split["digest"]
    assert words.recipe.split["digest"] != other.recipe.split["digest"]
    assert lines_of(words) == lines_of(static)
    last = len(rows) + 3  # line 2 of the one table is the last of the other
    assert lines_of(words) == [sorted(last - line for line in lines) for lines in lines_of(turned)]


@pytest.mark.slow
def test_texts_alike_stay_on_one_side_and_are_counted(tmp_path, in_tmp):
    """Three writings of a text are one group by likeness, three by bytes; the run says how many there are."""
    texts = [*LETTERS[:30], "WIN cash 1", "win CASH 22!", "win   cash 333"]
    x = np.random.default_rng(0).normal(size=(33, 3))
    path = make_store(tmp_path / "s.h5", pooled(x), ["ab"[i % 2] for i in range(33)], texts, alike=True)
    data = load_data(path)
    (run,) = classify(path, "majority", cv=3)

    assert len(np.unique(data.groups)) == 31
    assert len(np.unique(data.twins("bytes"))) == 33
    assert {name: run.recipe.rows.more[name] for name in ("with_alike_twin", "largest_alike_group")} == {
        "with_alike_twin": 3, "largest_alike_group": 3,
    }  # fmt: skip
    assert run.recipe.rows.more["largest_groups"] == [{"rows": 3, "line": int(data.line[30])}]
    assert f"2 rows go with others, in the largest group 3 with line {data.line[30]}" in basis(run)
    p = run.predictions()
    assert len(set(p.fold[np.isin(p.row, [30, 31, 32])].tolist())) == 1


def test_near_duplicates_are_those_that_share_their_word_pairs(tmp_path):
    """Nine of ten words the same: 7 of 11 pairs shared; a text of other words stays alone."""
    base = "one two three four five six seven eight nine ten".split()
    near = [*base[:9], "eleven"]  # 8 pairs shared of 10
    far = "red green blue white black grey pink brown gold teal".split()
    texts = [" ".join(words) for words in (base, near, far)]
    path = make_store(tmp_path / "s.h5", pooled(np.zeros((3, 2))), ["a", "b", "a"], texts)
    data = load_data(path)

    groups = near_duplicate_groups(data, 0.7)
    assert groups[0] == groups[1] != groups[2]
    assert len(set(near_duplicate_groups(data, 0.9).tolist())) == 3


@pytest.mark.slow
def test_published_splits_are_taken_as_they_are(separable, in_tmp):
    """Lines of test rows, folds by line, and scikit-learn's own function by its seed."""
    from sklearn.model_selection import train_test_split

    (in_tmp / "test.txt").write_text("5\n9\n2\n")
    (in_tmp / "folds.csv").write_text("line,fold\n" + "".join(f"{i + 2},{i % 4}\n" for i in range(120)))
    (by_rows,) = classify(separable, "nb", test_rows="test.txt")
    (by_folds,) = classify(separable, "nb", folds_file="folds.csv")
    (sklearn,) = classify(separable, "nb", test_rows="train_test_split:test_size=0.25,random_state=3")

    assert lines_of(by_rows) == [[2, 5, 9]]
    assert lines_of(by_folds) == [[i + 2 for i in range(120) if i % 4 == fold] for fold in range(4)]
    assert lines_of(sklearn) == [
        sorted(train_test_split(np.arange(2, 122), test_size=0.25, random_state=3)[1].tolist())
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [("5\n500\n", "1 of 2 entries are no line of a labelled row .* the first is '500'"), ("", "is empty")],
)
def test_wrong_test_rows_are_named(separable, in_tmp, text, message):
    """What is not there, and how many."""
    (in_tmp / "test.txt").write_text(text)
    with pytest.raises(InputError, match=message):
        classify(separable, "nb", test_rows="test.txt")


@pytest.mark.slow
def test_the_latest_rows_are_tested(rows, in_tmp):
    """By the days of the table; those of the day on which the share is reached, too."""
    embed(read_table(table("a.csv", rows), id_column="day"), Recipe.of("words"), "a.h5")
    (run,) = classify("a.h5", "nb", time_column="day", test_size=0.2, identical="bytes")

    assert lines_of(run) == [list(range(50, 64))]  # 12.4 of 62 rows: from line 50 on, where a day begins
    assert run.recipe.split["from"] == "2026-01-17"
    with pytest.raises(InputError, match="`time_column='month'`: a.h5 keeps ids of day"):
        classify("a.h5", "nb", time_column="month")
