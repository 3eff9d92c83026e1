"""The command line: what it prints, where, and with which exit code."""

import csv
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner
from helpers import ROOT
from helpers.commands import LETTERS, ROWS, tk
from helpers.stores import make_store
from helpers.toy import TEN_ROWS, write_csv

from cli import cli
from stores import TokenFeatures

STATIC, WORDS = "features/messages.static.h5", "features/messages.words.h5"


def test_version():
    """The version is that of the package."""
    assert re.fullmatch(r"tk, version \d+\.\d+\.\d+\n", tk("--version").stdout)


@pytest.mark.parametrize("command", sorted(cli.commands))
def test_help_explains_every_option_and_has_an_example(command):
    """Every command says what it does, every option has help, and an example is there to copy."""
    text = tk(command, "--help").stdout

    assert "Example:" in text
    assert cli.commands[command].help
    for option in cli.commands[command].params:
        assert getattr(option, "help", None) or option.param_type_name == "argument", option.name


def examples():
    """Every command line in the help texts, in the order of the commands that need each other."""
    order = [
        "describe",
        "embed",
        "classify",
        "report",
        "bundle",
        "predict",
        "evaluate",
        "compare",
        "ensemble",
        "errors",
    ]
    order += ["rerun", "speed", "vectors", "run", "encoders", "heads", "features", "doctor"]
    assert sorted(order) == sorted(cli.commands)
    below = ["info", "verify", "export", "merge", "join", "diff", "pool", "import", "find", "prune", "sample"]
    assert sorted(below) == sorted(cli.commands["features"].commands)
    assert list(cli.commands["encoders"].commands) == ["check", "shrink"]
    helps = [
        cli.help,
        *(cli.commands[name].help for name in order),
        *(command.help for command in cli.commands["encoders"].commands.values()),
    ]
    helps += [cli.commands["features"].commands[name].help for name in below]
    texts = [re.sub(r"\\\n\s*", "", text) for text in helps]  # one command on two lines
    return [line.strip() for text in texts for line in text.splitlines() if line.strip().startswith("tk ")]


@pytest.mark.slow
def test_examples_of_the_help_run(in_tmp, lookalike):
    """Each command line of every help text works as it stands, in a folder that holds the examples and a model."""
    shutil.copytree(ROOT / "examples", in_tmp / "examples")
    shutil.copytree(lookalike("use4"), in_tmp / "models/universal-sentence-encoder")
    (in_tmp / "vectors").mkdir()
    shutil.copy(lookalike("word_vectors"), in_tmp / "vectors/glove.50d.txt")
    write_csv(in_tmp / "more.csv", ROWS)
    np.save(in_tmp / "vectors.npy", np.eye(960, 3))
    tokens = TokenFeatures({"tokens": np.eye(2, dtype=np.float16)}, np.ones((2, 3), np.int32), np.array([0, 1, 2]))
    (in_tmp / "features").mkdir()
    make_store(in_tmp / "features/messages.bert-tokens.h5", tokens, ["ham", "spam"], ["see", "WIN"])
    tk(*"embed --data more.csv".split())
    tk(*"embed --data examples/messages.csv --pooling max --out features/messages.max.h5".split())

    assert len(examples()) >= 18
    for line in examples():
        tk(*shlex.split(line)[1:])


def test_embed_says_what_it_did(in_tmp):
    """Counts and the store on stdout; the columns and why on stderr; the second run encodes nothing."""
    write_csv(in_tmp / "ten.csv", TEN_ROWS)
    first = tk("embed", "--encoder", "words", "--data", "ten.csv")

    assert "10 rows, 8 distinct texts: 8 encoded, 0 taken from earlier stores" in first.stdout
    assert "1 empty texts" in first.stdout
    assert "1 rows without a label" in first.stdout
    assert "text column 'text' (by its name)" in first.stderr
    second = tk("embed", "--encoder", "words", "--data", "ten.csv")
    assert second.stdout == "nothing to encode: features/ten.words.h5 holds all 10 rows already\n"


