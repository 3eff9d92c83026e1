"""The two errors that a user meets. Each message is one line: what, where, and the cure."""


class InputError(ValueError):
    """A wrong command, option, table or file: the user can mend it (exit code 2)."""


class FailureError(RuntimeError):
    """A model, store or machine that failed: the command was right (exit code 1)."""
