"""The parts of a run as a stream: what goes on at the same time, what is never more than a few, and who says no."""

import threading
import time
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from click.testing import CliRunner
from helpers.commands import LETTERS
from helpers.reporter import Recorder
from helpers.toy import ToyEncoder, read, write_csv

from cli import cli
from embed import Recipe, embed, read_table
from embed.engines.local import LocalEngine
from embed.part import PartWriter
from embed.tables.table import Table
from stores import FailureError, FeatureStore, InputError

PATIENCE = 20  # seconds until a test gives up waiting for another thread


def words(number):
    """Three letters that say which number it is."""
    return LETTERS[number // 26 % 26] + LETTERS[number % 26] + LETTERS[number // 676]


class Stream(ToyEncoder):
    """The toy in two halves, which notes when each begins and ends, part by part, and may be held up in any of them."""

    part_rows = 2

    def __init__(self):
        super().__init__()
        self.events, self._lock = [], threading.Lock()
        self.hold = {}  # (what, part) -> the event that it waits for

    def say(self, *event):
        """Note an event, and wait where somebody wants it so."""
        with self._lock:
            self.events.append(event)
        if event in self.hold:
            wanted = self.hold[event]
            end = time.monotonic() + PATIENCE
            while wanted not in self.events:
                assert time.monotonic() < end, f"{event} waited in vain for {wanted}: {self.events}"
                time.sleep(0.001)

    def part_of(self, texts):
        """The number of the part that begins with these texts."""
        return self.numbers[texts[0]] // self.part_rows

    def prepare(self, texts):
        """The texts; whose thread it is, is noted once."""
        self.say("prepare", self.part_of(texts))
        return texts

    def encode_prepared(self, prepared):
        """The toy's features, if they are not held up."""
        part = self.part_of(prepared)
        self.say("encode", part)
        features = self.encode(prepared)
        self.say("encoded", part)
        return features


@pytest.fixture
def stream(tmp_path, monkeypatch):
    """A function that runs a table of some parts; the encoder, which notes the writing too."""
    encoder, real = Stream(), PartWriter.write

    def write(self, plan, *made):
        encoder.say("write", plan.number)
        real(self, plan, *made)
        encoder.say("written", plan.number)

    monkeypatch.setattr(PartWriter, "write", write)

    def run(parts, out="a.h5", **options):
        texts = [words(number) for number in range(2 * parts)]
        encoder.numbers = {text: number for number, text in enumerate(texts)}
        table = options.pop("table", None) or write_csv(tmp_path / "t.csv", [("a", text) for text in texts])
        return embed(read_table(table), Recipe(encoder, {}), tmp_path / out, reporter=Recorder(), **options)

    run.encoder = encoder
    return run


def at(events, *event):
    """When something happened."""
    return events.index(event)


def test_next_part_is_prepared_and_last_one_written_while_one_is_encoded(stream):
    """Part 3 is encoded for as long as it takes until part 4 is prepared and part 2 is on the disk."""
    events = stream.encoder.events
    stream.encoder.hold = {("encode", 3): ("prepare", 4), ("prepare", 5): ("encode", 3), ("write", 2): ("encode", 3)}
    stream.encoder.hold[("encoded", 3)] = ("written", 2)
    stream(8)

    assert at(events, "encode", 3) < at(events, "prepare", 5)
    assert at(events, "encode", 3) < at(events, "written", 2) < at(events, "encode", 4)


def test_parts_are_encoded_and_written_in_their_order(stream):
    """One after the other, so that a part can take features from the one before."""
    stream(7)
    for what in ("prepare", "encode", "write"):
        assert [part for event, part in stream.encoder.events if event == what] == list(range(7))
    for part in range(7):
        assert at(stream.encoder.events, "encoded", part) < at(stream.encoder.events, "write", part)


def test_memory_is_flat(stream):
    """However slow the encoder or the disk is, parts that are begun and not written are a few."""
    stream.encoder.hold = {("encode", part): ("prepare", part + 2) for part in range(1, 12)}
    stream.encoder.hold |= {("write", part): ("encoded", part + 1) for part in range(12, 28)}
    stream(30)
    begun = most = 0
    for event, _ in stream.encoder.events:
        begun += (event == "prepare") - (event == "written")
        most = max(most, begun)

    assert 4 <= most <= 6  # two ahead, one encoded, two behind, and one in a hand


def test_device_waits_for_nothing_but_itself(stream):
    """Between two parts the encoder has its next one already: that was prepared before, whatever the table holds."""
    stream.encoder.hold = {("encode", part): ("prepare", part + 1) for part in range(1, 11)}
    stream(12)
    events = stream.encoder.events
    assert all(at(events, "prepare", b) < at(events, "encoded", a) for a, b in pairwise(range(1, 12)))


def test_same_bytes_as_in_one_thread(stream, tmp_path, monkeypatch):
    """Of texts that are in several parts, too."""
    from test_resume import without_times

    rows = [("a", f"text {LETTERS[i % 7]}") for i in range(40)] + [("b", "text aa")]
    table = write_csv(tmp_path / "rows.csv", rows)
    real = LocalEngine.run
    for name, threads in (("by-three", True), ("alone", False)):

        def run(self, plans, threads=threads):
            self._threads = threads
            return real(self, plans)

        monkeypatch.setattr(LocalEngine, "run", run)
        (tmp_path / name).mkdir()
        recipe = Recipe(ToyEncoder(), {})
        embed(read_table(table), recipe, tmp_path / name / "a.h5")
        assert len(recipe.encoder.seen) == 7

    assert without_times(tmp_path / "by-three" / "a.h5") == without_times(tmp_path / "alone" / "a.h5")


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


def test_encoder_whose_encode_was_replaced_is_called_by_it(tmp_path):
    """In a subclass or an object: halves that somebody did not know of would leave out what was changed."""

    class Halves(ToyEncoder):
        prepare = list

        def encode_prepared(self, prepared):
            return super().encode(prepared)

        def encode(self, texts):
            return self.encode_prepared(self.prepare(texts))

    class Doubled(Halves):
        def encode(self, texts):
            features = super().encode(texts)
            return replace(features, outputs={"pooled": 2 * features.outputs["pooled"]})

    table = write_csv(tmp_path / "t.csv", [("a", words(number)) for number in range(9)])
    patched = Halves()
    patched.encode = Doubled().encode
    for name, encoder in (("doubled", Doubled()), ("patched", patched)):
        embed(read_table(table), Recipe(encoder, {}), tmp_path / name / "a.h5")
        with FeatureStore(tmp_path / name / "a.h5") as store:
            expected = 2 * ToyEncoder().encode(store.texts[:]).outputs["pooled"]
            assert (store.read().outputs["pooled"] == expected).all()


def test_a_single_part_has_no_threads(stream):
    """A small table pays nothing for the stream."""
    threads = set()
    stream.encoder.say = lambda *event: threads.add(threading.current_thread())
    stream(1)
    assert threads == {threading.main_thread()}


def estimated(texts):
    """One token for four characters, and one more."""
    return sum(len(text) // 4 + 1 for text in texts)


@pytest.mark.parametrize("tokens", [1, 7, 20, 64])
@pytest.mark.parametrize("rows", [3, 1000])
def test_parts_by_tokens_are_as_large_as_they_may_be(tmp_path, rows, tokens):
    """None has more than allowed unless it is one row; with the next row each would; nothing is lost."""
    rng = np.random.default_rng(0)
    texts = ["x" * int(size) for size in rng.integers(1, 60, 300)]
    table = read_table(write_csv(tmp_path / "t.csv", [("a", text) for text in texts]))
    blocks = [block.texts for block in table.blocks(rows, tokens)]

    assert [text for block in blocks for text in block] == texts == read(table)[1]
    for block, after in pairwise(blocks):
        assert len(block) == 1 or (len(block) <= rows and estimated(block) <= tokens)
        assert len(block) == rows or estimated([*block, after[0]]) > tokens


def test_part_size_is_an_option_and_no_part_of_what_a_store_is(in_tmp):
    """Parts of 50 tokens make the store of one part; with another size there is nothing to do."""
    rows = [("ab"[i % 2], f"text {LETTERS[i % 26]} {LETTERS[i // 26]}") for i in range(60)]
    write_csv(in_tmp / "t.csv", rows)
    runs = [["--out", "one.h5"], ["--out", "many.h5", "--part-tokens", "50", "--part-rows", "9", "--no-reuse"]]
    for args in (*runs, ["--out", "one.h5", "--part-rows", "7"], ["--out", "one.h5", "--part-tokens", "0"]):
        done = CliRunner().invoke(cli, ["embed", "--data", "t.csv", *args])
        if args[-1] != "0":
            assert done.exit_code == 0, done.output
        elif done.exit_code != 2 or "Error: --part-tokens 0: give 1 or more" not in done.output:
            raise AssertionError(done.output)
        if args[-1] == "7":
            assert "nothing to encode" in done.output
    with FeatureStore(in_tmp / "one.h5") as one, FeatureStore(in_tmp / "many.h5") as many:
        assert (one.read().outputs["pooled"] == many.read().outputs["pooled"]).all()
        assert one.source["part_rows"] == 8192
        assert (many.source["part_rows"], many.source["part_tokens"]) == (9, 50)
        assert one.totals == many.totals


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
