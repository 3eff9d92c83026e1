"""What goes wrong in a stream of parts: who says so, what is written before, and that no thread is left."""

import threading

import pytest
from click.testing import CliRunner
from helpers.stream import Stream, words
from helpers.toy import write_csv

from cli import cli
from embed.part import PartWriter
from embed.tables.table import Table
from stores import FailureError, InputError


def test_broken_row_stops_after_the_parts_before_it(stream, monkeypatch):
    """It is read long before its turn, and told when that has come; the parts before it are kept."""
    real = Table.blocks

    def blocks(self, *size):
        for number, block in enumerate(real(self, *size)):
            if number == 5:
                raise InputError("t.csv, line 12: a broken row")
            yield block

    with monkeypatch.context() as patch:
        patch.setattr(Table, "blocks", blocks)
        with pytest.raises(InputError, match="line 12"):
            stream(8)
    assert [part for event, part in stream.encoder.events if event == "written"] == list(range(5))
    stream(8)
    assert sorted(stream.encoder.seen) == sorted(words(number) for number in range(16))


def test_failing_write_stops_what_comes_after(stream, monkeypatch):
    """The error of the disk comes out as it is; no later part is written, and the run goes on from there."""
    broken = threading.Event()

    def check(self, number, rows):
        if number == 0 and not broken.is_set():
            broken.set()
            raise FailureError("the disk is full")

    monkeypatch.setattr("embed.pipeline._SpaceCheck.__call__", check)
    stream.encoder.numbers = {}
    with pytest.raises(FailureError, match="the disk is full"):
        stream(8)
    assert [part for event, part in stream.encoder.events if event == "write"] == [0]
    before = len(stream.encoder.seen)  # how much was encoded ahead and not written, the threads decide
    stream(8)
    assert sorted(stream.encoder.seen[before:]) == sorted(words(number) for number in range(2, 16))


def test_failing_write_of_a_later_part_is_the_error(stream, monkeypatch):
    """From the thread that writes; parts in hand are not written after it."""
    real = PartWriter.write

    def write(self, plan, *made):
        if plan.number == 3:
            raise FailureError("no room for part 3")
        real(self, plan, *made)

    monkeypatch.setattr(PartWriter, "write", write)
    with pytest.raises(FailureError, match="no room for part 3"):
        stream(12)
    assert [part for event, part in stream.encoder.events if event == "written"] == [0, 1, 2]
    assert max(part for event, part in stream.encoder.events if event == "encode") <= 6


def test_error_of_the_encoder_leaves_the_parts_before_written(stream, monkeypatch):
    """It is the first error, and the one that is told; no thread is left."""
    real = Stream.encode_prepared

    def encode(self, prepared):
        if self.part_of(prepared) == 4:
            raise FailureError("not finite")
        return real(self, prepared)

    monkeypatch.setattr(Stream, "encode_prepared", encode)
    before = threading.active_count()
    with pytest.raises(FailureError, match="not finite"):
        stream(9)
    assert [part for event, part in stream.encoder.events if event == "written"] == [0, 1, 2, 3]
    assert threading.active_count() == before


def test_what_a_thread_says_is_in_the_words_of_the_command(in_tmp, monkeypatch):
    """A note from the thread that reads names options as they are typed."""
    write_csv(in_tmp / "t.csv", [("a", words(number)) for number in range(30)])
    real = Table.blocks

    def blocks(self, *size):
        for number, block in enumerate(real(self, *size)):
            if number == 5:
                noting.note("`part_rows=3` is little")
            yield block

    from commands import reporter

    noting = None
    build = reporter.command_reporter

    def kept():
        nonlocal noting
        noting = build()
        return noting

    monkeypatch.setattr(Table, "blocks", blocks)
    monkeypatch.setattr(reporter, "command_reporter", kept)
    done = CliRunner().invoke(cli, ["embed", "--data", "t.csv", "--part-rows", "3"])
    assert "--part-rows 3 is little" in done.stderr, done.output
