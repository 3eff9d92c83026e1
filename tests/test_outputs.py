"""Where commands write: a device, pipe or link is written through, nothing is replaced unasked or left half."""

import io
import os
import stat
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
from stores import FailureError, InputError
from stores.shared.files import regular_output, whole_file
from stores.shared.outputs import output_file, output_text


def write(path, text="new", **options):
    """Some text by way of a temporary path."""
    with output_file(path, **options) as temporary:
        temporary.write_text(text)


def write_stream(path, text="new", **options):
    """Some text as a stream."""
    with output_text(path, **options) as file:
        file.write(text)


WAYS = pytest.mark.parametrize("way", [write, write_stream])


@WAYS
def test_existing_file_is_replaced_only_when_asked(tmp_path, way):
    """Refused before anything is written, and left as it was."""
    path = tmp_path / "a.csv"
    way(path, "old")
    with pytest.raises(InputError, match="a.csv exists already; give another `out`, or `overwrite=True`"):
        way(path)
    assert path.read_text() == "old"
    way(path, overwrite=True)

    assert path.read_text() == "new"
    with pytest.raises(InputError, match="is a folder"):
        way(tmp_path)


@WAYS
def test_mode_of_a_private_file_is_kept(tmp_path, way):
    """Also while it is being written; a new file has the mode that the umask gives."""
    path = tmp_path / "a.csv"
    path.write_text("old")
    path.chmod(0o600)
    way(path, overwrite=True)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with output_file(path, overwrite=True) as temporary:
        temporary.write_text("newer")
        assert stat.S_IMODE(temporary.stat().st_mode) == 0o600
    before = os.umask(0o027)
    try:
        way(tmp_path / "b.csv")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "b.csv").stat().st_mode) == 0o640


@WAYS
def test_link_is_followed(tmp_path, way):
    """The file that it leads to is replaced or made, the link stays; also where it leads to another folder."""
    (tmp_path / "real").mkdir()
    (tmp_path / "real/a.csv").write_text("old")
    for name in ("a.csv", "new.csv"):
        (tmp_path / name).symlink_to(f"real/{name}")
    with pytest.raises(InputError, match="exists already"):
        way(tmp_path / "a.csv")
    for name in ("a.csv", "new.csv"):
        way(tmp_path / name, overwrite=True)

        assert (tmp_path / name).is_symlink()
        assert (tmp_path / "real" / name).read_text() == "new"
    assert sorted(os.listdir(tmp_path / "real")) == ["a.csv", "new.csv"]


@WAYS
def test_pipe_is_written_through(tmp_path, way):
    """Its reader gets all, and it stays a pipe."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    for name in ("pipe", "link"):
        read = []
        reader = threading.Thread(target=lambda got=read: got.append((tmp_path / "pipe").read_text()))
        reader.start()
        way(tmp_path / name, "through")
        reader.join()

        assert read == ["through"]
        assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


@WAYS
@pytest.mark.skipif(sys.platform != "linux", reason="the terminal of its own is Linux's")
def test_device_is_written_through(way):
    """A terminal of its own stands for all devices: it gets the text, and stays what it is."""
    ours, theirs = os.openpty()
    name = os.ttyname(theirs)
    try:
        way(Path(name), "hello")
        assert os.read(ours, 100) == b"hello"
        assert stat.S_ISCHR(os.stat(name).st_mode)
    finally:
        os.close(ours)
        os.close(theirs)


def test_what_must_be_a_file_is_refused_elsewhere(tmp_path):
    """A store is no stream; and a file is never renamed over a pipe."""
    os.mkfifo(tmp_path / "pipe")
    for out in (tmp_path / "pipe", tmp_path):
        with pytest.raises(InputError, match="a store cannot be written to .*, which is no file"):
            regular_output(out, "a store")
        with pytest.raises(InputError, match="which is no file"), whole_file(out):
            raise AssertionError("must not be reached")
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


@WAYS
def test_failure_leaves_nothing(tmp_path, way):
    """Neither a half file nor a temporary one."""
    (tmp_path / "a.csv").write_text("old")
    with pytest.raises(RuntimeError), output_text(tmp_path / "a.csv", overwrite=True) as file:
        file.write("half")
        raise RuntimeError
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]
    with pytest.raises(FailureError, match="could not be written"):
        way(tmp_path / "a.csv" / "b.csv")


def test_file_that_came_into_being_meanwhile_is_kept(tmp_path):
    """Another process was faster."""
    with pytest.raises(InputError, match="exists already"), output_file(tmp_path / "a.csv") as temporary:
        temporary.write_text("mine")
        (tmp_path / "a.csv").write_text("theirs")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["theirs"]


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


class Screen(io.TextIOWrapper):
    """Standard output where a person reads it."""

    def isatty(self):
        """It is a terminal."""
        return True


@WAYS
def test_a_terminal_is_shown_escapes_as_they_are_spelt(monkeypatch, way):
    """Whoever reads what strangers wrote is not to be fooled by it; files and pipes get the characters themselves."""
    screen = Screen(io.BytesIO(), "utf-8", write_through=True)
    monkeypatch.setattr(sys, "stdout", screen)
    way(Path("-"), "\x1b]0;owned\x07ä\t1\n\u202etext\n")
    assert screen.buffer.getvalue().decode() == "\\x1b]0;owned\\x07ä\t1\n\\u202etext\n"


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
