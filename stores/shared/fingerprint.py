"""The only digests of meaning: of an identity, of a text, of a file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from blake3 import blake3

HASH_BYTES = 16  # 128 bits: the chance that two of 10^9 texts collide is about 10^-21
READ = 1 << 20  # bytes of a file at a time


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
    """32 hexadecimal digits (BLAKE3, its first 128 bits) of the bytes of a file.

    O'Connor, Aumasson, Neves, Wilcox-O'Hearn 2020, "BLAKE3: one function, fast everywhere". Files of weights are large,
    and of word vectors only a part is needed: with BLAKE2b most of the first use went by for the digest.
    """
    digest, block = blake3(), memoryview(bytearray(READ))
    with open(path, "rb", buffering=0) as file:
        while size := file.readinto(block):
            digest.update(block[:size])
    return digest.hexdigest(length=HASH_BYTES)


def hash_texts(texts: Sequence[str]) -> np.ndarray:
    """uint8 ``[n, 16]``: BLAKE2b of each text in UTF-8 (a lone surrogate is kept as its three bytes)."""
    joined = b"".join(
        hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=HASH_BYTES).digest() for text in texts
    )
    return np.frombuffer(joined, np.uint8).reshape(len(texts), HASH_BYTES)
