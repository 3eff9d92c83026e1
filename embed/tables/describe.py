"""What is in a table, before anyone spends an hour on it: classes, duplicates, lengths, and what would be cut off."""

from __future__ import annotations

import heapq
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from embed.cleaning import clean
from embed.tables.alike import AlikeTexts, group_sizes, largest_groups
from embed.tables.language import LanguageCount
from embed.tables.rows import MOJIBAKE, Rows
from embed.tables.table import Table
from stores.shared.chart import Chart
from stores.shared.fingerprint import hash_texts
from stores.shared.lengths import length_histogram
from stores.shared.likeness import hash_likeness
from stores.shared.plot_style import house_style, save
from stores.shared.table_chart import Lengths, class_chart, length_chart

BLOCK_ROWS = 4096
LANGUAGE_ROWS = 8192  # texts whose language is looked at
LIMITS = (128, 256, 512)  # word pieces
LONGEST = 10
BEGINNING = 60  # characters that are shown of a text
FIRST_BAD = 5
QUANTILES = {"min": 0, "median": 0.5, "mean": None, "p95": 0.95, "max": 1}
PRETOKEN = re.compile(r"[^\W_]+|[^\w\s]|_")
# Word pieces a run of letters and digits or mark, [CLS] and [SEP] aside. Measured with the vocabulary of
# bert-base-uncased on SMS, e-mails, tweets, comments and reviews: the share of texts above each of LIMITS is then
# within 2.5 points of the true one on all five.
PIECES_A_PRETOKEN = 1.1
NO_LABEL, NONE_APPLIES = "(none)", "(none of these)"  # no label is known; of several labels none is 1


@dataclass(frozen=True)
class TableDescription:
    """What ``describe`` found; all counts are of rows unless said otherwise.

    Attributes:
        rows, bad: how many can be used, and how many cannot.
        first_bad: the first of these, one line each.
        classes: name -> rows, the most frequent first; of several labels how many rows have each.
        unlabelled, empty, mojibake: rows without a (known) label, without text, with U+0080 to U+009F.
        emptied: texts that only the cleaning made empty.
        distinct: different texts.
        duplicates: rows whose text an earlier row has.
        contradictory: different texts that stand with different labels.
        alike: rows whose text another row has, too, but for case, blanks, digits, links, mentions and punctuation, all
            before any cleaning. ``tk classify`` keeps them on one side of a split.
        distinct_alike: how many texts there are if such rows count once.
        largest_alike: the largest groups of them.
        splits: value of the split column -> rows.
        characters, words: class -> name of a statistic -> its value, over the texts of the class.
        histogram, character_histogram: class -> texts with 0, 1, 2 to 3, 4 to 7, ... words, and characters.
        languages: language, or script -> share of the first texts that tell theirs, see ``embed.tables.language``.
        other_language: the most frequent one, if the table is not English; else None.
        cut: word pieces -> share of the texts that have more, estimated as for English texts and an English vocabulary;
            texts in other languages have more pieces.
        longest: line, characters and beginning of the longest texts.
    """

    rows: int
    bad: int
    first_bad: list[str]
    classes: dict[str, int]
    unlabelled: int
    empty: int
    emptied: int
    mojibake: int
    distinct: int
    duplicates: int
    contradictory: int
    alike: int
    distinct_alike: int
    largest_alike: list[AlikeTexts]
    splits: dict[str, int]
    characters: dict[str, dict[str, float]]
    words: dict[str, dict[str, float]]
    histogram: dict[str, list[int]]
    character_histogram: dict[str, list[int]]
    languages: dict[str, float]
    other_language: str | None
    cut: dict[int, float]
    longest: list[tuple[int, int, str]]


