"""Ray's token: whether a cluster asks for one, and whether this machine has it.

Since Ray 2.60 a cluster asks for a token if its machines had one when it began: ``ray get-auth-token --generate`` makes
it, and so does the first cluster of a machine alone. A process sends it with ``RAY_AUTH_MODE=token`` in its
environment, and must not send it to a cluster that asks for none, whose workers would then not find back. Ray finds out
by itself for the address ``auto`` alone, and else tries for twenty seconds. So it is asked first, by its own command.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from contextlib import suppress

from stores.shared.errors import FailureError

MODE = "RAY_AUTH_MODE"
TOKEN = "token"  # noqa: S105
PATIENCE = 15  # seconds for an answer


def sign_in(address: str) -> None:
    """See to it that a token is sent to the cluster at ``auto`` or ``HOST:6379``, if it asks for one.

    Raises:
        FailureError: if nobody listens there, or the token that the cluster asks for is not here.
    """
    unreachable = f"`address={address!r}`: no Ray cluster answers"
    try:
        _knock(address)
    except OSError as error:
        raise FailureError(f"{unreachable}: {error}") from error
    if address.startswith("ray://"):
        return
    why = _refusal(address)
    if why == TOKEN and MODE not in os.environ:
        _send_token()
        why = _refusal(address)
    if why == TOKEN:
        raise FailureError(
            f"`address={address!r}`: the cluster asks for a token that this machine does not have; copy"
            " ~/.ray/auth_token of its head to the same place here, or have its text in RAY_AUTH_TOKEN"
        )
    if why:
        raise FailureError(f"{unreachable}: {why}")


def _knock(address: str) -> None:
    """``OSError`` if nobody listens at HOST:PORT; Ray itself would try for minutes."""
    host, _, port = address.removeprefix("ray://").partition(":")
    if port.isdigit():
        socket.create_connection((host, int(port)), timeout=10).close()


def _refusal(address: str) -> str:
    """What Ray says if the cluster does not let us in, ``TOKEN`` if it is for want of that; else empty."""
    command = [sys.executable, "-m", "ray.scripts.scripts", "health-check"]
    command += [] if address == "auto" else ["--address", address]
    try:
        asked = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        return f"nothing for {PATIENCE} seconds"
    if asked.returncode == 0:
        return ""
    said = asked.stdout + asked.stderr
    return TOKEN if "token" in said else next(filter(None, reversed(said.splitlines())), "no reason given")


def _send_token() -> None:
    os.environ[MODE] = "token"
    if "ray._raylet" in sys.modules:  # which has read its environment already
        with suppress(ImportError, AttributeError):
            from ray._raylet import Config  # type: ignore[attr-defined]

            Config.initialize("")
