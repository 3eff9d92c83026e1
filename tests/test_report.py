"""report.html and its figures: complete, self-contained, escaped, and with the numbers of metrics.json."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pytest
from helpers.commands import tk
from helpers.stores import make_store, pooled

from classify import classify, read_run, write_report, write_tensorboard
from classify.analysis.ensemble import ensemble
from classify.analysis.errors import errors
from classify.records import Estimate, FoldScore, HeadRecord, RowCounts, RunMetrics, Summary
from classify.reports.figures import FIGURES, finding
from classify.reports.figures.decisions import scores_at
from classify.reports.figures.ranks import GRID_POINTS, precision_curve, roc_curve, wilson
from classify.reports.html import data, element, inline
from classify.reports.run_data import RunData, collect_run_data, project
from classify.runs import single_numbers
from classify.scoring.metrics import columns_of
from classify.scoring.predictions import Predictions
from stores import FailureError, FeatureStore, InputError
from stores.shared.chart import Words
from stores.shared.plot_style import house_style, shown

pytestmark = pytest.mark.slow

HOSTILE = [
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</title></svg><b>&amp; 'x'", "$x^2$ {{7*7}} $title",
    "</script><!--", "a\x00b\u202ec",
]  # fmt: skip


class Page(HTMLParser):
    """What a page consists of: its elements with their attributes, the text, and the texts of each kind of element."""

    def __init__(self, html):
        super().__init__()
        self.elements, self.open, self.texts, self.cells = [], [], {}, []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        """Note it; void elements are never closed."""
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "input", "img", "link"):
            self.open.append(tag)
        if tag == "tr":
            self.cells.append([])

    def handle_endtag(self, tag):
        """What is closed is what was opened last."""
        assert self.open.pop() == tag

    def handle_data(self, text):
        """Note it under its element, and under its row of a table."""
        self.texts.setdefault(self.open[-1] if self.open else "", []).append(text)
        if {"td", "th"} & set(self.open):
            self.cells[-1].append(text.strip())


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """The report of a run on texts and class names that are markup."""
    folder = tmp_path_factory.mktemp("hostile")
    rng = np.random.default_rng(3)
    y = np.arange(120) % 3 == 0
    values = rng.normal(size=(120, 5))
    values[:, 0] += 2 * y
    texts = [f"{HOSTILE[i % len(HOSTILE)]} {i}" for i in range(118)] + ["the same text"] * 2
    labels = ["<b>$yes$</b>" if v else "_no</script>" for v in y]
    store = make_store(folder / "<i>separable.h5", pooled(values), labels, texts)
    (run,) = classify(store, cv=3, out=folder / "run", command="tk classify --features '<script>'")
    write_report(run)
    return run


@pytest.fixture(scope="module")
def page(hostile):
    """That report, taken apart."""
    return Page((hostile.folder / "report.html").read_text(encoding="utf-8"))


def test_page_needs_nothing_else(hostile, page):
    """No address of anything that does not lie in the page, and a policy that would forbid it."""
    for tag, attributes in page.elements:
        assert tag not in ("link", "img", "iframe", "object", "embed", "base", "form")
        for name in ("src", "href", "xlink:href", "srcset", "action", "style"):
            value = attributes.get(name) or ""
            assert name in ("href", "style") or not value
            assert name != "href" or not value or value.startswith("#") or (hostile.folder / value).is_file()
            assert "url(" not in value or "url(#" in value
    text = (hostile.folder / "report.html").read_text(encoding="utf-8")
    assert not re.search(r"@import|url\((?!#)|https?:", text)
    assert "default-src 'none'" in text
    targets = {attributes["id"] for _, attributes in page.elements if "id" in attributes}
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(targets)
    links = {a["href"] for _, a in page.elements if "href" in a}
    assert {link[1:] for link in links if link.startswith("#")} <= targets
    assert all((hostile.folder / link).is_file() for link in links if not link.startswith("#"))


def test_hostile_texts_stay_texts(page):
    """There are no elements but ours, only scripts whose digests the policy names, and the texts are there to read."""
    tags = {tag for tag, _ in page.elements}
    policy = next(a["content"] for _, a in page.elements if a.get("http-equiv") == "Content-Security-Policy")
    own = [text for text in page.texts["script"] if "use strict" in text]
    digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in own]
    assert len(page.texts["script"]) == len(own) + 2 == 5  # and the data of the slider and the map
    assert policy.split("script-src ")[1] == " ".join(f"'sha256-{digest}'" for digest in digests)
    assert not tags & {"img", "i"}
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
    of_map = json.loads(next(text for text in page.texts["script"] if "answers" in text))
    shown_texts = "".join(page.texts["span"] + of_map["text"])
    for text in HOSTILE[:5]:
        assert text in shown_texts
    assert "a\ufffdb\ufffdc" in shown_texts
    assert "tk classify --features '<script>'" in page.texts["pre"]
    assert page.texts["title"][0] == "logistic on <i>separable.h5"


def test_every_figure_has_an_alternative(hostile, page):
    """Each SVG, and the map, has a sentence, and each figure lies in the folder, as PNG on request only."""
    drawings = [attributes for tag, attributes in page.elements if tag in ("svg", "canvas")]
    assert len(drawings) == 9  # without losses: logistic has no epochs
    for attributes in drawings:
        assert attributes["role"] in ("img", "application")
        assert len(attributes["aria-label"]) > 30
    files = {path.name for path in (hostile.folder / "figures").iterdir()}
    assert files == {f"{name}.svg" for name in set(FIGURES) - {"losses", "epochs", "learning"}}
    write_report(hostile, png=True)
    files = {path.name for path in (hostile.folder / "figures").iterdir()}
    assert files == {
        f"{name}.{form}" for name in set(FIGURES) - {"losses", "epochs", "learning"} for form in ("png", "svg")
    }


def test_numbers_are_those_of_the_metrics(hostile, page):
    """Score, baselines, classes and folds, to the four digits that are shown."""
    metrics = json.loads((hostile.folder / "metrics.json").read_text())
    rows = {row[0]: row[1:] for row in page.cells if row}
    for name, found in (("logistic", metrics), *metrics["baselines"].items()):
        values = [part for part in rows[name] if re.fullmatch(r"\d\.\d{4}", part)]  # not the intervals, which some lack
        assert values == [f"{found['overall'][m]['value']:.4f}" for m in columns_of("binary")]
    for name, score in metrics["per_class"].items():
        row = next(row for row in page.cells if row[0] == name and len(row) == 5)
        assert row[1:] == [*(f"{score[m]:.4f}" for m in ("precision", "recall", "f1")), f"{score['support']:.0f}"]
    for number, fold in enumerate(metrics["folds"]):
        assert rows[str(number + 1)][3:] == [f"{fold['metrics'][m]:.4f}" for m in columns_of("binary")]


def test_slider_begins_at_the_decisions(hostile, page):
    """The counts at its first position are the confusion matrix, at the ends all rows or those of probability 1."""
    cuts = json.loads(next(text for text in page.texts["script"] if "threshold" in text))
    at = int(next(a["value"] for tag, a in page.elements if a.get("id") == "cut"))
    ((kept, wrong), (missed, hit)) = hostile.metrics.confusion
    if hostile.recipe.positive == hostile.recipe.classes[0]:
        (hit, missed), (wrong, kept) = (kept, wrong), (missed, hit)

    assert (cuts["hit"][at], cuts["taken"][at], cuts["positive"]) == (hit, hit + wrong, hit + missed)
    assert cuts["threshold"][at] == 0.5
    assert (cuts["taken"][0], cuts["rows"], len(cuts["taken"]) <= 200) == (120, 120, True)


def test_json_in_a_page_cannot_end_its_element():
    """What would is written as an escape of JSON."""
    text = data("x", ["</script><!--", "&\u2028"])
    assert text.count("<") == 2
    assert json.loads(text[text.index(">") + 1 : text.rindex("<")]) == ["</script><!--", "&\u2028"]
    assert element("a", "<", href='"><') == '<a href="&quot;&gt;&lt;">&lt;</a>'


def test_report_without_its_store_says_so(separable, in_tmp):
    """Numbers and the figures that need no texts stay."""
    (run,) = classify(separable, cv=2)
    separable.unlink()
    text = write_report(run.folder).read_text(encoding="utf-8")

    assert "Texts, lengths, map and encoding time are left out" in text
    assert not (run.folder / "figures/map.svg").exists()
    assert "not kept" in text


def made(y, proba, classes, history=None):
    """RunData of given labels (codes, or 0/1 for each label) and probabilities, two folds, without a store."""
    y, proba = np.array(y), np.array(proba, float)
    several = y.ndim == 2
    predicted = (proba >= 0.5).astype(int) if several else proba.argmax(1)
    line = np.arange(2, len(y) + 2)
    p = Predictions(classes, 1, line, line, line, np.arange(len(y)) % 2, y, predicted, proba)
    overall = p.measure()
    numbers = single_numbers(overall)
    scores = {name: Estimate(value, value, value, value, 0.0) for name, value in numbers.items()}
    folds = [FoldScore(4, 4, 4, 0.1, history or {}, {}, None, numbers) for _ in range(2)]
    confusion = overall["confusion"][0].astype(int).tolist()
    metrics = RunMetrics(scores, {}, confusion, folds, baselines={"majority": Summary(scores, {}, confusion, folds)})
    problem = "multi-label" if several else "binary" if len(classes) == 2 else "multi-class"
    rows = RowCounts(len(y), 0, 0, len(y))
    recipe = SimpleNamespace(problem=problem, head=HeadRecord("nb", {}), rows=rows)
    run = SimpleNamespace(recipe=recipe, metrics=metrics)
    return RunData(run, p, [], None, [])


def drawn(run_data):
    """The figures that make sense, by name."""
    figures = {name: figure(run_data) for name, figure in FIGURES.items()}
    return {name: figure for name, figure in figures.items() if figure is not None}


BINARY = made([0, 1, 0, 1, 0, 1, 1, 0], [[1 - q, q] for q in (0.1, 0.9, 0.4, 0.8, 0.75, 0.6, 0.3, 0.2)], ["a", "b"])
THREE = made([0, 1, 2, 0, 1, 2], np.eye(3)[[0, 1, 2, 0, 2, 2]] * 0.7 + 0.1, ["a", "b", "c"])
LABELS = made([[0, 1], [1, 1], [0, 0], [1, 0]], [[0.2, 0.9], [0.8, 0.4], [0.1, 0.3], [0.6, 0.2]], ["p", "q"])


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        (BINARY, ["scores", "confusion", "roc", "precision-recall", "threshold", "calibration", "classes"]),
        (THREE, ["scores", "confusion", "roc", "precision-recall", "calibration", "classes"]),
        (LABELS, ["scores", "confusion", "roc", "precision-recall", "threshold", "calibration", "classes"]),
    ],
    ids=["binary", "multi-class", "multi-label"],
)
def test_figures_that_make_sense(case, expected):
    """Without a store there are no lengths and no map, without epochs no losses, for three classes no threshold."""
    with house_style():
        figures = drawn(case)

    assert list(figures) == expected
    for figure in figures.values():
        title, _, basis = finding(figure).rpartition(". ")
        assert title and "n = " in basis


def test_figures_by_their_structure():
    """Lines, labels and titles of some; the values are worked out by hand."""
    with house_style():
        figures = drawn(BINARY)
        losses = FIGURES["losses"](
            made([0, 1], [[1, 0], [0, 1]], ["a", "b"], {"loss": [2, 1], "validation_loss": [1, 3]})
        )
    (threshold,), (confusion,) = figures["threshold"].panels, figures["confusion"].panels

    assert [mark.label for mark in figures["threshold"].entries()] == ["precision", "recall", "F1", "as decided"]
    assert (threshold.x.label, threshold.y.label) == ("threshold of the probability of 'b'", "score")
    (words,) = (mark for mark in confusion.marks if isinstance(mark, Words))
    assert [text.split()[0] for text in words.texts] == ["3", "1", "1", "3"]
    assert figures["confusion"].finding == "75.0% of 'b' is found, 25.0% of 'a' is taken for it"
    assert losses.finding == "Validation loss is least in epoch 1 of 2"
    assert len(losses.panels[0].marks) == 5  # two folds, twice, and the mark


def test_curves_have_the_areas_of_scikit_learn():
    """The area under what is drawn is the metric that the title gives."""
    from scipy.integrate import trapezoid
    from sklearn.metrics import average_precision_score, roc_auc_score

    rng = np.random.default_rng(0)
    truth = rng.random(5000) < 0.3
    p = (rng.normal(size=5000) + truth).round(1)  # many equal ones

    assert trapezoid(roc_curve(truth, p), GRID_POINTS) == pytest.approx(roc_auc_score(truth, p), abs=1e-3)
    area = trapezoid(precision_curve(truth, p), GRID_POINTS)
    assert area == pytest.approx(average_precision_score(truth, p), abs=5e-3)


def test_scores_at_a_threshold_by_hand():
    """At 0.5 three of four are positive, of which two are right, of three."""
    truth, p = np.array([True, True, False, True]), np.array([0.9, 0.5, 0.7, 0.1])
    assert scores_at(truth, p, np.array([0.5]))[:, 0] == pytest.approx([2 / 3, 2 / 3, 2 / 3])


def test_wilson_interval():
    """scipy's, for 3 of 10 and for none of 10."""
    from scipy.stats import binomtest

    for k in (3, 0):
        low, high = wilson(np.array([k / 10]), np.array([10]))
        expected = binomtest(k, 10).proportion_ci(method="wilson")
        assert (low[0], high[0]) == pytest.approx((max(expected.low, 0), expected.high), abs=1e-6)


