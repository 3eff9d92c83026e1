"""The resolver: where a model comes from, which parts it needs, and where the cache lies."""

import os

import pytest
from helpers.model_server import MODEL, USE4, tar_bytes, write_model

from embed.models.cache import cache_folder
from embed.models.resolve import missing_part, remembered, resolve, weights_digest
from stores import FailureError, InputError


def test_folder_and_file_are_what_they_are(empty_cache, tmp_path):
    """Nothing is copied; a path is remembered as an absolute one, a handle as it is."""
    folder = write_model(tmp_path / "model")

    assert resolve(str(folder)) == folder
    assert resolve(str(folder / "saved_model.pb")) == folder / "saved_model.pb"
    assert remembered(os.path.relpath(folder)) == str(folder)
    assert remembered(USE4) == USE4
    assert not empty_cache.exists()


def test_nothing_there_is_a_mistake_of_the_user(empty_cache):
    """One line that says what may stand there."""
    with pytest.raises(InputError, match="model models/elmo: no such folder, archive or file; a handle begins with"):
        resolve("models/elmo")


@pytest.mark.parametrize(
    ("names", "lack"),
    [
        (["saved_model.pb"], None),
        (["saved_model.pbtxt"], None),
        (["variables/variables.index"], "no saved_model.pb"),
        (["saved_model.pb", "variables/variables.index"], "0 of its files variables/variables.data-*"),
        (["saved_model.pb", "variables/variables.data-00000-of-00001"], "no variables/variables.index"),
        (
            ["saved_model.pb", "variables/variables.index", "variables/variables.data-00001-of-00002"],
            "1 of 2 files variables/variables.data-*",
        ),
    ],
)
def test_missing_parts(tmp_path, names, lack):
    """What TensorFlow needs to load a SavedModel; one without variables has none."""
    assert missing_part(write_model(tmp_path, dict.fromkeys(names, b""))) == lack


def test_damaged_record_is_named(empty_cache, model_server):
    """It is not taken for a first use."""
    model_server.served["/m/1?tf-hub-format=compressed"] = tar_bytes(MODEL)
    record = resolve(f"{model_server.url}/m/1").with_suffix(".json")
    record.write_text("{}")

    with pytest.raises(FailureError, match=rf"{record} is damaged"):
        resolve(f"{model_server.url}/m/1")


def test_cache_folder_that_cannot_be_written(tmp_path, monkeypatch, no_network):
    """One line that names the variable which moves it."""
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("TK_CACHE_DIR", str(tmp_path / "file"))

    with pytest.raises(FailureError, match="could not be written: .*; name another folder in .* TK_CACHE_DIR"):
        resolve(USE4)
    assert len(weights_digest(write_model(tmp_path / "model"))) == 32


def test_place_of_the_cache(monkeypatch):
    """The variable of the project, then that of the desktop, then the user's cache folder: never the system's temp."""
    monkeypatch.setenv("TK_CACHE_DIR", "/somewhere")
    assert str(cache_folder()) == "/somewhere"

    monkeypatch.delenv("TK_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", "/elsewhere")
    assert str(cache_folder()) == "/elsewhere/tk"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/me")
    assert str(cache_folder()) == "/home/me/.cache/tk"


def test_old_place_of_the_cache_on_a_mac(monkeypatch, tmp_path):
    """A folder from before ``XDG_CACHE_HOME`` was set is not lost, until there is a new one."""
    for name, value in (("XDG_CACHE_HOME", str(tmp_path / "new")), ("HOME", str(tmp_path))):
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("TK_CACHE_DIR")
    monkeypatch.setattr("sys.platform", "darwin")
    (tmp_path / "Library/Caches/tk").mkdir(parents=True)

    assert cache_folder() == tmp_path / "Library/Caches/tk"
    (tmp_path / "new/tk").mkdir(parents=True)
    assert cache_folder() == tmp_path / "new/tk"
