"""The options of ``elmo``: outputs, words, limits, memory, and what does not fit."""

import shutil

import numpy as np
import pytest
from helpers.elmo_encoding import TEXTS, encode
from helpers.elmo_modules import write_allennlp

from embed import Recipe, load_encoder
from embed.tokenise.ptb import words_and_marks
from stores import InputError
from stores.shared.fingerprint import identity_digest

pytestmark = pytest.mark.slow


def test_outputs_by_hand(elmo_model):
    """Pooling, mix and layers are arithmetic on the layers of the words."""
    tokens = encode(elmo_model, layer="all", output="tokens")
    layers = [tokens.outputs[f"layer{i}"] for i in range(3)]
    starts, ends = tokens.offsets[:-1], tokens.offsets[1:]

    def each(values, pool):
        return [pool(values[a:b]) if b > a else np.zeros(12) for a, b in zip(starts, ends, strict=True)]

    for pooling, pool in {
        "mean": lambda rows: rows.mean(0), "max": lambda rows: rows.max(0), "first": lambda rows: rows[0],
        "last": lambda rows: rows[-1],
    }.items():  # fmt: skip
        found = encode(elmo_model, layer="1", pooling=pooling).outputs["pooled"]
        np.testing.assert_allclose(found, each(layers[1], pool), rtol=0, atol=1e-6)
    mixes = {None: sum(layers) / 3, "0.2,0.3,0.5": 0.2 * layers[0] + 0.3 * layers[1] + 0.5 * layers[2]}
    for mix, expected in mixes.items():
        found = encode(elmo_model, mix=mix, output="tokens").outputs["tokens"]
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(layers[0][:, :6], layers[0][:, 6:])
    assert list(encode(elmo_model, layer="all").outputs) == ["layer0", "layer1", "layer2"]


def test_words_are_what_blanks_separate(elmo_model):
    """Only U+0020, as in the modules; repeated blanks give no words; white space alone is no text."""
    features = encode(elmo_model, ["a  b", "a\tb", "a\u00a0b", " \t\n "], output="tokens")

    assert np.diff(features.offsets).tolist() == [2, 1, 1, 0]
    assert features.counts.tolist() == [[2, 0, 0], [1, 0, 0], [1, 0, 0], [0, 0, 0]]


def test_words_beyond_the_limit_are_cut_off_and_counted(elmo_model):
    """The rest is encoded as if it were all."""
    cut = encode(elmo_model, ["a b c d e"], max_tokens=2)

    assert cut.counts.tolist() == [[5, 0, 3]]
    np.testing.assert_array_equal(cut.outputs["pooled"], encode(elmo_model, ["a b"]).outputs["pooled"])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        # the examples of the Treebank's page on tokenisation
        ("They'll save and invest more.", "They 'll save and invest more ."),
        ("hi, my name can't hello,", "hi , my name ca n't hello ,"),
        ("I cannot; he's gonna go", "I can not ; he 's gon na go"),
        ("Good muffins cost $3.88 in New York.", "Good muffins cost $ 3.88 in New York ."),
        ("'Tis so, 'twas late; d'ye see?", "'T is so , 't was late ; d' ye see ?"),
        ("'tissue' 'so' x'tis", "' tissue ' ' so ' x'tis"),
        ("(a) [b] 10:30, 1,000: 50%", "( a ) [ b ] 10:30 , 1,000 : 50 %"),
        # what the Treebank, a sentence a line, did not have to say
        ("I am here. Call me.", "I am here . Call me ."),
        ("Mr. Smith of the U.S. Army met J. Doe. OK?", "Mr. Smith of the U.S. Army met J. Doe . OK ?"),
        ('He said "go!" and went... away', 'He said " go ! " and went ... away'),
        ("WINNER!! reply YES--now", "WINNER ! ! reply YES -- now"),
        ("the boys' 'so called' dog", "the boys ' ' so called ' dog"),
        ("", ""),
    ],
)
def test_punctuation_apart(text, words):
    """As the text that ELMo was trained on."""
    assert words_and_marks(text) == words.split()


def test_tokenizer_of_the_treebank(elmo_model):
    """The words are those that blanks would have separated."""
    found = encode(elmo_model, ["They'll go."], tokenizer="ptb").outputs["pooled"]

    np.testing.assert_array_equal(found, encode(elmo_model, ["They 'll go ."]).outputs["pooled"])


