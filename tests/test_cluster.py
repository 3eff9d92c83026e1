"""Ray's clusters as they are: a token, machines that come, are unfit or go; what travels; a scheduler that ends us."""

import os
import pickle
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from helpers import ROOT
from helpers.machines import machine_recipe, machines
from helpers.reporter import Recorder
from helpers.toy import write_csv
from test_ray import cluster  # noqa: F401 (a fixture)
from test_resume import without_times

from embed import Cluster, StoreOptions, embed, read_table
from embed.part import PartPlan
from stores import InputError
from stores.reuse_index import ReuseIndex

pytest.importorskip("ray")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="Ray's nodes are not for Windows"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning", "ignore::FutureWarning"),
]
MANY = [("ham" if i % 3 else "spam", f"text {i} {'Word' * (i % 7)}") for i in range(240)]


@contextmanager
def another_machine(cluster, name, weights="ours"):  # noqa: F811
    """Within, the cluster has a machine of this name, with these weights."""
    given = {"TOY_MACHINE": name, "TOY_WEIGHTS": weights}
    node = cluster.add_node(num_cpus=2, object_store_memory=100 << 20, env_vars=given)
    yield node
    cluster.remove_node(node, allow_graceful=True)


class Tells(Recorder):
    """Keeps the notes, and calls ``when`` at the first progress."""

    def __init__(self, when):
        super().__init__()
        self.when = when

    def progress(self, progress):
        """The function is called once."""
        if not self.states:
            self.when()
        super().progress(progress)


def embed_slowly(tmp_path, workers, reporter, **options):
    """Many parts of 0.2 seconds each."""
    table = read_table(write_csv(tmp_path / "table.csv", MANY))
    cluster = Cluster(workers=workers, **options)  # noqa: F811
    return embed(
        table, machine_recipe(tmp_path), tmp_path / "a.h5", store=StoreOptions(part_rows=4), cluster=cluster,
        reporter=reporter,
    )  # fmt: skip


@pytest.mark.parametrize("workers", [(1, 3), None])
def test_machine_that_joins_later_is_used(cluster, tmp_path, monkeypatch, workers):  # noqa: F811
    """Where there may be more workers, and where as many are wanted as fit; the bytes are the same."""
    monkeypatch.setattr("embed.engines.pool.LOOK", 0.2)
    added = []
    told = Tells(lambda: added.append(cluster.add_node(
        num_cpus=2, object_store_memory=100 << 20, env_vars={"TOY_MACHINE": "second"}
    )))  # fmt: skip
    summary = embed_slowly(tmp_path, workers, told, cpus=2)
    cluster.remove_node(added[0], allow_graceful=True)

    assert machines(tmp_path) == {"first", "second"}
    assert "start on the 1 machine of" in told.notes[0] or "start on this machine" in told.notes[0]
    assert re.fullmatch(r"the first worker, on \S+, has its encoder after \d+ s", told.notes[1])
    local = tmp_path / "local" / "a.h5"
    embed(read_table(tmp_path / "table.csv"), machine_recipe(tmp_path), local, store=StoreOptions(part_rows=4))
    assert without_times(summary.path) == without_times(local)


def test_machine_with_other_weights_is_left_out(cluster, tmp_path):  # noqa: F811
    """One line says so, and the others do all of the work."""
    told = Recorder()
    with another_machine(cluster, "second", "theirs"):
        summary = embed_slowly(tmp_path, 2, told, cpus=2)

    assert machines(tmp_path) == {"first"}
    assert summary.totals["rows"] == len(MANY)
    left_out = [note for note in told.notes if "left out" in note]
    assert len(left_out) == 1
    assert "another identity than the driver's" in left_out[0]


def test_machine_that_goes_is_one_line(cluster, tmp_path):  # noqa: F811
    """Of the machine, or of its worker where the cluster does not know of it yet; in plain letters."""
    with another_machine(cluster, "second"):
        pass
    node = cluster.add_node(num_cpus=2, object_store_memory=100 << 20, env_vars={"TOY_MACHINE": "second"})
    told = Tells(lambda: cluster.remove_node(node, allow_graceful=False))
    embed_slowly(tmp_path, 2, told, cpus=2)

    lost = [note for note in told.notes if "has left the cluster" in note or "a worker on" in note]
    assert len(lost) == 1
    assert not any("\x1b" in note for note in told.notes)


def test_a_row_travels_once(tmp_path):
    """A part carries its texts, hashes and places alone, however the table was read: Arrow's slices bring no file."""
    text = "word " * 15  # 75 bytes
    rows = [("ham" if i % 3 else "spam", f"{text}{i:05}") for i in range(8192)]
    block = list(read_table(write_csv(tmp_path / "table.csv", rows)).blocks(512))[7]
    plan = PartPlan.plan(7, block, block.texts, ReuseIndex("0"), ReuseIndex("0"), (0.0, 1.0))
    travels = pickle.dumps(plan, protocol=5)

    assert len(travels) / len(block) < 80 + 150
    again = pickle.loads(travels)
    assert again.rows.texts == block.texts == again.new_texts


