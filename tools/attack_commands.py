"""Sends signals to commands, and has them write onto devices, pipes, links and private files.

    python -m tools.attack_commands --seed 1 --count 60

signals     ``tk embed`` and ``tk classify`` get SIGINT, SIGTERM or SIGHUP at a random moment: one line, an exit code of
            128 and the signal, and nothing half may be left
devices     every command that writes, onto a device, a pipe, a link and a file that only its owner may read, with and
            without --overwrite: written through or refused in one line, and these must be what they were

Anything else is printed, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tools.attack_folders import ROOT, texts


def started(arguments: list[str], folder: Path) -> subprocess.Popen:
    """A command of ``tk``."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TK_STORE_INDEX": "off"}
    pipe = subprocess.PIPE
    command = [sys.executable, "-m", "cli", *arguments]
    return subprocess.Popen(command, cwd=folder, env=environment, stdout=pipe, stderr=pipe, text=True)


def listing(folder: Path) -> dict[str, int]:
    """Every file below a folder, with its size."""
    return {str(path.relative_to(folder)): path.stat().st_size for path in folder.rglob("*") if path.is_file()}


def attack_signals(count: int, seed: int) -> int:
    """A signal at a random moment of ``tk embed`` or ``tk classify``: a message, the exit code, nothing half."""
    rng, counts, offences = random.Random(seed), Counter[str](), 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "a.csv").write_text("label,text\n" + "".join(f"{a},{b} of {a}\n" for a, b in texts(20_000)))
        if started(["embed", "a.csv", "--encoder", "words", "--out", "whole.h5"], folder).wait():
            sys.exit("tk embed fails by itself")
        (folder / "runs").mkdir()
        for number in range(count):
            embeds, which = number % 2 == 0, rng.choice([signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
            arguments = ["embed", "a.csv", "--encoder", "words", "--out", "new.h5"]
            if not embeds:
                arguments = ["classify", "whole.h5", "--head", "nb", "--cv", "2", "--out", "runs/new", "--no-report"]
            before = listing(folder)
            process = started(arguments, folder)
            time.sleep(rng.uniform(0.15, 1.2 if embeds else 3.0))
            process.send_signal(which)
            _, said = process.communicate()
            kind, new = _after_signal(process.returncode, said, which), set(listing(folder)) - set(before)
            if kind != "ended before the signal" and any(not path.endswith(".parts") for path in new if "tmp" in path):
                kind = f"left {sorted(new)[:3]}"
            offence = not kind.startswith(("ended", "one line", "before"))
            offences += offence
            counts["OFFENCE" if offence else kind] += 1
            if offence:
                print(f"  {number}, {which.name}, {' '.join(arguments[:2])}: {kind[:300]}")
            for path in ("new.h5", "runs/new"):
                shutil.rmtree(folder / path, ignore_errors=True)
                (folder / path).unlink(missing_ok=True)
    print(f"signals: {count}: " + ", ".join(f"{count} {kind}" for kind, count in counts.most_common()))
    return offences


def _after_signal(code: int, said: str, which: signal.Signals) -> str:
    if code == 0:
        return "ended before the signal"
    if code == -which:
        return "before the program had begun (Python's own start)"
    if code == 128 + which and "Traceback" not in said:
        return "one line, exit code 128 + signal"
    return f"exit code {code}: {said[-200:]}"


def attack_devices() -> int:
    """Outputs onto a device, a pipe, a link and a private file: written through or refused, and never replaced."""
    offences, kinds = 0, Counter[str]()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "a.csv").write_text("label,text\n" + "".join(f"{a},{b}\n" for a, b in texts(60)))
        made = "embed a.csv --encoder words --out a.h5", "classify a.h5 --head nb --cv 2 --no-report --out run"
        for command in made:
            if started(command.split(), folder).wait():
                sys.exit(f"tk {command} fails by itself")
        (folder / "target").write_text("mine")
        (folder / "link").symlink_to("target")
        os.mkfifo(folder / "pipe")
        (folder / "private").write_text("mine")
        (folder / "private").chmod(0o600)
        os.mknod(folder / "null", 0o666 | 0o020000, os.makedev(1, 3))
        commands = [
            ["predict", "run", "a.csv"], ["features", "export", "a.h5", "--to", "csv"], ["embed", "a.csv"],
            ["describe", "a.csv"], ["features", "merge", "a.h5", "a.h5"], ["report", "run"],
        ]  # fmt: skip
        for command in commands:
            for out in ("null", "pipe", "link", "private"):
                for more in ([], ["--overwrite"]):
                    kind = _onto(folder, [*command, "--out", out, *more], out)
                    offences += kind.startswith("OFFENCE")
                    kinds[kind.split(":")[0]] += 1
                    if kind.startswith("OFFENCE"):
                        print(f"  {' '.join([*command, '--out', out, *more])}: {kind[:200]}")
    print(f"devices: {sum(kinds.values())}: " + ", ".join(f"{count} {kind}" for kind, count in kinds.most_common()))
    return offences


def _onto(folder: Path, arguments: list[str], out: str) -> str:
    """What becomes of an output, which is put back to what it was."""
    before = os.lstat(folder / out)
    reader = subprocess.Popen(["cat", folder / "pipe"], stdout=subprocess.DEVNULL) if out == "pipe" else None
    process = started(arguments, folder)
    _, said = process.communicate()
    if reader:
        reader.kill()
        reader.wait()
    after = os.lstat(folder / out)
    changed = (before.st_mode, before.st_rdev) != (after.st_mode, after.st_rdev)
    (folder / "target").write_text("mine")
    if "Traceback" in said or "unforeseen" in said:
        return f"OFFENCE: {said[-200:]}"
    if changed:
        return f"OFFENCE: {out} is another kind of file, or has another mode"
    return "written through" if process.returncode == 0 else "refused in one line"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=60, help="signals")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    sys.exit(bool(attack_signals(options.count, options.seed) + attack_devices()))


if __name__ == "__main__":
    main()
