"""Runs the commands that docs/results.md shows and puts their scores into its tables.

    python -m tools.update_results --sms spam.csv --tweets train.csv --emails emails.csv.gz --toxic train.5k.csv \\
        --imdb aclImdb --glove glove.6B.50d.txt --use use-multilingual-3 --minilm all-MiniLM-L6-v2 \\
        --unlabelled test.csv --folder work

A table with a column ``run`` is filled: what stands left of it is kept, such as published figures; each column right of
it is a metric of that run. ``tweets.words.nb: majority`` is a baseline of the run, ``tweets.static.dense: 10%`` a point
of its learning curve, ``sms.static.dense: epoch 10`` its scores then. ``ours`` is the metric that the column
``published`` names, and ``holds`` says whether the published number lies in its interval. A row whose run is not there
stays as it is. With ``--folder`` what is done is kept there with what the commands said (``said.txt``), and not done
again. What the sentences around the tables say is for a person to read again.
"""

from __future__ import annotations

import argparse
import re
import shlex
import sys
import tempfile
from pathlib import Path

from classify import read_run
from classify.metrics_json import EpochPoint, Estimate, LearningPoint, Summary
from tools.update_readme import ROOT, run

RESULTS = ROOT / "docs" / "results.md"
NAMES = {
    "sms": "spam.csv", "tweets": "train.csv", "emails": "emails.csv.gz", "toxic": "train.5k.csv", "imdb": "aclImdb",
    "glove": "glove.6B.50d.txt", "use": "use-multilingual-3", "minilm": "all-MiniLM-L6-v2", "unlabelled": "test.csv",
}  # fmt: skip # as typed
NEEDED = ("sms", "tweets", "emails", "toxic")
OVERALL = {"accuracy": "accuracy", "F1 macro": "f1_macro", "ROC-AUC": "roc_auc", "PR-AUC": "pr_auc"}
OF_POSITIVE = ("precision", "recall")
PUBLISHED = re.compile(rf"({'|'.join([*OVERALL, *OF_POSITIVE])}) (?:about )?(\d\.\d+)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, table in NAMES.items():
        parser.add_argument(f"--{name}", type=Path, required=name in NEEDED, help=table)
    parser.add_argument("--folder", type=Path, help="where stores and runs are kept  [default: a temporary one]")
    given = vars(parser.parse_args())
    kept = given.pop("folder")
    tables = {NAMES[name]: str(path.resolve()) for name, path in given.items() if path is not None}
    lacking = set(NAMES.values()) - tables.keys()
    text = RESULTS.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as scratch:
        folder = kept or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        done = folder / "done.txt"
        done.touch()
        for command in commands(text):
            words = shlex.split(command)
            if command in done.read_text(encoding="utf-8").splitlines() or lacking & set(words):
                continue
            print(command, flush=True)
            said = run(shlex.join(tables.get(word, word) for word in words), str(folder))
            for path, content in ((done, f"{command}\n"), (folder / "said.txt", f"$ {command}\n{said}\n")):
                with open(path, "a", encoding="utf-8") as file:
                    file.write(content)
        RESULTS.write_text(filled(text, folder / "runs"), encoding="utf-8")
    print(f"wrote {RESULTS.name}; read again what its sentences say of the numbers")


def filled(text: str, runs: Path) -> str:
    """The page with the scores of these runs."""
    lines, header, last = [], [], ""
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        header = (header or cells) if cells else []
        if "run" in header and cells != header and not set(line) <= set("|- "):
            place = header.index("run")
            name = cells[place].strip("`")
            if name and (runs / name.partition(": ")[0] / "metrics.json").exists():
                published = cells[header.index("published")] if "published" in header else ""
                last = published or last
                cells[place + 1 :] = scores(runs, name, header[place + 1 :], last)
                if not published and "holds" in header:
                    cells[header.index("holds")] = ""
                line = "| " + " | ".join(cells) + " |"
        lines.append(line)
    return "\n".join(lines) + "\n"


def commands(text: str) -> list[str]:
    """The indented command lines, those with a backslash at their end joined to the next."""
    return re.findall(r"^    (tk .+)$", re.sub(r" \\\n\s+", " ", text), re.MULTILINE)


def scores(runs: Path, name: str, columns: list[str], published: str = "") -> list[str]:
    """The cells of a row: each metric in ``columns``, with its interval where it has one; see the module for others."""
    name, _, part = name.partition(": ")
    found = read_run(runs / name)
    metrics: Summary | LearningPoint | EpochPoint = found.metrics
    if part.endswith("%"):
        (metrics,) = (point for point in found.metrics.learning_curve if f"{point.share:.0%}" == part)
    elif part.startswith("epoch "):
        (metrics,) = (point for point in found.metrics.epochs if f"epoch {point.epoch}" == part)
    elif part:
        metrics = found.metrics.baselines[part]
    positive = str(found.recipe.positive)
    named = PUBLISHED.match(published)
    if named is None:
        return [cell(metrics, positive, column) for column in columns]
    ours = score_of(metrics, named[1])
    special = {"ours": with_interval(ours), "holds": verdict(ours, float(named[2]))}
    return [special[column] if column in special else cell(metrics, positive, column) for column in columns]


def verdict(ours: Estimate, published: float) -> str:
    """Whether a published number lies in our interval; empty where there is none."""
    if ours.low is None and ours.high is None:
        return ""
    if (ours.low or 0) > published:
        return "ours is higher"
    return "holds" if (ours.high or 1) >= published else "ours is lower"


def score_of(metrics: Summary | LearningPoint | EpochPoint, name: str) -> Estimate:
    """A metric by its name on the page."""
    return metrics.overall[OVERALL.get(name) or f"{name}_positive"]


def cell(metrics: Summary | LearningPoint | EpochPoint, positive: str, column: str) -> str:
    if column in OF_POSITIVE:
        if isinstance(metrics, Summary):
            return f"{metrics.per_class[positive][column]:.3f}"
        return f"{metrics.overall[f'{column}_positive'].value:.3f}"
    if column not in OVERALL:
        sys.exit(f"{RESULTS.name}: no metric is called {column!r}")
    return with_interval(metrics.overall[OVERALL[column]])


def with_interval(score: Estimate) -> str:
    """A score as it is printed; some have no interval."""
    ends = "" if score.low is None or score.high is None else f" [{score.low:.3f}, {score.high:.3f}]"
    return f"{score.value:.3f}{ends}"


if __name__ == "__main__":
    main()