def test_embed_json(in_tmp):
    """Numbers for programs, and nothing else on stdout."""
    write_csv(in_tmp / "ten.csv", TEN_ROWS)
    found = json.loads(tk("embed", "--data", "ten.csv", "--json").stdout)

    assert found["store"] == "features/ten.static.h5"
    assert found["totals"]["encoded"] == 8


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the names of files are text")
def test_file_name_that_is_no_utf8(in_tmp):
    """From table to prediction; names of files are bytes."""
    name = os.fsdecode(b"caf\xe9.csv")
    write_csv(in_tmp / name, ROWS)
    tk("embed", "--data", name)
    tk("features", "verify", os.fsdecode(b"features/caf\xe9.static.h5"))
    tk("classify", "--features", os.fsdecode(b"features/caf\xe9.static.h5"), "--out", "run", "--cv", "2")

    assert tk("predict", "--run", "run", "--data", name).stdout.count("\n") == len(ROWS) + 1


def test_layout_parts(in_tmp):
    """The store is an index of a folder of parts; all else is as ever."""
    write_csv(in_tmp / "ten.csv", TEN_ROWS)
    said = tk("embed", "--data", "ten.csv", "--layout", "parts").stdout

    assert list((in_tmp / "features" / "ten.static.h5.parts").rglob("part-000000.h5"))
    assert "encoded" in said
    assert "10 rows, all as written" in tk("features", "verify", "features/ten.static.h5").stdout


@pytest.mark.slow
def test_embed_lists_broken_rows(in_tmp):
    """Beside the store, and says how many."""
    write_csv(in_tmp / "ten.csv", [*TEN_ROWS, ("one", "two", "three")])
    result = tk("embed", "--data", "ten.csv", "--bad-rows", "skip")

    assert "1 broken rows left out, listed in features/ten.static.bad-rows.jsonl" in result.stdout
    assert json.loads((in_tmp / "features/ten.static.bad-rows.jsonl").read_text())["row"] == "one,two,three"
    result = tk("classify", "--features", "features/ten.static.h5", "--cv", "2", "--head", "nb")
    assert "; 1 broken rows of the table left out; " in result.output


def test_embed_stdin_and_several_files(in_tmp, monkeypatch):
    """What is piped in needs its format only if nothing tells it; two files make one store."""
    data = write_csv(in_tmp / "a.csv", TEN_ROWS).read_bytes()
    write_csv(in_tmp / "b.csv", ROWS)
    result = CliRunner().invoke(cli, ["embed", "--encoder", "words", "--data", "-", "--format", "csv"], input=data)

    assert "store: features/stdin.words.h5" in result.stdout
    assert "70 rows" in tk("embed", "--data", "a.csv", "--data", "b.csv", "--clean", "classic").stdout
    assert (in_tmp / "features/a-and-1-more.static.h5").exists()


@pytest.mark.slow
def test_several_labels_a_row_are_learned(in_tmp):
    """Each label has its own score and probability; sampling is refused with the reason."""
    words = {(0, 0): "nice", (1, 0): "stupid", (1, 1): "stupid toad"}
    rows = [(f"{words[i % 4 > 1, i % 4 > 2]} {LETTERS[i]}", int(i % 4 > 1), int(i % 4 > 2)) for i in range(60)]
    write_csv(in_tmp / "toxic.csv", rows, header=("comment_text", "toxic", "insult"))
    tk("embed", "--encoder", "words", "--data", "toxic.csv")
    store = "features/toxic.words.h5"
    result = tk("classify", "--features", store, "--head", "nb", "--threshold", "f1", "--no-report")
    refused = tk("classify", "--features", store, "--sampler", "under", code=2)
    texts = ["--text", "nice 1", "--text", "you stupid toad"]
    predicted = tk("predict", "--run", "runs/toxic.words.nb", *texts, "--to", "jsonl")

    assert json.loads(tk("features", "info", store, "--json").stdout)["labels"] == {
        "toxic": 30, "insult": 15, "(none)": 0
    }  # fmt: skip
    assert re.search(r"^  toxic: precision 1.000  recall 1.000 .* ROC-AUC 1.0000 .* \(30 rows\)", result.stdout, re.M)
    assert "to drop or repeat it for one of them changes the others" in refused.stderr
    first, second = map(json.loads, predicted.stdout.splitlines())
    assert (first["predicted"], second["predicted"]) == ("", "toxic|insult")
    assert second["p_toxic"] + second["p_insult"] > 1


