"""Rows drawn from a store: as many as asked for, in their order, with the shares of the classes."""

import numpy as np
import pytest
from click.testing import CliRunner
from helpers.commands import LETTERS
from helpers.stores import make_store, pooled

from cli import cli
from stores import FeatureStore, InputError
from stores.sample import draw, sample

LABELS = ["a"] * 60 + ["b"] * 29 + ["c"] * 1


@pytest.fixture
def store(tmp_path):
    """90 rows whose features say which row they are."""
    texts = [f"{one}{other}" for one in LETTERS for other in LETTERS][:90]
    make_store(tmp_path / "all.h5", pooled([[i, 0] for i in range(90)]), LABELS, texts)
    with FeatureStore(tmp_path / "all.h5") as opened:
        yield opened


def test_a_sample_is_those_rows(store, tmp_path):
    """Features, texts and labels of the rows that were drawn, each once, in the order of the store."""
    rows = draw(store, 30, seed=1)
    with sample(store, 30, tmp_path / "some.h5", seed=1) as drawn:
        drawn.verify()
        assert len(set(rows)) == 30
        assert (np.diff(rows) > 0).all()
        assert drawn.to_numpy()[:, 0].tolist() == rows.tolist()
        assert drawn.texts[:] == [store.texts[:][row] for row in rows]
        assert list(drawn.labels) == [LABELS[row] for row in rows]
    assert (draw(store, 30, seed=2) != rows).any()


@pytest.mark.parametrize(("rows", "counts"), [(30, [20, 9, 1]), (9, [6, 2, 1]), (3, [1, 1, 1]), (90, [60, 29, 1])])
def test_classes_keep_their_shares(store, rows, counts):
    """60, 29 and 1 of 90 rows by the largest remainder, by hand; and one at least."""
    drawn = np.array(LABELS)[draw(store, rows, stratified=True)]
    assert [int((drawn == name).sum()) for name in "abc"] == counts


@pytest.mark.parametrize("rows", [0, 91])
def test_more_than_there_are_is_refused(store, rows):
    """Nothing is drawn twice."""
    with pytest.raises(InputError, match="has 90 rows; give 1 to 90"):
        draw(store, rows)


def test_the_command(store, tmp_path):
    """Numbers as people write large ones; a store that is there is not replaced."""
    line = ["features", "sample", str(store.path), "--rows", "3e1", "--stratified", "--out", str(tmp_path / "s.h5")]
    assert "30 of 90 rows: " in CliRunner().invoke(cli, line).stdout
    assert "exists already" in CliRunner().invoke(cli, line).stderr
    assert "2.5 is no whole number" in CliRunner().invoke(cli, [*line[:4], "2.5", *line[5:]]).stderr
