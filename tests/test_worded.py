"""Records and sizes as people write them."""

import pytest

from stores.shared.worded import size_in_words, worded


@pytest.mark.parametrize(
    ("size", "said"),
    [(0, "0 bytes"), (999, "999 bytes"), (7_412, "7 kB"), (99_999, "100 kB"), (100_000, "0.1 MB"),
     (1_300_000, "1.3 MB"), (2_100_000_000, "2.1 GB")],
)  # fmt: skip
def test_sizes(size, said):
    """No small file is said to be empty."""
    assert size_in_words(size) == said


def test_records():
    """No braces, no quotes; what is empty is left out; counts have commas."""
    assert worded({"file": "a.csv", "lines": 12000, "more": None}) == "file a.csv, lines 12,000"
    assert worded({"parts": [{"rows": 3}, {"rows": 4}], "whole": True}) == "parts ((rows 3), (rows 4)), whole yes"
    assert worded({}) == "none"
