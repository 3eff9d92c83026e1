"""Stores in object storage: the bytes of a store of parts on this machine, whatever dies, from any machine."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from helpers import ROOT, commands
from helpers.fragile import fragile_recipe
from helpers.toy import toy_recipe, write_csv
from pyarrow import fs
from test_remote import bucket, server  # noqa: F401 (fixtures)
from test_resume import without_times

from cli import cli
from embed import StoreOptions, embed, read_table
from stores import FailureError, FeatureStore, InputError
from stores.shared import mirror
from stores.shared.mirror import Mirror
from stores.shared.remote import list_files, open_filesystem

pytest.importorskip("moto")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="the server is not for Windows"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning"),
]
ROWS = [("ham" if i % 3 else "spam", f"message {i % 31} {'Word' * (i % 7)}") for i in range(60)]
PARTS = StoreOptions(part_rows=7, layout="parts")


def another_machine(monkeypatch, folder):
    """From here on, nothing of what was fetched is on this machine."""
    monkeypatch.setenv("TK_CACHE_DIR", str(folder))


def objects(address):
    """The names of all objects below an address."""
    return [info.path for info in list_files(address)[1]]


def test_same_bytes_as_on_this_machine(bucket, tmp_path, monkeypatch):  # noqa: F811
    """Each part is an object, and the store that names them; another machine reads them all."""
    table = write_csv(tmp_path / "table.csv", ROWS)
    embed(read_table(table), toy_recipe(), tmp_path / "one.h5", store=PARTS)
    summary = embed(read_table(table), toy_recipe(), "s3://bucket/same/one", store=PARTS)

    assert summary.address == "s3://bucket/same/one/one.h5"
    assert len(objects("s3://bucket/same")) == 10
    another_machine(monkeypatch, tmp_path / "other")
    with FeatureStore("s3://bucket/same/one/") as there, FeatureStore(tmp_path / "one.h5") as here:
        there.verify()
        assert without_times(there.path) == without_times(here.path)
        pairs = list(zip(there.part_paths, here.part_paths, strict=True))
        assert all(without_times(one) == without_times(other) for one, other in pairs)
        assert (there.to_numpy() == here.to_numpy()).all()


def test_a_store_is_known_again(bucket, tmp_path, monkeypatch):  # noqa: F811
    """The same command on another machine does nothing; with more rows it encodes those alone."""
    table = write_csv(tmp_path / "table.csv", ROWS[:30])
    embed(read_table(table), toy_recipe(), "s3://bucket/again.h5", store=PARTS)
    another_machine(monkeypatch, tmp_path / "other")
    assert embed(read_table(table), toy_recipe(), "s3://bucket/again.h5", store=PARTS).up_to_date

    more = write_csv(tmp_path / "more.csv", [*ROWS[:30], ("ham", "one more")])
    recipe = toy_recipe()
    embed(read_table(more), recipe, "s3://bucket/again.h5", store=PARTS)
    assert recipe.encoder.seen == ["one more"]


def test_a_store_that_was_replaced_comes_again(bucket, tmp_path, monkeypatch):  # noqa: F811
    """What is on this machine is believed only as long as it is what is there; also when it has gone."""
    here, there = tmp_path / "here", tmp_path / "there"
    for machine, rows in ((here, ROWS[:10]), (there, ROWS[10:30])):
        another_machine(monkeypatch, machine)
        table = write_csv(tmp_path / f"{machine.name}.csv", rows)
        embed(read_table(table), toy_recipe(), "s3://bucket/r.h5", store=PARTS, overwrite=True)
    another_machine(monkeypatch, here)
    with FeatureStore("s3://bucket/r.h5") as store:
        store.verify()
        assert list(store.texts[:]) == [text for _, text in ROWS[10:30]]

    open_filesystem("s3://bucket")[0].delete_file("bucket/r.h5")
    with pytest.raises(InputError, match="s3://bucket/r.h5: no such file"):
        FeatureStore("s3://bucket/r.h5")


def test_only_what_is_read_comes(bucket, in_tmp, monkeypatch):  # noqa: F811
    """The index for labels and texts, a part for its rows; nothing twice; a store is as large as it is there."""
    table = write_csv(in_tmp / "t.csv", ROWS)
    made = embed(read_table(table), "static", "s3://bucket/few/few", store=PARTS)
    with FeatureStore(made.path) as store:
        size, expected = store.size, store.to_numpy()
    another_machine(monkeypatch, in_tmp / "other")
    came, real = [], Mirror._get

    def get(self, system, name, info):
        came.append((name.rpartition("/")[2], info.size))
        real(self, system, name, info)

    monkeypatch.setattr(Mirror, "_get", get)
    shown = CliRunner().invoke(cli, ["features", "info", "s3://bucket/few/few"])
    assert shown.exit_code == 0, shown.output
    assert embed(read_table(table), "static", "s3://bucket/few/few", store=PARTS).up_to_date
    assert [name for name, _ in came] == ["few.h5"]
    assert came[0][1] < size / 4

    with FeatureStore("s3://bucket/few/few") as store:
        assert (len(store), store.size, list(store.texts[:])) == (60, size, [text for _, text in ROWS])
        assert [name for name, _ in came] == ["few.h5"]
        assert (store.features[10:12] == expected[10:12]).all()
        assert (store.features[50] == expected[50]).all()
        assert [name for name, _ in came[1:]] == ["part-000001.h5", "part-000007.h5"]
    trained = CliRunner().invoke(cli, ["classify", "s3://bucket/few/few", "--cv", "2", "--identical", "bytes"])
    assert trained.exit_code == 0, trained.output
    assert sum(length for _, length in came) == size
    assert len({name for name, _ in came}) == len(came) == 10


def test_a_part_that_was_replaced_while_its_store_is_open(bucket, tmp_path, monkeypatch):  # noqa: F811
    """Rows of two stores are never mixed: one line says what happened."""
    table = write_csv(tmp_path / "t.csv", ROWS)
    embed(read_table(table), toy_recipe(), "s3://bucket/mixed", store=PARTS)
    another_machine(monkeypatch, tmp_path / "other")
    with FeatureStore("s3://bucket/mixed") as store:
        system, _ = open_filesystem("s3://bucket")
        place = next(path for path in objects("s3://bucket/mixed") if path.endswith("part-000003.h5"))
        time.sleep(1.1)  # times of objects are seconds
        with system.open_output_stream(place, compression=None) as file:
            file.write(bytes(store._mirror.size(store.parts["files"][3][0])))
        assert len(store.read(0, 7)) == 7
        with pytest.raises(FailureError, match=r"part-000003.h5 was replaced while its store was read; try again"):
            store.read(20, 30)


PROGRAM = (
    "import sys; from embed import StoreOptions, embed, read_table; from helpers.fragile import fragile_recipe;"
    " from pathlib import Path; embed(read_table(sys.argv[1]), fragile_recipe(Path(sys.argv[1]).parent), sys.argv[2],"
    " store=StoreOptions(part_rows=4, layout='parts'))"
)


def test_killed_in_the_middle_goes_on_elsewhere(bucket, tmp_path, monkeypatch):  # noqa: F811
    """What is there is whole, and no text of it is encoded again, though nothing is left of the machine."""
    rows = [("ham", f"text {i} {'SLOW' if i % 4 == 0 else ''}") for i in range(24)]
    table, address = write_csv(tmp_path / "table.csv", rows), "s3://bucket/kill/k.h5"
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    environment = os.environ | {"PYTHONPATH": paths, "TK_CACHE_DIR": str(tmp_path / "first")}
    writer = subprocess.Popen([sys.executable, "-c", PROGRAM, str(table), address], env=environment)
    while len(objects("s3://bucket/kill")) < 2:
        assert writer.poll() is None
        time.sleep(0.05)
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    finished = len(objects("s3://bucket/kill"))
    before = len((tmp_path / "log").read_text().splitlines())
    shutil.rmtree(tmp_path / "first")
    another_machine(monkeypatch, tmp_path / "second")
    embed(read_table(table), fragile_recipe(tmp_path), address, store=StoreOptions(part_rows=4, layout="parts"))

    assert len((tmp_path / "log").read_text().splitlines()) - before == 24 - 4 * finished
    local = tmp_path / "local" / "k.h5"
    embed(read_table(table), fragile_recipe(tmp_path), local, store=StoreOptions(part_rows=4, layout="parts"))
    assert without_times(Mirror(address).output) == without_times(local)


def test_from_the_command_line(bucket, in_tmp):  # noqa: F811
    """A table there, its store there, and a run here; a whole store is refused with what to do."""
    address = bucket(write_csv(in_tmp / "t.csv", commands.ROWS), "cli/t.csv")
    out = "s3://bucket/cli/store/"
    refused = CliRunner().invoke(cli, ["embed", address, "--out", out])
    assert (refused.exit_code, "add --layout parts" in refused.stderr) == (2, True)
    made = CliRunner().invoke(cli, ["embed", address, "--layout", "parts", "--out", out])
    assert made.exit_code == 0, made.output
    assert "store: s3://bucket/cli/store/store.h5 (" in made.stdout
    for features in (out, f"{out}store.h5:dims=100"):
        trained = CliRunner().invoke(cli, ["classify", "--features", features, "--cv", "2"])
        assert trained.exit_code == 0, trained.output
    assert {run.name for run in Path("runs").iterdir()} == {"store.logistic", "store-100.logistic"}
    assert not Path("s3:").exists()


def test_a_store_in_a_bucket_that_is_not_there(bucket, in_tmp):  # noqa: F811
    """It is said before anything is encoded; a run that is trained on it says the same."""
    write_csv(in_tmp / "t.csv", commands.ROWS)
    out = "s3://no-such-bucket/store/"
    for command in (["embed", "t.csv", "--layout", "parts", "--out", out], ["classify", "--features", out]):
        done = CliRunner().invoke(cli, command)
        assert done.exit_code == 2
        assert done.stderr.splitlines()[-1].endswith(
            "there is no bucket no-such-bucket; correct its name, or make it first"
        )


@pytest.mark.parametrize("key", ["../../evil.h5", f"{'0' * 32}/../../../part-000000.h5", "..", "/etc/evil"])
def test_no_object_leaves_the_copy(key, tmp_path, monkeypatch):
    """Keys in a bucket are any text, also a path that leads elsewhere: nothing is fetched then."""
    monkeypatch.setenv("TK_CACHE_DIR", str(tmp_path / "cache"))
    infos = [fs.FileInfo(f"bucket/s/s.h5.parts/{key}", fs.FileType.File, size=4)]
    monkeypatch.setattr(
        mirror, "list_files", lambda address, below="": (None, infos if below.endswith("parts") else [])
    )

    with pytest.raises(InputError, match="is no part of a store; delete it there"):
        Mirror("s3://bucket/s").fetch()
    assert not list(tmp_path.rglob("evil*"))
