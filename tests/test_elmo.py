"""The encoder ``elmo``: every published form, both ways through it, and what is made of the layers."""

import csv
import itertools
import json
import shutil
import warnings

import numpy as np
import pytest
from click.testing import CliRunner
from helpers.elmo_modules import write_allennlp
from helpers.reporter import RowsTold, warned
from helpers.toy import TEN_ROWS, write_csv
from test_elmo_network import FIXTURES, streams

from cli import cli
from embed import Recipe, StoreOptions, embed, load_encoder, read_table
from embed.encoders import _elmo_formats
from embed.encoders._elmo_formats import OUTPUTS, ModuleElmo, OwnElmo, open_elmo
from embed.tokenise.ptb import words_and_marks
from stores import FeatureStore, InputError
from stores.shared.fingerprint import identity_digest

pytestmark = pytest.mark.slow

TEXTS = [
    "The cat sat on the mat.",
    "word",
    "",
    "Grüße   aus Köln, 你好 \U0001f600",
    "a b a b a b a b a b a b",
    "no\tblank\u00a0but this",
    "x" * 60 + " " + "x" * 48,
    "and so on " * 25,
]
KNOWN = ["google2", "google3", "marked", "deeppavlov"]  # the modules that our own network can be


@pytest.fixture(scope="session")
def modules(lookalike):
    """A folder of tiny TF1 Hub modules in the published layouts."""
    return lookalike("elmo_modules")


@pytest.fixture(scope="session")
def model(lookalike):
    """Tiny weights as AllenNLP publishes them."""
    return lookalike("elmo")


def encode(path, texts=TEXTS, **options):
    """Features of texts with the model in ``path``."""
    return load_encoder("elmo", model=str(path), **options).encode(texts)


def split(texts):
    """The words of those texts that have any, as the ways through a model take them."""
    return [[word.encode() for word in text.split(" ") if word] for text in texts if text]


def tk(*args, code=0):
    """Run a command line."""
    result = CliRunner().invoke(cli, list(args))
    assert result.exit_code == code, result.output
    return result


@pytest.mark.parametrize("name", KNOWN)
def test_both_ways_agree(modules, name):
    """Every layer of every word: the published graph and our own network, to 1e-5."""
    own, module = open_elmo(modules / name), ModuleElmo(modules / name)
    found, expected = own(split(TEXTS), list(OUTPUTS)), module(split(TEXTS), list(OUTPUTS))

    assert isinstance(own, OwnElmo)
    for layer in OUTPUTS:
        np.testing.assert_allclose(found[layer], expected[layer], rtol=0, atol=1e-5)


def test_the_probe_decides_whether_there_are_marks(modules):
    """Only some of the modules put marks around a text."""
    assert [open_elmo(modules / name)._network.marks for name in KNOWN] == [False, False, True, True]


def test_an_elmo_that_is_not_known_runs_by_its_own_graph(modules, capsys):
    """Without clipping, the LSTMs are others: a warning says so, and the vectors are the module's."""
    with warned(capsys, r"unlike differs .* by up to \d.*; its own graph is used"):
        features = encode(modules / "unlike")

    expected = own_default(modules / "unlike", [text for text in TEXTS if text])
    np.testing.assert_allclose(features.outputs["pooled"][[bool(text) for text in TEXTS]], expected, rtol=0, atol=1e-5)


def own_default(path, texts):
    """What a module's signature ``default`` makes of strings: the mean over the words."""
    from embed.models.hub import load_module
    from stores.shared.tensorflow import load_tensorflow

    signature = load_module(path).signatures["default"]
    return signature(load_tensorflow().constant(texts))["default"].numpy()


def test_the_mean_is_that_of_version_3(modules):
    """Also for version 2, whose own ``default`` counts the padding in."""
    texts = [text for text in TEXTS if text]
    expected = own_default(modules / "google3", texts)

    assert np.abs(own_default(modules / "google2", texts) - expected).max() > 0.01
    for name in ("google2", "google3"):
        np.testing.assert_allclose(encode(modules / name, texts).outputs["pooled"], expected, rtol=0, atol=1e-5)


