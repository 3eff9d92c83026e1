"""Stores that another program may cut while they are read."""

import os

import numpy as np
import pytest
from helpers.stores import make_store, pooled

from stores import FailureError, FeatureStore
from stores.file_rows import FileRows

VALUES = np.random.default_rng(0).normal(size=(5000, 7)).astype(np.float32)


@pytest.fixture
def store(tmp_path):
    """5,000 rows of seven columns, one array in the file."""
    return make_store(tmp_path / "a.h5", pooled(VALUES), ["no", "yes"] * 2500, [f"text {i}" for i in range(5000)])


def test_the_same_rows_as_through_a_memory_map(store):
    """Slices, scattered rows and none."""
    rows = np.array([4999, 0, 17, 17, 4096])
    with FeatureStore(store) as mapped, FeatureStore(store, mapped=False) as read:
        assert isinstance(read.data_set("features/pooled"), FileRows)
        for start, stop in ((0, 5000), (4090, 4100), (7, 7)):
            assert np.array_equal(read.read(start, stop).outputs["pooled"], mapped.read(start, stop).outputs["pooled"])
        assert np.array_equal(read.take(rows).outputs["pooled"], VALUES[rows])
        read.verify()


@pytest.mark.parametrize("left", [0, 9_000, 100_000])
def test_a_file_that_is_cut_is_an_error(store, left):
    """Through a memory map this would end the process: the pages behind the end of the file are gone."""
    with FeatureStore(store, mapped=False) as read:
        os.truncate(store, left)  # of 140,000 bytes of features and what is around them
        with pytest.raises(FailureError, match=r"a\.h5 was cut while it was read; make it again with: tk embed"):
            read.read(0, 5000)


def test_descriptors_are_given_back(store):
    """As many open files as before, once nobody holds the rows."""
    before = len(os.listdir("/proc/self/fd")) if os.path.exists("/proc/self/fd") else 0
    for _ in range(20):
        with FeatureStore(store, mapped=False) as read:
            read.read(0, 10)
    del read
    assert before == (len(os.listdir("/proc/self/fd")) if before else 0)
