"""The common component: fitted on some rows, taken out of any."""

import numpy as np
import pytest
from sklearn.decomposition import TruncatedSVD

from classify.heads.common_component import fit_components, remove_components


@pytest.fixture
def rows():
    """400 vectors of 12 numbers with a common part, float32."""
    rng = np.random.default_rng(0)
    return (rng.normal(size=(400, 12)) + rng.normal(size=12) * 2).astype(np.float32)


def test_by_hand():
    """Of (3, 4), (6, 8) and (-4, 3) / 5 the common direction is (3, 4) / 5, and only the third row is left."""
    x = np.array([[3, 4], [6, 8], [-0.8, 0.6]])
    components = fit_components([x])

    np.testing.assert_allclose(components, [[0.6, 0.8]], atol=1e-12)
    np.testing.assert_allclose(remove_components(x, components), [[0, 0], [0, 0], [-0.8, 0.6]], atol=1e-12)


@pytest.mark.parametrize("count", [1, 3])
def test_as_the_published_code_does(rows, count):
    """That calls scikit-learn's TruncatedSVD, and takes X - X V' V."""
    v = TruncatedSVD(n_components=count, n_iter=30, random_state=0).fit(rows.astype(float)).components_
    found = remove_components(rows, fit_components([rows], count))

    assert found.dtype == np.float32
    np.testing.assert_allclose(found, rows - rows @ v.T @ v, atol=1e-4)


def test_blocks_do_not_matter(rows):
    """One block, or seven of different size."""
    parts = np.split(rows, [1, 2, 50, 51, 200, 399])

    np.testing.assert_allclose(fit_components([rows], 2), fit_components(iter(parts), 2), atol=1e-9)


def test_nothing_of_other_rows_is_fitted(rows):
    """The components are those of the training rows, whatever rows they are taken out of; twice is once."""
    components = fit_components([rows[:300]], 2)
    once = remove_components(rows[300:], components)

    np.testing.assert_allclose(once @ components.T, 0, atol=1e-5)
    np.testing.assert_allclose(remove_components(once, components), once, atol=1e-5)
    one = remove_components(rows[300:301], components)
    np.testing.assert_allclose(one, once[:1], rtol=1e-5, atol=1e-6)


def test_few_and_empty_rows(rows):
    """Rows that span one direction have one component; zeros have none and stay; no rows at all is an error."""
    assert fit_components([np.outer([1, 2, 3], rows[0])], 3).shape == (1, 12)
    zeros = np.zeros((5, 12), np.float32)
    none = fit_components([zeros], 1)

    assert none.shape == (0, 12)
    assert remove_components(zeros, none).tolist() == zeros.tolist()
    assert remove_components(rows, none).tolist() == rows.tolist()
    with pytest.raises(ValueError, match="no rows"):
        fit_components([])
