"""Parts made by the workers of a Ray cluster: actors that load the encoder once and write to the shared output folder.

Ray's actors, and not Ray Data on top of them: a part is made of exactly the rows of one block, texts that another part
will have are waited for, and a text that kills its worker is to be found. Ray Data cuts and joins blocks by bytes,
knows no order between their results, and gives up or drops whole blocks with workers that die.

The driver reads the table, looks up what is known, and hands out plans in order. A worker has a few at a time: it
encodes the new texts of one, in a thread, while it writes another. A part that takes features from an earlier part of
this run is written when that one is complete; only then, so that encoding waits for nothing. What a dead worker had in
hand goes to others. Nothing but plans, each once, and summaries travels; features go from the worker to the disk.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from embed.engines.cluster import Cluster
from embed.engines.dispatch import STRIKES, Dispatcher
from embed.engines.seat import Seat
from embed.engines.worker import PartWorker
from embed.part import PartPlan, PartWriter
from embed.plans import CompletePart
from embed.progress import Meter
from embed.reading.format import BadRow
from embed.tables.table import Table
from stores.shared.errors import FailureError
from stores.shared.fingerprint import hash_texts, identity_digest


class RayEngine(Dispatcher):
    """Has parts made by workers.

    Args:
        cluster: all of its choices are made.
        maker, table, meter, done: see ``embed.engines.open_engine``.
    """

    def __init__(
        self,
        cluster: Cluster,
        maker: PartWriter,
        table: Table,
        meter: Meter,
        done: Callable[[int, int], None],
    ) -> None:
        self._parts, self._table, self._meter, self._done = maker.parts, table, meter, done
        self._plans: dict[int, PartPlan] = {}  # not complete yet
        self._open: set[Path] = set()  # their parts
        self._deadly: set[bytes] = set()  # hashes of texts
        self._bad: dict[int, BadRow] = {}
        self._read_bad = False  # whether the table had broken rows; those found here, by line
        recipe = maker.recipe.ingredients, identity_digest(maker.recipe.identity())
        holder = self._parts.folder.absolute() / "holder"
        token = (holder, holder.read_text()) if self._parts.shared else None
        rest = (self._parts.absolute(), maker.keep_texts, maker.created)
        super().__init__(cluster, PartWorker, (cluster.cpus, [recipe], rest, token), meter.note)

    def run(self, plans: Iterator[PartPlan | CompletePart]) -> int:
        """See ``embed.engines.Engine``."""
        number = 0
        for plan in plans:
            number += 1
            if isinstance(plan, PartPlan):
                self.make(plan)
            else:
                self._meter.made(plan.stretch, plan.rows, 0.0)
                self._done(plan.number, plan.rows)
        self.finish()
        return number

    def make(self, plan: PartPlan) -> None:
        """Take a plan; waits while there are many."""
        self._read_bad |= bool(plan.rows.bad)
        self._plans[plan.number] = plan
        self._open.add(self._parts.path(plan.number))
        heapq.heappush(self._queue, plan.number)
        self._hand_out()
        while self._is_full(len(self._plans)):
            self._step()

    def finish(self) -> None:
        """Wait until all are done, and list the rows that were left out."""
        while self._plans:
            self._step()
        self._table.list_bad_rows(list(self._bad.values()), "a" if self._read_bad else "w")

    def _hand_out(self) -> None:
        """Have parts written whose sources are complete; give each worker that has room the next part to encode."""
        for seat in self.pool.seats:
            for number, state in seat.held.items():
                if state == "wait" and not self._awaited(plan := self._plans[number]):
                    self._plans[number] = plan.without(self._deadly, self._bad_row)
                    changed = None if self._plans[number] is plan else self._plans[number]
                    self._call(seat, "write", number, number, changed)
        while self._plans and (next_seat := self._next_seat(min(self._plans))):
            number = heapq.heappop(self._queue)
            self._call(next_seat, "encode", number, self._plans[number])

    def _awaited(self, plan: PartPlan) -> bool:
        """Whether an earlier part that the plan takes features from is not complete."""
        return any(place.path in self._open for _, place in plan.own)

    def _answered(self, seat: Seat, what: str, number: int, answer: Any) -> None:  # noqa: ANN401
        if what == "encode":
            seat.held[number] = "wait"
            return
        del seat.held[number]
        if answer is None:  # it has been restarted since
            heapq.heappush(self._queue, number)
            return
        self._parts.accept(number, answer)
        self._open.remove(self._parts.path(number))
        plan = self._plans.pop(number)
        fresh = sum(map(len, plan.new_texts)) / max(sum(map(len, plan.texts)), 1)
        self._meter.made(plan.stretch, len(plan.rows), fresh)
        self._done(number, len(plan.rows))

    def _lines(self, number: int) -> str:
        return f"from line {self._plans[number].rows.line[0]} on"

    def _texts(self, number: int) -> list[str]:
        return self._plans[number].new_texts

    def _blame(self, number: int, culprits: list[str]) -> None:
        """Leave their rows out, if that is what the user wants."""
        self._deadly |= {text_hash.tobytes() for text_hash in hash_texts(culprits)}
        self._plans[number] = self._plans[number].without(self._deadly, self._bad_row)

    def _bad_row(self, line: int, text: str) -> BadRow:
        why = f"its text, which begins with {text[:40]!r}, has killed its worker {STRIKES} times"
        bad = self._table.bad_row(line, text, why, "correct it, limit `max_tokens`, or give `bad_rows='skip'`")
        if self._table.bad_rows == "error":
            raise FailureError(str(bad))
        return self._bad.setdefault(line, bad)
