"""A program that forks ``tk`` and kills it at one of the calls that make what it writes lasting."""

# run(kill_at, command, names) in the program: a child runs the command and dies, by kill -9, at call number kill_at of
# these functions of ``os``; gives the child's status
FORK = """
import os, signal, sys
from cli import cli
def run(kill_at, command, names):
    process = os.fork()
    if process:
        return os.waitpid(process, 0)[1]
    calls = 0
    def counted(real):
        def call(*args):
            nonlocal calls
            calls += 1
            if calls == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*args)
        return call
    for name in names:
        setattr(os, name, counted(getattr(os, name)))
    try:
        cli.main(command)
    except SystemExit as end:
        os._exit(end.code or 0)
"""
