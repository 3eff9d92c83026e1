"""Where a model is: a handle, folder, archive or file -> a path on this machine.

What is downloaded or unpacked is kept in the user's cache folder, see ``embed.cache``:

================================  =====================================================================
``models/<sha1 of handle>/``      the files of a handle; the folder is named as tensorflow_hub names it
``models/<sha1 of handle>.json``  ``{"model": handle, "digest": ...}``, written at its first use
``archives/<digest>/``            the files of a local archive
``digests/<digest of path>.json``  a digest with the sizes, times and inodes that it was made at
================================  =====================================================================

A handle is also looked for where other tools keep it: in ``TFHUB_CACHE_DIR`` and in the cache of kagglehub.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from embed.archives import SUFFIXES, unpack
from embed.cache import Note, alone, cache_folder, weights_digest, write_json
from embed.download import Unreachable, fetch
from stores.errors import FailureError, InputError
from stores.files import whole_folder

PROGRAM = "a SavedModel is a program that runs with your rights: take it from publishers you trust"
# the same model on Kaggle, where versions are numbered anew
ON_KAGGLE = {
    "https://tfhub.dev/google/universal-sentence-encoder/4": (
        "google/universal-sentence-encoder/tensorFlow2/universal-sentence-encoder/2"
    ),
    "https://tfhub.dev/google/universal-sentence-encoder-large/5": (
        "google/universal-sentence-encoder/tensorFlow2/large/2"
    ),
    "https://tfhub.dev/google/elmo/3": "google/elmo/tensorFlow1/elmo/3",
}
_KAGGLE = re.compile(
    r"(?:https?://(?:www\.)?kaggle\.com/models/|kaggle://)?([\w.-]+/[\w.-]+)/"
    r"(?:frameworks/)?tensorflow([12])/(?:variations/)?([\w.-]+)/(?:versions/)?(\d+)/?",
    re.IGNORECASE,
)
_FILE = re.compile(r"[^/]+\.[A-Za-z]\w*$")  # the end of a URL that names a file; a TF-Hub handle ends in its version


def _to_stderr(message: str) -> None:
    sys.stderr.write(f"{message}\n")


def resolve(model: str, *, note: Note = _to_stderr) -> Path:
    """The folder or file on this machine that ``model`` names; it is downloaded or unpacked if it has to be.

    Args:
        model: a folder or file; an archive (``.tar.gz``, ``.tgz``, ``.tar``, ``.zip``), which becomes a folder; a
            TF-Hub handle (``https://tfhub.dev/google/elmo/3``); a Kaggle path (``google/elmo/tensorFlow1/elmo/3`` or
            its URL); the URL of an archive or file.
        note: called with what the user should know meanwhile, one line each.

    Raises:
        InputError: if there is no such folder, archive or file.
        FailureError: if a handle is neither cached nor to be had, an archive is broken or leaves its folder, or a
            cached model is half deleted or not what it was at its first use.
    """
    path = Path(model)
    if path.is_file() and path.name.lower().endswith(SUFFIXES):
        return _unpacked(path, note)
    if path.exists():
        return path
    if handle := _handle(model):
        with alone(_own_folder(handle), note):
            return _as_at_first_use(handle, cached(handle) or _download(handle, note))
    raise InputError(
        f"model {model}: no such folder, archive or file; a handle begins with https://tfhub.dev/ or is a Kaggle path"
        " such as google/elmo/tensorFlow1/elmo/3"
    )


def remembered(model: str) -> str:
    """``model`` so that it is found again from any folder: an absolute path, or a handle as it is."""
    return str(Path(model).resolve()) if Path(model).exists() else model


def cached(model: str, check: bool = True) -> Path | None:
    """Where the files of a handle lie already, or None; nothing is downloaded.

    Raises:
        FailureError: if ``check``, and a part of them was deleted.
    """
    handle = _handle(model) or model
    for folder in (_own_folder(handle), *_elsewhere(handle)):
        if folder.is_dir() and any(folder.iterdir()):
            if check and (lack := _lack(handle, folder)):
                cure = f"remove it (rm -r {shlex.quote(str(folder))}) and give the same command again"
                raise FailureError(f"{folder}, the cached {handle}, is half deleted: it holds {lack}; {cure}")
            return _top(folder) / _file_name(handle)
    return None


def models_in_cache() -> Iterator[dict]:
    """The handles that were used and lie on this machine: ``model``, ``path`` and ``bytes`` of each."""
    for record in sorted((cache_folder() / "models").glob("*.json")):
        model = _read_record(record)["model"]
        if path := cached(model, check=False):
            files = path.rglob("*") if path.is_dir() else [path]
            yield {"model": model, "path": str(path), "bytes": sum(f.stat().st_size for f in files if f.is_file())}


def missing_part(folder: Path) -> str | None:
    """What a SavedModel's folder lacks to be loaded, such as ``no saved_model.pb``; None if it seems whole."""
    if not any((folder / name).is_file() for name in ("saved_model.pb", "saved_model.pbtxt")):
        return "no saved_model.pb"
    names = [file.name for file in folder.glob("variables/*")]
    if not names:  # there are models without variables
        return None
    if "variables.index" not in names:
        return "no variables/variables.index"
    shards = [found[1] for name in names if (found := re.search(r"\.data-\d+-of-(\d+)$", name))]
    if len(shards) < int(shards[0] if shards else 1):
        return f"{len(shards)} of {int(shards[0]) if shards else 'its'} files variables/variables.data-*"
    return None


