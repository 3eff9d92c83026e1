"""The command ``tk bundle``, and how a command takes a bundle in the place of a run."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from commands.terminal import models_option, note, overwrite_option, trust_option
from stores.shared.worded import size_in_words

if TYPE_CHECKING:
    from classify import Run
    from classify.bundle_writer import EncoderFiles
    from classify.model_inputs import Source
    from embed import Recipe

PROBED = 2000  # texts whose vectors are compared, by all words and by those that go along


@click.command()
@click.argument("folder", metavar="RUN", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The bundle, such as model.tk.")
@click.option(
    "--without-weights", "weights", flag_value=False, default=True,
    help="Leave out the files of the encoders; the other machine needs them as this one does.",
)  # fmt: skip
@models_option
@trust_option
@click.option(
    "--shrink", type=click.IntRange(0), metavar="WORDS",
    help="Of word vectors (glove) take the words of the training table, and so many of the most frequent, alone.",
)  # fmt: skip
@overwrite_option
def bundle(
    folder: Path, out: Path, weights: bool, model: tuple[str, ...], trust_model: bool, shrink: int | None,
    overwrite: bool,
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
    from classify.bundle_writer import write_bundle
    from classify.model_inputs import sources
    from commands.reporter import command_reporter
    from embed import load_recipes
    from stores.shared.outputs import check_output

    check_output(out, overwrite)
    if shrink is not None and not weights:
        raise click.UsageError("--shrink and --without-weights exclude each other", click.get_current_context())
    run = read_run(folder)
    with command_reporter() as reporter, tempfile.TemporaryDirectory(prefix="tk-") as scratch:
        found = sources(run.recipe.features)
        kept = [(source.recipe, source.digest) for source in found]
        recipes = load_recipes(kept, model, trust_model=trust_model, reporter=reporter) if weights else []
        encoders = [_files_of(source, recipe) for source, recipe in zip(found, recipes, strict=False)]
        if shrink is not None:
            encoders = _shrunk(run, encoders, recipes, shrink, Path(scratch))
        write_bundle(run, encoders or _without(found), out)
        if weights:
            _check_identities(out, trust_model)
    for encoder in encoders:
        if encoder.options:
            note(f"{encoder.source.recipe['encoder']}: its weights are {_terms(encoder)}")
        if encoder.shrunk:
            note(
                f"{encoder.source.recipe['encoder']}: {encoder.shrunk.words:,} of {encoder.shrunk.of:,} words go along"
            )
    note(f"wrote {out} ({size_in_words(out.stat().st_size)})")


def _without(found: list[Source]) -> list[EncoderFiles]:
    from classify.bundle_writer import EncoderFiles

    return [EncoderFiles(source) for source in found]


def _files_of(source: Source, recipe: Recipe) -> EncoderFiles:
    from classify.bundle_writer import EncoderFiles

    weights = recipe.encoder.weights()
    names = {option: names for option, (_, names) in weights.items() if names is not None}
    return EncoderFiles(source, _licence(recipe), {option: path for option, (path, _) in weights.items()}, names)


def _shrunk(
    run: Run, encoders: list[EncoderFiles], recipes: list[Recipe], top: int, scratch: Path
) -> list[EncoderFiles]:
    """The same with only the words that matter, of encoders that are files of word vectors; at least one is."""
    from classify.bundle import Shrunk
    from embed.encoders import load
    from embed.encoders._files import FileEncoder
    from embed.needed_words import needed_words
    from stores.shared.errors import FailureError, InputError
    from stores.shared.fingerprint import identity_digest

    found = []
    for number, (files, recipe) in enumerate(zip(encoders, recipes, strict=True), 1):
        if not isinstance(recipe.encoder, FileEncoder):
            found.append(files)
            continue
        texts, path = _trained_texts(run, files.source), scratch / f"vectors-{number}.txt"
        words, of = needed_words(recipe.encoder, texts, top, path)
        again = replace(recipe, encoder=load(recipe.encoder.name, **recipe.options | {"model": str(path)}))
        if not _same_vectors(recipe, again, texts[:PROBED]):
            raise FailureError("with these words alone the training texts have other vectors; leave `shrink` out")
        about = Shrunk(words, of, top, identity_digest(again.identity()))
        found.append(replace(files, options={"model": path}, names={}, shrunk=about))
    if not any(files.shrunk for files in found):
        raise InputError(f"`shrink={top}`: the run has no encoder with a file of word vectors; leave it out")
    return found


def _same_vectors(recipe: Recipe, again: Recipe, texts: list[str]) -> bool:
    import numpy as np

    made = [each.encode(texts, reuse=False) for each in (recipe, again)]
    return all(np.array_equal(made[0].outputs[name], made[1].outputs[name]) for name in made[0].outputs)


def _trained_texts(run: Run, source: Source) -> list[str]:
    """The different texts that a run was trained on, by an encoder."""
    from classify.sources import opened
    from stores.shared.errors import InputError

    part = next((p for p in run.recipe.features.stores(test=False) if p.identity_digest == source.digest), None)
    if part is None:
        raise InputError("`shrink`: the features of the run were joined into one store; train on a.h5+b.h5 instead")
    with opened(part) as store:
        if store.texts is None:
            raise InputError(f"`shrink`: {part.path} was made without texts, so their words are not known")
        return list(dict.fromkeys(store.texts[:]))


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
    for encoder, shrunk in opened.shrunk.items():
        note(f"{encoder}: {shrunk.words:,} of {shrunk.of:,} words came along; others are unknown, and counted as such")
    return opened.run, opened.sources
