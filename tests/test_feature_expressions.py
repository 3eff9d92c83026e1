"""``a.h5:pca=64+b.h5+tfidf``: columns that are fitted inside each fold, on training rows only."""

import csv

import numpy as np
import pytest
from helpers.commands import LETTERS, ROWS, tk
from helpers.stores import make_store, pooled
from helpers.toy import write_csv
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer

import classify as library
from classify import classify, heads, read_run
from classify.columns import ColumnOptions
from classify.combine import load_all
from classify.fitting.columns import ColumnParts, fit_columns
from classify.fitting.model import FittedModel
from classify.fitting.options import FitOptions
from classify.fitting.training import fit
from classify.heads.base import FitTask
from classify.model_inputs import words_recipe
from classify.reports.text import feature_names
from embed import Recipe
from stores import IdFeatures, InputError, write
from stores.pooling import pool

WORDS = "red green blue grey cash home win now see you".split()
FIRST, OTHERS = np.arange(40), np.arange(40, 60)


def texts(seed=0, n=60):
    """Of two to eight words each."""
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(WORDS, rng.integers(2, 9))) for _ in range(n)]


def ids(some, table=None):
    """Their words, with vectors if there is a table of a vector each."""
    found = IdFeatures.from_tokens([text.split() for text in some])
    vectors = None if table is None else np.stack([table[word] for word in found.vocabulary])
    return IdFeatures(found.outputs, found.counts, found.offsets, found.vocabulary, vectors)


def table_of_vectors(seed=0):
    """A vector of 5 numbers a word; ``now`` is unknown."""
    rng = np.random.default_rng(seed)
    return {word: rng.normal(size=5).astype(np.float32) * (word != "now") + 0 for word in WORDS}


def assert_same_up_to_sign(found, expected):
    """Columns of both, each of which may point the other way."""
    signs = np.sign((found * expected).sum(0))
    np.testing.assert_allclose(found, expected * signs, atol=1e-4)


def test_principal_components_are_those_of_scikit_learn():
    """Of the training rows, applied to all."""
    x = np.random.default_rng(0).normal(size=(60, 7)) @ np.diag([9, 6, 4, 2, 1, 0.5, 0.1]) + 5
    x = x.astype(np.float32)
    fitted = fit_columns(ColumnParts.of([x], [ColumnOptions(pca=3)]), FIRST, 0)

    assert_same_up_to_sign(fitted.apply(ColumnParts.of([x], [ColumnOptions(pca=3)])), PCA(3).fit(x[FIRST]).transform(x))


def test_tfidf_is_that_of_scikit_learn():
    """Words and pairs that are in two training texts at least, with 1 + log(count), on the same directions."""
    some = texts()
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2).fit([some[i] for i in FIRST])
    matrix = vectorizer.transform(some)
    expected = TruncatedSVD(4, random_state=0).fit(matrix[FIRST]).transform(matrix)
    parts = ColumnParts.of([ids(some)], [ColumnOptions(tfidf=4)])
    fitted = fit_columns(parts, FIRST, 0)

    assert_same_up_to_sign(fitted.apply(parts), expected)
    other = ColumnParts.of([ids(some[50:])], [ColumnOptions(tfidf=4)])  # counted anew, as of new texts
    np.testing.assert_allclose(fitted.apply(other), fitted.apply(parts, np.arange(50, 60)), atol=1e-6)


def test_sif_is_the_published_algorithm():
    """By loops: weights of word shares in the training texts, their first singular vector taken out."""
    some, table = texts(), table_of_vectors()
    training = [word for i in FIRST for word in some[i].split()]
    weight = {word: 1e-3 / (1e-3 + training.count(word) / len(training)) for word in WORDS}
    rows = []
    for text in some:
        known = [word for word in text.split() if word != "now"]
        rows.append(sum(weight[word] * table[word] for word in known) / max(len(known), 1) + np.zeros(5))
    u = np.linalg.svd(np.array(rows)[FIRST], full_matrices=False)[2][0]
    parts = ColumnParts.of([ids(some, table)], [ColumnOptions(pool="sif")])

    np.testing.assert_allclose(fit_columns(parts, FIRST, 0).apply(parts), rows - np.outer(rows @ u, u), atol=1e-6)


