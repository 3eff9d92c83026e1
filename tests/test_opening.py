"""Opening stores beside other programs, and beside what only looks like a store."""

import os
import subprocess
import sys

import h5py
import numpy as np
import pytest
from helpers.reporter import Recorder
from helpers.stores import make_store, pooled
from helpers.toy import TEN_ROWS, toy_recipe, write_csv

from embed import embed, read_table
from stores import FailureError, FeatureStore, InputError
from stores.prune import find_stale
from stores.shared.errors import LockedError
from stores.validation import opening
from stores.virtual_dataset import StoreFile

HOLD = "import h5py, sys; file = h5py.File(sys.argv[1], 'r+'); print('open', flush=True); sys.stdin.read()"


@pytest.fixture
def held(ten_store):
    """A store that another process has open for writing, and the number of that process."""
    command = [sys.executable, "-c", HOLD, str(ten_store)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "open\n"
        yield ten_store, holder.pid
        holder.stdin.close()


def test_store_that_another_program_writes_is_called_locked(held, tmp_path):
    """By whom it is, where Linux tells; never that it should be replaced."""
    path, number = held
    with pytest.raises(LockedError, match=f"open for writing in (process {number}|another program)") as raised:
        FeatureStore(path)
    table = read_table(write_csv(tmp_path / "other.csv", TEN_ROWS[:3]))
    with pytest.raises(LockedError) as again:
        embed(table, toy_recipe(), path)
    for error in (raised, again):
        assert "overwrite" not in str(error.value)
        assert "make it again" not in str(error.value)


def test_parts_of_a_locked_index_are_not_stale(held):
    """What cannot be looked into may need them."""
    path, _ = held
    parts = path.with_name(path.name + ".parts") / ("0" * 32)
    parts.mkdir(parents=True)
    (parts / "part-000000.h5").write_bytes(b"x")
    assert find_stale(path.parent) == []


def test_mark_that_a_dead_writer_left_is_said_with_what_takes_it_away(ten_store):
    """HDF5 itself would refuse the file as well."""
    raw = bytearray(ten_store.read_bytes())
    raw[11] = 1  # the consistency flags of the superblock
    ten_store.write_bytes(raw)
    with pytest.raises(LockedError, match=f"h5clear --status {ten_store}"):
        FeatureStore(ten_store)


def test_what_only_looks_like_a_store_is_passed_over_with_a_note(ten_csv, tmp_path):
    """A folder, a pipe, a link to nothing and a file of something else, all called .h5, beside the output."""
    folder = tmp_path / "features"
    (folder / "folder.h5").mkdir(parents=True)
    os.mkfifo(folder / "pipe.h5")
    (folder / "dangling.h5").symlink_to(tmp_path / "nothing")
    (folder / "text.h5").write_text("no store")
    recorder = Recorder()

    summary = embed(read_table(ten_csv), toy_recipe(), folder / "a.h5", reporter=recorder)

    assert summary.totals["encoded"] == 8
    for name in ("folder.h5 is no file", "pipe.h5 is no file", "dangling.h5: no such file|is no file", "text.h5 is no"):
        assert any(choice in note for choice in name.split("|") for note in recorder.notes)
    assert all("passed over" in note for note in recorder.notes if ".h5" in note)


@pytest.mark.parametrize("name", ["folder.h5", "pipe.h5", "dangling.h5"])
def test_no_file_is_said_so(tmp_path, name):
    """And nothing waits for a pipe."""
    (tmp_path / "folder.h5").mkdir()
    os.mkfifo(tmp_path / "pipe.h5")
    (tmp_path / "dangling.h5").symlink_to(tmp_path / "nothing")
    with pytest.raises(InputError, match="is no file"):
        FeatureStore(tmp_path / name)


def test_a_store_that_is_replaced_while_it_is_opened_is_read_as_one(tmp_path, monkeypatch):
    """The bytes that are looked at and those that HDF5 reads are of one file: here the second."""
    first = make_store(tmp_path / "a.h5", pooled([[1.0]] * 2), ["x", "y"], ["a", "b"])
    second = make_store(tmp_path / "b.h5", pooled([[2.0]] * 3), ["x", "y", "x"], ["a", "b", "c"])

    class Late(StoreFile):
        def __init__(self, path, raw):
            if second.exists():
                os.replace(second, first)
            super().__init__(path, raw)

    monkeypatch.setattr(opening, "StoreFile", Late)
    with FeatureStore(first) as store:
        store.verify()
        assert store.to_numpy().tolist() == [[2.0]] * 3


def test_an_open_store_stays_what_it_was(tmp_path):
    """Whatever is put in its place after it was opened, all of it is read from the one that was."""
    first = make_store(tmp_path / "a.h5", pooled([[1.0]] * 2), ["x", "y"], ["a", "b"])
    second = make_store(tmp_path / "b.h5", pooled([[2.0]] * 3), ["x", "y", "x"], ["a", "b", "c"])
    with FeatureStore(first) as store:
        os.replace(second, first)
        store.verify()
        assert store.to_numpy().tolist() == [[1.0]] * 2
        assert store.texts[:] == ["a", "b"]


def test_verify_notices_every_flip_in_what_hdf5_keeps_of_groups(tmp_path):
    """Each byte of HDF5's free-space headers: what makes another HDF5 reader fail is no sound store."""
    path = make_store(tmp_path / "a.h5", pooled([[1.0]] * 2), ["x", "y"], ["a", "b"], ids=["1", "2"], splits=["t", "t"])
    raw = path.read_bytes()
    places = [at for at in range(len(raw)) if raw[at : at + 4] == b"FSHD"]
    assert places  # of the group of checksums, which has many members
    noticed = 0
    for at in (at + i for at in places for i in range(0, 70, 3)):
        damaged = bytearray(raw)
        damaged[at] ^= 4
        path.write_bytes(damaged)
        try:
            with h5py.File(path) as file:
                file.visititems(lambda name, item: None)
        except (OSError, RuntimeError):
            noticed += 1
            with pytest.raises(FailureError), FeatureStore(path) as store:
                store.verify()
    assert noticed > 10


def test_a_number_that_is_not_finite_is_no_feature(tmp_path):
    """It would make every score of a head a majority's; the row is named where all features are read."""
    path = make_store(tmp_path / "a.h5", pooled([[1.0], [np.nan]]), ["x", "y"], ["a", "b"])
    with FeatureStore(path) as store:
        for read in (store.to_numpy, store.arrays, store.verify):
            with pytest.raises(FailureError, match=r"features/pooled of row 1 \(line 3 of the table\)"):
                read()
