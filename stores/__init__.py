"""Feature stores: what a frozen encoder made of a table of texts, kept in one HDF5 file.

Knows arrays, keys and bytes; nothing of text models or scores. The file format is specified in ``stores.format``.
"""

from typing import TYPE_CHECKING, Any

from stores.shared.public_names import public_name

if TYPE_CHECKING:
    from stores.block import Block
    from stores.features import Features, IdFeatures, PooledFeatures, TokenFeatures
    from stores.given import write
    from stores.reader import FeatureStore
    from stores.shared.errors import FailureError, InputError
    from stores.writer import write_store

# imported when they are asked for, so that a help text, which needs stores.shared, loads neither NumPy nor h5py
_PLACES = {
    "Block": "stores.block.Block",
    "Features": "stores.features.Features",
    "IdFeatures": "stores.features.IdFeatures",
    "PooledFeatures": "stores.features.PooledFeatures",
    "TokenFeatures": "stores.features.TokenFeatures",
    "FeatureStore": "stores.reader.FeatureStore",
    "FailureError": "stores.shared.errors.FailureError",
    "InputError": "stores.shared.errors.InputError",
    "write": "stores.given.write",
    "write_store": "stores.writer.write_store",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 (each of them has a type of its own, see above)
    return public_name(__name__, _PLACES, name)


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
