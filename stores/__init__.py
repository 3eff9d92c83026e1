"""Feature stores: what a frozen encoder made of a table of texts, kept in one HDF5 file.

Knows arrays, keys and bytes; nothing of text models or scores. The file format is specified in ``stores.format``.
"""

from stores.block import Block
from stores.features import Features, IdFeatures, PooledFeatures, TokenFeatures
from stores.reader import FeatureStore
from stores.shared.errors import FailureError, InputError
from stores.writer import write_store

__all__ = [
    "Block",
    "FailureError",
    "FeatureStore",
    "Features",
    "IdFeatures",
    "InputError",
    "PooledFeatures",
    "TokenFeatures",
    "write_store",
]
