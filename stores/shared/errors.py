"""The two errors that a user meets. Each message is one line: what, where, and what to do.

A message names a parameter of the library between backticks, with the value in question where there is one::

    raise InputError(f"`dtype={dtype!r}`: choose one of float32, float16")
    raise InputError(f"{path} is not UTF-8; give another `encoding`, or `bad_rows='skip'`")

That is what a caller from Python reads. The command line shows the option of the running command instead
(``--dtype float64``, ``--encoding``, ``--bad-rows skip``), see ``commands.terminal.with_options``; so no message of
the library names an option. Notes and warnings name parameters in the same way.
"""


class InputError(ValueError):
    """A wrong command, option, table or file: the user can correct it (exit code 2)."""


class FailureError(RuntimeError):
    """A model, store or machine that failed: the command was right (exit code 1)."""


class LockedError(FailureError):
    """A file that another program has open for writing: nothing is wrong with it, and it must not be replaced."""
