"""Splits that somebody else drew: files of test rows or folds, and scikit-learn's ``train_test_split`` by its seed."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from classify.data import Data
from classify.splits.folds import Split
from stores.shared.errors import InputError

SKLEARN = "train_test_split:"


def read_test_rows(asked: str | Path, data: Data) -> np.ndarray:
    """The rows to test on, sorted.

    Args:
        asked: a file with the line of the table, or the id, of each row to test, one a line; a first line ``line`` or
            ``id`` says which where both could be meant. Or ``train_test_split:test_size=0.1,random_state=42``: the test
            rows of scikit-learn's function for the table as it is; with ``shuffle_first=42`` for the table shuffled by
            pandas' ``sample(frac=1, random_state=42)`` before.
        data: the labelled rows.

    Raises:
        InputError: if the file cannot be read or names a row that there is not.
    """
    if str(asked).startswith(SKLEARN):
        return _train_test_split(str(asked), data)
    cells = [row[0] for row in _read(asked, "test_rows")]
    rows = _rows(cells, data, f"`test_rows={str(asked)!r}`")
    if len(rows) == len(data):
        raise InputError(f"`test_rows={str(asked)!r}`: all rows are tested; nothing is left to train on")
    return rows


def read_folds(path: str | Path, data: Data) -> list[Split]:
    """The folds of a CSV file with two columns, the line or id of each row and the name of its fold.

    Rows that the file does not name are never tested, and in all training parts.

    Raises:
        InputError: as ``read_test_rows``, or if there are fewer than two folds.
    """
    asked = f"`folds_file={str(path)!r}`"
    table = _read(path, "folds_file")
    if any(len(row) < 2 for row in table):
        raise InputError(f"{asked}: two columns are needed, line or id and fold, with a comma between")
    names = [row[1].strip() for row in table[1:]] if _is_header(table[0][0]) else [row[1].strip() for row in table]
    rows = _rows([row[0] for row in table], data, asked, sort=False)
    folds = sorted(set(names), key=lambda name: (len(name), name))
    if len(folds) < 2:
        raise InputError(f"{asked}: there is one fold only, {folds[0]!r}")
    of = np.array(names)
    tests = [np.unique(rows[of == name]) for name in folds]
    return [(np.setdiff1d(np.arange(len(data)), test), test) for test in tests]


def _read(path: str | Path, parameter: str) -> list[list[str]]:
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            rows = [row for row in csv.reader(file) if row and row[0].strip()]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"`{parameter}={str(path)!r}`: {error}") from error
    if not rows:
        raise InputError(f"`{parameter}={str(path)!r}` is empty")
    return rows


def _is_header(cell: str) -> bool:
    return cell.strip().lower() in ("line", "id")


def _rows(cells: Sequence[str], data: Data, asked: str, sort: bool = True) -> np.ndarray:
    """Numbers of the labelled rows with these lines or ids."""
    cells = [cell.strip() for cell in cells]
    said = cells[0].lower() if _is_header(cells[0]) else ""
    wanted = cells[1:] if said else cells
    by_line = {str(line): row for row, line in enumerate(data.line.tolist())}
    by_id = {name.strip(): row for row, name in enumerate(data.ids or [])}
    known = {"line": by_line, "id": by_id}
    fitting = [said] if said else [kind for kind, rows in known.items() if all(cell in rows for cell in wanted)]
    if len(fitting) > 1:
        raise InputError(f"{asked}: its numbers are lines and ids of the table; write line or id as the first line")
    kind = fitting[0] if fitting else "line" if not by_id or all(cell.isdecimal() for cell in wanted) else "id"
    missing = [cell for cell in wanted if cell not in known[kind]]
    if missing:
        raise InputError(
            f"{asked}: {len(missing):,} of {len(wanted):,} entries are no {kind} of a labelled row of {data.path}, "
            f"the first is {missing[0]!r}"
        )
    if len(known[kind]) < len(data):
        raise InputError(f"{asked}: {data.path} has rows of the same {kind}; give rows that are told apart")
    rows = np.array([known[kind][cell] for cell in wanted])
    return np.unique(rows) if sort else rows


def _train_test_split(spec: str, data: Data) -> np.ndarray:
    """The test rows of scikit-learn's function, drawn from numbers of all labelled rows in the order of the table."""
    from sklearn.model_selection import train_test_split

    options = dict(pair.partition("=")[::2] for pair in spec.removeprefix(SKLEARN).split(","))
    try:
        size, seed = options.pop("test_size"), int(options.pop("random_state"))
        first = options.pop("shuffle_first", None)
        order = np.arange(len(data)) if first is None else np.random.RandomState(int(first)).permutation(len(data))
        share = float(size) if "." in size else int(size)
        if options:
            raise ValueError(f"unknown option {min(options)!r}")
        _, test = train_test_split(order, test_size=share, random_state=seed)
    except (KeyError, ValueError) as error:
        form = f"{SKLEARN}test_size=0.1,random_state=42, and shuffle_first=42 for a table that was shuffled before"
        raise InputError(f"`test_rows={spec!r}`: {error}; write {form}") from error
    return np.sort(test)
