"""The resolver: where a model comes from, what is kept, and what is refused."""

import gzip
import hashlib
import io
import json
import os
import shutil
import stat
import tarfile
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from helpers.reporter import Recorder

from embed.models.archives import unpack
from embed.models.cache import cache_folder
from embed.models.handles import download_url, own_folder
from embed.models.resolve import cached, missing_part, models_in_cache, remembered, resolve, weights_digest
from stores import FailureError, InputError
from stores.shared.fingerprint import digest_file

USE4 = "https://tfhub.dev/google/universal-sentence-encoder/4"
MODEL = {"saved_model.pb": b"graph", "variables/variables.index": b"i", "variables/variables.data-00000-of-00001": b"w"}


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache folder."""
    monkeypatch.setenv("TK_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def downloads_from(monkeypatch):
    """A function that sets where the files of handles are found: handle -> URL."""

    def set_to(download_url):
        for module in ("embed.models.handles", "embed.models.resolve"):
            monkeypatch.setattr(f"{module}.download_url", download_url)

    return set_to


@pytest.fixture
def no_network(downloads_from):
    """Every download goes to a port on which nobody listens."""
    downloads_from(lambda handle: "http://127.0.0.1:9/")


@pytest.fixture
def server(monkeypatch):
    """A web server on this machine: ``served`` maps a path to what it gives, ``asked`` lists what was asked for."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.asked.append(self.path)
            body = self.server.served.get(self.path)
            self.send_response(self.server.code if body is None else 200)
            self.send_header("Content-Length", str(len(body or b"") + self.server.missing))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *args):
            pass

    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.served, server.asked, server.missing, server.code = {}, [], 0, 404
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=[0.01])
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def tar_bytes(files, change=lambda member: None):
    """A .tar.gz of name -> bytes, as TF-Hub serves it (names begin with ./), members changed before they are added."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(f"./{name}")
            member.size = len(content)
            change(member)
            archive.addfile(member, io.BytesIO(content))
    return out.getvalue()


def write_model(folder, files=MODEL):
    """The files in a folder."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def files_below(folder):
    """Name -> bytes."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_folder_and_file_are_what_they_are(cache, tmp_path):
    """Nothing is copied; a path is remembered as an absolute one, a handle as it is."""
    folder = write_model(tmp_path / "model")

    assert resolve(str(folder)) == folder
    assert resolve(str(folder / "saved_model.pb")) == folder / "saved_model.pb"
    assert remembered(os.path.relpath(folder)) == str(folder)
    assert remembered(USE4) == USE4
    assert not cache.exists()


def test_nothing_there_is_a_mistake_of_the_user(cache):
    """One line that says what may stand there."""
    with pytest.raises(InputError, match="model models/elmo: no such folder, archive or file; a handle begins with"):
        resolve("models/elmo")


@pytest.mark.parametrize("name", ["m.tar.gz", "m.tgz", "m.tar", "m.zip"])
def test_archive_is_unpacked_once(cache, tmp_path, name):
    """Into the cache; a folder that holds all the rest is stepped into. What was unpacked must not change."""
    path = tmp_path / name
    if name.endswith(".zip"):
        with zipfile.ZipFile(path, "w") as archive:
            for file, content in MODEL.items():
                archive.writestr(f"elmo_3/{file}", content)
    else:
        data = tar_bytes({f"elmo_3/{file}": content for file, content in MODEL.items()})
        path.write_bytes(gzip.decompress(data) if name == "m.tar" else data)
    told = Recorder()
    folder = resolve(str(path), told)

    assert files_below(folder) == MODEL
    assert folder.name == "elmo_3"
    assert cache in folder.parents
    assert "a SavedModel is a program" in told.notes[0]
    assert resolve(str(path), told) == folder
    assert len(told.notes) == 1
    (folder / "saved_model.pb").unlink()
    with pytest.raises(FailureError, match=rf"is not what .*{name} was at its first use .* remove {folder.parent} to"):
        resolve(str(path))
    shutil.rmtree(folder.parent)
    assert files_below(resolve(str(path))) == MODEL


def test_real_module_of_the_first_generation(cache, real):
    """The archive that TensorFlow Hub tests itself with."""
    folder = resolve(str(real / "tfhub_v1_half_plus_two" / "half_plus_two_v1.tar.gz"))

    assert (folder / "tfhub_module.pb").read_bytes() == b"\x08\x03"
    assert missing_part(folder) is None


def _symlink(member):
    member.type, member.linkname, member.size = tarfile.SYMTYPE, "/etc/passwd", 0


def _hardlink(member):
    member.type, member.linkname, member.size = tarfile.LNKTYPE, "../../x", 0


def _device(member):
    member.type, member.size = tarfile.CHRTYPE, 0


def _renamed(name):
    def change(member):
        member.name = name

    return change


@pytest.mark.parametrize(
    "change", [_symlink, _hardlink, _device, *map(_renamed, ("../x", "/tmp/x", "a/../../x", "..\\x", "C:\\x", "C:x"))]
)
def test_tar_cannot_leave_its_folder(cache, tmp_path, change):
    """Links, devices and paths out of the folder are refused, and nothing of the archive stays."""
    path = tmp_path / "evil.tar.gz"
    path.write_bytes(tar_bytes({"saved_model.pb": b"graph"}, change))
    before = set(tmp_path.iterdir())

    with pytest.raises(FailureError, match=r"evil.tar.gz holds (a link or a device|a path out of its folder), '.*'"):
        resolve(str(path))
    assert files_below(cache / "archives").keys() == {f"{weights_digest(path)}.lock"}
    assert set(tmp_path.iterdir()) == before | {cache}


@pytest.mark.parametrize("name", ["../x", "/tmp/x", "C:x", "link"])
def test_zip_cannot_leave_its_folder(cache, tmp_path, name):
    """The same for zip, which keeps links as files with a mode."""
    member = zipfile.ZipInfo(name)
    member.external_attr = ((stat.S_IFLNK if name == "link" else stat.S_IFREG) | 0o644) << 16
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        archive.writestr(member, "/etc/passwd")

    with pytest.raises(FailureError, match=r"evil.zip holds a (link or a device|path out of its folder)"):
        resolve(str(tmp_path / "evil.zip"))


def test_encrypted_zip_is_refused(cache, tmp_path):
    """By the flag in the directory of the archive; no password is asked for."""
    with zipfile.ZipFile(tmp_path / "locked.zip", "w") as archive:
        archive.writestr("saved_model.pb", b"graph")
    data = bytearray((tmp_path / "locked.zip").read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "locked.zip").write_bytes(data)

    with pytest.raises(FailureError, match="locked.zip holds an encrypted file, 'saved_model.pb', and is not unpacked"):
        resolve(str(tmp_path / "locked.zip"))


@pytest.mark.parametrize("keep", [0, 10, 100, -1])
def test_broken_archive_is_named(cache, tmp_path, keep):
    """Cut off anywhere, in one line, and nothing of it counts as unpacked."""
    whole = tar_bytes({name: os.urandom(5000) for name in MODEL})
    (tmp_path / "cut.tgz").write_bytes(whole[:keep])

    for _ in range(2):
        with pytest.raises(FailureError, match=r"cut.tgz is no whole tar or zip archive \([^\n]*\); get it again"):
            resolve(str(tmp_path / "cut.tgz"))


@pytest.mark.slow
def test_any_damage_to_an_archive_is_refused_in_one_line(tmp_path):
    """Bytes changed anywhere: the files come out, below the folder, or one error does."""
    rng, refused = np.random.default_rng(0), 0
    with zipfile.ZipFile(tmp_path / "m.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in MODEL.items():
            archive.writestr(name, content)
    packed = tar_bytes(MODEL)
    seeds = [packed, gzip.decompress(packed)[:4096], (tmp_path / "m.zip").read_bytes()]
    for number in range(450):
        data = bytearray(seeds[number % 3])
        for place in rng.integers(0, len(data), 3):
            data[place] = rng.integers(256)
        (tmp_path / "damaged").write_bytes(data)
        (tmp_path / "out").mkdir()
        try:
            unpack(tmp_path / "damaged", tmp_path / "out")
        except FailureError:
            refused += 1
        assert {path.name for path in tmp_path.iterdir()} == {"m.zip", "damaged", "out"}
        shutil.rmtree(tmp_path / "out")

    assert 100 < refused < 450


def test_damaged_byte_in_an_archive_is_found(cache, tmp_path):
    """The checksum of gzip covers every byte."""
    whole = bytearray(tar_bytes({"saved_model.pb": os.urandom(50_000)}))
    whole[len(whole) // 2] ^= 1
    (tmp_path / "bad.tgz").write_bytes(whole)

    with pytest.raises(FailureError, match="no whole tar or zip archive"):
        resolve(str(tmp_path / "bad.tgz"))


def test_handle_is_downloaded_once(cache, server):
    """The archive of a TF-Hub handle, asked for as TF-Hub wants it, in a folder named as tensorflow_hub names it."""
    server.served["/google/elmo/3?tf-hub-format=compressed"] = tar_bytes(MODEL)
    handle, told = f"{server.url}/google/elmo/3", Recorder()
    folder = resolve(handle + "/", told)  # the slash is no other model

    assert files_below(folder) == MODEL
    assert folder == cache / "models" / hashlib.sha1(handle.encode()).hexdigest()
    assert "is a program" in told.notes[0]  # before it is fetched
    assert told.notes[1].startswith(f"downloading {handle}?tf-hub-format=compressed (")
    assert resolve(handle) == cached(handle) == folder
    assert len(server.asked) == 1
    expected = {"model": handle, "path": str(folder), "bytes": sum(map(len, MODEL.values())), "fault": None}
    assert list(models_in_cache()) == [expected | {"digest": weights_digest(folder)}]


def test_published_handles_have_the_folders_that_tensorflow_hub_gives_them(cache):
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
def test_kaggle_paths(cache, server, downloads_from, typed):
    """All the ways of writing one are the same model; it comes from Kaggle's interface for downloads."""
    path = "google/universal-sentence-encoder/tensorFlow2/large/2"
    assert download_url(path) == f"https://www.kaggle.com/api/v1/models/{path}/download"
    downloads_from(lambda handle: f"{server.url}/{handle}")
    server.served[f"/{path}"] = tar_bytes(MODEL)

    assert files_below(resolve(typed)) == MODEL
    assert cached(path)


