"""A run and its weights in one file: elsewhere it predicts the same, and damaged or foreign it is refused."""

import csv
import io
import json
import shutil
import zipfile

import numpy as np
import pytest
from helpers.commands import ROWS, tk
from helpers.toy import write_csv

from classify import read_run
from classify.bundle import open_bundle
from classify.bundle_writer import EncoderFiles, write_bundle
from classify.model_inputs import sources
from stores import FailureError, InputError

pytestmark = pytest.mark.slow
TEXTS = ["--text", "WIN cash now", "--text", "see you at home"]


def trained_on(in_tmp, encoder, *options):
    """A run of this encoder on the messages."""
    write_csv(in_tmp / "messages.csv", ROWS)
    tk("embed", "--encoder", encoder, *options, "messages.csv", "--out", f"{encoder}.h5")
    tk("classify", f"{encoder}.h5", "--cv", "2", "--head", "logistic", "--no-report", "--out", f"runs/{encoder}")
    return f"runs/{encoder}"


def elsewhere(in_tmp, monkeypatch, *gone):
    """Another machine: another cache and folder, and nothing of the first but ``model.tk``."""
    other = in_tmp / "other"
    other.mkdir()
    shutil.move(in_tmp / "model.tk", other / "model.tk")
    for path in (in_tmp / "runs", *gone):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    monkeypatch.chdir(other)
    monkeypatch.setenv("TK_CACHE_DIR", str(other / "cache"))


def vectors_file(in_tmp, lookalike):
    """Word vectors as a packed file, which the encoder unpacks into its cache."""
    shutil.copy(lookalike("numberbatch_vectors"), in_tmp / "vectors.txt.gz")
    return "numberbatch", ["--model", "vectors.txt.gz"], in_tmp / "vectors.txt.gz"


def transformer_folder(in_tmp, lookalike):
    """A folder of the hub, with files beside it that nothing reads."""
    shutil.copytree(lookalike("transformer"), in_tmp / "weights")
    (in_tmp / "weights/training_args.bin").write_bytes(b"\x80\x04pickled")
    return "transformer", ["--model", "weights"], in_tmp / "weights"


@pytest.mark.parametrize("of", [vectors_file, transformer_folder])
def test_elsewhere_it_predicts_the_same(in_tmp, lookalike, monkeypatch, of):
    """Without the run, its store, the model's files and the cache; once unpacked, it is not unpacked again."""
    encoder, options, files = of(in_tmp, lookalike)
    run = trained_on(in_tmp, encoder, *options)
    expected = tk("predict", run, *TEXTS).stdout
    tk("bundle", run, "--out", "model.tk")
    elsewhere(in_tmp, monkeypatch, files, in_tmp / f"{encoder}.h5")

    assert tk("predict", "model.tk", *TEXTS).stdout == expected
    assert len(list((in_tmp / "other/cache/bundles").iterdir())) == 1
    assert (
        tk("predict", "model.tk", "--coverage", "0.9", *TEXTS).stdout.splitlines()[0].startswith("text,predicted,set")
    )
    with zipfile.ZipFile("model.tk") as archive:
        assert not any(name.endswith("training_args.bin") for name in archive.namelist())


def test_ensemble_and_evaluation(trained, monkeypatch):
    """Members need no folders of their own; labelled rows are scored, if they may have been trained on."""
    tk("ensemble", "runs/messages.static.logistic", "runs/messages.words.logistic", "--no-report", "--out", "runs/both")
    expected = tk("predict", "runs/both", *TEXTS).stdout
    tk("bundle", "runs/both", "--out", "model.tk")
    shutil.copy("messages.csv", "kept.csv")
    elsewhere(trained, monkeypatch, trained / "features")

    assert tk("predict", "model.tk", *TEXTS).stdout == expected
    assert "cannot be told" in tk("evaluate", "model.tk", "../kept.csv", code=1).stderr
    assert "60 rows" in tk("evaluate", "model.tk", "../kept.csv", "--with-training-rows").stdout


def test_without_weights_the_other_machine_needs_them(in_tmp, lookalike, monkeypatch):
    """``--model`` says where they are; else the place of then is named."""
    encoder, options, files = vectors_file(in_tmp, lookalike)
    run = trained_on(in_tmp, encoder, *options)
    expected = tk("predict", run, *TEXTS).stdout
    tk("bundle", run, "--out", "model.tk", "--without-weights")
    shutil.copy(files, in_tmp / "moved.gz")
    elsewhere(in_tmp, monkeypatch, files)

    assert "vectors.txt.gz" in tk("predict", "model.tk", *TEXTS, code=2).stderr
    assert tk("predict", "model.tk", *TEXTS, "--model", "../moved.gz").stdout == expected


def test_program_in_a_bundle_is_not_run_unasked(in_tmp, lookalike, monkeypatch):
    """A SavedModel from a stranger is a program in a bundle, too."""
    shutil.copytree(lookalike("use4"), in_tmp / "use")
    run = trained_on(in_tmp, "use", "--model", "use")
    expected = tk("predict", run, *TEXTS).stdout
    tk("bundle", run, "--out", "model.tk")
    elsewhere(in_tmp, monkeypatch, in_tmp / "use")
    refused = tk("predict", "model.tk", *TEXTS, code=2).stderr

    assert "is a program that would run with your rights because a run or store names it" in refused
    assert tk("predict", "model.tk", *TEXTS, "--trust-model").stdout == expected


def changed(path, change):
    """The bundle with other members: ``change`` takes and gives name -> content."""
    with zipfile.ZipFile(path) as archive:
        content = change({name: archive.read(name) for name in archive.namelist()})
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)


