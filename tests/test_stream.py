"""The parts of a run as a stream: what goes on at the same time, and what is never more than a few."""

import threading
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from click.testing import CliRunner
from helpers.commands import LETTERS
from helpers.stream import words
from helpers.toy import ToyEncoder, read, write_csv

from cli import cli
from embed import Recipe, embed, read_table
from embed.engines.local import LocalEngine
from stores import FeatureStore


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
