"""The encoder ``elmo``: every published form, both ways through it, its state, and the way to a score."""

import csv
import itertools
import json
import shutil
import warnings

import numpy as np
import pytest
from click.testing import CliRunner
from helpers.elmo_encoding import TEXTS, encode
from helpers.reporter import RowsTold, warned
from helpers.toy import TEN_ROWS, write_csv
from test_elmo_network import FIXTURES, streams

from cli import cli
from embed import Recipe, StoreOptions, embed, load_encoder, read_table
from embed.encoders import _elmo_formats
from embed.encoders._elmo_formats import OUTPUTS, ModuleElmo, OwnElmo, open_elmo
from stores import FeatureStore

pytestmark = pytest.mark.slow
KNOWN = ["google2", "google3", "marked", "deeppavlov"]  # the modules that our own network can be


def split(texts):
    """The words of those texts that have any, as the ways through a model take them."""
    return [[word.encode() for word in text.split(" ") if word] for text in texts if text]


def tk(*args, code=0):
    """Run a command line."""
    result = CliRunner().invoke(cli, list(args))
    assert result.exit_code == code, result.output
    return result


@pytest.mark.parametrize("name", KNOWN)
def test_both_ways_agree(elmo_modules, name):
    """Every layer of every word: the published graph and our own network, to 1e-5."""
    own, module = open_elmo(elmo_modules / name), ModuleElmo(elmo_modules / name)
    found, expected = own(split(TEXTS), list(OUTPUTS)), module(split(TEXTS), list(OUTPUTS))

    assert isinstance(own, OwnElmo)
    for layer in OUTPUTS:
        np.testing.assert_allclose(found[layer], expected[layer], rtol=0, atol=1e-5)


def test_the_probe_decides_whether_there_are_marks(elmo_modules):
    """Only some of the modules put marks around a text."""
    assert [open_elmo(elmo_modules / name)._network.marks for name in KNOWN] == [False, False, True, True]


def test_an_elmo_that_is_not_known_runs_by_its_own_graph(elmo_modules, capsys):
    """Without clipping, the LSTMs are others: a warning says so, and the vectors are the module's."""
    with warned(capsys, r"unlike differs .* by up to \d.*; its own graph is used"):
        features = encode(elmo_modules / "unlike")

    expected = own_default(elmo_modules / "unlike", [text for text in TEXTS if text])
    np.testing.assert_allclose(features.outputs["pooled"][[bool(text) for text in TEXTS]], expected, rtol=0, atol=1e-5)


def own_default(path, texts):
    """What a module's signature ``default`` makes of strings: the mean over the words."""
    from embed.models.hub import load_module
    from stores.shared.tensorflow import load_tensorflow

    signature = load_module(path).signatures["default"]
    return signature(load_tensorflow().constant(texts))["default"].numpy()


def test_the_mean_is_that_of_version_3(elmo_modules):
    """Also for version 2, whose own ``default`` counts the padding in."""
    texts = [text for text in TEXTS if text]
    expected = own_default(elmo_modules / "google3", texts)

    assert np.abs(own_default(elmo_modules / "google2", texts) - expected).max() > 0.01
    for name in ("google2", "google3"):
        np.testing.assert_allclose(encode(elmo_modules / name, texts).outputs["pooled"], expected, rtol=0, atol=1e-5)


def test_the_mean_of_deeppavlov_is_taken_before_its_scale(elmo_modules):
    """As its own ``default`` gives it, text by text, since it goes on from the text before; 1 / 0.8 of the mix."""
    path, texts = elmo_modules / "deeppavlov", [text for text in TEXTS if text]
    expected = own_default(path, texts)
    words = encode(path, texts, output="tokens")
    mean = [words.outputs["tokens"][a:b].mean(0) for a, b in itertools.pairwise(words.offsets)]

    np.testing.assert_allclose(encode(path, texts).outputs["pooled"], expected, rtol=0, atol=1e-5)
    np.testing.assert_allclose(np.stack(mean), 0.8 * expected, rtol=0, atol=1e-5)


def test_verdict_is_remembered(elmo_modules, tmp_path, monkeypatch):
    """The module's graph is loaded once for given weights, wherever they lie."""
    open_elmo(elmo_modules / "google3")
    shutil.copytree(elmo_modules / "google3", tmp_path / "copy")
    monkeypatch.setattr(_elmo_formats, "ModuleElmo", None)

    assert isinstance(open_elmo(tmp_path / "copy"), OwnElmo)


