"""What runs in a worker's process: it loads the encoder once, encodes the new texts of parts, and writes parts."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

from embed.engines.cluster import load_ray
from embed.part import PartPlan, PartWriter
from embed.recipe import Recipe
from stores.features import Features
from stores.merge import MergeSummary
from stores.shared.errors import FailureError
from stores.shared.fingerprint import identity_digest

ray = load_ray()


class Worker:
    """Makes parts; one thread encodes while another one writes.

    Args:
        cpus: how many cores its computations may take.
        ingredients: of the recipe; it is loaded in a call, whose errors reach the driver as they are.
        rest: of the ``PartWriter``: parts, keep_texts, created.
        identity_digest: what the driver's encoder has.
        token: a file of the driver's output folder, and what it holds: how to tell that it is the same folder here.
    """

    def __init__(
        self, cpus: float, ingredients: tuple, rest: tuple, identity_digest: str, token: tuple[Path, str]
    ) -> None:
        os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(max(1, int(cpus))))  # read when TensorFlow is imported
        self._ingredients, self._rest = ingredients, rest
        self._identity, self._token = identity_digest, token
        self._maker: PartWriter | None = None
        self._made: dict[int, tuple[Features | None, float]] = {}  # of parts that are encoded and not yet written

    @ray.method(concurrency_group="ping")
    def ping(self) -> None:
        """A sign of life."""

    @ray.method(concurrency_group="encode")
    def start(self) -> None:
        """Load the encoder, and forget the parts that were begun.

        Raises:
            FailureError: if this machine does not see the output folder, or has other weights.
        """
        self._made.clear()
        path, expected = self._token
        if not path.is_file() or path.read_text() != expected:
            raise FailureError(f"{socket.gethostname()} does not see {path.parent}; `out` must be on a shared disk")
        recipe = Recipe.from_ingredients(*self._ingredients)
        if identity_digest(recipe.identity()) != self._identity:
            raise FailureError(
                f"the encoder on {socket.gethostname()} has another identity than the driver's: install the same"
                " version of tk and the same model there"
            )
        self._maker = PartWriter(recipe, *self._rest)

    @ray.method(concurrency_group="encode")
    def encode(self, number: int, texts: list[str]) -> None:
        """Encode the new texts of part ``number``, and keep the features until it is written."""
        maker = self._loaded()
        began = time.perf_counter()
        made = maker.encode(maker.recipe.prepare(texts)) if texts else None
        self._made[number] = made, time.perf_counter() - began

    @ray.method(concurrency_group="encode")
    def probe(self, texts: list[str]) -> None:
        """Encode texts for nothing, to see whether the process survives it."""
        self._loaded().recipe.encode(texts, reuse=False)

    def _loaded(self) -> PartWriter:
        if self._maker is None:
            self.start()
        assert self._maker is not None  # noqa: S101 (start has made it)
        return self._maker

    @ray.method(concurrency_group="write")
    def write(self, plan: PartPlan) -> MergeSummary | None:
        """Write the part of a plan whose texts are encoded; None if that is not known here, after a restart."""
        if plan.number not in self._made or self._maker is None:
            return None
        began = time.perf_counter()
        made, seconds = self._made.pop(plan.number)
        self._maker.write(plan, made, seconds + time.perf_counter() - began)
        return self._maker.parts.summary(plan.number)