@pytest.mark.parametrize("columns", [1, 5, 60])
def test_map_is_the_principal_components(columns):
    """As scikit-learn's PCA, signs aside; few columns and many go different ways."""
    from sklearn.decomposition import PCA

    values = np.random.default_rng(1).normal(size=(80, columns)) * np.arange(columns, 0, -1)
    found = project(values.astype(np.float32), np.arange(80))
    pca = PCA(min(2, columns), svd_solver="full").fit(values)

    assert found.share[: pca.n_components_] == pytest.approx(pca.explained_variance_ratio_, abs=1e-4)
    expected = np.abs(pca.transform(values))
    inside = np.isclose(np.abs(found.place[:, : pca.n_components_]), expected, atol=1e-2).all(1)
    assert (~inside).sum() <= found.outside


def test_rows_to_look_at_are_those_of_tk_errors(separable, in_tmp):
    """One list: the surest wrong decisions first, all of them while they are few, and each doubted label once."""
    (run,) = classify(separable, cv=3)
    page = Page(write_report(run).read_text(encoding="utf-8"))
    start = next(i for i, row in enumerate(page.cells) if row[:3] == ["text", "true class", "predicted"])
    found = errors(run, 25)
    doubted = {row.line: row for row in found.suspected_label_errors.rows}
    p = run.predictions()
    wrong = set(p.line[p.y != p.predicted].tolist())
    rows = page.cells[start + 1 : start + 1 + len(wrong | set(doubted))]
    shown_p = [float(row[3]) for row in rows if row[3] != "-"]

    assert {int(row[7]) for row in rows} == wrong | set(doubted)
    assert shown_p == sorted(shown_p, reverse=True) and len(shown_p) == len(wrong)
    assert all(row[0] == f"text {int(row[7]) - 2}" and int(row[6]) == len(row[0]) for row in rows)
    for row in rows:
        line = int(row[7])
        assert row[4:6] == ([doubted[line].better, f"{doubted[line].margin:+.4f}"] if line in doubted else ["-", "-"])


