"""One rule for all encoders: the identity changes with what changes a vector, and stays with what does not."""

import builtins
import os
import shutil
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from helpers import bert_models

from embed import encoder_names, load_encoder
from embed.weights.elmo import read_allennlp
from stores import FailureError

TEXTS = [
    "the Prize is yours now call me when you are home one two three four five six seven eight nine ten",
    "OK Call",
    "call now the",
    "",
    "Grüße, unknownword 24!",
]
# encoder -> its model -> options that come to the same, side by side; each line differs from all others in some vector
SAME = {
    "static": (
        None,
        [
            [{}, {"pooling": "mean"}, {"shape": "true"}],
            [{"pooling": "max"}],
            [{"shape": False}],
            [{"pooling": "mean+max"}],
            [{"pooling": "sif"}],
        ],
    ),
    "words": (None, [[{}]]),
    "use": ("use4", [[{}, {"device": "cpu"}], [{"max_tokens": 2}], [{"max_tokens": 1}]]),
    "glove": (
        "word_vectors",
        [
            [{}, {"tokenizer": "stanford"}, {"skip_bad_lines": True}],
            [{"pooling": "max"}],
            [{"pooling": "mean+max"}],
            [{"pooling": "sif"}],
            [{"output": "ids"}],
        ],
    ),
    "numberbatch": ("numberbatch_vectors", [[{}, {"language": "en"}], [{"pooling": "max"}], [{"output": "ids"}]]),
    "elmo": (
        "elmo",
        [
            [{}, {"device": "cpu"}],
            [{"layer": "0"}],
            [{"layer": "2"}],
            [{"mix": "0.2,0.3,0.5"}],
            [{"pooling": "max"}],
            [{"output": "tokens"}],
            [{"max_tokens": 2}],
            [{"tokenizer": "ptb"}],
        ],
    ),
    "bert": (
        "google",
        [
            [{}, {"layer": "3"}, {"layer": "-1"}, {"casing": "uncased"}, {"pooling": "mean"}, {"device": "cpu"}],
            [{"layer": "-2"}, {"layer": "2"}],
            [{"casing": "cased"}],
            [{"pooling": "cls"}],
            [{"pooling": "last4"}],
            [{"max_tokens": 5}],
            [{"max_tokens": 5, "long_text": "window"}],
            [{"max_tokens": 5, "long_text": "head-tail"}],
            [{"output": "tokens"}],
            [{"precision": "bfloat16"}],
        ],
    ),
    "transformer": (
        "hugging_face",
        [
            [{}, {"layer": "3"}, {"pooling": "mean"}, {"max_tokens": 40}, {"device": "cpu"}],
            [{"layer": "2"}, {"layer": "-2"}],
            [{"pooling": "cls"}],
            [{"max_tokens": 5}],
            [{"prompt": "call: "}],
            [{"output": "tokens"}],
        ],
    ),
}


@pytest.fixture(scope="session")
def model_of(lookalike, tmp_path_factory):
    """Name of a builder -> the path of the model, as text; None stays None."""
    built = {}

    def build(name):
        if name in ("google", "hugging_face") and name not in built:
            built[name] = getattr(bert_models, name)(tmp_path_factory.mktemp("identity") / "a-model")
        return None if name is None else str(built.get(name) or lookalike(name))

    return build


def loaded(encoder, path, options):
    """The encoder with a model and options."""
    return load_encoder(encoder, **({"model": path} if path else {}), **options)


def features_of(encoder, path, options):
    """The features of ``TEXTS`` in their canonical form."""
    return loaded(encoder, path, options).encode(TEXTS).canonical()


def alike(one, other):
    """Whether two features are the same, but for the noise of float32."""
    if one.kind != other.kind or [v.shape for v in one.outputs.values()] != [v.shape for v in other.outputs.values()]:
        return False
    pairs = zip(one.outputs.values(), other.outputs.values(), strict=True)
    return all(np.allclose(a, b, rtol=0, atol=1e-6) for a, b in pairs)


def test_every_encoder_is_tried():
    """A new one needs a line above."""
    assert sorted(SAME) == encoder_names()


@pytest.mark.slow
@pytest.mark.parametrize("encoder", SAME)
def test_the_identity_changes_with_the_vectors_and_with_nothing_else(encoder, model_of):
    """Every pair of options: equal vectors have equal identities, and others have others."""
    model, lines = SAME[encoder]
    path = model_of(model)
    tried = [(number, options) for number, line in enumerate(lines) for options in line]
    found = [(n, o, loaded(encoder, path, o).identity(), features_of(encoder, path, o)) for n, o in tried]

    for (line, first, identity, features), (other_line, second, other, others) in combinations(found, 2):
        assert alike(features, others) == (line == other_line), (first, second)
        assert (identity == other) == (line == other_line), (first, second, identity, other)


