"""Classes that are found by their name: those in the files of a package, and those of other packages' entry points.

To know names and options, files are parsed and not imported, so that a help text costs milliseconds and a broken file
harms nobody who does not ask for it. A class belongs to a registry if its body says ``name = "..."``; its options are
the arguments of its ``__init__``, explained in the section ``Args:`` of its docstring.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib import import_module, metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Generic, TypeVar

from stores.shared.errors import FailureError, InputError
from stores.shared.suggest import did_you_mean, listing

T = TypeVar("T")
PLAIN_BASES = {"Encoder", "Head"}  # whose __init__ takes nothing
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


@dataclass(frozen=True)
class Entry(Generic[T]):
    """A registered class that is not imported yet.

    Attributes:
        name: as on the command line.
        module, class_name: where it is.
        origin: the distribution it comes from; empty for one of this project's.
        node: its source, if that was found.
    """

    name: str
    module: str
    class_name: str
    origin: str = ""
    node: ast.ClassDef | None = field(default=None, repr=False)

    def load(self) -> type[T]:
        """The class.

        Raises:
            FailureError: if it is of another package, and cannot be imported or is called otherwise.
        """
        if not self.origin:
            return getattr(import_module(self.module), self.class_name)
        try:
            loaded = getattr(import_module(self.module), self.class_name)
        except Exception as error:  # another package may be broken in any way
            why = f"{type(error).__name__}: {error}".partition("\n")[0]
            raise FailureError(f"{self.name} of the package {self.origin} cannot be loaded ({why})") from error
        if getattr(loaded, "name", None) != self.name:
            called = getattr(loaded, "name", None)
            raise FailureError(f"{self.name} of the package {self.origin} calls itself {called!r}; report it there")
        return loaded

    @cached_property
    def options(self) -> tuple[Option, ...]:
        """Its options, in order; the class is imported only where its source does not show them."""
        if self.node is not None:
            init = [node for node in self.node.body if isinstance(node, ast.FunctionDef) and node.name == "__init__"]
            if init:
                return tuple(_options_of(init[0].args, ast.get_docstring(self.node) or ""))
            if {ast.unparse(base).rpartition(".")[2] for base in self.node.bases} <= PLAIN_BASES:
                return ()
        kind = self.load()
        given = inspect.signature(kind).parameters.values()
        texts = _explained(inspect.getdoc(kind) or "")
        return tuple(
            Option(p.name, _kind(str(p.annotation)), None if p.default is p.empty else p.default, texts.get(p.name, ""))
            for p in given
            if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
        )


class Registry(Generic[T]):
    """The classes of one kind.

    Args:
        package: in whose files they are, one or more each; those that begin with ``_`` hold none.
        group: of the entry points under which other packages name theirs.
        noun: what they are called in messages.
    """

    def __init__(self, package: str, group: str, noun: str) -> None:
        self.package, self.group, self.noun = package, group, noun

    @property
    def builtin(self) -> dict[str, Entry[T]]:
        """Those of this project, by name."""
        return _entries(self.package)

    @cached_property
    def plugins(self) -> dict[str, Entry[T]]:
        """Those of other packages, by name; none of them takes a name of this project's."""
        builtin = self.builtin
        entries: dict[str, Entry[T]] = {}
        for point in metadata.entry_points(group=self.group):
            module, _, class_name = point.value.partition(":")
            origin = point.dist.name if point.dist else module
            if point.name not in builtin:
                node = _node_of(module, class_name)
                entries.setdefault(point.name, Entry(point.name, module, class_name, origin, node))
        return dict(sorted(entries.items()))

    def names(self) -> list[str]:
        """All names, sorted, also of packages that turn out to be broken."""
        return sorted(self.builtin | self.plugins)

    def entry(self, name: str) -> Entry[T]:
        """The entry of this name; ``InputError`` if there is none."""
        entry = self.builtin.get(name) or self.plugins.get(name)
        if entry is None:
            raise InputError(f"no {self.noun} {name!r}; there are: {listing(name, self.names())}")
        return entry

    def options(self, name: str, given: dict[str, Any]) -> dict[str, Any]:
        """``given``, with text turned into the type of each option.

        Raises:
            InputError: for an option that is not there, or a value that is not of its type.
        """
        known = {option.name: option for option in self.entry(name).options}
        values = {}
        for option, value in given.items():
            if option not in known:
                there = f"{', '.join(known) or 'none'}{did_you_mean(option, known)}"
                raise InputError(f"{self.noun} {name} has no option {option!r}; it has: {there}")
            values[option] = convert(value, known[option].kind, f"{self.noun} {name}: {option}")
        return values


