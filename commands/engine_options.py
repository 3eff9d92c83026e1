"""The options of the engines: where texts are encoded."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click


class Workers(click.ParamType):
    """A number, or the fewest and the most: ``4``, ``2:8``."""

    name = "N or MIN:MAX"

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> Any:  # noqa: ANN401
        """An int, or two."""
        try:
            numbers = [int(number) for number in str(value).split(":")]
        except ValueError:
            numbers = []
        if len(numbers) not in (1, 2):
            self.fail(f"{value!r} is no number, nor the fewest and the most, such as 2:8", parameter, context)
        return numbers[0] if len(numbers) == 1 else tuple(numbers)


CLUSTER_OPTIONS = {
    "address": click.option(
        "--address", help="ray: auto, ray://HOST:10001 or HOST:6379.  [default: a cluster of this machine alone]"
    ),
    "workers": click.option(
        "--workers",
        type=Workers(),
        help="ray: how many, or the fewest and most, as 2:8.  [default: as many as fit]",
    ),
    "gpus": click.option(
        "--gpus-per-worker", "gpus", type=float, help="ray: GPUs of each worker.  [default: 1 where there are any]"
    ),
    "cpus": click.option("--cpus-per-worker", "cpus", type=float, help="ray: CPUs of each worker.  [default: 1]"),
}


def cluster_options(command: Callable) -> Callable:
    """The options of the engines; they reach the command as ``cluster``, a mapping for ``embed.Cluster``, or None."""

    @functools.wraps(command)
    def gathered(*args: Any, engine: str, **values: Any) -> Any:  # noqa: ANN401
        given = {name: value for name in CLUSTER_OPTIONS if (value := values.pop(name)) is not None}
        if given and engine != "ray":
            raise click.UsageError("workers are for --engine ray; add it", click.get_current_context())
        return command(*args, cluster=given if engine == "ray" else None, **values)

    for option in reversed(CLUSTER_OPTIONS.values()):
        gathered = option(gathered)
    engine = click.option(
        "--engine", type=click.Choice(["local", "ray"]), default="local", show_default=True,
        help="Where texts are encoded: this process, or the workers of a Ray cluster; the result is the same.",
    )  # fmt: skip
    return engine(gathered)
