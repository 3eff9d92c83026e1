"""What was measured can predict: runs on joined features and ensembles, whose encoders are several."""

import csv
import json
import shutil

import numpy as np
import pytest
from helpers.commands import tk
from helpers.toy import toy_recipe, write_csv

from classify import Predictor, read_run
from classify.fitting.ensemble_model import EnsembleModel
from embed import encode_texts, load_recipes
from stores import InputError

pytestmark = pytest.mark.slow
TEXTS = ["WIN cash now", "see you at home", "cash or not", "WIN"]


@pytest.fixture(scope="module")
def combined_folder(trained_folder, tmp_path_factory):
    """Runs on two stores joined in both ways, and an ensemble of each method, made once."""
    folder = tmp_path_factory.mktemp("combined") / "work"
    shutil.copytree(trained_folder, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        stores = ["features/messages.static.h5", "features/again.static.h5"]
        tk("embed", "--encoder", "static:pooling=max", "messages.csv", "--out", stores[1])
        tk("features", "join", *stores, "--out", "features/joined.h5")
        for spec, name in (("+".join(stores), "side"), ("features/joined.h5", "joined"), (stores[1], "other")):
            tk("classify", spec, "--cv", "3", "--no-report", "--out", f"runs/{name}")
        members = ["runs/messages.static.logistic", "runs/messages.words.logistic", "runs/other"]
        for method in ("average", "vote", "stack"):
            tk("ensemble", *members, "--method", method, "--no-report", "--out", f"runs/{method}")
    return folder


@pytest.fixture
def combined(combined_folder, in_tmp):
    """The test runs in a folder of its own with these runs."""
    shutil.copytree(combined_folder, in_tmp, dirs_exist_ok=True)
    return in_tmp


def predicted(run):
    """Probabilities ``[n, 2]`` and classes of the texts."""
    predictor = Predictor(read_run(run))
    recipes = load_recipes([(source.recipe, source.digest) for source in predictor.sources])
    return predictor.predict(encode_texts(TEXTS, recipes)[0])


MEMBERS = ("runs/messages.static.logistic", "runs/messages.words.logistic", "runs/other")


def test_ensembles_say_what_their_members_say_together(combined):
    """By hand: the mean, the votes, and the stacked model on log(p / (1 - p)) of each member."""
    each = [predicted(run) for run in MEMBERS]
    mean = np.mean([proba for proba, _ in each], axis=0)
    votes = [[names.count("ham") / 3, names.count("spam") / 3] for names in zip(*(n for _, n in each), strict=True)]
    spam = np.stack([proba[:, 1] for proba, _ in each], 1)
    model = read_run("runs/stack").model()
    spam = np.clip(spam, 1e-6, 1 - 1e-6)
    stacked = model.stacked[0].predict(np.log(spam / (1 - spam)).astype(np.float32))[0]

    assert np.allclose(predicted("runs/average")[0], mean, atol=2e-6)
    assert predicted("runs/average")[1] == [("ham", "spam")[i] for i in mean.argmax(1)]
    assert np.allclose(predicted("runs/vote")[0], votes, atol=2e-6)
    assert np.allclose(predicted("runs/stack")[0], stacked, atol=1e-6)
    lines = tk("predict", "runs/average", *(arg for text in TEXTS for arg in ("--text", text))).stdout.splitlines()
    assert [line.split(",")[1] for line in lines[1:]] == predicted("runs/average")[1]


@pytest.mark.parametrize("run", ["side", "joined"])
def test_joined_features_predict_their_own_rows(combined, run):
    """Of the training table the model says of each row what it says of the joined store itself."""
    from classify.data import load_data

    x = load_data("features/joined.h5").x
    own = read_run(f"runs/{run}").model().predict(x)[0]
    rows = json.loads(tk("predict", f"runs/{run}", "messages.csv", "--json").stdout)

    assert np.allclose([row["p_spam"] for row in rows], own[:, 1], atol=2e-6)


def test_ensemble_needs_neither_its_members_nor_their_stores(combined):
    """It holds their models: what the members' folders hold later changes nothing."""
    before = predicted("runs/stack")[0]
    shutil.rmtree("features")
    for member in MEMBERS:
        shutil.rmtree(member)

    assert np.array_equal(predicted("runs/stack")[0], before)


def test_changed_member_is_refused(combined):
    """The files of the members' models are digested as all files of a run are."""
    path = next((combined / "runs/average/model/member-2").rglob("model.json"))
    path.write_text(path.read_text().replace("positive", "Positive", 1))

    assert "is damaged or changed" in tk("predict", "runs/average", "--text", "a", code=1).stderr


def test_each_encoder_encodes_once(combined):
    """Three members of two encoders and three recipes; a text that is there twice is encoded once."""
    assert [source.recipe["encoder"] for source in Predictor(read_run("runs/stack")).sources] == [
        "static", "words", "static",
    ]  # fmt: skip
    tk("ensemble", MEMBERS[0], "runs/average", "--no-report", "--out", "runs/nested")
    assert len(Predictor(read_run("runs/nested")).sources) == 3
    recipes = [toy_recipe(), toy_recipe(2.0, ("lower",))]
    features, empty = encode_texts(["a b", " ", "a b", "C"], recipes)

    assert [recipe.encoder.seen for recipe in recipes] == [["a b", " ", "C"], ["a b", " ", "c"]]
    assert empty.tolist() == [False, True, False, False]
    assert features[1].outputs["pooled"][:, 1].tolist() == [4, 0, 4, 2]


def test_evaluate_takes_them(combined):
    """The table is encoded by each encoder; rows that any member was trained on are left out; stores do as well."""
    rows = [("spam" if i % 2 else "ham", f"{'WIN' if i % 2 else 'home'} {word}") for i, word in enumerate("abcdefgh")]
    write_csv(combined / "new.csv", rows)
    for run in ("stack", "side", "joined"):
        found = json.loads(tk("evaluate", f"runs/{run}", "new.csv", "--json").stdout)
        right = [row["predicted"] for row in json.loads(tk("predict", f"runs/{run}", "new.csv", "--json").stdout)]
        share = np.mean([a == b for a, (b, _) in zip(right, rows, strict=True)])
        assert found["overall"]["accuracy"]["value"] == pytest.approx(share)
    known = tk("evaluate", "runs/stack", "messages.csv", code=2).stderr
    assert "Error: messages.csv has no labelled row that the run was not trained on" in known
    both = "features/messages.static.h5+features/again.static.h5"
    assert "60 rows" in tk("evaluate", "runs/side", "--features", both, "--with-training-rows").stdout
    assert "60 rows" in tk("evaluate", "runs/joined", "--features", "features/joined.h5", "--with-training-rows").stdout
    alone = tk("evaluate", "runs/side", "--features", "features/messages.static.h5", code=2).stderr
    assert "alone does not do: the run has 2 encoders" in alone


def test_where_models_are_now_is_said_by_encoder(combined):
    """A path alone could be of any of them."""
    said = tk("predict", "runs/stack", "--text", "a", "--model", "somewhere", code=2).stderr
    assert "--model somewhere: the run has several encoders; write whose it is, such as static=PATH" in said
    with pytest.raises(InputError, match="the run has one encoder, static; give one model"):
        load_recipes([({"encoder": "static"}, "")], ["a", "b"])


def test_members_on_other_columns_are_refused(in_tmp):
    """A title and a body are two texts; nothing says which of them a new text is."""
    rows = [
        ("ham" if i % 3 else "spam", f"{'see' if i % 3 else 'WIN'} {c}", f"body {c}")
        for i, c in enumerate("abcdefghijklmnopqrstuvwx")
    ]
    with open("two.csv", "w", newline="") as file:
        csv.writer(file).writerows([("label", "title", "body"), *rows])
    for column in ("title", "body"):
        tk("embed", "two.csv", "--text-column", column, "--out", f"{column}.h5")
        tk("classify", f"{column}.h5", "--cv", "2", "--no-report", "--out", column)
    tk("ensemble", "title", "body", "--no-report", "--out", "both")

    assert "read different text columns (title; body)" in tk("predict", "both", "two.csv", code=2).stderr


def test_damaged_models_of_ensembles(combined):
    """A run without digests may hold anything; what is no ensemble is one line."""
    folder = combined / "runs/average/model"
    for state in ({"ensemble": "average"}, {"ensemble": "sum", "members": 1, "stacked": 0, "labels": []}, []):
        (folder / "ensemble.json").write_text(json.dumps(state))
        with pytest.raises(Exception, match="holds no model that this version can read"):
            EnsembleModel.restore(folder)
