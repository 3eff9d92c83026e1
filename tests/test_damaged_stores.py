"""Stores that are damaged: each is refused with one line, soon, and no number of it is believed."""

import subprocess
import sys
import zlib

import h5py
import numpy as np
import pytest
from helpers import ROOT
from helpers.commands import tk
from helpers.damaged_stores import KINDS, checksums_of, refusal

from stores import FailureError, FeatureStore
from stores.columns import content_digest
from stores.format import data_sets


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
def test_fuzz():
    """Of 1,000 mutants none crashes the process, hangs, raises another error, or passes while it is different."""
    command = [sys.executable, "-m", "tools.attack_stores", "--files", "1000", "--seed", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)

    assert done.returncode == 0, done.stdout + done.stderr


def places(data):
    """Where some bytes of a data set lie in the file: of its first, middle and last chunk the first, middle and last.

    Not those of the unused rest of the last chunk, which no checksum covers.
    """
    if data.chunks is None:
        return [data.id.get_offset() + i for i in {0, data.nbytes // 2, data.nbytes - 1}] if data.nbytes else []
    found = []
    for number in {0, data.id.get_num_chunks() // 2, data.id.get_num_chunks() - 1}:
        chunk = data.id.get_chunk_info(number)
        used = data[chunk.chunk_offset[0] :][: data.chunks[0]].nbytes
        size = min(chunk.size, used)
        found += [chunk.byte_offset + i for i in {0, size // 2, size - 1}]
    return found


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_verify_finds_any_flipped_bit(tmp_path, originals, kind):
    """In every data set of every kind, at several places; the message names the data set."""
    path, raw = tmp_path / "s.h5", originals[kind]
    path.write_bytes(raw)
    with h5py.File(path) as file:
        names = [*data_sets(file), *(f"checksums/{name}" for name in data_sets(file))]
        at = {name: places(file[name]) for name in names}
    assert refusal(path) is None
    for name, found in at.items():
        for n, place in enumerate(found):
            damaged = bytearray(raw)
            damaged[place] ^= 1 << n % 8
            path.write_bytes(damaged)
            message = refusal(path)
            if not message.startswith(f"{path}: features/"):  # what it says of a wrong last offset
                assert name.removeprefix("checksums/") in message


@pytest.mark.parametrize("kind", ["pooled", "tokens", "table"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_verify_finds_numbers_that_are_not_finite(tmp_path, originals, kind, value):
    """Under checksums that are right for them; the row of the text is named, for token features too."""
    path = tmp_path / "s.h5"
    path.write_bytes(originals[kind])
    name = {"pooled": "features/b", "tokens": "features/tokens", "table": "table"}[kind]
    with h5py.File(path, "r+", libver="latest") as file:
        first, row = {"pooled": (7, 7), "table": (7, 7)}.get(kind) or (file["offsets"][40], 40)
        while kind == "tokens" and file["offsets"][row] == file["offsets"][row + 1]:
            row += 1  # a text without tokens
        file[name][first, 1] = value
        mend(file)

    message = "word 7 of the vocabulary" if kind == "table" else rf"{name} of row {row} \(line {row} "
    with pytest.raises(FailureError, match=message), FeatureStore(path) as store:
        store.verify()


@pytest.mark.parametrize("code", [-2, 2, 10**6])
def test_label_out_of_range_is_one_line_wherever_labels_are_read(tmp_path, originals, code):
    """Not only in ``verify``: ``tk features info`` and ``export`` read them too."""
    path = tmp_path / "s.h5"
    path.write_bytes(originals["pooled"])
    with h5py.File(path, "r+", libver="latest") as file:
        file["labels/codes"][3] = code
        mend(file)

    assert "the label of row 3 is none" in tk("features", "info", path, code=1).stderr
    export = tk("features", "export", path, "--to", "npz", "--out", tmp_path / "s.npz", code=1)
    assert "labels/codes points outside of what there is" in export.stderr


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: b"",
        lambda raw: raw[:8],
        lambda raw: raw[:48],
        lambda raw: raw[:-1],
        lambda raw: raw[: len(raw) // 2],
        lambda raw: bytes(512) + raw,
        lambda raw: raw[:9] + b"\4" + raw[10:],
        lambda raw: b"PK\3\4" + raw[4:],
    ],
)
def test_half_a_file_is_refused(tmp_path, originals, change):
    """Empty, cut off, behind a block of something else, with other sizes of addresses, with another signature."""
    path = tmp_path / "s.h5"
    path.write_bytes(change(originals["pooled"]))

    assert refusal(path) is not None


def mend(file):
    """Make the checksums and the digest right for what the file holds now."""
    for name in data_sets(file):
        data = file[name]
        if data.chunks:
            file[f"checksums/{name}"][...] = checksums_of(data)
    file.attrs["digest"] = np.bytes_(content_digest(file))


@pytest.mark.parametrize(
    ("kind", "name", "row", "value", "message"),
    [
        ("pooled", "labels/codes", 3, 2, "labels/codes points outside"),
        ("pooled", "labels/codes", 3, -2, "labels/codes points outside"),
        ("pooled", "text_hash", 5, 0, "the text of row 5 is not the one"),
        ("pooled", "texts/bytes", 0, 0xFF, "texts/bytes are no strings from row 0"),
        ("pooled", "texts/bytes", 0, 0, "the text of row 0 is not the one"),
        ("pooled", "texts/offsets", 0, 1, "texts/offsets do not rise"),
        ("pooled", "texts/offsets", 1, 10**9, "texts/offsets do not rise"),
        ("pooled", "texts/offsets", 1, -(10**18), "texts/offsets do not rise"),
        ("pooled", "texts/offsets", -1, 10**18, "texts/offsets do not rise"),
        ("pooled", "labels/classes/bytes", 0, 0xFF, "labels/classes.* are no strings"),
        ("pooled", "labels/classes/offsets", 1, 99, "labels/classes/offsets do not rise"),
        ("tokens", "offsets", 5, 10**9, "offsets do not rise"),
        ("tokens", "offsets", 0, 1, "offsets do not rise"),
        ("tokens", "offsets", -1, 10**18, "does not fit 90 rows"),
        ("tokens", "offsets", -1, -1, "does not fit 90 rows"),
        ("ids", "features/ids", 7, 10**6, "features/ids points outside"),
        ("table", "features/ids", 7, -1, "features/ids points outside"),
        ("table.gzip", "features/ids", 7, 50, "features/ids points outside"),
        ("ids", "vocabulary/bytes", 0, 0x80, "vocabulary.* are no strings"),
        ("ids", "vocabulary/offsets", 1, -1, "vocabulary/offsets do not rise"),
    ],
)
def test_verify_finds_numbers_that_point_nowhere(tmp_path, originals, kind, name, row, value, message):
    """Codes, ids, offsets and texts, under checksums that are right for them."""
    path = tmp_path / "s.h5"
    path.write_bytes(originals[kind])
    with h5py.File(path, "r+", libver="latest") as file:
        file[name][row if row >= 0 else len(file[name]) + row] = value
        mend(file)

    with pytest.raises(FailureError, match=message), FeatureStore(path) as store:
        store.verify()
    refusal(path)


@pytest.mark.slow
@pytest.mark.parametrize("inflated", [b"", b"few", bytes(1 << 28)])
def test_chunk_inflates_to_its_size_and_no_further(tmp_path, originals, inflated):
    """Too little, where HDF5 would give what else is in the memory, or 256 MiB for a chunk of a few hundred KiB."""
    path = tmp_path / "s.h5"
    path.write_bytes(originals["pooled.gzip"])
    with h5py.File(path, "r+", libver="latest") as file:
        file["features/pooled"].id.write_direct_chunk((32, 0), zlib.compress(inflated))

    with FeatureStore(path) as store, pytest.raises(FailureError, match="features/pooled, in the rows from 32"):
        store.read()
    assert "damaged: features/pooled, in the rows from 32" in refusal(path)


@pytest.mark.parametrize("kind", ["pooled.gzip", "tokens.gzip", "table.gzip"])
def test_compressed_rows_are_those_that_hdf5_reads(tmp_path, originals, kind):
    """In stretches that begin and end anywhere."""
    path = tmp_path / "s.h5"
    path.write_bytes(originals[kind])
    with h5py.File(path) as file, FeatureStore(path) as store:
        for name, data in file["features"].items():
            own = store.data_set(f"features/{name}")
            for rows in (slice(None), slice(31, 33), slice(64, 500), slice(5, 5), slice(7, 3), slice(-3, None)):
                assert (own[rows] == data[rows]).all()
