"""Runs the commands whose output the pages show, and puts the real output there.

    python -m tools.update_readme [--tables spam.csv emails.csv.gz train.csv]

What stands between ``<!-- name -->`` and ``<!-- /name -->`` is replaced: the demo, a prediction, and, if tables are
given, the scores on these. ``make docs`` runs it without tables.
"""

from __future__ import annotations

import argparse
import json
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
SCORES = [("static", "logistic"), ("static", "dense"), ("static", "nb"), ("words", "nb"), ("words", "logistic")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", nargs="*", type=Path, default=[], help="tables for the scores")
    tables = [table.resolve() for table in parser.parse_args().tables]
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(ROOT / "examples", Path(folder) / "examples")
        for name in ("demo", "predict"):
            put(name, lambda text, name=name: session(text, name, folder))
        if tables:
            put("scores", lambda text: scores(tables, folder))


def put(name: str, make: Callable[[str], str]) -> None:
    """Fill the place of this name in the page that has it with what ``make`` makes of the page."""
    for page in (README, *sorted((ROOT / "docs").rglob("*.md"))):
        text = page.read_text(encoding="utf-8")
        if f"<!-- {name} -->" in text:
            page.write_text(replace(text, name, make(text)), encoding="utf-8")


def session(text: str, name: str, folder: str) -> str:
    """The commands of a block, each with its output."""
    commands = re.findall(r"^\$ (.+)$", block(text, name), re.MULTILINE)
    shown = [f"$ {command}\n{run(command, folder)}" for command in commands]
    return "```console\n" + "\n".join(shown) + "```\n"


def scores(tables: list[Path], folder: str) -> str:
    """A table of F1 and PR-AUC: one row an encoder and head, one column a table of texts."""
    rows = {pair: [] for pair in [("", "majority"), *SCORES]}
    for table in tables:
        stem = table.name.split(".")[0]
        for encoder in ("static", "words"):
            run(f"tk embed --encoder {encoder} --data {shlex.quote(str(table))}", folder)
            heads = " ".join(f"--head {head}" for name, head in SCORES if name == encoder)
            found = json.loads(run(f"tk classify --features features/{stem}.{encoder}.h5 {heads} --json", folder))
            for result in found:
                rows[encoder, result["recipe"]["head"]["name"]].append(cell(result["metrics"]))
        rows["", "majority"].append(cell(found[0]["metrics"]["baselines"]["majority"]))
    names = [f"{table.parent.name}/{table.name}" for table in tables]
    lines = ["| encoder | head | " + " | ".join(names) + " |", "| --- | --- |" + " --- |" * len(names)]
    lines += [f"| {encoder} | {head} | " + " | ".join(cells) + " |" for (encoder, head), cells in rows.items()]
    return "\n".join(lines) + "\n"


def cell(metrics: dict) -> str:
    """Accuracy, F1 with interval, and PR-AUC."""
    accuracy, f1, pr = (metrics["overall"][name] for name in ("accuracy", "f1_macro", "pr_auc"))
    interval = f"[{f1['low']:.3f}, {f1['high']:.3f}]"
    return f"accuracy {accuracy['value']:.3f}, F1 {f1['value']:.3f} {interval}, PR-AUC {pr['value']:.3f}"


def run(command: str, folder: str) -> str:
    """The standard output of a command of tk."""
    arguments = [sys.executable, "-m", "cli", *shlex.split(command)[1:]]
    environment = {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", "TK_STORE_INDEX": "off"}
    done = subprocess.run(arguments, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{command}: {done.stderr}")
    return "\n".join(line.rstrip() for line in done.stdout.splitlines()) + "\n"


def block(text: str, name: str) -> str:
    return re.search(rf"<!-- {name} -->\n(.*?)<!-- /{name} -->", text, re.DOTALL).group(1)


def replace(text: str, name: str, content: str) -> str:
    return text.replace(f"<!-- {name} -->\n{block(text, name)}", f"<!-- {name} -->\n{content}")


if __name__ == "__main__":
    main()