EXPRESSIONS = {
    "pca": ColumnOptions(pca=2), "tfidf": ColumnOptions(tfidf=3), "sif": ColumnOptions(pool="sif"),
    "sif and pca": ColumnOptions(pool="sif", pca=2),
}  # fmt: skip


@pytest.mark.parametrize("tune", [{}, {"C": (0.1, 1.0)}])
@pytest.mark.parametrize("name", EXPRESSIONS)
def test_test_rows_change_nothing_that_is_fitted(name, tune):
    """Enormous vectors, unheard words and turned labels in the test rows: the model is the same, to the bit."""
    options = EXPRESSIONS[name]

    def model(rest):
        some = texts()[:40] + rest
        table = table_of_vectors() | {"unheard": np.full(5, 1e6, np.float32)}
        vectors = np.concatenate([np.random.default_rng(1).normal(size=(40, 6)), np.full((20, 6), len(rest[0]))])
        x = vectors.astype(np.float32) if name == "pca" else ids(some, table)
        y = np.array([i % 2 for i in range(40)] + [len(rest[0]) % 2] * 20)
        parts = ColumnParts.of([x], [options])
        how = FitOptions(tune=tune, inner=2)
        fitted = fit(heads.load("logistic"), parts, y, [FitTask(FIRST, 3)], 2, how)[0]
        return fitted.predict(parts, FIRST)[0], fitted.heads[0].weights_

    plain, other = model(["red green blue"] * 20), model(["unheard unheard now"] * 19 + ["unheard"])
    assert (plain[0] == other[0]).all() and (plain[1] == other[1]).all()


@pytest.mark.parametrize("options", EXPRESSIONS.values(), ids=list(EXPRESSIONS))
def test_a_model_is_saved_with_its_columns(options, tmp_path):
    """And says the same of new texts; two components are taken out of all columns together."""
    x = np.random.default_rng(1).normal(size=(60, 6)).astype(np.float32)
    part = x if options == ColumnOptions(pca=2) else ids(texts(), table_of_vectors())
    parts, y = ColumnParts.of([part, x], [options, ColumnOptions()]), np.arange(60) % 2
    model = fit(heads.load("logistic"), parts, y, [FitTask(FIRST, 0)], 2, FitOptions(components=2))[0]
    model.save(tmp_path / "model")

    assert (FittedModel.restore(tmp_path / "model").predict(parts)[0] == model.predict(parts)[0]).all()


def test_columns_side_by_side(tmp_path):
    """In the order in which they are asked for; a class that only words tell is found with them."""
    rng, letters = np.random.default_rng(0), LETTERS
    some = [f"{letters[i % 26]}x {letters[i // 26]}y {'cash' if i % 2 else 'home'} now" for i in range(90)]
    labels = ["no", "yes"] * 45
    a = make_store(tmp_path / "a.h5", pooled(rng.normal(size=(90, 5))), labels, some)
    b = make_store(tmp_path / "b.h5", pooled(rng.normal(size=(90, 3))), labels, some)
    data = load_all(f"{a}:pca=2+{b}+tfidf:dims=3")
    x = data.x
    runs = classify([f"{a}:pca=2+{b}", f"{a}:pca=2+{b}+tfidf:dims=3"], "logistic", cv=3, out=tmp_path / "runs")

    assert fit_columns(x, np.arange(60), 0).apply(x).shape == (90, 8)
    assert [run.metrics.accuracy > 0.9 for run in runs] == [False, True]
    record = runs[1].recipe.features
    assert [part.columns for part in record.joined] == [{"pca": 2}, {}, {"tfidf": 3}]
    assert [part.path for part in record.stores()] == [str(a), str(b)]
    assert runs[1].folder.name.startswith("runs.a-pca2+b+tfidf-3.logistic")


