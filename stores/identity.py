"""The only digests of meaning: of an identity, of a text, of a file."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

HASH_BYTES = 16  # 128 bits: the chance that two of 10^9 texts collide is about 10^-21
LEAF = 1 << 22  # bytes of a file that one core hashes by itself
MOST_THREADS = 8  # that hash a file; each holds a leaf in memory


def canonical_json(value: object) -> str:
    """``value`` as JSON with sorted keys and no blanks: equal values give equal text.

    In ASCII, so that the name of a file that is no UTF-8 has a text too.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def identity_digest(identity: dict) -> str:
    """32 hexadecimal digits (BLAKE2b) of everything a vector depends on beside its text."""
    return digest_bytes([canonical_json(identity).encode()])


def digest_bytes(pieces: Iterable[bytes]) -> str:
    """32 hexadecimal digits (BLAKE2b) of ``pieces`` one after the other."""
    digest = hashlib.blake2b(digest_size=HASH_BYTES)
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()


def digest_file(path: Path) -> str:
    """32 hexadecimal digits of the bytes of a file, which all cores make together: BLAKE2b in its tree mode.

    A tree of depth 2: a leaf for every 4 MiB of the file (one, if it is empty), and the root over their 64 bytes each
    (Aumasson, Neves, Wilcox-O'Hearn, Winnerlein 2013, "BLAKE2: simpler, smaller, fast as MD5", section 2.10).
    """
    tree = {"fanout": 0, "depth": 2, "leaf_size": LEAF, "inner_size": hashlib.blake2b.MAX_DIGEST_SIZE}
    last = max(path.stat().st_size - 1, 0) // LEAF

    def leaf(number: int) -> bytes:
        with open(path, "rb") as file:
            file.seek(number * LEAF)
            return hashlib.blake2b(file.read(LEAF), node_offset=number, last_node=number == last, **tree).digest()

    with ThreadPoolExecutor(min(os.cpu_count() or 1, MOST_THREADS)) as pool:
        leaves = b"".join(pool.map(leaf, range(last + 1)))
    return hashlib.blake2b(leaves, digest_size=HASH_BYTES, node_depth=1, last_node=True, **tree).hexdigest()


def hash_texts(texts: Sequence[str]) -> np.ndarray:
    """uint8 ``[n, 16]``: BLAKE2b of each text in UTF-8 (a lone surrogate is kept as its three bytes)."""
    joined = b"".join(
        hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=HASH_BYTES).digest() for text in texts
    )
    return np.frombuffer(joined, np.uint8).reshape(len(texts), HASH_BYTES)