def describe(table: Table, steps: Sequence[str] = ()) -> TableDescription:
    """Read a table from end to end, its texts after the cleaning ``steps``; memory holds about 70 bytes a row.

    Raises:
        InputError: as ``Table.blocks``.
    """
    kinds: dict[tuple | None, int] = {}  # label, or labels of a row, or None -> number
    columns: dict[str, list[np.ndarray]] = {
        name: [] for name in ("kind", "hash", "like", "characters", "words", "pieces")
    }
    counts = dict.fromkeys(("bad", "emptied", "mojibake"), 0)
    first_bad: list[str] = []
    splits: dict[str, int] = {}
    longest: list[tuple[int, int, str]] = []
    language = LanguageCount()
    for rows in table.blocks(BLOCK_ROWS):
        texts = clean(rows.texts, steps)
        if language.seen < LANGUAGE_ROWS:
            language.add(rows.texts)
        block = {
            "kind": [kinds.setdefault(kind, len(kinds)) for kind in _kinds(rows)],
            "characters": list(map(len, texts)),
            "words": [len(text.split()) for text in texts],
            "pieces": [len(PRETOKEN.findall(text)) for text in texts],
        }
        for name, values in block.items():
            columns[name].append(np.array(values, np.int64))
        columns["hash"].append(hash_texts(texts).view("V16").ravel())
        columns["like"].append(hash_likeness(rows.texts).view("V16").ravel())
        counts["bad"] += len(rows.bad)
        counts["emptied"] += sum(bool(a.strip()) and not b.strip() for a, b in zip(rows.texts, texts, strict=True))
        counts["mojibake"] += sum(MOJIBAKE.search(text) is not None for text in rows.texts)
        first_bad += map(str, rows.bad[: FIRST_BAD - len(first_bad)])
        for split in rows.splits or ():
            splits[split] = splits.get(split, 0) + 1
        found = zip(block["characters"], (-rows.line).tolist(), (text[:BEGINNING] for text in texts), strict=True)
        longest = heapq.nlargest(LONGEST, [*longest, *found])
    whole = {name: np.concatenate(values) for name, values in columns.items()}
    members = _members(kinds, table.rule.names, whole["kind"])
    unlabelled = np.isin(whole["kind"], [number for kind, number in kinds.items() if kind is None or -1 in kind])
    neither = ~unlabelled & ~np.any(list(members.values()) or [~unlabelled], axis=0)
    by_class = members | {NONE_APPLIES: neither, NO_LABEL: unlabelled}
    by_class = {name: rows for name, rows in by_class.items() if rows.any()}
    distinct, contradictory = _distinct(whole["hash"], whole["kind"], unlabelled)
    total = len(whole["kind"])
    sizes, first = group_sizes(whole["like"])
    return TableDescription(
        rows=total,
        first_bad=first_bad,
        classes={name: int(rows.sum()) for name, rows in members.items()},
        unlabelled=int(unlabelled.sum()),
        empty=int((whole["words"] == 0).sum()),
        distinct=distinct,
        duplicates=total - distinct,
        contradictory=contradictory,
        alike=int(sizes[sizes > 1].sum()),
        distinct_alike=len(sizes),
        largest_alike=largest_groups(table, sizes, first, BLOCK_ROWS, BEGINNING),
        splits=splits,
        characters={name: _statistics(whole["characters"][rows]) for name, rows in by_class.items()},
        words={name: _statistics(whole["words"][rows]) for name, rows in by_class.items()},
        histogram=length_histogram(whole["words"], by_class),
        character_histogram=length_histogram(whole["characters"], by_class),
        languages=language.shares,
        other_language=language.other,
        cut={limit: float((PIECES_A_PRETOKEN * whole["pieces"] + 2 > limit).mean()) for limit in LIMITS},
        longest=[(-line, characters, text) for characters, line, text in longest],
        **counts,
    )


def draw(description: TableDescription, path: Path, overwrite: bool = False) -> list[Path]:
    """Two pictures whose form the ending of ``path`` names: lengths of texts by class, and rows of each class beside.

    Returns:
        ``path``, with the lengths, and ``NAME.classes.ENDING`` with the classes, which is not made without any.

    Raises:
        InputError: if one of them is there already, unless ``overwrite``.
        FailureError: if the machine refuses the write.
    """
    written = [path]
    with house_style():
        save(chart_of_lengths(description), path, overwrite)
        if description.classes:
            written.append(classes_beside(path))
            save(_class_chart(description), written[-1], overwrite)
    return written


def classes_beside(path: Path) -> Path:
    """Where the picture of the classes goes, beside that of the lengths."""
    return path.with_name(f"{path.stem}.classes{path.suffix}")


def chart_of_lengths(found: TableDescription) -> Chart:
    """Lengths of the texts by class."""
    units = {"characters": (found.character_histogram, found.characters), "words": (found.histogram, found.words)}
    lengths = {
        unit: Lengths(counts, int(min(s["min"] for s in kinds.values())), int(max(s["max"] for s in kinds.values())))
        for unit, (counts, kinds) in units.items()
    }
    return length_chart(lengths, found.rows)


def _class_chart(found: TableDescription) -> Chart:
    """Rows of each class, and those of none."""
    counts = {name: sum(bins) for name, bins in found.histogram.items()}
    return class_chart({"table": counts}, {"table": found.rows}, f"Rows a class, n = {found.rows:,}")


def _kinds(rows: Rows) -> list:
    """Of each row its label as a tuple of one, its labels as a tuple of 0, 1 and -1, or None."""
    if rows.label_names:
        return list(map(tuple, np.asarray(rows.labels).tolist()))
    return [None if label is None else (label,) for label in rows.labels]


def _members(kinds: dict, labels: list[str] | None, numbers: np.ndarray) -> dict[str, np.ndarray]:
    """Class -> bool ``[n]``, which rows are of it; the most frequent first, several labels in the order of columns."""
    if labels:
        having = [[number for kind, number in kinds.items() if kind[i] == 1] for i in range(len(labels))]
        return {name: np.isin(numbers, found) for name, found in zip(labels, having, strict=True)}
    found = {kind[0]: numbers == number for kind, number in kinds.items() if kind is not None}
    return dict(sorted(found.items(), key=lambda item: (-item[1].sum(), item[0])))


def _distinct(hashes: np.ndarray, kinds: np.ndarray, unlabelled: np.ndarray) -> tuple[int, int]:
    """How many different texts there are, and how many of them stand with different labels."""
    values, texts = np.unique(hashes, return_inverse=True)
    pairs = np.unique(np.stack([texts[~unlabelled], kinds[~unlabelled]], 1), axis=0)
    return len(values), int((np.bincount(pairs[:, 0].astype(np.int64)) > 1).sum())


def _statistics(values: np.ndarray) -> dict[str, float]:
    found = {name: values.mean() if q is None else np.quantile(values, q) for name, q in QUANTILES.items()}
    return {name: round(float(value), 1) for name, value in found.items()}
