"""New vectors kept in a folder: small stores without their texts, which are merged when there are many."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from embed.machine_stores import machine_catalogue
from stores.block import Block, Extent
from stores.features import Features
from stores.merge import merge
from stores.reader import FeatureStore
from stores.shared.errors import FailureError, InputError
from stores.shared.fingerprint import digest_bytes, identity_digest
from stores.shared.locks import hold
from stores.shared.reporter import Reporter
from stores.writer import write_store

if TYPE_CHECKING:
    from embed.recipe import Recipe

MOST_STORES = 16  # small ones, before they are merged


class KeptVectors:
    """The vectors under one recipe that are kept in a folder.

    Args:
        folder: is made when there is something to keep.
        recipe, identity: what made the vectors.
        reporter: told who is waited for.
    """

    def __init__(self, folder: Path, recipe: Recipe, identity: dict[str, Any], reporter: Reporter) -> None:
        self.folder, self._recipe, self._reporter = folder, recipe, reporter
        self._identity, self._digest = identity, identity_digest(identity)
        self._stem = f"known.{recipe.encoder.name}.{self._digest[:8]}"

    @contextmanager
    def alone(self) -> Iterator[None]:
        """One process at a time encodes for this folder under this recipe.

        Raises:
            FailureError: if the folder cannot be written.
        """
        path, busy = self.folder / f".{self._stem}.lock", f"another process encodes for {self.folder}"
        advice = "name another folder in `store`"
        with hold(path, lambda: busy, wait=True, note=self._reporter.note, unwritable=advice):
            yield

    def write(self, hashes: np.ndarray, features: Features, began: float) -> None:
        """Keep new vectors as a store of their own.

        Args:
            hashes: of their texts, uint8 ``[n, 16]``.
            features: of as many rows.
            began: when their encoding began, in seconds since 1970.
        """
        rows, recipe = len(hashes), self._recipe
        tokens, unknown, truncated = features.counts.sum(0, dtype=np.int64).tolist()
        totals = {"rows": rows, "distinct": rows, "encoded": rows, "reused": 0, "unlabelled": rows, "tokens": tokens}
        totals |= {"unknown_tokens": unknown, "truncated_tokens": truncated, "empty": 0, "emptied": 0, "bad_rows": 0}
        block = Block(np.arange(1, rows + 1), hashes, [None] * rows, None, features)
        attributes = {
            "identity": self._identity, "identity_digest": self._digest, "recipe": recipe.as_dict(), "versions": {},
            "source": {"file": "texts given from Python", "digest": digest_bytes([hashes.tobytes()])}, "command": "",
            "totals": totals | {"mojibake": 0}, "times": (began, time.time() - began, 0.0),
        }  # fmt: skip
        path = self.folder / f"{self._stem}.{digest_bytes([hashes.tobytes()])[:8]}.h5"
        write_store(path, [block], Extent.of(block), attributes)
        _take_in(path)

    def merge(self) -> None:
        """Of many small stores one; the largest stays as it is."""
        paths = sorted(self.folder.glob(f"{self._stem}.*.h5"), key=lambda path: path.stat().st_size)
        if len(paths) < MOST_STORES:
            return
        small = paths[: MOST_STORES - 1]
        names = digest_bytes([path.name.encode() for path in small])
        whole = self.folder / f"{self._stem}.{names[:8]}.h5"
        with suppress(InputError, FailureError):  # the small ones do as well
            merge(small, whole).close()
            _take_in(whole)
            for path in small:
                path.unlink(missing_ok=True)


def _take_in(path: Path) -> None:
    """Have the catalogue of this machine know a store."""
    with FeatureStore(path) as store:
        machine_catalogue().add(store)
