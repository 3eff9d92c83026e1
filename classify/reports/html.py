"""Building blocks of an HTML page that needs nothing but itself; everything that is not ``Markup`` is escaped."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from string import Template

from stores.shared.plot_style import GRID, INK, MUTED, PAPER, SERIES

FOLDER = Path(__file__).parent  # of page.html, page.css and the scripts
WIDE = 400  # points; wider figures get a row of the page for themselves
CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")
# colours of the house style -> variables of the page, which has others in the dark
VARIABLES = {INK: "ink", MUTED: "muted", GRID: "grid", PAPER: "paper"} | {c: f"s{i}" for i, c in enumerate(SERIES)}


class Markup(str):
    """Text that is HTML already."""


def plain(text: str) -> str:
    """A text in which controls, lone surrogates, and marks that turn what follows are a replacement character."""
    return CONTROLS.sub("\ufffd", text)


def escape(value: object) -> Markup:
    """Anything as the text of an element or of an attribute in double quotes, ``plain``."""
    return value if isinstance(value, Markup) else Markup(html.escape(plain(str(value))))


def element(name: str, /, *content: object, **attributes: object) -> Markup:
    """``<name attribute="...">content</name>``; a trailing or inner underscore of an attribute is a dash or nothing."""
    given = "".join(f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"' for key, value in attributes.items())
    return Markup(f"<{name}{given}>{''.join(map(escape, content))}</{name}>")


def join(parts: Iterable[object]) -> Markup:
    """One after the other."""
    return Markup("\n".join(map(escape, parts)))


def table(header: Sequence[object], rows: Iterable[Sequence[object]], words: int = 1, name: str = "") -> Markup:
    """A table; all columns but the first ``words`` hold numbers.

    With a name it can be sorted by a press on a header, and filtered, by the script of the page. Where the page is
    narrow each row becomes a block whose cells carry the name of their column.
    """
    columns = ["word"] * words + ["number"] * (len(header) - words)
    head = element("tr", *(element("th", name, scope="col", class_=c) for name, c in zip(header, columns, strict=True)))
    body = []
    for row in rows:
        cells = zip(row, columns, header, strict=True)
        body.append(element("tr", *(element("td", cell, class_=c, data_label=name) for cell, c, name in cells)))
    given = {"id": name, "class_": "sortable"} if name else {}
    return element(
        "div", element("table", element("thead", head), element("tbody", join(body)), **given), class_="scroll"
    )


def definitions(pairs: Iterable[tuple[str, object]]) -> Markup:
    """Names and what they mean."""
    return element("dl", join(element("div", element("dt", name), element("dd", value)) for name, value in pairs))


def section(title: str, name: str, *content: object) -> Markup:
    """A part of the page with a heading, to be linked to by its name."""
    return element("section", element("h2", title), *content, id=name)


def data(name: str, value: object) -> Markup:
    """Numbers and texts (``plain`` ones) for a script of the page; nothing in them can end the element."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(f'<script type="application/json" id="{escape(name)}">{text}</script>')


def inline(svg: str, name: str, alternative: str) -> Markup:
    """A figure as part of the page, in the colours of the page.

    Args:
        svg: of ``stores.shared.plot_style.svg``, whose texts are escaped by matplotlib.
        name: unique on the page.
        alternative: what it says to those who do not see it.
    """
    svg = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", svg, count=1, flags=re.DOTALL)
    svg = re.sub(r"<!--.*?-->", "", svg, flags=re.DOTALL)
    used = set(re.findall(r'(?:url\(|href=")#([\w.-]+)', svg))
    svg = re.sub(r' id="([\w.-]+)"', lambda m: f' id="{name}-{m[1]}"' if m[1] in used else "", svg)
    svg = re.sub(r'xlink:href="#', 'href="#', svg)
    svg = re.sub(r'(url\(|href=")#', rf"\g<1>#{name}-", svg)
    for color, variable in VARIABLES.items():
        svg = svg.replace(color, f"var(--{variable})")
    (box,) = re.findall(r'viewBox="([^"]+)"', svg)[:1]
    start = svg.index(">") + 1
    opened = f'<svg viewBox="{box}" role="img" aria-label="{escape(alternative)}">'
    wide = {"class_": "wide"} if float(box.split()[2]) > WIDE else {}
    return element("figure", Markup(opened + re.sub(r"\s*\n\s*", "\n", svg[start:])), id=name, **wide)


def page(title: str, body: object, *scripts: str) -> str:
    """The whole page, with these of our scripts (``tables``, ``map``, ``slider``); it forbids all others by itself.

    The policy names the digest of each script, so that not even a fault in escaping would let a text run.
    """
    texts = [(FOLDER / f"{name}.js").read_text(encoding="utf-8") for name in scripts]
    digests = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in texts)
    return Template((FOLDER / "page.html").read_text(encoding="utf-8")).substitute(
        title=escape(title), body=escape(body), style=(FOLDER / "page.css").read_text(encoding="utf-8"),
        scripts="\n".join(f"<script>{text}</script>" for text in texts),
        hashes=" ".join(f"'sha256-{digest}'" for digest in digests) or "'none'",
    )  # fmt: skip