@pytest.mark.slow
def test_predict_names_the_rows_by_their_ids(trained):
    """As competitions want them; no label is needed, and a broken row has no prediction."""
    (trained / "new.csv").write_text("id,text\n007,WIN cash 9\n1e5,see you 5\nx\n")
    run = "runs/messages.words.logistic"
    result = tk("predict", "--run", run, "--data", "new.csv", "--bad-rows", "skip")
    rows = list(csv.DictReader(io.StringIO(result.stdout)))

    assert [(row["id"], row["predicted"]) for row in rows] == [("007", "spam"), ("1e5", "ham")]
    assert "1 broken rows have no prediction" in result.stderr


@pytest.mark.slow
def test_cleaning_of_a_run_is_that_of_its_predictions(trained):
    """A text differs from another only by what the cleaning takes away."""
    tk("embed", "--encoder", "words", "--data", "messages.csv", "--clean", "lower,spaces", "--out", "features/clean.h5")
    tk("classify", "--features", "features/clean.h5", "--cv", "3", "--out", "runs/clean", "--no-report")
    result = tk("predict", "--run", "runs/clean", "--text", "Win   CASH 3", "--text", "win cash 3")
    rows = list(csv.DictReader(io.StringIO(result.stdout)))

    assert rows[0]["p_spam"] == rows[1]["p_spam"]
    assert rows[0]["text"] == "Win   CASH 3"


@pytest.mark.slow
def test_classify_prints_scores_and_baselines(trained):
    """A row for each baseline and head with values and intervals, what they rest on, and where the run is."""
    result = tk(*f"classify --features {WORDS} --head nb --head logistic --seed 1".split())

    assert re.search(r"^majority +0\.6667", result.stdout, re.MULTILINE)
    assert re.search(r"^nb.* +\d\.\d{4} +\d\.\d{4} +\d\.\d{4}", result.stdout, re.MULTILINE)
    assert "60 of 60 labelled rows tested (60 distinct texts)" in result.stdout
    assert re.search(
        "5 stratified folds, texts alike in one fold; split [0-9a-f]{8}; alpha of 0.0001, .* and sigmoid calibration "
        "chosen on 3 inner folds of the training rows; seed 1; precision, recall, F1 and areas of class 'spam'",
        result.stdout,
    )
    assert "nb: runs/messages.words.nb\n" in result.stdout
    assert "logistic: runs/messages.words.logistic-2\n" in result.stdout


@pytest.mark.slow
def test_classify_json(trained):
    """The whole recipe and all metrics."""
    result = tk(
        "classify", "--features", "features/messages.words.h5", "--head", "nb:alpha=0.5", "--json", "--no-report"
    )
    (run,) = json.loads(result.stdout)

    assert run["recipe"]["head"]["options"]["alpha"] == 0.5
    assert 0 <= run["metrics"]["overall"]["pr_auc"]["low"] <= run["metrics"]["overall"]["pr_auc"]["value"]


@pytest.mark.slow
@pytest.mark.parametrize("encoder", ["static", "words"])
def test_predict_text_and_file(trained, encoder):
    """New texts become a class and probabilities, as CSV and as JSON lines, on stdout or in a file."""
    run = f"runs/messages.{encoder}.logistic"
    rows = list(csv.DictReader(io.StringIO(tk("predict", "--run", run, "--text", "WIN cash 3", "--text", "").stdout)))
    assert [row["text"] for row in rows] == ["WIN cash 3", ""]
    assert rows[0]["predicted"] == "spam"
    assert float(rows[0]["p_ham"]) + float(rows[0]["p_spam"]) == pytest.approx(1, abs=1e-5)

    write_csv(trained / "new.csv", [("", "see you 5"), ("", "WIN cash 9"), ("", "see you 5")])
    tk("predict", "--run", run, "--data", "new.csv", "--to", "jsonl", "--out", "new.jsonl")
    found = [json.loads(line) for line in (trained / "new.jsonl").read_text().splitlines()]
    assert [(row["line"], row["predicted"]) for row in found] == [(2, "ham"), (3, "spam"), (4, "ham")]
    assert found[0]["p_spam"] == found[2]["p_spam"]


