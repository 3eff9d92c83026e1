"""Object storage and other file systems that are reached by address, through pyarrow, which brings their clients.

``s3://bucket/key`` (also of other servers than Amazon's: ``AWS_ENDPOINT_URL``), ``gs://bucket/key``,
``abfs://container@account.dfs.core.windows.net/key``, ``hdfs://host:port/path`` and ``hf://datasets/owner/name/path``.
Who asks is found where the tools of the service find it: the environment, their files, the machine's role; if nothing
is there, nobody is asked for, which suffices for what is public.
"""

from __future__ import annotations

import os
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from stores.shared.errors import FailureError, InputError

SCHEMES = ("s3", "gs", "abfs", "hdfs", "hf")
# s3:/bucket too, which is how pathlib has s3://bucket; the drives of Windows have one letter
ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/+")
REFUSED = re.compile("ACCESS_DENIED|InvalidAccessKey|credentials|forbidden|HTTP status code 40[13]", re.IGNORECASE)
UNREACHED = re.compile("NETWORK_CONNECTION|could not (connect|resolve)|timed? ?out", re.IGNORECASE)
ADVICE = {
    REFUSED: "; see that the credentials of the service are set, and may read and write there",
    UNREACHED: "; see that the network is there, and that AWS_ENDPOINT_URL, if it is set, names the service",
}
PATIENCE = timedelta(seconds=10)  # the client of gs:// tries again for a quarter of an hour by itself
FIRST = 5  # seconds for the first connection to it
INSTALL = {
    "hdfs": "the client of Hadoop is not found: set HADOOP_HOME and CLASSPATH as its libhdfs needs them",
}


def scheme_of(place: str | Path) -> str:
    """``s3`` of ``s3://bucket/a.csv``; empty if it is no address, or there is a file or folder of that name."""
    found = ADDRESS.match(Path(place).as_posix() if isinstance(place, Path) else place)
    return "" if found is None or Path(place).exists() else found[1].lower()


def full_address(place: str | Path) -> str:
    """``s3://bucket/a.csv``, where pathlib has made one slash of two."""
    text = place.as_posix() if isinstance(place, Path) else place
    return ADDRESS.sub(lambda found: f"{found[1].lower()}://", text, count=1)


def open_filesystem(address: str, *, anonymous: bool = False) -> tuple[Any, str]:
    """The file system of an address, and the path in it.

    Args:
        address: of one of ``SCHEMES``.
        anonymous: to ask as nobody.

    Returns:
        a ``pyarrow.fs.FileSystem`` and a path such as ``bucket/key``.

    Raises:
        InputError: if there is no such scheme.
        FailureError: if there is no client for it.
    """
    scheme, rest = scheme_of(address), ADDRESS.sub("", address, count=1)
    if scheme not in SCHEMES:
        known = ", ".join(f"{name}://" for name in SCHEMES)
        raise InputError(f"{address}: nothing is known of {scheme}://; give {known}, or a path of this machine")
    from pyarrow import fs

    try:
        if scheme == "s3":
            return _s3(fs, rest.partition("/")[0], anonymous), rest
        if scheme == "gs":
            _knock(address)
            return fs.GcsFileSystem(anonymous=anonymous, retry_time_limit=PATIENCE), rest
        if scheme == "hf":
            from huggingface_hub import HfFileSystem

            return fs.PyFileSystem(fs.FSSpecHandler(HfFileSystem())), rest
        authority, _, path = rest.partition("/")
        system, _ = fs.FileSystem.from_uri(f"{scheme}://{authority}/")
        return system, path if scheme == "abfs" and "@" not in authority else _in_container(scheme, authority, path)
    except (OSError, ValueError, NotImplementedError) as error:
        raise FailureError(f"{address}: {INSTALL.get(scheme) or first_line(error)}") from error


