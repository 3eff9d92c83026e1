"""Where files are written: a device, pipe or link is written through, nothing is replaced unasked or left half."""

import io
import os
import stat
import sys
import threading
from pathlib import Path

import pytest

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