@pytest.mark.parametrize("workers", [(3, 2), (-1, 2), (0, 0), 0])
def test_impossible_numbers_of_workers_are_refused(workers):
    """The fewest are not more than the most, and there is one at least."""
    with pytest.raises(InputError, match="`workers="):
        Cluster(workers=workers)


def free_port():
    """A port that nobody listens at."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def guide_commands():
    """The commands of the guide for several machines, without what is said of them."""
    text = (ROOT / "docs/guide/machines.md").read_text()
    block = next(block for block in re.findall(r"```bash\n(.*?)```", text, re.S) if "ray start" in block)
    return [line.partition("  #")[0].strip() for line in block.splitlines()]


@contextmanager
def running(command, environment, log):
    """A command that goes on until the end of the block."""
    with open(log, "w") as file:
        process = subprocess.Popen(command.split(), env=environment, stdout=file, stderr=file)
    yield process
    process.terminate()
    process.wait(30)


@pytest.fixture(scope="module")
def with_token():
    """The guide's commands given to two nodes of this machine, up to ``tk``; that command, and the environment."""
    with tempfile.TemporaryDirectory(prefix="ray") as folder:  # sockets have short names
        token, mode, head, node, embed_, status, _ = guide_commands()
        port, home = free_port(), Path(folder) / "home"
        home.mkdir()
        clean = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        clean |= {"HOME": str(home), "PATH": path, "RAY_USAGE_STATS_ENABLED": "0", "TK_STORE_INDEX": "off"}
        clean |= {"PYTHONPATH": str(ROOT), "RAY_TMPDIR": folder}
        asking = clean | dict([mode.removeprefix("export ").split("=")])
        subprocess.run(token.split(), env=clean, check=True, capture_output=True)
        here = {"HEAD:6379": f"127.0.0.1:{port}", "--port 6379": f"--port {port}"}

        def at_this_port(command):
            for old, new in here.items():
                command = command.replace(old, new)
            return command

        small = " --num-cpus 1 --object-store-memory 100000000 --block"
        head = at_this_port(head) + small + f" --include-dashboard=false --ray-client-server-port {free_port()}"
        with running(head, asking, home / "head") as process:
            while "Ray runtime started" not in (home / "head").read_text():
                assert process.poll() is None, (home / "head").read_text()
                time.sleep(0.2)
            with running(at_this_port(node) + small, asking, home / "node"):
                yield at_this_port(embed_), at_this_port(status) + f" --address 127.0.0.1:{port}", clean, asking


def of_the_guide(command, table, out):
    """That command line of ``tk``, with an encoder, a table and an output that there are."""
    command = command.replace("--encoder bert --model FOLDER", "--encoder static").replace("reviews.csv", str(table))
    words = command.replace("/shared/reviews.bert.h5", str(out)).split()
    return [sys.executable, "-m", "cli", *words[1:]]


def test_the_guide_works_with_a_token(with_token, tmp_path):
    """``tk`` sends it without being told; what shows the cluster does so; without it, one line says what to do."""
    command, status, clean, asking = with_token
    table, out = write_csv(tmp_path / "table.csv", MANY), tmp_path / "a.h5"
    line = of_the_guide(command, table, out)
    done = subprocess.run(line, env=clean, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "2 workers of 1 CPU start on the 2 machines" in done.stderr
    assert not re.search(r"\x1b|gcs_client", done.stderr + done.stdout)

    end = time.monotonic() + 60  # Ray gathers its status for some seconds first, and says so
    while "CPU" not in subprocess.run(status.split(), env=asking, capture_output=True, text=True, check=True).stdout:
        assert time.monotonic() < end
        time.sleep(1)

    stranger = clean | {"HOME": str(tmp_path)}
    refused = subprocess.run([*line, "--overwrite"], env=stranger, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert refused.stderr.splitlines()[-1].endswith("have its text in RAY_AUTH_TOKEN")
    assert "Traceback" not in refused.stderr


def test_a_scheduler_ends_the_command(with_token, tmp_path):
    """SIGTERM is Ctrl-C: parts stay, one line, no stack of compiled code; the same command goes on."""
    command, _, clean, _ = with_token
    rows = [("ham" if i % 3 else "spam", f"text {i} {'Word' * (i % 7)}") for i in range(400_000)]
    table, out = write_csv(tmp_path / "table.csv", rows), tmp_path / "a.h5"
    line = of_the_guide(command, table, out)
    driver = subprocess.Popen(line, env=clean, stderr=subprocess.PIPE, text=True)
    while not list(tmp_path.glob("a.h5.parts/*/part-*.h5")):
        assert driver.poll() is None
        time.sleep(0.05)
    driver.send_signal(signal.SIGTERM)
    said = driver.communicate()[1]
    assert driver.returncode == 128 + signal.SIGTERM
    assert said.splitlines()[-1].startswith("Error: ended by SIGTERM; what is finished is kept")
    assert "SIGTERM received" not in said
    assert list(tmp_path.glob("a.h5.parts/*/part-*.h5"))
