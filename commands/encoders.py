"""The commands ``tk encoders ...``: list them, check one with its model, make a compact table of word vectors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from commands.encoder_options import EncoderCommand, with_spec
from commands.terminal import echo, json_option, note, overwrite_option, print_json
from stores.shared.worded import size_in_words


@click.group(invoke_without_command=True, subcommand_metavar="[COMMAND] [ARGS]...")
@json_option
@click.pass_context
def encoders(context: click.Context, as_json: bool) -> None:
    """List the encoders with their options and default models, and the models in the cache.

    \b
    Example:
        tk encoders
        tk encoders check static
    """
    if context.invoked_subcommand:
        return
    found = _listing()
    if as_json:
        print_json(found)
    else:
        _print_listing(found)


def _listing() -> dict:
    from dataclasses import asdict

    from embed.encoders import REGISTRY
    from embed.models.cache import cache_folder
    from embed.models.resolve import cached, models_in_cache
    from stores.shared.errors import FailureError

    found: dict[str, dict] = {}
    for name in REGISTRY.names():
        entry = REGISTRY.entry(name)
        try:
            kind, options = entry.load(), {option.name: option.default for option in entry.options}
        except FailureError as error:  # another package's: the others can be listed all the same
            found[name] = {"about": str(error), "options": {}, "model": None, "package": entry.origin}
            continue
        about = (kind.__doc__ or "").strip().partition("\n")[0]
        found[name] = {"about": about, "options": options, "model": None, "package": entry.origin}
        if kind.published:
            place = cached(kind.published.model, check=False) if kind.published.model else None
            if "model" in options:
                options["model"] = options["model"] or kind.published.model
            found[name]["model"] = asdict(kind.published) | {"cached": place and str(place)}
    cache = {"folder": str(cache_folder()), "models": list(models_in_cache())}
    return {"encoders": found, "models": _recommended(), "cache": cache}


def _recommended() -> list[dict]:
    from dataclasses import asdict

    from embed.models.recommended import RECOMMENDED, multiplications_a_second, seconds_per_thousand
    from embed.models.resolve import cached
    from stores.shared.cores import cores

    rate, found = multiplications_a_second(cores()), []
    for model in RECOMMENDED:
        place = cached(model.model, check=False)
        cost = {"seconds_per_1000_texts": round(seconds_per_thousand(model, rate), 2)}
        found.append(asdict(model) | cost | {"cached": place and str(place)})
    return found


def _print_listing(found: dict) -> None:
    for name, entry in found["encoders"].items():
        echo(f"{name:10} {entry['about']}")
        if entry["options"]:
            echo(f"{'':10} {','.join(f'{option}={value}' for option, value in entry['options'].items())}")
        if model := entry["model"]:
            place = "" if not model["model"] else ", cached" if model["cached"] else ", not cached"
            echo(f"{'':10} weights: {model['size']}, {model['licence']}, {model['source']}{place}")
    echo("\nmodels of the Hugging Face hub to begin with (--encoder ENCODER --model NAME); seconds are an estimate for")
    echo("1,000 texts of 30 tokens on this machine if nothing else runs, without the download and the start:")
    for model in found["models"]:
        cost = f"{model['seconds_per_1000_texts']:.1f} s" if model["weights"] else "at once"
        prompt = f", --prompt {model['prompt']!r}" if model["prompt"] else ""
        echo(f"  {model['encoder']:11} {model['model']}: {cost}, {model['megabytes']:,} MB, {model['licence']},")
        echo(f"  {'':11} {model['languages']}, {model['columns']} columns, {model['tokens']:,} tokens{prompt}")
    cache = found["cache"]
    echo(f"\nmodels that were used, cache folder {cache['folder']}:{'' if cache['models'] else ' none'}")
    for model in cache["models"]:
        echo(f"  {model['model']} ({size_in_words(model['bytes'])}) in {model['path']}")


@encoders.command(cls=EncoderCommand)
@click.argument("name")
@json_option
def check(name: str, options: dict[str, Any], as_json: bool) -> None:
    """Load an encoder with its model, encode a few texts, and report: weights, width, time, batch independence.

    \b
    Example:
        tk encoders check static
        tk encoders check use --model models/universal-sentence-encoder
    """
    from commands.reporter import command_reporter
    from embed.self_test import check as run_check

    with command_reporter() as reporter:
        found = run_check(*with_spec(name, options), reporter)
    if as_json:
        print_json(found)
        return
    for what, value in found.items():
        echo(f"{what:20} {value}")


@encoders.command(cls=EncoderCommand)
@click.argument("name")
@click.option("--top", type=int, default=20_000, show_default=True, help="Words to keep, the most frequent.")
@click.option("--width", type=int, help="Principal directions to keep.  [default: the columns as they are]")
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="The table, a .npz file; - for standard output."
)
@overwrite_option
def shrink(name: str, options: dict[str, Any], top: int, width: int | None, out: Path, overwrite: bool) -> None:
    """Make a compact table of a large file of word vectors; --model takes it like the file itself.

    The vectors are rounded to 63 levels. A table of vectors under a share-alike licence stays under it, and says so.

    \b
    Example:
        tk encoders shrink glove --model vectors/glove.50d.txt --top 1000 --width 20 --out small.npz
    """
    from commands.reporter import command_reporter
    from embed.compress_vectors import shrink as run_shrink
    from stores.shared.files import is_stream
    from stores.shared.outputs import check_output, output_file

    if not is_stream(out):
        check_output(out, overwrite)
    with command_reporter() as reporter:
        content = run_shrink(*with_spec(name, options), top, width, reporter)
    with output_file(out, overwrite) as temporary:
        temporary.write_bytes(content)
    note(f"{out}: {size_in_words(len(content))}")
