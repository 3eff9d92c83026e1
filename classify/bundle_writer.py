"""A run and the files of its encoders put into one file, see ``classify.bundle``."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from classify.bundle import ABOUT, VERSION, About, BundledEncoder, BundledFile, Shrunk
from classify.model_inputs import Source
from classify.run_folder import RECIPE
from classify.runs import Run
from stores.shared.errors import InputError
from stores.shared.files import whole_file
from stores.shared.fingerprint import digest_file


@dataclass(frozen=True)
class EncoderFiles:
    """The files of an encoder on this machine.

    Attributes:
        source: its recipe and identity.
        licence: of its weights, for people; empty where it is not known.
        options: option -> the file or folder that it names.
        names: of the files below such a folder that are read; all but hidden ones where an option is not there.
        shrunk: where not all words come along.
    """

    source: Source
    licence: str = ""
    options: Mapping[str, Path] = field(default_factory=dict)
    names: Mapping[str, Sequence[str]] = field(default_factory=dict)
    shrunk: Shrunk | None = None


def write_bundle(run: Run, encoders: Sequence[EncoderFiles], out: str | Path) -> Path:
    """Write a run and the files of its encoders into one file, which is whole or not there.

    Args:
        run: finished.
        encoders: with their files, or without, to leave the weights out.
        out: the file; one that is there is replaced.

    Raises:
        InputError: if a file would be one of pickled objects.
        FailureError: if a file of the run is damaged, or the machine refuses the write.
    """
    run.model()  # or an error, before anything is written
    content = {f"run/{name}": run.folder / name for name in (RECIPE, *run.recipe.files)}
    listed = []
    for number, encoder in enumerate(encoders, 1):
        inside = {}
        for option, path in encoder.options.items():
            place = f"weights/{number}/{option}"
            inside[option] = f"{place}/{path.name}" if path.is_file() else place
            content |= {inside[option]: path} if path.is_file() else _files(path, place, encoder.names.get(option))
        recipe, digest = encoder.source.recipe, encoder.source.digest
        listed.append(BundledEncoder(recipe, digest, encoder.licence, inside, encoder.shrunk))
    for name, path in content.items():
        if name.startswith("weights/") and _is_pickled(path):
            raise InputError(f"{path} holds pickled objects, which can run code; a bundle takes none")
    known = {name: BundledFile(digest_file(path), path.stat().st_size) for name, path in content.items()}
    about = json.dumps(About(VERSION, known, listed).as_dict(), indent=1, ensure_ascii=False)
    with whole_file(Path(out)) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        archive.writestr(ABOUT, about, zipfile.ZIP_DEFLATED)
        for name, path in content.items():
            packed = zipfile.ZIP_DEFLATED if name.startswith("run/") else zipfile.ZIP_STORED  # weights hardly shrink
            archive.write(path, name, packed)
    return Path(out)


def _files(path: Path, inside: str, names: Sequence[str] | None) -> dict[str, Path]:
    """Name in the bundle -> file, of a folder."""
    if names is None:
        files = [file for file in sorted(path.rglob("*")) if file.is_file()]
        names = [file.relative_to(path).as_posix() for file in files]
        names = [name for name in names if not any(part.startswith(".") for part in name.split("/"))]
    else:  # and what says under which terms they are
        terms = [file.name for file in sorted(path.iterdir()) if file.stem.upper() in ("LICENSE", "LICENCE", "NOTICE")]
        names = list(dict.fromkeys([*names, *terms]))
    return {f"{inside}/{name}": path / name for name in names}


def _is_pickled(path: Path) -> bool:
    """Whether it begins as a pickle of protocol 2 to 5, or is an archive with one, as torch writes it."""
    with open(path, "rb") as file:
        start = file.read(2)
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith(".pkl") for name in archive.namelist())
    return len(start) == 2 and start[0] == 0x80 and 2 <= start[1] <= 5
