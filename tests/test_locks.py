"""Locks whose file goes with them: never two at once, though others come between; nothing stays behind."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from helpers import ROOT

from classify.checkpoint import alone
from stores import FailureError
from stores.shared import locks
from stores.shared.errors import LockedError
from stores.shared.locks import hold, is_held

# goes in as often as it can until the others have been there, too, and says how often somebody else was in
VISITOR = """
import os, sys, time
from pathlib import Path
from stores.shared.errors import LockedError
from stores.shared.locks import hold
folder, met, visits = Path(sys.argv[1]), 0, 0
(folder / f"ready-{os.getpid()}").touch()
while len(list(folder.glob("ready-*"))) < 3:
    time.sleep(0.01)
while visits < 1000:
    try:
        with hold(folder / "here" / "lock", lambda: "busy", temporary=True):
            visits += 1
            try:
                os.close(os.open(folder / "somebody", os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                met += 1
            time.sleep(0.0002)
            (folder / "somebody").unlink(missing_ok=True)
    except LockedError:
        pass
print(met)
"""


def visitor(folder):
    """A process that visits the lock in a folder."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen([sys.executable, "-c", VISITOR, str(folder)], env=environment, stdout=subprocess.PIPE)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not remove an open file")
def test_never_two_at_once(tmp_path):
    """Three processes, 3,000 visits, the file made and removed each time."""
    visitors = [visitor(tmp_path) for _ in range(3)]
    assert [each.communicate()[0].split() for each in visitors] == [[b"0"]] * 3
    assert not list((tmp_path / "here").iterdir())


def test_who_has_the_removed_file_open_is_not_in(tmp_path):
    """Two wait with the first one's file open; when it has gone, they go in one after the other."""
    path, at_once, most = tmp_path / "lock", [], []

    def visit():
        with hold(path, lambda: "busy", wait=True, temporary=True):
            at_once.append(1)
            most.append(len(at_once))
            time.sleep(0.05)
            at_once.pop()

    waiting = [threading.Thread(target=visit) for _ in range(3)]
    with hold(path, lambda: "busy", temporary=True):
        for thread in waiting:
            thread.start()
        time.sleep(0.1)
    for thread in waiting:
        thread.join()
    assert most == [1, 1, 1]
    assert not path.exists()


def test_nothing_stays_after_an_error(tmp_path):
    """The file of a checkpoint's lock goes however the work ends, and the next one gets in."""
    for _ in range(2):
        with pytest.raises(ValueError, match="broken"), alone(tmp_path / "cp"):
            raise ValueError("broken")
        assert not list(tmp_path.iterdir())


def test_who_holds_it_is_said(tmp_path, monkeypatch):
    """At once where nobody waits; after a while where somebody does, once."""
    monkeypatch.setattr(locks, "PATIENCE", 0.05)
    path, told, released = tmp_path / "lock", [], threading.Event()
    busy = lambda: "it is busy"  # noqa: E731
    with hold(path, busy):
        assert is_held(path)
        with pytest.raises(LockedError, match="^it is busy; come back$"), hold(path, busy, otherwise="come back"):
            pass

        def wait():
            with hold(path, busy, wait=True, note=told.append):
                released.set()

        waiting = threading.Thread(target=wait)
        waiting.start()
        while not told:
            time.sleep(0.01)
        time.sleep(0.2)
        assert not released.is_set()
    waiting.join()
    assert told == ["it is busy; waiting for it"]
    assert not is_held(path)


def test_a_place_that_takes_no_file(tmp_path):
    """One line, with what to do."""
    (tmp_path / "file").touch()
    place = tmp_path / "file" / "lock"
    with (
        pytest.raises(FailureError, match="file could not be written: .*; go elsewhere$"),
        hold(place, lambda: "", unwritable="go elsewhere"),
    ):
        pass


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_the_dead_hold_nothing(tmp_path):
    """After kill -9 the file is still there, and the lock is free."""
    program = (
        "import sys, time; from pathlib import Path; from stores.shared.locks import hold\n"
        "with hold(Path(sys.argv[1]), lambda: '', temporary=True):\n    print('in', flush=True); time.sleep(600)"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    path = tmp_path / "lock"
    holder = subprocess.Popen([sys.executable, "-c", program, str(path)], env=environment, stdout=subprocess.PIPE)
    assert holder.stdout.readline() == b"in\n"
    assert is_held(path)
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    with hold(path, lambda: "", temporary=True):
        pass
    assert not path.exists()
