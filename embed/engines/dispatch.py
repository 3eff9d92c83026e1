"""Jobs for the workers of a Ray cluster: who has what in hand, what their answers mean, and what the dead leave behind.

A job has a number; lower ones go first. What a dead worker had in hand goes to others, and Ray starts another process
in its place. A job that has ended with its worker several times is looked at: one of its texts may be to blame.
"""

from __future__ import annotations

import heapq
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from embed.engines.cluster import Cluster, load_ray, status_advice
from embed.engines.poison_texts import find_culprits
from embed.engines.pool import LOOK, Pool
from embed.engines.seat import DeadError, Seat, answer_of
from stores.shared.errors import FailureError

ROOM = 3  # jobs a worker has in hand: one is encoded, one waits for that, one is written
AHEAD = 2  # times ROOM: jobs a worker that are begun and not complete
RETRY = 0.2  # seconds until a process that is being restarted is asked again
LOADING = -1  # stands for the number of a job where none is in hand
STRIKES = 3  # so often a job may end with its worker before its texts are looked at


class Dispatcher(ABC):
    """Hands jobs to the workers of the cluster that this process is connected to.

    Args:
        cluster: all of its choices are made.
        kind: class of the workers, see ``embed.engines.worker``.
        given: what each is made with.
        note: told of what users should know, a line at a time.

    Attributes:
        pool: holds the workers, and is to be closed.
    """

    def __init__(self, cluster: Cluster, kind: type, given: tuple, note: Callable[[str], None]) -> None:
        self._ray, self._cluster, self._note = load_ray(), cluster, note
        self._queue: list[int] = []  # a heap: jobs that no worker has
        self._calls: dict[Any, tuple[Seat, str, int]] = {}  # what is awaited of whom
        self._strikes: dict[int, int] = {}
        self._moved = time.monotonic()  # when a worker last did what it was asked for
        actor = self._ray.remote(
            num_cpus=cluster.cpus,
            num_gpus=cluster.gpus,
            max_restarts=-1,
            concurrency_groups={"encode": 1, "write": 1, "ping": 1},
        )
        self.pool = Pool(self._ray, cluster, actor(kind), given, note)
        self._adapt()

    @abstractmethod
    def _hand_out(self) -> None:
        """Give workers that have room what there is to do."""

    @abstractmethod
    def _answered(self, seat: Seat, what: str, number: int, answer: Any) -> None:  # noqa: ANN401
        """A worker has done what it was asked for."""

    @abstractmethod
    def _lines(self, number: int) -> str:
        """Which rows a job has, for people."""

    @abstractmethod
    def _texts(self, number: int) -> list[str]:
        """What is encoded for a job."""

    @abstractmethod
    def _blame(self, number: int, culprits: list[str]) -> None:
        """Do without these texts of a job, each of which ends the process that encodes it, or raise."""

    def _next_seat(self, first: int) -> Seat | None:
        """The worker that is to have the next job of the queue; None: for now nobody.

        Args:
            first: number of the first job that is not complete. All may wait for that one, so it goes to anybody.
        """
        up = [seat for seat in self.pool.seats if seat.up]
        if not self._queue or not up:
            return None
        seat = min(up, key=lambda seat: len(seat.held))
        return None if len(seat.held) >= ROOM and self._queue[0] > first else seat

    def _is_full(self, jobs: int) -> bool:
        """Whether so many jobs that are not complete are enough for now."""
        return jobs >= AHEAD * ROOM * max(1, len(self.pool.seats))

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
        if what != "start":
            self._answered(seat, what, number, answer)
            return
        node, host, unfit = answer
        if unfit:
            self.pool.leave_out(seat, node, host, unfit)
            return
        self.pool.ready(seat, node, host)
        self._strikes[LOADING] = 0

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
        """Jobs that a worker had encoded before it died are not what it died of, though their answers come later."""
        for ref, (owner, what, number) in self._calls.items():
            if owner is seat and what == "encode" and self._ray.wait([ref], timeout=0)[0]:
                with suppress(DeadError):
                    answer_of(self._ray, ref)
                    seat.held[number] = "wait"

    def _isolate(self, seat: Seat, number: int) -> None:
        """Find the texts of a job that kill."""

        def kills(texts: Sequence[str]) -> bool:
            last = time.monotonic() + self._cluster.patience
            while self._fails(seat, "start"):  # subtle: what is asked while Ray restarts the process fails as well
                if time.monotonic() > last:
                    advice = status_advice(self._cluster.address)
                    raise FailureError(f"no worker has started for {self._cluster.patience:g} seconds{advice}")
                time.sleep(RETRY)
            return self._fails(seat, "probe", texts)

        self._note(f"the rows {self._lines(number)} have killed {STRIKES} workers; looking for the text")
        culprits = find_culprits(self._texts(number), kills, STRIKES)
        if not culprits and self._strikes[number] > STRIKES:
            raise FailureError(
                f"the rows {self._lines(number)} kill their worker again and again, and no single"
                " text does; give workers more memory, or fewer `workers` a machine"
            )
        self._blame(number, culprits)

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
