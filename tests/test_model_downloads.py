"""Models that are downloaded: handles, Kaggle paths and URLs, and what goes wrong on the way."""

import hashlib
import shutil
import threading

import pytest
from helpers.model_server import MODEL, USE4, files_below, tar_bytes, write_model
from helpers.reporter import Recorder

from embed.models.handles import download_url, own_folder
from embed.models.resolve import cached, models_in_cache, resolve, weights_digest
from stores import FailureError, InputError


def test_handle_is_downloaded_once(empty_cache, model_server):
    """The archive of a TF-Hub handle, asked for as TF-Hub wants it, in a folder named as tensorflow_hub names it."""
    model_server.served["/google/elmo/3?tf-hub-format=compressed"] = tar_bytes(MODEL)
    handle, told = f"{model_server.url}/google/elmo/3", Recorder()
    folder = resolve(handle + "/", told)  # the slash is no other model

    assert files_below(folder) == MODEL
    assert folder == empty_cache / "models" / hashlib.sha1(handle.encode()).hexdigest()
    assert "is a program" in told.notes[0]  # before it is fetched
    assert told.notes[1].startswith(f"downloading {handle}?tf-hub-format=compressed (")
    assert resolve(handle) == cached(handle) == folder
    assert len(model_server.asked) == 1
    expected = {"model": handle, "path": str(folder), "bytes": sum(map(len, MODEL.values())), "fault": None}
    assert list(models_in_cache()) == [expected | {"digest": weights_digest(folder)}]


def test_published_handles_have_the_folders_that_tensorflow_hub_gives_them(empty_cache):
    """SHA-1 of the handle, as seen in public logs."""
    assert own_folder(USE4).name == "063d866c06683311b44b4992fd46003be952409c"
    assert own_folder("https://tfhub.dev/google/elmo/2").name == "9bb74bc86f9caffc8c47dd7b33ec4bb354d9602d"


@pytest.mark.parametrize(
    "typed",
    [
        "google/universal-sentence-encoder/tensorFlow2/large/2",
        "kaggle://google/universal-sentence-encoder/tensorflow2/large/2",
        "https://www.kaggle.com/models/google/universal-sentence-encoder/TensorFlow2/large/2",
        "https://www.kaggle.com/models/google/universal-sentence-encoder/frameworks/tensorFlow2/variations/large/versions/2",
    ],
)
def test_kaggle_paths(empty_cache, model_server, downloads_from, typed):
    """All the ways of writing one are the same model; it comes from Kaggle's interface for downloads."""
    path = "google/universal-sentence-encoder/tensorFlow2/large/2"
    assert download_url(path) == f"https://www.kaggle.com/api/v1/models/{path}/download"
    downloads_from(lambda handle: f"{model_server.url}/{handle}")
    model_server.served[f"/{path}"] = tar_bytes(MODEL)

    assert files_below(resolve(typed)) == MODEL
    assert cached(path)


@pytest.mark.parametrize("model", [USE4, "google/universal-sentence-encoder/tensorFlow2/universal-sentence-encoder/2"])
def test_what_kagglehub_has_is_taken(empty_cache, tmp_path, monkeypatch, no_network, model):
    """By its Kaggle path, or by the handle of the same model, whose version has another number."""
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "kagglehub"))
    where = "kagglehub/models/google/universal-sentence-encoder/tensorFlow2/universal-sentence-encoder/2"
    folder = write_model(tmp_path / where)

    assert resolve(model) == folder


@pytest.mark.parametrize("typed", [USE4, USE4 + "/"])
def test_seeds_of_tensorflow_hub_are_taken(empty_cache, tmp_path, monkeypatch, no_network, typed):
    """Whether the handle was typed with a slash or without when they were made; without network."""
    monkeypatch.setenv("TFHUB_CACHE_DIR", str(tmp_path / "seeds"))
    folder = write_model(tmp_path / "seeds" / hashlib.sha1(typed.encode()).hexdigest())

    assert resolve(USE4) == folder
    assert [model["path"] for model in models_in_cache()] == [str(folder)]


def test_file_by_its_url(empty_cache, model_server):
    """A URL that names a file gives that file; one that names an archive, its folder."""
    archive = tar_bytes({"options.json": b"{}"})
    model_server.served |= {"/v/glove.txt.gz": b"the 1 2", "/v/model.tar.gz": archive, "/v/model.tar.gz?v=2": archive}

    assert resolve(f"{model_server.url}/v/glove.txt.gz").read_bytes() == b"the 1 2"
    assert resolve(f"{model_server.url}/v/glove.txt.gz").name == "glove.txt.gz"
    for name in ("model.tar.gz", "model.tar.gz?v=2"):
        assert files_below(resolve(f"{model_server.url}/v/{name}")) == {"options.json": b"{}"}
    assert len(model_server.asked) == 3


def test_without_network_the_cure_is_one_line(empty_cache, no_network):
    """What is missing, the command for next time, and where to put it."""
    with pytest.raises(FailureError) as caught:
        resolve(USE4)

    message = str(caught.value)
    assert message.startswith(f"{USE4} is not in the cache and cannot be downloaded (Connection refused);")
    assert "run: curl -L -o universal-sentence-encoder-4.tar.gz http://127.0.0.1:9/" in message
    assert "then give `model='universal-sentence-encoder-4.tar.gz'` here" in message
    assert str(empty_cache / "models" / "063d866c06683311b44b4992fd46003be952409c") in message
    assert "\n" not in message


