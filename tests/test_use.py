"""The encoder ``use`` on tiny modules in every layout that it was published in."""

import hashlib
import shutil
import subprocess
import sys
from contextlib import nullcontext

import numpy as np
import pytest
from helpers.lookalikes import WIDTH, WORDS, weights
from helpers.reporter import warned
from test_encoders import TEXTS

from embed import load_encoder
from embed.encoders.use import UseEncoder
from embed.machine import multiplies_bfloat16
from embed.models.hub import has_attention, load_module
from stores import FailureError, InputError

LAYOUTS = ["use4", "use3", "use2", "large2", "large5", "multilingual", "nnlm", "lite"]


@pytest.fixture
def module(lookalike, request):
    """A function: name of a layout -> the folder of the tiny module; lite needs a real SentencePiece model."""

    def built(name):
        if name != "lite":
            return lookalike(name)
        return lookalike(name, request.getfixturevalue("real") / "bpemb" / "en.wiki.bpe.vs1000.model")

    return built


def pooled(encoder, texts):
    """The vectors, float32 [n, D]."""
    return encoder.encode(texts).outputs["pooled"]


def network_of_use4(text):
    """What the look-alike of version 4 does, in NumPy: mean of the words' vectors, tanh, unit length."""
    ids = [WORDS.index(word) if word in WORDS else len(WORDS) for word in text.split()]
    mean = np.tanh(weights(len(WORDS) + 1, WIDTH)[ids].mean(0))
    return mean / np.linalg.norm(mean)


@pytest.mark.parametrize("layout", ["use4", "use3", "use2"])
def test_tensor_dict_and_first_generation(module, layout):
    """The same network in three layouts gives the vectors that NumPy computes; nothing is added or normalised."""
    texts = ["call me when you are home", "winner cash now", "something else", "ok"]

    np.testing.assert_allclose(
        pooled(UseEncoder(str(module(layout))), texts), [network_of_use4(text) for text in texts], rtol=0, atol=1e-6
    )


def test_nothing_is_normalised(module):
    """Vectors of a module that does not normalise have the lengths that it gave them."""
    found = pooled(UseEncoder(str(module("nnlm"))), ["one", "one one one one"])

    np.testing.assert_allclose(found[1], 2 * found[0], rtol=1e-6)  # four times the vector over the root of four


