"""An encoder that tells on which machine it has encoded what; machines are Ray's nodes, with variables of their own."""

from __future__ import annotations

import os
import time
from pathlib import Path

from embed.recipe import Recipe
from helpers.toy import ToyEncoder
from stores.features import Features


class MachineEncoder(ToyEncoder):
    """The toy encoder; ``TOY_MACHINE`` names the machine, ``TOY_WEIGHTS`` stands for the weights that it has."""

    name = "machine"

    def __init__(self, folder: str = "") -> None:
        super().__init__()
        self.folder = Path(folder)

    def identity(self) -> dict:
        """The weights of this machine."""
        return {"encoder": "machine", "weights": os.environ.get("TOY_WEIGHTS", "ours")}

    def encode(self, texts: list[str]) -> Features:
        """Float32 ``[n, 3]``; takes its time, so that others get their share."""
        with open(self.folder / "machines", "a") as log:
            log.write(os.environ.get("TOY_MACHINE", "first") + "\n")
        time.sleep(0.2)
        return super().encode(texts)


def machine_recipe(folder: Path) -> Recipe:
    """A recipe of it, with the log in this folder."""
    return Recipe(MachineEncoder(str(folder)), {"folder": str(folder)})


def machines(folder: Path) -> set[str]:
    """Names of the machines that have encoded something."""
    return set((folder / "machines").read_text().split())
