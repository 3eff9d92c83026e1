"""A file from the network, whole or not at all, and how far it is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from stores.shared.errors import FailureError
from stores.shared.reporter import Progress, Reporter
from stores.shared.worded import size_in_words

if TYPE_CHECKING:
    from http.client import HTTPResponse

BLOCK = 1 << 20
TIMEOUT = 60  # seconds without a byte


class Unreachable(FailureError):
    """The server was not reached, or has not what was asked for.

    Attributes:
        code: that the server answered; None: it was not reached.
    """

    def __init__(self, why: str, code: int | None = None) -> None:
        super().__init__(why)
        self.code = code


def fetch(url: str, target: Path, reporter: Reporter) -> None:
    """Write what ``url`` (http or https) gives to the file ``target``.

    Args:
        url: redirects are followed.
        target: replaced; after an error it may hold a part.
        reporter: told of the download, its size, and how far it is.

    Raises:
        Unreachable: with the reason alone, if there is no network or the server refuses.
        FailureError: if the download breaks off.
        OSError: if the machine refuses a write.
    """
    from http.client import HTTPException
    from urllib.error import HTTPError
    from urllib.request import Request, urlopen

    try:
        response = urlopen(Request(url, headers={"User-Agent": "tk"}), timeout=TIMEOUT)  # noqa: S310 (callers give http)
    except HTTPError as error:
        raise Unreachable(f"the server answered {error.code} {error.reason}", error.code) from error
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise Unreachable(str(getattr(reason, "strerror", None) or reason)) from error
    if url.startswith("https://") and not response.url.startswith("https://"):
        response.close()
        raise FailureError(
            f"{url} leads to {response.url}, which is not encrypted; get the file by hand if you trust it"
        )
    with response, open(target, "wb") as file:
        size = int(response.headers.get("Content-Length") or 0)
        reporter.note(f"downloading {url}" + (f" ({size_in_words(size)})" if size else ""))
        done = _copy(response, file, size, reporter)
    if done is None or (size and done != size):
        raise FailureError(f"the download of {url} broke off; give the same command again")


def _copy(response: HTTPResponse, file: BinaryIO, size: int, reporter: Reporter) -> int | None:
    """Bytes that came; None if the connection failed meanwhile."""
    from http.client import HTTPException

    done = 0
    while True:
        try:
            block = response.read(BLOCK)
        except (OSError, HTTPException):
            return None
        if not block:
            reporter.progress(Progress("downloading", 1.0))
            return done
        file.write(block)
        done += len(block)
        share = min(done / size, 0.999) if size else None
        reporter.progress(Progress("downloading", share, size_in_words(done)))