def download_url(handle: str) -> str:
    """Where the archive or file of a handle is to be had."""
    if "://" not in handle:
        return f"https://www.kaggle.com/api/v1/models/{handle}/download"
    return handle if _FILE.search(handle) else f"{handle}?tf-hub-format=compressed"


def _handle(model: str) -> str | None:
    """``model`` as a URL without a slash at its end, or as ``owner/model/tensorFlow2/variation/version``; or None."""
    if found := _KAGGLE.fullmatch(model):
        owner_and_model, generation, variation, version = found.groups()
        return f"{owner_and_model}/tensorFlow{generation}/{variation}/{version}"
    return model.rstrip("/") if model.startswith(("https://", "http://")) else None


def _file_name(handle: str) -> str:
    """Name of the one file that a handle is; empty where it is an archive of files."""
    found = _FILE.search(handle)
    return found[0] if found and not found[0].lower().endswith(SUFFIXES) else ""


def _lack(handle: str, folder: Path) -> str | None:
    """What of the files of a handle is not in ``folder``; None if nothing, as far as names tell."""
    if name := _file_name(handle):
        return None if (folder / name).is_file() else f"no {name}"
    return None if _FILE.search(handle) else missing_part(_top(folder))


def _own_folder(handle: str) -> Path:
    return cache_folder() / "models" / _sha1(handle)


def _elsewhere(handle: str) -> Iterator[Path]:
    """Where tensorflow_hub (with and without a slash at the end) and kagglehub would keep a handle."""
    if seeds := os.environ.get("TFHUB_CACHE_DIR"):
        yield from (Path(seeds) / _sha1(typed) for typed in (handle, handle + "/"))
    if on_kaggle := ON_KAGGLE.get(handle, None if "://" in handle else handle):
        yield Path(os.environ.get("KAGGLEHUB_CACHE") or Path.home() / ".cache" / "kagglehub") / "models" / on_kaggle


def _sha1(handle: str) -> str:
    return hashlib.sha1(handle.encode(), usedforsecurity=False).hexdigest()


def _download(handle: str, note: Note) -> Path:
    folder, url = _own_folder(handle), download_url(handle)
    for left in folder.parent.glob(f".{folder.name}.*"):  # by a process that was killed
        shutil.rmtree(left) if left.is_dir() else left.unlink()
    with suppress(FileNotFoundError):
        folder.rmdir()  # empty, or it would be cached
    archive = folder.with_name(f".{folder.name}.download")
    try:
        fetch(url, archive, note)
        with whole_folder(folder) as partial:
            if name := _file_name(handle):
                os.replace(archive, partial / name)
            else:
                unpack(archive, partial)
                note(PROGRAM)
            if lack := _lack(handle, partial):
                raise FailureError(f"{archive} holds {lack}: it is no model that TensorFlow Hub could load")
    except Unreachable as error:
        raise FailureError(_how_to_get(handle, str(error))) from error
    except FailureError as error:
        raise FailureError(str(error).replace(str(archive), f"what {url} gave")) from error
    finally:
        archive.unlink(missing_ok=True)
    return _top(folder) / _file_name(handle)


def _how_to_get(handle: str, why: str) -> str:
    """What to do where there is no network."""
    folder, url = _own_folder(handle), download_url(handle)
    name = "-".join(handle.split("/")[-2:]) + ".tar.gz" if not _FILE.search(handle) else handle.rsplit("/", 1)[1]
    kaggle = ON_KAGGLE.get(handle)
    return (
        f"{handle} is not in the cache and cannot be downloaded ({why}); where there is a network, run:"
        f" curl -L -o {shlex.quote(name)} {shlex.quote(url)}"
        + (f" (the same on Kaggle: {kaggle})" if kaggle else "")
        + f"; then give --model {shlex.quote(name)} here, or put its unpacked files into {folder}"
    )


def _as_at_first_use(handle: str, path: Path) -> Path:
    """``path``, after its digest was recorded, or compared with the record."""
    record, digest = _own_folder(handle).with_suffix(".json"), weights_digest(path)
    if not record.exists():
        write_json(record, {"model": handle, "digest": digest})
        return path
    first = _read_record(record)["digest"]
    if digest != first:
        raise FailureError(
            f"{path} is not what {handle} was at its first use (digest {digest[:8]}, not {first[:8]}):"
            f" remove {path} to download it again, or {record} if you trust what is there now"
        )
    return path


def _read_record(record: Path) -> dict[str, str]:
    try:
        found = json.loads(record.read_text(encoding="utf-8"))
        return {name: str(found[name]) for name in ("model", "digest")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FailureError(f"{record} is damaged ({error!r}); remove it if you trust the model beside it") from error


def _unpacked(archive: Path, note: Note) -> Path:
    """The folder with the files of a local archive."""
    folder = cache_folder() / "archives" / weights_digest(archive)
    with alone(folder, note):
        if not folder.is_dir():
            note(f"unpacking {archive} into {folder}; {PROGRAM}")
            with whole_folder(folder) as partial:
                unpack(archive, partial)
    return _top(folder)


def _top(folder: Path) -> Path:
    """Where the files begin: many an archive holds one folder that holds the rest."""
    while len(below := list(folder.iterdir())) == 1 and below[0].is_dir():
        folder = below[0]
    return folder
