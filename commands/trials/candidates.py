"""Which encoders are tried: those that were named, or all whose weights are on this machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from stores.shared.errors import FailureError, InputError
from stores.shared.registry import parse_spec


@dataclass(frozen=True)
class Candidate:
    """An encoder that is tried.

    Attributes:
        label: what its store and runs are called.
        encoder: its name.
        options: of it.
        named: whether the user asked for it, so that its failure is his to know.
    """

    label: str
    encoder: str
    options: dict[str, Any]
    named: bool = True


def candidates(specs: Sequence[str]) -> list[Candidate]:
    """One for each of ``specs``; for none, one for each encoder that needs no download.

    Args:
        specs: ``NAME``, ``NAME:option=value,...``, or either with ``LABEL=`` before it.

    Raises:
        InputError: if two would have the same label.
    """
    found = [_named(spec) for spec in specs] if specs else list(at_hand())
    labels = [candidate.label for candidate in found]
    if twice := [label for label in labels if labels.count(label) > 1]:
        raise InputError(
            f"two encoders are called {twice[0]}; give one a name of its own: `encoders='other={twice[0]}'`"
        )
    return found


def _named(spec: str) -> Candidate:
    head = spec.partition(":")[0]
    label, named, _ = head.partition("=")
    name, options = parse_spec(spec[len(label) + 1 :] if named else spec)
    return Candidate(label if named else _label(name, options), name, options)


def _label(name: str, options: dict[str, Any]) -> str:
    """``static`` of the plain encoder, else with its options: ``static.pooling-max``; of paths, their last part."""
    values = [f"{option}-{str(value).rstrip('/').rpartition('/')[2]}" for option, value in options.items()]
    return ".".join([name, *(_plain(value) for value in values)])


def _plain(text: str) -> str:
    return "".join(c if c.isalnum() or c in "-_" else "-" for c in text)


def at_hand() -> Iterator[Candidate]:
    """The encoders that need no weights, then those whose default or recommended model is in the cache."""
    from embed.encoders import REGISTRY
    from embed.models.recommended import RECOMMENDED
    from embed.models.resolve import cached

    for name in REGISTRY.names():
        try:
            published = REGISTRY.entry(name).load().published
        except FailureError:  # another package's; tk encoders names it
            continue
        if name in ("static", "words") or (published and published.model and cached(published.model, check=False)):
            yield Candidate(name, name, {}, named=False)
    for model in RECOMMENDED:
        if cached(model.model, check=False):
            options = {"model": model.model} | ({"prompt": model.prompt} if model.prompt else {})
            yield Candidate(_plain(model.model.rpartition("/")[2]), model.encoder, options, named=False)
