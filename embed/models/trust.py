"""Which models may run as programs here, and from where one may be fetched.

A SavedModel is a program: its graph may read and write files. Who names one on the command line, or loads one from
Python, decides that for himself; he is told so once for each model. A run or a store that somebody sent decides
nothing: what it names is used only if the same files were used on this machine before (by digest), or ``trust_model``
says so, and is fetched only from known publishers. Arrays (checkpoints, safetensors, word vectors) need no trust, as
the identity that is kept with a run says which ones they must be.
"""

from __future__ import annotations

from contextlib import suppress
from enum import Enum
from pathlib import Path
from urllib.parse import urlsplit

from embed.models.cache import cache_folder, weights_digest, write_json
from stores.shared.errors import FailureError, InputError
from stores.shared.reporter import Reporter

PROGRAM = "a SavedModel is a program that runs with your rights: take it from publishers you trust"
# whose models a run may have fetched: handles of TF-Hub and paths of Kaggle, and the word vectors' own servers
PUBLISHERS = (
    "https://tfhub.dev/google/", "https://tfhub.dev/tensorflow/", "google/", "tensorflow/",
    "https://nlp.stanford.edu/", "https://conceptnet.s3.amazonaws.com/",
)  # fmt: skip
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Trust(Enum):
    """Who says which model is used.

    ``USER``: who runs the command named it. ``GIVEN``: likewise, with ``trust_model``. ``NONE``: a run or store did.
    """

    USER = "user"
    GIVEN = "given"
    NONE = "none"


def check_source(handle: str, url: str, trust: Trust) -> None:
    """Before anything is fetched: may it be, from there?

    Args:
        handle: what was named, in its usual form.
        url: where it would be fetched.
        trust: who named it.

    Raises:
        InputError: if not.
    """
    parts = urlsplit(url)
    if trust is Trust.GIVEN:
        return
    if trust is Trust.NONE and not handle.startswith(PUBLISHERS):
        raise InputError(
            f"{handle} is not on this machine, and would be fetched from {parts.hostname} because a run or store names"
            " it; if you trust that place, give `trust_model=True`, else `model` with the files that you have"
        )
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise InputError(
            f"{url} is not encrypted, so anybody on the way could change it; give its https address, or"
            " `trust_model=True`"
        )


def check_program(path: Path, trust: Trust, reporter: Reporter) -> None:
    """Before a SavedModel is loaded: may it be? What was allowed once is remembered by its digest.

    Raises:
        InputError: if a run or store names it, and it was never used here.
    """
    digest = weights_digest(path)
    record = cache_folder() / "trusted" / f"{digest}.json"
    if record.is_file():
        return
    if trust is Trust.NONE:
        raise InputError(
            f"{path} is a program that would run with your rights because a run or store names it, and it was never"
            " used on this machine; if you trust who made it, give `trust_model=True`"
        )
    reporter.note(f"{path}: {PROGRAM}")
    with suppress(FailureError, OSError):  # it is only said again without
        write_json(record, {"path": str(path), "digest": digest})


def is_publisher(model: str) -> bool:
    """Whether this is a handle of a known publisher, and no folder that happens to be called so."""
    return model.startswith(PUBLISHERS) and not Path(model).exists()
