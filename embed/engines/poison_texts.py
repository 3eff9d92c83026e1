"""Which of many texts end the process that encodes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence


def find_culprits(texts: Sequence[str], kills: Callable[[Sequence[str]], bool], times: int) -> list[str]:
    """The texts that kill by themselves, found by halving.

    Args:
        texts: together they kill.
        kills: whether some texts kill; asked about twice the logarithm of ``len(texts)`` times for each one that does.
        times: how often a text alone must kill, for a process may die of something else.
    """
    if len(texts) <= 1:
        return list(texts) if all(kills(texts) for _ in range(times)) else []
    middle = len(texts) // 2
    halves = [half for half in (texts[:middle], texts[middle:]) if len(half) == 1 or kills(half)]
    return [culprit for half in halves for culprit in find_culprits(half, kills, times)]
