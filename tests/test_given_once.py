"""Options given twice; and text columns that are joined, from the table to the prediction."""

import csv

import pytest
from helpers.commands import tk

from stores import FeatureStore


def two_columns(path, n=40):
    """A table with a title and a body for each text."""
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["title", "body", "label"])
        writer.writerows(
            [f"title {i}", f"this is body {'ab'[i % 2] * 3} {chr(97 + i % 26) * (1 + i // 26)}", "ab"[i % 2]]
            for i in range(n)
        )


def test_an_option_of_one_value_given_twice_is_an_error(in_tmp):
    """Whichever; flags and options that are repeatable may come twice."""
    two_columns("two.csv")
    error = tk("embed", "--data", "two.csv", "--out", "a.h5", "--out", "b.h5", code=2).stderr
    assert error.startswith("Error: --out is given 2 times, and takes one value; give it once")
    assert not list(in_tmp.glob("*.h5"))
    assert "--encoder is given 3 times" in tk("embed", *["--encoder", "static"] * 3, "--data", "two.csv", code=2).stderr
    assert "--out is given 2 times" in tk("features", "merge", "x", "--out", "a", "--out=b", code=2).stderr
    tk("describe", "--data", "two.csv", "--data", "two.csv", "--json", "--json")


@pytest.mark.slow
def test_joined_texts_are_joined_for_predictions_too(in_tmp):
    """The separator and the number of columns are part of the identity; the run joins the same columns by itself."""
    two_columns("two.csv")
    joined = ["--text-column", "title", "--text-column", "body"]
    tk("embed", "--data", "two.csv", *joined, "--out", "a.h5")
    tk("embed", "--data", "two.csv", *joined, "--text-separator", " / ", "--out", "b.h5")
    tk("embed", "--data", "two.csv", "--text-column", "body", "--out", "c.h5")
    stores = [FeatureStore(in_tmp / name) for name in ("a.h5", "b.h5", "c.h5")]
    texts, digests = [store.texts[:][1] for store in stores], {store.identity_digest for store in stores}
    for store in stores:
        store.close()

    assert texts == ["title 1\nthis is body bbb b", "title 1 / this is body bbb b", "this is body bbb b"]
    assert len(digests) == 3
    tk("classify", "--features", "b.h5", "--out", "run", "--no-report")
    line, *_ = tk("predict", "--run", "run", "--data", "two.csv", "--with-text", "--json").stdout, None
    assert "title 1 / this is body bbb b" in line
    (in_tmp / "one.csv").write_text("body,label\nonly a body,a\n")
    assert "has no column 'title', 'body'" in tk("predict", "--run", "run", "--data", "one.csv", code=2).stderr
