"""The command ``tk``: its sub-commands, one line each; what they do is in ``commands``."""

from __future__ import annotations

import atexit
import gc
import sys

import click

from commands.bundle import bundle
from commands.classify import classify, heads
from commands.compare import compare
from commands.completion import prepare, unknown_variables
from commands.doctor import doctor
from commands.embed import embed
from commands.encoders import encoders
from commands.evaluate import evaluate
from commands.features import features
from commands.given_once import give_once
from commands.one_line_errors import OneLineErrors
from commands.predict import predict
from commands.reporter import command_reporter
from commands.rerun import rerun
from commands.run import run
from commands.runs import ensemble, errors, report, speed
from commands.tables import describe
from commands.terminal import note
from commands.vectors import vectors
from stores.shared.later import PARTS_OF_NUMPY, LaterFinder


def _version(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        from stores.shared import distribution

        click.echo(f"tk, version {distribution.version()}")
        context.exit()


@click.group(cls=OneLineErrors, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="The version.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.option("-q", "--quiet", is_flag=True, help="No progress and no notes on stderr, errors only.")
@click.pass_context
def cli(context: click.Context, debug: bool, quiet: bool) -> None:
    """Texts through frozen encoders into feature stores, then light heads on the features, honestly measured.

    \b
    Example:
        tk embed --encoder static --data examples/messages.csv
        tk classify --features features/messages.static.h5 --cv 5
        tk predict --run runs/messages.static.logistic --text "WINNER!! call now"
    """
    command_reporter()  # from here on, no command is silent for long
    for line in unknown_variables(cli):
        note(line)


for command in (
    run, rerun, embed, encoders, classify, predict, evaluate, heads, compare, ensemble, errors, speed, report, describe,
    features, vectors, bundle, doctor,
):  # fmt: skip
    cli.add_command(command)
prepare(cli)
give_once(cli)
sys.meta_path.insert(0, LaterFinder(*PARTS_OF_NUMPY))
# subtle: a process looks for garbage once more as it ends, which takes a second among the million objects of TensorFlow
atexit.register(gc.freeze)

if __name__ == "__main__":
    cli()