def test_verdict_says_in_words_what_came_out(separable, in_tmp):
    """Against the bag of words, in hundreds of each class, and what is wrong with the probabilities."""
    good, idle = classify(separable, ["logistic", "majority"], cv=3)
    said = Page(write_report(good).read_text(encoding="utf-8")).texts["p"][0]
    recall = good.metrics.per_class[good.recipe.positive]["recall"]
    value, others = good.metrics.overall["f1_macro"].value, good.metrics.baselines.values()
    best = max(other.overall["f1_macro"].value for other in others)

    low, high = (good.metrics.more["against_baseline"][end] for end in ("low", "high"))
    gained = rf"Better than [a-z ]* by {value - best:.3f} F1 macro \[{low:.3f}, {high:.3f}\]: {value:.3f} \["
    assert re.match(gained, said) and low < value - best < high
    assert f"It finds {100 * recall:.0f} of 100 {good.recipe.positive}" in said
    assert "training 3 models" in said and "worse than the class frequencies" not in said
    assert "No better than" in Page(write_report(idle).read_text(encoding="utf-8")).texts["p"][0]
    metrics = good.metrics
    overall = metrics.overall | {"log_loss": replace(metrics.overall["log_loss"], value=2.0)}
    bad = replace(good, metrics=replace(metrics, overall=overall))
    said = Page(write_report(bad).read_text(encoding="utf-8")).texts["p"][0]
    assert "Its probabilities are worse than the class frequencies alone (log loss 2.000, they have 0.6" in said


