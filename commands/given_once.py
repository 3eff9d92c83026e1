"""An option that takes one value is given once: a second would replace the first in silence."""

from __future__ import annotations

from collections import Counter
from typing import Any

import click


def give_once(command: click.Command) -> None:
    """Let a command, or all commands of a group, refuse an option with one value that is given twice."""
    for below in command.commands.values() if isinstance(command, click.Group) else ():
        give_once(below)
    make_parser = command.make_parser

    def make_strict_parser(context: click.Context) -> Any:  # noqa: ANN401
        parser = make_parser(context)
        parse = parser.parse_args

        def parse_args(args: list[str]) -> tuple[dict[str, Any], list[str], list[click.Parameter]]:
            options, rest, order = parse(args)
            if not context.resilient_parsing:  # as while a shell completes what is not whole yet
                _check(order, context)
            return options, rest, order

        parser.parse_args = parse_args  # type: ignore[method-assign]
        return parser

    command.make_parser = make_strict_parser  # type: ignore[method-assign, assignment]


def _check(order: list[click.Parameter], context: click.Context) -> None:
    for parameter, times in Counter(order).items():
        if times > 1 and isinstance(parameter, click.Option) and not (parameter.multiple or parameter.is_flag):
            name = max(parameter.opts, key=len)
            raise click.UsageError(f"{name} is given {times} times, and takes one value; give it once", context)