def listing(content, key, value):
    """``bundle.json`` with one more file."""
    about = json.loads(content["bundle.json"])
    about["files"][key] = value
    return content | {"bundle.json": json.dumps(about).encode()}


def newer(content):
    """A bundle of a later version."""
    return content | {"bundle.json": content["bundle.json"].replace(b'"version": 1', b'"version": 9', 1)}


HARMS = {
    "is damaged or changed": lambda content: content | {"run/metrics.json": content["run/metrics.json"] + b" "},
    "is in it and not listed": lambda content: content | {"run/more.py": b"print(1)"},
    "or listed and not in it": lambda content: {n: c for n, c in content.items() if n != "run/predictions.csv"},
    "the name '../../out.txt'": lambda content: listing(
        content | {"../../out.txt": b"x"}, "../../out.txt", {"digest": "0", "bytes": 1}
    ),
    "it has no bundle.json": lambda content: {n: c for n, c in content.items() if n != "bundle.json"},
    "bundle.json is damaged": lambda content: content | {"bundle.json": b"[" * 100_000},
    "reads version 1": newer,
}


@pytest.mark.parametrize("said", HARMS)
def test_what_is_damaged_or_foreign_is_refused(trained, said):
    """One line, and nothing of it stays on the disk."""
    tk("bundle", "runs/messages.static.logistic", "--out", "model.tk")
    changed(trained / "model.tk", HARMS[said])
    with pytest.raises(FailureError, match=said.replace(".", r"\.")):
        open_bundle("model.tk", trained / "unpacked")

    assert not list(trained.rglob("out.txt"))
    assert not list((trained / "unpacked").glob("*")) if (trained / "unpacked").exists() else True


def test_what_is_no_bundle(trained):
    """A cut file, and a file of another kind."""
    tk("bundle", "runs/messages.static.logistic", "--out", "model.tk")
    whole = (trained / "model.tk").read_bytes()
    for content in (whole[: len(whole) // 2], b"", b"text,label\n"):
        (trained / "cut.tk").write_bytes(content)
        assert "cut.tk is no bundle" in tk("predict", "cut.tk", "--text", "a", code=1).stderr
    assert "--overwrite" in tk("bundle", "runs/messages.static.logistic", "--out", "model.tk", code=2).stderr


def test_no_pickles_go_in(trained):
    """Whatever their names are."""
    run = read_run("runs/messages.static.logistic")
    (source,) = sources(run.recipe.features)
    (trained / "weights").mkdir()
    (trained / "weights/model.npy").write_bytes(b"\x80\x04\x95pickled")
    with pytest.raises(InputError, match="holds pickled objects"):
        write_bundle(run, [EncoderFiles(source, options={"model": trained / "weights"})], trained / "model.tk")
    assert not (trained / "model.tk").exists()


def test_shrunk_to_the_words_that_matter(in_tmp, lookalike, monkeypatch):
    """The words of the table and the two most frequent; the same predictions, other words are unknown and counted."""
    words = [
        "the",
        "of",
        "zebra",
        *dict.fromkeys(w for _, text in ROWS for w in text.lower().split() if w.isalpha()),
        "yak",
    ]
    rng = np.random.default_rng(0)
    lines = [f"{word} {' '.join(f'{x:.5f}' for x in rng.normal(size=4))}" for word in words]
    (in_tmp / "vectors.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    run = trained_on(in_tmp, "glove", "--model", "vectors.txt")
    texts = ["--text", "WIN cash of the", "--text", "zebra yak see you"]
    expected = list(csv.DictReader(io.StringIO(tk("predict", run, *texts).stdout)))
    said = tk("bundle", run, "--out", "model.tk", "--shrink", "2").stderr
    with zipfile.ZipFile("model.tk") as archive:
        (name,) = (name for name in archive.namelist() if name.startswith("weights/"))
        kept = [line.split()[0] for line in archive.read(name).decode().splitlines()]
        about = json.loads(archive.read("bundle.json"))["encoders"][0]["shrunk"]
    elsewhere(in_tmp, monkeypatch, in_tmp / "vectors.txt", in_tmp / "glove.h5")
    found = tk("predict", "model.tk", *texts)
    rows = list(csv.DictReader(io.StringIO(found.stdout)))

    assert kept == [word for word in words if word not in ("zebra", "yak")]
    assert (about["words"], about["of"], about["most_frequent"]) == (len(kept), len(words), 2)
    assert f"glove: {len(kept)} of {len(words)} words go along" in said
    assert "words came along; others are unknown, and counted as such" in found.stderr
    assert rows[0] == expected[0] and rows[1] != expected[1]
    table = write_csv(in_tmp / "new.csv", [("a", "zebra see you cash")] * 4)
    assert "unknown words 25.0%" in tk("predict", "model.tk", table).stderr
    assert "has only some words of its encoder; score the run" in tk("evaluate", "model.tk", table, code=2).stderr


def test_what_cannot_be_shrunk(in_tmp, lookalike):
    """Encoders without a file of words, or that would give other vectors; a store without texts."""
    run, asked = trained_on(in_tmp, "static"), ("--out", "a.tk", "--shrink", "9")
    assert "has no encoder with a file of word vectors" in tk("bundle", run, *asked, code=2).stderr
    encoder, options, _ = vectors_file(in_tmp, lookalike)
    run = trained_on(in_tmp, encoder, *options)
    assert "numberbatch is not glove; leave it out" in tk("bundle", run, *asked, code=2).stderr
    assert not (in_tmp / "a.tk").exists()
    said = tk("bundle", run, *asked, "--without-weights", code=2).stderr
    assert "--shrink and --without-weights exclude each other" in said