def test_lite_by_hand(module, real):
    """The mean of the rows of the pieces' ids, which come from the list of pieces beside the real model."""
    (vector,) = pooled(UseEncoder(str(module("lite"))), ["the of and"])
    words = (real / "bpemb" / "en.wiki.bpe.vs1000.d25.w2v.bin").read_bytes().partition(b"\n")[2]
    pieces = [words[: words.index(b" ")].lstrip(b"\n")]
    while len(pieces) < 1000:  # word2vec's binary file: the pieces in the order of their ids, each before its vector
        words = words[words.index(b" ") + 1 + 25 * 4 :]
        pieces.append(words[: words.index(b" ")].lstrip(b"\n"))
    ids = [pieces.index(piece.encode()) for piece in ("▁the", "▁of", "▁and")]

    np.testing.assert_allclose(vector, weights(1000, WIDTH)[ids].mean(0), rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_vector_depends_on_its_text_alone(module, layout, capsys):
    """Alone, in any batch, in any order, for every layout and whatever the texts hold."""
    encoder, rng = UseEncoder(str(module(layout))), np.random.default_rng(1)
    with warned(capsys, "") if layout == "large2" else pytest.MonkeyPatch.context():
        together = pooled(encoder, TEXTS)

    assert np.isfinite(together).all()
    assert together[0].any()
    for size in (1, 2, 5, 11):
        chosen = rng.choice(len(TEXTS), size)
        np.testing.assert_allclose(pooled(encoder, [TEXTS[i] for i in chosen]), together[chosen], rtol=0, atol=1e-5)


def test_module_that_averages_the_padding_is_found_out(module, capsys):
    """As universal-sentence-encoder-large/2 does: a warning, and its texts one at a time, each without padding."""
    path = module("large2")
    raw = load_module(path).signatures["default"]
    tf = pytest.importorskip("tensorflow")
    alone = raw(tf.constant(["one two"]))["default"].numpy()
    assert np.abs(raw(tf.constant(["one two", "a b c d"]))["default"].numpy()[0] - alone).max() > 0.1

    encoder = load_encoder("use", model=str(path))
    with warned(capsys, "changes with the others of its batch, so each is encoded alone"):
        found = pooled(encoder, ["one two", "a b c d"])
    np.testing.assert_allclose(found[:1], alone, rtol=0, atol=1e-6)


@pytest.mark.slow
def test_attention_is_seen_in_the_graph(module):
    """Only the transformer costs the square of the length."""
    assert [name for name in LAYOUTS[:7] if has_attention(module(name))] == ["large5"]


def test_batches_of_a_transformer_are_quadratic(module, monkeypatch):
    """Texts of 4,000 bytes are some 1,000 tokens: three of them cost 3 * 1,001 * 1,257 of 4,194,304."""
    encoder, sizes = UseEncoder(str(module("large5"))), []
    pooled(encoder, ["load"])
    call = encoder._call
    monkeypatch.setattr(encoder, "_call", lambda texts: sizes.append(len(texts)) or call(texts))
    pooled(encoder, ["abc " * 1000] * 8)

    assert sizes == [3, 3, 2]


def test_out_of_memory_is_survived(module, monkeypatch):
    """A device that holds 4 texts: the batch is cut until it fits, and the vectors are the same."""
    tf = pytest.importorskip("tensorflow")
    encoder, texts = UseEncoder(str(module("use4"))), [f"call me {word}" for word in WORDS]
    expected = pooled(encoder, texts)
    call = encoder._call

    def small(strings):
        if len(strings) > 4:
            raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")
        return call(strings)

    monkeypatch.setattr(encoder, "_call", small)
    np.testing.assert_allclose(pooled(encoder, texts), expected, rtol=0, atol=1e-6)


@pytest.mark.skipif(not multiplies_bfloat16(), reason="this processor has no products of bfloat16")
def test_bfloat16_is_near_the_weights_and_of_their_length(tmp_path):
    """A text of two letters has the second row; bfloat16 has 8 bits. No other encoder of the process is rounded."""

    def row(tf, strings):
        return tf.one_hot(tf.strings.length(strings), 9) @ weights(9, 64)  # zeros for 9 letters and more

    free = write_module(tmp_path / "free", row, "strings")
    unit = write_module(tmp_path / "unit", lambda tf, x: tf.math.l2_normalize(row(tf, x), 1), "strings")
    row_2 = weights(9, 64)[2]

    found = pooled(UseEncoder(free, precision="bfloat16"), ["ok"])[0]
    np.testing.assert_allclose(found, row_2, rtol=2**-8)
    assert (found != row_2).any()
    found = pooled(UseEncoder(unit, precision="bfloat16"), ["ok"])[0]
    np.testing.assert_allclose(found, row_2 / np.linalg.norm(row_2), rtol=3 * 2**-8)
    np.testing.assert_allclose(np.linalg.norm(found), 1, rtol=1e-6)
    np.testing.assert_array_equal(pooled(UseEncoder(free), ["ok"])[0], row_2)


@pytest.mark.parametrize("normalise", [True, False])
def test_a_rewrite_that_does_nothing_is_said(tmp_path, monkeypatch, normalise):
    """As on a processor without such products: the store would be called bfloat16 and hold float32."""

    def embed(tf, strings):
        row = tf.one_hot(tf.strings.length(strings), 50) @ weights(50, 8)
        return tf.math.l2_normalize(row, 1) if normalise else row

    monkeypatch.setattr("embed.encoders.use.bfloat16_products", nullcontext)

    with pytest.raises(InputError, match="computes .* in float32 on this processor all the same; leave it out"):
        UseEncoder(write_module(tmp_path / "module", embed, "strings"), precision="bfloat16").encode(["ok"])


@pytest.mark.parametrize(
    ("native", "layout", "precision"), [(1, "large5", "bfloat16"), (0, "large5", "float32"), (1, "nnlm", "float32")]
)
def test_auto_is_what_pays_here(module, monkeypatch, native, layout, precision):
    """bfloat16 where the processor multiplies it and the graph multiplies at all; the recipe says which it was."""
    monkeypatch.setattr("embed.encoders.use.multiplies_bfloat16", lambda: bool(native))
    monkeypatch.setattr("embed.encoders.use.on_gpu", lambda device: False)
    encoder = UseEncoder(str(module(layout)), precision="auto")

    assert encoder.pinned() == {"precision": precision}
    assert encoder.identity() == UseEncoder(str(module(layout)), precision=precision).identity()


def test_max_tokens_cuts_and_counts(module):
    """After so many words, as they stand; what is cut off is counted."""
    path = str(module("use4"))
    features = UseEncoder(path, max_tokens=2).encode(["call  me,\twhen you", "ok", "one two"])

    np.testing.assert_array_equal(features.outputs["pooled"], pooled(UseEncoder(path), ["call  me,", "ok", "one two"]))
    assert features.counts.tolist() == [[4, 0, 2], [1, 0, 0], [2, 0, 0]]


def test_text_that_the_module_makes_nothing_of(module):
    """The mean of no words is NaN: zeros instead, and the words count as unknown."""
    features = UseEncoder(str(module("use4"))).encode(["?! ...", "call me"])

    assert not features.outputs["pooled"][0].any()
    assert features.outputs["pooled"][1].any()
    assert features.counts.tolist() == [[2, 2, 0], [2, 0, 0]]


def test_nul_and_surrogates_reach_the_module(module):
    """A NUL is a character like others, not an end; a lone surrogate is U+FFFD."""
    encoder = UseEncoder(str(module("nnlm")))
    a, b, c, d = pooled(encoder, ["a\x00b", "a", "x\ud800", "x\ufffd"])

    assert not np.array_equal(a, b)
    np.testing.assert_array_equal(c, d)


def test_identity_is_of_the_bytes_not_of_the_place(module, tmp_path):
    """A copy elsewhere is the same encoder; another length limit or module is not; the device is no matter."""
    path = module("use4")
    copy = shutil.copytree(path, tmp_path / "copy")
    same = UseEncoder(str(path)).identity()

    assert UseEncoder(str(copy), device="cpu").identity() == same
    assert UseEncoder(str(path), max_tokens=9).identity() != same
    assert UseEncoder(str(module("use3"))).identity() != same
    assert set(same) == {"encoder", "version", "weights", "max_tokens"}


def test_default_is_version_4(module, tmp_path, monkeypatch):
    """Found in the cache of tensorflow_hub, by its published handle."""
    handle = "https://tfhub.dev/google/universal-sentence-encoder/4"
    monkeypatch.setenv("TFHUB_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("TK_CACHE_DIR", str(tmp_path / "cache"))
    shutil.copytree(module("use4"), tmp_path / hashlib.sha1(handle.encode()).hexdigest())

    assert load_encoder("use").identity() == UseEncoder(str(module("use4"))).identity()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_tokens": 0}, "`max_tokens=0` leaves no word"),
        ({"precision": "float16"}, "`precision='float16'` does not exist, choose one of: float32, bfloat16, auto"),
        ({"precision": "bfloat16"}, "`precision='bfloat16'`: .* multiplies no matrices; leave it out"),
        ({"precision": "bfloat16", "device": "gpu"}, "`precision='bfloat16'` is for processors; leave it out"),
        ({"device": "tpu"}, "`device='tpu'`: this machine has cpu:0"),
        ({"device": "gpu:99"}, "`device='gpu:99'`: this machine has cpu:0"),
    ],
)
def test_wrong_options(module, options, message):
    """One line that says what there is."""
    with pytest.raises(InputError, match=message):
        UseEncoder(str(module("use4")), **options).encode(["ok"])


