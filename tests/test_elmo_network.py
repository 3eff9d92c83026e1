"""ELMo's forward pass against what bilm-tf and AllenNLP published, and against itself in other batches."""

import json

import h5py
import numpy as np
import pytest
from helpers.elmo_modules import weights as tiny_weights
from helpers.elmo_modules import write_allennlp

from embed.networks import elmo, packing
from embed.networks.char_cnn import BEGIN, END, CharacterCNN, spell
from embed.weights.elmo import read_allennlp
from stores import FailureError

pytestmark = pytest.mark.slow

FIXTURES = {  # folder, sentences: 3 streams of 10, each going on from the state that the sentence before has left
    "allennlp": ("elmo_allennlp", "sentences.json"),
    "bilm-tf": ("elmo_bilm_tf/model", "lm_embeddings_sentences.json"),
}


def read(folder):
    """The weights of a published folder."""
    return read_allennlp(folder / "options.json", folder / "lm_weights.hdf5")


def streams(folder, sentences):
    """The three streams of sentences, and the published top layer [2, words, 16] of each sentence."""
    for number, stream in enumerate(json.loads((folder / sentences).read_text())):
        with h5py.File(folder / f"lm_embeddings_{number}.hdf5") as file:
            yield [sentence.split() for sentence in stream], [file[str(i)][...] for i in range(10)]


def assert_published(network, folder, sentences):
    """All 30 sentences give the published top layer, to 1e-5; returns the state after the last one."""
    compared = 0
    for stream, expected in streams(folder, sentences):
        state = None
        for words, top in zip(stream, expected, strict=True):
            layers, state = network([[word.encode() for word in words]], state)
            np.testing.assert_allclose(layers[2], np.concatenate(top, axis=1), rtol=0, atol=1e-5)
            compared += 1
    assert compared == 30
    return state


@pytest.fixture
def tiny(tmp_path):
    """The network with random weights."""
    folder = write_allennlp(tmp_path / "tiny")
    return elmo.Elmo(read_allennlp(folder / "tiny_options.json", folder / "tiny_weights.hdf5"))


@pytest.mark.parametrize("publisher", FIXTURES)
def test_published_sentences(real, publisher):
    """All 30 sentences of each publisher: the top layer, with the state carried as theirs was, to 1e-5."""
    name, sentences = FIXTURES[publisher]
    assert_published(elmo.Elmo(read(real / name)), real / name, sentences)


def test_published_sentences_side_by_side(real):
    """The three streams as the three rows of each batch, as they were computed: the states keep apart."""
    name, sentences = FIXTURES["allennlp"]
    network, state = elmo.Elmo(read(real / name)), None
    rows = list(streams(real / name, sentences))
    for i in range(10):
        layers, state = network([[word.encode() for word in stream[i]] for stream, _ in rows], state)
        expected = np.concatenate([np.concatenate(top[i], axis=1) for _, top in rows])
        np.testing.assert_allclose(layers[2], expected, rtol=0, atol=1e-5)


def test_published_word_vectors(real):
    """All 458 words of AllenNLP's vocabulary, the two sentence marks among them, to 1e-5."""
    folder = real / "elmo_allennlp"
    words = (folder / "vocab_test.txt").read_text(encoding="utf-8").split("\n")
    with h5py.File(folder / "elmo_token_embeddings.hdf5") as file:
        expected = file["embedding"][...]

    assert len(words) == 458
    marks = {"<S>": BEGIN, "</S>": END}
    found = CharacterCNN(read(folder).characters)([marks.get(word) or word.encode() for word in words])
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_spelling_by_hand():
    """A byte is its value + 1 between the marks of a word; 50 characters are room for 48 bytes."""
    rows = spell(["aé".encode(), BEGIN, b"x" * 60], 50)

    assert rows[0, :6].tolist() == [259, 98, 0xC3 + 1, 0xA9 + 1, 260, 261]
    assert rows[1, :4].tolist() == [259, 257, 260, 261]
    assert rows[2].tolist() == [259, *[ord("x") + 1] * 48, 260]
    assert (rows[:2, 6:] == 261).all()


