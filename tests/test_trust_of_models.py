"""A run that somebody sent decides nothing: no program is run and nothing is fetched because it says so."""

import json
import shutil

import pytest
from helpers.commands import LETTERS, tk
from helpers.reporter import Recorder
from helpers.toy import write_csv

from embed import Recipe, load_encoder
from embed.models.cache import cache_folder, weights_digest
from embed.models.download import fetch
from embed.models.trust import PUBLISHERS, Trust, check_source
from stores import FailureError, InputError

ROWS = [
    ("spam" if i % 3 == 0 else "ham", f"{'win cash' if i % 3 == 0 else 'see you'} {word}")
    for i, word in enumerate(LETTERS[:30])
]


@pytest.fixture
def sent(in_tmp, lookalike, monkeypatch):
    """A run with its model inside, made on another machine: nothing of it was used on this one."""
    monkeypatch.setenv("TK_CACHE_DIR", str(in_tmp / "theirs"))
    shutil.copytree(lookalike("use4"), in_tmp / "model")
    write_csv(in_tmp / "t.csv", ROWS)
    tk("embed", "--encoder", "use", "--model", "model", "--data", "t.csv")
    tk("classify", "--features", "features/t.use.h5", "--cv", "3", "--head", "nb", "--no-report")
    monkeypatch.setenv("TK_CACHE_DIR", str(in_tmp / "ours"))
    (run,) = (in_tmp / "runs").iterdir()
    return run


def loaded(monkeypatch):
    """The folders that TensorFlow is asked to load from now on."""
    import tensorflow as tf

    real, folders = tf.compat.v1.saved_model.load_v2, []

    def load(path, **options):
        folders.append(path)
        return real(path, **options)

    monkeypatch.setattr(tf.compat.v1.saved_model, "load_v2", load)
    return folders


def test_a_program_in_a_run_is_not_run(sent, monkeypatch):
    """The digest in the run is no help, since the run's maker wrote it; ``--trust-model`` is, once."""
    folders, predict = loaded(monkeypatch), ["predict", "--run", str(sent), "--text", "win cash"]
    error = tk(*predict, code=2).stderr
    assert "is a program that would run with your rights because a run or store names it" in error
    assert "if you trust who made it, give --trust-model" in error
    assert folders == []

    assert "win cash" in tk(*predict, "--trust-model").stdout
    assert "win cash" in tk(*predict).stdout  # remembered by its digest
    assert len(folders) == 2


@pytest.mark.slow
def test_a_program_that_this_user_has_used_is_run(sent, monkeypatch):
    """``tk embed`` on this machine is trust enough, and says once what it means."""
    first = tk("embed", "--encoder", "use", "--model", "model", "--data", "t.csv", "--out", "a.h5").stderr
    again = tk("embed", "--encoder", "use", "--model", "model", "--data", "t.csv", "--out", "b.h5", "--no-reuse").stderr
    assert first.count("a SavedModel is a program that runs with your rights") == 1
    assert "SavedModel" not in again

    assert "win cash" in tk("predict", "--run", str(sent), "--text", "win cash").stdout


def test_an_encoder_of_arrays_needs_no_trust(in_tmp, lookalike, monkeypatch):
    """Word vectors in a folder that was never used here."""
    made = Recipe.of("glove", model=str(lookalike("word_vectors")))
    monkeypatch.setenv("TK_CACHE_DIR", str(in_tmp / "ours"))
    again = Recipe.from_dict(made.as_dict(), made_digest(made))

    assert again.encoder.trust is Trust.NONE
    assert again.encode(["the"]).outputs["pooled"].shape[0] == 1


def made_digest(recipe):
    """What a store keeps of a recipe."""
    from stores.shared.fingerprint import identity_digest

    return identity_digest(recipe.identity())


