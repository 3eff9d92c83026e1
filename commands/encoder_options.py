"""The options of the encoders, made from their signatures and docstrings: no list of them is kept by hand."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from stores.shared.registry import Entry, Option

DEFAULT_SHOWN = (str, int, float)
OWN_OPTIONS_ONLY = "tk.own_options_only"  # in a context: whether nothing that an encoder takes was given


class EncoderCommand(click.Command):
    """A command with an option for each option of each encoder, beside its own.

    Those that were given reach the function as the mapping ``options``. The encoders are looked at only if something
    on the command line or among the variables is not the command's own; an option that is called like one of the
    command's own is reached by ``--encoder NAME:option=value``.
    """

    _change: Callable[[list[click.Parameter]], None] = staticmethod(lambda parameters: None)
    _variables = "?"  # with what the variables begin that set an option

    @property
    def params(self) -> list[click.Parameter]:
        """The command's own parameters, then those of the encoders."""
        return self._all

    @params.setter
    def params(self, own: list[click.Parameter]) -> None:
        self._own = own

    @property
    def own_params(self) -> list[click.Parameter]:
        """The command's own parameters."""
        return self._own

    def prepare(self, change: Callable[[list[click.Parameter]], None], variables: str) -> None:
        """Have ``change`` called with the own parameters now, and with the others when they are made.

        Args:
            change: given the parameters.
            variables: with what the names of the variables begin that set one of them.
        """
        change(self._own)
        self._change, self._variables = change, variables

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Those that the command line can have, and ``--help``."""
        return self._own if ctx.meta.get(OWN_OPTIONS_ONLY) else super().get_params(ctx)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take the options from the command line."""
        ctx.meta[OWN_OPTIONS_ONLY] = self._knows_all(args)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401
        """Run the function."""
        others = [] if ctx.meta[OWN_OPTIONS_ONLY] else self._generated
        given = {str(option.name): ctx.params.pop(str(option.name), None) for option in others}
        ctx.params["options"] = {name: value for name, value in given.items() if value is not None}
        return super().invoke(ctx)

    def _knows_all(self, args: list[str]) -> bool:
        """Whether nothing on the command line or among the variables can be an option of an encoder, or ``--help``."""
        own = [parameter for parameter in self._own if isinstance(parameter, click.Option)]
        typed = {name for option in own for name in (*option.opts, *option.secondary_opts)}
        variables = {option.envvar for option in own}
        return all(arg.partition("=")[0] in typed for arg in args if arg.startswith("-")) and not any(
            name.startswith(self._variables) and name not in variables for name in os.environ
        )

    @cached_property
    def _all(self) -> list[click.Parameter]:  # one list: click itself appends to it and takes away again
        return [*self._own, *self._generated]

    @cached_property
    def _generated(self) -> list[click.Option]:
        taken = {parameter.name for parameter in self._own} | {opt for p in self._own for opt in p.opts}
        made = [option for option in generated_options() if not {option.name, *option.opts} & taken]
        self._change([*made])
        return made


def with_spec(spec: str, options: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The name and all options of ``NAME:option=value,...`` and of the options beside it; no one is given twice."""
    from stores.shared.errors import InputError
    from stores.shared.registry import parse_spec

    name, given = parse_spec(spec)
    if twice := sorted(given.keys() & options.keys()):
        raise InputError(f"{twice[0]} is given in {spec!r} and as `{twice[0]}`; leave out one of them")
    return name, {**given, **options}


def generated_options() -> list[click.Option]:
    """One option for each name that an option of an encoder has, sorted as they are first met."""
    from stores.shared.registry import Registry

    registry: Registry = Registry("embed.encoders", "tk.encoders", "encoder")
    found: dict[str, dict[str, Option]] = {}  # name of an option -> encoder -> the option
    for entry in (registry.builtin | registry.plugins).values():
        for option in _options(entry):
            found.setdefault(option.name, {})[entry.name] = option
    return [_click_option(name, by_encoder) for name, by_encoder in found.items()]


def _options(entry: Entry) -> tuple[Option, ...]:
    from stores.shared.errors import FailureError

    try:
        return entry.options
    except FailureError:  # another package's; tk encoders names it
        return ()


def _click_option(name: str, by_encoder: dict[str, Option]) -> click.Option:
    kinds = {option.kind for option in by_encoder.values()}
    typed = f"--{name.replace('_', '-')}"
    flags = {bool: f"{typed}/--no-{typed[2:]}" if any(o.default for o in by_encoder.values()) else typed}
    kind = kinds.pop() if len(kinds) == 1 else str
    text = _help(by_encoder)
    if kind is bool:
        return click.Option([flags[bool], name], is_flag=True, default=None, help=text)
    return click.Option([typed, name], type=kind, default=None, help=text)


def _help(by_encoder: dict[str, Option]) -> str:
    """Who has the option and what it does there, encoders that say the same together."""
    same: dict[str, list[str]] = {}
    for encoder, option in by_encoder.items():
        text, _, otherwise = option.help.rstrip(".").partition("; None: ")  # what stands for None in a docstring
        if not otherwise and isinstance(option.default, DEFAULT_SHOWN) and option.default is not False:
            otherwise = str(option.default)
        default = f" [default: {otherwise}]" if otherwise else ""
        same.setdefault((text or "an option without a description") + default, []).append(encoder)
    return "; ".join(f"{', '.join(encoders)}: {text}" for text, encoders in same.items()) + "."
