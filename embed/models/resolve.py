"""Where a model is: a handle, folder, archive or file -> a path on this machine.

What is downloaded or unpacked is kept in the user's cache folder, see ``embed.models.cache``:

==================================  ===================================================================
``models/<sha1 of handle>/``        the files of a handle
``archives/<digest of archive>/``   the files of a local archive
``<either>.json``                   ``{"model": ..., "digest": ...}``, written at the first use
``digests/<digest of path>.json``   a digest with the sizes, times and inodes that it was made at
==================================  ===================================================================
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from embed.models.archives import SUFFIXES, unpack
from embed.models.cache import alone, cache_folder, weights_digest, write_json
from embed.models.download import Unreachable, fetch
from embed.models.handles import download_url, file_name, folders, handle_of, how_to_get, is_module, own_folder
from embed.models.hugging_face import fetch_model, fetched, fetched_models, hub_model
from embed.models.trust import PROGRAM, Trust, check_source
from stores.shared.errors import FailureError, InputError
from stores.shared.files import whole_folder
from stores.shared.locks import is_held
from stores.shared.reporter import Reporter


def resolve_on_hub(
    model: str, onnx: str | None = None, reporter: Reporter | None = None, trust: Trust = Trust.USER
) -> tuple[Path, str]:
    """As ``resolve``, where ``model`` may also be a name on the Hugging Face hub.

    Args:
        model: ``owner/name`` or ``owner/name@revision``, if no folder or file is called so; or see ``resolve``.
        onnx: the ONNX graph of a repository that is needed instead of its weights.
        reporter: told what the user should know meanwhile; None: stderr.
        trust: who named the model.

    Returns:
        The folder, and ``model`` as it names the same files for ever: with the commit.
    """
    found = hub_model(model)
    if Path(model).exists() or handle_of(model) or found is None:
        return resolve(model, reporter, trust), model
    folder, commit = fetch_model(found, reporter or Reporter(), onnx, trust)
    return folder, f"{found.name}@{commit}"


def resolve(model: str, reporter: Reporter | None = None, trust: Trust = Trust.USER) -> Path:
    """The folder or file on this machine that ``model`` names; it is downloaded or unpacked if it has to be.

    Args:
        model: a folder or file; an archive (``.tar.gz``, ``.tgz``, ``.tar``, ``.zip``), which becomes a folder; a
            TF-Hub handle (``https://tfhub.dev/google/elmo/3``, or ``google/elmo/3``); a Kaggle path
            (``google/elmo/tensorFlow1/elmo/3`` or its URL); the URL of an archive or file.
        reporter: told what the user should know meanwhile; None: stderr.
        trust: who named the model.

    Raises:
        InputError: if there is no such folder, archive or file, or it may not be fetched from there.
        FailureError: if a handle is neither cached nor available, an archive is broken or leaves its folder, or a
            cached model is half deleted or not what it was at its first use.
    """
    path, reporter = Path(model), reporter or Reporter()
    if path.is_file() and path.name.lower().endswith(SUFFIXES):
        folder = cache_folder() / "archives" / weights_digest(path)
        with alone(folder, reporter):
            return _as_at_first_use(model, folder, _unpacked(path, folder, reporter))
    if path.exists():
        return path
    if handle := handle_of(model):
        folder = own_folder(handle)
        with alone(folder, reporter):
            return _as_at_first_use(handle, folder, cached(handle) or _download(handle, folder, reporter, trust))
    raise InputError(
        f"model {model}: no such folder, archive or file; a handle begins with https://tfhub.dev/ or is a Kaggle path"
        " such as google/elmo/tensorFlow1/elmo/3"
    )


def remembered(model: str) -> str:
    """``model`` so that it is found again from any folder: an absolute path, or a handle as it is."""
    return str(Path(model).resolve()) if Path(model).exists() else model


def cached(model: str, check: bool = True) -> Path | None:
    """Where the files of a handle, or of a name on the Hugging Face hub, lie already, or None; nothing is downloaded.

    Raises:
        FailureError: if ``check``, and a part of them was deleted.
    """
    if not handle_of(model) and (name := hub_model(model)):
        return fetched(name)
    handle = handle_of(model) or model
    for folder in folders(handle):
        if folder.is_dir() and any(folder.iterdir()):
            if check and (lack := _lack(handle, folder)):
                advice = f"remove it (rm -r {shlex.quote(str(folder))}) and give the same command again"
                raise FailureError(f"{folder}, the cached {handle}, is half deleted: it holds {lack}; {advice}")
            return _top(folder) / file_name(handle)
    return None


def models_in_cache() -> Iterator[dict]:
    """The handles that were used and lie on this machine.

    ``model``, ``path`` and ``bytes`` of each, its ``digest`` at first use, and ``fault``: the error, with advice, that
    using it would give as far as names tell, or None. A damaged record is called by its own name.
    """
    for record in sorted((cache_folder() / "models").glob("*.json")):
        try:
            found, fault = _read_record(record), None
        except FailureError as error:
            found, fault = {"model": record.name, "digest": "unknown"}, str(error)
        path = record.with_suffix("") if fault else cached(found["model"], check=False)
        if path and path.exists():
            with suppress(InputError):
                fault = fault or _fault(found["model"])
            yield found | {"path": str(path), "bytes": _size(path), "fault": fault}
    yield from fetched_models()


def leftovers() -> Iterator[tuple[Path, int]]:
    """What killed processes left in the cache of downloads and unpacked archives that nobody fills now: path, bytes."""
    for folder in ("models", "archives"):
        for left in sorted((cache_folder() / folder).glob(".*.*")):
            if not is_held(left.with_name(left.name[1:].partition(".")[0] + ".lock")):
                yield left, _size(left)


def _fault(handle: str) -> str | None:
    try:
        cached(handle)
    except FailureError as error:
        return str(error)
    return None


def _size(path: Path) -> int:
    return sum(file.stat().st_size for file in (path.rglob("*") if path.is_dir() else [path]) if file.is_file())


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


def _lack(handle: str, folder: Path) -> str | None:
    """What of the files of a handle is not in ``folder``; None if nothing, as far as names tell."""
    if name := file_name(handle):
        return None if (folder / name).is_file() else f"no {name}"
    return missing_part(_top(folder)) if is_module(handle) else None


def _download(handle: str, folder: Path, reporter: Reporter, trust: Trust) -> Path:
    """``folder``, or the file in it, with what the publisher gives for a handle."""
    url = download_url(handle)
    check_source(handle, url, trust)
    if is_module(handle):
        reporter.note(PROGRAM)
    archive = folder.with_name(f".{folder.name}.download")
    _clear(folder)
    try:
        fetch(url, archive, reporter)
        with whole_folder(folder) as partial:
            if name := file_name(handle):
                os.replace(archive, partial / name)
            else:
                unpack(archive, partial, reporter)
            if lack := _lack(handle, partial):
                raise FailureError(f"{archive} holds {lack}: it is no model that TensorFlow Hub could load")
    except Unreachable as error:
        raise _not_to_be_had(handle, url, error) from error
    except FailureError as error:
        raise FailureError(str(error).replace(str(archive), f"what {url} gave")) from error
    finally:
        archive.unlink(missing_ok=True)
    return _top(folder) / file_name(handle)


def _not_to_be_had(handle: str, url: str, error: Unreachable) -> Exception:
    """What to do about a server that was not reached, or refused: each answer needs something else."""
    why = f"{handle} is not in the cache and cannot be downloaded ({error})"
    if error.code in (404, 410):
        return InputError(f"{why}: there is nothing at {url}; check the spelling and the version")
    if error.code and error.code >= 500:
        return FailureError(f"{why}; give the same command again later")
    return FailureError(f"{why}; {how_to_get(handle)}")


def _unpacked(archive: Path, folder: Path, reporter: Reporter) -> Path:
    """``folder`` with the files of a local archive."""
    if not folder.is_dir():
        _clear(folder)
        reporter.note(f"unpacking {archive} into {folder}; {PROGRAM}")
        with whole_folder(folder) as partial:
            unpack(archive, partial, reporter)
    return _top(folder)


def _clear(folder: Path) -> None:
    """Remove what a process that was killed left of its attempt to fill ``folder``, whose lock is held."""
    for left in folder.parent.glob(f".{folder.name}.*"):
        shutil.rmtree(left) if left.is_dir() else left.unlink()
    with suppress(FileNotFoundError):
        folder.rmdir()  # it is empty, or it would be cached


def _top(folder: Path) -> Path:
    """Where the files begin: many an archive holds one folder that holds the rest."""
    while len(below := list(folder.iterdir())) == 1 and below[0].is_dir():
        folder = below[0]
    return folder


def _as_at_first_use(model: str, folder: Path, path: Path) -> Path:
    """``path``, after its digest was recorded beside ``folder``, or compared with the record."""
    record, digest = folder.with_suffix(".json"), weights_digest(path)
    if not record.exists():
        write_json(record, {"model": model, "digest": digest})
        return path
    first = _read_record(record)["digest"]
    if digest != first:
        place = folder if path.is_relative_to(folder) else path
        raise FailureError(
            f"{place} is not what {model} was at its first use (digest {digest[:8]}, not {first[:8]}):"
            f" remove {place} to get it again, or {record} if you trust what is there now"
        )
    return path


def _read_record(record: Path) -> dict[str, str]:
    try:
        found = json.loads(record.read_text(encoding="utf-8"))
        return {name: str(found[name]) for name in ("model", "digest")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FailureError(f"{record} is damaged ({error!r}); remove it if you trust the model beside it") from error
