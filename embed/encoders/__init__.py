"""The encoders: one file each, named as on the command line."""

from __future__ import annotations

import inspect
from importlib import import_module
from pkgutil import iter_modules

from embed.encoders.base import Encoder
from stores.shared.errors import InputError
from stores.shared.suggest import did_you_mean


def names() -> list[str]:
    """Names of all encoders, sorted."""
    return sorted(m.name for m in iter_modules(__path__) if not m.name.startswith("_") and m.name != "base")


def load(name: str, **options: object) -> Encoder:
    """The encoder ``name`` with its options.

    Raises:
        InputError: if there is no such encoder, or it lacks an option.
    """
    kind = encoder_class(name)
    known = inspect.signature(kind).parameters
    for option in options:
        if option not in known:
            there = f"{', '.join(known) or 'none'}{did_you_mean(option, known)}"
            raise InputError(f"encoder {name} has no option {option!r}; it has: {there}")
    return kind(**options)


def encoder_class(name: str) -> type[Encoder]:
    """The class of the encoder ``name``; ``InputError`` if there is none."""
    if name not in names():
        raise InputError(f"no encoder {name!r}; there are: {', '.join(names())}{did_you_mean(name, names())}")
    return getattr(import_module(f"embed.encoders.{name}"), f"{name.capitalize()}Encoder")
