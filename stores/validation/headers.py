"""Whether a file may be given to HDF5 to look into: the bytes that it would believe.

HDF5 (1.14) trusts what a file says of its own structure, and a wrong number there can crash the process or hold it for
ever. So the bytes that HDF5 always writes in the same way for a store are compared first, without it. Their places are
from HDF5's file format specification, version 3.0.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import h5py

from stores.format import GROUPS, ROOT_NAMES, members
from stores.shared.errors import FailureError, LockedError
from stores.shared.locks import lock_holder

SIGNATURE = b"\x89HDF\r\n\x1a\n"
LINKS, LAYOUT, CONTINUATION, ATTRIBUTES = 2, 8, 16, 21  # types of messages in the header of an object
OF_GROUPS = {0, LINKS, 6, 10, 12, CONTINUATION, ATTRIBUTES}  # also nothing, a link, group info, an attribute
INDEXES = {LINKS: (5, 11, 7, 512, 32), ATTRIBUTES: (8, 17, 8, 1024, 40)}  # how HDF5 sets up tree and heap of many
NOWHERE = (1 << 64) - 1  # an address
VIRTUAL = 3  # a class of layout
OPEN_FOR_WRITING = 1  # a bit of the consistency flags
MOST_PIECES, LARGEST_PIECE = 32, 1 << 16  # of one header, bytes


def check_start(raw: BinaryIO, path: Path) -> int:
    """Refuse a file that does not begin as the writer has HDF5 do it; returns the address of the root.

    That rules out what HDF5 would look at as it opens the file, with any content: drivers, tables of shared
    messages, an image of its cache, and all older layouts, which have no checksums on the file's own metadata.

    Raises:
        FailureError: naming ``path``.
        LockedError: if it is marked as open for writing.
    """
    start = _read(raw, 0, 48)
    if start[:8] != SIGNATURE or len(start) < 48:
        raise FailureError(f"{path} is no HDF5 file, or is damaged; make it again with: tk embed")
    if start[8:11] == b"\3\x08\x08" and start[11] & OPEN_FOR_WRITING:
        raise LockedError(locked_message(path))
    if start[8:28] != b"\3\x08\x08\0" + bytes(8) + b"\xff" * 8:
        raise FailureError(f"{path} is an HDF5 file but not a feature store; make one with: tk embed")
    return int.from_bytes(start[36:44], "little")


def check_groups(file: h5py.File, raw: BinaryIO, path: Path, root: int) -> set[str]:
    """Refuse groups whose members or attributes are stored in another way than HDF5 does it for the writer.

    Where these are many, they lie in a heap with a tree as its index. HDF5 (1.14) believes what heap and tree say of
    themselves, so their numbers are looked at before HDF5 does.

    Nor may HDF5 open a virtual data set: it believes the list of places in it.

    Args:
        file: the store.
        raw: the same file, as bytes.
        path: for messages.
        root: where the header of the root begins.

    Returns:
        paths of the features that are virtual data sets.

    Raises:
        FailureError: naming ``path`` and the group, or the virtual data set that is not of features.
    """
    virtual = set()
    groups = {"": file}
    _check_header(raw, root, path, "/")
    for where in (*GROUPS, "checksums", *(f"checksums/{name}" for name in GROUPS)):
        parent, _, name = where.rpartition("/")
        if parent in groups and groups[parent].id.links.exists(name.encode()):
            link = groups[parent].id.links.get_info(name.encode())
            if link.type == h5py.h5l.TYPE_HARD:
                _check_header(raw, link.u, path, where)
                groups[where] = groups[parent][name]
    for where, group in groups.items():
        for name in members(group):
            link = group.id.links.get_info(name.encode())
            if (where or name in ROOT_NAMES) and link.type == h5py.h5l.TYPE_HARD and _is_virtual(raw, link.u):
                virtual.add(f"{where}/{name}")
    if other := [where for where in virtual if not where.startswith("features/")]:
        raise FailureError(f"{path}: {other[0]} does not lie inside the file; refused")
    return virtual


def locked_message(path: Path) -> str:
    """The message about a file that is marked or locked as open for writing."""
    if holder := lock_holder(path):
        return f"{path} is open for writing in {holder}; close it there, and give the same command again"
    return (
        f"{path} is open for writing in another program, or was when that died; close it there, "
        f"or, if none has it open, take the mark away with: h5clear --status {path}"
    )


def _check_header(raw: BinaryIO, address: int, path: Path, where: str) -> None:
    kinds, fine = set(), True
    for kind, body in _messages(raw, address):
        kinds.add(kind)
        if kind in INDEXES:
            heap, tree = struct.unpack_from("<QQ", body, 2 + (8 if kind == LINKS else 2) * (body[1] & 1))
            fine = fine and (heap == NOWHERE or _is_usual(raw, heap, tree, kind))
    if not fine or LINKS not in kinds or not kinds <= OF_GROUPS:
        raise FailureError(f"{path}: {where} is no group such as a store has; refused")


def _is_virtual(raw: BinaryIO, address: int) -> bool:
    return any(kind == LAYOUT and body[1:2] == bytes([VIRTUAL]) for kind, body in _messages(raw, address))


def _messages(raw: BinaryIO, address: int) -> Iterator[tuple[int, bytes]]:
    """Types and bodies of the messages in the header of an object."""
    start = _read(raw, address, 40)
    flags, width = start[5], 1 << (start[5] & 3)
    begin = 6 + 16 * (flags >> 5 & 1) + 4 * (flags >> 4 & 1)
    pieces = [(address + begin + width, int.from_bytes(start[begin : begin + width], "little"))]
    for _ in range(MOST_PIECES):
        if not pieces or start[:5] != b"OHDR\2":
            return
        piece, at = _read(raw, *pieces.pop()), 0
        while at + 4 <= len(piece):
            kind, size = piece[at], int.from_bytes(piece[at + 1 : at + 3], "little")
            at += 4 + 2 * (flags >> 2 & 1) + size
            body = piece[at - size : at]
            yield kind, body
            if kind == CONTINUATION:
                place, length = struct.unpack("<QQ", body)
                pieces.append((place + 4, length - 8))  # between the signature and the checksum


def _is_usual(raw: BinaryIO, heap: int, tree: int, kind: int) -> bool:
    """Whether the numbers that are the same in every heap and tree are, and the others are small."""
    tree_type, record, key, block, bits = INDEXES[kind]
    tree_bytes, heap_bytes = _read(raw, tree, 16), _read(raw, heap, 142)
    return (
        tree_bytes[:12] == struct.pack("<4sxBIH", b"BTHD", tree_type, 512, record)
        and tree_bytes[12] <= 3  # depth
        and tree_bytes[13:] == b"\0\x64\x28"
        and heap_bytes[:30] == struct.pack("<4sxHHBIqq", b"FRHP", key, 0, 2, 4096, 0, -1)
        and heap_bytes[78:110] == bytes(32)
        and heap_bytes[110:132] == struct.pack("<HQQHH", 4, block, 1 << 16, bits, 1)
        and heap_bytes[140] <= 8  # rows of blocks
    )


def _read(raw: BinaryIO, address: int, size: int) -> bytes:
    raw.seek(address)
    return raw.read(min(size, LARGEST_PIECE))
