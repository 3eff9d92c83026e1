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
from stores.shared.cores import limit_cores
from stores.shared.errors import FailureError, InputError
from stores.shared.fingerprint import identity_digest

ray = load_ray()


def keep_to_cores(cpus: float) -> None:
    """Have this process compute on no more cores than that; to be called before TensorFlow is imported."""
    limit_cores(cpus)
    for threads in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "RAYON_NUM_THREADS"):
        os.environ.setdefault(threads, str(max(1, int(cpus))))  # read when TensorFlow, or a tokeniser, is imported


class Worker:
    """Makes parts; one thread encodes while another one writes.

    Args:
        cpus: how many cores its computations may take.
        ingredients: of the recipe; it is loaded in a call, whose errors reach the driver as they are.
        rest: of the ``PartWriter``: parts, keep_texts, created.
        identity_digest: what the driver's encoder has.
        token: a file of the driver's output folder, and what it holds: how to tell that it is the same folder here;
            None if the parts go to object storage.
    """

    def __init__(
        self, cpus: float, ingredients: tuple, rest: tuple, identity_digest: str, token: tuple[Path, str] | None
    ) -> None:
        keep_to_cores(cpus)
        self._ingredients, self._rest = ingredients, rest
        self._identity, self._token = identity_digest, token
        self._maker: PartWriter | None = None
        self._made: dict[int, tuple[PartPlan, Features | None, float]] = {}  # encoded and not yet written

    @ray.method(concurrency_group="ping")
    def ping(self) -> None:
        """A sign of life."""

    @ray.method(concurrency_group="encode")
    def start(self) -> tuple[str, str, str]:
        """Load the encoder, and forget the parts that were begun.

        Returns:
            Ray's name of this machine, its own, and why it is not fit for the run: it does not see the output folder,
            has other weights, or not the model; empty if it is.
        """
        self._made.clear()
        here = ray.get_runtime_context().get_node_id(), socket.gethostname()
        try:
            self._load()
        except (InputError, FailureError) as error:
            return *here, str(error)
        return *here, ""

    def _load(self) -> PartWriter:
        if self._token is not None:
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
        return self._maker

    @ray.method(concurrency_group="encode")
    def encode(self, plan: PartPlan) -> None:
        """Encode the new texts of a part, and keep the features until it is written."""
        maker, texts = self._maker or self._load(), plan.new_texts
        began = time.perf_counter()
        made = maker.encode(maker.recipe.prepare(texts)) if texts else None
        self._made[plan.number] = plan, made, time.perf_counter() - began

    @ray.method(concurrency_group="encode")
    def probe(self, texts: list[str]) -> None:
        """Encode texts for nothing, to see whether the process survives it."""
        (self._maker or self._load()).recipe.encode(texts, reuse=False)

    @ray.method(concurrency_group="write")
    def write(self, number: int, changed: PartPlan | None) -> MergeSummary | None:
        """Write a part whose texts are encoded.

        Args:
            number: of the part.
            changed: the plan, if it is no longer the one that was encoded: rows have been left out since.

        Returns:
            What the driver is to know of it; None if nothing is known of it here, after a restart.
        """
        if number not in self._made or self._maker is None:
            return None
        began = time.perf_counter()
        plan, made, seconds = self._made.pop(number)
        self._maker.write(changed or plan, made, seconds + time.perf_counter() - began)
        return self._maker.parts.summary(number)
