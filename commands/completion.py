"""What holds for the options of all commands: values that a shell completes, and environment variables."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable, Iterator

import click
from click.shell_completion import CompletionItem

from commands.encoder_options import EncoderCommand

PREFIX = "TK"
OTHER_VARIABLES = {"TK_CACHE_DIR", "TK_COMPLETE"}
Values = Callable[[], Iterable[str]]


def _encoders() -> Iterable[str]:
    from embed.encoders import names

    return names()


def _heads() -> Iterable[str]:
    from classify.heads import names

    return names()


def _metrics() -> Iterable[str]:
    from classify.scoring.metrics import METRICS

    return [name for name, metric in METRICS.items() if metric.higher_is_better is not None]


def _samplers() -> Iterable[str]:
    from classify.fitting.sampling import SAMPLERS

    return SAMPLERS


def _methods() -> Iterable[str]:
    from classify.analysis.ensemble import METHODS

    return METHODS


def _formats() -> Iterable[str]:
    from embed.reading.detect import FORMATS

    return FORMATS


def _quotings() -> Iterable[str]:
    from embed.reading.detect import QUOTINGS

    return QUOTINGS


def _steps() -> Iterable[str]:
    from embed.cleaning import STEPS

    return [*STEPS, "classic", "none"]


VALUES: dict[str, Values] = {  # name of a parameter -> what its values are completed from
    "encoder": _encoders,
    "encoders": _encoders,
    "heads": _heads,
    "by": _metrics,
    "sampler": _samplers,
    "method": _methods,
    "format": _formats,
    "quoting": _quotings,
    "clean": _steps,
    "bad_rows": lambda: ["error", "skip"],
    "class_weight": lambda: ["none", "balanced"],
    "calibrate": lambda: ["default", "none", "sigmoid", "temperature", "isotonic"],
    "compression": lambda: ["none", "gzip"],
    "dtype": lambda: ["float32", "float16"],
    "layout": lambda: ["whole", "parts"],
    "output": lambda: ["pooled", "tokens", "ids"],
    "precision": lambda: ["float32", "bfloat16", "float16"],
    "casing": lambda: ["cased", "uncased"],
    "long_text": lambda: ["truncate", "window", "head-tail"],
    "unknown": lambda: ["skip", "characters", "prefix"],
    "device": lambda: ["cpu", "gpu"],
    "encoding": lambda: ["utf-8", "cp1252", "utf-16"],
}
FILES = ("data", "files", "features", "stores", "model", "preprocessor")  # names of parameters that are files


class Completed(click.types.StringParamType):
    """Text, for which a shell proposes some values, or files; any other is taken as well."""

    def __init__(self, values: Values | None) -> None:
        self._values = values

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """See ``click.ParamType``."""
        if self._values is None:
            return [CompletionItem(incomplete, type="file")]
        return [CompletionItem(value) for value in self._values() if value.startswith(incomplete)]


def prepare(group: click.Group, prefix: str = PREFIX) -> None:
    """Give the options of all commands below ``group`` their completions and variables."""
    for path, command in _commands(group, prefix):
        if isinstance(command, EncoderCommand):
            command.prepare(functools.partial(_prepare, path), f"{path}_")
        else:
            _prepare(path, command.params)


def _prepare(path: str, parameters: Iterable[click.Parameter]) -> None:
    for parameter in parameters:
        if isinstance(parameter, click.Option) and parameter.envvar is None:
            parameter.envvar = f"{path}_{_in_variable(parameter)}"
        if type(parameter.type) is click.types.StringParamType:
            if parameter.name in FILES:
                parameter.type = Completed(None)
            elif parameter.name in VALUES:
                parameter.type = Completed(VALUES[parameter.name])


def variables(group: click.Group) -> dict[str, click.Option]:
    """Environment variable -> the option that it sets; after ``prepare``."""
    return {
        str(parameter.envvar): parameter
        for _, command in _commands(group, PREFIX)
        for parameter in command.params
        if isinstance(parameter, click.Option)
    }


def unknown_variables(group: click.Group) -> Iterator[str]:
    """A line about each variable that is named as if it set an option of a command, and sets none."""
    commands = tuple(f"{path}_" for path, _ in _commands(group, PREFIX) if path != PREFIX)
    given = [name for name in sorted(os.environ) if name.startswith(commands) and name not in OTHER_VARIABLES]
    known = variables(group) if given else {}
    for name in given:
        if name not in known:
            from stores.shared.suggest import did_you_mean

            yield f"Warning: the environment variable {name} sets no option{did_you_mean(name, known)}"


def _commands(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    yield path, command
    for name, below in getattr(command, "commands", {}).items():
        yield from _commands(below, f"{path}_{name.upper().replace('-', '_')}")


def _in_variable(option: click.Option) -> str:
    """``LABEL_COLUMN`` of ``--label-column``; ``REUSE`` of ``--no-reuse``, as the variable says yes or no."""
    turns_off = option.is_flag and option.flag_value is False and not option.secondary_opts
    name = str(option.name) if turns_off else max(option.opts, key=len).lstrip("-")
    return name.upper().replace("-", "_")
