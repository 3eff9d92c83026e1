"""Options that all encoders with a transformer have, checked."""

from __future__ import annotations

from embed.encoders._long_texts import LONG_TEXT
from embed.encoders._sequence_pooling import ALONE, MODES
from stores.shared.errors import InputError
from stores.shared.suggest import listing

CHOICES = {
    "output": ("pooled", "tokens"),
    "long_text": LONG_TEXT,
    "precision": ("float32", "bfloat16", "float16", "auto"),
}


def check(name: str, option: str, value: str | None, allowed: tuple[str | None, ...]) -> None:
    """``InputError`` if an option of the encoder ``name`` has a value that is not allowed."""
    if value not in allowed:
        choices = listing(value, filter(None, allowed))
        raise InputError(f"{name}: `{option}={value!r}` does not exist, choose one of: {choices}")


def pooling_modes(name: str, output: str, pooling: str | None, usual: tuple[str, ...]) -> tuple[str, ...]:
    """The modes that are joined, or one of ``ALONE``; of tokens ``("first",)`` or ``()``.

    Args:
        name: of the encoder, for messages.
        output: ``pooled`` or ``tokens``.
        pooling: what was asked for; None: nothing.
        usual: what is done where nothing was asked for.

    Raises:
        InputError: there is no such pooling.
    """
    if output == "tokens":
        if pooling not in ("first", None):
            raise InputError(f"{name}: `pooling={pooling!r}` does not exist for output tokens, choose one of: first")
        return ("first",) if pooling else ()
    modes = tuple(pooling.split("+")) if pooling else usual
    joined = set(modes) <= set(MODES) and len(set(modes)) == len(modes)
    if not joined and (len(modes) > 1 or modes[0] not in ALONE):
        raise InputError(
            f"{name}: `pooling={pooling!r}` does not exist for output pooled, choose one of:"
            f" {', '.join((*MODES, *ALONE))}; several of all but the last two are joined by +"
        )
    return modes


def layer_numbers(name: str, layer: str, pooling: tuple[str, ...]) -> list[int]:
    """The numbers of the layers that were asked for; ``InputError`` if they are none, or do not go with a pooling."""
    try:
        layers = [int(number) for number in str(layer).split(",")]
    except ValueError:
        raise InputError(f"{name}: `layer={layer!r}` is no number; give it as -2, or several as -1,-2,-3,-4") from None
    if pooling in (("pooler",), ("last4",)) and layers != [-1]:
        raise InputError(
            f"{name}: `pooling={pooling[0]!r}` is of the last layers, not of `layer={layer!r}`; leave out one of them"
        )
    return layers