def test_words_are_those_of_the_encoder():
    """So that a prediction gets them from it."""
    for cleaning in ("none", "lower,urls"):
        words = Recipe.of("words", clean=cleaning)
        made = words_recipe({"recipe": Recipe.of("static", clean=cleaning).as_dict()})
        assert made["identity"] == words.identity() and made["recipe"] == words.as_dict()


def test_vectors_of_words_are_pooled_as_the_encoder_pools_them(tmp_path):
    """Unknown words do not count: the mean of the ids of ``glove`` is its own mean."""
    lines = [" ".join([word, *map(str, vector)]) for word, vector in table_of_vectors().items() if word != "now"]
    (tmp_path / "v.txt").write_text("\n".join(lines) + "\n")
    some = [*texts(), "now now", ""]
    options = {"model": str(tmp_path / "v.txt"), "tokenizer": "stanford"}
    words = Recipe.of("glove", output="ids", **options).encode(some)

    for pooling in ("mean", "max"):
        expected = Recipe.of("glove", pooling=pooling, **options).encode(some).outputs["pooled"]
        np.testing.assert_allclose(pool(words, pooling).outputs["pooled"], expected, atol=1e-6)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("{a}:pca=7", "has 5 columns; give pca a number from 1 to 5"),
        ("{a}:dims=3,pca=4", "has 3 columns; give pca a number from 1 to 3"),
        ("{a}:pca=0", "pca=0 is too few"),
        ("{a}:pcs=2", "has no option 'pcs'; there are pool, dims, pca; did you mean 'pca'?"),
        ("{a}:pool=mean", "holds one vector a text already; leave pool out"),
        ("{a}+tfidf+tfidf", "join tfidf once"),
        ("tfidf", "join tfidf once, to a store: a.h5[+]tfidf"),
        ("{a}+tfidf:terms=5", "tfidf has no option 'terms'; there are dims"),
        ("{w}:pool=sif", r"have no vectors to pool; join them to a store by \+tfidf"),
        ("{w}:pca=2", "holds ids features"),
        ("{a}+{w}", r"the words of the texts are joined by \+tfidf"),
        ("{w}+tfidf", "holds words itself"),
        ("{n}+tfidf", "was made without its texts"),
    ],
)
def test_what_is_refused(expression, message, tmp_path):
    """In one line, before anything is computed."""
    some = texts()
    a = make_store(tmp_path / "a.h5", pooled(np.ones((60, 5))), ["x", "y"] * 30, some)
    w = make_store(tmp_path / "w.h5", ids(some), ["x", "y"] * 30, some)
    n = tmp_path / "n.h5"
    write(n, np.ones((60, 5)), texts=some, name="made", labels=["x", "y"] * 30, keep_texts=False).close()
    with pytest.raises(InputError, match=message):
        classify(expression.format(a=a, w=w, n=n), "nb", cv=2)


@pytest.mark.slow
def test_from_the_command_line_to_a_bundle(in_tmp):
    """Measured, predicted, scored, loaded and packed: the model says of a text what it says of its row."""
    write_csv(in_tmp / "a.csv", ROWS)
    tk("embed", "a.csv")
    store = "features/a.static.h5"
    tk("classify", f"{store}:pca=4+{store}+tfidf:dims=5", "--cv", "2", "--no-report", "--out", "run")
    own = read_run("run").model().predict(load_all(f"{store}:pca=4+{store}+tfidf:dims=5").x)[0][:, 1]
    shown = list(csv.DictReader(tk("predict", "run", "a.csv").stdout.splitlines()))
    tk("bundle", "run", "--out", "a.tk")
    some = [row[1] for row in ROWS]

    assert [float(row["p_spam"]) for row in shown] == pytest.approx(own.tolist(), rel=1e-3, abs=1e-5)
    for model in (library.load("run"), library.load("a.tk")):
        assert model.predict_proba(some)[:, 1] == pytest.approx(own, rel=1e-3, abs=1e-5)
    for given in (["a.csv"], ["--features", store]):
        assert "accuracy" in tk("evaluate", "run", *given, "--with-training-rows").stdout
    assert feature_names(read_run("run").recipe.features) == "a.static:pca=4+a.static+tfidf:dims=5"
