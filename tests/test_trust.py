"""Stores that are damaged or made to do harm: each is refused with one line, soon, and before it can do any."""

import subprocess
import sys
import time
import zlib

import h5py
import numpy as np
import pytest
from helpers import ROOT
from helpers.commands import tk

from stores import FailureError, FeatureStore, InputError
from stores.columns import content_digest
from stores.format import data_sets, members
from tools.attack_stores import content, make

KINDS = ("pooled", "tokens", "ids", "table", "pooled.gzip", "tokens.gzip", "table.gzip")
BILLIONS = (10**12, 300)


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    """The bytes of a small store of each kind."""
    return {name: path.read_bytes() for name, path in make(tmp_path_factory.mktemp("originals")).items()}


def refusal(path):
    """What opening, or else ``verify``, says against a store: one line, within seconds; None if nothing."""
    start = time.perf_counter()
    try:
        with FeatureStore(path) as store:
            store.verify()
        message = None
    except (FailureError, InputError) as error:
        message = str(error)
        assert len(message.splitlines()) == 1
        assert len(message) < 1000
    assert time.perf_counter() - start < 5
    return message


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


# ---------------------------------------------------------------------------------------------------------------------
# Of the wrong make: refused when they are opened.


def _add(name, *values, **options):
    def damage(file):
        if name in file:
            del file[name]
        file.create_dataset(name, *values, **options)

    return damage


def _delete(*names):
    def damage(file):
        for name in names:
            del file[name]

    return damage


def _attribute(name, value):
    return lambda file: file.attrs.__setitem__(name, value)


def checksums_of(data):
    """CRC-32 of each chunk of a data set."""
    return [zlib.crc32(data[row : row + data.chunks[0]]) for row in range(0, len(data), data.chunks[0])]


def _about(text):
    def damage(file):
        _add("about", data=np.frombuffer(text, "u1"), chunks=(min(len(text), 1 << 19),))(file)
        _add("checksums/about", data=np.array(checksums_of(file["about"]), "u4"))(file)

    return damage


def _link(name, target):
    return lambda file: file.__setitem__(name, file[target])


def _odd_filter(file):
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_chunk((90, 3))
    properties.set_filter(32013, h5py.h5z.FLAG_OPTIONAL, (1, 2))  # a number of no filter that is here
    space = h5py.h5s.create_simple((90, 3))
    h5py.h5d.create(file["features"].id, b"c", h5py.h5t.IEEE_F32LE, space, properties)


def _deep(file):
    group = file
    for _ in range(3000):
        group = group.create_group("a")


def _many(file):
    for i in range(3000):
        file[f"{i}"] = h5py.SoftLink("/line")


def _one_chunk_of_many(file):
    data = file.create_dataset(
        "features/c", (1 << 22, 64), "f4", chunks=(1 << 11, 64), compression="gzip", shuffle=True
    )
    data[:90] = 1


def _few_checksums(file):
    _add("checksums/line", data=np.zeros(0, "u4"))(file)


def _types(**types):
    """Damages that put data of other types beside the features."""
    return [(_add("features/c", data=value), "c is .* refused") for value in types.values()]