@pytest.mark.parametrize("encoder", ["bert", "transformer"])
def test_other_arithmetic_of_one_precision_is_another_identity_in_it_alone(encoder, model_of, monkeypatch):
    """Features that were made before stay known in the precisions whose numbers are as they were."""
    from embed.networks.transformer_weights import VERSIONS

    def identities():
        path = model_of(SAME[encoder][0])
        return {name: loaded(encoder, path, {"precision": name}).identity() for name in VERSIONS}

    before = identities()
    monkeypatch.setitem(VERSIONS, "bfloat16", VERSIONS["bfloat16"] + 1)
    after = identities()

    assert [name for name in VERSIONS if before[name] != after[name]] == ["bfloat16"]


@pytest.mark.slow
@pytest.mark.parametrize("encoder", [name for name, (model, _) in SAME.items() if model])
def test_place_and_name_of_a_model_do_not_matter(encoder, model_of, tmp_path):
    """Unless they change the vectors: a folder called uncased, or cased, is not the same to ``bert``."""
    model, _ = SAME[encoder]
    paths = [tmp_path / "my-uncased-model", tmp_path / "my-cased-model"]
    for path in paths:
        source = Path(model_of(model))
        shutil.copytree(source, path) if source.is_dir() else shutil.copy(source, path.with_suffix(".txt"))
    names = [str(path if path.exists() else path.with_suffix(".txt")) for path in paths]
    same = alike(*(features_of(encoder, name, {}) for name in names))

    assert same == (encoder != "bert")
    assert (loaded(encoder, names[0], {}).identity() == loaded(encoder, names[1], {}).identity()) == same


@pytest.mark.slow
@pytest.mark.parametrize("encoder", [name for name, (model, _) in SAME.items() if model])
def test_every_file_that_is_read_is_in_the_digest(encoder, model_of, tmp_path, monkeypatch):
    """The files of the model that are opened lie in its folder; a change of any is another identity."""
    model, _ = SAME[encoder]
    source = Path(model_of(model))
    folder = tmp_path / "model"
    shutil.copytree(source, folder) if source.is_dir() else (
        folder.mkdir(),
        shutil.copy(source, folder / "vectors.txt"),
    )
    path = str(folder if source.is_dir() else folder / "vectors.txt")
    opened, real = set(), builtins.open

    def traced(file, *args, **options):
        if isinstance(file, str | os.PathLike):
            opened.add(os.path.realpath(file))
        return real(file, *args, **options)

    before = loaded(encoder, path, {}).identity()
    monkeypatch.setattr(builtins, "open", traced)
    monkeypatch.setattr("io.open", traced)
    features_of(encoder, path, {})
    monkeypatch.undo()
    within = {Path(name) for name in opened if Path(name).is_relative_to(folder.resolve()) and Path(name).is_file()}
    compiled = [file for file in folder.rglob("*") if "variables" in file.name or file.suffix in (".pb", ".hdf5")]
    for file in sorted({*within, *compiled, *folder.rglob("*.ckpt*"), *folder.rglob("*.safetensors")}):
        if not file.is_file():
            continue
        content = file.read_bytes()
        file.write_bytes(content + b" ")
        try:
            assert loaded(encoder, path, {}).identity() != before, file.name
        except (FailureError, ValueError):  # the change is seen even before
            pass
        file.write_bytes(content)
    assert within or compiled


def test_a_linked_folder_of_a_module_is_in_its_digest(tmp_path, lookalike):
    """TensorFlow reads through the link, so the weights behind it count."""
    shutil.copytree(lookalike("use4"), tmp_path / "model")
    shutil.move(tmp_path / "model/variables", tmp_path / "elsewhere")
    (tmp_path / "model/variables").symlink_to(tmp_path / "elsewhere")
    before = load_encoder("use", model=str(tmp_path / "model")).identity()
    (tmp_path / "elsewhere/variables.index").write_bytes(b"other")

    assert load_encoder("use", model=str(tmp_path / "model")).identity() != before


def test_weights_of_elmo_that_lie_in_another_file_are_refused(tmp_path, lookalike):
    """HDF5's external storage, and links of all kinds."""
    import h5py

    for change in ("external", "soft"):
        folder = tmp_path / change
        shutil.copytree(lookalike("elmo"), folder)
        (weights,), (options,) = folder.glob("*.hdf5"), folder.glob("*.json")
        with h5py.File(weights, "r+") as file:
            values = file["char_embed"][...]
            del file["char_embed"]
            if change == "external":
                (tmp_path / "values").write_bytes(values.tobytes())
                outside = [(str(tmp_path / "values"), 0, values.nbytes)]
                file.create_dataset("char_embed", values.shape, values.dtype, external=outside)
            else:
                file["moved"] = values
                file["char_embed"] = h5py.SoftLink("/moved")
        with pytest.raises(FailureError, match="get the file from its maker"):
            read_allennlp(options, weights)