@pytest.mark.slow
def test_predict_agrees_with_the_store(trained):
    """The table the run was trained on, predicted again, gives the labels it was trained with (it is separable)."""
    result = tk(*"predict --run runs/messages.static.logistic --data messages.csv".split())
    rows = csv.DictReader(io.StringIO(result.stdout))

    assert [row["predicted"] for row in rows] == [label for label, _ in ROWS]


def _change_encoder(folder):
    """As if the run had been trained on the table of another version."""
    path = folder / "runs/messages.static.logistic/recipe.json"
    recipe = json.loads(path.read_text())
    recipe["features"]["identity_digest"] = "0" * 32
    path.write_text(json.dumps(recipe))


def _make_one_class(folder):
    write_csv(folder / "one.csv", [("ham", "a"), ("ham", "b")])
    tk("embed", "--encoder", "words", "--data", "one.csv")


def _make_few(folder):
    write_csv(folder / "few.csv", [("ham", f"a {w}") for w in LETTERS[:9]] + [("spam", f"b {w}") for w in LETTERS[:3]])
    tk("embed", "--encoder", "words", "--data", "few.csv")


def _make_unlabelled(folder):
    (folder / "texts.csv").write_text("text\nhello\nthere\n")
    tk("embed", "--encoder", "words", "--data", "texts.csv")


def _make_broken(folder):
    (folder / "broken.csv").write_text("label,text\nham,fine\nspam,one,two\n")


def _make_empty(folder):
    (folder / "empty.csv").write_text("")


def _make_file_in_the_way(folder):
    (folder / "taken").write_text("a file, not a folder")


def _make_half_run(folder):
    (folder / "runs/messages.words.logistic/model/1/head.json").unlink()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("prepare", "args", "code", "message"),
    [
        (None, "embed --data none.csv", 2, "none.csv: no such file"),
        (None, "embed --data messages.csv --text-column body", 2, "has no column 'body' (--text-column); it has:"),
        (None, "embed --data messages.csv --encoder glovee", 2, "no encoder 'glovee'; there are:"),
        (None, "embed --data messages.csv --encoder words --pooling max", 2, "encoder words has no option 'pooling'"),
        (None, "embed --data messages.csv --pooling median", 2, "--pooling median does not exist"),
        (None, "embed --data messages.csv --dtype int8", 2, "choose one of float32, float16"),
        (None, "embed", 2, "give a table: tk embed FILE"),
        (None, "embed --dta messages.csv", 2, "No such option '--dta'"),
        (None, "embed --data messages.csv --pooling max", 2, "holds features of another identity"),
        (_make_empty, "embed --data empty.csv", 2, "is empty"),
        (_make_broken, "embed --data broken.csv", 2, "broken.csv, line 3: 3 cells where the header has 2"),
        (_make_file_in_the_way, "embed --data messages.csv --out taken/a.h5", 1, "taken/a.h5.parts could not"),
        (None, "classify --features none.h5", 2, "none.h5: no such file; make a feature store with: tk embed"),
        (None, "classify --features messages.csv", 1, "no HDF5 file"),
        (_make_one_class, "classify --features features/one.words.h5", 2, "one class only, 'ham'"),
        (_make_few, "classify --features features/few.words.h5", 2, "class 'spam' has 3 different texts"),
        (_make_unlabelled, "classify --features features/texts.words.h5", 2, "no labelled rows"),
        (None, f"classify --features {WORDS} --head dense", 2, "head dense takes pooled features, but"),
        (None, f"classify --features {STATIC} --head dense:unit=3", 2, "no option 'unit'; it has: units"),
        (None, f"classify --features {STATIC} --cv 3 --test-size 0.2", 2, "exclude each other"),
        (None, f"classify --features {STATIC} --cv three", 2, "'three' is not a valid integer"),
        (None, f"classify --features {STATIC} --sampler smite", 2, "choose one of none, under, over"),
        (None, f"classify --features {STATIC} --out runs/messages.static.logistic", 2, "exists already"),
        (_make_file_in_the_way, f"classify --features {STATIC} --out taken/run", 1, "taken/run could not be made"),
        (None, "predict --run runs/none --text a", 2, "is no run"),
        (None, "predict --run runs/messages.static.logistic", 2, "give either --data FILE or --text TEXT"),
        (_change_encoder, "predict --run runs/messages.static.logistic --text a", 1, "it is not what was written"),
        (_make_half_run, "predict --run runs/messages.words.logistic --text a", 1, "head.json is missing"),
        (
            _make_broken,
            "predict --run runs/messages.words.logistic --data broken.csv --out o.csv",
            2,
            "line 3: 3 cells",
        ),
        (None, "dance", 2, "No such command 'dance'"),
    ],
)
def test_mistake_is_one_line_with_the_cure(trained, prepare, args, code, message):
    """What, where, and what to do, on stderr; nothing on stdout, no traceback, and no file is made or changed."""
    if prepare:
        prepare(trained)
    before = {path: path.read_bytes() for path in trained.rglob("*") if path.is_file()}
    result = tk(*shlex.split(args), code=code)

    last = result.stderr.splitlines()[-1]
    assert last.startswith("Error: ")
    assert message in last
    assert "Traceback" not in result.output
    assert result.stdout == ""
    after = {path: path.read_bytes() for path in trained.rglob("*") if path.is_file() and ".parts" not in str(path)}
    assert after == before


