"""A toy encoder in two halves, which notes when each part begins and ends."""

import threading
import time

import pytest

from embed import Recipe, embed, read_table
from embed.part import PartWriter
from helpers.commands import LETTERS
from helpers.reporter import Recorder
from helpers.toy import ToyEncoder, write_csv

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