def test_what_the_error_says_to_do_works(empty_cache, tmp_path, no_network):
    """The files put into the folder that the message names are taken."""
    with pytest.raises(FailureError):
        resolve(USE4)
    folder = write_model(empty_cache / "models" / "063d866c06683311b44b4992fd46003be952409c")

    assert resolve(USE4) == folder


def test_what_the_server_refuses(empty_cache, model_server):
    """The server's answer is in the line, and what each one asks for."""
    missing = r"cannot be downloaded \(the server answered 404 Not Found\): there is nothing at .* check the spelling"
    with pytest.raises(InputError, match=missing):
        resolve(f"{model_server.url}/google/elmo/4")
    model_server.code = 500
    with pytest.raises(FailureError, match=r"answered 500 .*; give the same command again later"):
        resolve(f"{model_server.url}/google/elmo/4")
    model_server.code = 403
    with pytest.raises(FailureError, match=r"answered 403 .*; where there is a network, run: curl"):
        resolve(f"{model_server.url}/google/elmo/4")


@pytest.mark.parametrize(
    ("body", "missing", "message"),
    [
        (tar_bytes(MODEL), 1000, r"the download of http.*/m/1\S* broke off; give the same command again"),
        (b"<html>Sign in</html>", 0, r"what http.*/m/1\S* gave is no whole tar or zip archive"),
        (tar_bytes(MODEL)[:-20], 0, r"what http.*/m/1\S* gave is no whole tar or zip archive"),
        (tar_bytes({"model.h5": b"w"}), 0, r"what http.*/m/1\S* gave holds no saved_model.pb"),
        (tar_bytes({"../x": b"w"}), 0, r"what http.*/m/1\S* gave holds a path out of its folder"),
    ],
    ids=["broken off", "a page", "cut", "other files", "path"],
)
def test_bad_download_leaves_nothing(empty_cache, model_server, body, missing, message):
    """Broken off, another thing, cut, not a model, hostile: one line, and the next try starts afresh and works."""
    where = "/m/1?tf-hub-format=compressed"
    model_server.served[where], model_server.missing = body, missing
    with pytest.raises(FailureError, match=message):
        resolve(f"{model_server.url}/m/1")
    assert {name.rsplit(".", 1)[1] for name in files_below(empty_cache)} == {"lock"}

    model_server.served[where], model_server.missing = tar_bytes(MODEL), 0
    assert files_below(resolve(f"{model_server.url}/m/1")) == MODEL


def test_what_a_killed_process_left_is_cleared_away(empty_cache, model_server):
    """Half a download, half an unpacked archive, and an empty folder."""
    model_server.served["/m/1?tf-hub-format=compressed"] = tar_bytes(MODEL)
    folder = own_folder(f"{model_server.url}/m/1")
    write_model(folder.with_name(f".{folder.name}.999.partial"))
    folder.with_name(f".{folder.name}.download").write_bytes(b"half")
    folder.mkdir()

    assert resolve(f"{model_server.url}/m/1") == folder
    assert {path.name for path in folder.parent.iterdir()} == {
        folder.name,
        f"{folder.name}.json",
        f"{folder.name}.lock",
    }


@pytest.mark.parametrize("gone", MODEL)
def test_half_deleted_cache_is_named(empty_cache, model_server, gone):
    """A cleaner took one file: which, where, and the command that helps."""
    model_server.served["/m/1?tf-hub-format=compressed"] = tar_bytes(MODEL)
    folder = resolve(f"{model_server.url}/m/1")
    (folder / gone).unlink()

    with pytest.raises(FailureError, match=rf"half deleted: it holds .*; remove it \(rm -r {folder}\)"):
        resolve(f"{model_server.url}/m/1")
    shutil.rmtree(folder)
    assert files_below(resolve(f"{model_server.url}/m/1")) == MODEL


@pytest.mark.parametrize("way", ["cache", "server"])
def test_digest_that_changed_is_refused(empty_cache, model_server, way):
    """Whether the files in the cache were changed, or the server gives other ones after they were removed."""
    where = "/m/1?tf-hub-format=compressed"
    model_server.served[where] = tar_bytes(MODEL)
    folder = resolve(f"{model_server.url}/m/1")
    changed = MODEL | {"saved_model.pb": b"other"}
    if way == "cache":
        (folder / "saved_model.pb").write_bytes(b"other")
    else:
        shutil.rmtree(folder)
        model_server.served[where] = tar_bytes(changed)

    for _ in range(2):
        with pytest.raises(FailureError, match=r"is not what http.* was at its first use \(digest \w{8}, not \w{8}\)"):
            resolve(f"{model_server.url}/m/1")
    folder.with_suffix(".json").unlink()
    assert files_below(resolve(f"{model_server.url}/m/1")) == changed


def test_two_processes_download_once(empty_cache, model_server):
    """The second waits for the first."""
    model_server.served["/m/1?tf-hub-format=compressed"] = tar_bytes(MODEL)
    found = []
    threads = [threading.Thread(target=lambda: found.append(resolve(f"{model_server.url}/m/1"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 4
    assert len(set(found)) == len(model_server.asked) == 1
