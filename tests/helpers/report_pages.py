"""Reports and a comparison, some of whose texts are hostile, and a browser that shows them."""

from dataclasses import replace

import numpy as np
import pytest

import stores
from classify import classify, write_report
from classify.analysis.compare import compare
from classify.reports.compare_page import write_comparison
from helpers.browser import chromium
from helpers.commands import LETTERS
from helpers.stores import make_store, pooled

PHONE = {"width": 390, "height": 844, "phone": True}
EVIL = ["</script><script>document.title='owned'</script>", "\"><img src=x onerror=\"document.title='owned'\">",
        "\u202egnitrevni\u2066 \u2028 a\x00b", "'; document.title = 'owned'; '", "<!--<script>"]  # fmt: skip


@pytest.fixture(scope="module")
def browser():
    """One browser for all tests of this file."""
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def report_folder(tmp_path_factory):
    """A run with a report, on texts some of which are hostile and some long, and a comparison of two runs."""
    made = tmp_path_factory.mktemp("pages")
    rng = np.random.default_rng(3)
    y = np.arange(300) % 3 == 0
    values = rng.normal(size=(300, 5))
    values[:, 0] += 3 * y
    texts = [f"{LETTERS[i % 60]} {EVIL[i % 5] if i % 7 == 0 else 'see you ' * (1 + i % 90)} {LETTERS[i // 5]}"
             for i in range(300)]  # fmt: skip
    store = make_store(made / "separable.h5", pooled(values), ["spam" if v else "ham" for v in y], texts)
    runs = classify(store, ["logistic", "nb", "dense:epochs=2,units=4"], cv=3, out=made / "run")
    write_report(runs[0])
    found = compare(runs)
    timed = [replace(e, cost=replace(e.cost, seconds=10.0**i)) for i, e in enumerate(found.runs)]
    write_comparison(replace(found, runs=timed), made / "compared")
    return made


@pytest.fixture(scope="module")
def report_file(report_folder):
    """The page of the first run."""
    return next(report_folder.glob("run.*logistic*/report.html"))


@pytest.fixture(scope="module")
def labels_report(tmp_path_factory):
    """The report of a run with two labels a row."""
    made = tmp_path_factory.mktemp("labels")
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, (120, 2))
    texts = [f"{LETTERS[i % 60]} {LETTERS[i // 2]}" for i in range(120)]
    vectors = (rng.normal(size=(120, 3)) + 3 * y[:, [0, 1, 1]]).astype(np.float32)
    stores.write(made / "a.h5", vectors, texts, name="made", labels=y, classes=["p", "q"]).close()
    (run,) = classify(made / "a.h5", cv=2, out=made / "run")
    return write_report(run)
