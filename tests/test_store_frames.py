"""Stores as frames and arrays of other libraries."""

import numpy as np
import pytest
from helpers.stores import make_store, pooled

from stores import FeatureStore, IdFeatures, InputError, TokenFeatures

TEXTS, LABELS = ["one", "two words", "three"], ["ham", None, "spam"]


def test_pooled(tmp_path):
    """A vector a row in one column, and the features alone as an array."""
    values = np.arange(6, dtype=np.float32).reshape(3, 2)
    path = make_store(tmp_path / "a.h5", pooled(values), LABELS, TEXTS)
    with FeatureStore(path) as store:
        table = store.to_arrow()
        assert (np.asarray(store) == values).all() and np.asarray(store, "float64").dtype == np.float64
        with pytest.raises(ValueError, match="read into memory"):
            np.asarray(store, copy=False)
        with pytest.raises(InputError, match="`output='x'`"):
            store.to_arrow("x")

    assert table.column_names == ["line", "label", "text", "features"]
    assert table["label"].to_pylist() == LABELS
    assert table["features"].to_pylist() == values.tolist()


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames(tmp_path, library):
    """The same in a frame, of rows of tokens and of ids too."""
    pytest.importorskip(library)
    tokens = TokenFeatures({"tokens": np.eye(3, dtype=np.float16)}, np.ones((3, 3), np.int32), np.array([0, 1, 3, 3]))
    for features, expected in (
        (pooled(np.eye(3)), [[1, 0, 0], [0, 1, 0], [0, 0, 1]]),
        (tokens, [[[1, 0, 0]], [[0, 1, 0], [0, 0, 1]], []]),
        (IdFeatures.from_tokens([["a"], ["b", "a"], []]), [["a"], ["b", "a"], []]),
    ):
        with FeatureStore(make_store(tmp_path / f"{features.kind}.h5", features, LABELS, TEXTS)) as store:
            frame = getattr(store, f"to_{library}")()
        assert list(frame["text"]) == TEXTS
        column = frame["features"].to_list() if library == "polars" else frame["features"]
        assert [[x.tolist() if hasattr(x, "tolist") else x for x in row] for row in column] == expected
