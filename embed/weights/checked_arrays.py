"""The arrays of a Hugging Face folder, taken by name with a check of each one's shape; none may be left over."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from embed.networks.transformer_weights import Affine
from embed.weights.safetensors import read_folder
from stores.shared.errors import InputError

# weights of heads, which hidden states do not need, and numbers that are no weights
_UNUSED = re.compile(
    r"(pooler|cls|lm_head|head|decoder|classifier|pre_classifier|qa_outputs|sop_classifier|generator_\w+"
    r"|discriminator_\w+|predictions|vocab_\w+|lm_predictions|mask_predictions)\b.*|.*\bposition_ids|.*\binv_freq"
)


class CheckedArrays:
    """The arrays of a folder by their names without prefix, with a check of each one's shape.

    Attributes:
        arrays: by name.
    """

    def __init__(self, folder: Path, words: str) -> None:
        self._folder, self._used = folder, set[str]()
        arrays = read_folder(folder)
        found = sorted((name for name in arrays if name == words or name.endswith("." + words)), key=len)
        if not found:
            raise InputError(f"{folder}: its weights hold no {words}, which its config.json needs")
        prefix = found[0].removesuffix(words)
        modern = {
            re.sub(r"\.beta$", ".bias", re.sub(r"\.gamma$", ".weight", name)).removeprefix(prefix): array
            for name, array in arrays.items()
        }
        self.arrays: dict[str, np.ndarray] = modern

    def array(self, name: str, *shape: int | None) -> np.ndarray:
        """The array of that name and shape, in which None is any number."""
        if name not in self.arrays:
            raise InputError(f"{self._folder}: its weights hold no {name}, which its config.json needs")
        array = self.arrays[name]
        fits = array.ndim == len(shape) and all(s in (None, n) for s, n in zip(shape, array.shape, strict=True))
        if not fits or array.dtype.kind != "f":
            wanted = " x ".join("any" if s is None else str(s) for s in shape)
            found = " x ".join(map(str, array.shape))
            raise InputError(
                f"{self._folder}: {name} of its weights is {array.dtype} {found}, and config.json means floats {wanted}"
            )
        self._used.add(name)
        return array

    def table(self, name: str, columns: int) -> np.ndarray:
        """Rows of vectors, ``[rows, columns]``, at least one."""
        found = self.array(f"{name}.weight", None, columns)
        if not len(found):
            raise InputError(f"{self._folder}: {name}.weight of its weights has no rows")
        return found

    def affine(self, name: str, *shape: int, bias: bool = True) -> Affine:
        """Weight of that shape, and bias."""
        weight = self.array(f"{name}.weight", *shape)
        return Affine(weight, self.array(f"{name}.bias", shape[0]) if bias else None)

    def ignore(self, *names: str) -> None:
        """What is there and, as configured, plays no part."""
        self._used.update(names)

    def check_all_used(self) -> None:
        """``InputError`` if a weight is left over that no head explains."""
        spare = sorted(name for name in self.arrays if name not in self._used and not _UNUSED.fullmatch(name))
        if spare:
            raise InputError(
                f"{self._folder}: its weights hold {spare[0]} ({len(spare):,} such), of which config.json says nothing;"
                " tk does not run such a model"
            )