@pytest.mark.parametrize(
    "model",
    ["https://example.org/model", "http://127.0.0.1:9/model", "someone/some-model/tensorFlow2/base/1"],
)
def test_nothing_is_fetched_because_a_run_names_it(in_tmp, monkeypatch, model):
    """Not even asked for: an address could tell a stranger who opens his run."""
    monkeypatch.setenv("TK_CACHE_DIR", str(in_tmp / "ours"))
    monkeypatch.setattr("embed.models.resolve.fetch", lambda *_: pytest.fail("fetched"))
    recipe = {"encoder": "use", "options": {"model": model}, "dtype": "float32", "cleaning": []}

    with pytest.raises(InputError, match=r"would be fetched from .* because a run or store names it; .*`trust_model=T"):
        Recipe.from_dict(recipe, "0" * 32)


def test_names_on_the_hub_are_not_fetched_for_a_run(in_tmp, monkeypatch):
    """Nor are files of arrays, which would only be of no use."""
    monkeypatch.setenv("TK_CACHE_DIR", str(in_tmp / "ours"))
    recipe = {"encoder": "transformer", "options": {"model": "someone/some-model"}, "dtype": "float32", "cleaning": []}

    with pytest.raises(InputError, match="would be fetched from huggingface.co because a run or store names it"):
        Recipe.from_dict(recipe, "0" * 32)


def test_a_folder_called_like_a_publisher_is_no_publisher(in_tmp, monkeypatch, lookalike):
    """``google/x`` beside the run is somebody's folder."""
    monkeypatch.setenv("TK_CACHE_DIR", str(in_tmp / "ours"))
    shutil.copytree(lookalike("use4"), in_tmp / "google/x")
    made = {"encoder": "use", "options": {"model": "google/x"}, "dtype": "float32", "cleaning": []}
    identity = Recipe.of("use", model="google/x").identity()
    from stores.shared.fingerprint import identity_digest

    recipe = Recipe.from_dict(made, identity_digest(identity), reporter=Recorder())
    with pytest.raises(InputError, match="is a program that would run with your rights"):
        recipe.encode(["one"])


def test_a_recipe_sets_no_trust():
    """An option of that name is no option of an encoder."""
    recipe = {"encoder": "static", "options": {"trust": "given"}, "dtype": "float32", "cleaning": []}
    with pytest.raises(FailureError, match="the recipe has options that no encoder has: trust"):
        Recipe.from_dict(recipe, "0" * 32)


def test_sources():
    """Plain http only to this machine or with trust; known publishers for a run; everything else for the user."""
    check_source("https://example.org/m", "https://example.org/m", Trust.USER)
    check_source("http://127.0.0.1:8000/m", "http://127.0.0.1:8000/m", Trust.USER)
    check_source("http://example.org/m", "http://example.org/m", Trust.GIVEN)
    for publisher in PUBLISHERS:
        check_source(f"{publisher}m", "https://www.kaggle.com/m", Trust.NONE)
    with pytest.raises(InputError, match="is not encrypted"):
        check_source("http://example.org/m", "http://example.org/m", Trust.USER)
    with pytest.raises(InputError, match="would be fetched from tfhub.dev because"):
        check_source("https://tfhub.dev/stranger/m", "https://tfhub.dev/stranger/m", Trust.NONE)


def test_what_was_allowed_is_remembered_by_content(in_tmp, lookalike, monkeypatch):
    """Another byte is another program."""
    monkeypatch.setenv("TK_CACHE_DIR", str(in_tmp / "ours"))
    shutil.copytree(lookalike("use4"), in_tmp / "m")
    load_encoder("use", model="m", reporter=Recorder()).encode(["one"])
    (record,) = (cache_folder() / "trusted").iterdir()
    assert json.loads(record.read_text())["digest"] == weights_digest(in_tmp / "m")

    (in_tmp / "m/note.txt").write_text("changed")
    told = Recorder()
    load_encoder("use", model="m", reporter=told).encode(["one"])
    assert len([note for note in told.notes if "is a program" in note]) == 1


def test_https_that_leads_to_http_is_refused(tmp_path, monkeypatch):
    """Nothing of the answer is written."""

    class Answer:
        url = "http://example.org/m"

        def close(self):
            """Nothing."""

    monkeypatch.setattr("urllib.request.urlopen", lambda *_, **__: Answer())
    with pytest.raises(FailureError, match="leads to http://example.org/m, which is not encrypted"):
        fetch("https://example.org/m", tmp_path / "m", Recorder())
    assert not (tmp_path / "m").exists()