class ResourceExhaustedError(Exception):
    """Named like TensorFlow's."""


def test_out_of_memory_changes_no_vector(elmo_model):
    """A device with room for 30 words: the batches shrink, the vectors do not change."""
    encoder = load_encoder("elmo", model=str(elmo_model))
    expected, real = encoder.encode(TEXTS).outputs["pooled"], encoder._elmo
    sizes = []

    class Small:
        batches, width = real.batches, real.width

        def __call__(self, texts, wanted):
            sizes.append(sum(map(len, texts)))
            if len(texts) > 1 and sizes[-1] > 30:
                raise ResourceExhaustedError
            return real(texts, wanted)

    encoder._elmo = Small()
    np.testing.assert_allclose(encoder.encode(TEXTS).outputs["pooled"], expected, rtol=0, atol=1e-5)
    assert max(sizes) > 75 >= min(sizes)


def test_each_option_is_part_of_the_identity(elmo_model, tmp_path):
    """And so are the weights, but not where they lie, nor the files beside them."""

    def identity(path=elmo_model, **options):
        return identity_digest(Recipe.of("elmo", model=str(path), **options).identity())

    options = [
        {}, {"layer": "1"}, {"layer": "all"}, {"mix": "1,0,0"}, {"pooling": "max"}, {"output": "tokens"},
        {"tokenizer": "ptb"}, {"max_tokens": 9}, {"stateful": True}, {"dtype": "float16"},
    ]  # fmt: skip
    assert len({identity(**some) for some in options}) == len(options)
    shutil.copytree(elmo_model, tmp_path / "copy")
    (tmp_path / "copy" / "notes.txt").write_text("mine")
    (tmp_path / "nlpl").mkdir()
    for name, published in (("tiny_options.json", "options.json"), ("tiny_weights.hdf5", "model.hdf5")):
        shutil.copy(elmo_model / name, tmp_path / "nlpl" / published)
    for same in ("copy", "copy/tiny_weights.hdf5", "nlpl"):
        assert identity(tmp_path / same) == identity()
    assert identity(write_allennlp(tmp_path / "other", seed=1)) != identity()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layer": "3"}, "`layer='3'` does not exist, choose one of: mix, 0, 1, 2, all"),
        ({"pooling": "sif"}, "`pooling='sif'` does not exist, choose one of: mean, max, first, last"),
        ({"output": "ids"}, "`output='ids'` does not exist, choose one of: pooled, tokens"),
        ({"tokenizer": "spacy"}, "`tokenizer='spacy'` does not exist, choose one of: blanks, ptb"),
        ({"mix": "0.5,0.5"}, "`mix='0.5,0.5'` is not one number for each layer; give it as 0.2,0.3,0.5"),
        ({"mix": "a,b,c"}, "`mix='a,b,c'` is not one number for each layer"),
        ({"mix": "1,0,0", "layer": "2"}, "`layer='2'` is asked for; leave out one"),
        ({"max_tokens": 0}, "`max_tokens=0` leaves no word"),
    ],
)
def test_options_that_do_not_fit(elmo_model, options, message):
    """One line that says what there is instead."""
    with pytest.raises(InputError, match=message):
        encode(elmo_model, **options)


def test_models_that_do_not_fit(elmo_model, elmo_modules, lookalike, tmp_path):
    """What the folder lacks, and what would do."""
    with pytest.raises(InputError, match="has no signature 'tokens'; `encoder='use'` takes any module"):
        encode(lookalike("use2"))
    with pytest.raises(InputError, match=r"only weights of AllenNLP .* can be `stateful`, not .*google3"):
        encode(elmo_modules / "google3", stateful=True)
    shutil.copytree(elmo_model, tmp_path / "one")
    (tmp_path / "one" / "tiny_options.json").unlink()
    with pytest.raises(InputError, match="tiny_weights.hdf5 has no options.json beside it"):
        encode(tmp_path / "one")
    shutil.copytree(elmo_model, tmp_path / "two")
    shutil.copy(elmo_model / "tiny_weights.hdf5", tmp_path / "two" / "more_weights.hdf5")
    with pytest.raises(InputError, match=r"holds more_weights.hdf5, tiny_weights.hdf5; give the path of one"):
        encode(tmp_path / "two")
    (tmp_path / "none").mkdir()
    with pytest.raises(InputError, match="none holds no ELMo"):
        encode(tmp_path / "none")
