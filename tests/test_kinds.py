"""All three kinds of features through a store, plain and compressed, whole and in parts."""

import h5py
import numpy as np
import pytest
from helpers.stores import make_store

from stores import Block, FeatureStore, IdFeatures, InputError, PooledFeatures, TokenFeatures
from stores.block import Extent
from stores.parts import Parts
from stores.shared.fingerprint import hash_texts
from stores.writer import write_store

N = 500
RNG = np.random.default_rng(0)
LENGTHS = RNG.integers(0, 9, N)
OFFSETS = np.concatenate([[0], np.cumsum(LENGTHS)])
COUNTS = np.stack([LENGTHS, LENGTHS // 3, LENGTHS * 0], 1).astype(np.int32)
WORDS = [f"word{i}" for i in range(40)]
TABLE = RNG.normal(size=(40, 7)).astype(np.float32)
TEXTS = [f"text {i}" for i in range(N)]


def pooled():
    """Two outputs, as of an encoder with several layers, of two types."""
    outputs = {
        "layer1": RNG.normal(size=(N, 300)).astype(np.float32),
        "layer2": RNG.normal(size=(N, 5)).astype(np.float16),
    }
    return PooledFeatures(outputs, COUNTS)


def tokens():
    """One vector a token, half precision."""
    return TokenFeatures({"tokens": RNG.normal(size=(OFFSETS[-1], 64)).astype(np.float16)}, COUNTS, OFFSETS)


def ids():
    """Ids into a vocabulary with a vector each."""
    numbers = RNG.integers(0, 40, OFFSETS[-1]).astype(np.int32)
    return IdFeatures({"ids": numbers}, COUNTS, OFFSETS, WORDS, TABLE).canonical()


KINDS = pytest.mark.parametrize("make", [pooled, tokens, ids])


def meaning(features):
    """What the features of each row are, whatever the numbering of the vocabulary."""
    rows = []
    for i in range(len(features)):
        values = features.take(np.array([i])).outputs
        if isinstance(features, IdFeatures):
            words = [features.vocabulary[j] for j in values["ids"]]
            rows.append((words, features.table[values["ids"]].tobytes()))
        else:
            rows.append({name: array.tobytes() for name, array in values.items()})
    return rows


@KINDS
@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_features_come_back(tmp_path, make, compression):
    """To the bit: all rows, a stretch, scattered rows out of order; and the store verifies."""
    features = make()
    path = make_store(tmp_path / "a.h5", features, ["x"] * N, TEXTS, compression=compression)
    rows = np.array([N - 1, 3, 3, 250, 0])
    with FeatureStore(path) as store:
        store.verify()
        assert meaning(store.read()) == meaning(features)
        assert meaning(store.read(100, 140)) == meaning(features.take(np.arange(100, 140)))
        assert meaning(store.take(rows)) == meaning(features.take(rows))
        assert (store.read().counts == COUNTS).all()


@KINDS
def test_parts_make_the_same_store(tmp_path, make):
    """Put together from parts of 70 rows, written in any order, the store is the same as written at once."""
    features, shared = make(), {"identity": {"a": 1}, "identity_digest": "x", "recipe": {}, "source": {}}
    shared |= {"versions": {}, "command": ""}
    hashes, labels = hash_texts(TEXTS), [str(i % 3) for i in range(N)]
    parts = Parts(tmp_path / "parts.h5", shared)
    starts = list(range(0, N, 70))
    for number in RNG.permutation(len(starts)):
        rows = np.arange(starts[number], min(starts[number] + 70, N))
        own = [[values[i] for i in rows] for values in (labels, TEXTS)]
        block = Block(rows, hashes[rows], *own, features.take(rows).canonical())
        parts.write(int(number), block, {"rows": len(rows)}, (0.0, 0.0, 0.0))
    totals = parts.assemble(len(starts), 0.0)
    block = Block(np.arange(N), hashes, labels, TEXTS, features)
    write_store(
        tmp_path / "once.h5", [block], Extent.of(block), shared | {"totals": {"rows": N}, "times": (0.0, 0.0, 0.0)}
    )

    assert totals == {"rows": N}
    assert (tmp_path / "parts.h5").read_bytes() == (tmp_path / "once.h5").read_bytes()


def test_word_vectors_cost_ids_and_one_row_a_word(tmp_path):
    """5,000 texts of 20 words from 3,000 with vectors of 300 numbers: 4 bytes a token, 1,200 a word, little more."""
    numbers = RNG.integers(0, 3000, 100_000).astype(np.int32)
    words = [f"w{i}" for i in range(3000)]
    table = np.zeros((3000, 300), np.float32)
    counts = np.full((5000, 3), 20, np.int32)
    features = IdFeatures({"ids": numbers}, counts, np.arange(0, 100_001, 20), words, table)
    path = make_store(tmp_path / "a.h5", features, ["x"] * 5000, [""] * 5000)

    assert path.stat().st_size < 1.1 * (100_000 * 4 + 3000 * 1200 + 5000 * (16 + 8 + 8 + 12 + 4 + 8))


def test_features_are_indexed_like_an_array(tmp_path):
    """One row, a stretch, a step, negative numbers, scattered rows."""
    features = pooled()
    values = features.outputs["layer1"]
    with FeatureStore(make_store(tmp_path / "a.h5", features, ["x"] * N, TEXTS)) as store:
        view = store.features
        assert (view[5] == values[5]).all()
        assert (view[-1] == values[-1]).all()
        for rows in (slice(10, 20), slice(None), slice(3, 300, 7), slice(20, 10), np.array([9, 9, 2]), [1, -2]):
            assert (view[rows] == values[rows]).all()
            assert view[rows].shape == values[rows].shape
        with pytest.raises(IndexError):
            view[N]


def test_ragged_features_are_lists_of_arrays(tmp_path):
    """Token features come as one [T, D] array a row."""
    features = tokens()
    with FeatureStore(make_store(tmp_path / "a.h5", features, ["x"] * N, TEXTS)) as store:
        found = store.features[40:44]
        assert [len(row) for row in found] == LENGTHS[40:44].tolist()
        assert (np.concatenate(found) == features.outputs["tokens"][OFFSETS[40] : OFFSETS[44]]).all()
        assert store.features[7].shape == (LENGTHS[7], 64)
        assert store.features[5:5] == []


def test_arrays_are_what_scikit_learn_takes(tmp_path):
    """X, y and groups of the labelled rows; identical texts are one group."""
    features = PooledFeatures({"pooled": np.arange(12, dtype=np.float32).reshape(6, 2)}, np.zeros((6, 3), np.int32))
    labels, texts = ["b", None, "a", "b", "a", None], ["t", "u", "t", "v", "w", "u"]
    with FeatureStore(make_store(tmp_path / "a.h5", features, labels, texts)) as store:
        x, y, groups = store.arrays()

        assert x.tolist() == [[0, 1], [4, 5], [6, 7], [8, 9]]
        assert y.tolist() == [1, 0, 1, 0]
        assert groups[0] == groups[1]
        assert len(set(groups)) == 3
        assert store.labels.tolist() == labels
        assert store.texts[2:4] == ["t", "v"]
        assert store.texts[-1] == "u"


def test_types_that_other_readers_do_not_know_are_refused(tmp_path):
    """float64 is more than features hold, and bfloat16 is bytes without a meaning to another reader."""
    import ml_dtypes

    for dtype in (np.float64, ml_dtypes.bfloat16):
        features = PooledFeatures({"pooled": np.zeros((2, 2), dtype)}, np.zeros((2, 3), np.int32))
        with pytest.raises(InputError, match=r"which a store does not hold; give float32 or float16"):
            make_store(tmp_path / "a.h5", features, ["x"] * 2, ["a", "b"])
    assert not (tmp_path / "a.h5").exists()


def test_plain_chunks_lie_one_after_the_other(tmp_path):
    """So that one memory map reads them; bare h5py sees the same numbers."""
    features = pooled()
    path = make_store(tmp_path / "a.h5", features, ["x"] * N, TEXTS)
    with h5py.File(path) as file:
        data = file["features/layer1"]
        first = data.id.get_chunk_info(0).byte_offset

        assert (data[...] == features.outputs["layer1"]).all()
        assert (np.memmap(path, "<f4", "r", first, data.shape) == features.outputs["layer1"]).all()
