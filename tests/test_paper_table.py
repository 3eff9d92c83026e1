"""``tk compare --to``: a comparison as a table that a paper can take."""

import csv
import io
import re
import shutil
import subprocess
from types import SimpleNamespace

import pytest
from helpers.commands import tk
from markdown_it import MarkdownIt

from classify.analysis.comparison import Interval
from classify.reports.paper_table import caption, escape_latex, escape_markdown, mark, paper_table
from stores import InputError

EVIL = "a|b*c_d<e>&f`g\\h$i%j{k}#l~m^n--o"


def entry(name, score, p=None, verdict="worse", seconds=1.0):
    """A compared run with a score, the same for all metrics that are shown."""
    names = ("accuracy", "f1_macro", "precision_positive", "recall_positive", "f1_positive", "roc_auc", "pr_auc")
    scores = {each: Interval(score, score - 0.1, score + 0.1) for each in names}
    scores["log_loss"] = Interval(1 - score, None, None)
    against = SimpleNamespace(test=SimpleNamespace(p_holm=p), difference=Interval(-0.1, -0.2, 0.0))
    cost = SimpleNamespace(seconds=seconds, encode_seconds=seconds, train_seconds=0.0)
    best = verdict == "best"
    return SimpleNamespace(
        name=name, head="nb", sampler="none", encoders=["static"], scores=scores, cost=cost, verdict=verdict,
        against_best=None if best else against,
    )  # fmt: skip


@pytest.fixture
def found():
    """Five runs: one of each verdict, and a hostile name."""
    runs = [entry("best", 0.9, verdict="best"), entry("same", 0.8996, 0.02, "practically the same")]
    runs += [entry("unclear", 0.85, 0.3, "not distinguishable"), entry("low", 0.7, 0.004), entry(EVIL, 0.6, 1e-9)]
    return SimpleNamespace(runs=runs, by="f1_macro", problem="binary", rope=0.01, pairs=10, best="best", basis="Basis")


def test_marks_by_hand(found):
    """Stars by the corrected p, and a sign of those that are practically the same."""
    assert [mark(run) for run in found.runs] == ["", "*=", "", "**", "***"]
    assert "* p < 0.05, ** p < 0.01, *** p < 0.001 (paired test, corrected for 10 pairs by Holm's method)" in caption(
        found
    )
    assert "= practically the same as best: within 0.01 of its F1 macro" in caption(found)
    assert "Without a mark: not distinguishable from best." in caption(found)
    found.runs = found.runs[:1]
    assert "Worse" not in caption(found) and "mark" not in caption(found)


def test_markdown_is_read_as_it_was_meant(found):
    """By another program: the names come out as they are, the best scores bold (equal as printed: both)."""
    html = MarkdownIt().enable("table").render(paper_table(found, "markdown"))
    rows = [row.split("<td") for row in html.split("<tr>")[2:]]

    assert [len(row) for row in rows] == [11] * 5  # name, eight metrics, seconds
    assert EVIL.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") in rows[-1][1]
    assert [row[2].count("<strong>") for row in rows] == [1, 1, 0, 0, 0]
    assert "<strong>0.900</strong><sup>*=</sup><br>[0.800, 1.000]" in rows[1][2]
    assert "<p>Out-of-fold scores" in html


def test_latex_is_escaped_by_hand(found):
    """Each character that LaTeX would act on, and what cannot be printed."""
    table = paper_table(found, "latex")
    name = (r"a\textbar{}b*c\_d\textless{}e\textgreater{}\&f\textasciigrave{}g\textbackslash{}h\$i\%j\{k\}\#l"
            r"\textasciitilde{}m\textasciicircum{}n{-}{-}o")  # fmt: skip

    assert escape_latex(EVIL) == name
    assert escape_latex("a\x1b[2J\nb") == r"a\textbackslash{}x1b[2J\textbackslash{}nb"
    assert f"\n{name} & " in table
    assert r"\shortstack[r]{\textbf{0.900}\\{\scriptsize [0.800, 1.000]}}" in table
    assert table.count(r"\textbf{") == 2 * 8  # log loss too, where less is better
    assert table.count("{") == table.count("}")
    assert {line.count(" & ") for line in table.splitlines() if line.endswith(r" \\")} == {9}


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="there is no pdflatex")
def test_latex_fits_its_page(found, tmp_path):
    """Compiled without an error, names and all; nothing stands out over the end of a line."""
    table = paper_table(found, "latex")
    packages = re.search(r"\\usepackage{[a-z,]+}", table)[0]
    page = f"\\documentclass{{article}}\n{packages}\n\\begin{{document}}\n{table}\\end{{document}}\n"
    (tmp_path / "page.tex").write_text(page)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 0 and (tmp_path / "page.pdf").exists()
    assert "Overfull" not in done.stdout and "!" not in done.stdout


def test_columns_are_chosen(found):
    """In the order that was asked for, in every form; unknown ones are named."""
    chosen = ["accuracy", "f1_macro"]
    assert paper_table(found, "markdown", metrics=chosen).startswith("| run | accuracy | F1 macro | seconds |")
    assert "run & accuracy & F1 macro & seconds" in paper_table(found, "latex", metrics=chosen)
    head = paper_table(found, "csv", metrics=chosen).splitlines()[0]
    assert "encoders,accuracy,accuracy_low,accuracy_high,f1_macro," in head
    with pytest.raises(InputError, match="`metrics='beauty'`: choose from accuracy"):
        paper_table(found, "latex", metrics=["beauty"])


def test_csv_has_all_digits(found):
    """For programs: numbers, ends of intervals, verdicts; formulas are harmless on request."""
    found.runs[-1].name = "=1+1"
    rows = list(csv.DictReader(io.StringIO(paper_table(found, "csv", csv_safe=True))))

    assert [row["verdict"] for row in rows] == ["best", "practically the same", "not distinguishable", *["worse"] * 2]
    assert rows[-1]["run"] == "'=1+1"
    assert float(rows[1]["f1_macro"]) == 0.8996
    assert (rows[0]["p_holm"], rows[1]["p_holm"], rows[0]["log_loss_low"]) == ("", "0.02", "")
    with pytest.raises(InputError, match="`to='word'`: choose one of markdown, latex, csv"):
        paper_table(found, "word")


def test_escapes_nothing_that_needs_none():
    """Names as runs have them."""
    assert escape_markdown("static.logistic") == "static.logistic"
    assert escape_latex("static.logistic") == "static.logistic"


def test_of_real_runs(in_tmp):
    """Each form from the command line; not together with --json."""
    from helpers.commands import ROWS
    from helpers.toy import write_csv

    write_csv(in_tmp / "messages.csv", ROWS)
    tk("embed", "--data", "messages.csv")
    tk("classify", "features/messages.static.h5", "--head", "nb", "--head", "majority", "--cv", "3", "--no-report")
    runs = ("runs/messages.static.nb", "runs/messages.static.majority")

    assert "\n| messages.static.nb | **" in tk("compare", *runs, "--to", "markdown").stdout
    assert r"\bottomrule" in tk("compare", *runs, "--to", "latex").stdout
    assert len(list(csv.reader(io.StringIO(tk("compare", *runs, "--to", "csv").stdout)))) == 3
    assert "--to and --json exclude each other" in tk("compare", *runs, "--to", "csv", "--json", code=2).stderr
    assert "--metrics chooses the columns of --to" in tk("compare", *runs, "--metrics", "f1_macro", code=2).stderr
