"""kill -9 at any moment: what is finished counts, the same command goes on, the same bytes come out."""

import signal
import subprocess
import sys
from pathlib import Path

import h5py
import pytest
from helpers.toy import toy_recipe, write_csv

from embed import StoreOptions, embed, read_table
from stores import FailureError, FeatureStore

ROWS = [("ham" if i % 3 else "spam", f"message {'Number' * (i % 4)} {i % 17}") for i in range(80)]
PART_ROWS = 20  # four parts

# Sends itself a signal right before the n-th time that a file is synced or renamed, the moments between which states
# differ; and can write no file larger than a limit, as on a full disk.
PROGRAM = """
import os, resource, signal, sys
sys.path[:0] = [{root!r}, {tests!r}]
from helpers.toy import toy_recipe
from embed import StoreOptions, embed, read_table

signal.signal(signal.SIGINT, signal.default_int_handler)  # even where a parent ignores it
left, sent, limit = int(sys.argv[3]), getattr(signal, sys.argv[4]), int(sys.argv[5])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
def dying(real):
    def call(*args):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), sent)
        return real(*args)
    return call

def again(real):  # a second signal while what the first one left is cleared away
    def call(*args, **kwargs):
        global left
        if left <= 0 and {twice}:
            left = 10**9
            os.kill(os.getpid(), sent)
        return real(*args, **kwargs)
    return call

os.fsync, os.replace, os.unlink = dying(os.fsync), dying(os.replace), again(os.unlink)
embed(read_table(sys.argv[1]), toy_recipe(), sys.argv[2], store=StoreOptions(part_rows={part_rows}))
print("done")
"""

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")]


