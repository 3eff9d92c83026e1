"""``tk run experiment.toml``: the options of the command in a file, read, checked and written.

Each key is an option of ``tk run``, some in a section: what a key stands for, how its value is read, and what is said
of it are those of the option. What is given on the command line as well wins over the file.
"""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from commands.terminal import note
from stores.shared.files import whole_file

ENDING = ".toml"
SECTIONS = {  # section -> key -> parameter of the command
    "": {
        "data": "data", "encoders": "encoders", "heads": "heads", "samplers": "sampler", "clean": "clean",
        "budget": "budget", "by": "by", "rope": "rope", "goals": "goals", "positive": "positive", "seed": "seed",
        "out": "out",
    },
    "split": {name: name for name in ("cv", "repeats", "test_size", "by_split", "groups")},
    "table": {
        name: name for name in (
            "format", "encoding", "delimiter", "quoting", "header", "skip_rows", "follow_links", "sheet", "table",
            "query", "text_column", "text_separator", "label_columns", "no_label_column", "split_column", "id_column",
            "label_map", "label_separator", "label_threshold", "missing", "bad_rows",
        )
    },
}  # fmt: skip
ABOUT = {
    "": "Paths are seen from the folder in which the command is given. What begins with # is the default.",
    "split": "Which rows are tested by a model of which: folds, or a share held out, or the split column of the table.",
    "table": "How the table is read, where it is not found rightly by itself: tk describe shows what is found.",
}

EXAMPLES: dict[str, Any] = {  # parameter -> what a value looks like, where the default does not show it
    "data": ["messages.csv"], "encoders": ["words", "static", "max=static:pooling=max"], "budget": "10m",
    "goals": ["f1_macro>=0.9"], "positive": "spam", "out": "experiments/messages", "cv": 5, "test_size": 0.2,
    "groups": "user", "format": "csv", "encoding": "utf-8", "delimiter": ",", "quoting": "double", "header": True,
    "skip_rows": 0, "sheet": "Sheet1", "table": "messages", "query": "SELECT * FROM messages",
    "text_column": ["text"], "text_separator": " ", "label_columns": ["label"], "split_column": "split",
    "id_column": "id", "label_map": "1=spam,0=ham", "label_separator": ";", "label_threshold": 0.5,
    "missing": "NA,unknown", "bad_rows": "error",
}  # fmt: skip


class RunCommand(click.Command):
    """A command that takes a file of its options in the place of a table."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click; the values of the file are defaults of the options that are not given."""
        given, _, _ = self.make_parser(ctx).parse_args(list(args))
        named = given.get("files")
        named = [name for name in named if isinstance(name, str)] if isinstance(named, list | tuple) else []
        files = [name for name in named if name.endswith(ENDING)]
        if files and not ctx.resilient_parsing:
            if len(named) > 1 or given.get("data"):
                raise click.UsageError(f"{files[0]} names the table; give no other one beside it", ctx)
            ctx.default_map = {**(ctx.default_map or {}), **self.read_file(Path(files[0]), ctx)}
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401
        """As click; with ``--write`` the options are written and nothing else is done."""
        out = ctx.params.pop("write")
        if out is None:
            return super().invoke(ctx)
        asked = {name for name in ctx.params if ctx.get_parameter_source(name) not in (None, ParameterSource.DEFAULT)}
        values = {name: ctx.params[name] for name in asked}
        values["data"] = [name for name in (*ctx.params["files"], *ctx.params["data"]) if not name.endswith(ENDING)]
        if out.suffix != ENDING:
            raise click.UsageError(f"--write {out}: give a name that ends in {ENDING}", ctx)
        if os.path.lexists(out):
            raise click.UsageError(f"--write {out}: that file is there already; choose another name", ctx)
        with whole_file(out) as temporary:
            temporary.write_text(written(self, values), encoding="utf-8")
        note(f"wrote {out}; look at it, and: {shlex.join(['tk', 'run', str(out)])}")
        return None

    def read_file(self, path: Path, ctx: click.Context) -> dict[str, Any]:
        """Parameter -> value; a mistake is an error of usage that names the file, the key and what to do."""
        import tomllib

        try:
            content = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise click.UsageError(f"{path}: {error.strerror}; make one with: tk run --write {path}", ctx) from error
        except UnicodeDecodeError as error:
            raise click.UsageError(f"{path} is not UTF-8, as TOML is; save it as UTF-8", ctx) from error
        except tomllib.TOMLDecodeError as error:
            raise click.UsageError(f"{path} is no TOML: {error}", ctx) from error
        found = {name: value for name, value in _values(content, path, ctx)}
        options = {parameter.name: parameter for parameter in self.params}
        for name, value in found.items():
            self._check(path, options[name], name, value, ctx)
        if not found.get("data"):
            raise click.UsageError(f'{path} names no table; add a line such as data = "messages.csv"', ctx)
        return found

    def _check(self, path: Path, option: click.Parameter, name: str, value: Any, ctx: click.Context) -> None:  # noqa: ANN401
        """Refuse a value of another type than the option's."""
        flag = isinstance(option, click.Option) and option.is_flag
        values = value if isinstance(value, list) else [value]
        wanted: tuple[type, ...] = (bool,) if flag else (str,)
        wanted = (int,) if option.type is click.INT else (int, float) if option.type is click.FLOAT else wanted
        right = all(isinstance(each, wanted) and (flag or not isinstance(each, bool)) for each in values)
        if not right or (isinstance(value, list) and not option.multiple):
            kind = {bool: "true or false", int: "a number", str: "a text"}[wanted[0]]
            kind = f"{kind}, or a list of these" if option.multiple else kind
            raise click.UsageError(f"{path}: {_key_of(name)} is {json.dumps(value, default=str)}; give {kind}", ctx)
        try:
            option.type_cast_value(ctx, value)
        except click.BadParameter as error:
            raise click.UsageError(f"{path}: {_key_of(name)}: {error.message}", ctx) from error


