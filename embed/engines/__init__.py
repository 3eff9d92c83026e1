"""Where parts are made: in this process, or by the workers of a Ray cluster. Either way the same store comes out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from embed.engines.cluster import Cluster, connected
from embed.engines.local import LocalEngine
from embed.part import PartPlan, PartWriter
from embed.plans import CompletePart, PartSize
from embed.progress import Meter
from embed.tables.table import Table
from stores.shared.errors import InputError


class Engine(Protocol):
    """What makes parts of plans, in any order, and tells of each that is complete."""

    def run(self, plans: Iterator[PartPlan | CompletePart]) -> int:
        """Make all of them; returns how many parts there are."""


@contextmanager
def open_engine(
    cluster: Cluster | None,
    maker: PartWriter,
    table: Table,
    size: PartSize,
    meter: Meter,
    done: Callable[[int, int], None],
) -> Iterator[Engine]:
    """The engine for a run; what it started is stopped at the end, however that comes.

    Args:
        cluster: the Ray workers; None: this process alone.
        maker: makes parts of plans.
        table: what broken rows are reported to.
        size: of a part.
        meter: told how far the run is, and what else is to be known.
        done: called with the number and the rows of each part that is complete.
    """
    if cluster is None:
        with maker.recipe.encoder.reporting_to(meter):
            yield LocalEngine(maker, meter, done, table.most_rows > size.rows or size.tokens is not None)
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
            engine.pool.close()
