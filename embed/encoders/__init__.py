"""The encoders: classes with a ``name``, in the files of this folder or under the entry points ``tk.encoders``."""

from __future__ import annotations

from embed.encoders.base import Encoder
from embed.models.trust import Trust
from stores.shared.registry import Registry
from stores.shared.reporter import Reporter

REGISTRY: Registry[Encoder] = Registry("embed.encoders", "tk.encoders", "encoder")


def names() -> list[str]:
    """Names of all encoders, sorted."""
    return REGISTRY.names()


def load(name: str, *, reporter: Reporter | None = None, trust: Trust = Trust.USER, **options: object) -> Encoder:
    """The encoder ``name`` with its options.

    Args:
        name: as ``names`` gives it.
        reporter: told what the encoder says; None: stderr.
        trust: who named the model; a run or a store that did may not have programs run or fetched.
        options: of the encoder; text is turned into the type of the option.

    Raises:
        InputError: if there is no such encoder, it lacks an option, or an option has no such value.
        FailureError: if the encoder is another package's, and cannot be loaded.
    """
    return build(encoder_class(name), REGISTRY.options(name, options), reporter, trust)


def build(kind: type[Encoder], options: dict, reporter: Reporter | None = None, trust: Trust = Trust.USER) -> Encoder:
    """An encoder of this class with these options."""
    encoder = kind.__new__(kind)
    # first: what __init__ does may take a download
    encoder.reporter, encoder.trust = reporter or Reporter(), trust
    encoder.__init__(**options)  # type: ignore[misc]
    return encoder


def encoder_class(name: str) -> type[Encoder]:
    """The class of the encoder ``name``; ``InputError`` if there is none."""
    return REGISTRY.entry(name).load()
