"""The Ray cluster of a run: which one, and how much of it; one of this machine alone where none is named."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

from stores.shared.errors import FailureError, InputError


@dataclass(frozen=True)
class Cluster:
    """Ray workers.

    Attributes:
        address: ``auto`` (the cluster that this machine belongs to), ``ray://HOST:10001`` or ``HOST:6379``; None: a
            cluster of this machine alone, for the time of the run.
        workers: how many; None: one a GPU, or as many as the CPUs suffice for.
        cpus, gpus: of each worker; a fraction of a GPU is shared by several. None GPUs: 1 where there are any.
        patience: seconds without any sign of life of a worker, after which the run fails.
    """

    address: str | None = None
    workers: int | None = None
    cpus: float = 1
    gpus: float | None = None
    patience: float = 120

    def __post_init__(self) -> None:
        for option, value in (("workers", self.workers), ("cpus", self.cpus)):
            if value is not None and value <= 0:
                raise InputError(f"`{option}={value}`: must be more than 0")


def load_ray() -> ModuleType:
    """The ``ray`` module, which then tells nobody that it is used; ``InputError`` if it is not installed."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # a warning of what will change
    try:
        import ray
    except ImportError as error:
        raise InputError('the workers need Ray, which is not installed: pip install "ray>=2.40"') from error
    return ray


@contextmanager
def connected(cluster: Cluster) -> Iterator[Cluster]:
    """Within, the cluster is there and all of its choices are made; one that is started here ends here.

    A cluster of this machine alone says that it has one CPU more than the workers take, so that none waits for ever.

    Raises:
        FailureError: if there is no cluster at the address.
        InputError: if it is too small for the workers, or Ray is not installed.
    """
    ray = load_ray()
    quiet: dict[str, Any] = {"logging_level": "ERROR", "log_to_driver": False}
    mine = not ray.is_initialized()
    if mine and cluster.address is None:
        gpus = {} if cluster.gpus is None or cluster.gpus else {"num_gpus": 0}
        wanted = int((cluster.workers or max(1, (os.cpu_count() or 1) // cluster.cpus)) * cluster.cpus) + 1
        ray.init("local", num_cpus=max(wanted, os.cpu_count() or 1), include_dashboard=False, **quiet, **gpus)
    elif mine and cluster.address is not None:
        try:
            _knock(cluster.address)
            ray.init(cluster.address, **quiet)
        except (OSError, ValueError, RuntimeError, ray.exceptions.RayError) as error:
            token = "; if the cluster asks for a token, set RAY_AUTH_MODE=token" if "timeout" in str(error) else ""
            why = str(error).partition("\n")[0]  # it may go on with a traceback from over there
            raise FailureError(f"`address={cluster.address!r}`: no Ray cluster answers: {why}{token}") from error
    try:
        with redirect_stdout(sys.stderr):  # where Ray tells of dead processes; stdout is for results
            yield _settled(cluster, ray.cluster_resources())
    finally:
        if mine:
            ray.shutdown()


def _knock(address: str) -> None:
    """``OSError`` if nobody listens at HOST:PORT; Ray itself would try for minutes."""
    host, _, port = address.removeprefix("ray://").partition(":")
    if port.isdigit():
        socket.create_connection((host, int(port)), timeout=10).close()


def _settled(cluster: Cluster, resources: dict[str, float]) -> Cluster:
    """The number of workers and of their GPUs that is right for these resources."""
    cpus, gpus = resources.get("CPU", 0), resources.get("GPU", 0)
    of_each = cluster.gpus if cluster.gpus is not None else min(1, gpus)
    most = int(cpus / cluster.cpus) if not of_each else int(min(cpus / cluster.cpus, gpus / of_each))
    head_room = 1 if cluster.address is None and not of_each else 0
    workers = cluster.workers or max(1, most - head_room)
    if workers > most:
        raise InputError(
            f"`workers={workers}` with {cluster.cpus:g} CPUs and {of_each:g} GPUs each: the cluster has {cpus:g} CPUs"
            f" and {gpus:g} GPUs, enough for {most}"
        )
    return replace(cluster, workers=workers, gpus=of_each)
