"""Making an HDF5 file: the same bytes each time, and no crash on a full disk."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import h5py
from h5py import h5f, h5fd, h5p

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

ALIGNMENT = 4096  # bytes: a page of memory; HDF5 writes less than that before the first data set
LEAST_ALIGNED, MOST_ALIGNED = 512, 1 << 16  # bytes: from some size on all data sets are aligned, but no metadata
NOTHING = range(0)


@contextmanager
def new_file(path: Path, first: int, reserved: range = NOTHING) -> Iterator[tuple[h5py.File, GuardedFile]]:
    """A new HDF5 file, and the guard that knows whether its writes succeed.

    Args:
        path: the file.
        first: bytes of the data set that will be made first. It begins at byte ``ALIGNMENT``, and so do larger ones at
            multiples of that, unless it is tiny.
        reserved: bytes that are in the file already and stay there.

    In the layout of HDF5 1.10 (2016): it puts a checksum on every piece of the file's own metadata, and lays chunks
    that need no index one after the other. No object keeps the time it was made.

    Raises:
        OSError: when the block ends, if a write failed.
    """
    access, create = h5p.create(h5p.FILE_ACCESS), h5p.create(h5p.FILE_CREATE)
    access.set_libver_bounds(h5f.LIBVER_V110, h5f.LIBVER_V110)
    create.set_obj_track_times(False)
    if first >= LEAST_ALIGNED:
        access.set_alignment(min(first, MOST_ALIGNED), ALIGNMENT)
    with GuardedFile(path, reserved) as guard:
        access.set_fileobj_driver(h5fd.fileobj_driver, guard)
        made = h5f.create(os.fsencode(path), h5f.ACC_TRUNC, create, access)
        access.close()  # subtle: alive when Python ends, in the traceback of an error say, it would crash the process
        try:
            with h5py.File(made) as file:
                yield file, guard
        finally:
            guard.check()


def require_group(file: h5py.File, path: str) -> h5py.Group:
    """The group ``path``, made with all that lead to it if it is not there yet."""
    group = file
    for name in filter(None, path.split("/")):
        if name not in group:
            create = h5p.create(h5p.GROUP_CREATE)
            create.set_obj_track_times(False)
            h5py.h5g.create(group.id, name.encode(), gcpl=create)
        group = group[name]
    return group


class GuardedFile(io.FileIO):
    """A file for HDF5 to write to, whose writes never fail: the first error is kept, and the rest goes nowhere.

    HDF5 cannot give up a file that it cannot write: it tries again when the process ends, and crashes. So it is left in
    the belief that all went well, and whoever had it write asks ``check``.

    Args:
        path: the file, written from the start unless bytes are reserved.
        reserved: bytes that are there already; they are never written over nor cut off, and all else becomes zeros.

    Attributes:
        error: the exception at the first write that failed, also by Ctrl-C; None if there was none.
    """

    def __init__(self, path: Path, reserved: range = NOTHING) -> None:
        super().__init__(path, "r+" if reserved else "w+")
        self.error: BaseException | None = None
        self._size = 0  # as HDF5 believes it to be, and it would be if all had gone well
        self._reserved = reserved
        if reserved:  # all else is zeros, as in a new file
            super().truncate(reserved.stop)
            super().write(bytes(reserved.start))

    def write(self, data: ReadableBuffer, /) -> int:
        """Write all of ``data``, or keep the error."""
        left = memoryview(data).cast("B")
        try:
            if self.tell() < self._reserved.stop and self.tell() + len(left) > self._reserved.start:
                raise OSError(f"HDF5 would write over what is there, at byte {self.tell()}")
            self._size = max(self._size, self.tell() + len(left))
            while left and self.error is None:
                left = left[super().write(left) :]
        except BaseException as error:
            self.error = error.with_traceback(None)
        return memoryview(data).nbytes

    def truncate(self, size: int | None = None) -> int:
        """Set the size, or keep the error."""
        try:
            self._size = self.tell() if size is None else size
            if self.error is None:
                super().truncate(max(self._size, self._reserved.stop))
        except BaseException as error:
            self.error = error.with_traceback(None)
        return self._size

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go there; the end is where HDF5 believes it to be."""
        return super().seek(self._size + offset) if whence == io.SEEK_END else super().seek(offset, whence)

    def check(self) -> None:
        """Raise the first error, if there was one."""
        if self.error is not None:
            raise self.error
