"""A worker of a Ray cluster as the driver knows it, and what its answers mean."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Seat:
    """A worker, as the driver knows it.

    Attributes:
        actor: Ray's handle.
        up: whether its encoder is loaded.
        held: number of each part it has in hand -> what it does with it: ``encode``, ``wait`` or ``write``.
        host, node: the machine that it has last been up on, and Ray's name of it; empty before.
        busy: when it last had something in hand, as ``time.monotonic`` has it.
    """

    actor: Any
    up: bool = False
    held: dict[int, str] = field(default_factory=dict)
    host: str = ""
    node: str = ""
    busy: float = field(default_factory=time.monotonic)


class DeadError(Exception):
    """A worker died over a call, or had no memory; or Ray is about to start it again, and it was not called at all.

    Attributes:
        restarting: whether it is the last of these.
        why: what is known of it, for people.
    """

    def __init__(self, restarting: bool = False, why: str = "died") -> None:
        super().__init__()
        self.restarting, self.why = restarting, why


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
            raise DeadError(why="found no memory") from error
        raise error.cause from error
    except errors.RayError as error:
        memory = isinstance(error, errors.OutOfMemoryError) or "out of memory" in str(error).lower()
        why = "was killed for want of memory" if memory else "died"
        raise DeadError(isinstance(error, errors.ActorUnavailableError), why) from error
