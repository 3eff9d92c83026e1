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
from pathlib import Path
from typing import Any, Generic, TypeVar

from stores.shared.declarations import Option, class_of, explained, folders_of, kind_of, name_of, options_of
from stores.shared.errors import FailureError, InputError
from stores.shared.suggest import did_you_mean, listing

T = TypeVar("T")
PLAIN_BASES = {"Encoder", "Head"}  # whose __init__ takes nothing


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
                return tuple(options_of(init[0].args, ast.get_docstring(self.node) or ""))
            if {ast.unparse(base).rpartition(".")[2] for base in self.node.bases} <= PLAIN_BASES:
                return ()
        kind = self.load()
        given = inspect.signature(kind).parameters.values()
        texts = explained(inspect.getdoc(kind) or "")
        return tuple(
            Option(
                p.name, kind_of(str(p.annotation)), None if p.default is p.empty else p.default, texts.get(p.name, "")
            )
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
                node = class_of(module, class_name)
                entries.setdefault(point.name, Entry(point.name, module, class_name, origin, node))
        return dict(sorted(entries.items()))

    def names(self) -> list[str]:
        """All names, sorted, also of packages that turn out to be broken."""
        return sorted(self.builtin | self.plugins)

    def entry(self, name: str) -> Entry[T]:
        """The entry of this name; ``InputError`` if there is none."""
        entry = _entries(self.package, name).get(name) or self.plugins.get(name)
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


def _entries(package: str, name: str = "") -> dict[str, Entry]:
    """The classes of a package, by name; with ``name`` at least the one that is called so."""
    return _parsed(package, tuple(folders_of(package)), name)


@cache
def _parsed(package: str, folders: tuple[Path, ...], name: str) -> dict[str, Entry]:
    """The classes in these folders of a package, by name; each file that has ``name`` in it is parsed once."""
    entries: dict[str, Entry] = {}
    for path in sorted(file for folder in folders for file in folder.glob("[!_]*.py")):
        for entry in _declared(path.read_text(encoding="utf-8"), f"{package}.{path.stem}", name):
            entries.setdefault(entry.name, entry)
    return dict(sorted(entries.items()))


def _declared(source: str, module: str, name: str) -> Iterator[Entry]:
    """The classes of a file that have a name; none if ``name`` does not occur in it, as a string with quotes."""
    if f'"{name}"' not in source and f"'{name}'" not in source and name:
        return
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef) and (declared := name_of(node)):
            yield Entry(declared, module, node.name, node=node)