def test_device_that_exists(module):
    """Named with its number or without."""
    for device in ("cpu", "CPU:0"):
        assert pooled(UseEncoder(str(module("use4")), device=device), ["ok"]).any()


def write_module(path, make, kind):
    """A TF2 SavedModel whose call is ``make(tf, input)``, input of that type."""
    tf = pytest.importorskip("tensorflow")
    module = tf.Module()
    spec = {"strings": tf.TensorSpec([None], tf.string), "numbers": tf.TensorSpec([None, 3], tf.int32)}[kind]
    module.__call__ = tf.function(lambda given: make(tf, given), input_signature=[spec])
    tf.saved_model.save(module, str(path))
    return str(path)


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda tf, x: tf.cast(x, tf.float32), "numbers", "does not take a list of strings"),
        (lambda tf, x: tf.strings.length(x), "strings", r"made numbers \(4,\) of 4 texts, not one vector of each"),
        (lambda tf, x: {"a": tf.zeros((4, 2)), "b": tf.zeros((4, 2))}, "strings", "gives a, b, and neither 'outputs'"),
        (lambda tf, x: tf.fill((tf.size(x), 2), np.nan), "strings", "makes no finite vectors: its weights are damaged"),
    ],
)
def test_module_of_another_kind(tmp_path, make, kind, message):
    """What it does instead, in one line that names its folder."""
    path = write_module(tmp_path / "other", make, kind)

    encoder = UseEncoder(path)
    for _ in range(2):
        with pytest.raises(FailureError, match=message) as caught:
            encoder.encode(["ok"])
    assert str(caught.value).startswith(path)
    assert "\n" not in str(caught.value)


def test_folder_that_is_no_module(module, tmp_path):
    """Half deleted, damaged, or of numbers: the folder is named."""
    half = shutil.copytree(module("use4"), tmp_path / "half")
    (half / "saved_model.pb").unlink()
    with pytest.raises(InputError, match=r"half is half deleted, or no TF-Hub module: it holds no saved_model.pb"):
        UseEncoder(str(half)).encode(["ok"])

    damaged = shutil.copytree(module("use4"), tmp_path / "damaged")
    (damaged / "saved_model.pb").write_bytes(b"\xff\xff\xff")
    with pytest.raises(FailureError, match=r"damaged cannot be loaded by TensorFlow: .*"):
        UseEncoder(str(damaged)).encode(["ok"])


def test_real_module_that_is_not_of_text(real):
    """TensorFlow Hub's own test module halves numbers."""
    encoder = UseEncoder(str(real / "tfhub_v1_half_plus_two" / "half_plus_two_v1.tar.gz"))

    with pytest.raises(FailureError, match="does not take a list of strings, as `encoder='use'` gives it"):
        encoder.encode(["ok"])


@pytest.mark.slow
def test_operations_of_tensorflow_text_are_there(module):
    """In a fresh process, where nobody else has imported it."""
    code = f"from embed import load_encoder; load_encoder('use', model={str(module('multilingual'))!r}).encode(['a b'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
