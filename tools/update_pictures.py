"""Makes the pictures that README.md and docs show, in ``docs/pictures``, and the texts that stand for them.

    python -m tools.update_pictures --sms spam.csv --model all-MiniLM-L6-v2 --experiment experiments/spam

The experiment is that of ``tk run`` whose table docs/how-to/find-the-best.md shows; without it its picture stays as it
is. The top of a report needs Chromium; where there is none, that picture stays as it is.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from classify import read_run
from classify.analysis.comparison import Comparison
from classify.reports.figures.cost import cost as cost_chart
from classify.typed_json import from_json
from embed import read_table
from embed.tables.describe import chart_of_lengths, describe
from stores.shared.plot_style import house_style, save
from tools.update_readme import README, ROOT, replace, run

PICTURES = ROOT / "docs" / "pictures"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
WIDTH, HEIGHT = 1280, 930  # of the page, in pixels
LARGEST = 100_000  # bytes of a picture
HEADS = {"static": ("logistic", "dense"), "words": ("nb", "logistic"), "bert": ("logistic",)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sms", type=Path, required=True, help="table of the SMS")
    parser.add_argument("--model", type=Path, required=True, help="folder of all-MiniLM-L6-v2, for bert")
    parser.add_argument("--experiment", type=Path, help="folder that tk run made, for the picture of its runs")
    given = parser.parse_args()
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        runs = made(given.sms.resolve(), given.model.resolve(), folder)
        said = {
            "report": report(Path(folder) / runs[1]),
            "cost": cost("cost", runs, folder),
            "lengths": lengths(given.sms),
        }
        said["run"] = cost_of_experiment(given.experiment.resolve()) if given.experiment else ("", "")
    for name, (alternative, title) in said.items():
        if alternative:
            show(name, plain(alternative), plain(title))
        size = (PICTURES / f"{name}.png").stat().st_size
        print(f"docs/pictures/{name}.png: {size:,} bytes: {title or 'as it was'}")
        if size > LARGEST:
            sys.exit(f"docs/pictures/{name}.png has {size:,} bytes, more than {LARGEST:,}")


def show(name: str, alternative: str, title: str) -> None:
    """Put the picture with its texts into the pages that have a place for it."""
    for page in (README, *(ROOT / "docs").rglob("*.md")):
        text = page.read_text(encoding="utf-8")
        if f"<!-- picture-{name} -->" in text:
            path = os.path.relpath(PICTURES / f"{name}.png", page.parent)
            page.write_text(replace(text, f"picture-{name}", f'![{alternative}]({path} "{title}")\n'), encoding="utf-8")


def made(sms: Path, model: Path, folder: str) -> list[str]:
    """Five runs on the SMS: three encoders and their heads."""
    runs = []
    for encoder, heads in HEADS.items():
        weights = f" --model {shlex.quote(str(model))}" if encoder == "bert" else ""
        store = f"features/sms.{encoder}.h5"
        run(f"tk embed --encoder {encoder} --data {shlex.quote(str(sms))} --out {store}{weights}", folder)
        run(f"tk classify --features {store} --cv 5 " + " ".join(f"--head {head}" for head in heads), folder)
        runs += [f"runs/sms.{encoder}.{head}" for head in heads]
    return runs


def report(folder: Path) -> tuple[str, str]:
    """The top of a report, as a browser shows it."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        print(f"none of {', '.join(BROWSERS)} is there, so the picture of a report stays as it is", file=sys.stderr)
        return "", ""
    from PIL import Image

    path = PICTURES / "report.png"
    options = ["--headless", "--no-sandbox", "--hide-scrollbars", f"--window-size={WIDTH},{HEIGHT}"]
    options += [f"--screenshot={path}", (folder / "report.html").as_uri()]
    subprocess.run([browser, *options], check=True, capture_output=True)
    with Image.open(path) as picture:
        page = picture.convert("RGB").crop((0, 0, WIDTH, HEIGHT))
    small = page.quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)  # rare colours stay, too
    small.save(path, optimize=True)
    metrics = read_run(folder).metrics
    own, other = (m.overall["f1_macro"] for m in (metrics, metrics.baselines["tfidf+logistic"]))
    title = f"static and dense: F1 macro {own.value:.3f} [{own.low:.3f}, {own.high:.3f}] on the SMS"
    title += f", a bag of words {other.value:.3f}"
    return f"The top of report.html in a browser: scores beside the baselines, and figures. {title}", title


def cost_of_experiment(folder: Path) -> tuple[str, str]:
    """Score against time of the runs in ``experiments/NAME``; their stores are seen from where ``tk run`` was given."""
    runs = [str(recipe.parent) for recipe in sorted(folder.glob("runs/*/recipe.json"))]
    return cost("run", runs, str(folder.parent.parent))


def cost(name: str, runs: list[str], folder: str) -> tuple[str, str]:
    """Score against time, as ``tk compare --out`` draws it."""
    found = from_json(Comparison, json.loads(run(f"tk compare {shlex.join(runs)} --json", folder)))
    with house_style():
        chart = cost_chart(found)
        if chart is None:
            sys.exit("the runs do not know what they cost")
        save(chart, PICTURES / f"{name}.png")
    points = [f"{e.name} {e.scores[found.by].value:.3f} in {e.cost.seconds:.1f} s" for e in found.runs]
    return f"{chart.finding}. {chart.basis}: {', '.join(points)}", chart.finding


def lengths(sms: Path) -> tuple[str, str]:
    """Lengths of texts by class, as ``tk describe --out`` draws them."""
    found = describe(read_table(sms, bad_rows="skip"))
    with house_style():
        chart = chart_of_lengths(found)
        save(chart, PICTURES / "lengths.png")
    return f"{chart.finding}. {chart.basis}", chart.finding


def plain(text: str) -> str:
    """Without what would end an alternative text or a title in Markdown."""
    return text.replace("[", "(").replace("]", ")").replace('"', "'")


if __name__ == "__main__":
    main()