@pytest.mark.parametrize("model", [USE4, "google/universal-sentence-encoder/tensorFlow2/universal-sentence-encoder/2"])
def test_what_kagglehub_has_is_taken(cache, tmp_path, monkeypatch, no_network, model):
    """By its Kaggle path, or by the handle of the same model, whose version has another number."""
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "kagglehub"))
    where = "kagglehub/models/google/universal-sentence-encoder/tensorFlow2/universal-sentence-encoder/2"
    folder = write_model(tmp_path / where)

    assert resolve(model) == folder


@pytest.mark.parametrize("typed", [USE4, USE4 + "/"])
def test_seeds_of_tensorflow_hub_are_taken(cache, tmp_path, monkeypatch, no_network, typed):
    """Whether the handle was typed with a slash or without when they were made; without network."""
    monkeypatch.setenv("TFHUB_CACHE_DIR", str(tmp_path / "seeds"))
    folder = write_model(tmp_path / "seeds" / hashlib.sha1(typed.encode()).hexdigest())

    assert resolve(USE4) == folder
    assert [model["path"] for model in models_in_cache()] == [str(folder)]


def test_file_by_its_url(cache, server):
    """A URL that names a file gives that file; one that names an archive, its folder."""
    archive = tar_bytes({"options.json": b"{}"})
    server.served |= {"/v/glove.txt.gz": b"the 1 2", "/v/model.tar.gz": archive, "/v/model.tar.gz?v=2": archive}

    assert resolve(f"{server.url}/v/glove.txt.gz").read_bytes() == b"the 1 2"
    assert resolve(f"{server.url}/v/glove.txt.gz").name == "glove.txt.gz"
    for name in ("model.tar.gz", "model.tar.gz?v=2"):
        assert files_below(resolve(f"{server.url}/v/{name}")) == {"options.json": b"{}"}
    assert len(server.asked) == 3


