"""A frozen encoder as a transformer of scikit-learn."""

import pickle

import numpy as np
import pytest
from helpers.commands import LETTERS, ROWS
from helpers.toy import toy_recipe
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline, make_union

import embed.text_encoder
from embed import Recipe, TextEncoder
from stores import FeatureStore, InputError

LABELS, TEXTS = [list(column) for column in zip(*ROWS, strict=True)]


@pytest.fixture
def toy(machine, monkeypatch):
    """Every TextEncoder is the toy encoder, which counts what it is given."""
    recipe = toy_recipe()
    recipe.encoder.part_rows = 64
    monkeypatch.setattr(embed.text_encoder, "_load_once", lambda *given: recipe)
    return recipe.encoder


def test_vectors_are_those_of_the_encoder(machine):
    """Of the type and with the options that were asked for."""
    found = TextEncoder("static", pooling="max", dtype="float16", clean="lower").fit_transform(TEXTS)
    recipe = Recipe.of("static", "float16", "lower", pooling="max")

    assert found.dtype == np.float16
    assert (found == recipe.encode(recipe.clean(TEXTS), reuse=False).outputs["pooled"]).all()
    assert (TextEncoder("static:pooling=max", dtype="float16", clean="lower").fit_transform(TEXTS) == found).all()


@pytest.mark.slow
def test_a_grid_search_encodes_each_text_once(toy):
    """Though each fold of each candidate fits and transforms again; a second search encodes nothing."""
    pipeline = make_pipeline(TextEncoder("static"), LogisticRegression())
    grid = {"logisticregression__C": [0.1, 1.0, 10.0]}
    GridSearchCV(pipeline, grid, cv=3).fit(TEXTS, LABELS)

    assert sorted(toy.seen) == sorted(set(TEXTS))
    GridSearchCV(pipeline, grid, cv=3).fit(TEXTS, LABELS)
    assert len(toy.seen) == len(set(TEXTS))


def test_options_of_the_encoder_can_be_searched(machine):
    """They are parameters like others; misspelt ones are refused."""
    pipeline = make_pipeline(TextEncoder("static"), LogisticRegression())
    found = GridSearchCV(pipeline, {"textencoder__pooling": ["sif", "max"]}, cv=2).fit(TEXTS, LABELS)

    assert found.best_params_["textencoder__pooling"] in ("sif", "max")
    with pytest.raises(InputError, match="has no option 'poling'"):
        pipeline.set_params(textencoder__poling="max")


def test_clone_parameters_and_words_for_people():
    """Clones have the same parameters, options among them."""
    encoder = TextEncoder("glove", model="vectors.txt", pooling="max")

    assert clone(encoder).get_params() == {
        "encoder": "glove", "dtype": None, "clean": "none", "store": None, "model": "vectors.txt", "pooling": "max",
    }  # fmt: skip
    assert repr(clone(encoder)) == "TextEncoder(encoder='glove', model='vectors.txt', pooling='max')"
    assert encoder.set_params(pooling="mean", clean="lower").pooling == "mean"


def test_pickle_is_small_and_works(machine):
    """Weights do not travel; where it is used, they are loaded."""
    encoder = TextEncoder("static").fit(TEXTS)
    kept = pickle.dumps(encoder)

    assert len(kept) < 1000
    assert (pickle.loads(kept).transform(TEXTS[:2]) == encoder.transform(TEXTS[:2])).all()


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_columns_and_frames(machine, library):
    """Texts come as a column, vectors go as a frame with named columns and, in pandas, the same index."""
    frames = pytest.importorskip(library)
    frame = frames.DataFrame({"text": TEXTS, "length": [float(len(text)) for text in TEXTS]})
    expected = TextEncoder("static").fit_transform(TEXTS)
    encoder = TextEncoder("static").set_output(transform=library)

    for column in (frame["text"], frame[["text"]]):
        found = encoder.fit_transform(column)
        assert list(found.columns)[:2] == ["static0", "static1"]
        assert (found.to_numpy() == expected).all()
    both = ColumnTransformer([("text", TextEncoder("static"), "text")], remainder="passthrough")
    assert both.fit_transform(frame).shape == (60, expected.shape[1] + 1)


def test_missing_texts_are_empty(machine):
    """As an empty cell of a table is."""
    pandas = pytest.importorskip("pandas")
    found = TextEncoder("static").fit_transform(pandas.Series(["ok", None, np.nan, ""]))

    assert (found[1:] == found[3]).all()


def test_encoders_side_by_side(machine):
    """scikit-learn's own union joins them, with words or without."""
    joined = make_union(TextEncoder("static"), TextEncoder("static", pooling="max"), TfidfVectorizer())
    alone = [part.fit_transform(TEXTS) for _, part in joined.transformer_list]

    assert joined.fit_transform(TEXTS).shape == (60, sum(part.shape[1] for part in alone))
    assert cross_val_score(make_pipeline(joined, LogisticRegression()), TEXTS, LABELS, cv=3).mean() > 0.9


def test_new_vectors_go_into_the_folder_that_is_named(toy, tmp_path):
    """As stores without their texts."""
    TextEncoder("static", store=tmp_path / "features").fit_transform(TEXTS)
    stores = sorted((tmp_path / "features").glob("*.h5"))

    assert sum(len(FeatureStore(path)) for path in stores) == 60
    assert all(FeatureStore(path).texts is None for path in stores)


@pytest.mark.parametrize(
    ("encoder", "texts", "message"),
    [
        (TextEncoder("static"), "hello", r"a single text; give a list of texts: \['hello'\]"),
        (TextEncoder("static"), [["a", "b"]], "item 0 is of type list, not a text"),
        (TextEncoder("static"), np.array([["a", "b"]]), r"`X` has 2 columns; give the one with the texts"),
        (TextEncoder("static"), [1, 2], "item 0 is of type int, not a text"),
        (TextEncoder("words"), TEXTS, "gives ids, not one vector a text; in scikit-learn take its TfidfVectorizer"),
        (TextEncoder("statc"), TEXTS, "did you mean 'static'"),
        (TextEncoder("static", poling="max"), TEXTS, "has no option 'poling'"),
    ],
)
def test_what_is_refused(machine, encoder, texts, message):
    """In one line."""
    with pytest.raises(InputError, match=message):
        encoder.fit(texts)


def test_not_fitted():
    """As scikit-learn says it."""
    with pytest.raises(NotFittedError):
        TextEncoder("static").transform(LETTERS)
    with pytest.raises(NotFittedError):
        TextEncoder("static").get_feature_names_out()
