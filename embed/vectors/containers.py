"""A file of word vectors, packed in any way -> a plain file on this machine.

A compressed file is unpacked once, one member alone of an archive, into the cache folder ``vectors/<digest>/``, where
rows can then be read at random. What it is packed in is told by its first bytes, not by its name.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO

import numpy as np

from embed.models.archives import BROKEN
from embed.models.cache import alone, cache_folder, weights_digest
from embed.models.resolve import resolve
from embed.models.trust import Trust
from embed.vectors.table import is_table
from stores.shared.errors import FailureError, InputError
from stores.shared.files import whole_folder
from stores.shared.fingerprint import digest_bytes
from stores.shared.reporter import Progress, Reporter

ROWS = 4096  # that are worked on at once


def write_word2vec(path: Path, out: BinaryIO) -> None:
    """Write the vectors of an HDF5 file to ``out`` in the binary form of word2vec, float32.

    Raises:
        FailureError: if it is damaged, or does not hold vectors in this way.
    """
    import h5py

    try:
        with h5py.File(path) as file:
            words, values = file["mat/axis1"], file["mat/block0_values"]
            if values.ndim != 2 or len(words) != len(values):
                raise ValueError(f"{len(words)} words, numbers {values.shape}")
            out.write(b"%d %d\n" % values.shape)
            for start in range(0, len(words), ROWS):
                _write(words[start : start + ROWS], values[start : start + ROWS], out)
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, OSError) and error.errno == 28:  # the disk is full
            raise
        raise FailureError(f"{path} holds no word vectors as mini.h5 does ({error}); get it again") from error


def _write(words: np.ndarray, values: np.ndarray, out: BinaryIO) -> None:
    vectors = values.astype("<f4")
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors /= np.where(lengths > 0, lengths, 1)
    for word, vector in zip(words, vectors, strict=True):
        out.write(word + b" " + vector.tobytes())


USUAL_DIM = 300  # of several files, the one that is taken where the user says nothing
BLOCK = 1 << 20
_ZIP = b"PK\x03\x04"
_HDF5 = b"\x89HDF\r\n"
_COMPRESSED: dict[bytes, Callable] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}


def plain_file(model: str, dim: int | None, reporter: Reporter, trust: Trust = Trust.USER) -> Path:
    """The plain file with the vectors that ``model`` names.

    Args:
        model: a file, plain or gzip, bzip2, xz; a zip or tar archive (of these), a folder, or what
            ``embed.models.resolve.resolve`` takes; ``archive!member`` names one file of several.
        dim: of several files, the one with this in its name, as in ``glove.6B.100d.txt``; None: 300.
        reporter: told before something is unpacked.
        trust: who named the model.

    Raises:
        InputError: if there is no such file, or it is not clear which of several is meant.
        FailureError: if the model is not available, or the bytes are damaged.
    """
    path, member = _split(model)
    if path is None:
        path = resolve(model, reporter, trust)
    if path.is_dir():
        files = {file.relative_to(path).as_posix(): file for file in sorted(path.rglob("*")) if file.is_file()}
        path, member = files[_choose(list(files), member, dim, model)], None
    if is_table(path):
        return path
    names = _members(path)
    if names is None and member is not None:
        raise InputError(f"{path} is no zip or tar archive, so it has no member {member!r}; leave out !{member}")
    if names is not None:
        member = _choose(names, member, dim, model)
    elif _opener(path) is None and not _is_hdf5(path):
        return path
    return _unpacked(path, member, reporter)


def _split(model: str) -> tuple[Path | None, str | None]:
    """Path and member of a model on this machine; no path where it has to be resolved."""
    path = Path(model)
    if path.exists():
        return path, None
    archive, mark, member = model.rpartition("!")
    return (Path(archive), member) if mark and Path(archive).exists() else (None, None)


def _choose(names: list[str], wanted: str | None, dim: int | None, model: str) -> str:
    """The one of the files of an archive or folder that is meant."""
    names = [name for name in names if not any(part.startswith((".", "__MACOSX")) for part in name.split("/"))]
    if wanted is not None:
        found = [name for name in names if name == wanted]
    else:
        pattern = re.compile(rf"(?<!\d){dim or USUAL_DIM}d(?!\w)")
        found = names if len(names) == 1 else [name for name in names if pattern.search(name)]
    if len(found) == 1:
        return found[0]
    meant = f"!{wanted}" if wanted is not None else f"a file with {dim or USUAL_DIM}d in its name"
    there = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "") if names else "none"
    raise InputError(
        f"{model}: {meant} is there {len(found)} times among its files ({there}); choose one with `dim`, or as"
        f" {model.partition('!')[0]}!NAME"
    )


def _members(path: Path) -> list[str] | None:
    """Names of the files in a zip or tar archive, each once; None if it is none."""
    with _damage(path):
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                return list(dict.fromkeys(member.filename for member in archive.infolist() if not member.is_dir()))
        if _is_tar(path):
            with tarfile.open(path) as archive:
                return list(dict.fromkeys(member.name for member in archive if member.isreg()))
        with open(path, "rb") as file:
            if file.read(len(_ZIP)) == _ZIP:
                raise zipfile.BadZipFile("a zip archive without its end")
    return None


def _is_tar(path: Path) -> bool:
    """Whether the first block, unpacked if need be, is the header of a tar archive (POSIX: ``ustar`` at 257)."""
    with (_opener(path) or open)(path, "rb") as file:
        return file.read(262)[257:] == b"ustar"


def _opener(path: Path) -> Callable | None:
    """What opens a compressed file; None for a plain one."""
    with open(path, "rb") as file:
        start = file.read(6)
    return next((opener for magic, opener in _COMPRESSED.items() if start.startswith(magic)), None)


def _unpacked(path: Path, member: str | None, reporter: Reporter) -> Path:
    """The plain file of a compressed one, or of a member of an archive, in the cache."""
    key = digest_bytes([weights_digest(path).encode(), (member or "").encode("utf-8", "surrogateescape")])
    folder = cache_folder() / "vectors" / key
    with alone(folder, reporter):
        if not folder.is_dir():
            reporter.note(f"unpacking {path}{'!' + member if member else ''} into {folder}")

            def copied(size: int) -> None:
                reporter.progress(Progress("unpacking", None, f"{path.name}, {size / 1e6:,.0f} MB"))

            with whole_folder(folder) as partial, open(partial / "plain", "wb") as out, _damage(path):
                if member is None and _is_hdf5(path):
                    write_word2vec(path, out)
                else:
                    with _content(path, member) as source:
                        _copy(source, out, copied)
    plain = folder / "plain"
    if _opener(plain) or _is_hdf5(plain):  # such as a .gz in a .zip
        return _unpacked(plain, None, reporter)
    return plain


def _copy(source: IO[bytes], out: IO[bytes], copied: Callable[[int], None]) -> None:
    """Copy all bytes, and say how many; another core unpacks what comes next while these are written."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(source.read, BLOCK)
        while block := coming.result():
            coming = pool.submit(source.read, BLOCK)
            out.write(block)
            copied(out.tell())


def _is_hdf5(path: Path) -> bool:
    with open(path, "rb") as file:
        return file.read(len(_HDF5)) == _HDF5


@contextmanager
def _content(path: Path, member: str | None) -> Iterator[IO[bytes]]:
    """The bytes of a compressed file, or of the first member of that name, as a stream."""
    if member is None:
        opener = _opener(path) or open
        with opener(path, "rb") as source:
            yield source
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            info = next(info for info in archive.infolist() if info.filename == member)
            if info.flag_bits & 1:
                raise FailureError(f"{path}!{member} is encrypted; unpack it and give the file itself")
            with archive.open(info) as source:
                yield source
    else:
        with tarfile.open(path) as archive:
            found = archive.extractfile(next(info for info in archive if info.name == member and info.isreg()))
            assert found is not None  # noqa: S101 (it is a file)
            yield found


@contextmanager
def _damage(path: Path) -> Iterator[None]:
    """What the standard library raises at damaged bytes, in one line."""
    try:
        yield
    except (*BROKEN, OSError) as error:
        if not isinstance(error, BROKEN) and error.errno is not None:  # the machine's; bz2's own has no number
            raise
        raise FailureError(f"{path} is damaged or cut short ({error}); get it again") from error
