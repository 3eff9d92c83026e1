"""take, concat and canonical, on both kinds of features."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stores import Features, IdFeatures, PooledFeatures

TOKENS = st.lists(st.lists(st.sampled_from("abcdef"), max_size=5), min_size=1, max_size=8)


def tokens_of(features):
    """The tokens of each text, as lists of strings: what the ids stand for."""
    ids, offsets = features.outputs["ids"], features.offsets
    return [[features.vocabulary[i] for i in ids[a:b]] for a, b in pairwise(offsets)]


def test_from_tokens_by_hand():
    """The vocabulary is in order of first appearance, text i owns ids[offsets[i]:offsets[i + 1]]."""
    features = IdFeatures.from_tokens([["b", "a"], [], ["a", "c"]])

    assert features.vocabulary == ["b", "a", "c"]
    assert features.outputs["ids"].tolist() == [0, 1, 1, 2]
    assert features.offsets.tolist() == [0, 2, 2, 4]
    assert features.counts[:, 0].tolist() == [2, 0, 2]


@given(TOKENS, st.data())
def test_take_gives_the_rows_asked_for(tokens, data):
    """Any rows, in any order, any number of times."""
    rows = np.array(data.draw(st.lists(st.integers(0, len(tokens) - 1), max_size=9)), np.int64)

    assert tokens_of(IdFeatures.from_tokens(tokens)[rows]) == [tokens[row] for row in rows]


@given(TOKENS, TOKENS)
def test_concat_puts_rows_after_rows(first, second):
    """Two vocabularies become one, the tokens stay the same."""
    both = Features.concat([IdFeatures.from_tokens(first), IdFeatures.from_tokens(second)])

    assert tokens_of(both) == first + second


@given(TOKENS, st.randoms())
def test_canonical_forgets_where_the_features_came_from(tokens, random):
    """A vocabulary in any order, with words too many, becomes that of the texts alone."""
    vocabulary = list("abcdefgh")
    random.shuffle(vocabulary)
    plain = IdFeatures.from_tokens(tokens)
    ids = np.array([vocabulary.index(t) for text in tokens for t in text], np.int32)
    odd = IdFeatures({"ids": ids}, plain.counts, plain.offsets, vocabulary)

    assert odd.canonical().vocabulary == plain.vocabulary
    assert odd.canonical().outputs["ids"].tolist() == plain.outputs["ids"].tolist()


def test_pooled_features_are_rows():
    """Pooled features are taken and put together like rows of an array."""
    features = PooledFeatures({"pooled": np.arange(6.0).reshape(3, 2)}, np.zeros((3, 3), np.int32))

    assert features[np.array([2, 0])].outputs["pooled"].tolist() == [[4, 5], [0, 1]]
    assert len(Features.concat([features, features])) == 6