@cache
def _reached(host: str, port: int) -> bool:
    """Whether somebody listens there, told within ``FIRST`` seconds, also where names cannot be looked up."""
    found: list[bool] = []

    def knock() -> None:
        with suppress(OSError):
            socket.create_connection((host, port), FIRST).close()
            found.append(True)

    asking = threading.Thread(target=knock, daemon=True)
    asking.start()
    asking.join(FIRST)
    return bool(found)


def _knock(address: str) -> None:
    """``FailureError`` if Google's service is out of reach: its client would try for a minute; a proxy is trusted."""
    if any(name.lower() in ("https_proxy", "all_proxy") for name in os.environ):
        return
    service = urlsplit(os.environ.get("CLOUD_STORAGE_EMULATOR_ENDPOINT") or "https://storage.googleapis.com")
    host, port = service.hostname or "", service.port or (80 if service.scheme == "http" else 443)
    if not _reached(host, port):
        _reached.cache_clear()
        raise FailureError(f"{address}: no connection to {host}; see that the network is there")


def _in_container(scheme: str, authority: str, path: str) -> str:
    return f"{authority.partition('@')[0]}/{path}" if scheme == "abfs" else f"/{path}"


def _s3(fs: Any, bucket: str, anonymous: bool) -> Any:  # noqa: ANN401 (pyarrow's)
    """S3, or a server that speaks as it does; the region is the bucket's, if none is given."""
    options: dict[str, Any] = {"anonymous": anonymous, "allow_delayed_open": True}  # small files in one request
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    if endpoint:
        scheme, _, host = endpoint.rpartition("://")
        options |= {"endpoint_override": host.rstrip("/"), "scheme": scheme or "https"}
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if not region and not endpoint:
        with suppress(OSError):  # what is wrong is said by what follows
            region = fs.resolve_s3_region(bucket)
    return fs.S3FileSystem(region=region or "us-east-1", **options)


def first_line(error: Exception) -> str:
    """What an error of a client says, without its stack and the number of the request."""
    said = " ".join(str(error).partition("\n")[0].split())
    return re.sub(r" \(Request ID: .*\)", "", said).rstrip(".") or type(error).__name__


@contextmanager
def one_line(address: str) -> Iterator[None]:
    """Say where it was that a client failed: ``InputError`` if nothing is there, else ``FailureError``."""
    try:
        yield
    except FileNotFoundError as error:
        raise InputError(f"{address}: nothing is there") from error
    except OSError as error:
        advice = next((advice for kind, advice in ADVICE.items() if kind.search(str(error))), "")
        raise FailureError(f"{address}: {first_line(error)}{advice}") from error


def _check_bucket(system: Any, bucket: str, address: str) -> None:  # noqa: ANN401 (pyarrow's)
    from pyarrow import fs

    with suppress(OSError):  # who may not ask is told what is wrong when it is read or written
        if system.get_file_info(bucket).type == fs.FileType.NotFound:
            raise InputError(f"{address}: there is no bucket {bucket}; correct its name, or make it first")


def list_files(address: str, below: str = "") -> tuple[Any, list[Any]]:
    """All files at an address or below it, in the order of their paths.

    Args:
        address: a file, or a folder.
        below: the part of the path that is listed, if not all of it.

    Returns:
        the file system, as whom the first way of asking that works, and pyarrow's ``FileInfo`` of each file.

    Raises:
        FailureError: if that cannot be listed.
        InputError: if there is no such bucket.
    """
    from pyarrow import fs

    failed: OSError | None = None
    for anonymous in (False, True):
        system, path = open_filesystem(address, anonymous=anonymous)
        path = (below or path).rstrip("/")
        try:
            info = system.get_file_info(path)
            if info.type == fs.FileType.File:
                return system, [info]
            found = system.get_file_info(fs.FileSelector(path, allow_not_found=True, recursive=True))
            files = sorted((each for each in found if each.is_file), key=lambda each: each.path)
            if not files and scheme_of(address) == "s3":
                _check_bucket(system, path.partition("/")[0], address)
            return system, files
        except OSError as error:
            failed = failed or error
    with one_line(address):
        raise failed or FileNotFoundError(address)
    raise AssertionError  # for the types: the line above always raises
