"""The stores that a merge or a join reads: opened, and named in the attributes of the store that is made of them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from stores.reader import FeatureStore
from stores.shared.errors import InputError
from stores.shared.files import regular_output
from stores.shared.fingerprint import identity_digest


@contextmanager
def open_inputs(paths: Sequence[Path], output: Path) -> Iterator[list[FeatureStore]]:
    """The stores, each opened once, so that one that is replaced in the meantime is read as it was."""
    if len(paths) < 2:
        raise InputError("give at least two stores")
    regular_output(output, "a store")
    if output.exists():
        raise InputError(f"{output} exists already; choose another `out`")
    with ExitStack() as stack:
        yield [stack.enter_context(FeatureStore(path)) for path in paths]


def input_attributes(stores: list[FeatureStore], identity: dict, recipe: dict, command: str) -> dict[str, Any]:
    """Attributes of a store made of ``stores``, as ``write_store`` takes them; ``times`` starts now, with 0 seconds."""
    return {
        "identity": identity,
        "identity_digest": identity_digest(identity),
        "recipe": recipe,
        "source": {"stores": [{"digest": store.digest, **store.source} for store in stores]},
        "versions": stores[0].versions,
        "command": command,
        "times": (time.time(), 0.0, 0.0),
    }
