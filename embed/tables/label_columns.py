"""Which columns are the labels: by their names first, then by what stands in them; asked for where two could be it."""

from __future__ import annotations

from collections.abc import Callable

from embed.reading.cells import is_number
from embed.reading.column_names import is_fact, label_tier
from embed.tables.label_cells import BIT_STYLES, clean_label, is_missing
from stores.shared.errors import InputError

MOST_CLASSES = 50  # a column with more different values than this is no label unless its name says so
LONGEST = 200  # characters of a label
Cells = dict[str, list[str]]
Kinds = dict[str, set[str]]


def find_labels(file: str, free: Cells, more: Callable[[], Cells]) -> tuple[list[str], str]:
    """The label columns among those that are left, and why.

    Args:
        file: name of the table, for messages.
        free: column -> its cells in the first rows.
        more: gives cells from all over the table; asked for only if no column has the name of a label.

    Raises:
        InputError: if several columns could be the label.
    """
    named, why = _by_name(file, free, _kinds(free))
    if named:
        return named, why
    wider = more()
    cells = {name: free[name] + wider.get(name, []) for name in free}
    return _by_content(file, cells, _kinds(cells))


def _kinds(cells: Cells) -> Kinds:
    """Column -> its different values, as labels."""
    found = {name: {clean_label(cell) for cell in set(values)} for name, values in cells.items()}
    return {name: {kind for kind in kinds if not is_missing(kind)} for name, kinds in found.items()}


def _by_name(file: str, free: Cells, kinds: Kinds) -> tuple[list[str], str]:
    tiers = {name: tier for name in free if (tier := label_tier(name)) is not None and kinds[name]}
    tiers = {name: tier for name, tier in tiers.items() if _may_be(tier, kinds[name], len(free[name]))}
    if not tiers:
        return [], ""
    best = [name for name, tier in tiers.items() if tier == min(tiers.values())]
    best = [name for name in best if not _has_fractions(kinds[name])] or best
    best = [name for name in best if len(kinds[name]) > 1] or best
    bits = _bit_columns(free, kinds)
    if len(bits) > 1 and any(name.lower() == "toxic" for name in bits) and set(best) <= set(bits):
        return bits, "several columns of 0 and 1: a row may have several labels"
    if len(best) > 1 and not _same_partition(best, free):
        if set(best) <= set(bits):
            return best, "several columns of 0 and 1: a row may have several labels"
        raise InputError(_which(file, best, "have names of labels"))
    name = best[0]
    also = [other for other in best[1:]]
    count = len(kinds[name])
    why = f"by its name; {count} different value{'s' * (count != 1)} in the first rows"
    return [name], why + (f", one for each of {also[0]!r}" if also else "")


def _by_content(file: str, cells: Cells, kinds: Kinds) -> tuple[list[str], str]:
    bits = _bit_columns(cells, kinds)
    few = [
        name
        for name, found in kinds.items()
        if 2 <= len(found) <= min(MOST_CLASSES, len(cells[name]) // 2)
        and not is_fact(name)
        and not _has_fractions({kind.replace(",", "") for kind in found})  # 2,5 may be two labels
        and max(map(len, found)) <= LONGEST
    ]
    others = [name for name in few if not any(kinds[name] <= style for style in BIT_STYLES)]
    if len(bits) > 1 and not others:
        return bits, "several columns of 0 and 1: a row may have several labels"
    if len(few) == 1:
        return few, f"the only column with few different values, {len(kinds[few[0]])}"
    if few:
        raise InputError(_which(file, few, "have few different values"))
    return [], "none has a usual name or few different values (`label_columns` names one)"


def _which(file: str, names: list[str], why: str) -> str:
    choices = " or ".join(f"`label_columns=({name!r},)`" for name in names[:4]) + ", ..." * (len(names) > 4)
    return f"{file}: {' and '.join(map(repr, names[:4]))} {why}; give {choices}, or `label_columns=()` for none"


def _may_be(tier: int, kinds: set[str], rows: int) -> bool:
    """A column with the name of a label may have any number of classes; one named for what labels are about not."""
    if max(map(len, kinds)) > LONGEST and tier:
        return False
    return tier == 0 or len(kinds) <= max(min(MOST_CLASSES, rows - 1), rows / 2, 1)


def _bit_columns(cells: Cells, kinds: Kinds) -> list[str]:
    """The columns that hold nothing but 0 and 1, written in one way: that of most of them."""
    styles = [
        [name for name in cells if kinds[name] and kinds[name] <= style and not is_fact(name)] for style in BIT_STYLES
    ]
    return max(styles, key=len)


def _has_fractions(kinds: set[str]) -> bool:
    return all(map(is_number, kinds)) and not all(kind.lstrip("+-").isdigit() for kind in kinds)


def _same_partition(names: list[str], cells: Cells) -> bool:
    """Whether these columns say the same in other words: each value of one goes with one value of the others."""
    rows = set(zip(*(cells[name] for name in names), strict=True))
    return all(len(rows) == len({row[i] for row in rows}) for i in range(len(names)))
