"""How a command ends: every error is one line on stderr with what to do, and an exit code; no traceback."""

from __future__ import annotations

import errno
import functools
import io
import shlex
import sys
import warnings
from typing import Any

import click

from commands.signals import INTERRUPTED, Stopped, stopping_cleanly, what_is_left
from commands.terminal import echo, note, with_options

# of a write that the machine refuses: no space, quota, limit of a file's size, a fault of the disk
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


class OneLineErrors(click.Group):
    """A group whose every error is one line on stderr: exit code 2 for a wrong command or input, else 1."""

    def main(self, args: Any = None, prog_name: str | None = None, **extra: Any) -> Any:  # type: ignore[override] # noqa: ANN401
        """Run the command line ``args`` (default: the process's own) and exit."""
        args = list(sys.argv[1:] if args is None else args)
        extra |= {"standalone_mode": False, "obj": shlex.join(["tk", *args])}
        note_once = functools.cache(note)
        for stream in (sys.stdout, sys.stderr):  # the name of a file may be no text
            if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
                stream.reconfigure(errors="backslashreplace")
        try:
            with warnings.catch_warnings(), stopping_cleanly():
                # those of other packages: what this project has to say goes through the reporter
                warnings.showwarning = lambda message, *_: note_once(f"Warning: {message}")
                sys.exit(super().main(args, prog_name or "tk", **extra) or 0)
        except click.exceptions.Exit as end:
            sys.exit(end.exit_code)
        except (click.Abort, Stopped) as end:
            how, code = (f"ended by {end.name}", end.exit_code) if isinstance(end, Stopped) else INTERRUPTED
            _stop(f"{how}; {what_is_left(running(self, args).name)}", code)
        except click.ClickException as error:
            if isinstance(error, getattr(click.exceptions, "NoArgsIsHelpError", ())):  # newer than Click 8.1
                _stop_with_help(error.format_message())
            command = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "tk"
            _stop(f"{error.format_message()} (see: {command} --help)", 2)
        except BrokenPipeError:  # the reader of our output has seen enough
            sys.stdout = None
            sys.exit(0)
        except Exception as error:
            if "--debug" in args:
                raise
            message, code = _explain(error)
            _stop(with_options(message, running(self, args)), code)


def running(command: click.Command, args: list[str]) -> click.Command:
    """The command that ``args`` run: ``tk features merge`` for ``features merge a.h5 b.h5 --out ab.h5``."""
    for arg in args:
        if isinstance(command, click.Group):
            command = command.commands.get(arg, command)
    return command


def _explain(error: Exception) -> tuple[str, int]:
    from stores.shared.errors import FailureError, InputError

    if isinstance(error, InputError):
        return str(error), 2
    if isinstance(error, FailureError):
        return str(error), 1
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}", 1
    if isinstance(error, OSError) and error.errno in FULL:
        where = "the output, or a temporary file beside it or in the temporary folder (TMPDIR),"
        return f"{where} could not be written: {error.strerror}; make room there, or choose another place", 1
    if isinstance(error, MemoryError):
        return "the machine's memory does not suffice; give a smaller table, or more memory", 1
    return f"unforeseen {type(error).__name__}: {error}; please report it with what --debug prints", 1


def _stop(message: str, code: int) -> None:
    echo("Error: " + " ".join(message.split()), err=True)
    sys.exit(code)


def _stop_with_help(text: str) -> None:
    click.echo(text, err=True)
    sys.exit(2)
