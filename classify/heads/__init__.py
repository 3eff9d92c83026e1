"""The heads: one file each, named as on the command line."""

from __future__ import annotations

import json
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from classify.heads.base import Head
from stores.shared.errors import FailureError, InputError
from stores.shared.suggest import did_you_mean, listing

SHARED = ("base", "common_component")  # files that hold no head


def names() -> list[str]:
    """Names of all heads, sorted."""
    return sorted(m.name for m in iter_modules(__path__) if not m.name.startswith("_") and m.name not in SHARED)


def load(name: str, **options: object) -> Head:
    """The head ``name``, untrained, with its options (text is turned into the type of the option's default).

    Raises:
        InputError: if there is no such head, it lacks an option, or a value is not of the option's type.
    """
    kind = head_class(name)
    defaults = {f.name: f.default for f in fields(kind) if f.init}
    values = {}
    for option, value in options.items():
        if option not in defaults:
            there = f"{', '.join(defaults) or 'none'}{did_you_mean(option, defaults)}"
            raise InputError(f"head {name} has no option {option!r}; it has: {there}")
        values[option] = _convert(value, type(defaults[option]), f"head {name}: {option}")
    return kind(**values)


def parse(spec: str) -> Head:
    """The head of a command line's ``name`` or ``name:option=value,option=value``; ``InputError`` as ``load``."""
    name, _, rest = spec.partition(":")
    pairs = [pair.partition("=") for pair in rest.split(",") if pair]
    for option, equals, value in pairs:
        if not equals or not value:
            raise InputError(f"--head {spec}: {option!r} has no value; write {name}:{option}=VALUE")
    return load(name, **{option: value for option, _, value in pairs})


def head_class(name: str) -> type[Head]:
    """The class of the head ``name``; ``InputError`` if there is none."""
    if name not in names():
        raise InputError(f"no head {name!r}; there are: {listing(name, names())}")
    return getattr(import_module(f"classify.heads.{name}"), f"{name.capitalize()}Head")


def save(head: Head, folder: Path) -> None:
    """Write a trained head into an existing folder, without pickle."""
    (folder / "head.json").write_text(json.dumps(head.state(), indent=1), encoding="utf-8")
    head._save(folder)


def restore(folder: Path) -> Head:
    """Inverse of ``save``.

    Raises:
        FailureError: if the folder holds no saved head, or one that this version cannot read.
    """
    try:
        state = json.loads((folder / "head.json").read_text(encoding="utf-8"))
        return load(state["head"], **state["options"]).restore(state, folder)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FailureError(f"{folder} holds no model that this version can read ({error}); train it again") from error


def _convert(value: object, kind: type, where: str) -> object:
    if not isinstance(value, str):
        return value
    if kind is bool and value.lower() in ("true", "false"):
        return value.lower() == "true"
    try:
        if kind is not bool:
            return kind(value)
    except ValueError:
        pass
    wanted = {bool: "true or false", int: "a whole number", float: "a number"}[kind]
    raise InputError(f"{where}={value} is not {wanted}")
