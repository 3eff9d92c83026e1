"""Docstrings -> Markdown: what the reference pages are made of."""

from __future__ import annotations

import inspect
import re

SECTION = re.compile(r"^(Args|Options|Raises|Returns|Attributes|Yields|Example)\b[^\n]*:$")
RULE = re.compile(r"^=+( +=+)+$")


def to_markdown(docstring: str) -> str:
    """Prose and tables of a docstring; its sections (``Args:`` and so on) are left out."""
    lines, kept, skip = inspect.cleandoc(docstring).splitlines(), [], False
    for line in lines:
        if SECTION.match(line):
            skip = True
        elif line and not line.startswith(" "):
            skip = False
        if not skip:
            kept.append(line)
    return code_spans("\n".join(_with_tables(kept)).strip())


def code_spans(text: str) -> str:
    """``x`` as `x`."""
    return re.sub(r"``(.+?)``", r"`\1`", text)


def described(kind: type, *sections: str) -> dict[str, str]:
    """Name -> description of what the sections of a class and of its bases list, the bases' first."""
    found: dict[str, str] = {}
    for cls in reversed(kind.__mro__):
        found |= _items(cls.__dict__.get("__doc__") or "", sections)
    return found


def _items(docstring: str, sections: tuple[str, ...]) -> dict[str, str]:
    """The entries of these sections; ``a, b: text`` describes both."""
    found: dict[str, str] = {}
    names: list[str] = []
    inside = False
    for line in inspect.cleandoc(docstring).splitlines():
        if not line.startswith(" "):
            inside = bool(line) and (match := SECTION.match(line)) is not None and match[1] in sections
        elif inside and (match := re.match(r"^    (\w[\w, ]*): (.*)", line)):
            names = match[1].split(", ")
            found |= dict.fromkeys(names, match[2])
        elif inside:
            found |= {name: f"{found[name]} {line.strip()}" for name in names}
    return {name: code_spans(text) for name, text in found.items()}


def _with_tables(lines: list[str]) -> list[str]:
    """reStructuredText's simple tables as Markdown's."""
    out, i = [], 0
    while i < len(lines):
        if not RULE.match(lines[i]):
            out.append(lines[i])
            i += 1
            continue
        end = i + 1
        rules = [i]
        while end < len(lines) and lines[end]:
            if RULE.match(lines[end]):
                rules.append(end)
            end += 1
        out += _table(lines[i:end], [at - i for at in rules])
        i = end
    return out


def _table(lines: list[str], rules: list[int]) -> list[str]:
    starts = [match.start() for match in re.finditer("=+", lines[0])]
    spans = list(zip(starts, [*starts[1:], None], strict=True))
    head = lines[1 : rules[1]] if len(rules) > 2 else []
    rows: list[list[str]] = []
    for line in lines[rules[-2] + 1 : rules[-1]]:
        cells = [line[start:end].strip().replace("|", "\\|") for start, end in spans]
        if cells[0] or not rows:
            rows.append(cells)
        else:  # a row goes on
            rows[-1] = [f"{a} {b}".strip() for a, b in zip(rows[-1], cells, strict=True)]
    titles = [head[0][start:end].strip() for start, end in spans] if head else [""] * len(spans)
    return [table_row(titles), table_row(["---"] * len(spans)), *map(table_row, rows)]


def table_row(cells: list[str]) -> str:
    """One line of a Markdown table."""
    return "| " + " | ".join(cells) + " |"
