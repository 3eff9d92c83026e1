"""The safetensors format (https://github.com/huggingface/safetensors, README, "Format"): named arrays, no code.

Eight bytes, the length of a JSON header; the header, which names each array's type, shape and place; the bytes.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from stores.shared.errors import FailureError, InputError

MOST_HEADER = 100_000_000  # bytes, as in the reference implementation
TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "I64": "<i8", "I32": "<i4", "U8": "u1"}


def read_safetensors(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a file by name, mapped from disk, not read; bfloat16 becomes float32.

    Arrays of types that no encoder has are left out.

    Raises:
        FailureError: if the file is cut short, or its header is not what the format says.
    """
    try:
        data = np.memmap(path, np.uint8, "r")
        size = int(data[:8].view("<u8")[0])
        if size > min(MOST_HEADER, len(data) - 8):
            raise ValueError(f"a header of {size:,} bytes")
        header = json.loads(data[8 : 8 + size].tobytes())
        header.pop("__metadata__", None)
        return {name: _array(data[8 + size :], entry) for name, entry in header.items() if entry["dtype"] in TYPES}
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise FailureError(f"{path} is damaged, or no safetensors file ({error}); get it again") from error


def read_folder(folder: Path) -> dict[str, np.ndarray]:
    """The arrays of ``model.safetensors`` in a folder, or of all files that ``model.safetensors.index.json`` names.

    Raises:
        InputError: if there is neither, or a file is missing.
        FailureError: if a file is damaged.
    """
    files, index = [folder / "model.safetensors"], folder / "model.safetensors.index.json"
    if index.is_file():
        try:
            names = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
        except (ValueError, KeyError, AttributeError) as error:
            raise FailureError(f"{index} is damaged ({error!r}); get it again") from error
        files = [folder / Path(name).name for name in sorted(names)]
    for file in files:
        if not file.is_file():
            pickles = ", and pytorch_model.bin is a pickle, which tk does not open" * any(folder.glob("*.bin"))
            raise InputError(f"{folder} has no {file.name}{pickles}; get it from where the model was published")
    return {name: array for file in files for name, array in read_safetensors(file).items()}


def _array(data: np.ndarray, entry: dict) -> np.ndarray:
    start, end = entry["data_offsets"]
    array = data[start:end].view(TYPES[entry["dtype"]]).reshape(entry["shape"])
    if entry["dtype"] == "BF16":  # the upper half of a float32
        return (array.astype(np.uint32) << 16).view(np.float32)
    return array
