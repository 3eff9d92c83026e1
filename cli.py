"""The command ``tk``: check, call, print. No arithmetic, no HDF5; heavy imports inside the commands."""

from __future__ import annotations

import functools
import shlex
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli_classify import classify, heads, predict
from cli_common import json_option, note, print_json, shown, versions_of
from cli_doctor import doctor
from cli_encoders import encoder_options, encoders
from cli_engines import cluster_options
from cli_errors import errors
from cli_features import features
from cli_progress import encoding_progress
from cli_reading import clean_option, data_option, describe, read, table_options
from cli_report import report
from cli_runs import compare, ensemble, speed

if TYPE_CHECKING:
    from embed import Summary

INTERRUPTED = 130  # the exit code of a command ended by Ctrl-C


class OneLineErrors(click.Group):
    """A group whose every error is one line on stderr: exit code 2 for a wrong command or input, else 1."""

    def main(self, args: Any = None, prog_name: str | None = None, **extra: Any) -> Any:  # noqa: ANN401
        """Run the command line ``args`` (default: the process's own) and exit."""
        args = list(sys.argv[1:] if args is None else args)
        extra |= {"standalone_mode": False, "obj": shlex.join(["tk", *args])}
        note_once = functools.cache(note)
        for stream in (sys.stdout, sys.stderr):  # the name of a file may be no text
            if stream.errors == "strict":
                stream.reconfigure(errors="backslashreplace")
        try:
            with warnings.catch_warnings():
                warnings.showwarning = lambda message, *_: note_once(f"Warning: {message}")
                sys.exit(super().main(args, prog_name or "tk", **extra) or 0)
        except click.exceptions.Exit as end:
            sys.exit(end.exit_code)
        except click.Abort:
            _stop("interrupted; what is finished is kept, and the same command goes on from there", INTERRUPTED)
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
            _stop(*_explain(error))


def _explain(error: Exception) -> tuple[str, int]:
    from stores.errors import FailureError, InputError

    if isinstance(error, InputError):
        return str(error), 2
    if isinstance(error, FailureError):
        return str(error), 1
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}", 1
    if isinstance(error, MemoryError):
        return "the machine's memory does not suffice; give a smaller table, or more memory", 1
    return f"unforeseen {type(error).__name__}: {error}; please report it with what --debug prints", 1


def _stop(message: str, code: int) -> None:
    click.echo("Error: " + " ".join(message.split()), err=True)
    sys.exit(code)


def _stop_with_help(text: str) -> None:
    click.echo(text, err=True)
    sys.exit(2)


@click.group(cls=OneLineErrors, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="tk", prog_name="tk")
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
    if quiet:
        from embed.cache import noting

        context.with_resource(noting(lambda message: None))


