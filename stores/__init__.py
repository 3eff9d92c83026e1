"""Feature stores: what a frozen encoder made of a table of texts, kept in one HDF5 file.

Knows arrays, keys and bytes; nothing of text models or scores. The file format is specified in ``stores.format``.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stores.block import Block
    from stores.features import Features, IdFeatures, PooledFeatures, TokenFeatures
    from stores.given import write
    from stores.reader import FeatureStore
    from stores.shared.errors import FailureError, InputError
    from stores.writer import write_store

# imported when they are asked for, so that a help text, which needs stores.shared, loads neither NumPy nor h5py
_PLACES = {
    "Block": "stores.block",
    "Features": "stores.features",
    "IdFeatures": "stores.features",
    "PooledFeatures": "stores.features",
    "TokenFeatures": "stores.features",
    "FeatureStore": "stores.reader",
    "FailureError": "stores.shared.errors",
    "InputError": "stores.shared.errors",
    "write": "stores.given",
    "write_store": "stores.writer",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 (each of them has a type of its own, see above)
    if name not in _PLACES:
        raise AttributeError(f"module 'stores' has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)


__all__ = [
    "Block",
    "FailureError",
    "FeatureStore",
    "Features",
    "IdFeatures",
    "InputError",
    "PooledFeatures",
    "TokenFeatures",
    "write",
    "write_store",
]
