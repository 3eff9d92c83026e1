"""The parts of a run as they are read: what is there already, and a plan for each that is to be made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from embed.coverage import Coverage
from embed.machine_stores import machine_catalogue
from embed.part import PartPlan
from embed.recipe import Recipe
from embed.tables.table import Table
from stores.parts import Parts
from stores.reuse_index import ReuseIndex
from stores.shared.reporter import Reporter

MOST_ROWS = 1 << 16  # of a part that is measured by its tokens


@dataclass(frozen=True)
class PartSize:
    """Where a part ends: after ``rows``, or before the row with which it would have more than ``tokens``.

    Tokens are estimated by characters, see ``embed.tables.rows``; None: they are not counted.
    """

    rows: int
    tokens: int | None = None

    @classmethod
    def of(cls, recipe: Recipe, rows: int | None, tokens: int | None) -> PartSize:
        """What is asked for; else the size that suits the encoder."""
        if rows is None and tokens is None:
            return cls(recipe.encoder.part_rows, recipe.encoder.part_tokens)
        return cls(rows or MOST_ROWS, tokens)

    def as_dict(self) -> dict[str, int]:
        """As a store keeps it."""
        return {"part_rows": self.rows} | ({} if self.tokens is None else {"part_tokens": self.tokens})


@dataclass(frozen=True)
class CompletePart:
    """A part that an earlier run has made: its number and rows, and the stretch of the table as in ``PartPlan``."""

    number: int
    rows: int
    stretch: tuple[float, float]


def known_texts(digest: str, out: Path, parts: Parts, reporter: Reporter) -> ReuseIndex:
    """What is known under an identity: beside ``out``, in what other runs left there, and on this machine."""
    known = ReuseIndex(digest, reporter.note)
    beside = [*sorted(out.parent.glob("*.h5")), *parts.leftovers()]
    there = {path.resolve() for path in beside}
    known.add([*beside, *(path for path in machine_catalogue(reporter).find(digest) if path not in there)])
    return known


def plan_parts(
    table: Table, recipe: Recipe, parts: Parts, size: PartSize, known: ReuseIndex, written: ReuseIndex, words: Coverage
) -> Iterator[PartPlan | CompletePart]:
    """All parts in the order of the rows; may be run by a thread of its own.

    Args:
        table, recipe, parts: of the run.
        size: of a part.
        known: texts of other stores.
        written: an empty index, for those of the parts of this run.
        words: counts the words of all texts.
    """
    number, start, stateful = 0, 0.0, recipe.encoder.stateful
    for block in table.blocks(size.rows, size.tokens):
        texts, end = recipe.clean(block.texts), table.share(int(block.line[-1]))
        words.add(texts)
        if not stateful and parts.is_complete(number):
            written.add([parts.path(number)])
            yield CompletePart(number, len(block), (start, end))
        else:
            plan = PartPlan.plan(number, block, texts, written, known, (start, end), stateful)
            if not stateful:
                written.expect(parts.path(number), plan.text_hash)
            yield plan
        number, start = number + 1, end
