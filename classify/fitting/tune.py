"""What is to be chosen on inner folds, as it is asked for: ``logistic:C=0.01..100``, ``default``, ``none``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from classify.heads.base import Head
from stores.shared.errors import InputError


@dataclass(frozen=True)
class Tuning:
    """What is chosen on inner folds: ``asked`` for by head and option, else by ``default`` the grids of the heads.

    Attributes:
        default: whether the options in the ``grid`` of a head are chosen, unless they are given.
        asked: head -> option -> values to choose from, where values were asked for.
    """

    default: bool
    asked: dict[str, dict[str, list]]

    @classmethod
    def of(cls, tune: str | Sequence[str], heads: Sequence[Head]) -> Tuning:
        """From what was asked for."""
        specs = [tune] if isinstance(tune, str) else list(tune)
        default = specs in ([], ["default"])
        if not default and "none" in specs and len(specs) > 1:
            raise InputError("`tune='none'` and other values exclude each other")
        return cls(default, {} if default or specs == ["none"] else parse_tune(specs, heads))

    def of_head(self, head: Head, kind: str, calibrate: str = "default", inner: int | None = None) -> dict[str, Any]:
        """The fields ``tune``, ``calibrate`` and ``inner`` of ``FitOptions``, and whether they must be.

        Args:
            head, kind: for which features.
            calibrate: as asked for; ``default`` is what the head wants, if its options are chosen by default, too.
            inner: as asked for; None is what the head wants, or 3 where a class has too few texts for that.
        """
        own = head.calibration_of(kind) if self.default else "none"
        found: dict[str, Any] = {"calibrate": own if calibrate == "default" else calibrate}
        found |= {"must_calibrate": calibrate != "default"}
        found |= {"inner": head.inner_folds_of(kind), "fewest_inner": 3} if inner is None else {"inner": inner}
        if head.name in self.asked:
            return found | {"tune": self.asked[head.name], "must_tune": True}
        grid = {option: values for option, values in head.grid_of(kind).items() if option not in head.given}
        return found | {"tune": grid if self.default else {}, "must_tune": False}


def parse_tune(specs: Sequence[str], heads: Sequence[Head]) -> dict[str, dict[str, list]]:
    """Head -> option -> values, of command lines such as ``logistic:C=0.01..100`` or ``dense:units=64|256``.

    A range is of powers of ten: ``0.01..100`` is 0.01, 0.1, 1, 10, 100.

    Raises:
        InputError: if a spec is not of this form, or names a head or an option that there is not.
    """
    found: dict[str, dict[str, list]] = {}
    for spec in specs:
        name, _, rest = spec.partition(":")
        option, _, text = rest.partition("=")
        head = next((head for head in heads if head.name == name), None)
        if head is None:
            raise InputError(f"`tune={spec!r}`: no head {name} is asked for; write HEAD:OPTION=LOW..HIGH or =A|B|C")
        if not text:
            raise InputError(f"`tune={spec!r}`: no values; write {name}:OPTION=LOW..HIGH or =A|B|C")
        values = _powers(text, spec) if ".." in text else text.split("|")
        found.setdefault(name, {})[option] = [_converted(head, option, value) for value in values]
    return found


def _powers(text: str, spec: str) -> list[str]:
    low, high = text.split("..", 1)
    try:
        start, end = float(low), float(high)
    except ValueError:
        start = end = 0.0
    if not 0 < start < end:
        raise InputError(f"`tune={spec!r}`: a range runs from a number above 0 to a greater one, such as 0.01..100")
    values = []
    while start <= end * 1.0001:
        values.append(f"{start:.6g}")
        start *= 10
    return values


def _converted(head: Head, option: str, value: str) -> object:
    from classify import heads

    return heads.load(head.name, **{option: value}).options()[option]
