"""The map of a report: what the script of the page is told, and which rows are out of place."""

import base64
import json
import re

import numpy as np
import pytest
from helpers.commands import LETTERS, tk
from helpers.stores import make_store, pooled

import stores
from classify import classify, read_run, write_report
from classify.reports import projection as projections
from classify.reports.projection import out_of_place, project
from classify.reports.run_data import collect_run_data
from classify.reports.scatter_map import map_data
from stores import InputError


def two_clouds(rows=60, apart=20.0):
    """Points around two places far from each other, half of class 0 and half of 1."""
    rng = np.random.default_rng(1)
    answer = np.arange(rows) % 2
    return (rng.normal(size=(rows, 4)) + apart * answer[:, None]).astype(np.float32), answer


def unpacked(text, dtype):
    """Integers from base64."""
    return np.frombuffer(base64.b64decode(text), dtype)


def test_a_row_among_the_others_is_astray():
    """Of two clouds, the row that bears the other's class; and the row far from both is alone, and not astray."""
    vectors, answer = two_clouds()
    answer[6] = 1
    vectors[9] = 500
    alone, astray = out_of_place(vectors, answer)

    assert np.flatnonzero(astray).tolist() == [6]
    assert np.flatnonzero(alone).tolist() == [9]
    assert not out_of_place(vectors, None)[1].any()


def test_neighbours_are_those_of_scikit_learn():
    """Which rows have none of their class among ten nearest, and eight of one other; all rows, and from a sample."""
    from sklearn.neighbors import NearestNeighbors

    rng = np.random.default_rng(2)
    answer = rng.integers(0, 3, 2600)
    vectors = (rng.normal(size=(2600, 3)) + 1.5 * answer[:, None]).astype(np.float32)
    near = NearestNeighbors(n_neighbors=11).fit(vectors).kneighbors(vectors, return_distance=False)[:, 1:]
    counts = np.stack([(answer[near] == c).sum(1) for c in range(3)], 1)
    expected = (counts[np.arange(2600), answer] == 0) & (counts.max(1) >= 8)

    assert np.array_equal(out_of_place(vectors, answer)[1], expected) and 20 < expected.sum() < 600


def test_many_rows_look_for_neighbours_in_a_sample(monkeypatch):
    """With work for a thousand rows only, the one that is out of place is still found, and no row is its own."""
    monkeypatch.setattr(projections, "WORK", 1.0)
    vectors, answer = two_clouds(3000)
    answer[6] = 1
    vectors[9] = 500
    alone, astray = out_of_place(vectors, answer)

    assert np.flatnonzero(astray).tolist() == [6]
    assert alone[9] and alone.mean() < 0.01


def test_copies_are_not_alone():
    """Rows that are all the same have neighbours at no distance; a table of a few rows has no neighbourhoods."""
    assert not np.any(out_of_place(np.ones((50, 3), np.float32), np.arange(50) % 2))
    assert not np.any(out_of_place(np.ones((5, 3), np.float32), np.arange(5)))


@pytest.mark.slow
@pytest.mark.parametrize("projection", ["tsne", "umap"])
def test_clouds_stay_apart_on_every_map(projection):
    """A row's nearest row on the map is of its own cloud; the map is the same every time, and its axes mean nothing."""
    if projection == "umap":
        pytest.importorskip("umap", reason="umap-learn is not installed")
    vectors, answer = two_clouds(120)
    found = project(vectors, np.arange(120), answer, projection)
    again = project(vectors, np.arange(120), answer, projection)
    gaps = ((found.place[:, None] - found.place[None]) ** 2).sum(2) + 1e9 * np.eye(120)

    assert (answer[gaps.argmin(1)] == answer).all()
    assert np.array_equal(found.place, again.place) and found.share is None


