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
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from embed.engines.cluster import Cluster, load_ray, status_advice
from embed.engines.poison_texts import find_culprits
from embed.engines.pool import LOOK, Pool
from embed.engines.seat import DeadError, Seat, answer_of
from embed.engines.worker import Worker
from embed.part import PartPlan, PartWriter
from embed.plans import CompletePart
from embed.progress import Meter
from embed.reading.format import BadRow
from embed.tables.table import Table
from stores.shared.errors import FailureError
from stores.shared.fingerprint import hash_texts, identity_digest

ROOM = 3  # parts a worker has in hand: one is encoded, one waits for that, one is written
AHEAD = 2  # times ROOM: parts a worker that are planned and not complete
RETRY = 0.2  # seconds until a process that is being restarted is asked again
LOADING = -1  # stands for the number of a part where none is in hand
STRIKES = 3  # so often a part may end with its worker before its texts are looked at


class RayEngine:
    """Has parts made by workers of the cluster that this process is connected to; ``pool``, to be closed, holds them.

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
        self._ray, self._cluster = load_ray(), cluster
        self._parts, self._table, self._meter, self._done = maker.parts, table, meter, done
        self._plans: dict[int, PartPlan] = {}  # not complete yet
        self._open: set[Path] = set()  # their parts
        self._queue: list[int] = []  # a heap: those that no worker has
        self._calls: dict[Any, tuple[Seat, str, int]] = {}  # what is awaited of whom
        self._strikes: dict[int, int] = {}
        self._deadly: set[bytes] = set()  # hashes of texts
        self._bad: dict[int, BadRow] = {}
        self._read_bad = False  # whether the table had broken rows; those found here, by line
        self._moved = time.monotonic()  # when a worker last did what it was asked for
        self.pool = self._open_pool(maker)
        self._adapt()

    def _open_pool(self, maker: PartWriter) -> Pool:
        digest = identity_digest(maker.recipe.identity())
        holder = self._parts.folder.absolute() / "holder"
        token = (holder, holder.read_text()) if self._parts.shared else None
        rest = (self._parts.absolute(), maker.keep_texts, maker.created)
        given = (self._cluster.cpus, maker.recipe.ingredients, rest, digest, token)
        actor = self._ray.remote(
            num_cpus=self._cluster.cpus,
            num_gpus=self._cluster.gpus,
            max_restarts=-1,
            concurrency_groups={"encode": 1, "write": 1, "ping": 1},
        )
        return Pool(self._ray, self._cluster, actor(Worker), given, self._meter.note)

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
        while len(self._plans) >= AHEAD * ROOM * max(1, len(self.pool.seats)):
            self._step()

    def finish(self) -> None:
        """Wait until all are done, and list the rows that were left out."""
        while self._plans:
            self._step()
        self._table.list_bad_rows(list(self._bad.values()), "a" if self._read_bad else "w")

    def _adapt(self) -> None:
        """As many workers as there is work for."""
        for seat in self.pool.adapt(len(self._queue) / ROOM):
            self._call(seat, "start", LOADING)

    def _step(self) -> None:
        """Wait for one answer, and deal with it."""
        self._hand_out()
        self._adapt()
        answered, _ = self._ray.wait(list(self._calls), timeout=min(LOOK, self._cluster.patience))
        for ref in answered:
            seat, what, number = self._calls.pop(ref)
            self._deal_with(ref, seat, what, number)
        if time.monotonic() - self._moved > self._cluster.patience:
            self._check_life()
            self._moved = time.monotonic()

    def _hand_out(self) -> None:
        """Have parts written whose sources are complete; give each worker that has room the next part to encode."""
        for seat in self.pool.seats:
            for number, state in seat.held.items():
                if state == "wait" and not self._awaited(plan := self._plans[number]):
                    self._plans[number] = plan.without(self._deadly, self._bad_row)
                    changed = None if self._plans[number] is plan else self._plans[number]
                    self._call(seat, "write", number, number, changed)
        while self._queue and (up := [seat for seat in self.pool.seats if seat.up]):
            number, seat = self._queue[0], min(up, key=lambda seat: len(seat.held))
            if len(seat.held) >= ROOM and number > min(self._plans):  # subtle: all may wait for the very first
                break
            heapq.heappop(self._queue)
            self._call(seat, "encode", number, self._plans[number])

    def _awaited(self, plan: PartPlan) -> bool:
        """Whether an earlier part that the plan takes features from is not complete."""
        return any(place.path in self._open for _, place in plan.own)

    def _call(self, seat: Seat, what: str, number: int, *args: object) -> None:
        ref = getattr(seat.actor, what).remote(*args)
        self._calls[ref] = seat, what, number
        if number != LOADING:
            seat.held[number] = what

    def _deal_with(self, ref: object, seat: Seat, what: str, number: int) -> None:
        """What an answer means."""
        try:
            answer: Any = answer_of(self._ray, ref)
        except DeadError as error:
            if what == "start" and error.restarting:
                time.sleep(RETRY)
                self._call(seat, "start", LOADING)
            else:
                self._bury(seat, error.why)
            return
        self._moved = time.monotonic()
        if what == "start":
            node, host, unfit = answer
            if unfit:
                self.pool.leave_out(seat, node, host, unfit)
                return
            self.pool.ready(seat, node, host)
            self._strikes[LOADING] = 0
        elif what == "encode":
            seat.held[number] = "wait"
        else:
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

    def _fails(self, seat: Seat, what: str, *args: object) -> bool:
        """Whether a worker dies over a call."""
        try:
            answer_of(self._ray, getattr(seat.actor, what).remote(*args))
        except DeadError:
            return True
        return False

    def _bury(self, seat: Seat, why: str) -> None:
        """Take back what a dead worker had in hand; Ray starts another one in its place."""
        self.pool.lost(seat, why)
        self._finished_by(seat)
        held, seat.held, seat.up = seat.held, {}, False
        self._calls = {ref: call for ref, call in self._calls.items() if call[0] is not seat}
        for number in held:
            heapq.heappush(self._queue, number)
        self._call(seat, "start", LOADING)
        at_work = min(held, key=lambda number: ("encode", "write", "wait").index(held[number]), default=LOADING)
        self._strikes[at_work] = self._strikes.get(at_work, 0) + 1
        if at_work == LOADING and self._strikes[LOADING] > STRIKES * len(self.pool.seats):
            raise FailureError("workers die while they load the encoder; give them more memory, or fewer `workers`")
        if at_work != LOADING and self._strikes[at_work] % STRIKES == 0:
            self._isolate(seat, at_work)

    def _finished_by(self, seat: Seat) -> None:
        """Parts that a worker had encoded before it died are not what it died of, though their answers come later."""
        for ref, (owner, what, number) in self._calls.items():
            if owner is seat and what == "encode" and self._ray.wait([ref], timeout=0)[0]:
                with suppress(DeadError):
                    answer_of(self._ray, ref)
                    seat.held[number] = "wait"

    def _isolate(self, seat: Seat, number: int) -> None:
        """Find the texts of a part that kill, and leave their rows out, if that is what the user wants."""

        def kills(texts: Sequence[str]) -> bool:
            last = time.monotonic() + self._cluster.patience
            while self._fails(seat, "start"):  # subtle: what is asked while Ray restarts the process fails as well
                if time.monotonic() > last:
                    advice = status_advice(self._cluster.address)
                    raise FailureError(f"no worker has started for {self._cluster.patience:g} seconds{advice}")
                time.sleep(RETRY)
            return self._fails(seat, "probe", texts)

        plan = self._plans[number]
        first = plan.rows.line[0]
        self._meter.note(f"the rows from line {first} on have killed {STRIKES} workers; looking for the text")
        culprits = find_culprits(plan.new_texts, kills, STRIKES)
        if not culprits and self._strikes[number] > STRIKES:
            raise FailureError(
                f"the {len(plan.rows):,} rows from line {first} on kill their worker again and again, and no single"
                " text does; give workers more memory, or fewer `workers` a machine"
            )
        self._deadly |= {text_hash.tobytes() for text_hash in hash_texts(culprits)}
        self._plans[number] = plan.without(self._deadly, self._bad_row)

    def _bad_row(self, line: int, text: str) -> BadRow:
        why = f"its text, which begins with {text[:40]!r}, has killed its worker {STRIKES} times"
        bad = self._table.bad_row(line, text, why, "correct it, limit `max_tokens`, or give `bad_rows='skip'`")
        if self._table.bad_rows == "error":
            raise FailureError(str(bad))
        return self._bad.setdefault(line, bad)

    def _check_life(self) -> None:
        """After a silence: workers that answer are busy; if none does, nothing will ever move."""
        pings = [seat.actor.ping.remote() for seat in self.pool.seats]
        answered, _ = self._ray.wait(pings, timeout=min(10, self._cluster.patience)) if pings else ([], [])
        if answered:
            return
        has = self._ray.cluster_resources()
        raise FailureError(
            f"nothing has moved for {self._cluster.patience:g} seconds: no worker runs. {len(pings)} of"
            f" {self._cluster.cpus:g} CPUs and {self._cluster.gpus:g} GPUs are wanted, the cluster has"
            f" {has.get('CPU', 0):g} and {has.get('GPU', 0):g} in all, of which others may hold some"
            f"{status_advice(self._cluster.address)}"
        )
