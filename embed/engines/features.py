"""Features made by the workers of a Ray cluster for the driver itself, which goes on with them: nothing is written.

Blocks of texts go out as they are read and come back in their order; a few a worker are under way at a time, so the
memory of the driver does not grow with the table. What a worker that dies had in hand goes to others.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from embed.engines.cluster import Cluster, connected
from embed.engines.dispatch import STRIKES, Dispatcher
from embed.engines.seat import Seat
from embed.engines.worker import FeatureWorker
from embed.recipe import Recipe
from stores.features import Features
from stores.shared.errors import FailureError
from stores.shared.fingerprint import identity_digest

Asker = TypeVar("Asker")


@dataclass
class Block(Generic[Asker]):
    """Texts that are to be encoded.

    Attributes:
        asker: comes back with the features.
        lines: which rows the texts are of, for people, as ``from line 2 on``.
        texts: of each recipe, cleaned.
        made: of each recipe the features of its texts, some after the other; None: not made yet.
    """

    asker: Asker
    lines: str
    texts: list[list[str]]
    made: list[list[Features]] | None = None


class FeatureEngine(Dispatcher):
    """Has texts encoded by workers.

    Args:
        cluster: all of its choices are made.
        recipes: the encoders.
        note: told of what users should know, a line at a time.
    """

    def __init__(self, cluster: Cluster, recipes: Sequence[Recipe], note: Callable[[str], None]) -> None:
        self._blocks: dict[int, Block] = {}  # not yet given back
        given = [(recipe.ingredients, identity_digest(recipe.identity())) for recipe in recipes]
        super().__init__(cluster, FeatureWorker, (cluster.cpus, given), note)

    def encode(self, blocks: Iterator[Block[Asker]]) -> Iterator[Block[Asker]]:
        """The blocks in their order, with what is made of them.

        Raises:
            FailureError: if a text ends each worker that encodes it, or no worker is left.
        """
        due = 0
        for number, block in enumerate(blocks):
            self._blocks[number] = block
            if any(block.texts):
                heapq.heappush(self._queue, number)
                self._hand_out()
            else:
                block.made = [[] for _ in block.texts]
            while self._is_full(len(self._blocks)) and self._blocks[due].made is None:
                self._step()
            while due in self._blocks and self._blocks[due].made is not None:
                yield self._blocks.pop(due)
                due += 1
        while self._blocks:
            while self._blocks[due].made is None:
                self._step()
            yield self._blocks.pop(due)
            due += 1

    def _hand_out(self) -> None:
        while seat := self._next_seat(min(self._blocks, default=0)):
            number = heapq.heappop(self._queue)
            self._call(seat, "encode", number, self._blocks[number].texts)

    def _answered(self, seat: Seat, what: str, number: int, answer: Any) -> None:  # noqa: ANN401
        del seat.held[number]
        self._blocks[number].made = answer

    def _lines(self, number: int) -> str:
        return self._blocks[number].lines

    def _texts(self, number: int) -> list[str]:
        return list(dict.fromkeys(text for texts in self._blocks[number].texts for text in texts))

    def _blame(self, number: int, culprits: list[str]) -> None:
        if culprits:
            raise FailureError(
                f"a text of the rows {self._lines(number)}, which begins with {culprits[0][:40]!r}, has killed its"
                f" worker {STRIKES} times; correct it, or take it out of the table"
            )


@contextmanager
def feature_engine(cluster: Cluster, recipes: Sequence[Recipe], note: Callable[[str], None]) -> Iterator[FeatureEngine]:
    """Workers for some encoders, that end with the block; see ``FeatureEngine``, and ``connected`` for what is raised.

    Args:
        cluster: as the user wants it.
        recipes, note: see ``FeatureEngine``.
    """
    with connected(cluster) as settled:
        engine = FeatureEngine(settled, recipes, note)
        try:
            yield engine
        finally:
            engine.pool.close()
