"""Where parts are made: in this process, or by the workers of a Ray cluster. Either way the same store comes out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from embed.engines.cluster import Cluster, connected
from embed.part import PartPlan, PartWriter
from embed.progress import Meter
from embed.tables.table import Table
from stores.shared.errors import InputError


class LocalEngine:
    """Makes each part at once.

    Args:
        maker, meter, done: see ``embed.engines.open_engine``.
    """

    def __init__(self, maker: PartWriter, meter: Meter, done: Callable[[int, int], None]) -> None:
        self._maker, self._meter, self._done = maker, meter, done

    def make(self, plan: PartPlan) -> None:
        """Encode and write."""
        with self._meter.part(plan.stretch[1], plan.texts):
            start = time.perf_counter()
            made = None
            if len(plan.new):
                self._meter.begin(plan.new_texts)
                made = self._maker.recipe.encode(plan.new_texts, reuse=False)
            self._maker.write(plan, made, time.perf_counter() - start)
        self._done(plan.number, len(plan.rows))

    def finish(self) -> None:
        """There is nothing left to do."""


class Engine(Protocol):
    """What makes parts of plans, in any order, and tells of each that is complete."""

    def make(self, plan: PartPlan) -> None:
        """Make a part, sooner or later."""

    def finish(self) -> None:
        """Wait until all are made."""


@contextmanager
def open_engine(
    cluster: Cluster | None,
    maker: PartWriter,
    table: Table,
    meter: Meter,
    done: Callable[[int, int], None],
) -> Iterator[Engine]:
    """The engine for a run; what it started is stopped at the end, however that comes.

    Args:
        cluster: the Ray workers; None: this process alone.
        maker: makes parts of plans.
        table: what broken rows are reported to.
        meter: told how far the run is, and what else is to be known.
        done: called with the number and the rows of each part that is complete.
    """
    if cluster is None:
        with maker.recipe.encoder.reporting_to(meter):
            yield LocalEngine(maker, meter, done)
        return
    if maker.recipe.encoder.stateful:
        raise InputError(
            "`stateful=True`: a text needs the one before, so workers cannot share them out; encode in this process"
        )
    from embed.engines.ray import RayEngine

    with connected(cluster) as settled:
        engine = RayEngine(settled, maker, table, meter, done)
        try:
            yield engine
        finally:
            engine.close()
