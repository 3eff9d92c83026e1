"""Modules that are imported by others without being used: they are run when something of them is first asked for."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import LazyLoader
from types import ModuleType

# SciPy makes a copy of NumPy's namespace, for which these are imported: a third of the import of scipy.sparse
PARTS_OF_NUMPY = ("numpy.f2py", "numpy.testing")


class LaterFinder:
    """What ``sys.meta_path`` is given for modules that are to be run later.

    Args:
        names: of the modules, in full.
    """

    def __init__(self, *names: str) -> None:
        self._names = names

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """As ``importlib.abc.MetaPathFinder`` has it; None of all other modules."""
        spec = PathFinder.find_spec(name, path, target) if name in self._names else None
        if spec and spec.loader:
            spec.loader = LazyLoader(spec.loader)
        return spec
