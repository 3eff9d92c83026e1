"""What a refusal about runs, stores, new texts and bundles says to do works."""

import zipfile

import numpy as np
import pytest
from helpers.advice import GOOD, follow, tk, write
from helpers.commands import ROWS
from helpers.toy import write_csv

from stores import FailureError

STORE, RUN = "features/messages.static.h5", "runs/messages.static.logistic"
TRAINED = {
    "run that is there": (
        "classify features/messages.static.h5 --cv 2 --no-report --out runs/messages.static.logistic",
        "--out", "classify features/messages.static.h5 --cv 2 --no-report --out another",
    ),
    "predictions that are there": (
        "predict runs/messages.static.logistic messages.csv --out messages.csv", "--overwrite", None,
    ),
    "column of the run": (
        "predict runs/messages.static.logistic other.csv", "--text-column", "predict runs/messages.static.logistic "
        "other.csv --text-column body",
    ),
    "head": ("classify features/messages.static.h5 --cv 2 --no-report --head logistik --out a", "'logistic'",
             "classify features/messages.static.h5 --cv 2 --no-report --head logistic --out a"),
    "sampler": ("classify features/messages.static.h5 --cv 2 --no-report --sampler undr --out a", "'under'",
                "classify features/messages.static.h5 --cv 2 --no-report --sampler under --out a"),
    "metric": ("compare runs/messages.static.logistic runs/messages.words.logistic --by f1_makro", "'f1_macro'",
               "compare runs/messages.static.logistic runs/messages.words.logistic --by f1_macro"),
    "export that is there": ("features export features/messages.static.h5 --to csv --out messages.csv", "--overwrite",
                             None),
    "merge onto what is there": (
        "features merge features/messages.static.h5 features/messages.static.h5 --out messages.csv", "another --out",
        "features merge features/messages.static.h5 features/messages.static.h5 --out new.h5",
    ),
    "no store": (
        "classify --cv 2 --no-report --out a", "tk classify STORE", f"classify {STORE} --cv 2 --no-report --out a",
    ),
    "header of new texts": (
        f"predict {RUN} messages.csv --no-header", "--header", f"predict {RUN} messages.csv --header",
    ),
    "threshold and goal": (
        f"classify {STORE} --cv 2 --threshold 0.5 --goal recall>=0.5", "exclude each other",
        f"classify {STORE} --cv 2 --no-report --out a --goal recall>=0.5",
    ),
    "numbers": (
        f"classify {STORE} --cv 2 --learning-curve half", "numbers with commas between",
        f"classify {STORE} --cv 2 --no-report --out a --learning-curve 0.5,1",
    ),
    "no run": ("predict --text hello", "tk predict RUN", f"predict {RUN} --text hello"),
    "no texts": (f"predict {RUN}", "--text TEXT", f"predict {RUN} --text TEXT"),
    "coverage by class": (
        f"predict {RUN} --text hello --coverage-by-class", "needs --coverage",
        f"predict {RUN} --text hello --coverage-by-class --coverage 0.5",
    ),
    "rows to evaluate": (
        f"evaluate {RUN}", "--data FILE", f"evaluate {RUN} --data messages.csv --with-training-rows",
    ),
    "or a store": (
        f"evaluate {RUN}", "--features STORE", f"evaluate {RUN} --features {STORE} --with-training-rows",
    ),
    "nothing but training rows": (f"evaluate {RUN} --data messages.csv", "--with-training-rows", None),
    "labels to evaluate": (
        f"evaluate {RUN} --data kinds.csv --no-label-column", "--label-column",
        f"evaluate {RUN} --data kinds.csv --label-column notes",
    ),
    "workers": ("embed messages.csv --out x.h5 --workers 2", "--engine ray", "embed messages.csv --out x.h5"),
    "option of an encoder twice": (
        "embed messages.csv --out x.h5 --encoder static:pooling=max --pooling max", "leave out one of them",
        "embed messages.csv --out x.h5 --encoder static:pooling=max",
    ),
    "metric of all trials": (
        "run messages.csv --dry-run --encoder static --by f1_makro", "'f1_macro'",
        "run messages.csv --dry-run --encoder static --by f1_macro",
    ),
    "budget": (
        "run messages.csv --dry-run --encoder static --budget ten", "10m",
        "run messages.csv --dry-run --encoder static --budget 10m",
    ),
    "vectors with a single text": (
        f"predict {RUN} --text hello --vectors v.npy", "--vectors is for a run on vectors that were made elsewhere",
        f"predict {RUN} --text hello",
    ),
    "encoders of one name": (
        "run messages.csv --dry-run --encoder static --encoder static", "--encoder other=static",
        "run messages.csv --dry-run --encoder static --encoder other=static",
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", TRAINED)
def test_advice_about_runs_and_stores_works(trained, name):
    """Each refusal of what is to be done with stores and runs."""
    write_csv(trained / "other.csv", ROWS[:5], header=("label", "body"))
    kinds = [f"{label},new text {letter}" for (label, _), letter in zip(ROWS, "abcdefgh", strict=False)]
    (trained / "kinds.csv").write_text("\n".join(["notes,text", *kinds]))

    command, advice, then = TRAINED[name]
    refusal, (code, said) = follow(command, advice, then)

    assert advice in refusal
    assert code == 0, said


@pytest.mark.slow
def test_advice_about_new_texts_works(in_tmp):
    """Of a run whose table had no header, and of one whose tables had other columns for the texts."""
    write("bare.csv", GOOD.partition("\n")[2])(in_tmp)
    write("new.csv", "label,kind\nham,it is\nspam,oh no\n")(in_tmp)
    write("a.csv", GOOD)(in_tmp)
    write("b.csv", GOOD.replace("label,text", "label,body"))(in_tmp)
    write("both.csv", "label,text,body\nham,it is,so it is\nspam,oh,no no\n")(in_tmp)
    for line in (
        "embed bare.csv --no-header --out bare.h5", "classify bare.h5 --cv 2 --no-report --out bare",
        "embed a.csv --out a.h5", "embed b.csv --out b.h5", "features merge a.h5 b.h5 --out both.h5",
        "classify both.h5 --cv 2 --no-report --out both",
    ):  # fmt: skip
        assert tk(line)[0] == 0, line

    bare, (code_of_bare, _) = follow("predict bare new.csv", "--no-header", None)
    both, (code_of_both, _) = follow(
        "predict both both.csv", "--text-column", "predict both both.csv --text-column body"
    )

    assert "--no-header" in bare
    assert "--text-column" in both
    assert (code_of_bare, code_of_both) == (0, 0)


@pytest.mark.slow
def test_advice_about_given_vectors_works(in_tmp):
    """A run on vectors that no encoder here has made asks for those of the new texts."""
    write("a.csv", GOOD)(in_tmp)
    np.save("v.npy", np.random.default_rng(0).normal(size=(len(ROWS), 4)).astype(np.float32))
    assert tk("features import v.npy --data a.csv --name mine --out a.h5")[0] == 0
    assert tk("classify a.h5 --cv 2 --no-report --out a")[0] == 0

    refusal, (code, said) = follow("predict a a.csv", "--vectors", "predict a a.csv --vectors v.npy")

    assert "--vectors" in refusal
    assert code == 0, said


@pytest.mark.slow
def test_advice_about_bundles_works(trained):
    """What is no bundle stays as it is."""
    write("x.tk", "mine")(trained)
    with zipfile.ZipFile("y.tk", "w") as archive:
        archive.writestr("a.csv", GOOD)
    for name in ("x.tk", "y.tk"):
        code, said = tk(f"predict {name} --text hello")
        assert code == 1
        assert said.endswith("make one with: tk bundle RUN --out FILE\n")
    assert tk(f"bundle {RUN} --out FILE")[0] == 0
    assert tk("predict FILE --text hello")[0] == 0

    refusal, (code, said) = follow(f"bundle {RUN} --out x.tk", "--overwrite", None)

    assert "--overwrite" in refusal
    assert code == 0, said


@pytest.mark.slow
def test_advice_of_all_trials_works(in_tmp):
    """A larger budget goes on in the same folder; other settings need another one."""
    write("a.csv", GOOD)(in_tmp)
    command = "run a.csv --encoder static --head logistic"
    code, said = tk(f"{command} --budget 0.0001s")
    assert code == 1
    assert "give a larger --budget" in said
    assert tk(f"{command} --budget 10m")[0] == 0

    advice = "choose another --out"
    refusal, (code, said) = follow(f"{command} --seed 3 --out experiments/a", advice, f"{command} --seed 3 --out other")

    assert advice in refusal
    assert code == 0, said


@pytest.mark.slow
def test_report_is_drawn_again(trained, monkeypatch):
    """With the command that is named, once there is room."""

    def full(*args):
        raise FailureError("report.html could not be written: No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr("classify.reports.page._page", full)
        code, said = tk(f"classify {STORE} --cv 2 --out again")
    command = said.partition("draw it again with: tk ")[2].splitlines()[0]

    assert (code, command) == (0, "report again")
    assert tk(command)[0] == 0
    assert (trained / "again/report.html").is_file()
