"""Compared runs -> what to take, in words: score against cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from classify.analysis.comparison import ComparedRun, Comparison


def choice(found: Comparison) -> ComparedRun:
    """The cheapest run that is the best, or practically the same as the best."""
    fit = [entry for entry in found.runs if entry.verdict in ("best", "practically the same")]
    return min(fit, key=lambda entry: entry.cost.price)


def frontier(found: Comparison) -> list[str]:
    """A sentence for each run that no other beats in both score and cost, the cheapest first; then the choice."""
    chosen, best = choice(found), found.runs[0]
    lines = []
    for entry in sorted((e for e in found.runs if e.frontier or e is chosen), key=lambda e: e.cost.price):
        lines.append(f"{entry.name}: {_score(entry, found)}, {_cost(entry)}{_verdict(entry, found)}")
    if chosen is best:
        lines.append(f"take {chosen.name}: nothing that costs more is better")
    else:
        same = chosen.against.test.practically_same
        lines.append(
            f"take {chosen.name}: within {found.rope:g} of the best with a probability of {same:.2f}, so nothing that "
            "costs more is practically better"
        )
    return lines


def _score(entry: ComparedRun, found: Comparison) -> str:
    from classify.scoring.metrics import title_of

    score = entry.scores[found.by]
    interval = "" if score.low is None or score.high is None else f" [{score.low:.3f}, {score.high:.3f}]"
    return f"{title_of(found.by, found.problem)} {score.numbers[0]:.3f}{interval}"


def _cost(entry: ComparedRun) -> str:
    cost = entry.cost
    if cost.seconds is None:
        return f"{_seconds(cost.train_seconds)} to train, encoding not known"
    return f"{_seconds(cost.seconds)} to encode and train"


def _seconds(seconds: float) -> str:
    """Two digits that count."""
    return f"{seconds:,.0f} s" if seconds >= 10 else f"{seconds:.2g} s"


def _verdict(entry: ComparedRun, found: Comparison) -> str:
    if entry.verdict == "best":
        return ", the best"
    link = {"worse": "than", "practically the same": "as", "not distinguishable": "from"}[entry.verdict]
    return f", {entry.verdict} {link} {found.best}"
