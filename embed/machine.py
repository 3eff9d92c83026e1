"""What the machine has: cores, processor features, memory, disk, and a GPU or why none is used.

Nothing heavy is imported; what a system does not tell is None.
"""

from __future__ import annotations

import ast
import os
import shutil
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from stores.shared.cores import CGROUP
from stores.shared.distribution import pip_install

FEATURES = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")  # what TensorFlow's products are faster with
NO_LIMIT = 1 << 60  # bytes: cgroups of version 1 say so large a number where there is no limit


def processor_features(info: Path = Path("/proc/cpuinfo")) -> dict[str, bool] | None:
    """Which of ``FEATURES`` the processor has; None where the system does not say."""
    with suppress(OSError):
        for line in info.read_text().splitlines():
            if line.startswith("flags"):
                return {name: name in line.split() for name in FEATURES}
    return None


def multiplies_bfloat16() -> bool:
    """Whether the processor has products of bfloat16."""
    features = processor_features() or {}
    return bool(features.get("avx512_bf16") or features.get("amx_bf16"))


def memory() -> dict[str, int | None]:
    """Bytes: ``total`` of the machine, ``available`` now, and the container's ``limit``."""
    found: dict[str, int | None] = {"total": None, "available": None, "limit": None}
    with suppress(OSError, ValueError, IndexError):
        lines = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
        for name, key in (("total", "MemTotal"), ("available", "MemAvailable")):
            found[name] = int(lines[key].split()[0]) << 10
    if found["total"] is None:
        with suppress(OSError, ValueError, AttributeError):
            found["total"] = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for file in ("memory.max", "memory/memory.limit_in_bytes"):
        with suppress(OSError, ValueError):
            limit = int((CGROUP / file).read_text())
            found["limit"] = limit if limit < NO_LIMIT else None
            break
    return found


def disk(folder: Path) -> dict[str, int | bool]:
    """``free`` bytes where ``folder`` is, or would be made, and whether it is ``writable``."""
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    return {"free": shutil.disk_usage(there).free, "writable": os.access(there, os.W_OK)}


def gpu(devices: Path = Path("/dev")) -> tuple[bool, str]:
    """Whether TensorFlow could use an NVIDIA GPU, as far as can be seen without loading it, and why not."""
    found = sorted(path.name for path in devices.glob("nvidia[0-9]*"))
    cuda = built_with_cuda()
    if not found:
        return False, f"none: there is no {devices}/nvidia0; the processor is used"
    shown = f"{len(found)} NVIDIA device{'s' * (len(found) > 1)}"
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return False, f"{shown}, hidden by CUDA_VISIBLE_DEVICES; unset it"
    if cuda is None:
        return False, f"{shown}, but TensorFlow is not there"
    if not cuda:
        return False, f"{shown}, but this TensorFlow is built without CUDA"
    try:
        version("nvidia-cudnn-cu12")
    except PackageNotFoundError:
        return (
            False,
            f"{shown}, but no CUDA libraries; unless the system has them, {pip_install('tensorflow', 'gpu')}",
        )
    return True, f"{shown}; tk doctor --deep tries it"


def on_gpu(device: str | None) -> bool:
    """Whether TensorFlow computes on a GPU where it was given ``device``; None: its own choice, a GPU if it can."""
    return gpu()[0] if device is None else device.lower().startswith("gpu")


def built_with_cuda() -> bool | None:
    """What TensorFlow's record of its build says, which is read and not run; None if there is no such record."""
    with suppress(ImportError, ValueError, OSError, SyntaxError, AttributeError):
        spec = find_spec("tensorflow")
        places = list(spec.submodule_search_locations or []) if spec else []
        if not places:
            return None
        text = (Path(places[0]) / "python/platform/build_info.py").read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Tuple) and len(node.elts) == 2 and isinstance(node.elts[0], ast.Constant):
                name, value = node.elts
                if getattr(name, "value", None) == "is_cuda_build" and isinstance(value, ast.Constant):
                    return bool(value.value)
    return None
