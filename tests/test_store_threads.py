"""Stores in several threads of one process."""

from concurrent.futures import ThreadPoolExecutor

import h5py
import numpy as np

from stores.columns import Column

ROWS = np.arange(8192 * 256, dtype=np.float32).reshape(8192, 256)


def write(path):
    """A data set of 128 chunks, ten times."""
    for _ in range(10):
        with h5py.File(path, "w") as file:
            column = Column(file, "features", ROWS.shape, ROWS.dtype)
            column.append(ROWS)
            column.close()


def test_one_thread_writes_while_another_one_opens(tmp_path):
    """HDF5 itself is not made for threads: without a lock around each call it says nonsense, or ends the process."""
    with h5py.File(tmp_path / "other.h5", "w") as file:
        for name in "abcdefghijklmnopqrst":
            file[f"of/{name}"] = np.arange(10)
    with ThreadPoolExecutor(1) as pool:
        written = pool.submit(write, tmp_path / "a.h5")
        while not written.done():
            with h5py.File(tmp_path / "other.h5") as file:
                assert all((file[f"of/{name}"][:] == np.arange(10)).all() for name in file["of"])
    written.result()
    with h5py.File(tmp_path / "a.h5") as file:
        assert (file["features"][:] == ROWS).all()
