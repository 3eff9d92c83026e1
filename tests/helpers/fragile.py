"""An encoder that logs what it is given, and ends its process over certain texts, as a driver of a device might."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from embed.recipe import Recipe
from helpers.toy import ToyEncoder
from stores.features import Features


def die(*_: object) -> None:
    """What the kernel does to a process that takes too much memory."""
    os.kill(os.getpid(), signal.SIGKILL)


class FragileEncoder(ToyEncoder):
    """The toy encoder; texts with these words do harm, those with ``once`` only the first time.

    ``KILL`` ends the process while it encodes, ``KILL-WRITE`` right before a part is renamed, ``MEMORY`` finds none,
    ``SLOW`` takes half a second.
    """

    name = "fragile"

    def __init__(self, folder: str = "") -> None:
        super().__init__()
        self.folder = Path(folder)

    def identity(self) -> dict:
        """Where it keeps its log is no part of it."""
        return {"encoder": "fragile"}

    def encode(self, texts: list[str]) -> Features:
        """Float32 ``[n, 3]``, if the process survives it."""
        with open(self.folder / "log", "a") as log:
            log.writelines(f"{text}\n" for text in texts)
        for text in texts:
            words = text.split()
            if "once" in words and not self._first(words[0]):
                continue
            if "KILL" in words:
                die()
            if "KILL-WRITE" in words:
                os.replace = die
            if "MEMORY" in words:
                raise MemoryError
            if "SLOW" in words:
                time.sleep(0.5)
        return super().encode(texts)

    def _first(self, word: str) -> bool:
        marker = self.folder / f"{word}.marker"
        try:
            marker.touch(exist_ok=False)
        except FileExistsError:
            return False
        return True


def fragile_recipe(folder: Path) -> Recipe:
    """A recipe of it, with the log in this folder."""
    return Recipe(FragileEncoder(str(folder)), {"folder": str(folder)})