def test_the_mean_of_deeppavlov_is_taken_before_its_scale(modules):
    """As its own ``default`` gives it, text by text, since it goes on from the text before; 1 / 0.8 of the mix."""
    path, texts = modules / "deeppavlov", [text for text in TEXTS if text]
    expected = own_default(path, texts)
    words = encode(path, texts, output="tokens")
    mean = [words.outputs["tokens"][a:b].mean(0) for a, b in itertools.pairwise(words.offsets)]

    np.testing.assert_allclose(encode(path, texts).outputs["pooled"], expected, rtol=0, atol=1e-5)
    np.testing.assert_allclose(np.stack(mean), 0.8 * expected, rtol=0, atol=1e-5)


def test_verdict_is_remembered(modules, tmp_path, monkeypatch):
    """The module's graph is loaded once for given weights, wherever they lie."""
    open_elmo(modules / "google3")
    shutil.copytree(modules / "google3", tmp_path / "copy")
    monkeypatch.setattr(_elmo_formats, "ModuleElmo", None)

    assert isinstance(open_elmo(tmp_path / "copy"), OwnElmo)


@pytest.mark.parametrize("name", ["google3", "deeppavlov"])
def test_general_way_does_not_depend_on_the_batch(modules, name, monkeypatch, capsys):
    """In random batches and orders as alone, to 1e-5; DeepPavlov's module would go on from the call before."""
    monkeypatch.setattr(_elmo_formats, "TOLERANCE", -1)  # nothing agrees
    with warned(capsys, "its own graph is used"):
        attack(load_encoder("elmo", model=str(modules / name)), 5)


@pytest.mark.parametrize("options", [{}, {"pooling": "max", "layer": "2"}, {"output": "tokens"}])
def test_fast_way_does_not_depend_on_the_batch(model, options):
    """In random batches and orders as alone, to 1e-5."""
    attack(load_encoder("elmo", model=str(model), **options), 12)


