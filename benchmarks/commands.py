"""Time and peak memory of the main job on some tables: every command in a fresh process, from an empty folder.

Usage: python benchmarks/commands.py TABLE... [--heads logistic,nb]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="+", type=Path)
    parser.add_argument("--heads", default="logistic,nb,dense", help="heads for the static features")
    arguments = parser.parse_args()
    print(f"{'seconds':>8} {'MiB':>6}  command")
    for table in arguments.tables:
        stem = table.name.split(".")[0]
        heads = [part for head in arguments.heads.split(",") for part in ("--head", head)]
        with tempfile.TemporaryDirectory() as folder:
            for encoder in ("static", "words"):
                for _ in range(2):  # the second encodes nothing
                    measure(folder, ["embed", "--encoder", encoder, "--data", str(table.resolve())])
            words = f"features/{stem}.words.h5"
            measure(folder, ["classify", "--features", f"features/{stem}.static.h5", "--cv", "5", *heads])
            measure(folder, ["classify", "--features", words, "--cv", "5", "--head", "nb", "--head", "logistic"])
            run = f"runs/{stem}.words.logistic"
            measure(folder, ["predict", "--run", run, "--data", str(table.resolve()), "--out", "predicted.csv"])


def measure(folder, command):
    """Run one command of tk; print its seconds and the largest memory it ever held."""
    start = time.perf_counter()
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TK_STORE_INDEX": "off"}
    with open(os.devnull, "w") as nothing:
        process = subprocess.Popen(
            [sys.executable, "-m", "cli", *command], cwd=folder, env=environment, stdout=nothing, stderr=nothing
        )
        _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    if status:
        sys.exit(f"failed: tk {' '.join(command)}")
    shown = " ".join(Path(part).name if part.startswith("/") else part for part in command)
    print(f"{seconds:8.2f} {usage.ru_maxrss / 1024:6.0f}  tk {shown}", flush=True)  # Linux counts KiB


if __name__ == "__main__":
    main()
