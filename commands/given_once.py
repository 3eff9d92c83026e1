"""An option that takes one value is given once: a second would replace the first in silence."""

from __future__ import annotations

from collections import Counter

import click


def give_once(command: click.Command) -> None:
    """Let a command, or all commands of a group, refuse an option with one value that is given twice."""
    for below in command.commands.values() if isinstance(command, click.Group) else ():
        give_once(below)
    parse = command.parse_args

    def parse_args(context: click.Context, args: list[str]) -> list[str]:
        if not context.resilient_parsing:  # as while a shell completes what is not whole yet
            _check(command, context, args)
        return parse(context, args)

    command.parse_args = parse_args  # type: ignore[method-assign, assignment]


def _check(command: click.Command, context: click.Context, args: list[str]) -> None:
    _, _, order = command.make_parser(context).parse_args(args=list(args))
    for parameter, times in Counter(order).items():
        if times > 1 and isinstance(parameter, click.Option) and not (parameter.multiple or parameter.is_flag):
            name = max(parameter.opts, key=len)
            raise click.UsageError(f"{name} is given {times} times, and takes one value; give it once", context)
