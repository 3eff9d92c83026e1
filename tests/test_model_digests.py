"""Digests of models and files: of names and bytes, remembered, and never stale."""

import hashlib
import json
import os

import pytest
from helpers.model_server import write_model

from embed.models.resolve import weights_digest
from stores.shared.fingerprint import digest_file


def test_digest_is_of_names_and_bytes(empty_cache, tmp_path):
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


def test_digest_by_hand(empty_cache, tmp_path):
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


def test_digest_of_another_kind_is_not_taken_from_memory(empty_cache, tmp_path):
    """What was remembered when files were hashed in another way is made again."""
    digest = weights_digest(write_model(tmp_path / "model"))
    (memory,) = (empty_cache / "digests").iterdir()
    found = json.loads(memory.read_text())
    del found["function"]
    memory.write_text(json.dumps(found | {"digest": "old"}))

    assert weights_digest(tmp_path / "model") == digest


def test_digest_is_remembered_and_never_stale(empty_cache, tmp_path, monkeypatch):
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


def test_damaged_memory_of_digests_is_made_again(empty_cache, tmp_path):
    """It is a memory, not a source."""
    digest = weights_digest(write_model(tmp_path / "model"))
    (memory,) = (empty_cache / "digests").iterdir()
    for damage in (b"", b"[]", b"{}", b'{"files": 3}', b"\xff"):
        memory.write_bytes(damage)
        assert weights_digest(tmp_path / "model") == digest
