"""The command ``tk bundle``, and how a command takes a bundle in the place of a run."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from commands.terminal import models_option, note, overwrite_option, trust_option

if TYPE_CHECKING:
    from classify import Run
    from classify.bundle import EncoderFiles
    from classify.model_inputs import Source
    from embed import Recipe


@click.command()
@click.argument("folder", metavar="RUN", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The bundle, such as model.tk.")
@click.option(
    "--without-weights", "weights", flag_value=False, default=True,
    help="Leave out the files of the encoders; the other machine needs them as this one does.",
)  # fmt: skip
@models_option
@trust_option
@overwrite_option
def bundle(
    folder: Path, out: Path, weights: bool, model: tuple[str, ...], trust_model: bool, overwrite: bool
) -> None:  # fmt: skip
    """Put a run and the weights of its encoders into one file, which predicts the same anywhere.

    Head, thresholds, out-of-fold predictions (for --coverage), cleaning, columns, names of classes and the encoders'
    files go in, each with its digest; tk predict and tk evaluate take the file in the place of a run. No part of it is
    a pickle. A SavedModel in it is a program: whoever uses it is asked to trust it, as with a run. The recipe in it
    names files and folders of this machine, and the out-of-fold predictions hold the labels of the training rows.

    \b
    Example:
        tk bundle runs/messages.static.logistic --out model.tk
        tk predict model.tk --text "WINNER!! call now"
    """
    from classify import read_run
    from classify.bundle import write_bundle
    from classify.model_inputs import sources
    from commands.reporter import command_reporter
    from embed import load_recipes
    from stores.shared.outputs import check_output

    check_output(out, overwrite)
    run = read_run(folder)
    with command_reporter() as reporter:
        found = sources(run.recipe.features)
        kept = [(source.recipe, source.digest) for source in found]
        recipes = load_recipes(kept, model, trust_model=trust_model, reporter=reporter) if weights else []
        encoders = [_files_of(source, recipe) for source, recipe in zip(found, recipes, strict=False)]
        write_bundle(run, encoders or _without(found), out)
        if weights:
            _check_identities(out, trust_model)
    for encoder in encoders:
        if encoder.options:
            note(f"{encoder.source.recipe['encoder']}: its weights are {_terms(encoder)}")
    note(f"wrote {out} ({out.stat().st_size / 1e6:,.1f} MB)")


def _without(found: list[Source]) -> list[EncoderFiles]:
    from classify.bundle import EncoderFiles

    return [EncoderFiles(source) for source in found]


def _files_of(source: Source, recipe: Recipe) -> EncoderFiles:
    from classify.bundle import EncoderFiles

    weights = recipe.encoder.weights()
    names = {option: names for option, (_, names) in weights.items() if names is not None}
    return EncoderFiles(source, _licence(recipe), {option: path for option, (path, _) in weights.items()}, names)


def _licence(recipe: Recipe) -> str:
    """Of the weights, where it is known: of the encoder's own, its default, or a recommended model."""
    from embed.models.recommended import RECOMMENDED

    model, published = str(recipe.options.get("model", "")), recipe.encoder.published
    if recipe.encoder.licence:
        return recipe.encoder.licence
    if published and model in ("", published.model):
        return published.licence
    return next((known.licence for known in RECOMMENDED if model.partition("@")[0] == known.model), "")


def _terms(encoder: EncoderFiles) -> str:
    return f"under {encoder.licence}" if encoder.licence else "under terms that tk does not know; ask who made them"


def _check_identities(out: Path, trust_model: bool) -> None:
    """That what was packed is what the run was trained with: the encoders are made once more, from the bundle."""
    from classify.bundle import open_bundle
    from commands.reporter import command_reporter
    from embed import load_recipes

    with tempfile.TemporaryDirectory(prefix=".tk-", dir=out.parent) as scratch:
        kept = [(source.recipe, source.digest) for source in open_bundle(out, scratch).sources]
        load_recipes(kept, trust_model=trust_model, reporter=command_reporter())


def opened_run(path: Path) -> tuple[Run, list[Source]]:
    """A run with its encoders, from its folder, or from a bundle, which is unpacked into the cache folder once."""
    from classify import read_run
    from classify.bundle import open_bundle
    from classify.model_inputs import sources

    if not path.is_file():
        run = read_run(path)
        return run, sources(run.recipe.features)
    from embed.models.cache import cache_folder

    opened = open_bundle(path, cache_folder() / "bundles")
    for encoder, licence in opened.licences:
        note(f"{encoder}: its weights are under {licence}")
    return opened.run, opened.sources