def attack(encoder, rounds):
    """Random choices of texts with repeats: each as it is alone."""
    rng = np.random.default_rng(0)
    alone = [encoder.encode([text]) for text in TEXTS]
    for _ in range(rounds):
        chosen = rng.choice(len(TEXTS), rng.integers(1, 20))
        for output, values in encoder.encode([TEXTS[i] for i in chosen]).outputs.items():
            expected = np.concatenate([alone[i].outputs[output] for i in chosen])
            np.testing.assert_allclose(values, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("publisher", FIXTURES)
def test_published_sentences_through_the_encoder(real, publisher):
    """A stateful encoder over a stream of sentences gives the published top layer."""
    name, sentences = FIXTURES[publisher]
    for stream, expected in streams(real / name, sentences):
        features = encode(real / name, [" ".join(words) for words in stream], layer="2", output="tokens", stateful=True)
        top = np.concatenate([np.concatenate(one, axis=1) for one in expected])
        np.testing.assert_allclose(features.outputs["tokens"], top, rtol=0, atol=1e-5)


def test_outputs_by_hand(model):
    """Pooling, mix and layers are arithmetic on the layers of the words."""
    tokens = encode(model, layer="all", output="tokens")
    layers = [tokens.outputs[f"layer{i}"] for i in range(3)]
    starts, ends = tokens.offsets[:-1], tokens.offsets[1:]

    def each(values, pool):
        return [pool(values[a:b]) if b > a else np.zeros(12) for a, b in zip(starts, ends, strict=True)]

    for pooling, pool in {
        "mean": lambda rows: rows.mean(0), "max": lambda rows: rows.max(0), "first": lambda rows: rows[0],
        "last": lambda rows: rows[-1],
    }.items():  # fmt: skip
        found = encode(model, layer="1", pooling=pooling).outputs["pooled"]
        np.testing.assert_allclose(found, each(layers[1], pool), rtol=0, atol=1e-6)
    mixes = {None: sum(layers) / 3, "0.2,0.3,0.5": 0.2 * layers[0] + 0.3 * layers[1] + 0.5 * layers[2]}
    for mix, expected in mixes.items():
        found = encode(model, mix=mix, output="tokens").outputs["tokens"]
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(layers[0][:, :6], layers[0][:, 6:])
    assert list(encode(model, layer="all").outputs) == ["layer0", "layer1", "layer2"]


def test_words_are_what_blanks_separate(model):
    """Only U+0020, as in the modules; repeated blanks give no words; white space alone is no text."""
    features = encode(model, ["a  b", "a\tb", "a\u00a0b", " \t\n "], output="tokens")

    assert np.diff(features.offsets).tolist() == [2, 1, 1, 0]
    assert features.counts.tolist() == [[2, 0, 0], [1, 0, 0], [1, 0, 0], [0, 0, 0]]


def test_words_beyond_the_limit_are_cut_off_and_counted(model):
    """The rest is encoded as if it were all."""
    cut = encode(model, ["a b c d e"], max_tokens=2)

    assert cut.counts.tolist() == [[5, 0, 3]]
    np.testing.assert_array_equal(cut.outputs["pooled"], encode(model, ["a b"]).outputs["pooled"])


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


def test_tokenizer_of_the_treebank(model):
    """The words are those that blanks would have separated."""
    found = encode(model, ["They'll go."], tokenizer="ptb").outputs["pooled"]

    np.testing.assert_array_equal(found, encode(model, ["They 'll go ."]).outputs["pooled"])


class ResourceExhaustedError(Exception):
    """Named like TensorFlow's."""


def test_out_of_memory_changes_no_vector(model):
    """A device with room for 30 words: the batches shrink, the vectors do not change."""
    encoder = load_encoder("elmo", model=str(model))
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


def test_each_option_is_part_of_the_identity(model, tmp_path):
    """And so are the weights, but not where they lie, nor the files beside them."""

    def identity(path=model, **options):
        return identity_digest(Recipe.of("elmo", model=str(path), **options).identity())

    options = [
        {}, {"layer": "1"}, {"layer": "all"}, {"mix": "1,0,0"}, {"pooling": "max"}, {"output": "tokens"},
        {"tokenizer": "ptb"}, {"max_tokens": 9}, {"stateful": True}, {"dtype": "float16"},
    ]  # fmt: skip
    assert len({identity(**some) for some in options}) == len(options)
    shutil.copytree(model, tmp_path / "copy")
    (tmp_path / "copy" / "notes.txt").write_text("mine")
    (tmp_path / "nlpl").mkdir()
    for name, published in (("tiny_options.json", "options.json"), ("tiny_weights.hdf5", "model.hdf5")):
        shutil.copy(model / name, tmp_path / "nlpl" / published)
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
def test_options_that_do_not_fit(model, options, message):
    """One line that says what there is instead."""
    with pytest.raises(InputError, match=message):
        encode(model, **options)


def test_models_that_do_not_fit(model, modules, lookalike, tmp_path):
    """What the folder lacks, and what would do."""
    with pytest.raises(InputError, match="has no signature 'tokens'; `encoder='use'` takes any module"):
        encode(lookalike("use2"))
    with pytest.raises(InputError, match=r"only weights of AllenNLP .* can be `stateful`, not .*google3"):
        encode(modules / "google3", stateful=True)
    shutil.copytree(model, tmp_path / "one")
    (tmp_path / "one" / "tiny_options.json").unlink()
    with pytest.raises(InputError, match="tiny_weights.hdf5 has no options.json beside it"):
        encode(tmp_path / "one")
    shutil.copytree(model, tmp_path / "two")
    shutil.copy(model / "tiny_weights.hdf5", tmp_path / "two" / "more_weights.hdf5")
    with pytest.raises(InputError, match=r"holds more_weights.hdf5, tiny_weights.hdf5; give the path of one"):
        encode(tmp_path / "two")
    (tmp_path / "none").mkdir()
    with pytest.raises(InputError, match="none holds no ELMo"):
        encode(tmp_path / "none")


@pytest.fixture
def table(in_tmp):
    """The ten rows, in the current folder."""
    return write_csv(in_tmp / "ten.csv", TEN_ROWS)


def test_from_table_to_store(model, table):
    """Pooled is float32, one vector a word float16 unless told otherwise; what was asked for is in the store."""
    for options, kind, dtype in (
        ("--layer all", "pooled", "float32"),
        ("--output tokens --tokenizer ptb", "tokens", "float16"),
        ("--output tokens --dtype float32 --mix 1,0,0", "tokens", "float32"),
    ):
        command = f"embed --encoder elmo --model {model} --data ten.csv --out s.h5 --overwrite {options}"
        tk(*command.split())
        with FeatureStore("s.h5") as store:
            assert (store.kind, store.dtype) == (kind, np.dtype(dtype))
            assert len(store.outputs) == (3 if kind == "pooled" else 1)
            assert store.totals["distinct"] == 8
    assert "nothing to encode" in tk(*command.replace("--overwrite ", "").split()).stdout


def test_stateful_is_refused_with_reuse_and_by_predict(model, table):
    """Every row is encoded then, in order, equal texts too; the same command gives the same store again."""
    command = f"embed --encoder elmo --model {model} --data ten.csv --stateful --out s.h5".split()

    assert "none can be reused; add --no-reuse" in tk(*command, code=2).stderr
    found = json.loads(tk(*command, "--no-reuse", "--json").stdout)["totals"]
    assert (found["encoded"], found["distinct"], found["reused"]) == (10, 10, 0)
    with FeatureStore("s.h5") as store:
        vectors = store.to_numpy()
    texts = [text for _, text in TEN_ROWS]
    expected = encode(model, texts, stateful=True).outputs["pooled"]
    np.testing.assert_array_equal(vectors, expected)
    assert np.abs(vectors[0] - vectors[4]).max() > 0.01  # the same text, in another state
    tk(*"classify --features s.h5 --head majority --cv 2".split())
    predict = tk("predict", "--run", "runs/s.majority", "--text", "ok", code=2)
    assert "depend on the texts before (stateful=True)" in predict.stderr


def test_stateful_begins_anew_after_a_crash(model, table):
    """Finished parts have left no state behind, so that the same command does them again."""
    texts = [text for _, text in TEN_ROWS]
    expected = encode(model, texts, stateful=True).outputs["pooled"]

    def crash(rows):
        if rows > 3:
            raise KeyboardInterrupt

    def run(progress):
        recipe = Recipe.of("elmo", model=str(model), stateful=True)
        embed(
            read_table("ten.csv"),
            recipe,
            "s.h5",
            reuse=False,
            store=StoreOptions(part_rows=3),
            reporter=RowsTold(progress),
        )

    with pytest.raises(KeyboardInterrupt):
        run(crash)
    run(lambda rows: None)
    with FeatureStore("s.h5") as store:
        np.testing.assert_array_equal(store.to_numpy(), expected)


def test_the_way_to_a_score(real, in_tmp):
    """Real messages through the published test weights, and a head on them: better than the class frequencies."""
    with open(real / "spam_sms" / "spam.csv", encoding="cp1252", newline="") as file:
        rows = [(row[0], row[1]) for row in list(csv.reader(file))[1:301]]
    write_csv(in_tmp / "sms.csv", rows)
    tk("embed", "--encoder", "elmo", "--model", str(real / "elmo_allennlp"), "--data", "sms.csv")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = json.loads(tk(*"classify --features features/sms.elmo.h5 --cv 3 --json".split()).stdout)

    assert found[-1]["metrics"]["overall"]["f1_macro"]["value"] > 0.7
