"""report.html: complete, self-contained, escaped, and with the numbers of metrics.json."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from helpers.stores import make_store, pooled

from classify import classify, write_report
from classify.analysis.errors import errors
from classify.reports.figures import FIGURES
from classify.reports.html import data, element
from classify.scoring.metrics import columns_of

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