def test_without_network_the_cure_is_one_line(cache, no_network):
    """What is missing, the command for next time, and where to put it."""
    with pytest.raises(FailureError) as caught:
        resolve(USE4)

    message = str(caught.value)
    assert message.startswith(f"{USE4} is not in the cache and cannot be downloaded (Connection refused);")
    assert "run: curl -L -o universal-sentence-encoder-4.tar.gz http://127.0.0.1:9/" in message
    assert "then give `model='universal-sentence-encoder-4.tar.gz'` here" in message
    assert str(cache / "models" / "063d866c06683311b44b4992fd46003be952409c") in message
    assert "\n" not in message


def test_what_the_error_says_to_do_works(cache, tmp_path, no_network):
    """The files put into the folder that the message names are taken."""
    with pytest.raises(FailureError):
        resolve(USE4)
    folder = write_model(cache / "models" / "063d866c06683311b44b4992fd46003be952409c")

    assert resolve(USE4) == folder


def test_what_the_server_refuses(cache, server):
    """The server's answer is in the line, and what each one asks for."""
    missing = r"cannot be downloaded \(the server answered 404 Not Found\): there is nothing at .* check the spelling"
    with pytest.raises(InputError, match=missing):
        resolve(f"{server.url}/google/elmo/4")
    server.code = 500
    with pytest.raises(FailureError, match=r"answered 500 .*; give the same command again later"):
        resolve(f"{server.url}/google/elmo/4")
    server.code = 403
    with pytest.raises(FailureError, match=r"answered 403 .*; where there is a network, run: curl"):
        resolve(f"{server.url}/google/elmo/4")


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
def test_bad_download_leaves_nothing(cache, server, body, missing, message):
    """Broken off, another thing, cut, not a model, hostile: one line, and the next try starts afresh and works."""
    where = "/m/1?tf-hub-format=compressed"
    server.served[where], server.missing = body, missing
    with pytest.raises(FailureError, match=message):
        resolve(f"{server.url}/m/1")
    assert {name.rsplit(".", 1)[1] for name in files_below(cache)} == {"lock"}

    server.served[where], server.missing = tar_bytes(MODEL), 0
    assert files_below(resolve(f"{server.url}/m/1")) == MODEL


