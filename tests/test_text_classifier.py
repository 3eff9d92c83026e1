"""A run used on texts from Python: the same answers as ``tk predict``, loaded once."""

import csv
import io
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from helpers.commands import LETTERS, tk

import classify
from stores import InputError

RUN = "runs/messages.static.logistic"
TEXTS = ["WIN cash", "see you at home", " ", *(f"call me {word}" for word in LETTERS)]


@pytest.fixture
def printed(trained):
    """What the command says of the texts: a mapping each."""
    shown = tk("predict", RUN, *(word for text in TEXTS for word in ("--text", text)), "--coverage", "0.9").stdout
    return list(csv.DictReader(shown.splitlines()))


def test_same_as_the_command(printed):
    """Classes, probabilities and sets; an empty text has none."""
    found = classify.load(RUN)

    assert found.classes_ == ["ham", "spam"]
    assert found.predict(TEXTS).tolist() == [row["predicted"] or None for row in printed]
    proba = found.predict_proba(TEXTS)
    assert np.isnan(proba[2]).all()
    expected = [[float(row["p_ham"]), float(row["p_spam"])] for row in printed if row["predicted"]]
    assert np.delete(proba, 2, 0) == pytest.approx(np.array(expected), rel=1e-4)
    sets = [list(filter(None, row["set"].split("|"))) if row["predicted"] else None for row in printed]
    assert found.predict_sets(TEXTS, 0.9) == sets


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_frames_get_columns(printed, library):
    """In the library that they came from, the rows and the index as they were."""
    frames = pytest.importorskip(library)
    columns = {"number": list(range(len(TEXTS))), "text": TEXTS}
    frame = frames.table(columns) if library == "pyarrow" else frames.DataFrame(columns)
    if library == "pandas":
        frame.index = frame.index[::-1]
    found = classify.load(RUN).predict_frame(frame)

    assert type(found) is type(frame)
    names = list(getattr(found, "column_names", None) or found.columns)
    assert names == ["number", "text", "predicted", "p_ham", "p_spam"]
    predicted = found["predicted"].to_pylist() if library == "pyarrow" else list(found["predicted"])
    assert [name if isinstance(name, str) else None for name in predicted] == [r["predicted"] or None for r in printed]
    if library == "pandas":
        assert list(found.index) == list(frame.index)
        assert np.isnan(found["p_spam"].iloc[2])
    with pytest.raises(InputError, match="has a column 'p_ham' already"):
        classify.load(RUN).predict_frame(found)


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_frames_say_what_the_class_follows_from(library, trained):
    """The column ``rule``, where ``tk predict`` has it, also of empty texts."""
    tk("classify", "features/messages.static.h5", "--head", "nb", "--sampler", "over", "--cv", "2", "--no-report",
       "--threshold", "f1", "--out", "runs/over")  # fmt: skip
    (trained / "new.csv").write_text("text\n" + "\n".join(f'"{text}"' for text in TEXTS) + "\n")
    expected = list(csv.DictReader(io.StringIO(tk("predict", "runs/over", "new.csv").stdout)))
    frames = pytest.importorskip(library)
    frame = frames.table({"text": TEXTS}) if library == "pyarrow" else frames.DataFrame({"text": TEXTS})
    found = classify.load("runs/over").predict_frame(frame)
    names = list(getattr(found, "column_names", None) or found.columns)
    rules = found["rule"].to_pylist() if library == "pyarrow" else list(found["rule"])
    assert names == ["text", "predicted", "rule", "p_ham", "p_spam"]
    assert rules == [row["rule"] for row in expected] and rules[0].startswith("threshold 0.")


def test_pickle_is_small_and_threads_may_share_it(printed):
    """The model stays where it is; many threads at once get what one gets."""
    found = classify.load(RUN)
    kept = pickle.dumps(found)
    expected = found.predict_proba(TEXTS)

    assert len(kept) < 1000
    assert np.array_equal(pickle.loads(kept).predict_proba(TEXTS), expected, equal_nan=True)
    with ThreadPoolExecutor(8) as threads:
        each = list(threads.map(lambda text: found.predict_proba([text])[0], TEXTS * 3))
    assert np.array(each) == pytest.approx(np.tile(expected, (3, 1)), rel=1e-6, nan_ok=True)


def test_what_a_run_says_of_itself(trained):
    """The recipe of its encoder, where its threshold is, and a line for people."""
    found = classify.load(classify.read_run(RUN))

    assert found.encoder.encoder.name == "static"
    assert repr(found) == f"TextClassifier({RUN!r}, classes=['ham', 'spam'])"
    assert found.thresholds == found.run.recipe.model.thresholds
    assert found.predict([]).tolist() == []


@pytest.mark.slow
def test_several_encoders(trained):
    """An ensemble of runs on different features, and a run on words, are used alike."""
    tk("ensemble", RUN, "runs/messages.words.logistic", "--out", "runs/both")
    found = classify.load("runs/both")
    shown = tk("predict", "runs/both", "--text", "WIN cash", "--text", "see you").stdout

    rows = list(csv.DictReader(shown.splitlines()))
    assert found.predict(["WIN cash", "see you"]).tolist() == [row["predicted"] for row in rows]
    assert len(found.encoders) == 2
    with pytest.raises(InputError, match="the run has 2 encoders"):
        _ = found.encoder


def test_what_is_refused(trained):
    """A single text, and what is no frame."""
    found = classify.load(RUN)
    with pytest.raises(InputError, match="a single text; give a list"):
        found.predict("WIN cash")
    with pytest.raises(InputError, match="`frame` is of type list; give a frame"):
        found.predict_frame(["WIN cash"])
    with pytest.raises(InputError, match="has no column 'text'"):
        found.predict_frame(pytest.importorskip("pandas").DataFrame({"body": ["a"]}))
    with pytest.raises(InputError, match="is no run"):
        classify.load("runs/nothing")
