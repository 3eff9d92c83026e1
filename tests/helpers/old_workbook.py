"""A workbook of Excel 97, written by hand: cells of text in a compound file.

The records are those of [MS-XLS] (BOF 2.4.21, BoundSheet8 2.4.28, Label 2.4.148, EOF 2.4.103), the container is that of
[MS-CFB]: a header, one sector of the allocation table, one of the directory, and the stream ``Workbook``.
"""

import struct

SECTOR = 512
FREE, END, FAT, NONE = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD, 0xFFFFFFFF
SMALLEST = 4096  # bytes of a stream that lies in sectors of its own


def write_xls(path, rows, sheet="One"):
    """Write rows of text as the only sheet of an .xls file."""
    stream = _workbook(rows, sheet)
    stream += bytes(max(SMALLEST - len(stream), -len(stream) % SECTOR))
    sectors = len(stream) // SECTOR
    chain = [FAT, END, *range(3, sectors + 2), END]  # the table itself, the directory, then the stream from 2 on
    table = struct.pack(f"<{SECTOR // 4}I", *chain, *[FREE] * (SECTOR // 4 - len(chain)))
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<5H", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    header += struct.pack("<9I", 0, 1, 1, 0, SMALLEST, END, 0, END, 0) + struct.pack("<109I", 0, *[FREE] * 108)
    entries = (
        _entry("Root Entry", 5, 1, END, 0) + _entry("Workbook", 2, NONE, 2, len(stream)) + _entry("", 0, NONE, 0, 0) * 2
    )
    path.write_bytes(header + table + entries + stream)


def _workbook(rows, sheet):
    """The stream: what holds for the whole book, then the sheet."""
    name = sheet.encode("latin-1")
    begin, end = _record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0005, 0, 1997, 0, 6)), _record(0x000A, b"")
    place = len(begin) + len(_record(0x0085, bytes(8) + name)) + len(end)  # where the sheet begins
    book = begin + _record(0x0085, struct.pack("<IBBBB", place, 0, 0, len(name), 0) + name) + end
    cells = b"".join(_label(i, j, text) for i, row in enumerate(rows) for j, text in enumerate(row))
    return book + _record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0010, 0, 1997, 0, 6)) + cells + end


def _label(row, column, text):
    """A cell of text in UTF-16."""
    letters = text.encode("utf-16-le")
    return _record(0x0204, struct.pack("<HHHHB", row, column, 0, len(letters) // 2, 1) + letters)


def _record(kind, content):
    return struct.pack("<HH", kind, len(content)) + content


def _entry(name, kind, child, start, size):
    """One of the directory: the name, its kind (5 the root, 2 a stream), what lies below it, and where it begins."""
    letters = (name + "\0").encode("utf-16-le") if name else b""
    links = struct.pack("<HBBIII", len(letters), kind, 1, NONE, NONE, child)
    return letters.ljust(64, b"\0") + links + bytes(36) + struct.pack("<IQ", start, size)
