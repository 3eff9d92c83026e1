"""The workers of a run: as many as are wanted, on the machines that there are, and one line of those that are lost."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

from embed.engines.cluster import Cluster, alive
from embed.engines.seat import Seat
from stores.shared.errors import FailureError

LOOK = 5.0  # seconds between looks at which machines there are
IDLE = 30.0  # seconds after which a worker without work is ended, where there may be fewer


class Pool:
    """The workers of a run.

    Args:
        ray: the module.
        cluster: all of its choices are made.
        kind: Ray's class of the workers, not yet placed.
        given: what each is made with.
        note: told of what users should know, a line at a time.
    """

    def __init__(
        self,
        ray: ModuleType,
        cluster: Cluster,
        kind: Any,  # noqa: ANN401
        given: tuple,
        note: Callable[[str], None],
    ) -> None:
        self._ray, self._cluster, self._kind, self._given, self._note = ray, cluster, kind, given, note
        self._nodes = alive(ray)
        self._looked = time.monotonic()
        self._left_out: dict[str, str] = {}  # Ray's name of a machine -> why
        self._told: set[str] = set()  # machines of which it was said that they have gone
        self._began, self._ready = time.monotonic(), False
        self.seats: list[Seat] = []
        self._note(self._what_starts())

    def adapt(self, waiting: float) -> list[Seat]:
        """End workers that are idle, and start those that are missing; returns these, which are to be loaded.

        Args:
            waiting: for how many workers there is work that nobody has.

        Raises:
            FailureError: if all machines that are left have been left out.
        """
        now = time.monotonic()
        if now - self._looked > LOOK:
            self._look()
        least, most = self._cluster.range
        for seat in self.seats:
            seat.busy = now if seat.held or not seat.up else seat.busy
        if most is not None and most != least:  # those that have been idle for long, the last first
            idle = [seat for seat in reversed(self.seats) if now - seat.busy > IDLE]
            for seat in idle[: max(0, len(self.seats) - max(1, least))]:
                self._end(seat)
        if most is None:
            wanted = max(least, self._room())
        else:
            wanted = min(most, max(least, sum(seat.up for seat in self.seats) + math.ceil(waiting)))
        new = [self._start() for _ in range(wanted - len(self.seats))]
        self.seats += new
        return new

    def ready(self, seat: Seat, node: str, host: str) -> None:
        """A worker has loaded its encoder, on this machine."""
        seat.up, seat.node, seat.host, seat.busy = True, node, host, time.monotonic()
        if not self._ready:
            self._ready = True
            self._note(f"the first worker, on {host}, has its encoder after {seat.busy - self._began:.0f} s")

    def leave_out(self, seat: Seat, node: str, host: str, why: str) -> None:
        """Do without a machine that is not fit for the run; its worker ends, and another one starts elsewhere.

        Raises:
            FailureError: if no other machine has room for a worker.
        """
        if node not in self._left_out:
            self._left_out[node] = why
            self._look()
            self._note(f"{host} is left out: {why}")
        self._end(seat)

    def lost(self, seat: Seat, why: str) -> None:
        """Say that a worker has died, or gone with its machine; of each machine once."""
        again = f"; its {len(seat.held)} parts are made again" if seat.held else ""
        if seat.node and seat.node not in {node["NodeID"] for node in alive(self._ray)}:
            if seat.node not in self._told:
                self._note(f"{seat.host} has left the cluster{again}")
            self._told.add(seat.node)
        else:
            self._note(f"a worker{' on ' + seat.host if seat.host else ''} {why}{again}")

    def close(self) -> None:
        """End all workers."""
        for seat in list(self.seats):
            self._end(seat)

    def _look(self) -> None:
        """Which machines there are now; ``FailureError`` if none has room but those that were left out."""
        self._nodes, self._looked = alive(self._ray), time.monotonic()
        if self._left_out and not self._room() and not any(seat.up for seat in self.seats):
            raise FailureError(list(self._left_out.values())[-1])

    def _end(self, seat: Seat) -> None:
        self._ray.kill(seat.actor)
        self.seats.remove(seat)

    def _room(self) -> int:
        """How many workers fit the machines that are not left out."""
        return self._cluster.fit([node["Resources"] for node in self._nodes if node["NodeID"] not in self._left_out])

    def _start(self) -> Seat:
        options: dict[str, Any] = {}
        if self._left_out:
            from ray.util.scheduling_strategies import NodeLabelSchedulingStrategy, NotIn

            (label, *_) = [label for label in self._nodes[0]["Labels"] if label.replace("_", "-") == "ray.io/node-id"]
            options["scheduling_strategy"] = NodeLabelSchedulingStrategy(hard={label: NotIn(*self._left_out)})
        return Seat(self._kind.options(**options).remote(*self._given))

    def _what_starts(self) -> str:
        least, most = self._cluster.range
        number = f"{least}" if most == least else f"{least} to {most}" if most else f"{max(least, self._room())}"
        of_each = f"{self._cluster.cpus:g} CPUs" if self._cluster.cpus != 1 else "1 CPU"
        of_each += f" and {self._cluster.gpus:g} GPUs" if self._cluster.gpus else ""
        machines = "1 machine" if len(self._nodes) == 1 else f"{len(self._nodes)} machines"
        where = "this machine" if self._cluster.address is None else f"the {machines} of {self._cluster.address}"
        return f"{number} {'worker' if number == '1' else 'workers'} of {of_each} start on {where}"
