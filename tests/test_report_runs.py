"""Reports of all kinds of runs: without a store, of ensembles, large ones, and pictures that fail."""

import re
from dataclasses import replace

import numpy as np
import pytest
from helpers.commands import tk
from helpers.stores import make_store, pooled

from classify import classify, read_run, write_report, write_tensorboard
from classify.analysis.ensemble import ensemble
from classify.reports.figures import FIGURES
from classify.reports.run_data import collect_run_data
from stores import FailureError, FeatureStore, InputError

pytestmark = pytest.mark.slow


def test_report_without_its_store_says_so(separable, in_tmp):
    """Numbers and the figures that need no texts stay."""
    (run,) = classify(separable, cv=2)
    separable.unlink()
    text = write_report(run.folder).read_text(encoding="utf-8")

    assert "Texts, lengths, map and encoding time are left out" in text
    assert not (run.folder / "figures/map.svg").exists()
    assert "not kept" in text


def test_report_of_an_ensemble(separable, in_tmp):
    """It says of what it is, and draws the map of the features of its members."""
    runs = [classify(separable, [head], cv=2)[0] for head in ("logistic", "nb")]
    text = write_report(ensemble(runs)).read_text(encoding="utf-8")

    assert "ensemble of" in text
    assert 'id="map-data"' in text


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