def random_texts(rng, count, longest=30):
    """Texts of random words of a to e, 1 to 48 bytes long; words repeat."""
    words = [bytes(rng.choice(list(b"abcde"), rng.integers(1, 49)).tolist()) for _ in range(50)]
    return [[words[i] for i in rng.integers(50, size=rng.integers(1, longest))] for _ in range(count)]


def test_any_batch_and_order(tiny):
    """Random batches of random texts in random order: every vector as it is alone, to 1e-5."""
    rng = np.random.default_rng(0)
    texts = random_texts(rng, 40)
    alone = [tiny([words])[0] for words in texts]
    for _ in range(15):
        chosen = rng.choice(40, rng.integers(1, 41))
        layers, _ = tiny([texts[i] for i in chosen])
        for number, layer in enumerate(layers):
            expected = np.concatenate([alone[i][number] for i in chosen])
            np.testing.assert_allclose(layer, expected, rtol=0, atol=1e-5)


def test_cutting_the_steps_changes_nothing(tiny, monkeypatch):
    """5,000 words beside short texts: chunks of a few steps give what one chunk of all steps gives."""
    rng = np.random.default_rng(1)
    texts = [*random_texts(rng, 3), [word for words in random_texts(rng, 400) for word in words][:5000]]
    monkeypatch.setattr(packing, "CHUNK", 10**9)
    whole, _ = tiny(texts)
    monkeypatch.setattr(packing, "CHUNK", 64)
    cut, _ = tiny(texts)

    assert len(texts[-1]) == 5000
    for a, b in zip(whole, cut, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-5)


def test_the_memory_of_words_is_bounded(tiny, monkeypatch):
    """With room for 20 words and slices of 3: the same vectors, and no more words kept than room or batch allow."""
    texts = random_texts(np.random.default_rng(2), 30)
    whole, _ = tiny(texts)
    expected = np.split(whole[0], np.cumsum([len(words) for words in texts])[:-1])
    monkeypatch.setattr(elmo, "KEPT", 20)
    monkeypatch.setattr(elmo, "SLICE", 3)
    for words, layer in zip(texts, expected, strict=True):
        np.testing.assert_allclose(tiny([words])[0][0], layer, rtol=0, atol=1e-5)
        assert len(tiny._vectors._known) <= max(20, len({*words}) + 2)


def test_packing_by_hand():
    """Texts of 2, 3 and 1 words: three at the first step, two at the second, one at the third."""
    packed = packing.Packing.of(np.array([2, 3, 1]))
    forward, backward = (packed.pack(np.array([10, 11, 20, 21, 22, 30]), places) for places in packed.places)

    assert packed.sizes.tolist() == [3, 2, 1]
    assert forward.tolist() == [20, 10, 30, 21, 11, 22]
    assert backward.tolist() == [22, 11, 30, 21, 10, 20]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("CNN_proj/W_proj", "CNN_proj/W_proj"),
        ("RNN_1/RNN/MultiRNNCell/Cell1/LSTMCell/B", "RNN_1/RNN/MultiRNNCell/Cell1/LSTMCell/B"),
        ("RNN_1/RNN/MultiRNNCell/Cell1/LSTMCell/W_0", "2 layers forward and 1 backward"),
    ],
)
def test_weights_that_lack_something(tmp_path, damage, message):
    """One line that names the file and what is missing."""
    folder = write_allennlp(tmp_path / "tiny")
    with h5py.File(folder / "tiny_weights.hdf5", "a") as file:
        del file[damage]
    with pytest.raises(FailureError, match=f"tiny_weights.hdf5 is no ELMo of AllenNLP: .*{message}"):
        read_allennlp(folder / "tiny_options.json", folder / "tiny_weights.hdf5")


def test_weights_with_a_row_for_no_word(tmp_path):
    """262 characters, as in modules, are those of 261 with a row before them."""
    folder = write_allennlp(tmp_path / "tiny")
    paths = folder / "tiny_options.json", folder / "tiny_weights.hdf5"
    expected = read_allennlp(*paths).characters.embedding[1:]
    with h5py.File(paths[1], "a") as file:
        del file["char_embed"]
        file["char_embed"] = tiny_weights()["char_embed"]

    assert (read_allennlp(*paths).characters.embedding[1:] == expected).all()