def test_report_of_an_ensemble(separable, in_tmp):
    """It says of what it is, and draws the map of the features of its members."""
    runs = [classify(separable, [head], cv=2)[0] for head in ("logistic", "nb")]
    text = write_report(ensemble(runs)).read_text(encoding="utf-8")

    assert "ensemble of" in text
    assert 'id="map-data"' in text


def test_figure_in_a_page_has_its_own_names():
    """Two figures on one page share no ids, and take their colours from the page."""
    path = '<path id="m1" style="fill: #1f2328"/><use xlink:href="#m1"/>'
    svg = f'<svg xmlns:xlink="http://x" viewBox="0 0 1 1">{path}</svg>'
    text = inline(svg, "one", 'say "hi"')

    assert 'id="one-m1"' in text
    assert 'href="#one-m1"' in text
    assert "fill: var(--ink)" in text
    assert 'aria-label="say &quot;hi&quot;"' in text
    assert "http" not in text


def test_names_as_labels():
    """On one line, printable, and cut."""
    assert shown("a\n\tb\x00c") == "a b c"
    assert shown("  ") == "(blank)"
    assert shown("x" * 30) == "x" * 23 + "\u2026"


def test_large_run_stays_small(separable, tmp_path):
    """100,000 rows with long texts, put in the place of those of a small run: under 5 MB."""
    (run,) = classify(separable, ["majority"], test_size=0.1, out=tmp_path / "run")
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 100_000)
    texts = [f"{i} " + "<&> word " * 60 for i in range(len(y))]
    features = pooled(rng.normal(size=(len(y), 3)) + y[:, None])
    store = make_store(tmp_path / "big.h5", features, [("no", "yes")[v] for v in y], texts)
    with FeatureStore(store) as made:
        features = replace(run.recipe.features, path=str(store), digest=made.digest)
    run = replace(run, recipe=replace(run.recipe, features=features, files={}))
    q = np.clip(rng.random(len(y)) * 0.6 + 0.4 * y, 0, 1)
    everything = replace(
        run.predictions(), row=np.arange(len(y)), line=np.arange(2, len(y) + 2), group=np.arange(len(y)),
        fold=np.zeros(len(y), int), y=y, predicted=(q > 0.5).astype(int), proba=np.stack([1 - q, q], 1),
    )  # fmt: skip
    everything.write(run.folder / "predictions.csv")

    assert 300_000 < write_report(run).stat().st_size < 5_000_000


