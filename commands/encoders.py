"""The options of the encoders, and the commands ``tk encoders ...``: list them, and check one with its model."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from commands.terminal import json_option, note, overwrite_option, print_json

ENCODER_OPTIONS = {
    "model": click.option(
        "--model",
        help="Weights: folder, archive, file, Hugging Face name, TF-Hub or Kaggle handle.  [default: see tk encoders]",
    ),
    "dim": click.option("--dim", type=int, help="Columns of word vectors, where an archive has files of several."),
    "pooling": click.option(
        "--pooling", help="How token vectors become one vector; each encoder has its own choices."
    ),
    "output": click.option(
        "--output", help="pooled (one vector a text), tokens (one a word) or ids (of words).  [default: pooled]"
    ),
    "layer": click.option(
        "--layer", help="elmo: mix, 0, 1, 2 or all; bert: 0 to the last, -2 or several as -1,-2.  [default: mix; -1]"
    ),
    "mix": click.option("--mix", help="elmo: what each layer counts, such as 0.2,0.3,0.5.  [default: as published]"),
    "tokenizer": click.option(
        "--tokenizer", help="How words are made; each encoder has its own choices, elmo: blanks, ptb."
    ),
    "stateful": click.option(
        "--stateful", is_flag=True, default=None,
        help="elmo: a text goes on where the one before ended, as AllenNLP does it; needs --no-reuse.",
    ),
    "max_tokens": click.option("--max-tokens", type=int, help="Tokens (elmo, use: words) of a text that are encoded."),
    "long_text": click.option(
        "--long-text", help="bert, transformer: truncate, window or head-tail of long texts.  [default: truncate]"
    ),
    "prompt": click.option(
        "--prompt",
        help="transformer: name of a prompt of the model, or a text put before each text.  [default: the model's]",
    ),
    "dims": click.option("--dims", type=int, help="transformer: columns to keep, of models made for it (Matryoshka)."),
    "onnx": click.option("--onnx", help="transformer: graph to run by ONNX Runtime, such as model or model_quantized."),
    "preprocessor": click.option("--preprocessor", help="bert: handle or folder of a TF-Hub preprocessor."),
    "casing": click.option("--casing", help="bert: cased or uncased.  [default: as the model says or looks]"),
    "precision": click.option(
        "--precision", help="bert, transformer: float32, bfloat16, float16 or auto.  [default: float32]"
    ),
    "unknown": click.option("--unknown", help="What stands for an unknown word: skip, characters or prefix."),
    "language": click.option("--language", help="Of the texts, of encoders with several.  [default: en]"),
    "skip_bad_lines": click.option(
        "--skip-bad-lines", is_flag=True, default=None, help="Leave broken lines of word vectors out."
    ),
    "device": click.option("--device", help="cpu, gpu or gpu:1.  [default: TensorFlow's choice]"),
}  # fmt: skip


def encoder_options(command: Callable) -> Callable:
    """The options of all encoders; those that were given reach the command as the mapping ``options``."""

    @functools.wraps(command)
    def with_options(*args: Any, **values: Any) -> Any:  # noqa: ANN401
        given = {name: values.pop(name) for name in ENCODER_OPTIONS}
        options = {name: value for name, value in given.items() if value is not None}
        return command(*args, options=options, **values)

    for option in reversed(ENCODER_OPTIONS.values()):
        with_options = option(with_options)
    return with_options


@click.group(invoke_without_command=True)
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
    import inspect
    from dataclasses import asdict

    from embed.encoders import encoder_class, names
    from embed.models.cache import cache_folder
    from embed.models.resolve import cached, models_in_cache

    found = {}
    for name in names():
        kind = encoder_class(name)
        options = {option: p.default for option, p in inspect.signature(kind).parameters.items()}
        found[name] = {"about": (kind.__doc__ or "").strip().splitlines()[0], "options": options, "model": None}
        if kind.published:
            place = cached(kind.published.model, check=False) if kind.published.model else None
            found[name]["model"] = asdict(kind.published) | {"cached": place and str(place)}
    return {"encoders": found, "cache": {"folder": str(cache_folder()), "models": list(models_in_cache())}}


def _print_listing(found: dict) -> None:
    for name, entry in found["encoders"].items():
        click.echo(f"{name:10} {entry['about']}")
        if entry["options"]:
            click.echo(f"{'':10} {','.join(f'{option}={value}' for option, value in entry['options'].items())}")
        if model := entry["model"]:
            place = "" if not model["model"] else ", cached" if model["cached"] else ", not cached"
            click.echo(f"{'':10} weights: {model['size']}, {model['licence']}, {model['source']}{place}")
    cache = found["cache"]
    click.echo(f"\nmodels that were used, cache folder {cache['folder']}:{'' if cache['models'] else ' none'}")
    for model in cache["models"]:
        click.echo(f"  {model['model']} ({model['bytes'] / 1e6:,.1f} MB) in {model['path']}")


@encoders.command()
@click.argument("name")
@encoder_options
@json_option
def check(name: str, options: dict[str, Any], as_json: bool) -> None:
    """Load an encoder with its model, encode a few texts, and report: weights, width, time, batch independence.

    \b
    Example:
        tk encoders check static
        tk encoders check use --model models/universal-sentence-encoder
    """
    from embed.self_test import check as run_check

    found = run_check(name, options)
    if as_json:
        print_json(found)
        return
    for what, value in found.items():
        click.echo(f"{what:20} {value}")


@encoders.command()
@click.argument("name")
@encoder_options
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
    from embed.compress_vectors import shrink as run_shrink
    from stores.shared.files import is_stream
    from stores.shared.outputs import check_output, output_file

    if not is_stream(out):
        check_output(out, overwrite)
    content = run_shrink(name, options, top, width)
    with output_file(out, overwrite) as temporary:
        temporary.write_bytes(content)
    note(f"{out}: {len(content) / 1e6:,.1f} MB")