@pytest.mark.parametrize("args", [[], ["features"]])
def test_no_command_shows_the_help(args):
    """As it is laid out, not as one long line."""
    result = CliRunner().invoke(cli, args)

    assert result.exit_code in (0, 2)  # by the version of Click
    assert "\nCommands:\n" in result.output


def test_debug_shows_the_traceback(in_tmp):
    """For those who debug the program rather than the input."""
    done = subprocess.run(
        [sys.executable, "-m", "cli", "--debug", "embed", "--data", "none.csv"],
        capture_output=True, text=True, check=False, cwd=in_tmp, env={"PYTHONPATH": str(ROOT)},
    )  # fmt: skip

    assert "Traceback" in done.stderr


def test_listings_name_every_encoder_and_head():
    """With their options and defaults; for encoders, the default weights and whether they are cached."""
    listed = tk("encoders").stdout
    found = json.loads(tk("encoders", "--json").stdout)

    assert "words" in listed
    assert "weights: 1 GB, Apache-2.0, Google on TF-Hub and Kaggle, not cached" in listed
    assert found["encoders"]["use"]["model"]["model"] == "https://tfhub.dev/google/universal-sentence-encoder/4"
    assert found["encoders"]["use"]["model"]["cached"] is None
    assert found["encoders"]["words"]["model"] is None
    assert found["cache"]["folder"] == os.environ["TK_CACHE_DIR"]
    assert "learning_rate=0.0002  of Adam." in tk("heads").stdout
    assert set(json.loads(tk("heads", "--json").stdout)) >= {"majority", "logistic", "nb", "dense"}


@pytest.fixture
def with_model(in_tmp, lookalike):
    """A table and a module of the Universal Sentence Encoder's layout, in the current folder."""
    write_csv(in_tmp / "messages.csv", ROWS)
    shutil.copytree(lookalike("use4"), in_tmp / "use")
    return in_tmp