def test_a_map_that_cannot_be_made_is_one_line(separable, in_tmp, monkeypatch):
    """Its names are listed, and the package is named; nothing is written."""
    monkeypatch.setitem(__import__("sys").modules, "umap", None)
    (run,) = classify(separable, ["majority"], cv=2)
    for name, said in (("umpa", "choose one of"), ("umap", "needs the package umap-learn: python -m pip install")):
        done = tk("report", str(run.folder), "--map", name, code=2)
        assert said in done.stderr and "--map" in done.stderr and done.stderr.count("\n") <= 3
    with pytest.raises(InputError, match="tsne"):
        write_report(run, projection="umap")
    assert not (run.folder / "report.html").exists()


def test_the_script_is_told_what_the_predictions_say(separable, in_tmp):
    """Lines, texts, classes, probabilities and mistakes of every row, and places in the order of the components."""
    (run,) = classify(separable, cv=3)
    p = run.predictions()
    with collect_run_data(run) as found:
        data = json.loads(json.dumps(map_data(found, found.spots)))
    order = np.argsort(p.row)
    label, given = (unpacked(data[name], "<u2") for name in ("label", "given"))
    flag = unpacked(data["flag"], "u1")

    assert data["line"] == p.line[order].tolist()
    assert [data["answers"][i] for i in label] == [p.classes[c] for c in p.y[order]]
    assert [data["answers"][i] for i in given] == [p.classes[c] for c in p.predicted[order]]
    assert (flag & 1 == (p.y != p.predicted)[order]).all()
    assert unpacked(data["sure"], "u1") / 255 == pytest.approx(p.proba.max(1)[order], abs=0.002)
    assert data["text"] == [f"text {line - 2}" for line in data["line"]]
    assert [data["kinds"][i] for i in unpacked(data["truth"], "u1")] == [p.classes[c] for c in p.y[order]]
    places = unpacked(data["x"], "<u2")
    assert (places.min(), places.max()) == (0, 65535)
    assert np.array_equal(np.argsort(places, kind="stable"), np.argsort(found.spots.place[:, 0], kind="stable"))


def test_several_labels_are_one_answer(in_tmp):
    """A set of labels is told as its names; sure is the probability of the least sure decision."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, (90, 2))
    texts = [f"{LETTERS[i % 60]} {LETTERS[i // 2]}" for i in range(90)]
    vectors = (rng.normal(size=(90, 3)) + 3 * y[:, [0, 1, 1]]).astype(np.float32)
    stores.write(in_tmp / "a.h5", vectors, texts, name="made", labels=y, classes=["p", "q"]).close()
    (run,) = classify(in_tmp / "a.h5", cv=2)
    p = run.predictions()
    with collect_run_data(run) as found:
        data = map_data(found, found.spots)
    order = np.argsort(p.row)
    names = {(0, 0): "(none)", (1, 0): "p", (0, 1): "q", (1, 1): "p, q"}

    assert [data["answers"][i] for i in unpacked(data["label"], "<u2")] == [names[tuple(row)] for row in p.y[order]]
    expected = np.maximum(p.proba, 1 - p.proba).min(1)[order]
    assert unpacked(data["sure"], "u1") / 255 == pytest.approx(expected, abs=0.002)


@pytest.mark.slow
@pytest.mark.parametrize("text", ["\u65e5\u672c\u8a9e", "<&>"], ids=["three bytes a character", "markup"])
def test_twenty_thousand_rows_are_under_three_megabytes(in_tmp, text):
    """With long texts whose characters take much room; all rows are there, and no character is cut in two."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 21_000)
    texts = [f"{text * 60} {i}" for i in range(len(y))]
    labels = ["no" if v else "yes" for v in y]
    store = make_store(in_tmp / "a.h5", pooled(rng.normal(size=(len(y), 3)) + y[:, None]), labels, texts)
    (run,) = classify(store, ["majority"], test_size=0.96)
    path = write_report(run)
    data = json.loads(re.search(r'id="map-data">(.*?)</script>', path.read_text(encoding="utf-8"), re.DOTALL)[1])

    assert 2_000_000 < path.stat().st_size < 3_000_000
    assert len(data["line"]) == len(data["text"]) == 20_000 and len(read_run(run.folder).predictions()) > 20_000
    assert all(shown and set(shown) <= set(text) for shown in data["text"])
