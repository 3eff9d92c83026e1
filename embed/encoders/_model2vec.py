"""Folders of Model2Vec (van Dongen and Tulkens 2024; the "potion" models): a table of vectors, one of each token.

``tokenizer.json`` cuts a text, unknown tokens are dropped, and the vector is the mean of those of the tokens, each
times its weight where the file has weights, at length 1 where ``config.json`` says ``normalize``. As in the library
model2vec, at most ``max_length`` tokens count (512 where the file is silent), of a text cut before to so many times the
median length of a token. A text without a known token has zeros.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np

from embed.batches import ranges
from embed.encoders._pooling import pool
from embed.models.cache import files_digest
from embed.tokenise.hugging_face import HuggingFaceTokenizer, tokenizer_files
from embed.weights.safetensors import read_safetensors
from stores.shared.errors import InputError
from stores.shared.files import read_json

MOST = 512  # tokens, where config.json does not say


class Model2Vec:
    """A folder with ``config.json``, ``tokenizer.json`` and ``model.safetensors``.

    Args:
        folder: the folder.

    Raises:
        InputError: if it is no such folder.
        FailureError: if a file is damaged.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        for name in ("config.json", "tokenizer.json", "model.safetensors"):
            if not (folder / name).is_file():
                raise InputError(f"{folder} has no {name}; `model` of static is the folder of a Model2Vec model")
        config = read_json(folder / "config.json")
        if (kind := config.get("model_type", "model2vec")) != "model2vec":
            raise InputError(
                f"{folder / 'config.json'}: model_type {kind!r} is not model2vec; `encoder='transformer'` takes others"
            )
        most = config.get("max_length", MOST)
        if most is not None and (not isinstance(most, int) or most < 1):
            raise InputError(f"{folder / 'config.json'}: max_length {most!r} is no whole number above 0")
        self._most, self._normalise = most, bool(config.get("normalize", False))

    @cached_property
    def digest(self) -> str:
        """Of the files that are read, tokenizer's included."""
        return files_digest(self._folder, ["config.json", "model.safetensors", *tokenizer_files(self._folder)])

    @cached_property
    def _tokenizer(self) -> HuggingFaceTokenizer:
        return HuggingFaceTokenizer(self._folder)

    @cached_property
    def _arrays(self) -> dict[str, np.ndarray]:
        """``embeddings [V, D]``, ``weights [V]`` and ``mapping [V]``, the row of each token; the last two may lack."""
        path = self._folder / "model.safetensors"
        found = read_safetensors(path)
        table = found.get("embeddings")
        if table is None or table.ndim != 2 or table.dtype.kind != "f" or not len(table):
            raise InputError(f"{path}: embeddings is no table of floats")
        for name, kind in (("weights", "f"), ("mapping", "i")):
            if name in found and (found[name].ndim != 1 or found[name].dtype.kind != kind):
                raise InputError(f"{path}: {name} is {found[name].dtype} {found[name].shape}, no such list")
        mapping = found.get("mapping")
        if mapping is not None and len(mapping) and not 0 <= mapping.min() <= mapping.max() < len(table):
            raise InputError(f"{path}: mapping names rows that embeddings has not")
        if mapping is None and "weights" in found and len(found["weights"]) != len(table):
            raise InputError(f"{path}: it has {len(found['weights'])} weights for {len(table)} embeddings")
        return {name: found[name] for name in ("embeddings", "weights", "mapping") if name in found}

    @property
    def dimension(self) -> int:
        """Columns of a vector."""
        return self._arrays["embeddings"].shape[1]

    def encode(self, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """Vectors float32 ``[n, D]``, and counts int32 ``[n, 3]``: tokens, of these unknown, of these cut off."""
        cut = texts if self._most is None else [text[: self._most * self._median] for text in texts]
        tokens = self._tokenizer(cut)
        lengths = np.diff(tokens.offsets)
        read = lengths if self._most is None else np.minimum(lengths, self._most)
        ids = tokens.ids[ranges(tokens.offsets[:-1], read)]
        known = ids != self._tokenizer.unknown
        before = np.concatenate([[0], np.cumsum(known)])[np.concatenate([[0], np.cumsum(read)])]
        used, place = np.unique(ids[known], return_inverse=True)
        vectors = pool(self._vectors(used), place, before, "mean")  # [n, D]
        if self._normalise:
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True) + 1e-32
        return vectors, np.stack([lengths, read - np.diff(before), lengths - read], 1).astype(np.int32)

    @cached_property
    def _median(self) -> int:
        """Characters of the token in the middle of the vocabulary, by length."""
        return int(np.median([len(token) for token in self._tokenizer.vocabulary()]))

    def _vectors(self, ids: np.ndarray) -> np.ndarray:
        """The vector of each of some tokens, times its weight: float32 ``[n, D]``."""
        weights, mapping = self._arrays.get("weights"), self._arrays.get("mapping")
        tables = [part for part in (mapping, weights) if part is not None] or [self._arrays["embeddings"]]
        most = min(map(len, tables))
        if len(ids) and ids[-1] >= most:
            raise InputError(
                f"{self._folder}: its tokenizer gives {self._tokenizer.token(int(ids[-1]))!r} the id {ids[-1]}, and it"
                f" has vectors of {most} tokens; they are of different models"
            )
        vectors = self._arrays["embeddings"][ids if mapping is None else mapping[ids]].astype(np.float32)
        return vectors if weights is None else vectors * weights[ids].astype(np.float32)[:, None]
