"""The public names of a package, each imported when it is asked for."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any


def public_name(package: str, places: Mapping[str, str], name: str) -> Any:  # noqa: ANN401 (each has a type of its own)
    """What the ``__getattr__`` of a package gives for a name.

    Args:
        package: its name, for the error.
        places: name -> ``module.attribute``.

    Raises:
        AttributeError: for a name that is not among them.
    """
    if name not in places:
        raise AttributeError(f"module {package!r} has no attribute {name!r}")
    module, _, attribute = places[name].rpartition(".")
    return getattr(import_module(module), attribute)
