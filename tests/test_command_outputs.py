"""Where commands write: signals, pipes, addresses and full disks."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner
from helpers import ROOT
from helpers.commands import LETTERS, ROWS
from helpers.stores import make_store, pooled
from helpers.toy import write_csv

from cli import cli
from embed import read_table
from stores import InputError

SLOW = """
import os, signal, sys
import classify.predict
from cli import cli
number = getattr(signal, sys.argv.pop())  # and heeded, even where a parent ignores it
signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
def slowly(self, *given):
    yield {"predicted": "a"}
    os.kill(os.getpid(), number)
    yield {"predicted": "b"}
classify.predict.Predictor.named = slowly
cli()
"""


@pytest.mark.slow
@pytest.mark.parametrize(("name", "code"), [("SIGTERM", 143), ("SIGHUP", 129), ("SIGINT", 130)])
def test_signal_leaves_no_half_file(trained, name, code):
    """One line, exit code 128 + n, and nothing but what was there."""
    before = sorted(os.listdir())
    command = ["predict", "--run", "runs/messages.static.logistic", "--text", "hello", "--out", "p.csv", name]
    done = subprocess.run(
        [sys.executable, "-c", SLOW, *command],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )

    assert done.returncode == code
    how = "interrupted" if name == "SIGINT" else f"ended by {name}"
    left = "no output that is not whole is kept; with --checkpoint the same command goes on from there"
    assert done.stderr.lstrip() == f"Error: {how}; {left}\n"
    assert sorted(os.listdir()) == before


ENDED = """
import os, signal, sys
from cli import cli
{patch}
cli()
"""
IN_EMBED = """
from embed.encoders.static import StaticEncoder
StaticEncoder.encode_prepared = lambda self, prepared: os.kill(os.getpid(), signal.SIGTERM)
"""
IN_CLASSIFY = """
from classify.heads.logistic import LogisticHead
for name in ("fit", "fit_many", "fit_folds", "_fit"):
    if hasattr(LogisticHead, name):
        setattr(LogisticHead, name, lambda *args, **options: os.kill(os.getpid(), signal.SIGTERM))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("patch", "command", "left"),
    [
        (
            IN_EMBED,
            "embed messages.csv --out new.h5",
            "what is finished is kept, and the same command goes on from there",
        ),
        (IN_CLASSIFY, "classify features/messages.static.h5 --cv 2 --no-report --out new", "files and runs that were"),
    ],
)
def test_scheduler_ends_long_work(trained, patch, command, left):
    """SIGTERM in the middle: one line, 143, nothing half; then the same command works."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", ENDED.format(patch=patch), *command.split()],
        capture_output=True, text=True, env=environment,
    )  # fmt: skip

    assert done.returncode == 143, done.stderr
    assert f"Error: ended by SIGTERM; {left}" in done.stderr
    assert not Path(command.split()[-1]).exists()
    assert not list(Path().rglob("*.partial"))
    assert CliRunner().invoke(cli, command.split()).exit_code == 0


def test_predict_writes_through_and_never_over(trained):
    """To a pipe, to standard output by its name, and to a file only once."""
    predict = ["predict", "--run", "runs/messages.static.logistic", "--text", "WIN cash 3"]
    plain = CliRunner().invoke(cli, predict)
    assert CliRunner().invoke(cli, [*predict, "--out", "-"]).stdout == plain.stdout
    os.mkfifo("pipe")
    read = []
    reader = threading.Thread(target=lambda: read.append(Path("pipe").read_text()))
    reader.start()
    assert CliRunner().invoke(cli, [*predict, "--out", "pipe"]).exit_code == 0
    reader.join()
    assert read == [plain.stdout]
    assert CliRunner().invoke(cli, [*predict, "--out", "p.csv"]).exit_code == 0
    again = CliRunner().invoke(cli, [*predict, "--out", "p.csv"])
    assert (again.exit_code, again.stderr) == (
        2, "Error: p.csv exists already; give another --out, or --overwrite\n"
    )  # fmt: skip
    assert CliRunner().invoke(cli, [*predict, "--out", "p.csv", "--overwrite"]).exit_code == 0


@pytest.mark.parametrize(
    "line",
    [
        "classify --features t.h5 --out abfs://box/run",
        "features merge t.h5 t.h5 --out s3://bucket/a.h5",
        "features export t.h5 --to csv --out s3://bucket/a.csv",
        "features export t.h5 --to projector --out s3://bucket/a",
        "predict --run run --data t.csv --out S3://bucket/p.csv",
    ],
)
def test_an_address_is_no_output(in_tmp, line):
    """Nothing is written, least of all a folder that is called ``s3:``."""
    write_csv(in_tmp / "t.csv", ROWS[:12])
    make_store(in_tmp / "t.h5", pooled([[i, i % 3] for i in range(30)]), ["a", "b", "b"] * 10, LETTERS[:30])
    before = sorted(in_tmp.rglob("*"))
    result = CliRunner().invoke(cli, line.split())

    address = line.split()[-1]
    assert result.exit_code == 2
    assert f"Error: {address}: nothing is written there; give a path of this machine as --out" in result.stderr
    assert sorted(in_tmp.rglob("*")) == before


@pytest.mark.parametrize(
    ("address", "advice"),
    [
        ("https://x.org/a.csv?b&c", ", or pipe it in, with - in its place: curl -L 'https://x.org/a.csv?b&c'"),
        ("ftp://x.org/*.parquet", ""),
    ],
)
def test_an_address_of_another_kind_is_no_table(in_tmp, address, advice):
    """It is said how to read it all the same; a folder that is called so is read."""
    for way in (lambda: read_table(address), lambda: read_table(Path(address))):
        with pytest.raises(InputError) as error:
            way()
        scheme = address.partition(":")[0]
        known = "s3://, gs://, abfs://, hdfs://, hf://"
        assert str(error.value) == (
            f"{address}: no tables are read from {scheme}://, but from {known}; copy it first{advice}"
        )
    (in_tmp / "s3:").mkdir()
    write_csv(in_tmp / "s3:" / "t.csv", ROWS[:12])
    assert read_table("s3:/t.csv").most_rows


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has /dev/full")
def test_a_full_disk_behind_standard_output_is_no_riddle():
    """One line that says what to do, with nothing to report to anybody."""
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "cli", "heads"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, cwd=ROOT, check=False)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "could not be written: No space left on device; make room there" in done.stderr