def _values(content: dict[str, Any], path: Path, ctx: click.Context) -> Iterator[tuple[str, Any]]:
    """Parameter and value of every key, lists for what may be given several times."""
    from stores.shared.suggest import did_you_mean

    keys = SECTIONS[""]
    for key, value in content.items():
        if key == "encoders" and isinstance(value, dict):
            yield "encoders", [f"{label}={spec}" for label, spec in value.items()]
        elif key in keys:
            several = key in ("data", "encoders", "heads", "samplers", "goals") and not isinstance(value, list)
            yield keys[key], [value] if several else value
        elif key in SECTIONS and isinstance(value, dict):
            for inner, item in value.items():
                if inner not in SECTIONS[key]:
                    raise click.UsageError(_unknown(path, inner, key), ctx)
                several = inner in ("text_column", "label_columns") and not isinstance(item, list)
                yield SECTIONS[key][inner], [item] if several else item
        elif key in SECTIONS:
            raise click.UsageError(f"{path}: {key} is a section, [{key}] with keys below; a table is data", ctx)
        elif isinstance(value, dict):
            names = [name for name in (*SECTIONS, "encoders") if name]
            told = did_you_mean(key, names)
            raise click.UsageError(f"{path}: there is no section [{key}], but {', '.join(names)}{told}", ctx)
        else:
            raise click.UsageError(_unknown(path, key, ""), ctx)


def _unknown(path: Path, key: str, section: str) -> str:
    """That there is no such key: in which section it would be right, or which is like it."""
    from stores.shared.suggest import listing

    where = f" in [{section}]" if section else ""
    for other, keys in SECTIONS.items():
        if key in keys:
            place = f"in [{other}]" if other else "at the top of the file, above all sections"
            return f"{path}: {key}{where} is in the wrong place; write it {place}"
    return f"{path}: there is no key {key}{where}; there are {listing(key, SECTIONS[section])}"


def _key_of(parameter: str) -> str:
    section, key = next((s, key) for s, keys in SECTIONS.items() for key, name in keys.items() if name == parameter)
    return f"{key} in [{section}]" if section else key


def written(command: click.Command, values: dict[str, Any]) -> str:
    """A file of the options of ``command``: those of ``values`` as they are, the others as comments."""
    options = {parameter.name: parameter for parameter in command.params}
    lines = ["# An experiment for: tk run FILE", ""]
    for section, keys in SECTIONS.items():
        lines += [f"[{section}]"] if section else []
        lines += [f"# {ABOUT[section]}", ""]
        for key, name in keys.items():
            option, value = options[name], values.get(name)
            lines += [f"# {_help(option)}"]
            given = name in values and value not in (None, (), [])
            lines += [f"{key} = {_toml(value)}" if given else f"# {key} = {_toml(_example(name, option))}", ""]
    return "\n".join(lines)


def _help(option: click.Parameter) -> str:
    text = getattr(option, "help", None) or ""
    return " ".join(text.split()).removesuffix("repeatable.").rstrip("; ")


def _example(name: str, option: click.Parameter) -> Any:  # noqa: ANN401
    """What stands in a line that is a comment: the default, or what a value looks like."""
    if name in EXAMPLES:
        return EXAMPLES[name]
    if isinstance(option, click.Option) and option.is_flag:
        return False
    default = option.default
    return list(default) if isinstance(default, list | tuple) else default


def _toml(value: Any) -> str:  # noqa: ANN401
    """A value as TOML has it; its texts are JSON's but for the character DEL."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
