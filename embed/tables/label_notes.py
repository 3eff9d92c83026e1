"""What is to be known about the labels of a column: what is missing, or spelt in several ways."""

from __future__ import annotations

import unicodedata
from collections import Counter

from embed.tables.label_cells import write_pairs
from embed.tables.labels import OTHERS, LabelRule

# Ways to say yes and no; a column with more than one of them, and with nothing else, came from several places.
TRUTHS = (frozenset("10"), frozenset(("true", "false")), frozenset(("yes", "no")), frozenset("yn"), frozenset("tf"))
YES = frozenset(("1", "true", "yes", "y", "t"))


def notes_on_labels(file: str, rule: LabelRule, labels: Counter[str]) -> list[str]:
    """What the user should know about the labels of one column: what is missing, or another spelling of the same."""
    notes = []
    column = rule.columns[0]
    if markers := {label: count for label, count in labels.items() if label and label in rule.missing}:
        listing = ", ".join(f"{label} ({count})" for label, count in markers.items())
        notes.append(f"{file}: {listing} in {column!r} stand for a missing label; `missing=''` makes them classes")
    names = [label for label in labels if label and label not in rule.missing]
    variants: dict[str, list[str]] = {}
    for name in sorted(names, key=lambda name: -labels[name]):
        variants.setdefault(unicodedata.normalize("NFKC", name).casefold(), []).append(name)
    what = "differ by upper and lower case only"
    if len({style for style in TRUTHS if style & set(variants)}) > 1 and set(variants) <= frozenset().union(*TRUTHS):
        what, whole = "mean yes and no in several ways", variants
        variants = {}
        for kind, alike in whole.items():
            variants.setdefault(str(kind in YES), []).extend(alike)
    pairs = [(name, alike[0]) for alike in variants.values() if len(alike) > 1 for name in alike]
    if pairs and not rule.label_map:
        listing = "; ".join(", ".join(map(repr, alike)) for alike in variants.values() if len(alike) > 1)
        joined = write_pairs([*pairs, (OTHERS, OTHERS)])
        notes.append(f"{file}: classes that {what}: {listing}; `label_map={joined!r}` joins them")
    return notes
