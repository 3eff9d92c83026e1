"""The heads: classes with a ``name``, in the files of this folder or under the entry points ``tk.heads``."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any, Protocol, TypeAlias, cast

from classify.heads.base import Head
from stores.shared.errors import FailureError, InputError
from stores.shared.registry import Registry, convert, parse_spec
from stores.shared.suggest import did_you_mean

REGISTRY: Registry[Head] = Registry("classify.heads", "tk.heads", "head")
SECTION = re.compile(r"^\s*Options\b[^\n]*:\n", re.MULTILINE)
ENTRY = re.compile(r"(\w+(?:, \w+)*): (.*)")


def names() -> list[str]:
    """Names of all heads, sorted."""
    return REGISTRY.names()


def head_class(name: str) -> type[Head]:
    """The class of the head ``name``.

    Raises:
        InputError: if there is none.
        FailureError: if another package offers it and it cannot be loaded, or is no head.
    """
    entry = REGISTRY.entry(name)
    kind = entry.load()
    if not (isinstance(kind, type) and issubclass(kind, Head) and not inspect.isabstract(kind)):
        raise FailureError(f"head {name} of the package {entry.origin} is no classify.Head with its methods")
    return kind


def load(name: str, **options: object) -> Head:
    """The head ``name``, untrained, with its options (text is turned into the type of the option's default).

    Raises:
        InputError: if there is no such head, it lacks an option, or a value is not of the option's type.
    """
    kind = head_class(name)
    known = {field.name: field for field in fields(kind) if field.init}
    values: dict[str, Any] = {}
    for option, value in options.items():
        if option not in known:
            there = f"{', '.join(known) or 'none'}{did_you_mean(option, known)}"
            raise InputError(f"head {name} has no option {option!r}; it has: {there}")
        values[option] = convert(value, type(_default(known[option])), f"head {name}: {option}")
    head = kind(**values)
    head.given = frozenset(values)
    return head


def parse(spec: str) -> Head:
    """The head of a command line's ``name`` or ``name:option=value,option=value``; ``InputError`` as ``load``.

    What follows ``sklearn:`` is that head's own, see ``classify.heads.sklearn``.
    """
    if spec.startswith("sklearn:"):
        from classify.heads.sklearn import from_words

        return from_words(spec.removeprefix("sklearn:"))
    name, options = parse_spec(spec)
    return load(name, **options)


class SklearnClassifier(Protocol):
    """An unfitted classifier of scikit-learn, which is not imported for its name."""

    def fit(self, X: Any, y: Any) -> Any:  # noqa: ANN401
        """Learn."""

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Its parameters."""


HeadLike: TypeAlias = str | Head | SklearnClassifier


def as_heads(heads: HeadLike | Sequence[HeadLike]) -> list[Head]:
    """One head or several, see ``as_head``; a pipeline of scikit-learn is one."""
    if isinstance(heads, str | Head) or not isinstance(heads, Iterable) or hasattr(heads, "get_params"):
        return [as_head(cast(HeadLike, heads))]
    return [as_head(head) for head in heads]


def as_head(head: HeadLike) -> Head:
    """An untrained head from what names one, is one, or is an unfitted classifier of scikit-learn.

    Raises:
        InputError: as ``load``, or for anything else.
    """
    if isinstance(head, Head):
        return head
    if isinstance(head, str):
        return parse(head)
    if hasattr(head, "get_params") and hasattr(head, "fit"):
        from classify.heads.sklearn import AnySklearnHead

        return AnySklearnHead.of(head)
    raise InputError(f"`heads`: {type(head).__name__} is no head; give a name, or a classifier of scikit-learn")


def documentation(kind: type[Head]) -> dict[str, str]:
    """Option -> what it means, from the ``Options:`` sections of the class and its bases; options without are empty."""
    texts: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        if issubclass(base, Head):
            texts |= _option_texts(inspect.cleandoc(base.__doc__ or ""))
    return {field.name: texts.get(field.name, "") for field in fields(kind) if field.init}


def _option_texts(docstring: str) -> dict[str, str]:
    """Option -> text of a section ``Options:`` whose entries are indented once, and their further lines twice."""
    section = SECTION.search(docstring)
    if section is None:
        return {}
    found: dict[str, str] = {}
    named: list[str] = []
    for line in docstring[section.end() :].splitlines():
        if line and not line.startswith("    "):
            break
        entry = ENTRY.fullmatch(line.strip())
        if entry and not line.startswith("     "):
            named = entry[1].split(", ")
            found |= dict.fromkeys(named, entry[2])
        elif line.strip():
            found |= {name: f"{found[name]} {line.strip()}" for name in named}
    return {name: text.replace("``", "") for name, text in found.items()}


def save(head: Head, folder: Path) -> None:
    """Write a trained head into an existing folder, without pickle."""
    (folder / "head.json").write_text(json.dumps(head.state(), indent=1), encoding="utf-8")
    head._save(folder)


def restore(folder: Path) -> Head:
    """Inverse of ``save``.

    Raises:
        FailureError: if the folder holds no saved head, or one that this version cannot read.
    """
    try:
        state: dict[str, Any] = json.loads((folder / "head.json").read_text(encoding="utf-8"))
        return load(state["head"], **state["options"]).restore(state, folder)
    except (OSError, ValueError, KeyError, TypeError, InputError) as error:
        raise FailureError(f"{folder} holds no model that this version can read ({error}); train it again") from error


def _default(option: Field) -> object:
    return option.default_factory() if option.default_factory is not MISSING else option.default
