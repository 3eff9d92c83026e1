"""--engine ray: the bytes of the local engine, whatever dies."""

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from helpers.fragile import fragile_recipe
from helpers.reporter import RowsTold
from helpers.toy import TEN_ROWS, toy_recipe, write_csv
from test_resume import without_times

from embed import Cluster, Recipe, StoreOptions, embed, read_table
from embed.engines.cluster import connected
from embed.engines.poison_texts import find_culprits
from stores import FailureError, FeatureStore, InputError

ray = pytest.importorskip("ray")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning", "ignore::FutureWarning"),
]
ROOT = Path(__file__).parents[1]
ROWS = [("ham" if i % 3 else "spam", f"message {i % 31} {'Word' * (i % 7)}") for i in range(60)]
TWO = Cluster(workers=2)


@pytest.fixture(scope="module")
def cluster():
    """A cluster of one node with 3 CPUs, whose workers find these tests; more nodes can be added."""
    from ray.cluster_utils import Cluster as Nodes

    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled"}
    node = {"num_cpus": 3, "object_store_memory": 100 << 20, "include_dashboard": False}
    nodes = Nodes(initialize_head=True, head_node_args=node)
    ray.init(nodes.address, log_to_driver=False, logging_level="ERROR")
    yield nodes
    ray.shutdown()
    nodes.shutdown()
    os.environ.pop("PYTHONPATH")
    if before is not None:
        os.environ["PYTHONPATH"] = before


def both(table, tmp_path, recipe, **options):
    """The stores of the local engine and of two workers, each in a folder of its own."""
    for name, engine in (("local", None), ("ray", TWO)):
        embed(read_table(table), recipe(), tmp_path / name / "a.h5", cluster=engine, **options)
    return tmp_path / "local" / "a.h5", tmp_path / "ray" / "a.h5"


def fragile(tmp_path, rows, bad_rows="error", part_rows=4):
    """The store that two workers make of these rows with the fragile encoder; and the summary."""
    path = write_csv(tmp_path / "table.csv", rows)
    table = read_table(path, bad_rows=bad_rows).listing_bad_rows(tmp_path / "bad.jsonl")
    return embed(
        table, fragile_recipe(tmp_path), tmp_path / "a.h5", store=StoreOptions(part_rows=part_rows), cluster=TWO
    )


def expected_bytes(tmp_path, summary):
    """The bytes of the local engine on the same table, when nothing does harm any more (all of it was ``once``)."""
    out = tmp_path / "again" / "a.h5"
    embed(read_table(tmp_path / "table.csv"), fragile_recipe(tmp_path), out, store=StoreOptions(part_rows=4))
    return without_times(out) == without_times(summary.path)


@pytest.mark.parametrize("address", ["127.0.0.1:9", "ray://127.0.0.1:9"])
def test_address_where_nobody_listens_is_an_error(address):
    """At once, and in one line."""
    with (
        pytest.raises(FailureError, match=f"`address={address!r}`: no Ray cluster answers"),
        connected(Cluster(address)),
    ):
        pass


@pytest.mark.parametrize(("encoder", "layout"), [("static", "whole"), ("static", "parts"), ("words", "whole")])
def test_same_bytes_as_the_local_engine(cluster, tmp_path, encoder, layout):
    """Vectors and ids, with texts that are in several parts, and some that another store knows."""

    def recipe():
        return Recipe.of(encoder)

    table = write_csv(tmp_path / "table.csv", [*TEN_ROWS, *ROWS])
    for name in ("local", "ray"):
        embed(read_table(write_csv(tmp_path / "old.csv", ROWS[:9])), recipe(), tmp_path / name / "old.h5")
    local, by_two = both(table, tmp_path, recipe, store=StoreOptions(part_rows=3, layout=layout))

    assert without_times(by_two) == without_times(local)
    with FeatureStore(by_two) as store:
        store.verify()
        assert store.totals["reused"] == len({text for _, text in ROWS[:9]})


def test_every_text_is_encoded_once(cluster, tmp_path):
    """Also where parts that need the same text are under way at the same time."""
    rows = [("ham", f"text {i // 2}") for i in range(40)] + [("ham", "text 3")] * 9
    fragile(tmp_path, rows)

    assert Counter(logged(tmp_path)) == Counter({f"text {i}" for i in range(20)})


