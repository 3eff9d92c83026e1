"""Calls with a keyword that there is not: the names that other libraries use are taken, the rest is explained."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def explained(others: Mapping[str, str]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """A decorator of functions of many keywords; their signature stays what it is.

    Args:
        others: keyword that people type -> the one that is meant.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        known = list(inspect.signature(function).parameters)

        @wraps(function)
        def call(*args: P.args, **given: P.kwargs) -> R:
            for name in [name for name in given if name not in known]:
                meant = others.get(name)
                if meant is None or meant in given:
                    twice = f"; {name} is {meant}, which is given, too" if meant else ""
                    raise TypeError(
                        f"{function.__name__}: unexpected argument {name!r}{twice}; there are: {', '.join(known)}"
                    )
                given[meant] = given.pop(name)
            return function(*args, **given)

        return call

    return decorate