@cli.command()
@data_option
@click.option("--encoder", default="static", show_default=True, help="Encoder; tk encoders lists them.")
@click.option("--out", type=click.Path(path_type=Path), help="The store.  [default: features/<data>.<encoder>.h5]")
@table_options
@clean_option
@encoder_options
@click.option("--dtype", help="float32 or float16.  [default: float16 for token features, else float32]")
@click.option("--compress", "compression", default="none", show_default=True, help="none or gzip, of the features.")
@click.option(
    "--layout", default="whole", show_default=True, help="whole, or parts: features stay in a folder of parts."
)
@click.option("--no-reuse", is_flag=True, help="Encode texts even if another store knows them.")
@click.option("--wait", is_flag=True, help="Wait while another process writes the same store.")
@click.option("--no-texts", is_flag=True, help="Leave the texts out of the store (hashes stay).")
@click.option("--overwrite", is_flag=True, help="Replace the store even if texts or another identity are lost.")
@cluster_options
@json_option
@click.pass_obj
def embed(
    command: str, data: tuple[str, ...], encoder: str, out: Path | None, dtype: str | None, no_texts: bool, clean: str,
    no_reuse: bool, wait: bool, compression: str, layout: str, overwrite: bool, as_json: bool, options: dict[str, Any],
    reading: dict[str, Any], cluster: dict[str, Any] | None,
) -> None:  # fmt: skip
    """Encode the texts of a table into a feature store, each distinct text once.

    Texts that a store of the same identity in the same folder knows already are taken from there. An interrupted
    run goes on where it was when the same command is given again.

    \b
    Example:
        tk embed --encoder static --data examples/messages.csv
        tk embed --encoder words --data examples/messages.csv --text-column text --label-column label
        tk embed --encoder glove --model vectors/glove.50d.txt --data examples/messages.csv
        tk embed --encoder use --model models/universal-sentence-encoder --data examples/messages.csv
        tk embed --encoder static --data examples/messages.csv --engine ray --workers 2
    """
    from embed import Cluster, Meter, Recipe
    from embed import embed as run_embed

    recipe = Recipe.of(encoder, dtype, clean, **options)
    table = read(data, **reading)
    out = out or Path("features") / f"{table.stem}.{encoder}.h5"
    table = table.listing_bad_rows(out.with_suffix(".bad-rows.jsonl"))
    with encoding_progress() as tell:
        summary = run_embed(
            table, recipe, out, keep_texts=not no_texts, overwrite=overwrite, reuse=not no_reuse, wait=wait,
            compression=compression, layout=layout, command=command, versions=versions_of("numpy", "h5py"),
            cluster=None if cluster is None else Cluster(**cluster), meter=Meter(table.most_rows, tell), note=note,
        )  # fmt: skip
    if as_json:
        print_json({"store": str(summary.path), "up_to_date": summary.up_to_date, "totals": summary.totals})
    else:
        _print_summary(summary, table.bad_rows)


def _print_summary(summary: Summary, listing: str) -> None:
    from stores import FeatureStore

    totals = summary.totals
    if summary.up_to_date:
        click.echo(f"nothing to encode: {summary.path} holds all {totals['rows']:,} rows already")
        return
    click.echo(
        f"{totals['rows']:,} rows, {totals['distinct']:,} distinct texts: "
        f"{totals['encoded']:,} encoded, {totals['reused']:,} taken from earlier stores"
    )
    for name, what in (
        ("empty", "empty texts"),
        ("emptied", "of these were emptied by the cleaning"),
        ("mojibake", "texts with controls U+0080 to U+009F, where other characters once were"),
        ("unlabelled", "rows without a label"),
        ("bad_rows", f"broken rows left out, listed in {listing}"),
    ):
        if totals[name]:
            click.echo(f"{totals[name]:,} {what}")
    if totals["unknown_tokens"]:
        share = totals["unknown_tokens"] / totals["tokens"]
        click.echo(f"{totals['unknown_tokens']:,} of {totals['tokens']:,} tokens ({share:.1%}) unknown to the encoder")
    if "types" in totals:
        _print_coverage(totals)
    if totals["truncated_tokens"]:
        click.echo(f"{totals['truncated_tokens']:,} of {totals['tokens']:,} tokens cut off")
    with FeatureStore(summary.path) as store:
        if licence := store.recipe.get("licence"):
            click.echo(f"the vectors are under {licence}; so is what is made of them and passed on")
        click.echo(f"store: {summary.path} ({store.size / 1e6:,.1f} MB)")


def _print_coverage(totals: dict) -> None:
    share = totals["unknown_types"] / max(totals["types"], 1)
    click.echo(f"{totals['unknown_types']:,} of {totals['types']:,} different words ({share:.1%}) unknown")
    if totals.get("bad_lines"):
        click.echo(f"{totals['bad_lines']:,} broken lines of the word vectors left out")
    if words := list(totals["unknown_words"].items())[:10]:
        click.echo("most frequent unknown: " + ", ".join(f"{shown(word)} ({count:,})" for word, count in words))


cli.add_command(encoders)
for command in (classify, predict, heads, compare, ensemble, errors, speed, report):
    cli.add_command(command)
cli.add_command(describe)
cli.add_command(features)
cli.add_command(doctor)


if __name__ == "__main__":
    cli()