def test_tensorboard_reads_what_is_written(separable, in_tmp):
    """Scalars by TensorFlow's own reader: overall scores, and the losses of each epoch and fold; projector files."""
    import tensorflow as tf

    (run,) = classify(separable, ["dense:units=4,epochs=3"], cv=2)
    out = write_tensorboard(run, in_tmp / "tb")
    (events,) = (out / "fold-2").glob("events.*")
    found = {}
    for event in tf.compat.v1.train.summary_iterator(str(events)):
        for value in event.summary.value:
            found[value.tag, event.step] = float(tf.make_ndarray(value.tensor))

    expected = read_run(run.folder).metrics.folds[1]
    losses = [found["loss/validation_loss", epoch] for epoch in (1, 2, 3)]
    assert losses == pytest.approx(expected.history["validation_loss"])
    assert found["score/f1_macro", 0] == pytest.approx(expected.metrics["f1_macro"])
    config = (out / "projector_config.pbtxt").read_text()
    for name in re.findall(r'path: "(.*)"', config):
        assert len((out / name).read_text().splitlines()) in (120, 121)  # metadata has a header
    with pytest.raises(InputError, match="exists already"):
        write_tensorboard(run, in_tmp / "tb")


def test_several_stores_and_repeats(separable, in_tmp):
    """Encoders side by side and rows predicted several times: each row is one spot."""
    (run,) = classify(f"{separable}+{separable}", cv=2, repeats=2)
    with collect_run_data(read_run(run.folder)) as found:
        assert len(found.predictions) == 240
        assert len(found.first) == len(found.spots.prediction) == 120
        assert found.text(int(found.first[3])) == "text 3"
        assert sum(map(sum, found.lengths()[0]["words"].histogram.values())) == 120