@pytest.mark.parametrize("name", ["google3", "deeppavlov"])
def test_general_way_does_not_depend_on_the_batch(elmo_modules, name, monkeypatch, capsys):
    """In random batches and orders as alone, to 1e-5; DeepPavlov's module would go on from the call before."""
    monkeypatch.setattr(_elmo_formats, "TOLERANCE", -1)  # nothing agrees
    with warned(capsys, "its own graph is used"):
        largest = difference_by_company(load_encoder("elmo", model=str(elmo_modules / name)), 5)

    assert largest <= 1e-5


@pytest.mark.parametrize("options", [{}, {"pooling": "max", "layer": "2"}, {"output": "tokens"}])
def test_fast_way_does_not_depend_on_the_batch(elmo_model, options):
    """In random batches and orders as alone, to 1e-5."""
    assert difference_by_company(load_encoder("elmo", model=str(elmo_model), **options), 12) <= 1e-5


def difference_by_company(encoder, rounds):
    """The largest difference between texts alone and in random choices of them, with repeats."""
    rng, differences = np.random.default_rng(0), []
    alone = [encoder.encode([text]) for text in TEXTS]
    for _ in range(rounds):
        chosen = rng.choice(len(TEXTS), rng.integers(1, 20))
        for output, values in encoder.encode([TEXTS[i] for i in chosen]).outputs.items():
            expected = np.concatenate([alone[i].outputs[output] for i in chosen])
            assert values.shape == expected.shape
            differences.append(np.abs(values - expected).max(initial=0))
    return np.max(differences)


@pytest.mark.parametrize("publisher", FIXTURES)
def test_published_sentences_through_the_encoder(real, publisher):
    """A stateful encoder over a stream of sentences gives the published top layer."""
    name, sentences = FIXTURES[publisher]
    for stream, expected in streams(real / name, sentences):
        features = encode(real / name, [" ".join(words) for words in stream], layer="2", output="tokens", stateful=True)
        top = np.concatenate([np.concatenate(one, axis=1) for one in expected])
        np.testing.assert_allclose(features.outputs["tokens"], top, rtol=0, atol=1e-5)


@pytest.fixture
def table(in_tmp):
    """The ten rows, in the current folder."""
    return write_csv(in_tmp / "ten.csv", TEN_ROWS)


def test_from_table_to_store(elmo_model, table):
    """Pooled is float32, one vector a word float16 unless told otherwise; what was asked for is in the store."""
    for options, kind, dtype in (
        ("--layer all", "pooled", "float32"),
        ("--output tokens --tokenizer ptb", "tokens", "float16"),
        ("--output tokens --dtype float32 --mix 1,0,0", "tokens", "float32"),
    ):
        command = f"embed --encoder elmo --model {elmo_model} --data ten.csv --out s.h5 --overwrite {options}"
        tk(*command.split())
        with FeatureStore("s.h5") as store:
            assert (store.kind, store.dtype) == (kind, np.dtype(dtype))
            assert len(store.outputs) == (3 if kind == "pooled" else 1)
            assert store.totals["distinct"] == 8
    assert "nothing to encode" in tk(*command.replace("--overwrite ", "").split()).stdout


def test_stateful_is_refused_with_reuse_and_by_predict(elmo_model, table):
    """Every row is encoded then, in order, equal texts too; the same command gives the same store again."""
    command = f"embed --encoder elmo --model {elmo_model} --data ten.csv --stateful --out s.h5".split()

    assert "none can be reused; add --no-reuse" in tk(*command, code=2).stderr
    found = json.loads(tk(*command, "--no-reuse", "--json").stdout)["totals"]
    assert (found["encoded"], found["distinct"], found["reused"]) == (10, 10, 0)
    with FeatureStore("s.h5") as store:
        vectors = store.to_numpy()
    texts = [text for _, text in TEN_ROWS]
    expected = encode(elmo_model, texts, stateful=True).outputs["pooled"]
    np.testing.assert_array_equal(vectors, expected)
    assert np.abs(vectors[0] - vectors[4]).max() > 0.01  # the same text, in another state
    tk(*"classify --features s.h5 --head majority --cv 2".split())
    predict = tk("predict", "--run", "runs/s.majority", "--text", "ok", code=2)
    assert "depend on the texts before (stateful=True)" in predict.stderr


def test_stateful_begins_anew_after_a_crash(elmo_model, table):
    """Finished parts have left no state behind, so that the same command does them again."""
    texts = [text for _, text in TEN_ROWS]
    expected = encode(elmo_model, texts, stateful=True).outputs["pooled"]

    def crash(rows):
        if rows > 3:
            raise KeyboardInterrupt

    def run(progress):
        recipe = Recipe.of("elmo", model=str(elmo_model), stateful=True)
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
