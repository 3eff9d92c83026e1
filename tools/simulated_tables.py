"""Tables whose truth is known, for simulations: made-up ones, and those drawn from the rows of a store.

Made-up data: normal classes (or labels), apart in 10 columns, all other columns noise; true scores from fresh rows.
Stores: tables are drawn from their rows, and the true scores are those of all other rows. A store is no endless source:
tables of more than a tenth of it are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from classify.data import load_data
from classify.heads.base import X

APART = {2: 0.55, 3: 0.7, 4: 0.8, 6: 0.8}  # number of classes -> distance of their means in each of the 10 columns
APART_LABELS = 0.6
FRESH = 6000  # fresh rows at least, and four times those of the table
FRESH_OF_ONE = 40_000  # of one model: its score on 6,000 would be a truth with nearly as much luck as what is tested


class Pool(NamedTuple):
    """Rows of a store that tables are drawn from, each text once."""

    x: X
    y: np.ndarray


@dataclass(frozen=True)
class Drawn:
    """A table, and rows that stand for all others: features, classes, and weights that restore the classes' shares.

    ``y`` is int ``[n]``; of labels 0/1 ``[n, L]``.
    """

    x: X
    y: np.ndarray
    group: np.ndarray
    fresh_x: X
    fresh_y: np.ndarray
    weight: np.ndarray

    @property
    def rarest(self) -> int:
        """Rows of the rarest class or label."""
        return int((self.y.sum(0) if self.y.ndim == 2 else np.bincount(self.y)).min())


@dataclass(frozen=True)
class Setting:
    """A kind of table.

    Attributes:
        rows, shares: how many, and of each class; of labels how often each is 1.
        columns: 0 for the rows of the store ``source``.
        head: its name and options.
        repeats: of the folds.
        twins: whether half of the rows are copies of others, which no split parts.
        labels: whether a row may have several labels.
        way: ``tuned``: cross-validated, with options chosen on inner folds; ``untuned``: with nothing chosen there;
            ``evaluated``: one model, scored on another table of as many rows, as ``tk evaluate`` does.
    """

    rows: int
    shares: tuple[float, ...]
    columns: int
    source: str = ""
    head: str = "logistic"
    repeats: int = 1
    twins: bool = False
    labels: bool = False
    way: str = "tuned"

    def __str__(self) -> str:
        more = [self.head] if self.head != "logistic" else []
        more += [f"{self.repeats} repeats"] if self.repeats > 1 else []
        more += ["half of them copies"] if self.twins else []
        more += [self.way] if self.way != "tuned" else []
        where = self.source or f"{self.columns} columns"
        shares = f"{len(self.shares)} {'labels' if self.labels else 'classes'}, rarest {min(self.shares):.0%}"
        return ", ".join([f"{self.rows:,} rows", shares, where, *more])

    @property
    def kind(self) -> str:
        """Which column of the table of the docs it is part of."""
        if self.way != "tuned":
            return f"{self.way}, {'two' if len(self.shares) == 2 else 'several'} classes"
        named = {"labels": self.labels, "copies of rows": self.twins, "3 repeats": self.repeats > 1}
        for name, there in (named | {self.head: self.head != "logistic", "5,000 rows": self.rows >= 5000}).items():
            if there:
                return name
        return "texts" if self.source else "several classes" if len(self.shares) > 2 else "two classes"


def made_up() -> list[Setting]:
    """Settings of normal classes."""
    two = {p: (1 - p, p) for p in (0.05, 0.1, 0.2, 0.5)}
    four = (0.4, 0.3, 0.2, 0.1)
    settings = [
        Setting(rows, two[p], columns)
        for columns in (50, 256, 768) for rows in (200, 500, 1000) for p in (0.05, 0.1, 0.5) if rows * p >= 20
    ]  # fmt: skip
    settings += [Setting(300, (0.5, 0.3, 0.2), 256), Setting(600, (0.3, 0.25, 0.2, 0.1, 0.1, 0.05), 256)]
    settings += [Setting(rows, four, 256) for rows in (500, 2000)]
    settings += [Setting(5000, shares, 256) for shares in (two[0.05], two[0.5], four)]
    settings += [Setting(500, shares, 256, repeats=3) for shares in (two[0.2], two[0.5], four)]
    settings += [Setting(rows, shares, 256, twins=True) for rows, shares in ((500, two[0.2]), (1000, two[0.5]))]
    settings += [Setting(1000, four, 256, twins=True)]
    settings += [Setting(rows, shares, 256, head="dense") for rows, shares in ((300, two[0.5]), (1000, two[0.1]))]
    settings += [Setting(rows, four, 256, head="dense") for rows in (1000, 2000)]
    for columns, way, head in ((100, "untuned", "logistic:C=0.01"), (50, "evaluated", "logistic")):
        settings += [Setting(rows, two[p], columns, head=head, way=way) for rows, p in ((300, 0.5), (1000, 0.1))]
        settings += [Setting(rows, four, columns, head=head, way=way) for rows in (500, 1500)]
        settings += [Setting(600, (0.3, 0.25, 0.2, 0.1, 0.1, 0.05), columns, head=head, way=way)]
    settings += [Setting(200, two[p], 50, way="evaluated") for p in (0.1, 0.5)]
    return [*settings, *(Setting(rows, (0.4, 0.2, 0.1, 0.05), 256, labels=True) for rows in (500, 2000))]


def draw(setting: Setting, rng: np.random.Generator, pool: Pool | None) -> Drawn:
    """A table of this kind."""
    shares = np.array(setting.shares)
    distinct = setting.rows // 2 if setting.twins else setting.rows
    if setting.labels:
        return _made_labels(distinct, shares, setting.columns, rng)
    y = np.sort(rng.choice(len(shares), distinct, p=shares))
    fresh = FRESH_OF_ONE if setting.way == "evaluated" else FRESH
    made = _made(y, shares, setting.columns, rng, fresh) if pool is None else _from_store(y, shares, pool, rng)
    if setting.twins:
        rows = np.append(np.arange(distinct), rng.integers(distinct, size=setting.rows - distinct))
        made = replace(made, x=made.x[rows], y=made.y[rows], group=rows)
    return made


def _made(y: np.ndarray, shares: np.ndarray, columns: int, rng: np.random.Generator, least: int) -> Drawn:
    means = np.zeros((len(shares), columns))
    for c in range(1, len(shares)):
        means[c, (np.arange(10) + 4 * (c - 1)) % columns] = APART[len(shares)] * (1 if c % 2 else -1)
    fresh = np.repeat(np.arange(len(shares)), max(least, 4 * len(y)) // len(shares))
    x, fresh_x = ((means[c] + rng.standard_normal((len(c), columns))).astype(np.float32) for c in (y, fresh))
    return Drawn(x, y, np.arange(len(y)), fresh_x, fresh, shares[fresh] * len(shares))


def _made_labels(rows: int, shares: np.ndarray, columns: int, rng: np.random.Generator) -> Drawn:
    means = np.zeros((len(shares), columns))
    for c in range(len(shares)):
        means[c, (np.arange(10) + 4 * c) % columns] = APART_LABELS * (1 if c % 2 else -1)
    found = []
    for count in (rows, max(FRESH, 4 * rows)):
        y = (rng.random((count, len(shares))) < shares).astype(int)
        found += [(y @ means + rng.standard_normal((count, columns))).astype(np.float32), y]
    x, y, fresh_x, fresh_y = found
    return Drawn(x, y, np.arange(rows), fresh_x, fresh_y, np.ones(len(fresh_y)))


def _from_store(y: np.ndarray, shares: np.ndarray, pool: Pool, rng: np.random.Generator) -> Drawn:
    classes = pool.y
    each = np.bincount(y, minlength=len(shares))
    rows = [rng.permutation(np.flatnonzero(classes == c))[:count] for c, count in enumerate(each)]
    rest = np.setdiff1d(np.arange(len(classes)), np.concatenate(rows))
    weight = shares[classes[rest]] / (np.bincount(classes[rest], minlength=len(shares)) / len(rest))[classes[rest]]
    taken = np.concatenate(rows)
    return Drawn(pool.x[taken], classes[taken], np.arange(len(taken)), pool.x[rest], classes[rest], weight)


def settings_of(path: Path) -> Iterator[tuple[Setting, Pool]]:
    """Tables of 200 to 2,000 rows from a store of two classes: of its vectors, and of the words of its texts."""
    data = load_data(path)
    _, first = np.unique(data.key, return_index=True)
    share = float(np.mean(data.y[first]))
    for rows in (200, 500, 1000, 2000):
        if rows <= len(first) / 10:
            yield Setting(rows, (1 - share, share), 0, path.stem), Pool(data.x[first], data.y[first])
    if data.texts is not None:
        yield Setting(500, (1 - share, share), 0, f"{path.stem}: words"), Pool(data.texts[first], data.y[first])
