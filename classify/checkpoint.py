"""Predictions that survive a kill: what is written is counted in a file, from which the next process goes on.

Results go into a file beside the output, ``<output>.partial``. From time to time it is synced, and the checkpoint says
how many rows and bytes of it count; what lies behind them is written again. The file becomes the output when all is
done, and the checkpoint goes.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from classify.typed_json import Jsonable, from_json
from classify.watch import Counts
from stores.shared.errors import FailureError, InputError
from stores.shared.files import whole_file
from stores.shared.locks import hold

VERSION = 1


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """One process at a time goes on from a checkpoint; ``FailureError`` for a second one."""
    place, busy = path.with_name(f".{path.name}.lock"), f"{path} is in use by another process"
    with hold(place, lambda: busy, otherwise="wait until that has ended", temporary=True):
        yield


@dataclass(frozen=True)
class State(Jsonable):
    """What the file of a checkpoint holds.

    Attributes:
        version: of this form.
        of: what the predictions are made of and into, by name: the run, the output, the options.
        table: name of the table, for messages.
        blocks: of rows that are done.
        input: digest of these rows.
        bytes: of the partial output that count.
        counts: of the rows so far.
        finished: whether nothing but the renaming is left.
    """

    version: int
    of: dict[str, Any]
    table: str
    blocks: int = 0
    input: str = ""
    bytes: int = 0
    counts: Counts = field(default_factory=Counts)
    finished: bool = False


class Checkpoint:
    """How far a prediction is, on the disk.

    Args:
        path: of the checkpoint; it need not be there.
        out: the output, a file.
        of: what decides the bytes of the output beside the rows; JSON-able.
        table: name of the table.

    Raises:
        InputError: if the checkpoint is of another prediction.
        FailureError: if it cannot be read, or the partial output is gone or too short.
    """

    def __init__(self, path: Path, out: Path, of: Mapping[str, Any], table: str) -> None:
        self._path, self._out = path, out
        self._partial = out.with_name(f"{out.name}.partial")
        self._digest = hashlib.blake2b(digest_size=16)
        self._blocks = 0
        wanted = json.loads(json.dumps(dict(of)))
        self.before: State | None = self._read(wanted) if path.exists() else None
        self._of, self._table = wanted, table

    @property
    def is_finished(self) -> bool:
        """Whether the output is whole, and only its name, or the removal of the checkpoint, is missing."""
        return self.before is not None and self.before.finished

    @property
    def is_behind(self) -> bool:
        """Whether an earlier process has predicted more blocks of rows than were taken in here."""
        return self.before is not None and self._blocks < self.before.blocks

    def take(self, lines: Sequence[int], texts: Sequence[str], ids: Sequence[str] | None = None) -> None:
        """Take in the next block of rows: what counts with the next commit, or was predicted by an earlier process.

        Raises:
            InputError: if the earlier process had other rows before it.
        """
        for cells in zip(map(str, lines), texts, *([] if ids is None else [ids]), strict=True):
            for cell in cells:
                encoded = cell.encode("utf-8", "surrogatepass")
                self._digest.update(b"%d " % len(encoded) + encoded)
        self._blocks += 1
        before = self.before
        if before is not None and self._blocks == before.blocks and self._digest.hexdigest() != before.input:
            raise self._other("the table", before.table)

    def check_end(self) -> None:
        """That there were as many rows as were predicted before; ``InputError``."""
        if self.before is not None and self.is_behind:
            raise self._other("the table", self.before.table)

    @contextmanager
    def open(self) -> Iterator[TextIO]:
        """The partial output, at the end of what counts; nothing is to be written where all is done."""
        if self.is_finished:
            yield io.StringIO()
            return
        start = 0 if self.before is None else self.before.bytes
        try:
            self._out.parent.mkdir(parents=True, exist_ok=True)
            with open(os.open(self._partial, os.O_RDWR | os.O_CREAT, 0o666), "r+b", buffering=0) as raw:
                if raw.seek(0, io.SEEK_END) < start:
                    raise FailureError(
                        f"{self._partial} is shorter than {self._path} says; remove both, and begin again"
                    )
                raw.truncate(start)
                raw.seek(start)
                buffered = io.BufferedWriter(raw, 1 << 20)
                file = io.TextIOWrapper(buffered, "utf-8", "backslashreplace", newline="")
                yield file
                file.flush()
        except OSError as error:
            if isinstance(error, BrokenPipeError):
                raise
            raise FailureError(f"{self._partial} could not be written: {error.strerror or error}") from error

    def commit(self, file: TextIO, counts: Counts, finished: bool = False) -> None:
        """What was written so far counts from now on, also after a loss of power."""
        file.flush()
        os.fsync(file.fileno())
        bytes_, digest = file.buffer.raw.tell(), self._digest.hexdigest()  # type: ignore[attr-defined]
        state = State(VERSION, self._of, self._table, self._blocks, digest, bytes_, counts, finished)
        with whole_file(self._path) as temporary:
            temporary.write_text(json.dumps(state.as_dict()), encoding="utf-8")

    def finish(self) -> None:
        """The partial output becomes the output, and the checkpoint goes.

        Raises:
            FailureError: if neither is there as the checkpoint says.
        """
        try:
            if self._partial.exists():
                os.replace(self._partial, self._out)
            elif not self._out.exists():
                raise FailureError(f"{self._partial} is gone; remove {self._path}, and begin again")
            self._path.unlink(missing_ok=True)
        except OSError as error:
            raise FailureError(f"{self._out} could not be written: {error.strerror or error}") from error

    def _read(self, wanted: dict[str, Any]) -> State:
        try:
            state = from_json(State, json.loads(self._path.read_text(encoding="utf-8")))
            if state.version != VERSION:
                raise ValueError(f"it is of version {state.version}")
        except (OSError, ValueError, RecursionError) as error:
            raise FailureError(
                f"{self._path} is no checkpoint that can be read ({error}); remove it, or name another"
            ) from error
        for name, value in wanted.items():
            if state.of.get(name) != value:
                raise self._other(name, state.of.get(name))
        if not state.finished and not self._partial.exists():
            raise FailureError(f"{self._partial} is gone; remove {self._path}, and begin again")
        return state

    def _other(self, what: str, before: object) -> InputError:
        return InputError(
            f"{self._path} is the checkpoint of another prediction ({what} was {before}); give what it was "
            "made with, or remove it, or name another `checkpoint`"
        )