def test_slider_needs_no_script(hostile, page):
    """What the script would show at first is in the page already: the counts of the confusion matrix."""
    shown_there = {a["id"]: None for _, a in page.elements if (a.get("id") or "").startswith("cut-")}
    text = (hostile.folder / "report.html").read_text(encoding="utf-8")
    for name in shown_there:
        shown_there[name] = (re.search(rf'id="{name}"[^>]*>([^<]*)<', text) or [None, None])[1]
    score = hostile.metrics.per_class[hostile.recipe.positive]

    assert shown_there["cut-precision"] == f"{score['precision']:.4f}"
    assert shown_there["cut-recall"] == f"{score['recall']:.4f}"
    assert shown_there["cut-f1"] == f"{score['f1']:.4f}"
    counts = [int(shown_there[f"cut-{name}"]) for name in ("hit", "missed", "wrong", "left")]
    assert sorted(counts) == sorted(np.ravel(hostile.metrics.confusion).tolist())


def test_cells_carry_the_name_of_their_column(page):
    """On a phone a row is a block, and the head of the table is not seen."""
    cells = [attributes for tag, attributes in page.elements if tag == "td"]
    assert all(attributes["data-label"] for attributes in cells)
    assert {"head", *columns_of("binary").values()} <= {attributes["data-label"] for attributes in cells}


def test_report_says_on_what_the_model_was_fitted(page):
    """And rows, seed and the means of the areas, each in words."""
    text = " ".join(page.texts["dd"])
    assert "fitted on all labelled rows" in text
    assert "labelled: 120" in text
    assert any("Below each value its 95% interval" in p for p in page.texts["p"])
    assert any("seed 0" in p for p in page.texts["p"])


@pytest.mark.parametrize("rows", [3, 64, 128, 256, 600])
def test_map_is_that_of_scikit_learn_for_every_number_of_rows(rows):
    """Rows as many as a power of two, whose sum is nothing, and more columns than rows, are no special case."""
    from sklearn.decomposition import PCA

    values = np.random.default_rng(rows).normal(size=(rows, 700)).astype(np.float32) * np.linspace(3, 1, 700)
    found = project(values, np.arange(rows))
    pca = PCA(2, svd_solver="full").fit(values)

    assert found.share == pytest.approx(pca.explained_variance_ratio_, rel=1e-3)


def test_picture_that_fails_is_named_and_nothing_is_lost(separable, in_tmp, monkeypatch):
    """The report has all the others; on the command line the scores come first, and the exit code is 0."""

    def broken(run_data):
        raise ZeroDivisionError("no ink")

    monkeypatch.setitem(FIGURES, "roc", broken)
    done = tk("classify", "--features", str(separable), "--cv", "2")
    page = (in_tmp / "runs/separable.logistic/report.html").read_text()

    assert done.stdout.startswith("head")
    assert "the figure roc could not be drawn (ZeroDivisionError: no ink)" in done.stderr
    assert "The figure roc is left out: ZeroDivisionError: no ink." in page
    assert 'id="figure-calibration"' in page and 'id="figure-roc"' not in page


def test_report_that_fails_leaves_the_scores(separable, in_tmp, monkeypatch):
    """A run is finished before anything is drawn; one line says how to draw it again."""

    def full(*args):
        raise FailureError("report.html could not be written: No space left on device")

    monkeypatch.setattr("classify.reports.page._page", full)
    done = tk("classify", "--features", str(separable), "--cv", "2")

    assert "F1 macro" in done.stdout
    assert "draw it again with: tk report runs/separable.logistic" in done.stderr
    assert read_run("runs/separable.logistic").predictions().problem == "binary"
