"""What source files say of the classes in them, read without an import: name, options and their explanations."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

KINDS = {"bool": bool, "int": int, "float": float}  # of options that are no text


@dataclass(frozen=True)
class Option:
    """An option of a registered class.

    Attributes:
        name: of the argument.
        kind: ``bool``, ``int``, ``float`` or ``str``.
        default: what it is where nothing is given; None also where that is no plain value.
        help: what it does, one line.
    """

    name: str
    kind: type
    default: object
    help: str


def folders_of(package: str) -> list[Path]:
    """Where a package's files are; neither it nor the packages around it are imported."""
    top, *below = package.split(".")
    spec = find_spec(top)
    places = list(spec.submodule_search_locations or []) if spec else []
    return [folder for place in places if (folder := Path(place, *below)).is_dir()]


def name_of(node: ast.ClassDef) -> str | None:
    """What its body says is its ``name``; None if that is no plain string."""
    for line in node.body:
        targets = (
            line.targets if isinstance(line, ast.Assign) else [line.target] if isinstance(line, ast.AnnAssign) else []
        )
        if any(isinstance(target, ast.Name) and target.id == "name" for target in targets):
            value = getattr(line, "value", None)
            return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else None
    return None


def class_of(module: str, class_name: str) -> ast.ClassDef | None:
    """The source of another package's class; None if it is not found that way, or cannot be parsed."""
    *package, stem = module.split(".")
    try:
        if package:
            paths = [
                path
                for folder in folders_of(".".join(package))
                for path in (folder / f"{stem}.py", folder / stem / "__init__.py")
            ]
        else:
            spec = find_spec(stem)
            paths = [Path(spec.origin)] if spec and spec.origin else []
        body = next(ast.parse(path.read_text(encoding="utf-8")).body for path in paths if path.is_file())
    except (OSError, ValueError, SyntaxError, StopIteration):
        return None
    return next((node for node in body if isinstance(node, ast.ClassDef) and node.name == class_name), None)


def options_of(arguments: ast.arguments, docstring: str) -> Iterator[Option]:
    """The options that are the arguments of an ``__init__`` but for the first, explained in the class's docstring."""
    texts = explained(docstring)
    places = [*arguments.posonlyargs, *arguments.args][1:]
    given = arguments.defaults[max(0, len(arguments.defaults) - len(places)) :]
    defaults: list[ast.expr | None] = [*[None] * (len(places) - len(given)), *given, *arguments.kw_defaults]
    for argument, default in zip([*places, *arguments.kwonlyargs], defaults, strict=True):
        try:
            value = ast.literal_eval(default) if default is not None else None
        except ValueError:  # the name of something
            value = None
        kind = kind_of(ast.unparse(argument.annotation) if argument.annotation else "")
        yield Option(argument.arg, kind, value, texts.get(argument.arg, ""))


def kind_of(annotation: str) -> type:
    """``bool``, ``int``, ``float`` or ``str`` for an annotation such as ``int | None``."""
    words = {word.strip() for word in annotation.replace("<class '", "").replace("'>", "").split("|")} - {"None"}
    return KINDS.get(words.pop(), str) if len(words) == 1 else str


def explained(docstring: str) -> dict[str, str]:
    """The text of each argument in the section ``Args:`` of a docstring, as one line."""
    texts: dict[str, str] = {}
    names: list[str] = []
    _, _, section = inspect.cleandoc(docstring).partition("\nArgs:\n")
    for line in section.splitlines():
        if line and not line.startswith(" "):
            break
        if line.startswith("    ") and not line.startswith("     "):
            head, _, text = line.strip().partition(": ")
            names = [name.strip().partition(" ")[0] for name in head.split(",")]
            texts |= dict.fromkeys(names, text)
        else:
            texts |= {name: f"{texts[name]} {line.strip()}" for name in names}
    return {name: text.replace("``", "").strip() for name, text in texts.items()}
