"""A store: written, read with this library and with bare h5py, checked, and refused when it is not what it says."""

import h5py
import numpy as np
import pytest
from helpers.stores import make_store, pooled
from helpers.toy import TEN_ROWS

from stores import FailureError, FeatureStore, IdFeatures, InputError
from stores.format import CHUNK_BYTES
from stores.shared.fingerprint import hash_texts, identity_digest


def test_store_gives_back_what_was_written(ten_store):
    """Features, labels, lines, hashes and texts of the ten rows, in the order of the file."""
    with FeatureStore(ten_store) as store:
        features = store.read().outputs["pooled"]

        assert len(store) == 10
        assert store.classes == ["ham", "spam"]
        assert store.codes.tolist() == [0, 1, 0, 1, 0, 0, -1, 1, 0, 1]
        assert store.texts[:] == [text for _, text in TEN_ROWS]
        assert store.line.tolist() == [2, 3, 4, 5, 6, 7, 8, 9, 11, 12]  # the eighth row has a line break in it
        assert features[1].tolist() == [3, 10, 3]  # WIN cash now
        assert features[5].tolist() == [0, 0, 0]  # the empty text
        assert (store.text_hash == hash_texts(store.texts[:])).all()


def test_store_counts_its_rows(ten_store):
    """Rows, distinct, encoded and empty texts, rows without a label, tokens."""
    with FeatureStore(ten_store) as store:
        totals = store.totals

    assert totals["rows"] == 10
    assert totals["distinct"] == totals["encoded"] == 8
    assert (totals["reused"], totals["empty"], totals["unlabelled"]) == (0, 1, 1)
    assert totals["tokens"] == 4 + 3 + 1 + 5 + 4 + 0 + 3 + 5 + 3 + 3


def test_store_reads_with_bare_h5py(ten_store):
    """Six lines of h5py are enough: no plug-in, no library of ours."""
    with h5py.File(ten_store) as file:
        features = file["features/pooled"][...]
        start, end = file["texts/offsets"][1:3]
        text = file["texts/bytes"][start:end].tobytes().decode()

    assert features.shape == (10, 3)
    assert text == "WIN cash now"


def test_take_reads_scattered_rows(tmp_path):
    """Rows from several chunks, out of order and repeated."""
    values = np.arange(3000 * 64).reshape(3000, 64)
    path = make_store(tmp_path / "s.h5", pooled(values), ["a"] * 3000, [str(i) for i in range(3000)])
    rows = np.array([2999, 0, 2048, 0, 17])
    with FeatureStore(path) as store:
        assert (store.take(rows).outputs["pooled"] == values[rows]).all()


def test_words_without_a_vector_take_no_room(tmp_path):
    """Their rows of zeros are packed, and read back as they were, by bare h5py, too; other tables lie as they are."""
    table = np.random.default_rng(0).normal(size=(20_000, 50)).astype(np.float32)
    sizes = {}
    for name, unknown in (("known", []), ("unknown", np.arange(20_000) % 4 > 0)):
        table[unknown] = 0
        ids = np.arange(20_000, dtype=np.int32)
        features = IdFeatures(
            {"ids": ids}, np.array([[20_000, 0, 0]], np.int32), np.array([0, 20_000]), [f"w{i}" for i in ids], table
        )
        path = make_store(tmp_path / f"{name}.h5", features, ["a"], [""])
        sizes[name] = path.stat().st_size
        with FeatureStore(path) as store, h5py.File(path) as file:
            store.verify()
            assert (store.table == table).all() and (store.read().table == table).all()
            assert (file["table"][...] == table).all()

    saved = 15_000 * 50 * 4
    assert sizes["known"] - sizes["unknown"] > 0.95 * saved


