"""Tables in object storage: files that are copied when they are read, into a temporary folder that has a bound.

Tables are read more than once, to look at them and then to encode them, and in forms that are not read from front to
back; so a file is copied as a whole. Copies that have not been needed for the longest go when the folder is full, and
come again when they are needed. The digest is that of the bytes, so a table is the same wherever it lies.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import weakref
from itertools import count
from pathlib import Path
from typing import Any

from embed.reading.containers import TABLES
from embed.reading.files import SUFFIXES, Source, is_about, packing_of
from stores.shared.errors import FailureError, InputError
from stores.shared.files import check_space
from stores.shared.fingerprint import digest_file
from stores.shared.remote import full_address, list_files, one_line

MOST_COPIED = 16 << 30  # bytes of all copies together; a larger file is alone there
BLOCK = 1 << 22  # bytes that are copied at once
CHANGED = "was changed while it was read, or did not come whole; give the command again"


class Copies:
    """A temporary folder with copies; it goes when nothing refers to it any more."""

    def __init__(self, most: int = MOST_COPIED) -> None:
        self._most = most
        self.folder = Path(tempfile.mkdtemp(prefix="tk-"))
        self._sizes: dict[Path, int] = {}  # the one that was needed last is the last
        weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)

    def get(self, system: Any, info: Any, place: Path, address: str) -> tuple[Path, bool]:  # noqa: ANN401 (pyarrow's)
        """The copy of a file, and whether it was made now; others may have gone."""
        copy = self.folder / place
        if copy in self._sizes:
            self._sizes[copy] = self._sizes.pop(copy)
            return copy, False
        while self._sizes and sum(self._sizes.values()) + info.size > self._most:
            oldest = next(iter(self._sizes))
            oldest.unlink(missing_ok=True)
            del self._sizes[oldest]
        check_space(self.folder, info.size, f"the copy of {address}")
        copy.parent.mkdir(parents=True, exist_ok=True)
        with (
            one_line(address),
            system.open_input_stream(info.path, compression=None) as there,
            open(copy, "wb") as here,
        ):
            shutil.copyfileobj(there, here, BLOCK)
        if copy.stat().st_size != info.size:
            copy.unlink()
            raise FailureError(f"{address} {CHANGED}")
        self._sizes[copy] = info.size
        return copy, True


class RemoteSource(Source):
    """A file in object storage; ``path`` is that of a copy, which is made when it is asked for."""

    def __init__(self, copies: Copies, system: Any, info: Any, number: int, name: str) -> None:  # noqa: ANN401
        place = Path(str(number)) / Path(name).name
        rest = {"_copies": copies, "_system": system, "_info": info, "_place": place, "_digest": None}
        for field, value in ({"name": name, "given": None} | rest).items():
            object.__setattr__(self, field, value)
        object.__setattr__(self, "packing", packing_of(self.path, name))

    @property
    def path(self) -> Path:
        """Of the copy; ``FailureError`` if the file is not what it was when it was first read."""
        copy, new = self._copies.get(self._system, self._info, self._place, self.name)  # type: ignore[attr-defined]
        if new:
            digest = digest_file(copy)
            if self._digest not in (None, digest):  # type: ignore[attr-defined]
                raise FailureError(f"{self.name} {CHANGED}")
            object.__setattr__(self, "_digest", digest)
        return copy

    def digest(self) -> str:
        """That of the bytes, known since they were copied."""
        return self._digest or super().digest()  # type: ignore[attr-defined]


def find_remote(data: str) -> list[Source]:
    """The files that an address names: one, those that match a pattern, or the tables in a folder and below.

    Raises:
        InputError: if there is none.
        FailureError: if the service does not give them.
    """
    address = full_address(data)
    (scheme, _, rest), magic = address.partition("://"), re.search(r"[*?\[]", address)
    below = rest[: rest.index(magic[0])].rpartition("/")[0] if magic else rest.rstrip("/")
    system, files = list_files(address, below if scheme in ("s3", "gs", "hf") else "")
    if magic:
        matches = _pattern(rest)
        files = [info for info in files if matches.fullmatch(info.path.lstrip("/"))]
    elif [info.path.rstrip("/").lstrip("/") for info in files] != [rest.rstrip("/")]:
        files = [info for info in files if _is_table(info.path)]
    if not files:
        raise InputError(f"{address}: {'no file matches it' if magic else 'no such file, and no folder of tables'}")
    copies = Copies()
    names = [f"{scheme}://{info.path.lstrip('/')}" for info in files]
    return [RemoteSource(copies, system, *each) for each in zip(files, count(), names, strict=False)]


def _is_table(path: str) -> bool:
    """Whether a file in a folder counts: by its ending, unless it is hidden, or tells about the others."""
    name = Path(path).name
    plain = Path(name).stem if Path(name).suffix.lower() in SUFFIXES else name
    return name[:1] not in "._" and not is_about(name) and Path(plain).suffix.lower() in TABLES


def _pattern(path: str) -> re.Pattern:
    """As in a shell: ``*`` and ``?`` stay in a folder, ``**/`` is any number of folders."""
    special = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    pieces = re.split(r"(\*\*/|\*\*|\*|\?|\[[^\]]+\])", path)
    plain = [piece.replace("[!", "[^") if piece[:1] == "[" else re.escape(piece) for piece in pieces]
    return re.compile("".join(map(special.get, pieces, plain)))
