"""Several files of plain text: a text each, a class each, or parts of one list of texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from embed.reading.decode import TextEncodings, check_encoding, decode_whole
from embed.reading.files import Source
from embed.reading.format import BATCH_ROWS, LONGEST_ROW, SAMPLE_ROWS, BadRow, Batch, TableFile
from embed.reading.kinds import has_controls
from embed.reading.lines import LABEL_WORDS, Lines
from embed.reading.with_columns import WithColumns
from stores.shared.errors import InputError
from stores.shared.fingerprint import digest_bytes

SPLIT_WORDS = ("train", "training", "test", "testing", "val", "valid", "validation", "dev", "eval")
MANY = 50  # more files of plain text than there are classes
PROSE = (".md", ".markdown", ".rst")


class TextFiles(TableFile):
    """Files with one text each; the name of the file is the id. See ``TableFile``."""

    unit = "text"

    def __init__(self, sources: Sequence[Source], encoding: str | None) -> None:
        check_encoding(encoding)
        super().__init__(sources[0])
        self._sources, self._encoding = sources, encoding
        self.name = f"{sources[0].name} and {len(sources) - 1} more" if len(sources) > 1 else sources[0].name
        self.header, self.most_rows, self.lines = ["text", "id"], len(sources), len(sources)
        self.notes = [f"{self.name}: {len(sources)} files are {len(sources)} texts; `format='lines'` decides otherwise"]
        self.how = {"format": "files", "encoding": encoding}
        if encoding is None:
            encodings = TextEncodings()
            for source in sources:
                encodings.add(source.name, b"".join(source.blocks()))
            self.notes += encodings.notes(self.name)

    def digest(self) -> str:
        """That of the digests of all files."""
        return digest_bytes([source.digest().encode() for source in self._sources])

    def sample(self) -> dict[str, list[str]]:
        """See ``TableFile``."""
        rows = [row for row in islice(self._rows(), SAMPLE_ROWS) if row[2] is None]
        return {"text": [text for text, _, _ in rows], "id": [name for _, name, _ in rows]}

    def batches(self, columns: list[str], text: str) -> Iterator[Batch]:
        """See ``TableFile``."""
        rows, number = self._rows(), 1
        while taken := list(islice(rows, BATCH_ROWS)):
            good = [(line, text, name) for line, (text, name, why) in enumerate(taken, number) if why is None]
            advice = "give another `encoding`, or `bad_rows='skip'`"
            bad = [BadRow(name, 1, why, advice, "") for _, name, why in taken if why is not None]
            cells = {"text": [text for _, text, _ in good], "id": [name for _, _, name in good]}
            yield Batch(np.array([line for line, _, _ in good], np.int64), {name: cells[name] for name in columns}, bad)
            number += len(taken)

    def _rows(self) -> Iterator[tuple[str, str, str | None]]:
        """Text and name of each file, and why it cannot be read."""
        for source in self._sources:
            data = b"".join(source.blocks())
            if len(data) > LONGEST_ROW:
                raise InputError(f"{source.name} has {len(data):,} bytes, too many for one text; is it a table?")
            try:
                text = decode_whole(data, self._encoding)[0]
            except UnicodeError as error:
                yield "", source.name, str(error)
                continue
            yield text, source.name, "it has NUL bytes or control characters" if has_controls(text) else None


def open_texts(sources: Sequence[Source], form: str | None, encoding: str | None) -> list[TableFile]:
    """Several files of plain text, read in the way that was asked for or that their names and lengths show.

    Raises:
        InputError: if more than one way is likely.
    """
    names = distinctive_names(sources)
    if form is None:
        form = _way(sources, names, encoding)
    if form == "files":
        return [TextFiles(sources, encoding)]
    files: list[TableFile] = [Lines(source, encoding) for source in sources]
    if form not in ("classes", "splits"):
        return files
    column = "label" if form == "classes" else "split"
    files = [WithColumns(file, {column: name}) for file, name in zip(files, names, strict=True)]
    what = "class" if form == "classes" else "split"
    files[0].notes = [
        f"a text a line, the {what} is the name of the file: {', '.join(dict.fromkeys(names))}; "
        f"`format='lines'` or `format='files'` decides otherwise",
        *files[0].notes,
    ]
    return files


def distinctive_names(sources: Sequence[Source]) -> list[str]:
    """What tells the files apart: ``pos`` of ``pos.txt``, also of ``rt-polarity.pos`` beside ``rt-polarity.neg``."""
    stems = [source.stem for source in sources]
    endings = [source.unpacked_name.suffix.lstrip(".") for source in sources]
    return endings if len(set(stems)) == 1 < len(set(endings)) else stems


def _way(sources: Sequence[Source], names: list[str], encoding: str | None) -> str:
    words = [set(name.lower().replace("-", "_").replace(".", "_").split("_")) for name in names]
    if all(source.unpacked_name.suffix.lower() in PROSE for source in sources):
        return "files"
    if all(word & set(SPLIT_WORDS) for word in words):
        return "splits"
    if len(sources) > MANY:
        return "files"
    lines = [Lines(source, encoding).most_rows for source in sources]
    if max(lines) <= 1:
        return "files"
    if all(word & LABEL_WORDS for word in words) and min(lines) > 1 and len(set(names)) == len(names):
        return "classes"
    listing = ", ".join(Path(source.name).name for source in sources[:4]) + ", ..." * (len(sources) > 4)
    raise InputError(
        f"{listing} may be a text each (`format='files'`), a class each with a text a line (`format='classes'`), "
        f"or parts of one list with a text a line (`format='lines'`); give one of these"
    )
