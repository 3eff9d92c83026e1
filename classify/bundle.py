"""A run and the weights of its encoders in one file: a zip archive that works on a machine that has neither.

====================  ==============================================================================
``bundle.json``       the format's version, the digest (BLAKE3, 128 bits) and size of every other
                      file, and for each encoder of the run its recipe, identity, licence, and which
                      of its options are files in here
``run/``              the run: ``recipe.json`` and the files that it lists, no report
``weights/1/...``     files of the first encoder, ``weights/2/...`` of the second, ...; none if the
                      bundle was made without weights
====================  ==============================================================================

Nothing in it is a pickle. A SavedModel in it is a program, and stays one: what runs it asks for trust, as for a run.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from classify.model_inputs import Source, sources
from classify.runs import Run, read_run
from classify.typed_json import Jsonable, from_json
from stores.shared.errors import FailureError, InputError
from stores.shared.files import check_space, whole_folder
from stores.shared.fingerprint import digest_file

ABOUT, VERSION = "bundle.json", 1
MOST_ABOUT = 16 << 20  # bytes of bundle.json
STEP = 1 << 20
MAKE = "tk bundle RUN --out FILE"


@dataclass(frozen=True)
class Shrunk(Jsonable):
    """Word vectors of which only ``words`` came along: of the training table, and the ``most_frequent`` ones.

    ``identity_digest`` is that of the encoder with these words.
    """

    words: int
    of: int
    most_frequent: int
    identity_digest: str


@dataclass(frozen=True)
class BundledFile(Jsonable):
    """Digest and size in bytes of a file in a bundle."""

    digest: str
    bytes: int


@dataclass(frozen=True)
class BundledEncoder(Jsonable):
    """An encoder in a bundle: ``options`` says which of them are files in it."""

    recipe: dict[str, Any]
    identity_digest: str
    licence: str
    options: dict[str, str]
    shrunk: Shrunk | None = None


@dataclass(frozen=True)
class About(Jsonable):
    """``bundle.json``."""

    version: int
    files: dict[str, BundledFile]
    encoders: list[BundledEncoder]


@dataclass(frozen=True)
class Bundle:
    """A bundle that was opened.

    Attributes:
        run: in it.
        sources: the encoders of the run, in the order of ``classify.Predictor.sources``; their options name the files
            that came with it.
        licences: encoder and licence of the weights that came with it.
        shrunk: encoders of which only some words came with it; their identity is another one than the run's.
    """

    run: Run
    sources: list[Source]
    licences: list[tuple[str, str]]
    shrunk: dict[str, Shrunk]


def open_bundle(path: str | Path, folder: str | Path) -> Bundle:
    """The run in a bundle, unpacked once; every file is compared with its digest while that is done.

    Args:
        path: the bundle.
        folder: where bundles are unpacked, each into a folder named by its digest.

    Raises:
        InputError: if it is no bundle.
        FailureError: if it is damaged, holds what it does not list, or the disk is too small.
    """
    path = Path(path)
    try:
        place = Path(folder) / digest_file(path)
        if not place.exists():
            with suppress(InputError):  # another process was faster
                _unpack(path, place)
        about = _read_about((place / ABOUT).read_bytes(), path)
        run = read_run(place / "run")
    except FailureError:
        raise
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise FailureError(f"{path} cannot be opened as a bundle ({error}); make another with: {MAKE}") from error
    given = {encoder.identity_digest: encoder for encoder in about.encoders}
    found = [_with_files(source, given, place) for source in sources(run.recipe.features)]
    licences = [(str(e.recipe.get("encoder")), e.licence) for e in about.encoders if e.options and e.licence]
    shrunk = {str(e.recipe.get("encoder")): e.shrunk for e in about.encoders if e.shrunk}
    return Bundle(run, found, licences, shrunk)


def _with_files(source: Source, given: Mapping[str, BundledEncoder], place: Path) -> Source:
    """The source with options that name the files of the bundle."""
    encoder = given.get(source.digest)
    if encoder is None:
        raise FailureError(f"{place} lacks an encoder of its run; make the bundle again")
    moved = {option: str(place / _inside(name)) for option, name in encoder.options.items()}
    digest = encoder.shrunk.identity_digest if encoder.shrunk else source.digest
    return replace(source, recipe=source.recipe | {"options": source.recipe["options"] | moved}, digest=digest)


def _unpack(path: Path, place: Path) -> None:
    if not zipfile.is_zipfile(path):
        raise FailureError(f"{path} is no bundle; make one with: {MAKE}")
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        if ABOUT not in names or archive.getinfo(ABOUT).file_size > MOST_ABOUT:
            raise FailureError(f"{path} is no bundle (it has no {ABOUT}); make one with: {MAKE}")
        content = archive.read(ABOUT)
        about = _read_about(content, path)
        if strange := sorted({*names} ^ {ABOUT, *about.files}) or sorted(n for n in names if names.count(n) > 1):
            raise FailureError(f"{path}: {strange[0]} is in it and not listed, or listed and not in it; do not use it")
        place.parent.mkdir(parents=True, exist_ok=True)
        check_space(place.parent, sum(file.bytes for file in about.files.values()), str(path))
        with whole_folder(place) as temporary:
            for name, file in about.files.items():
                _unpack_file(archive, name, file, temporary / _inside(name), path)
            (temporary / ABOUT).write_bytes(content)


def _unpack_file(archive: zipfile.ZipFile, name: str, file: BundledFile, target: Path, path: Path) -> None:
    """One file, no longer than it says it is, with the digest that it says it has."""
    target.parent.mkdir(parents=True, exist_ok=True)
    left = file.bytes
    with archive.open(name) as packed, open(target, "wb") as out:
        while piece := packed.read(STEP):
            left -= len(piece)
            if left < 0:
                break
            out.write(piece)
    if left != 0 or digest_file(target) != file.digest:
        raise FailureError(f"{path}: {name} is damaged or changed (its digest differs); get the bundle again")


def _read_about(content: bytes, path: Path) -> About:
    try:
        about = from_json(About, json.loads(content))
        for name in [*about.files, *(name for encoder in about.encoders for name in encoder.options.values())]:
            _inside(name)
    except (ValueError, RecursionError) as error:
        raise FailureError(f"{path}: {ABOUT} is damaged ({error}); get the bundle again") from error
    if about.version != VERSION:
        raise FailureError(f"{path} is a bundle of version {about.version}, and this tk reads version {VERSION}")
    return about


def _inside(name: str) -> PurePosixPath:
    """A name in the bundle as a path below its folder; ``ValueError`` if it leads elsewhere."""
    path = PurePosixPath(name)
    if path.is_absolute() or not path.parts or any(p in ("..", ".") for p in path.parts) or {*name} & {"\\", ":", "\0"}:
        raise ValueError(f"the name {name!r}")
    return path