def test_workers_that_die_lose_nothing(cluster, tmp_path):
    """In the middle of a part, right before it counts, or out of memory: it is made again, and the same bytes come."""
    harm = [("spam", f"{name} {name} once") for name in ("KILL", "KILL-WRITE", "MEMORY")]
    summary = fragile(tmp_path, [*ROWS[:9], harm[0], *ROWS[9:20], harm[1], *ROWS[20:40], harm[2], *ROWS[40:]])

    assert len(list(tmp_path.glob("*.marker"))) == 3
    assert summary.totals["rows"] == 63
    assert expected_bytes(tmp_path, summary)


def find_among_thousand(deadly):
    """What is found, where every fifth process dies without a reason."""
    deaths = itertools.count()
    kills = lambda texts: bool(deadly & set(texts)) or next(deaths) % 5 == 4  # noqa: E731
    return set(find_culprits([str(i) for i in range(1000)], kills, 3))


def test_deadly_text_is_found_among_harmless_ones():
    """None of a thousand, one, or two, where processes die for another reason too, now and then."""
    assert all(find_among_thousand(deadly) == deadly for deadly in (set(), {"511"}, {"0", "999"}))


def test_deadly_text_is_named(cluster, tmp_path):
    """It is found among those of its part, and the error tells the line and what to do; finished parts stay."""
    rows = [*ROWS[:10], ("spam", "a KILL always"), *ROWS[10:20]]
    with pytest.raises(FailureError, match=r"line 12: its text, .*'a KILL always'.* 3 times; .*`bad_rows='skip'`"):
        fragile(tmp_path, rows, part_rows=2)

    assert list(tmp_path.glob("a.h5.parts/*/part-*.h5"))


def test_deadly_texts_are_skipped_when_asked(cluster, tmp_path, monkeypatch):
    """Their rows, also in later parts, are counted and listed; all others are what they are without these."""
    monkeypatch.setattr("embed.engines.dispatch.STRIKES", 1)  # once is enough here: it takes seconds each time
    deadly = [("spam", "a KILL always"), ("ham", "another KILL")]
    rows = [*ROWS[:9], *deadly, *ROWS[9:20], deadly[0], *ROWS[20:]]
    summary = fragile(tmp_path, rows, bad_rows="skip")

    assert summary.totals["bad_rows"] == 3
    listed = [json.loads(line) for line in (tmp_path / "bad.jsonl").read_text().splitlines()]
    assert sorted((row["line"], row["row"]) for row in listed) == [
        (11, deadly[0][1]),
        (12, deadly[1][1]),
        (24, rows[22][1]),
    ]
    with FeatureStore(summary.path) as store:
        store.verify()
        assert store.texts[:] == [text for _, text in ROWS]
        assert (store.read().outputs["pooled"] == toy_recipe().encode(store.texts[:]).outputs["pooled"]).all()


@pytest.mark.parametrize("first", [None, TWO])
def test_engines_go_on_from_each_other(cluster, tmp_path, first):
    """A run that ends after some parts is finished by the other engine, to the same bytes."""
    table = write_csv(tmp_path / "table.csv", ROWS)

    def stop(rows):
        if rows >= 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        embed(
            read_table(table),
            toy_recipe(),
            tmp_path / "a.h5",
            store=StoreOptions(part_rows=4),
            cluster=first,
            reporter=RowsTold(stop),
        )
    assert len(list(tmp_path.glob("a.h5.parts/*/part-*.h5"))) >= 3  # some that were encoded are not written yet
    embed(
        read_table(table),
        toy_recipe(),
        tmp_path / "a.h5",
        store=StoreOptions(part_rows=4),
        cluster=None if first else TWO,
    )
    embed(read_table(table), toy_recipe(), tmp_path / "b" / "a.h5", store=StoreOptions(part_rows=4))

    assert without_times(tmp_path / "a.h5") == without_times(tmp_path / "b" / "a.h5")


