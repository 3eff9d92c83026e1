"""Runs that wait for each other, and disks that are too small for them."""

import os
import subprocess
import sys
import time

import pytest
from helpers.reporter import Recorder
from helpers.toy import TEN_ROWS, toy_recipe, write_csv

from embed import embed, read_table
from stores import FailureError, FeatureStore, InputError
from stores.shared.files import check_space

HOLD = """
import sys, time
sys.path[:0] = [{root!r}]
from pathlib import Path
from stores.shared.locks import only_writer
out = Path(sys.argv[1])
with only_writer(out.with_name(out.name + ".parts"), out):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""


def hold(out, seconds):
    """A process that holds the lock of an output for a while, once it has it."""
    from helpers import ROOT

    command = [sys.executable, "-c", HOLD.format(root=str(ROOT)), str(out), str(seconds)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    return process


@pytest.mark.slow
def test_wait_waits_and_says_for_whom(ten_csv, tmp_path):
    """With wait, the work begins when the other process ends."""
    out, told = tmp_path / "a.h5", Recorder()
    with hold(out, 1) as other:
        start = time.monotonic()
        summary = embed(read_table(ten_csv), toy_recipe(), out, wait=True, reporter=told)
        waited = time.monotonic() - start

    assert told.notes == [f"{out} is being written by process {other.pid} on {os.uname().nodename}; waiting for it"]
    assert waited > 0.5
    assert summary.totals["encoded"] == 8


@pytest.mark.slow
@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_what_came_into_being_while_waiting_is_looked_at(ten_csv, tmp_path, scale):
    """The same store: nothing is done again. One of another identity: it is not overwritten."""
    out = tmp_path / "a.h5"

    class WriteMeanwhile(Recorder):
        def note(self, message):
            embed(read_table(ten_csv), toy_recipe(scale), tmp_path / "other" / "a.h5")
            (tmp_path / "other" / "a.h5").rename(out)

    recipe = toy_recipe()
    with hold(out, 1):
        if scale == 1.0:
            assert embed(read_table(ten_csv), recipe, out, wait=True, reporter=WriteMeanwhile()).up_to_date
        else:
            with pytest.raises(InputError, match="another identity"):
                embed(read_table(ten_csv), recipe, out, wait=True, reporter=WriteMeanwhile())
    assert recipe.encoder.seen == []
    assert not (tmp_path / "a.h5.parts").exists()


def test_lock_of_a_killed_process_does_not_block(ten_csv, tmp_path):
    """The system frees it when the process dies, however it dies."""
    with hold(tmp_path / "a.h5", 60) as other:
        with pytest.raises(FailureError, match=f"process {other.pid} on .*`wait=True`"):
            embed(read_table(ten_csv), toy_recipe(), tmp_path / "a.h5")
        other.kill()

    assert embed(read_table(ten_csv), toy_recipe(), tmp_path / "a.h5").totals["encoded"] == 8


def test_finished_stores_can_be_read_while_others_are_written(ten_csv, ten_store):
    """A reader holds no lock that a writer needs, and sees the old store until the new one is whole."""
    with FeatureStore(ten_store) as store:
        write_csv(ten_csv, [*TEN_ROWS, ("ham", "one more")])
        embed(read_table(ten_csv), toy_recipe(), ten_store)
        assert len(store) == len(store.features[:]) == 10
    with FeatureStore(ten_store) as store:
        assert len(store) == 11


def test_too_small_a_disk_is_foreseen(ten_csv, tmp_path, monkeypatch):
    """After the first part the size of all is known; both numbers are named, and the part is kept."""
    import shutil

    monkeypatch.setattr(shutil, "disk_usage", lambda path: Free(1000))
    with pytest.raises(FailureError, match=r"up to 11 rows will need about .* GB, and .* has 0.00 GB free"):
        embed(read_table(ten_csv), toy_recipe(), tmp_path / "a.h5")
    monkeypatch.undo()
    recipe = toy_recipe()
    embed(read_table(ten_csv), recipe, tmp_path / "a.h5")
    assert len(recipe.encoder.seen) == 4  # four of the eight distinct texts were in the first part

    with pytest.raises(FailureError, match="free some"):
        check_space(tmp_path, 10**18, "this")


class Free:
    """What shutil.disk_usage gives, for a disk with so many bytes free."""

    def __init__(self, free):
        self.free = free
