"""Whether this installation and machine are fit for the work, and what to do where they are not.

Nothing heavy is imported, and nothing here fails where TensorFlow is broken or absent: versions come from the packages'
metadata, which also say what each of them requires. ``deep`` loads TensorFlow, in a process of its own.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec
from pathlib import Path

from embed import machine
from embed.models.cache import cache_folder
from embed.models.resolve import cached, leftovers, models_in_cache
from stores.shared import distribution
from stores.shared.cores import cores
from stores.shared.distribution import pip_install, reinstall_command
from stores.shared.errors import FailureError
from stores.shared.worded import size_in_words

# distribution -> module; those whose own requirements are looked at as well, since they break when they do not fit
STACK = {
    "tensorflow": "tensorflow", "tensorflow-text": "tensorflow_text", "tensorflow-hub": "tensorflow_hub",
    "keras": "keras", "h5py": "h5py",
}  # fmt: skip
LITTLE_MEMORY, LITTLE_DISK = 2 << 30, 1 << 30  # bytes: less does not suffice for full-size models or their features
DEEP = """
import json, time
from stores.shared.tensorflow import load_tensorflow
tf = load_tensorflow()
start = time.perf_counter()
a = tf.ones([512, 512])
ok = float(tf.reduce_sum(a @ a)) == 512.0 ** 3
gpus = [device.name for device in tf.config.list_physical_devices("GPU")]
print(json.dumps({"product": ok, "seconds": time.perf_counter() - start, "gpus": gpus, "version": tf.__version__}))
"""
DEEP_SECONDS = 120


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        about: ``python``, ``packages``, ``machine``, ``cache`` or ``encoders``.
        name: what was looked at.
        state: ``ok``; ``note``, which is worth knowing, but all works; or ``broken``.
        text: what was found.
        advice: what to do, a command where there is one; empty if there is nothing to do.
        details: the same for programs, JSON-able.
    """

    about: str
    name: str
    state: str
    text: str
    advice: str = ""
    details: dict | None = None


def examine(folder: Path, deep: bool = False) -> list[Finding]:
    """Everything that was found, in the order in which it should be read; ``folder`` is where one works."""
    packages = list(_packages())
    found = [_python(), *packages, *_machine(), *_disks(folder), *_models(), *_encoders(packages)]
    return [*found, _deep()] if deep else found


def _python() -> Finding:
    from packaging.specifiers import SpecifierSet

    allowed, found = ">=3.11,<3.14", platform.python_version()
    with suppress(PackageNotFoundError):
        from importlib.metadata import metadata

        allowed = metadata(distribution.NAME)["Requires-Python"] or allowed
    if SpecifierSet(allowed).contains(found, prereleases=True):
        return Finding("python", "Python", "ok", f"{found}, {platform.system()} {platform.machine()}")
    return Finding("python", "Python", "broken", f"{found}, but tk needs {allowed}", "make a .venv with such a Python")


def _packages() -> Iterator[Finding]:
    """tk's own requirements, those of the TensorFlow stack first with what they require of each other."""
    if not distribution.requirements():
        why = f"tk runs from its sources in {distribution.SOURCES}, so that its requirements are not known here"
        yield Finding("packages", distribution.NAME, "note", why, reinstall_command())
    lacks = dict(_unmet(distribution.NAME))
    for name, module in STACK.items():
        if name == "tensorflow-text" and platform.system() == "Windows":
            continue
        own = "; ".join(f"{lack}" for lack in dict(_unmet(name)).values())
        why = lacks.pop(name, "") or own or _gone(module)
        text = _version(name) + (f" (HDF5 {_hdf5()})" if name == "h5py" and not why else "")
        advice = pip_install(name) if why else ""
        yield Finding("packages", name, "broken" if why else "ok", why or text, advice, {"version": _version(name)})
    for name, why in lacks.items():
        yield Finding("packages", name, "broken", why, pip_install(name))