def parse_spec(spec: str) -> tuple[str, dict[str, str]]:
    """``name:option=value,option=value`` -> the name and its options, as text.

    A piece without ``=`` goes on with the value before it: ``elmo:mix=0.2,0.3,0.5`` has one option.

    Raises:
        InputError: for an option without a value, or given twice.
    """
    name, _, rest = spec.partition(":")
    options: dict[str, str] = {}
    last = ""
    for piece in rest.split(",") if rest else []:
        option, equals, value = piece.partition("=")
        if equals and option.strip():
            last = option.strip().replace("-", "_")
            if last in options:
                raise InputError(f"{spec}: {last} is given twice")
            options[last] = value
        elif last:
            options[last] += f",{piece}"
        else:
            raise InputError(f"{spec}: {piece!r} has no value; write {name}:{piece or 'OPTION'}=VALUE")
    if empty := [option for option, value in options.items() if not value]:
        raise InputError(f"{spec}: {empty[0]!r} has no value; write {name}:{empty[0]}=VALUE")
    return name, options


def convert(value: object, kind: type, where: str) -> object:
    """``value``, if it is text that of ``kind``; ``InputError``, which begins with ``where``, if it is not of it."""
    if not isinstance(value, str) or kind is str:
        return value
    if kind is bool and value.lower() in ("true", "false"):
        return value.lower() == "true"
    try:
        if kind is not bool:
            return kind(value)
    except ValueError:
        pass
    wanted = {bool: "true or false", int: "a whole number", float: "a number"}[kind]
    raise InputError(f"{where}={value} is not {wanted}")


def _entries(package: str) -> dict[str, Entry]:
    """The classes of a package, by name."""
    return _parsed(package, tuple(_folders(package)))


@cache
def _parsed(package: str, folders: tuple[Path, ...]) -> dict[str, Entry]:
    """The classes in these folders of a package, by name; the files are parsed once in a process."""
    entries: dict[str, Entry] = {}
    for path in sorted(file for folder in folders for file in folder.glob("[!_]*.py")):
        for entry in _declared(path, f"{package}.{path.stem}"):
            entries.setdefault(entry.name, entry)
    return dict(sorted(entries.items()))


def _folders(package: str) -> list[Path]:
    """Where a package's files are; neither it nor the packages around it are imported."""
    top, *below = package.split(".")
    spec = find_spec(top)
    places = list(spec.submodule_search_locations or []) if spec else []
    return [folder for place in places if (folder := Path(place, *below)).is_dir()]


def _declared(path: Path, module: str) -> Iterator[Entry]:
    """The classes of a file that have a name."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef) and (name := _name_of(node)):
            yield Entry(name, module, node.name, node=node)


def _name_of(node: ast.ClassDef) -> str | None:
    for line in node.body:
        targets = (
            line.targets if isinstance(line, ast.Assign) else [line.target] if isinstance(line, ast.AnnAssign) else []
        )
        if any(isinstance(target, ast.Name) and target.id == "name" for target in targets):
            value = getattr(line, "value", None)
            return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else None
    return None


def _node_of(module: str, class_name: str) -> ast.ClassDef | None:
    """The source of another package's class; None if it is not found that way, or cannot be parsed."""
    *package, stem = module.split(".")
    try:
        if package:
            paths = [
                path
                for folder in _folders(".".join(package))
                for path in (folder / f"{stem}.py", folder / stem / "__init__.py")
            ]
        else:
            spec = find_spec(stem)
            paths = [Path(spec.origin)] if spec and spec.origin else []
        body = next(ast.parse(path.read_text(encoding="utf-8")).body for path in paths if path.is_file())
    except (OSError, ValueError, SyntaxError, StopIteration):
        return None
    return next((node for node in body if isinstance(node, ast.ClassDef) and node.name == class_name), None)


def _options_of(arguments: ast.arguments, docstring: str) -> Iterator[Option]:
    texts = _explained(docstring)
    places = [*arguments.posonlyargs, *arguments.args][1:]
    given = arguments.defaults[max(0, len(arguments.defaults) - len(places)) :]
    defaults: list[ast.expr | None] = [*[None] * (len(places) - len(given)), *given, *arguments.kw_defaults]
    for argument, default in zip([*places, *arguments.kwonlyargs], defaults, strict=True):
        try:
            value = ast.literal_eval(default) if default is not None else None
        except ValueError:  # the name of something
            value = None
        kind = _kind(ast.unparse(argument.annotation) if argument.annotation else "")
        yield Option(argument.arg, kind, value, texts.get(argument.arg, ""))


def _kind(annotation: str) -> type:
    words = {word.strip() for word in annotation.replace("<class '", "").replace("'>", "").split("|")} - {"None"}
    return KINDS.get(words.pop(), str) if len(words) == 1 else str


def _explained(docstring: str) -> dict[str, str]:
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