def test_chunks_hold_whole_rows(tmp_path):
    """Chunks run along the rows only and stay near their size."""
    path = make_store(tmp_path / "s.h5", pooled(np.zeros((3000, 512))), ["a"] * 3000, [""] * 3000)
    with h5py.File(path) as file:
        chunks = file["features/pooled"].chunks

    assert chunks == (CHUNK_BYTES // (512 * 4), 512)


def test_classes_that_are_numbers_are_in_their_order(tmp_path):
    """10 comes after 9, although not as text."""
    path = make_store(tmp_path / "s.h5", pooled(np.zeros((3, 2))), ["10", "9", "-1"], ["a", "b", "c"])
    with FeatureStore(path) as store:
        assert store.classes == ["-1", "9", "10"]


@pytest.mark.parametrize("name", ["features/pooled", "text_hash", "labels/codes", "line", "counts", "texts/bytes"])
def test_verify_finds_one_flipped_bit(ten_store, name):
    """A bit that flips in any data set is found, and the data set is named."""
    with FeatureStore(ten_store) as store:
        store.verify()
    with h5py.File(ten_store) as file:
        data = file[name]
        place = data.id.get_chunk_info(0).byte_offset
    raw = bytearray(ten_store.read_bytes())
    raw[place] ^= 4
    ten_store.write_bytes(raw)

    with FeatureStore(ten_store) as store, pytest.raises(FailureError, match=f"damaged: {name}"):
        store.verify()


def test_verify_finds_changed_attributes(ten_store):
    """A digest of the identity that somebody edited is found."""
    with h5py.File(ten_store, "r+") as file:
        file.attrs["identity_digest"] = np.bytes_("another")

    with FeatureStore(ten_store) as store, pytest.raises(FailureError, match="attributes"):
        store.verify()


def _external_link(file):
    del file["line"]
    file["line"] = h5py.ExternalLink("other.h5", "/line")


def _soft_link(file):
    file["features/extra"] = h5py.SoftLink("/line")


def _external_storage(file):
    file.create_dataset("features/extra", (1, 1), "f4", external=[("/etc/hostname", 0, 4)])


def _virtual(file):
    layout = h5py.VirtualLayout((10, 3), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "features/pooled", (10, 3))
    del file["features/pooled"]
    file.create_virtual_dataset("features/pooled", layout)


def _newer(file):
    file.attrs["format_version"] = 3


def _stranger(file):
    del file.attrs["format"]


def _no_hashes(file):
    del file["text_hash"]


def _short(file):
    del file["counts"]
    file["counts"] = np.zeros((3, 3), "i4")


def _reference(file):
    file["features/extra"] = np.array([file["line"].ref], h5py.ref_dtype)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_external_link, "is a link"),
        (_soft_link, "is a link"),
        (_external_storage, "inside the file"),
        (_virtual, "own parts"),
        (_newer, "format version 3"),
        (_stranger, "not a feature store"),
        (_no_hashes, "lacks 'text_hash'"),
        (_short, r"counts has the shape \(3, 3\), which does not fit 10 rows"),
        (_reference, "features/extra is object .* refused"),
    ],
)
def test_store_of_a_stranger_is_refused(ten_store, damage, message):
    """What is no store of this version, or reaches out of the file, is refused when it is opened."""
    with h5py.File(ten_store, "r+") as file:
        damage(file)

    with pytest.raises(FailureError, match=message):
        FeatureStore(ten_store)


def test_no_store_is_said_so(tmp_path):
    """A missing file, and one that is no HDF5 file."""
    (tmp_path / "text.h5").write_text("hello")

    with pytest.raises(InputError, match="no such file"):
        FeatureStore(tmp_path / "none.h5")
    with pytest.raises(FailureError, match="no HDF5 file"):
        FeatureStore(tmp_path / "text.h5")


def test_failed_write_leaves_what_was_there(ten_store):
    """A write that fails in the middle leaves the old store and no other file."""
    before = ten_store.read_bytes()

    def blocks():
        with FeatureStore(ten_store) as store:
            yield from store.blocks(4)
            raise OSError(28, "No space left on device")

    from stores import write_store

    with FeatureStore(ten_store) as store:
        extent, attributes = store.extent, {"identity": {}}
    with pytest.raises(FailureError, match="No space left"):
        write_store(ten_store, blocks(), extent, attributes)
    assert ten_store.read_bytes() == before
    assert [path.name for path in ten_store.parent.iterdir()] == [ten_store.name]


def test_identity_digest_does_not_depend_on_the_order():
    """The digest is that of the meaning, not of how the mapping was written."""
    assert identity_digest({"a": 1, "b": [2]}) == identity_digest({"b": [2], "a": 1})
    assert identity_digest({"a": 1}) != identity_digest({"a": 2})
