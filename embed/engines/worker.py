"""What runs in a worker's process: it loads encoders once, and makes parts of a store, or features that travel."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Sequence
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
    """Loads encoders.

    Args:
        cpus: how many cores its computations may take.
        recipes: of each the ingredients, and the digest of the identity that the driver's encoder has; they are loaded
            in a call, whose errors reach the driver as they are.
    """

    def __init__(self, cpus: float, recipes: list[tuple[tuple, str]]) -> None:
        keep_to_cores(cpus)
        self._given, self._loaded = recipes, list[Recipe]()

    @ray.method(concurrency_group="ping")
    def ping(self) -> None:
        """A sign of life."""

    @ray.method(concurrency_group="encode")
    def start(self) -> tuple[str, str, str]:
        """Load the encoders, and forget what was begun.

        Returns:
            Ray's name of this machine, its own, and why it is not fit for the run: it does not see the output folder,
            has other weights, or not the model; empty if it is.
        """
        here = ray.get_runtime_context().get_node_id(), socket.gethostname()
        try:
            self._begin()
        except (InputError, FailureError) as error:
            return *here, str(error)
        return *here, ""

    @ray.method(concurrency_group="encode")
    def probe(self, texts: list[str]) -> None:
        """Encode texts for nothing, to see whether the process survives it."""
        for recipe in self._recipes():
            recipe.encode(texts, reuse=False)

    def _begin(self) -> None:
        self._recipes()

    def _recipes(self) -> list[Recipe]:
        """The encoders; another process may have been started in the place of one that had loaded them."""
        if not self._loaded:
            loaded = [Recipe.from_ingredients(*ingredients) for ingredients, _ in self._given]
            for recipe, (_, digest) in zip(loaded, self._given, strict=True):
                if identity_digest(recipe.identity()) != digest:
                    raise FailureError(
                        f"the encoder on {socket.gethostname()} has another identity than the driver's: install the"
                        " same version of tk and the same model there"
                    )
            self._loaded = loaded
        return self._loaded


class PartWorker(Worker):
    """Makes parts; one thread encodes while another one writes.

    Args:
        cpus, recipes: see ``Worker``; one recipe.
        rest: of the ``PartWriter``: parts, keep_texts, created.
        token: a file of the driver's output folder, and what it holds: how to tell that it is the same folder here;
            None if the parts go to object storage.
    """

    def __init__(
        self, cpus: float, recipes: list[tuple[tuple, str]], rest: tuple, token: tuple[Path, str] | None
    ) -> None:
        super().__init__(cpus, recipes)
        self._rest, self._token = rest, token
        self._maker: PartWriter | None = None
        self._made: dict[int, tuple[PartPlan, Features | None, float]] = {}  # encoded and not yet written

    def _begin(self) -> None:
        self._made.clear()
        self._load()

    def _load(self) -> PartWriter:
        if self._token is not None:
            path, expected = self._token
            if not path.is_file() or path.read_text() != expected:
                raise FailureError(f"{socket.gethostname()} does not see {path.parent}; `out` must be on a shared disk")
        (recipe,) = self._recipes()
        self._maker = PartWriter(recipe, *self._rest)
        return self._maker

    @ray.method(concurrency_group="encode")
    def encode(self, plan: PartPlan) -> None:
        """Encode the new texts of a part, and keep the features until it is written."""
        maker, texts = self._maker or self._load(), plan.new_texts
        began = time.perf_counter()
        made = maker.encode(maker.recipe.prepare(texts)) if texts else None
        self._made[plan.number] = plan, made, time.perf_counter() - began

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


class FeatureWorker(Worker):
    """Encodes texts for the driver, see ``Worker``."""

    @ray.method(concurrency_group="encode")
    def encode(self, texts: Sequence[list[str]]) -> list[list[Features]]:
        """Features of the texts for each of the recipes, in their order; as many at a time as suit its encoder."""
        made = []
        for recipe, some in zip(self._recipes(), texts, strict=True):
            rows = recipe.encoder.part_rows
            made.append([recipe.encode(some[at : at + rows], reuse=False) for at in range(0, len(some), rows)])
        return made