def test_node_that_disappears_loses_nothing(cluster, tmp_path):
    """Two nodes, a worker on each; one node goes while its worker is at work, the other one does the rest."""
    node = cluster.add_node(num_cpus=3, object_store_memory=100 << 20)
    rows = [("ham", f"text {i} {'SLOW' if i % 4 == 0 else ''}") for i in range(40)]
    table = read_table(write_csv(tmp_path / "table.csv", rows))
    gone = []

    def lose(done):
        if not gone:
            gone.append(cluster.remove_node(node, allow_graceful=False))

    wide = Cluster(workers=2, cpus=2)  # two do not fit one node
    summary = embed(
        table,
        fragile_recipe(tmp_path),
        tmp_path / "a.h5",
        store=StoreOptions(part_rows=4),
        cluster=wide,
        reporter=RowsTold(lose),
    )

    assert gone
    assert summary.totals["rows"] == 40
    assert expected_bytes(tmp_path, summary)


def test_workers_that_never_come_are_an_error(cluster, tmp_path):
    """Somebody else holds the CPUs: one line says so after a while, instead of waiting for ever."""

    @ray.remote(num_cpus=3)
    class Other:
        def here(self):
            return True

    other = Other.remote()
    ray.get(other.here.remote())
    table = read_table(write_csv(tmp_path / "table.csv", ROWS))
    with pytest.raises(FailureError, match="nothing has moved for 1 seconds: no worker runs. 2 of 1 CPUs"):
        embed(table, toy_recipe(), tmp_path / "a.h5", cluster=Cluster(workers=2, patience=1))
    ray.kill(other)


def test_more_workers_than_fit_are_refused(cluster, tmp_path):
    """Before anything is read."""
    table = read_table(write_csv(tmp_path / "table.csv", ROWS))
    with pytest.raises(InputError, match=r"`workers=9` with 1 CPUs and 0 GPUs each: the cluster has \d CPUs"):
        embed(table, toy_recipe(), tmp_path / "a.h5", cluster=Cluster(workers=9))


def test_other_weights_on_a_worker_are_refused(cluster, tmp_path):
    """The vectors of a worker must be those that the driver's identity promises."""
    recipe = toy_recipe(scale=2.0)
    recipe.options["scale"] = 3.0  # what the worker loads
    table = read_table(write_csv(tmp_path / "table.csv", ROWS))
    with pytest.raises(FailureError, match="has another identity than the driver's"):
        embed(table, recipe, tmp_path / "a.h5", cluster=TWO)


def what_stays(tmp_path):
    """How many parts there are, and texts that were encoded, when the workers have ended after their driver."""
    found = None
    while (now := (len(list(tmp_path.glob("a.h5.parts/*/part-*.h5"))), len(logged(tmp_path)))) != found:
        found = now
        time.sleep(2)  # a worker that is still there does something within it
    return found


def logged(tmp_path):
    """The texts that workers were given, in their order."""
    return (tmp_path / "log").read_text().splitlines()


def test_driver_that_is_killed_goes_on(tmp_path):
    """The command with a cluster of its own: killed in the middle, given again, and nothing finished is done again."""
    rows = [("ham", f"text {i} {'SLOW' if i % 4 == 0 else ''}") for i in range(24)]
    table, out = write_csv(tmp_path / "table.csv", rows), tmp_path / "a.h5"
    program = (
        "import sys; from embed import Cluster, StoreOptions, embed, read_table;"
        " from helpers.fragile import fragile_recipe; from pathlib import Path; table, out = sys.argv[1:];"
        " embed(read_table(table), fragile_recipe(Path(table).parent), out, store=StoreOptions(part_rows=4),"
        " cluster=Cluster(workers=2))"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
    command = [sys.executable, "-c", program, str(table), str(out)]
    driver = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    while not list(tmp_path.glob("a.h5.parts/*/part-*.h5")):
        assert driver.poll() is None
        time.sleep(0.05)
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    finished, before = what_stays(tmp_path)
    subprocess.run(command, env=environment, check=True)

    assert len(logged(tmp_path)) - before == 24 - 4 * finished
    local = tmp_path / "again" / "a.h5"
    embed(read_table(table), fragile_recipe(tmp_path), local, store=StoreOptions(part_rows=4))
    assert without_times(out) == without_times(local)
