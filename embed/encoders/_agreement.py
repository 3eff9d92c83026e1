"""Whether a module's own graph and our forward pass give the same, as was measured once for what decides it."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from embed.models.cache import cache_folder, weights_digest, write_json
from stores.shared.errors import FailureError
from stores.shared.fingerprint import identity_digest
from stores.shared.tensorflow import device_kind

# of the probe, which compares in float32 (without TF32, see stores.shared.tensorflow); its noise is 1e-6
TOLERANCE = 1e-4


def agreement(path: Path, network: str, number: int, device: str | None, measure: Callable[[], dict]) -> dict[str, Any]:
    """What ``measure`` gives, remembered in the cache folder.

    A verdict holds for the model's digest, the network and its version, TensorFlow's version and the kind of device;
    another of these is measured again.

    Args:
        path: the model.
        network: name of our forward pass.
        number: its version.
        device: where it runs, see ``stores.shared.tensorflow.on_device``.
        measure: gives a JSON-able mapping.
    """
    key = {
        "weights": weights_digest(path),
        "network": network,
        "version": number,
        "tensorflow": _version("tensorflow"),
        "device": device_kind(device),
        "precision": "float32",
    }
    memory = cache_folder() / "agreement" / f"{identity_digest(key)}.json"
    with suppress(OSError, ValueError, KeyError, TypeError):
        return json.loads(memory.read_text(encoding="utf-8"))["found"]
    found = measure()
    with suppress(FailureError):  # it is only slower without
        write_json(memory, {"of": key, "found": found})
    return found


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
