"""What ``make results`` makes again: docs/results.md and the pictures of the pages."""

import json
import re
import shlex
import shutil
import subprocess

import pytest
from helpers import ROOT

from classify import classify
from cli import cli
from tools import update_pictures
from tools.update_results import commands, filled, scores

RESULTS = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")


def test_cells_are_the_numbers_of_the_run(separable, in_tmp):
    """The run itself, a baseline, a class and a point of the learning curve."""
    classify(separable, ["nb"], test_size=0.25, learning_curve=[0.5], out=in_tmp / "runs" / "a")
    metrics = json.loads((in_tmp / "runs" / "a" / "metrics.json").read_text())
    accuracy = metrics["overall"]["accuracy"]

    found = scores(in_tmp / "runs", "a", ["accuracy", "recall"])
    assert found == [
        f"{accuracy['value']:.3f} [{accuracy['low']:.3f}, {accuracy['high']:.3f}]",
        f"{metrics['per_class']['yes']['recall']:.3f}",
    ]
    (half,) = metrics["learning_curve"]
    for name, other in (("majority", metrics["baselines"]["majority"]), ("50%", half)):
        assert (
            scores(in_tmp / "runs", f"a: {name}", ["F1 macro"])[0][:5] == f"{other['overall']['f1_macro']['value']:.3f}"
        )
    classify(separable, ["dense:units=4,epochs=2"], test_size=0.25, report_epochs=[1], out=in_tmp / "runs" / "b")
    (first,) = json.loads((in_tmp / "runs" / "b" / "metrics.json").read_text())["epochs"]
    recall = f"{first['overall']['recall_positive']['value']:.3f}"
    assert scores(in_tmp / "runs", "b: epoch 1", ["recall"]) == [recall]
    page = (
        "| published | run | ours | holds |\n| --- | --- | --- | --- |\n| accuracy {} | `a` | | |\n| | `gone` | old | |"
    )
    for published, verdict in (("0.0", "higher"), (f"{accuracy['value']:.3f}", "holds")):
        assert verdict in filled(page.format(published), in_tmp / "runs").splitlines()[2]
    assert filled(page.format("0.5"), in_tmp / "runs").splitlines()[3] == "| | `gone` | old | |"
    with pytest.raises(SystemExit, match="no metric is called 'beauty'"):
        scores(in_tmp / "runs", "a", ["beauty"])


def test_every_cell_of_the_results_is_filled():
    """The tables with a column ``run`` are full, and the commands have the options that they use."""
    rows = re.findall(r"^\|.*\| (`(?!tk )[a-z0-9.:+% -]+` \|.*)\|$", RESULTS, re.MULTILINE)
    assert len(rows) >= 15
    for row in rows:
        assert all(re.match(r"\d\.\d{3}|holds$|ours is |$", cell.strip()) for cell in row.split("|")[1:]), row
    for line in commands(RESULTS):
        words = shlex.split(line)
        known = {option for parameter in cli.commands[words[1]].params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= known, line


def test_pictures_of_the_pages():
    """Each is there and small, says in words what it shows, and has a title."""
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    texts = [page.read_text(encoding="utf-8") for page in pages]
    pictures = [
        (alternative, page.parent / path, title)
        for page, text in zip(pages, texts, strict=True)
        for alternative, path, title in re.findall(r'!\[([^\]]*)\]\(([^ )]+)(?: "([^"]*)")?\)', text)
    ]
    assert len(pictures) >= 3
    for alternative, path, title in pictures:
        assert len(alternative) > 30 and len(title) > 15
        assert path.stat().st_size < 100_000


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")
def test_make_results_names_what_is_missing():
    """One line that says which variable."""
    done = subprocess.run(["make", "results", "SMS=README.md"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert re.fullmatch(r"Makefile:\d+: \*\*\* make results: EMAILS= names no file or folder; .*\n", done.stderr)


@pytest.mark.slow
def test_picture_of_an_experiment(trained, tmp_path, monkeypatch):
    """All of its runs, whose stores are seen from where it was asked for; each with its score and seconds."""
    shutil.copytree("runs", "experiments/messages/runs")
    (tmp_path / "pictures").mkdir()
    monkeypatch.setattr(update_pictures, "PICTURES", tmp_path / "pictures")
    monkeypatch.chdir(tmp_path / "pictures")
    said, _ = update_pictures.cost_of_experiment(trained / "experiments" / "messages")
    assert [path.name for path in (tmp_path / "pictures").iterdir()] == ["run.png"]
    for run in ("messages.static.logistic", "messages.words.logistic"):
        value = json.loads((trained / "runs" / run / "metrics.json").read_text())["overall"]["f1_macro"]["value"]
        assert f"{run} {value:.3f} in " in said