MISMADE = [
    *_types(
        objects=np.array([None], h5py.ref_dtype), regions=np.array([None], h5py.regionref_dtype),
        opaque=np.array([np.void(b"\x80\x04.pickle")]), compound=np.zeros((90, 3), "f4,i4"),
        strings=np.array(["a"], h5py.string_dtype()), enumeration=np.zeros((90, 3), bool),
        doubles=np.zeros((90, 3), "f8"), big=np.zeros((90, 3), ">f4"), complex=np.zeros((90, 3), "c8"),
        whole=np.zeros((90, 3), "i4"), three=np.zeros((90, 3, 1), "f4"), scalar=np.float32(1), nothing=h5py.Empty("f4"),
    ),
    (_add("features/c", (1,), h5py.vlen_dtype("f4")), "c is object .* refused"),
    (_add("features/c", BILLIONS, "f4"), "c claims 1,200,000,000,000,000 bytes"),
    (_add("features/c", BILLIONS, "f4", chunks=(1024, 300)), "c claims 1,200,000,000,000,000 bytes"),
    (_add("features/c", BILLIONS, "f4", chunks=(1024, 300), compression="gzip", shuffle=True), "c claims"),
    (_one_chunk_of_many, "c claims 1,073,741,824 bytes"),
    (_add("line", (10**12,), "i8"), "line claims"),
    (_add("line", data=np.zeros(0, "i8")), "does not fit 0 rows"),
    (_add("text_hash", data=np.zeros((90, 8), "u1")), "text_hash has the shape"),
    (_add("labels/codes", data=np.zeros(91, "i4")), "labels/codes has the shape"),
    (_add("labels/classes/offsets", data=np.zeros(0, "i8")), "labels/classes/offsets has the shape"),
    (_add("texts/offsets", data=np.zeros(90, "i8")), "texts/offsets has the shape"),
    (_add("features/a", (90, 8), "f4", chunks=(90, 8), maxshape=(None, 8)), "a claims|whole rows"),
    (_add("features/a", data=np.ones((90, 8), "f4"), chunks=(90, 8), maxshape=(None, 8)), "chunks of whole rows"),
    (_add("features/a", data=np.ones((90, 8), "f4"), chunks=(90, 4)), "chunks of whole rows"),
    (_add("features/a", data=np.ones((90, 8), "f4")), "chunks of whole rows"),  # no checksum would cover it
    (_add("features/a", data=np.ones((90, 8), "f4"), chunks=(1, 8)), "90 chunks, which are too small"),
    (_add("features/a", data=np.ones((90, 8), "f4"), chunks=(90, 8), fletcher32=True), "has a filter"),
    (_add("features/a", data=np.ones((90, 8), "f4"), chunks=(90, 8), shuffle=True), "has a filter"),
    (_add("line", data=np.arange(90), chunks=(90,), compression="gzip"), "line has a filter"),
    (_odd_filter, "c has a filter"),
    (_few_checksums, "line has 1 chunks, but not as many checksums"),
    (_add("checksums/other", data=np.zeros(1, "u4")), "'checksums/other' does not belong"),
    (_add("times", data=np.array([np.nan, 0])), "is damaged"),
    (_add("times", data=np.array([1e300, 0])), "is damaged"),
    (_add("times", data=np.zeros(4)), "times has the shape"),
    (_add("features/a\n\x1b[2Jb", data=np.zeros((90, 3), "f4")), r"features/a\\n\\x1b\[2Jb"),
    (_add("features/ids", data=np.zeros(90, "i4")), "features/ids"),
    (_add("offsets", data=np.arange(91)), "'offsets' does not belong into a store of kind 'pooled'|lacks"),
    (_delete("times"), "lacks 'times'"),
    (_delete("checksums"), "lacks 'checksums/about'"),
    (_delete("checksums/line"), "lacks 'checksums/line'"),
    (_delete("labels"), "lacks 'labels/classes/bytes'"),
    (_delete("texts/bytes"), "lacks 'texts/bytes'"),
    (_delete("features/a", "features/b"), "lacks 'features'"),
    (_delete("features"), "lacks 'features'"),
    (lambda file: file.create_group("features/more"), "features/more does not belong"),
    (lambda file: file.__setitem__("features/type", np.dtype("f4")), "features/type does not belong"),
    (_link("loop", "/"), "/ is no group such as a store has"),
    (_link("features/loop", "/"), "/ is no group such as a store has"),
    (_link("checksums/checksums", "checksums"), "checksums is no group such as a store has"),
    (_link("features/twice", "features/a"), "lacks 'checksums/features/twice'"),
    (_attribute("kind", "pooled"), "'kind' is neither"),  # of variable length, in a heap that no checksum covers
    (_attribute("kind", np.bytes_(b"x" * 300)), "'kind' is neither"),
    (_attribute("kind", np.zeros(2 << 20, "u1")), "no group such"),
    (_attribute("kind", np.void(b"\x80\x04.pickle")), "'kind' is neither"),
    (_attribute("kind", h5py.Empty("f4")), "'kind' is neither"),
    (_attribute("kind", np.array([b"a", b"b"])), "'kind' is neither"),
    (_attribute("kind", np.bytes_(b"\xff")), "is damaged"),
    (_attribute("kind", np.bytes_("sparse")), "kind 'sparse'"),
    (_attribute("kind", np.bytes_("ids")), "lacks 'features/ids'"),
    (_attribute("format", 10**12), "not a feature store"),
    (_attribute("format_version", 3), "format version 3"),
    (_attribute("format_version", np.bytes_("1")), "format version b'1'"),
    (_about(b"[" * 100_000), "is damaged"),
    (_about(b"1" * 10_000), "is damaged"),
    (_about(b"{"), "is damaged"),
    (_about(b"[1]"), "is damaged"),
    (_about(b'{"identity":1}'), "is damaged"),
    (_about(b" " * (1 << 25)), "about is longer than"),
]  # fmt: skip


