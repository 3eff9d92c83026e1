"""Stores made to do harm: what no store has is refused with one line, soon, and before it can do any."""

import h5py
import numpy as np
import pytest
from helpers.damaged_stores import checksums_of, refusal

from stores import FailureError, FeatureStore
from stores.format import members
from tools.attack_stores import content

BILLIONS = (10**12, 300)


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
