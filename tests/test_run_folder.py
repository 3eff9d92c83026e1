"""A run on the disk: damaged, mangled and foreign files are one line, and a name has one maker."""

import gc
import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from helpers import ROOT
from helpers.commands import tk
from helpers.stores import make_store, pooled

from classify import Predictor, classify, read_run
from classify.run_folder import FolderClaims, recipe_digest
from stores import FailureError, InputError


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of a run."""
    folder = tmp_path_factory.mktemp("finished")
    x = np.random.default_rng(3).normal(size=(60, 4)) + 2 * (np.arange(60) % 2)[:, None]
    store = make_store(folder / "some.h5", pooled(x), ["no", "yes"] * 30, [f"text {i}" for i in range(60)])
    (run,) = classify(store, ["nb"], cv=2, out=folder / "run")
    return run.folder


@pytest.fixture
def run(finished, tmp_path):
    """A copy that may be damaged."""
    return shutil.copytree(finished, tmp_path / "run")


def use(folder):
    """Everything that is read of a run: recipe, scores, predictions, model."""
    found = read_run(folder)
    found.predictions()
    return Predictor(found)


def weights_of(folder):
    """The largest file of the model."""
    return max((path for path in (folder / "model").rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)


def test_every_file_has_a_digest(run):
    """All but the recipe, which holds them; a run that is as it was written is used."""
    files = {path.relative_to(run).as_posix() for path in run.rglob("*") if path.is_file()}

    assert set(read_run(run).recipe.files) == {name for name in files - {"recipe.json"} if "report" not in name}
    assert use(run).classes == ["no", "yes"]


@pytest.mark.parametrize("seed", range(12))
def test_no_flipped_bit_goes_unnoticed(run, seed):
    """One bit of one file: refused, in one line that names the run."""
    rng = np.random.default_rng(seed)
    files = sorted(path for path in run.rglob("*") if path.is_file())
    path = files[seed % len(files)]
    content = bytearray(path.read_bytes())
    content[rng.integers(len(content))] ^= 1 << rng.integers(8)
    path.write_bytes(content)

    with pytest.raises(FailureError) as error:
        use(run)
    assert str(run) in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("how", ["gone", "cut", "new"])
def test_files_that_are_gone_cut_or_new_are_named(run, how):
    """A file that nobody wrote could change what is predicted, as one that is changed."""
    model = weights_of(run)
    if how == "gone":
        model.unlink()
    elif how == "cut":
        model.write_bytes(model.read_bytes()[:100])
    else:
        model = run / "model/components.npy"
        np.save(model, np.zeros((1, 2)))

    with pytest.raises(FailureError, match=f"{model.name} (is missing|is damaged or changed|was not written)"):
        use(run)


MANGLED = {
    "no classes": lambda recipe: recipe.pop("classes"),
    "classes a text": lambda recipe: recipe.update(classes="ab"),
    "one class twice": lambda recipe: recipe.update(classes=["a", "a"]),
    "strange problem": lambda recipe: recipe.update(problem="poetry"),
    "positive is no class": lambda recipe: recipe.update(positive="maybe"),
    "no features": lambda recipe: recipe.pop("features"),
    "features a list": lambda recipe: recipe.update(features=[]),
    "seed a text": lambda recipe: recipe.update(seed="0"),
    "head a text": lambda recipe: recipe.update(head="nb"),
    "rows true": lambda recipe: recipe["rows"].update(labelled=True),
    "files a number": lambda recipe: recipe.update(files=3),
}


@pytest.mark.parametrize("change", MANGLED.values(), ids=MANGLED)
def test_mangled_recipes_are_one_line(run, change):
    """Also one that somebody gave a fitting digest: its entries are checked for type and sense."""
    recipe = json.loads((run / "recipe.json").read_text())
    change(recipe)
    recipe["digest"] = recipe_digest(recipe)
    (run / "recipe.json").write_text(json.dumps(recipe))

    with pytest.raises(FailureError, match="run is damaged: recipe.json: "):
        read_run(run)


@pytest.mark.parametrize("name", ["recipe.json", "metrics.json"])
@pytest.mark.parametrize("content", ["", "[]", "null", "{", "[" * 200_000, '{"a":' * 50_000, "1" * 5000])
def test_nonsense_and_deep_nesting_are_one_line(run, name, content):
    """In a run without digests too, as those made before are."""
    recipe = json.loads((run / "recipe.json").read_text())
    del recipe["files"], recipe["digest"]
    (run / "recipe.json").write_text(json.dumps(recipe))
    (run / name).write_text(content)

    with pytest.raises(FailureError, match=rf"run is damaged: {name}: "):
        read_run(run)


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")  # numpy's
@pytest.mark.parametrize("seed", range(6))
def test_runs_without_digests_stay_readable_and_damage_is_one_line(run, seed):
    """Runs made before; what a library says of a damaged model is not a traceback."""
    recipe = json.loads((run / "recipe.json").read_text())
    del recipe["files"], recipe["digest"]
    (run / "recipe.json").write_text(json.dumps(recipe))
    assert len(use(run).sources) == 1

    model = weights_of(run)
    content = bytearray(model.read_bytes())
    content[np.random.default_rng(seed).integers(len(content))] ^= 0x10
    model.write_bytes(content[: len(content) - seed * 50])
    try:
        use(run)
    except FailureError as error:
        assert "\n" not in str(error)
    gc.collect()  # NumPy leaves the damaged file open, which is said here


def test_model_of_another_number_of_classes_is_refused(run):
    """Without digests the lengths are looked at: other ones would give other probabilities, silently."""
    recipe = json.loads((run / "recipe.json").read_text())
    del recipe["files"], recipe["digest"]
    (run / "recipe.json").write_text(json.dumps(recipe))
    state = json.loads((run / "model/model.json").read_text())
    state["fitted"] = state["fitted"] + [1.0]
    (run / "model/model.json").write_text(json.dumps(state))

    with pytest.raises(FailureError, match="it is not of 2 classes"):
        use(run)


def test_a_name_has_one_maker(tmp_path):
    """Two that want the same name at once get two, and leave nothing behind; a given name is refused at once."""
    wanted = tmp_path / "runs/x"
    with FolderClaims() as first, FolderClaims() as second:
        assert first.claim(wanted).name == "x"
        assert second.claim(wanted).name == "x-2"
        assert first.claim(wanted).name == "x-3"
    assert not list((tmp_path / "runs").iterdir())
    with FolderClaims() as first, FolderClaims() as second:
        first.claim(wanted, numbered=False)
        with pytest.raises(InputError, match="exists already, or is being made"):
            second.claim(wanted, numbered=False)


def test_a_damaged_run_is_one_line_on_the_command_line(run):
    """Exit code 1, no traceback, no request to report it."""
    model = weights_of(run)
    model.write_bytes(model.read_bytes()[:-7])
    said = tk("speed", str(run), code=1).output

    assert "damaged or changed" in said
    assert "report it" not in said


@pytest.mark.slow
def test_two_commands_at_once_lose_nothing(tmp_path):
    """Both train the same head on the same store, in processes of their own; each gets a run, and no lock stays."""
    x = np.random.default_rng(3).normal(size=(60, 4)) + 2 * (np.arange(60) % 2)[:, None]
    make_store(tmp_path / "some.h5", pooled(x), ["no", "yes"] * 30, [f"text {i}" for i in range(60)])
    command = [sys.executable, "-m", "cli", "classify", "some.h5", "--head", "nb", "--no-report"]
    started = [
        subprocess.Popen([*command, "--seed", str(seed)], cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)},
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for seed in (1, 2)
    ]  # fmt: skip
    for process in started:
        process.communicate()

    assert [process.returncode for process in started] == [0, 0]
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == ["some.nb", "some.nb-2"]
    assert {read_run(tmp_path / "runs" / name).recipe.seed for name in ("some.nb", "some.nb-2")} == {1, 2}
