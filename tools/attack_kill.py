"""Kills ``tk embed`` with SIGKILL at random moments until it gets through, again and again, and compares the stores.

    python -m tools.attack_kill --data table.csv --encoder static --kills 200

Every round starts with no store. The command is started and killed after a random time, up to a part of what an
undisturbed run takes, until a run ends by itself; then the store must verify and have the digest of the undisturbed
run's. Anything else ends the script with exit code 1. A table of some 100,000 rows gives a dozen parts.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from stores import FeatureStore

ROOT = Path(__file__).parents[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--encoder", default="static")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    command = [sys.executable, "-m", "cli", "embed", "--encoder", options.encoder]
    command += ["--data", str(options.data.resolve()), "--out", "a.h5"]
    rng, kills, rounds = random.Random(options.seed), 0, 0
    with tempfile.TemporaryDirectory() as folder:
        start = time.monotonic()
        expected = digest_after(command, Path(folder))
        whole = time.monotonic() - start
    while kills < options.kills:
        with tempfile.TemporaryDirectory() as folder:
            while killed(command, Path(folder), rng.uniform(0, 0.7) * whole):
                kills += 1
                check(Path(folder))
            if digest_after(command, Path(folder)) != expected:
                sys.exit(f"round {rounds}, seed {options.seed}: the store differs from that of an undisturbed run")
        rounds += 1
        print(f"\r{kills} kills in {rounds} rounds, every store the same", end="", flush=True)
    print()


def killed(command: list[str], folder: Path, after: float) -> bool:
    """Start the command; whether it had to be killed after so many seconds."""
    process = start(command, folder)
    try:
        process.wait(after)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait() != 0
    if process.returncode:
        sys.exit(f"the command failed by itself: {' '.join(command)}")
    return False


def digest_after(command: list[str], folder: Path) -> str:
    """Run the command to its end; the digest of the store, every byte of which was checked."""
    if start(command, folder).wait():
        sys.exit(f"the command failed: {' '.join(command)}")
    with FeatureStore(folder / "a.h5") as store:
        store.verify()
        return store.digest


def check(folder: Path) -> None:
    """After a kill: there is no store, or a whole one."""
    if (folder / "a.h5").exists():
        with FeatureStore(folder / "a.h5") as store:
            store.verify()


def start(command: list[str], folder: Path) -> subprocess.Popen:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TK_STORE_INDEX": "off"}
    nothing = subprocess.DEVNULL
    return subprocess.Popen(command, cwd=folder, env=environment, stdout=nothing, stderr=nothing)


if __name__ == "__main__":
    main()