def _unmet(name: str) -> Iterator[tuple[str, str]]:
    """What the distribution ``name`` requires and has not: name and why, from its metadata."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    try:
        lines = requires(name) or []
    except PackageNotFoundError:
        return
    for line in lines:
        wanted = Requirement(line)
        if wanted.marker is None or wanted.marker.evaluate({"extra": ""}):
            found = _version(wanted.name)
            who = f"{name} {_version(name)}"
            if not found:
                yield canonicalize_name(wanted.name), f"{wanted.name} is not installed, and {who} needs it"
            elif not wanted.specifier.contains(found, prereleases=True):
                asked = f"{wanted.name}{wanted.specifier}"
                yield canonicalize_name(wanted.name), f"{wanted.name} is {found}, but {who} needs {asked}"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _gone(module: str) -> str:
    """Why a package that is installed could not be imported, as far as that is seen without doing it."""
    try:
        return "" if find_spec(module) else f"it is recorded as installed, but there is no module {module}"
    except (ImportError, ValueError) as error:
        return f"module {module} cannot be imported: {error}"


def _hdf5() -> str:
    try:
        import h5py
    except Exception as error:  # a broken library may raise anything
        return f"unknown: {error}"
    return h5py.version.hdf5_version


def _machine() -> Iterator[Finding]:
    usable, text = machine.gpu()
    yield Finding("machine", "GPU", "ok" if usable else "note", text)
    found = machine.processor_features()
    has = "features unknown" if found is None else ", ".join(f"{n} {'yes' if y else 'no'}" for n, y in found.items())
    number = cores()
    yield Finding(
        "machine", "processor", "ok", f"{number:g} cores; {has}", details={"cores": number, "features": found}
    )
    sizes = machine.memory()
    known = [f"{size / 1e9:,.1f} GB {name}" for name, size in sizes.items() if size is not None]
    least = min((size for size in sizes.values() if size is not None), default=LITTLE_MEMORY)
    state, advice = ("ok", "") if least >= LITTLE_MEMORY else ("note", "full-size models need 2 GB or more")
    yield Finding("machine", "memory", state, ", ".join(known) or "unknown", advice, sizes)


def _disks(folder: Path) -> Iterator[Finding]:
    for name, place, move in (
        ("working folder", folder, "work in another folder"),
        ("cache folder", cache_folder(), "name another folder in the environment variable TK_CACHE_DIR"),
    ):
        found = machine.disk(place)
        text = f"{place.absolute()}: {found['free'] / 1e9:,.1f} GB free"
        state, advice = ("ok", "") if found["free"] >= LITTLE_DISK else ("note", move)
        if not found["writable"]:
            state, text, advice = "broken", f"{text}, but it cannot be written", move
        yield Finding("machine", name, state, text, advice, {"path": str(place.absolute()), **found})


def _models() -> Iterator[Finding]:
    for model in models_in_cache():
        size = f"{size_in_words(model['bytes'])} in {model['path']}, digest {model['digest']}"
        why, _, advice = (model["fault"] or "").rpartition("; ")
        yield Finding("cache", model["model"], "broken" if why else "ok", why or size, advice, model)
    for path, left in leftovers():
        text = f"left by a process that ended, {size_in_words(left)}"
        yield Finding("cache", str(path), "note", text, f"rm -r '{path}'", {"path": str(path), "bytes": left})


def _encoders(packages: list[Finding]) -> Iterator[Finding]:
    """For each encoder: what is broken of what it needs, or where its default model is to come from."""
    from embed.encoders import encoder_class, names

    broken = {finding.name: finding for finding in packages if finding.state == "broken"}
    for name in names():
        try:
            kind = encoder_class(name)
        except Exception as error:  # an installation may be broken in any way
            yield Finding("encoders", name, "broken", f"cannot be loaded: {error}", reinstall_command())
            continue
        if lacks := [broken[need] for need in kind.needs if need in broken]:
            text = "; ".join(f"needs {lack.name}: {lack.text}" for lack in lacks)
            yield Finding("encoders", name, "broken", text, " && ".join(dict.fromkeys(lack.advice for lack in lacks)))
        elif not kind.published or not kind.published.model:
            yield Finding("encoders", name, "ok", "ready; it needs no model")
        else:
            yield _with_model(name, kind.published.model, kind.published.size)


def _with_model(name: str, model: str, size: str) -> Finding:
    try:
        place = cached(model)
    except FailureError as error:
        why, _, advice = str(error).rpartition("; ")
        return Finding("encoders", name, "broken", why, advice)
    if place:
        return Finding("encoders", name, "ok", f"ready; default model in {place}")
    advice = f"tk encoders check {name}, or give --model a folder, archive or file"
    return Finding("encoders", name, "note", f"ready, but its default model ({size}) is not here: {model}", advice)


def _deep() -> Finding:
    command = [sys.executable, "-c", DEEP]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=DEEP_SECONDS)  # noqa: S603 (our own)
        found = json.loads(done.stdout.splitlines()[-1])
    except subprocess.TimeoutExpired:
        why = f"TensorFlow did not multiply two matrices within {DEEP_SECONDS} s"
        return Finding("packages", "TensorFlow at work", "broken", why, reinstall_command())
    except (IndexError, ValueError):
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        return Finding("packages", "TensorFlow at work", "broken", f"it cannot be loaded: {last}", reinstall_command())
    text = (
        f"{found['version']} multiplies matrices ({found['seconds']:.2f} s); GPU: {', '.join(found['gpus']) or 'none'}"
    )
    return Finding("packages", "TensorFlow at work", "ok" if found["product"] else "broken", text, "", found)
