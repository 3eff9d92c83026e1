"""tk predict --engine ray: the bytes of the local command, in order, from workers that may die."""

import json
import sys
from pathlib import Path

import pytest
from helpers.commands import ROWS, tk
from helpers.fragile import fragile_recipe
from helpers.toy import toy_recipe, write_csv
from test_nightly import RUN
from test_nightly import interrupted as _interrupted
from test_ray import ROWS as MANY
from test_ray import TWO, cluster  # noqa: F401 (a fixture)
from test_several_encoders import combined, combined_folder  # noqa: F401 (fixtures)

from embed import Recipe, embed, read_table
from embed.known_texts import KnownTexts
from embed.recipes import encode_blocks
from stores import FailureError
from stores.shared.fingerprint import identity_digest

pytest.importorskip("ray")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning", "ignore::FutureWarning"),
]
interrupted = _interrupted
BY_TWO = ("--engine", "ray", "--workers", "2")


def both(run, *options, out="out"):
    """What the local command writes, and what two workers make of the same."""
    tk("predict", run, *options, "--out", "local")
    said = tk("predict", run, *options, "--out", out, *BY_TWO).stderr
    with open("local", "rb") as local, open(out, "rb") as other:
        return local.read(), other.read(), said


@pytest.mark.parametrize("form", ["csv", "jsonl", "json"])
def test_the_bytes_of_the_local_command(cluster, trained, form):  # noqa: F811
    """Many small blocks, texts that are in several of them, an empty one, one that is broken."""
    rows = [*ROWS, ("ham", ""), *ROWS[:9]]
    (trained / "new.jsonl").write_text("".join(f'{{"text": {json.dumps(text)}}}\n' for _, text in rows) + "{\n")
    options = ("new.jsonl", "--to", form, "--batch", "7", "--with-text", "--bad-rows", "skip")
    local, by_two, said = both(RUN, *options)

    assert by_two == local
    assert local.count(b"WIN cash") > 20
    assert "2 workers of 1 CPU start on" in said
    assert "1 broken rows have no prediction" in said
    assert f"{len(rows)} rows: " in said


@pytest.mark.parametrize("run", ["side", "joined", "average", "stack"])
def test_runs_of_several_encoders(cluster, combined, run):  # noqa: F811
    """Each worker has all of them, word counts too."""
    local, by_two, _ = both(f"runs/{run}", "messages.csv", "--batch", "7")
    assert by_two == local


def test_an_interrupted_prediction_goes_on_with_workers(cluster, interrupted):  # noqa: F811
    """What counts is what is written, however far the workers had come; the other way round too."""
    for first, then in (((), BY_TWO), (BY_TWO, ())):
        interrupted(*first)
        tk("predict", RUN, "new.jsonl", "--out", "expected", "--batch", "10", "--overwrite")
        said = tk("predict", RUN, "new.jsonl", "--out", "out", "--checkpoint", "cp", "--batch", "10", *then).stderr

        assert "30 rows are done already" in said
        assert Path("out").read_bytes() == Path("expected").read_bytes()
        Path("out").unlink()


def blocks(path, rows):
    """Blocks of 4 rows of a table."""
    return read_table(write_csv(path / "table.csv", rows)).blocks(4)


def encoded(tmp_path, rows, recipe=None, told=None):
    """The texts that come back and their vectors, from two workers with the fragile encoder."""
    known = [KnownTexts(recipe or fragile_recipe(tmp_path))]
    back = list(encode_blocks(blocks(tmp_path, rows), known, cluster=TWO))
    texts = [text for block, _, _ in back for text in block.texts]
    return texts, [row for _, (features,), _ in back for row in features.outputs["pooled"].tolist()]


def test_workers_that_die_lose_nothing(cluster, tmp_path):  # noqa: F811
    """In the middle of a block, or out of memory: it is encoded again, and all come back in their order."""
    harm = [("spam", f"{name} {name} once") for name in ("KILL", "MEMORY")]
    rows = [*MANY[:9], harm[0], *MANY[9:20], ("ham", "SLOW one"), harm[1], *MANY[20:]]
    texts, vectors = encoded(tmp_path, rows)

    assert len(list(tmp_path.glob("*.marker"))) == 2
    assert texts == [text for _, text in rows]
    assert vectors == toy_recipe().encode(texts).outputs["pooled"].tolist()


def test_a_deadly_text_is_named(cluster, tmp_path):  # noqa: F811
    """It is found among those of its block."""
    rows = [*MANY[:10], ("spam", "a KILL always"), *MANY[10:20]]
    with pytest.raises(FailureError, match=r"rows from line 10 on, which begins with 'a KILL always', has killed its"):
        encoded(tmp_path, rows)


def test_what_is_known_here_is_not_sent(cluster, machine, tmp_path):  # noqa: F811
    """The stores of this machine are asked first."""
    embed([text for _, text in MANY[:30]], fragile_recipe(tmp_path), tmp_path / "a.h5")
    before = set((tmp_path / "log").read_text().splitlines())
    (tmp_path / "log").unlink()
    texts, vectors = encoded(tmp_path, [*MANY[:30], ("ham", "something new")])

    assert (tmp_path / "log").read_text().splitlines() == ["something new"]
    assert before == {text for _, text in MANY[:30]}
    assert vectors == toy_recipe().encode(texts).outputs["pooled"].tolist()


def test_tables_of_joined_columns_have_workers(cluster, tmp_path):  # noqa: F811
    """How many columns a text was put together from travels too: else no worker would have the driver's identity."""
    path = tmp_path / "t.csv"
    path.write_text("title,text,label\n" + "".join(f"t {i},text {i},{'ab'[i % 2]}\n" for i in range(9)))
    table = read_table(path, text_column=["title", "text"])
    assert embed(table, Recipe.of("static"), tmp_path / "a.h5", cluster=TWO).totals["rows"] == 9


def test_a_recipe_travels_whole():
    """All that its identity depends on."""
    recipe = Recipe(toy_recipe().encoder, {"scale": 1.0}, "float16", ("lower",), (2, " "), "mean")
    again = Recipe.from_ingredients(*recipe.ingredients)
    assert identity_digest(again.identity()) == identity_digest(recipe.identity())


@pytest.mark.parametrize("options", [("--text", "a"), ("-",), ("messages.csv", "--remember")])
def test_what_workers_are_not_for(trained, options):
    """One line that says so."""
    assert "--engine ray is for --data with files" in tk("predict", RUN, *options, *BY_TWO, code=2).stderr
