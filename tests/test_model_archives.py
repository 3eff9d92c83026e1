"""Archives of models: unpacked once, never out of their folder, and refused where they are broken."""

import gzip
import os
import shutil
import stat
import tarfile
import zipfile

import numpy as np
import pytest
from helpers.model_server import MODEL, files_below, tar_bytes
from helpers.reporter import Recorder

from embed.models.archives import unpack
from embed.models.resolve import missing_part, resolve, weights_digest
from stores import FailureError


@pytest.mark.parametrize("name", ["m.tar.gz", "m.tgz", "m.tar", "m.zip"])
def test_archive_is_unpacked_once(empty_cache, tmp_path, name):
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
    assert empty_cache in folder.parents
    assert "a SavedModel is a program" in told.notes[0]
    assert resolve(str(path), told) == folder
    assert len(told.notes) == 1
    (folder / "saved_model.pb").unlink()
    with pytest.raises(FailureError, match=rf"is not what .*{name} was at its first use .* remove {folder.parent} to"):
        resolve(str(path))
    shutil.rmtree(folder.parent)
    assert files_below(resolve(str(path))) == MODEL


def test_real_module_of_the_first_generation(empty_cache, real):
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
def test_tar_cannot_leave_its_folder(empty_cache, tmp_path, change):
    """Links, devices and paths out of the folder are refused, and nothing of the archive stays."""
    path = tmp_path / "evil.tar.gz"
    path.write_bytes(tar_bytes({"saved_model.pb": b"graph"}, change))
    before = set(tmp_path.iterdir())

    with pytest.raises(FailureError, match=r"evil.tar.gz holds (a link or a device|a path out of its folder), '.*'"):
        resolve(str(path))
    assert files_below(empty_cache / "archives").keys() == {f"{weights_digest(path)}.lock"}
    assert set(tmp_path.iterdir()) == before | {empty_cache}


@pytest.mark.parametrize("name", ["../x", "/tmp/x", "C:x", "link"])
def test_zip_cannot_leave_its_folder(empty_cache, tmp_path, name):
    """The same for zip, which keeps links as files with a mode."""
    member = zipfile.ZipInfo(name)
    member.external_attr = ((stat.S_IFLNK if name == "link" else stat.S_IFREG) | 0o644) << 16
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        archive.writestr(member, "/etc/passwd")

    with pytest.raises(FailureError, match=r"evil.zip holds a (link or a device|path out of its folder)"):
        resolve(str(tmp_path / "evil.zip"))


def test_encrypted_zip_is_refused(empty_cache, tmp_path):
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
def test_broken_archive_is_named(empty_cache, tmp_path, keep):
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


def test_damaged_byte_in_an_archive_is_found(empty_cache, tmp_path):
    """The checksum of gzip covers every byte."""
    whole = bytearray(tar_bytes({"saved_model.pb": os.urandom(50_000)}))
    whole[len(whole) // 2] ^= 1
    (tmp_path / "bad.tgz").write_bytes(whole)

    with pytest.raises(FailureError, match="no whole tar or zip archive"):
        resolve(str(tmp_path / "bad.tgz"))
