"""The Ray cluster of a run: which one, and how much of it; one of this machine alone where none is named."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

from embed.engines.sign_in import sign_in
from stores.shared.cores import cores
from stores.shared.errors import FailureError, InputError


@dataclass(frozen=True)
class Cluster:
    """Ray workers.

    Attributes:
        address: ``auto`` (the cluster that this machine belongs to), ``ray://HOST:10001`` or ``HOST:6379``; None: a
            cluster of this machine alone, for the time of the run.
        workers: how many; or the fewest and the most, of which as many are asked for as there is work for, so that a
            cluster that grows with its work does so; None: one a GPU, or as many as the CPUs suffice for, also on
            machines that join later.
        cpus, gpus: of each worker; a fraction of a GPU is shared by several. None GPUs: 1 where there are any.
        patience: seconds without any sign of life of a worker, after which the run fails.
    """

    address: str | None = None
    workers: int | tuple[int, int] | None = None
    cpus: float = 1
    gpus: float | None = None
    patience: float = 120

    def __post_init__(self) -> None:
        if isinstance(self.workers, tuple):
            least, most = self.workers
            if not 0 <= least <= most or most < 1:
                raise InputError(f"`workers={least}:{most}`: give the fewest, 0 or more, and the most, such as 2:8")
        elif self.workers is not None and self.workers <= 0:
            raise InputError(f"`workers={self.workers}`: must be more than 0")
        if self.cpus <= 0:
            raise InputError(f"`cpus={self.cpus}`: must be more than 0")

    @property
    def range(self) -> tuple[int, int | None]:
        """The fewest workers and the most; None: as many as fit, now and later."""
        if self.workers is None:
            return 1, None
        return self.workers if isinstance(self.workers, tuple) else (self.workers, self.workers)

    def fit(self, nodes: list[dict[str, float]]) -> int:
        """How many workers fit machines with these resources, each ``CPU`` and ``GPU`` by name; no matter how many."""
        return sum(self._fit_one(node.get("CPU", 0), node.get("GPU", 0)) for node in nodes)

    def _fit_one(self, cpus: float, gpus: float) -> int:
        return int(cpus / self.cpus) if not self.gpus else int(min(cpus / self.cpus, gpus / self.gpus))


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
        FailureError: if there is no cluster at the address, or it does not let us in.
        InputError: if it is too small for the workers, or Ray is not installed.
    """
    ray = load_ray()
    mine = not ray.is_initialized()
    if mine:
        with _own_signals():
            cluster = _connect(ray, cluster)
    with suppress(AttributeError):  # it writes of dead processes in colours; what is to be known of them, `Pool` says
        ray._private.worker._worker_logs_enabled = False
    try:
        with redirect_stdout(sys.stderr):  # stdout is for results
            yield _settled(cluster, alive(ray))
    finally:
        if mine:
            ray.shutdown()


def alive(ray: ModuleType) -> list[dict[str, Any]]:
    """What Ray knows of each machine that is there."""
    return [node for node in ray.nodes() if node["Alive"]]


def status_advice(address: str | None) -> str:
    """What shows the state of the cluster, for the end of an error; nothing of one that ends with the run."""
    if address is None:
        return ""
    if address.startswith("ray://"):
        return "; on its head, see: ray status"
    mode = "RAY_AUTH_MODE=token " if os.environ.get("RAY_AUTH_MODE") == "token" else ""
    return f"; see: {mode}ray status" + ("" if address == "auto" else f" --address {address}")


def _connect(ray: ModuleType, cluster: Cluster) -> Cluster:
    quiet: dict[str, Any] = {"logging_level": "ERROR", "log_to_driver": False}
    if cluster.address is None:
        cluster = _of_this_machine(cluster)
        gpus = {} if cluster.gpus is None or cluster.gpus else {"num_gpus": 0}
        _, most = cluster.range
        cpus = max(int((most or 1) * cluster.cpus) + 1, int(cores()))
        ray.init("local", num_cpus=cpus, include_dashboard=False, **quiet, **gpus)
        return cluster
    sign_in(cluster.address)
    try:
        ray.init(cluster.address, **quiet)
    except (OSError, ValueError, RuntimeError, ray.exceptions.RayError) as error:
        token = "; if the cluster asks for a token, set RAY_AUTH_MODE=token" if "timeout" in str(error) else ""
        why = str(error).partition("\n")[0]  # it may go on with a traceback from over there
        raise FailureError(f"`address={cluster.address!r}`: no Ray cluster answers: {why}{token}") from error
    return cluster


def _of_this_machine(cluster: Cluster) -> Cluster:
    """The workers of a cluster that never grows: as many as there are cores for, where no number is given."""
    return replace(cluster, workers=max(1, int(cores() / cluster.cpus))) if cluster.workers is None else cluster


@contextmanager
def _own_signals() -> Iterator[None]:
    """SIGTERM goes on to mean what it meant: Ray would print the stack of its compiled code and exit."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread() and before is not None:
            signal.signal(signal.SIGTERM, before)


def _settled(cluster: Cluster, nodes: list[dict[str, Any]]) -> Cluster:
    """The number of GPUs of a worker that is right for these machines, where as many workers fit as there must be."""
    resources = [node["Resources"] for node in nodes]
    cpus, gpus = (sum(node.get(name, 0) for node in resources) for name in ("CPU", "GPU"))
    settled = replace(cluster, gpus=cluster.gpus if cluster.gpus is not None else min(1, gpus))
    (least, _), most = settled.range, settled.fit(resources)
    if least > most and cluster.workers is not None:
        raise InputError(
            f"`workers={least}` with {cluster.cpus:g} CPUs and {settled.gpus:g} GPUs each: the cluster has {cpus:g}"
            f" CPUs and {gpus:g} GPUs, enough for {most}{status_advice(cluster.address)}"
        )
    return settled