@pytest.mark.parametrize(("damage", "message"), MISMADE)
def test_what_no_store_has_is_refused(tmp_path, originals, damage, message):
    """Types, shapes, filters, members and attributes of others; nothing of them is read."""
    path = tmp_path / "s.h5"
    path.write_bytes(originals["pooled"])
    with h5py.File(path, "r+", libver="latest") as file:
        damage(file)

    with pytest.raises(FailureError, match=message):
        FeatureStore(path)
    refusal(path)


@pytest.mark.parametrize(
    ("put", "foreign"),
    [
        (_attribute("more", 1), ["attribute 'more'"]),
        (_attribute("note", "of variable length"), ["attribute 'note'"]),
        (_attribute("note", h5py.Empty("f4")), ["attribute 'note'"]),
        (_add("more", data=np.zeros(3, "i4")), ["'more'"]),
        (_add("more", data=np.array([None], h5py.ref_dtype)), ["'more'"]),
        (_add("more", BILLIONS, "f4"), ["'more'"]),
        (lambda file: file.create_group("more/and/more"), ["'more'"]),
        (_deep, ["'a'"]),
        (lambda file: file.__setitem__("more", h5py.SoftLink("/more")), ["'more'"]),
        (lambda file: file.__setitem__("more", h5py.ExternalLink("/etc/passwd", "/")), ["'more'"]),
    ],
)
@pytest.mark.parametrize("libver", ["earliest", "latest"])
def test_what_others_put_beside_is_named_and_never_opened(tmp_path, originals, put, foreign, libver):
    """As long as all that is ours verifies, a note of another program is no reason to make a store again."""
    path = tmp_path / "s.h5"
    path.write_bytes(originals["pooled"])
    with FeatureStore(path) as store:
        before = content(store)
    with h5py.File(path, "r+", libver=libver) as file:
        put(file)

    with FeatureStore(path) as store:
        store.verify()
        assert store.foreign == foreign
        assert content(store) == before


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


def test_attribute_that_is_a_reference_is_refused(tmp_path, originals):
    """It points to an object, maybe of another file."""
    path = tmp_path / "s.h5"
    path.write_bytes(originals["pooled"])
    with h5py.File(path, "r+") as file:
        file.attrs["kind"] = file["line"].ref

    assert "'kind' is neither" in refusal(path)


def test_older_layouts_of_hdf5_are_refused(tmp_path, originals):
    """A true copy of a store in the layout of 1998, whose own metadata no checksum covers."""
    path, copy = tmp_path / "s.h5", tmp_path / "copy.h5"
    path.write_bytes(originals["pooled"])
    with h5py.File(path) as file, h5py.File(copy, "w") as other:
        for name in members(file):
            file.copy(name, other)
        other.attrs.update(file.attrs)

    assert "not a feature store" in refusal(copy)


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


# ---------------------------------------------------------------------------------------------------------------------
# Well made, with checksums that are right, and senseless: found by ``verify``.


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


def test_what_passes_by_design(tmp_path, originals):
    """Attributes of data sets are never read; times have no checksum, for they alone differ between equal runs."""
    path = tmp_path / "s.h5"
    path.write_bytes(originals["pooled"])
    with h5py.File(path, "r+", libver="latest") as file:
        file["features/a"].attrs["more"] = np.zeros(1 << 20)
        file["times"][...] = 1e9, 3, 0

    assert refusal(path) is None
    with FeatureStore(path) as store:
        assert store.created == "2001-09-09T01:46:40Z"


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
