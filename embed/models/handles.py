"""Handles: the names under which models are published, where from, and where they may lie already.

A handle is a URL without a slash at its end, or ``owner/model/tensorFlow2/variation/version`` on Kaggle. What it names
is the folder of a TF-Hub module, unless it is the URL of an archive or of one file.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from embed.models.archives import SUFFIXES
from embed.models.cache import cache_folder

# the same model on Kaggle, where versions are numbered differently
ON_KAGGLE = {
    "https://tfhub.dev/google/universal-sentence-encoder/4": (
        "google/universal-sentence-encoder/tensorFlow2/universal-sentence-encoder/2"
    ),
    "https://tfhub.dev/google/universal-sentence-encoder-large/5": (
        "google/universal-sentence-encoder/tensorFlow2/large/2"
    ),
    "https://tfhub.dev/google/elmo/3": "google/elmo/tensorFlow1/elmo/3",
}
COMPRESSED = "?tf-hub-format=compressed"
_KAGGLE = re.compile(
    r"(?:https?://(?:www\.)?kaggle\.com/models/|kaggle://)?([\w.-]+/[\w.-]+)/"
    r"(?:frameworks/)?tensorflow([12])/(?:variations/)?([\w.-]+)/(?:versions/)?(\d+)/?",
    re.IGNORECASE,
)
_SHORT = re.compile(r"[A-Za-z][\w.-]*/(?:[\w.-]+/)*[\w.-]+/\d+/?")  # google/elmo/3; the hub's names have two parts
_FILE = re.compile(r"[^/?]+\.[A-Za-z]\w*(?=\?|$)")  # at the end of a URL; a TF-Hub handle ends in its version


def handle_of(model: str) -> str | None:
    """The handle that a user meant by ``model``; None if it is none."""
    if found := _KAGGLE.fullmatch(model):
        owner_and_model, generation, variation, version = found.groups()
        return f"{owner_and_model}/tensorFlow{generation}/{variation}/{version}"
    if _SHORT.fullmatch(model):
        return f"https://tfhub.dev/{model.rstrip('/')}"
    return model.removesuffix(COMPRESSED).rstrip("/") if model.startswith(("https://", "http://")) else None


def is_module(handle: str) -> bool:
    """Whether a handle names a TF-Hub module, not an archive or a file."""
    return not _FILE.search(handle)


def file_name(handle: str) -> str:
    """Name of the one file that a handle names; empty where it names a folder or an archive."""
    found = _FILE.search(handle)
    return found[0] if found and not found[0].lower().endswith(SUFFIXES) else ""


def download_url(handle: str) -> str:
    """The URL of the archive or file of a handle."""
    if "://" not in handle:
        return f"https://www.kaggle.com/api/v1/models/{handle}/download"
    return handle + COMPRESSED if is_module(handle) else handle


def own_folder(handle: str) -> Path:
    """Where a handle lies in the project's cache; its name is the one that tensorflow_hub would give it."""
    return cache_folder() / "models" / _sha1(handle)


def folders(handle: str) -> Iterator[Path]:
    """Where a handle may lie: in the project's cache, and in those of tensorflow_hub and kagglehub."""
    yield own_folder(handle)
    if seeds := os.environ.get("TFHUB_CACHE_DIR"):
        yield from (Path(seeds) / _sha1(typed) for typed in (handle, handle + "/"))
    if on_kaggle := ON_KAGGLE.get(handle, None if "://" in handle else handle):
        yield Path(os.environ.get("KAGGLEHUB_CACHE") or Path.home() / ".cache" / "kagglehub") / "models" / on_kaggle


def how_to_get(handle: str) -> str:
    """What to do where there is no network: the command for next time, and where its result belongs."""
    file = _FILE.search(handle)
    name = file[0] if file else "-".join(handle.split("/")[-2:]) + ".tar.gz"
    kaggle = f" (the same on Kaggle: {ON_KAGGLE[handle]})" if handle in ON_KAGGLE else ""
    return (
        f"where there is a network, run: curl -L -o {shlex.quote(name)} {shlex.quote(download_url(handle))}{kaggle};"
        f" then give `model={name!r}` here, or put its unpacked files into {own_folder(handle)}"
    )


def _sha1(handle: str) -> str:
    return hashlib.sha1(handle.encode(), usedforsecurity=False).hexdigest()
