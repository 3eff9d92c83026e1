"""A worker of a Ray cluster as the driver knows it, and what its answers mean."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Seat:
    """A worker, as the driver knows it.

    Attributes:
        actor: Ray's handle.
        up: whether its encoder is loaded.
        held: number of each part it has in hand -> what it does with it: ``encode``, ``wait`` or ``write``.
    """

    actor: Any
    up: bool = False
    held: dict[int, str] = field(default_factory=dict)


class DeadError(Exception):
    """A worker died over a call, or had no memory; or Ray is about to start it again, and it was not called at all."""

    def __init__(self, restarting: bool = False) -> None:
        super().__init__()
        self.restarting = restarting


def answer_of(ray: Any, ref: object) -> Any:  # noqa: ANN401
    """What a worker has returned.

    Args:
        ray: the module.
        ref: what Ray gave for the call.

    Raises:
        DeadError: if it died over it, or its memory did not suffice.
        Exception: that of the worker, if it raised one.
    """
    errors = ray.exceptions
    try:
        return ray.get(ref)
    except errors.RayTaskError as error:
        if isinstance(error.cause, MemoryError):
            raise DeadError from error
        raise error.cause from error
    except errors.RayError as error:
        raise DeadError(restarting=isinstance(error, errors.ActorUnavailableError)) from error
