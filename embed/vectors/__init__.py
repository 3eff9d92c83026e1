"""Published files of word vectors in every container and form: the rows that are needed and no others.

A file takes three steps: ``containers`` makes it a plain file on this machine, ``scan`` reads that once and leaves an
index of its words in the cache, ``file`` parses the rows that somebody asks for. A later run finds the index by the
remembered digest and touches the needed rows only.
"""

from __future__ import annotations

from dataclasses import replace

from embed.models.cache import weights_digest
from embed.models.trust import Trust
from embed.vectors.containers import plain_file
from embed.vectors.file import VectorFile
from embed.vectors.table import WordTable, check_dimension, is_table, load_table
from stores.shared.reporter import Reporter


def open_vectors(
    model: str, dim: int | None = None, *, skip_bad_lines: bool = False, reporter: Reporter, trust: Trust = Trust.USER
) -> VectorFile | WordTable:
    """The word vectors that ``model`` names, ready to be asked for rows.

    Args:
        model: what ``embed.vectors.containers.plain_file`` takes.
        dim: columns, to choose one of several files in an archive or folder; checked against the file.
        skip_bad_lines: whether a needed line that is broken makes its word unknown, instead of an error.
        reporter: told what the user should know meanwhile.
        trust: who named the model.

    Raises:
        InputError: if there is no such file, it has other columns, or it is no file of word vectors.
        FailureError: if it is not available, or damaged.
    """
    path = plain_file(model, dim, reporter, trust)
    if not is_table(path):
        return VectorFile(path, model, dim, skip_bad_lines, reporter)
    table = load_table(path)
    check_dimension(dim, table.dimension, model)
    return replace(table, digest=weights_digest(path))


__all__ = ["VectorFile", "WordTable", "open_vectors"]
