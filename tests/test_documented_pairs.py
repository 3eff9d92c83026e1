"""What the stores commands make goes through everything that follows: merge, join, test, report, compare, errors."""

import pytest
from helpers.commands import LETTERS, tk
from helpers.toy import write_csv


def rows(first, count):
    """Texts of two classes, none like another."""
    words = [LETTERS[i % 60] + "xyz"[i // 60] for i in range(first, first + count)]
    texts = [f"{'win a prize' if i % 2 else 'see you'} {word}" for i, word in enumerate(words)]
    return [("spam" if i % 2 else "ham", text) for i, text in enumerate(texts)]


@pytest.fixture
def tables(in_tmp):
    """Three tables, embedded, whose lines are counted alike."""
    for name, first in (("a", 0), ("b", 40), ("c", 80)):
        write_csv(in_tmp / f"{name}.csv", rows(first, 40))
        tk("embed", "--encoder", "static", f"{name}.csv")


@pytest.mark.slow
def test_merged_stores_through_everything(tables, in_tmp):
    """Scores, a report that names both tables and shows texts, comparison and errors."""
    tk("features", "merge", "features/a.static.h5", "features/b.static.h5", "--out", "ab.h5")
    done = tk("classify", "ab.h5", "--head", "logistic", "--head", "nb", "--cv", "2")
    page = (in_tmp / "runs/ab.logistic/report.html").read_text()

    assert "F1 macro" in done.stdout
    assert "a.csv" in page and "b.csv" in page and "win a prize" in page
    assert "cheapest" in tk("compare", "runs/ab.logistic", "runs/ab.nb").stdout
    assert "rows are predicted wrong" in tk("errors", "runs/ab.logistic").stdout
    assert "no texts" not in tk("errors", "runs/ab.logistic").stdout


@pytest.mark.slow
def test_joined_stores_through_everything(tables, in_tmp):
    """A store that was joined, and stores put side by side."""
    tk("features", "merge", "features/a.static.h5", "features/b.static.h5", "--out", "ab.h5")
    tk("features", "join", "features/a.static.h5", "features/a.static.h5", "--out", "aa.h5")
    for features in ("aa.h5", "features/a.static.h5+features/a.static.h5"):
        name = "aa" if features == "aa.h5" else "a.static+a.static"
        assert "F1 macro" in tk("classify", features, "--cv", "2").stdout
        assert "static" in (in_tmp / f"runs/{name}.logistic/report.html").read_text()
        assert "rows are predicted wrong" in tk("errors", f"runs/{name}.logistic").stdout


@pytest.mark.slow
def test_tested_on_a_merged_store(tables, in_tmp):
    """--test with a merged store prints scores and draws a report."""
    tk("features", "merge", "features/a.static.h5", "features/b.static.h5", "--out", "ab.h5")
    assert "F1 macro" in tk("classify", "features/c.static.h5", "--test", "ab.h5").stdout
    assert (in_tmp / "runs/c.static.logistic/report.html").exists()


def test_tested_on_a_store_that_holds_all_training_texts(tables, in_tmp):
    """Rows whose text is tested are not trained on: here that is all of them, and this is said."""
    tk("features", "merge", "features/a.static.h5", "features/b.static.h5", "--out", "ab.h5")
    error = tk("classify", "features/a.static.h5", "--test", "ab.h5", code=2).stderr
    assert "the texts of all training rows are among those to be tested; nothing is left to train on" in error