@pytest.mark.slow
def test_model_by_a_path_is_found_again(with_model, monkeypatch):
    """A run knows its model by an absolute path; a copy of it elsewhere is the same identity."""
    tk(*"embed --encoder use --model use --max-tokens 50 --device cpu --data messages.csv".split())
    tk(*"classify --features features/messages.use.h5 --cv 3".split())
    shutil.copytree("use", "copy")
    again = tk(*"embed --encoder use --model ./copy --max-tokens 50 --data messages.csv".split())
    monkeypatch.chdir("/")
    found = tk("predict", "--run", str(with_model / "runs/messages.use.logistic"), "--text", "call me").stdout

    assert again.stdout.startswith("nothing to encode")
    assert found.splitlines()[1].startswith("call me,")
    recipe = json.loads((with_model / "runs/messages.use.logistic/recipe.json").read_text())["features"]["recipe"]
    assert recipe["options"] == {"model": str(with_model / "use"), "max_tokens": 50}


@pytest.mark.slow
def test_run_whose_model_has_changed(with_model):
    """It is refused, and so is one whose model is gone, until --model says where it is."""
    tk(*"embed --encoder use --model use --data messages.csv".split())
    tk(*"classify --features features/messages.use.h5 --cv 3".split())
    predict = ["predict", "--run", "runs/messages.use.logistic", "--text", "ok"]
    shutil.copytree("use", "copy")
    with open("use/saved_model.pb", "ab") as file:
        file.write(b"\0")
    assert "gives other features than the one the run was trained on" in tk(*predict, code=1).stderr

    shutil.rmtree("use")
    assert f"model {with_model / 'use'}: no such folder, archive or file" in tk(*predict, code=2).stderr
    assert "ok,ham," in tk(*predict, "--model", "copy").stdout


@pytest.mark.slow
def test_check_reports(with_model):
    """Weights, shape, steadiness and speed, for people and for programs."""
    shown = tk(*"encoders check use --model use".split()).stdout
    found = json.loads(tk(*"encoders check use --model use --json".split()).stdout)

    assert re.search(r"^pooled +float32 \[73, 12\] of 73 texts$", shown, re.MULTILINE)
    assert re.search(r"^alone and in a batch +largest difference \d", shown, re.MULTILINE)
    assert found["encoder"] == "use"
    assert len(found["weights"]) == 32
    assert found["tokens a second"] > 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        ("encoders check", 2, "Missing argument 'NAME'"),
        ("encoders check elmoo", 2, "no encoder 'elmoo'; there are:"),
        ("encoders check words --model use", 2, "encoder words has no option 'model'; it has: none"),
        ("encoders check use --model nowhere", 2, "model nowhere: no such folder, archive or file"),
        ("encoders check use --model use/variables", 2, "use/variables is half deleted, or no TF-Hub module"),
        ("encoders check use --max-tokens 0 --model use", 2, "--max-tokens 0 leaves no word"),
        ("encoders check use --device tpu --model use", 2, "--device tpu: this machine has cpu:0"),
    ],
)
def test_check_fails_in_one_line(with_model, args, code, message):
    """What, where, and what to do."""
    result = tk(*args.split(), code=code)

    assert message in result.stderr.splitlines()[-1]
    assert result.stdout == ""


def test_check_finds_an_encoder_whose_vectors_depend_on_their_batch(monkeypatch):
    """One that adds the size of the batch to every number."""
    from embed.encoders.static import StaticEncoder

    encode = StaticEncoder.encode

    def unsteady(self, texts):
        features = encode(self, texts)
        features.outputs["pooled"][:] += len(texts)
        return features

    monkeypatch.setattr(StaticEncoder, "encode", unsteady)
    result = tk("encoders", "check", "static", code=1)

    assert "static: a text has another vector in another batch (largest difference 72)" in result.stderr


@pytest.mark.slow
def test_report_is_written_unless_refused(trained):
    """``--no-report`` writes none, ``tk report`` makes it; where it went is said on stderr."""
    folder = trained / "runs/messages.static.logistic"
    assert not (folder / "report.html").exists()
    assert not (folder / "figures").exists()
    result = tk("report", "runs/messages.static.logistic")

    assert (result.stdout, result.stderr) == ("", "wrote runs/messages.static.logistic/report.html\n")
    assert (folder / "report.html").read_text().count("<svg") > 3
    assert "tk classify --features FILE" in tk("report", "runs", code=2).stderr
