"""Models on the command line: found again by their paths, and looked at by ``tk encoders check``."""

import json
import re
import shutil

import pytest
from helpers.commands import ROWS, tk
from helpers.toy import write_csv


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