def test_what_a_killed_process_left_is_cleared_away(cache, server):
    """Half a download, half an unpacked archive, and an empty folder."""
    server.served["/m/1?tf-hub-format=compressed"] = tar_bytes(MODEL)
    folder = own_folder(f"{server.url}/m/1")
    write_model(folder.with_name(f".{folder.name}.999.partial"))
    folder.with_name(f".{folder.name}.download").write_bytes(b"half")
    folder.mkdir()

    assert resolve(f"{server.url}/m/1") == folder
    assert {path.name for path in folder.parent.iterdir()} == {
        folder.name,
        f"{folder.name}.json",
        f"{folder.name}.lock",
    }


@pytest.mark.parametrize("gone", MODEL)
def test_half_deleted_cache_is_named(cache, server, gone):
    """A cleaner took one file: which, where, and the command that helps."""
    server.served["/m/1?tf-hub-format=compressed"] = tar_bytes(MODEL)
    folder = resolve(f"{server.url}/m/1")
    (folder / gone).unlink()

    with pytest.raises(FailureError, match=rf"half deleted: it holds .*; remove it \(rm -r {folder}\)"):
        resolve(f"{server.url}/m/1")
    shutil.rmtree(folder)
    assert files_below(resolve(f"{server.url}/m/1")) == MODEL


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


@pytest.mark.parametrize("way", ["cache", "server"])
def test_digest_that_changed_is_refused(cache, server, way):
    """Whether the files in the cache were changed, or the server gives other ones after they were removed."""
    where = "/m/1?tf-hub-format=compressed"
    server.served[where] = tar_bytes(MODEL)
    folder = resolve(f"{server.url}/m/1")
    changed = MODEL | {"saved_model.pb": b"other"}
    if way == "cache":
        (folder / "saved_model.pb").write_bytes(b"other")
    else:
        shutil.rmtree(folder)
        server.served[where] = tar_bytes(changed)

    for _ in range(2):
        with pytest.raises(FailureError, match=r"is not what http.* was at its first use \(digest \w{8}, not \w{8}\)"):
            resolve(f"{server.url}/m/1")
    folder.with_suffix(".json").unlink()
    assert files_below(resolve(f"{server.url}/m/1")) == changed