def start(
    table: Path, out: Path, kill_at: int, sent: str = "SIGKILL", limit: int = -1, twice: bool = False
) -> subprocess.CompletedProcess:
    """Embed in a process of its own that signals itself at its ``kill_at``-th sync or rename, 0 for never."""
    tests = Path(__file__).parent
    program = PROGRAM.format(root=str(tests.parent), tests=str(tests), part_rows=PART_ROWS, twice=twice)
    command = [sys.executable, "-c", program, str(table), str(out), str(kill_at), sent, str(limit)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def without_times(path: Path) -> bytes:
    """The bytes of a store without its times."""
    with FeatureStore(path) as store:
        store.verify()
    with h5py.File(path) as file:
        place, size = file["times"].id.get_offset(), file["times"].nbytes
    data = path.read_bytes()
    return data[:place] + data[place + size :]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The table, and the store of a run that nothing disturbed."""
    folder = tmp_path_factory.mktemp("undisturbed")
    table = write_csv(folder / "table.csv", ROWS)
    embed(read_table(table), toy_recipe(), folder / "a.h5", store=StoreOptions(part_rows=PART_ROWS))
    return table, folder / "a.h5"


@pytest.mark.parametrize("kill_at", range(1, 20))
def test_killed_run_resumes_to_the_same_bytes(undisturbed, tmp_path, kill_at):
    """Killed at its n-th sync or rename: no half store, no finished part encoded again, and then the same bytes.

    Of a part its features are synced, its description is, renamed, and its folder synced: its third call completes it.
    Four parts, and three calls for the whole, are 19.
    """
    table, expected = undisturbed
    out = tmp_path / "a.h5"
    killed = start(table, out, kill_at)

    assert killed.returncode == -signal.SIGKILL
    if out.exists():  # only the last sync, of the folder, can come after the rename of the whole
        assert kill_at == 19
    recipe = toy_recipe()
    embed(read_table(table), recipe, out, store=StoreOptions(part_rows=PART_ROWS))
    finished = len({text for _, text in ROWS[: PART_ROWS * min(4, kill_at // 4)]})
    assert len(recipe.encoder.seen) == len({text for _, text in ROWS}) - finished
    assert without_times(out) == without_times(expected)
    assert [path.name for path in tmp_path.iterdir() if path.name != "a.h5.parts"] == ["a.h5"]


def test_run_that_is_not_killed_ends(undisturbed, tmp_path):
    """The program, left alone, makes 19 calls and the same store: the moments above are all there are."""
    table, expected = undisturbed
    ended = start(table, tmp_path / "a.h5", 20)  # the twentieth never comes

    assert ended.stdout == "done\n"
    assert without_times(tmp_path / "a.h5") == without_times(expected)


@pytest.mark.parametrize("kill_at", [1, 2, 6, 12, 17, 18])
def test_interrupted_run_resumes_to_the_same_bytes(undisturbed, tmp_path, kill_at):
    """Ctrl-C leaves no temporary file, and what is finished counts."""
    table, expected = undisturbed
    out = tmp_path / "a.h5"
    interrupted = start(table, out, kill_at, "SIGINT")

    assert "KeyboardInterrupt" in interrupted.stderr
    assert not list(tmp_path.rglob("*.partial"))
    embed(read_table(table), toy_recipe(), out, store=StoreOptions(part_rows=PART_ROWS))
    assert without_times(out) == without_times(expected)


def test_ctrl_c_twice_loses_no_more(tmp_path):
    """Of a single part: a second Ctrl-C, while the first one's temporary file is being removed, leaves that file."""
    table = write_csv(tmp_path / "table.csv", ROWS[:PART_ROWS])
    out = tmp_path / "a.h5"
    interrupted = start(table, out, 2, "SIGINT", twice=True)

    assert interrupted.stderr.count("KeyboardInterrupt") >= 2
    assert len(list(tmp_path.rglob("*.partial"))) == 1
    recipe = toy_recipe()
    embed(read_table(table), recipe, out, store=StoreOptions(part_rows=PART_ROWS))
    assert sorted(recipe.encoder.seen) == sorted({text for _, text in ROWS[:PART_ROWS]})
    assert not list(tmp_path.rglob("*.partial"))


@pytest.mark.parametrize("kill_at", [2, 5, 11, 14])
def test_ctrl_c_while_a_part_is_written_lets_it_be_finished(undisturbed, tmp_path, kill_at):
    """Of several parts, a thread writes: what is encoded is kept, however often Ctrl-C is pressed."""
    table, expected = undisturbed
    out = tmp_path / "a.h5"
    interrupted = start(table, out, kill_at, "SIGINT", twice=True)

    assert interrupted.returncode == -signal.SIGINT
    assert interrupted.stderr.count("Traceback") == 1
    assert not list(tmp_path.rglob("*.partial"))
    recipe = toy_recipe()
    embed(read_table(table), recipe, out, store=StoreOptions(part_rows=PART_ROWS))
    finished = {text for _, text in ROWS[: PART_ROWS * ((kill_at - 1) // 4 + 1)]}
    assert not finished & set(recipe.encoder.seen)
    assert without_times(out) == without_times(expected)


@pytest.mark.skipif(sys.platform != "linux", reason="these folders are Linux's")
@pytest.mark.parametrize("folder", ["/proc/features", "/sys/kernel", "table.csv"])
def test_folder_that_cannot_be_written_is_one_line(undisturbed, folder):
    """Not even root may write there, nor into a file; nothing is encoded."""
    table, _ = undisturbed
    recipe = toy_recipe()
    with pytest.raises(FailureError, match="could not be written: .*; choose another `out`"):
        embed(read_table(table), recipe, table.parent / folder / "a.h5")

    assert recipe.encoder.seen == []


def test_clock_that_goes_backwards_changes_nothing(undisturbed, tmp_path, monkeypatch):
    """No decision rests on the time: known texts are known, and the same bytes come out."""
    table, expected = undisturbed
    out = tmp_path / "a.h5"
    start(table, out, 10)  # two parts are complete
    now = iter(range(10**9, 0, -(10**6)))
    monkeypatch.setattr("time.time", lambda: float(next(now)))
    recipe = toy_recipe()
    embed(read_table(table), recipe, out, store=StoreOptions(part_rows=PART_ROWS))

    assert len(recipe.encoder.seen) == len({text for _, text in ROWS} - {text for _, text in ROWS[: 2 * PART_ROWS]})
    assert without_times(out) == without_times(expected)
    assert embed(read_table(table), recipe, out, store=StoreOptions(part_rows=PART_ROWS)).up_to_date


@pytest.mark.parametrize("share", [0, 0.001, 0.03, 0.1, 0.25, 0.5, 0.7, 0.8, 0.85, 0.9, 0.95, 0.99, 0.999])
def test_full_disk_loses_nothing(undisturbed, tmp_path, share):
    """No file can be larger than a share of the whole: one error, no crash, no half file, then the same bytes."""
    table, expected = undisturbed
    out = tmp_path / "a.h5"
    stopped = start(table, out, 0, limit=int(share * expected.stat().st_size))

    assert stopped.returncode == 1
    assert "could not be written: File too large" in stopped.stderr.splitlines()[-1]
    assert not out.exists()
    assert not list(tmp_path.rglob("*.partial"))
    embed(read_table(table), toy_recipe(), out, store=StoreOptions(part_rows=PART_ROWS))
    assert without_times(out) == without_times(expected)


def test_damaged_part_is_made_again(undisturbed, tmp_path):
    """A part whose bytes rotted on the disk is not trusted."""
    table, expected = undisturbed
    out = tmp_path / "a.h5"
    start(table, out, 12)  # three parts are complete but for the last folder sync
    part = next(tmp_path.glob("a.h5.parts/*/part-000001.h5"))
    with FeatureStore(part) as store:
        place = store.place
    growing = part.with_name("growing")
    data = bytearray(growing.read_bytes())
    data[place.start] ^= 1
    growing.write_bytes(data)
    recipe = toy_recipe()

    embed(read_table(table), recipe, out, store=StoreOptions(part_rows=PART_ROWS))

    assert set(recipe.encoder.seen) == {text for _, text in ROWS[PART_ROWS : 2 * PART_ROWS]} | {
        text for _, text in ROWS[3 * PART_ROWS :]
    } - {text for _, text in ROWS[:PART_ROWS]}
    assert without_times(out) == without_times(expected)


def test_parts_of_a_changed_table_are_not_taken_for_these_but_reused(undisturbed, tmp_path):
    """When the table changed between the kill and the next run, rows come from the new table, known texts do not."""
    table, _ = undisturbed
    out = tmp_path / "a.h5"
    start(table, out, 10)  # two parts
    changed = write_csv(tmp_path / "table.csv", [("spam", "inserted"), *ROWS])
    recipe = toy_recipe()

    summary = embed(read_table(changed), recipe, out, store=StoreOptions(part_rows=PART_ROWS))

    assert summary.totals["reused"] == len({text for _, text in ROWS[: 2 * PART_ROWS]})
    with FeatureStore(out) as store:
        store.verify()
        assert store.texts[:] == ["inserted", *(text for _, text in ROWS)]
        assert (store.read().outputs["pooled"] == toy_recipe().encode(store.texts[:]).outputs["pooled"]).all()
