"""The user's cache folder."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def cache_folder() -> Path:
    """Where models are kept: ``TK_CACHE_DIR``, else ``tk`` in the user's cache folder of this system.

    On a Mac that was once without ``XDG_CACHE_HOME``, the folder of that time is found again.
    """
    if given := os.environ.get("TK_CACHE_DIR"):
        return Path(given).absolute()
    from platformdirs import user_cache_path

    folder, before = user_cache_path("tk", appauthor=False), Path.home() / "Library" / "Caches" / "tk"
    return before if sys.platform == "darwin" and before.is_dir() and not folder.is_dir() else folder
