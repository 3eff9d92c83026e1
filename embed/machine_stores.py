"""The stores that this machine knows of, and where vectors are kept that nobody named a place for."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

from embed.models.cache import cache_folder
from stores.catalogue import Catalogue
from stores.shared.reporter import SILENT, Reporter

OFF = "TK_STORE_INDEX"


def is_indexed() -> bool:
    """Whether stores are found, and can be found, anywhere on this machine: unless ``TK_STORE_INDEX=off``."""
    return os.environ.get(OFF, "").lower() not in ("off", "0", "no", "false")


def machine_catalogue(reporter: Reporter = SILENT) -> Catalogue:
    """The catalogue of this machine; an empty one that keeps nothing if it is switched off."""
    return Catalogue(cache_folder() / "stores" if is_indexed() else None, reporter.note)


def default_folder() -> Path:
    """Where vectors are kept that nobody named a place for: in the cache folder, or until this process ends."""
    return cache_folder() / "features" if is_indexed() else _folder_of_process(os.getpid())


@cache
def _folder_of_process(number: int) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="tk-features-"))
    atexit.register(lambda: shutil.rmtree(folder, ignore_errors=True) if os.getpid() == number else None)
    return folder
