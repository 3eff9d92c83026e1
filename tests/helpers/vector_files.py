"""Files of word vectors, opened."""

import numpy as np

from embed.vectors import open_vectors
from stores.shared.reporter import Reporter

PLAIN = "fake_embeddings.5d.txt"


def opened(path, dim=None, **options):
    """The vectors of a file; what is noted is dropped."""
    return open_vectors(str(path), dim, reporter=Reporter(), **options)


def rows(path, *words, dim=None, **options):
    """The vectors of words that the file holds, in order; None for one that it does not."""
    table = opened(path, dim, **options)
    return [table.take(np.array([row]))[0] if row >= 0 else None for row in table.find(words).tolist()]


def write(path, *lines):
    """A file of these lines."""
    path.write_bytes(b"".join(line if isinstance(line, bytes) else line.encode() + b"\n" for line in lines))
    return path