def test_two_processes_download_once(cache, server):
    """The second waits for the first."""
    server.served["/m/1?tf-hub-format=compressed"] = tar_bytes(MODEL)
    found = []
    threads = [threading.Thread(target=lambda: found.append(resolve(f"{server.url}/m/1"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 4
    assert len(set(found)) == len(server.asked) == 1


def test_digest_is_of_names_and_bytes(cache, tmp_path):
    """The same files elsewhere have the same digest; another byte, name or file gives another; hidden ones do not."""
    one, two = write_model(tmp_path / "one"), write_model(tmp_path / "two")
    digest = weights_digest(one)
    assert weights_digest(two) == digest

    (two / ".cache").write_bytes(b"x")
    assert weights_digest(two) == digest
    seen = {digest}
    (two / "extra").write_bytes(b"")
    seen.add(weights_digest(two))
    (two / "extra").rename(two / "other")
    seen.add(weights_digest(two))
    (two / "other").unlink()
    (two / "saved_model.pb").write_bytes(b"graqh")
    seen.add(weights_digest(two))
    assert len(seen) == 4


def test_digest_by_hand(cache, tmp_path):
    """BLAKE2b-128 of the JSON list of names and digests of the files, sorted by name."""
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "b").write_bytes(b"")
    (tmp_path / "m" / "a").write_bytes(b"abc")
    one, two = "6437b3ac38465133ffb63b75273a8db5", "af1349b9f5f9a1a6a0404dea36dcc949"
    expected = hashlib.blake2b(f'[["a","{one}"],["b","{two}"]]'.encode(), digest_size=16).hexdigest()

    assert weights_digest(tmp_path / "m") == expected


PUBLISHED = {  # bytes 0 to 250 again and again: their number, and the first 16 bytes of the hash
    0: "af1349b9f5f9a1a6a0404dea36dcc949",
    1: "2d3adedff11b61f14c886e35afa03673",
    1024: "42214739f095a406f3fc83deb889744a",
    102400: "bc3e3d41a1146b069abffad3c0d44860",
}


@pytest.mark.parametrize("size", PUBLISHED)
def test_digest_of_a_file_is_the_published_one(tmp_path, size):
    """The test vectors of the BLAKE3 team."""
    (tmp_path / "file").write_bytes((bytes(range(251)) * (size // 251 + 1))[:size])

    assert digest_file(tmp_path / "file") == PUBLISHED[size]


def test_digest_of_a_file_depends_on_each_byte_and_the_order(tmp_path):
    """A byte changed anywhere, a byte more or less, and two blocks that change places each give another digest."""
    block = 1 << 20  # bytes that are read at a time
    data = bytearray(os.urandom(1000) * 2500)
    path, seen = tmp_path / "file", set()
    changes = [data, data[:-1], data + b"x", data[block : 2 * block] + data[:block] + data[2 * block :]]
    for at in (0, block - 1, block, 2 * block - 1, 2 * block, len(data) - 1):
        changes.append(data.copy())
        changes[-1][at] ^= 1
    for change in changes:
        path.write_bytes(change)
        seen.add(digest_file(path))

    assert len(seen) == len(changes) == 10


def test_digest_of_another_kind_is_not_taken_from_memory(cache, tmp_path):
    """What was remembered when files were hashed in another way is made again."""
    digest = weights_digest(write_model(tmp_path / "model"))
    (memory,) = (cache / "digests").iterdir()
    found = json.loads(memory.read_text())
    del found["function"]
    memory.write_text(json.dumps(found | {"digest": "old"}))

    assert weights_digest(tmp_path / "model") == digest


def test_digest_is_remembered_and_never_stale(cache, tmp_path, monkeypatch):
    """Nothing is read the second time; a file of the same size and time in its place is noticed."""
    folder = write_model(tmp_path / "model")
    digest = weights_digest(folder)
    file, times = folder / "saved_model.pb", (folder / "saved_model.pb").stat()

    with monkeypatch.context() as patched:
        patched.setattr("embed.models.cache.digest_file", lambda path: pytest.fail("read again"))
        assert weights_digest(folder) == digest
    (tmp_path / "new").write_bytes(b"hparg")
    os.utime(tmp_path / "new", ns=(times.st_atime_ns, times.st_mtime_ns))
    os.replace(tmp_path / "new", file)
    assert weights_digest(folder) != digest
    file.write_bytes(b"graph")
    assert weights_digest(folder) == digest


def test_damaged_memory_of_digests_is_made_again(cache, tmp_path):
    """It is a memory, not a source."""
    digest = weights_digest(write_model(tmp_path / "model"))
    (memory,) = (cache / "digests").iterdir()
    for damage in (b"", b"[]", b"{}", b'{"files": 3}', b"\xff"):
        memory.write_bytes(damage)
        assert weights_digest(tmp_path / "model") == digest


def test_damaged_record_is_named(cache, server):
    """It is not taken for a first use."""
    server.served["/m/1?tf-hub-format=compressed"] = tar_bytes(MODEL)
    record = resolve(f"{server.url}/m/1").with_suffix(".json")
    record.write_text("{}")

    with pytest.raises(FailureError, match=rf"{record} is damaged"):
        resolve(f"{server.url}/m/1")


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
