"""The page and the figures of a comparison."""

import re
from dataclasses import replace

import pytest

from classify import classify
from classify.analysis.compare import compare
from classify.reports.compare_page import write_comparison
from stores import InputError


@pytest.mark.slow
def test_page_says_what_the_comparison_found(separable, in_tmp):
    """Names, scores and verdict are those of the comparison; nothing from outside; figures have a text."""
    runs = classify(separable, ["logistic", "nb", "majority"], cv=3)
    found = compare(runs)
    runs = [replace(e, cost=replace(e.cost, seconds=10.0**number)) for number, e in enumerate(found.runs)]
    runs[1] = replace(runs[1], name="<script>alert(1)</script>")
    found = replace(found, runs=runs, cheapest=runs[0].name)  # which is so depends on the clock
    folder = write_comparison(found, in_tmp / "out")
    page = (folder / "compare.html").read_text()

    for entry in found.runs:
        assert f"{entry.scores['f1_macro'].value:.4f}\n" in page
    for entry in found.runs[1:]:
        assert f">{entry.against_best.difference.value:+.4f}\n" in page
    assert found.cheapest in page and found.runs[1].verdict in page
    assert "<script>alert" not in page and "&lt;script&gt;alert" in page
    assert not re.findall(r'(?:src|href)="(?!#|data:)', page)
    names = ("scores", "cost", "differences", "metrics", "times")
    assert len(re.findall(r'role="img" aria-label="\w', page)) == len(names)
    for name in names:
        assert (folder / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert (folder / f"{name}.svg").stat().st_size > 1000
    with pytest.raises(InputError, match="exists already"):
        write_comparison(found, folder)
