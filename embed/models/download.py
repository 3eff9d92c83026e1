"""A file from the network, whole or not at all, with a progress bar."""

from __future__ import annotations

import sys
from collections.abc import Callable
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import BinaryIO
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from embed.models.cache import to_stderr, usual_note
from stores.shared.errors import FailureError

BLOCK = 1 << 20
TIMEOUT = 60  # seconds without a byte


class Unreachable(FailureError):
    """The server was not reached, or has not what was asked for."""


def fetch(url: str, target: Path, note: Callable[[str], None]) -> None:
    """Write what ``url`` (http or https) gives to the file ``target``.

    Args:
        url: redirects are followed.
        target: replaced; after an error it may hold a part.
        note: called with one line that names the download and its size.

    Raises:
        Unreachable: with the reason alone, if there is no network or the server refuses.
        FailureError: if the download breaks off.
        OSError: if the machine refuses a write.
    """
    try:
        response = urlopen(Request(url, headers={"User-Agent": "tk"}), timeout=TIMEOUT)  # noqa: S310 (callers give http)
    except HTTPError as error:
        raise Unreachable(f"the server answered {error.code} {error.reason}") from error
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise Unreachable(str(getattr(reason, "strerror", None) or reason)) from error
    with response, open(target, "wb") as file:
        size = int(response.headers.get("Content-Length") or 0)
        note(f"downloading {url}" + (f" ({size / 1e6:,.1f} MB)" if size else ""))
        done = _copy(response, file, size)
    if done is None or (size and done != size):
        raise FailureError(f"the download of {url} broke off; give the same command again")


def _copy(response: HTTPResponse, file: BinaryIO, size: int) -> int | None:
    """Bytes that came; None if the connection failed meanwhile."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

    columns = BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn()
    hidden = not sys.stderr.isatty() or usual_note() is not to_stderr
    with Progress(*columns, console=Console(stderr=True), disable=hidden, transient=True) as bar:
        task, done = bar.add_task("", total=size or None), 0
        while True:
            try:
                block = response.read(BLOCK)
            except (OSError, HTTPException):
                return None
            if not block:
                return done
            file.write(block)
            done += len(block)
            bar.update(task, completed=done)
