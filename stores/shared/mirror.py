"""A store in object storage and its copy on this machine, in the cache folder: what is needed comes here, once.

HDF5 reads and writes files. So the store and its parts are files here, and objects of the same names there: each object
is put there at once, or not at all. Whoever reads a store gets its index, and each part when rows of it are read. What
was fetched or put is written down with its size and time, one line a file; an object that has changed comes again, one
that has gone goes here too. What is here and was never put stays.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from stores.shared.cache import cache_folder
from stores.shared.errors import FailureError, InputError
from stores.shared.files import check_space
from stores.shared.fingerprint import digest_bytes
from stores.shared.remote import full_address, list_files, one_line, open_filesystem, scheme_of

WRITTEN = ("s3", "gs", "abfs", "hdfs")  # schemes of places that stores are written to
PART = re.compile(r"\.parts/[0-9a-f]{32}/part-[0-9]{6,}\.h5")  # behind the name of the store
AT_ONCE = 8  # objects that come at the same time
BLOCK = 1 << 22  # bytes


class Mirror:
    """The copy of the store at an address.

    Args:
        address: of the store, ``s3://bucket/a.h5``, or of its folder: ``s3://bucket/a`` or ``s3://bucket/a/`` holds
            ``a.h5`` and its parts.

    Attributes:
        address: of the store itself.
        output: path of its copy.

    Raises:
        InputError: if nothing is known of such addresses.
    """

    def __init__(self, address: str | Path) -> None:
        address = full_address(address).rstrip("/")
        if not address.endswith(".h5"):
            address = f"{address}/{address.rpartition('/')[2]}.h5"
        self.address = address
        self.output = cache_folder() / "remote" / digest_bytes([address.encode()]) / address.rpartition("/")[2]
        self._record = self.output.parent / "record.jsonl"
        self._lock = threading.Lock()
        self._prefix = open_filesystem(address)[1].rpartition("/")[0]
        self._there: tuple[Any, dict[str, Any]] = None, {}

    def __getstate__(self) -> dict[str, str]:
        return {"address": self.address}

    def __setstate__(self, state: dict[str, str]) -> None:
        self.__init__(state["address"])  # type: ignore[misc]

    def fetch(self, wanted: Callable[[str], bool] = lambda name: True) -> None:
        """Bring here what is not here, or another here, of the objects with these names, from the store's folder on.

        What is another here and not wanted goes; ``bring`` has it come again.

        Raises:
            FailureError: if the service does not give it, or the disk has no room.
            InputError: if an object lies there that is no part of a store.
        """
        system, there = self._there = self._listed()
        here = self._recorded()
        for name in {*here, self.output.name} - there.keys():
            (self.output.parent / name).unlink(missing_ok=True)
            if name in here:
                self._write_down(name, None)
        old = [
            name for name, info in there.items()
            if here.get(name) != _mark(info) or not (self.output.parent / name).is_file()
        ]  # fmt: skip
        missing = [name for name in old if wanted(name)]
        for name in set(old) - set(missing):
            (self.output.parent / name).unlink(missing_ok=True)
        self.output.parent.mkdir(parents=True, exist_ok=True)
        check_space(self.output.parent, sum(there[name].size for name in missing), f"the copy of {self.address}")
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(lambda name: self._get(system, name, there[name]), missing))

    def size(self, name: str) -> int | None:
        """Bytes of an object, as it was when ``fetch`` looked; None if there was none."""
        info = self._there[1].get(name)
        return None if info is None else int(info.size)

    def bring(self, names: Sequence[str]) -> None:
        """Bring more objects here, those which were there when ``fetch`` looked, at most ``AT_ONCE`` at a time.

        Raises:
            FailureError: if another one is there now, or the service does not give it, or the disk has no room.
        """
        system, there = self._there
        check_space(self.output.parent, sum(there[name].size for name in names), f"the copy of {self.address}")

        def one(name: str) -> None:
            self._get(system, name, there[name])
            with one_line(f"{self.address}: {name}"):
                now = system.get_file_info(there[name].path)
            if _mark(now) != _mark(there[name]):
                (self.output.parent / name).unlink(missing_ok=True)
                raise FailureError(f"{self.address}: {name} was replaced while its store was read; try again")

        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(one, names))

    def put(self, paths: Iterable[Path]) -> None:
        """Have files of the copy there as well, those that are not.

        Raises:
            FailureError: if the service does not take them.
        """
        here, system = self._recorded(), open_filesystem(self.address)[0]
        for path in paths:
            name = path.relative_to(self.output.parent).as_posix()
            if name in here and path != self.output:
                continue
            place = f"{self._prefix}/{name}"
            with one_line(f"{self.address}: {name}"):
                with open(path, "rb") as file, system.open_output_stream(place, compression=None) as stream:
                    shutil.copyfileobj(file, stream, BLOCK)
                info = system.get_file_info(place)
            if info.size != path.stat().st_size:
                raise FailureError(f"{self.address}: {name} did not get there whole; give the same command again")
            self._write_down(name, info)

    def _listed(self) -> tuple[Any, dict[str, Any]]:
        """The objects of the store by their names."""
        start = f"{self._prefix}/{self.output.name}"
        found: dict[str, Any] = {}
        for place in (start, f"{start}.parts"):
            system, infos = list_files(self.address, place)
            found |= {info.path.lstrip("/").removeprefix(f"{self._prefix.lstrip('/')}/"): info for info in infos}
        for name in found:  # keys of objects are any text: none may be a way out of the copy's folder
            if name != self.output.name and not PART.fullmatch(name.removeprefix(self.output.name)):
                raise InputError(f"{self.address}: the object {name!r} is no part of a store; delete it there")
        return system, found

    def _get(self, system: Any, name: str, info: Any) -> None:  # noqa: ANN401 (pyarrow's)
        path = self.output.parent / name
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.partial")
        try:
            with (
                one_line(f"{self.address}: {name}"),
                system.open_input_stream(info.path, compression=None) as stream,
                open(partial, "wb") as file,
            ):
                shutil.copyfileobj(stream, file, BLOCK)
            if partial.stat().st_size != info.size:
                raise FailureError(f"{self.address}: {name} did not come whole; give the same command again")
            os.replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)
        self._write_down(name, info)

    def _recorded(self) -> dict[str, list[int]]:
        """Size and time of each object that has come or was put, as it was then."""
        with self._lock:
            lines = self._record.read_text(encoding="utf-8").splitlines() if self._record.exists() else []
        found: dict[str, list[int]] = {}
        for line in lines:
            try:
                name, mark = json.loads(line)
            except ValueError:  # the end of a line that was being written when the machine stopped
                continue
            found[name] = mark
        return {name: mark for name, mark in found.items() if mark is not None}

    def _write_down(self, name: str, info: Any) -> None:  # noqa: ANN401 (pyarrow's)
        with self._lock:
            self._record.parent.mkdir(parents=True, exist_ok=True)
            with open(self._record, "a", encoding="utf-8") as file:
                file.write(json.dumps([name, info and _mark(info)]) + "\n")


def opened_mirror(address: str | Path) -> Mirror:
    """The copy on this machine of the store at an address, up to now its index alone; ``bring`` adds parts.

    Raises:
        InputError: if nothing is known of such addresses.
        FailureError: if the service does not give it, or the disk has no room.
    """
    mirror = Mirror(address)
    mirror.fetch(mirror.output.name.__eq__)
    return mirror


def _mark(info: Any) -> list[int]:  # noqa: ANN401 (pyarrow's)
    return [info.size, int(info.mtime_ns or 0) // 10**9]


def output_at(out: Path, layout: str) -> Mirror | None:
    """Where the store that is to be written at an address lies meanwhile; None for a path of this machine.

    Raises:
        InputError: if no store is written there, or none of that layout.
    """
    scheme = scheme_of(out)
    if not scheme:
        return None
    if scheme not in WRITTEN:
        known = ", ".join(f"{name}://" for name in WRITTEN)
        raise InputError(f"{full_address(out)}: no store is written to {scheme}://; give {known}, or a path as `out`")
    if layout != "parts":
        raise InputError(f"{full_address(out)}: a store in object storage is kept in parts; add `layout='parts'`")
    return Mirror(out)
