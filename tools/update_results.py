"""Runs the commands that docs/results.md shows and puts their scores into its tables.

    python -m tools.update_results --sms spam.csv --tweets train.csv --emails emails.csv.gz --toxic train.5k.csv

A table with a column ``run`` is filled: what stands left of it is kept, such as published figures; each column right of
it is a metric of that run. ``tweets.words.nb: majority`` is a baseline of the run, ``tweets.static.dense: 10%`` a point
of its learning curve, ``sms.static.dense: epoch 10`` its scores then. What the sentences around the tables say is for
a person to read again.
"""

from __future__ import annotations

import argparse
import re
import shlex
import sys
import tempfile
from pathlib import Path

from classify import read_run
from classify.records import EpochPoint, LearningPoint, Summary
from tools.update_readme import ROOT, run

RESULTS = ROOT / "docs" / "results.md"
NAMES = {"sms": "spam.csv", "tweets": "train.csv", "emails": "emails.csv.gz", "toxic": "train.5k.csv"}  # as typed
OVERALL = {"accuracy": "accuracy", "F1 macro": "f1_macro", "ROC-AUC": "roc_auc", "PR-AUC": "pr_auc"}
OF_POSITIVE = ("precision", "recall")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, table in NAMES.items():
        parser.add_argument(f"--{name}", type=Path, required=True, help=table)
    given = vars(parser.parse_args())
    tables = {NAMES[name]: str(path.resolve()) for name, path in given.items()}
    text = RESULTS.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        for command in commands(text):
            print(command, flush=True)
            run(shlex.join(tables.get(word, word) for word in shlex.split(command)), folder)
        lines, header = [], []
        for line in text.splitlines():
            cells = [cell.strip() for cell in line.split("|")[1:-1]]
            header = (header or cells) if cells else []
            if "run" in header and cells != header and not set(line) <= set("|- "):
                place = header.index("run")
                found = scores(Path(folder) / "runs", cells[place].strip("`"), header[place + 1 :])
                line = "| " + " | ".join([*cells[: place + 1], *found]) + " |"
            lines.append(line)
    RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"wrote {RESULTS.name}; read again what its sentences say of the numbers")


def commands(text: str) -> list[str]:
    """The indented command lines, those with a backslash at their end joined to the next."""
    return re.findall(r"^    (tk .+)$", re.sub(r" \\\n\s+", " ", text), re.MULTILINE)


def scores(runs: Path, name: str, columns: list[str]) -> list[str]:
    """The cells of a row: each metric in ``columns``, with its interval where it has one."""
    name, _, part = name.partition(": ")
    found = read_run(runs / name)
    metrics: Summary | LearningPoint | EpochPoint = found.metrics
    if part.endswith("%"):
        (metrics,) = (point for point in found.metrics.learning_curve if f"{point.share:.0%}" == part)
    elif part.startswith("epoch "):
        (metrics,) = (point for point in found.metrics.epochs if f"epoch {point.epoch}" == part)
    elif part:
        metrics = found.metrics.baselines[part]
    return [cell(metrics, found.recipe.positive, column) for column in columns]


def cell(metrics: Summary | LearningPoint | EpochPoint, positive: str, column: str) -> str:
    if column in OF_POSITIVE:
        if isinstance(metrics, Summary):
            return f"{metrics.per_class[positive][column]:.3f}"
        return f"{metrics.overall[f'{column}_positive'].value:.3f}"
    if column not in OVERALL:
        sys.exit(f"{RESULTS.name}: no metric is called {column!r}")
    score = metrics.overall[OVERALL[column]]
    return f"{score.value:.3f} [{score.low:.3f}, {score.high:.3f}]"


if __name__ == "__main__":
    main()
