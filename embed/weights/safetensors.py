"""The safetensors format (https://github.com/huggingface/safetensors, README, "Format"): named arrays, no code.

Eight bytes, the length of a JSON header; the header, which names each array's type, shape and place; the bytes.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from stores.shared.errors import FailureError, InputError
from stores.shared.files import read_json

INDEX = "model.safetensors.index.json"
MOST_HEADER = 1 << 20  # bytes: some 10,000 arrays; the largest encoders have a thousand
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
            raise ValueError(f"its header is to have {size:,} bytes, more than {min(MOST_HEADER, len(data) - 8):,}")
        header = json.loads(data[8 : 8 + size].tobytes())
        header.pop("__metadata__", None)
        return {name: _array(data[8 + size :], entry) for name, entry in header.items() if entry["dtype"] in TYPES}
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise FailureError(f"{path} is damaged, or no safetensors file ({error}); get it again") from error


def weight_files(folder: Path) -> list[str]:
    """Names of the files with the weights of a folder: ``model.safetensors``, or an index and the files it names.

    Raises:
        InputError: if there is neither, or a file is missing.
        FailureError: if the index is damaged.
    """
    files, index = ["model.safetensors"], folder / INDEX
    if index.is_file():
        names = read_json(index).get("weight_map")
        if not isinstance(names, dict) or not names or not all(isinstance(name, str) for name in names.values()):
            raise FailureError(f"{index} has no weight_map; get it again")
        files = [INDEX, *sorted({Path(name).name for name in names.values()})]
    for file in files:
        if not (folder / file).is_file():
            pickles = ", and pytorch_model.bin is a pickle, which tk does not open" * any(folder.glob("*.bin"))
            raise InputError(f"{folder} has no {file}{pickles}; get it from where the model was published")
    return files


def read_folder(folder: Path) -> dict[str, np.ndarray]:
    """The arrays of all files that ``weight_files`` names; the errors are its own and those of ``read_safetensors``."""
    files = [folder / name for name in weight_files(folder) if name != INDEX]
    return {name: array for file in files for name, array in read_safetensors(file).items()}


def _array(data: np.ndarray, entry: dict) -> np.ndarray:
    start, end = entry["data_offsets"]
    array = data[start:end].view(TYPES[entry["dtype"]]).reshape(entry["shape"])
    if entry["dtype"] == "BF16":  # the upper half of a float32
        return (array.astype(np.uint32) << 16).view(np.float32)
    return array
