"""The bytes of small stores of each kind, and what is said against them once they are damaged."""

import time
import zlib

import pytest

from stores import FailureError, FeatureStore, InputError
from tools.attack_stores import make

KINDS = ("pooled", "tokens", "ids", "table", "pooled.gzip", "tokens.gzip", "table.gzip")


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    """The bytes of a small store of each kind."""
    return {name: path.read_bytes() for name, path in make(tmp_path_factory.mktemp("originals")).items()}


def refusal(path):
    """What opening, or else ``verify``, says against a store: one line, within seconds; None if nothing."""
    start = time.perf_counter()
    try:
        with FeatureStore(path) as store:
            store.verify()
        message = None
    except (FailureError, InputError) as error:
        message = str(error)
        assert len(message.splitlines()) == 1
        assert len(message) < 1000
    assert time.perf_counter() - start < 5
    return message


def checksums_of(data):
    """CRC-32 of each chunk of a data set."""
    return [zlib.crc32(data[row : row + data.chunks[0]]) for row in range(0, len(data), data.chunks[0])]
