"""The contract of every encoder: what is in ``embed/encoders`` is found here by itself."""

from itertools import pairwise

import numpy as np
import pytest

from embed import Recipe, encoder_names, load_encoder
from stores import Features, InputError
from stores.shared.fingerprint import canonical_json, identity_digest

TEXTS = [
    "Call me when you are home.",
    "",
    "WINNER!! 1,000 cash, call 0800-555-0100 now",
    "ok",
    "   ",
    "Grüße aus Köln, 你好, \U0001f600 \ud800",  # a lone surrogate: what broken files hold
    "one\ntwo\tthree",
    "word " * 500,
    "Call me when you are home.",
    "a\x00b",
    "?!",
]
contract = pytest.mark.parametrize("name", encoder_names())
# encoders that need a model -> the builder in lookalikes.py that stands in for it
LOOKALIKES = {
    "bert": "bert", "transformer": "transformer", "elmo": "elmo", "use": "use4", "glove": "word_vectors",
    "numberbatch": "numberbatch_vectors",
}  # fmt: skip
NETWORKS = {"bert", "transformer", "elmo", "use"}
ANSWERS = {"bert", "transformer"}  # encoders that have an answer of their own to the empty text
TOLERANCE = 1e-5  # of what a network computes in batches; all else is the same to the bit


@pytest.fixture
def load(lookalike):
    """A function: name of an encoder -> the encoder, with a tiny model where it needs one."""

    def loaded(name, **options):
        if name in LOOKALIKES:
            options["model"] = str(lookalike(LOOKALIKES[name]))
        return load_encoder(name, **options)

    return loaded


def rows_of(features):
    """What each text has become: its tokens, or its vectors, float [outputs, D] each."""
    if features.kind == "ids":
        ids, offsets = features.outputs["ids"], features.offsets
        return [[features.vocabulary[i] for i in ids[a:b]] for a, b in pairwise(offsets)]
    return list(np.concatenate(list(features.outputs.values()), 1))


def assert_same(rows, others, name):
    """Row by row, to the bit or to the tolerance of a network."""
    assert len(rows) == len(others)
    for row, other in zip(rows, others, strict=True):
        if name in NETWORKS:
            np.testing.assert_allclose(row, other, rtol=0, atol=TOLERANCE)
        else:
            np.testing.assert_array_equal(row, other)


@pytest.mark.slow
@contract
def test_shapes_and_types(name, load):
    """One row a text; pooled: finite float32 [n, D]; ids: int32 within the vocabulary; counts int32 [n, 3]."""
    encoder = load(name)
    features = encoder.encode(TEXTS)

    assert encoder.name == name
    assert features.kind == encoder.kind
    assert len(features) == len(TEXTS)
    assert (features.counts.dtype, features.counts.shape) == (np.int32, (len(TEXTS), 3))
    assert (features.counts[:, 1] <= features.counts[:, 0]).all()
    for values in features.outputs.values():
        if features.kind == "ids":
            assert values.dtype == np.int32
            assert values.min() >= 0
            assert values.max() < len(features.vocabulary)
        else:
            assert (values.dtype, values.ndim, len(values)) == (np.float32, 2, len(TEXTS))
            assert np.isfinite(values).all()


@pytest.mark.slow
@contract
def test_a_vector_depends_on_its_text_alone(name, load):
    """Alone, in any batch, in any order: the same."""
    encoder, rng = load(name), np.random.default_rng(0)
    together = rows_of(encoder.encode(TEXTS))

    assert_same(together[:1], together[8:9], name)
    assert_same([rows_of(encoder.encode([text]))[0] for text in TEXTS], together, name)
    for _ in range(10):
        chosen = rng.choice(len(TEXTS), rng.integers(1, 9))
        assert_same(rows_of(encoder.encode([TEXTS[i] for i in chosen])), [together[i] for i in chosen], name)


@pytest.mark.slow
@contract
def test_empty_text_is_defined(name, load):
    """No tokens; zeros in a pooled vector, or what the encoder makes of nothing."""
    features = load(name).encode(["", "  \n"])

    prompt = features.counts[0, 0] if name == "transformer" else 0
    assert features.counts.tolist() == [[prompt, 0, 0]] * 2
    assert all(values.any() == (name in ANSWERS) for values in features.outputs.values())


@contract
def test_identity_is_stable_and_json(name, load):
    """Two loads of the same encoder have one identity, which names it."""
    first, second = load(name).identity(), load(name).identity()

    assert first["encoder"] == name
    assert identity_digest(first) == identity_digest(second)
    assert "object at" not in canonical_json(first)


@contract
def test_encoding_nothing_gives_nothing(name, load):
    """No texts are no features, not an error."""
    assert len(load(name).encode([])) == 0


@contract
def test_unknown_option_is_refused(name):
    """One line that lists the options there are."""
    with pytest.raises(InputError, match=f"encoder {name} has no option 'colour'"):
        load_encoder(name, colour="red")


def test_unknown_encoder_and_type_are_refused():
    """The message says what there is instead."""
    with pytest.raises(InputError, match="no encoder 'elmoo'; there are: .*words"):
        load_encoder("elmoo")
    with pytest.raises(InputError, match="`dtype='int8'`: choose one of float32, float16"):
        Recipe.of("words", dtype="int8")


def test_words_by_hand():
    """Runs of word characters and single marks, case and order kept; only blanks are lost."""
    features = load_encoder("words").encode(["Free!! Call 0800-5 NOW, free", "l'été"])

    assert rows_of(features) == [
        ["Free", "!", "!", "Call", "0800", "-", "5", "NOW", ",", "free"],
        ["l", "'", "été"],
    ]
    assert isinstance(features, Features)


def test_options_are_part_of_the_identity():
    """Another pooling is another identity, so its vectors are never mixed."""
    mean, largest = Recipe.of("static", pooling="mean"), Recipe.of("static", pooling="max")

    assert identity_digest(mean.identity()) != identity_digest(largest.identity())
