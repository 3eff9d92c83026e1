"""Which module may import which, and what a fresh process must not load."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import ROOT

# left may import right, and what lies in its own folder; the standard library and packages are not looked at
ARROWS = {
    "cli": {"commands", "embed", "stores"},
    "commands": {"embed", "classify", "stores"},
    "embed": {"stores"},
    "classify": {"stores"},
    "stores": set(),
}
# inside the packages: what these may import, beside what lies in their own folder
SHARED = {"stores.shared"}
INSIDE = {
    "commands.trials": {"classify", "embed", "stores"},
    "embed.encoders": {
        "embed.batches", "embed.coverage", "embed.machine", "embed.models", "embed.networks", "embed.tokenise",
        "embed.vectors", "embed.weights", "stores.features",
    },
    "embed.tables": {"embed.cleaning", "embed.reading", "stores.strings"},
    "embed.reading": {"embed.models"},
    "embed.models": set(),
    "embed.tokenise": set(),
    "embed.vectors": {"embed.models"},
    "embed.networks": set(),
    "embed.weights": {"embed.networks"},
    "embed.batches": {"embed.progress"},
    "embed.cleaning": set(),
    "embed.coverage": set(),
    "embed.progress": set(),
    "classify.heads": {"classify.solvers", "classify.scoring", "stores.features"},
    "classify.solvers": set(),
    "classify.scoring": set(),
    "classify.splits.folds": set(),
    "classify.fitting.sampling": set(),
    "classify.analysis.significance": set(),
    "classify.analysis.label_errors": set(),
    "stores.features": set(),
    "stores.shared": set(),
}  # fmt: skip
MEETING = "classify.text_classifier"  # the one module in which the halves meet: a run used on texts
HEAVY = ("tensorflow", "keras", "sklearn", "imblearn", "scipy", "pyarrow", "pandas", "matplotlib", "ray")


def modules():
    """Name -> path of every module of the project."""
    packages = [path for top in ("commands", "embed", "classify", "stores") for path in (ROOT / top).rglob("*.py")]
    paths = [ROOT / "cli.py", *packages]
    return {".".join(p.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): p for p in paths}


def imported(path: Path):
    """Names of the project's modules that a module imports, for types alone included."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names = [node.module]
        yield from (name for name in names if name.split(".")[0] in ARROWS)


@pytest.mark.parametrize("name", sorted(modules()))
def test_imports_follow_the_arrows(name):
    """The two halves meet in one module alone, stores know neither, and the cores know nothing around them."""
    top = name.split(".")[0]
    for other in imported(modules()[name]):
        meets = {"embed"} if name == MEETING else set()
        assert other.split(".")[0] in ARROWS[top] | {top} | meets, f"{name} imports {other}"
        for inside, allowed in INSIDE.items():
            if is_within(name, inside):
                around = {*allowed, *SHARED, inside}
                assert any(is_within(other, place) for place in around), f"{name} imports {other}"


def is_within(name: str, place: str) -> bool:
    """Whether a module is the named one, or lies in that package."""
    return f"{name}.".startswith(f"{place}.")


def loaded(code: str, cwd: Path) -> set[str]:
    """Top-level names of the modules that a fresh process has loaded after running ``code``."""
    program = f"{code}\nimport json, sys; print(); print(json.dumps(sorted({{m.split('.')[0] for m in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=cwd)
    return set(json.loads(done.stdout.splitlines()[-1]))


def run_tk(*args: str) -> str:
    """Code that runs a command line."""
    return f"import cli\ntry: cli.cli({list(args)!r})\nexcept SystemExit as end: assert not end.code, end.code"


def test_help_loads_nothing_heavy(tmp_path):
    """``tk --help`` and the help of every command load neither numpy nor anything larger."""
    for args in (
        ["--help"],
        ["embed", "--help"],
        ["classify", "--help"],
        ["report", "--help"],
        ["predict", "--help"],
        ["compare", "--help"],
        ["features", "--help"],
        ["encoders", "check", "--help"],
    ):
        assert not loaded(run_tk(*args), tmp_path) & {*HEAVY, "numpy", "h5py", "rich"}
    assert not loaded(run_tk("--help"), tmp_path) & {"socket", "html"}


@pytest.mark.parametrize("encoder", ["static", "words"])
def test_embed_loads_no_tensorflow(ten_csv, tmp_path, encoder):
    """Neither the first run with these encoders nor the second, which encodes nothing."""
    for _ in range(2):
        unwanted = {*HEAVY, "sqlite3"}
        assert not loaded(run_tk("embed", "--encoder", encoder, "--data", str(ten_csv)), tmp_path) & unwanted


@pytest.mark.slow
def test_nothing_to_encode_loads_no_tensorflow(ten_csv, tmp_path, lookalike):
    """The identity of an encoder with a model comes without it; its digest is not made again."""
    run = ["embed", "--encoder", "use", "--model", str(lookalike("use4")), "--data", str(ten_csv)]

    assert "tensorflow" in loaded(run_tk(*run), tmp_path)
    assert not loaded(run_tk(*run), tmp_path) & set(HEAVY)


@pytest.mark.slow
def test_one_text_is_predicted_with_little(ten_csv, tmp_path):
    """A short job is short: neither what fits models nor what draws is imported."""
    store, run = str(tmp_path / "a.h5"), str(tmp_path / "run")
    loaded(run_tk("embed", "--encoder", "static", "--data", str(ten_csv), "--out", store), tmp_path)
    args = ["--features", store, "--head", "logistic", "--cv", "2", "--no-report", "--out", run]
    loaded(run_tk("classify", *args), tmp_path)

    assert not loaded(run_tk("predict", run, "--text", "call now"), tmp_path) & {*HEAVY, "skops"}


@pytest.mark.slow
def test_scikit_learn_heads_load_no_tensorflow(separable, tmp_path):
    """It costs seconds, and only ``dense`` needs it."""
    code = run_tk("classify", "--features", str(separable), "--head", "logistic", "--head", "nb", "--sampler", "under")

    assert not loaded(code, tmp_path) & {"tensorflow", "keras"}


@pytest.mark.slow
def test_classify_and_its_report_load_no_matplotlib(separable, tmp_path):
    """The figures of a report are written by hand; a drawing library costs half a second before the first is drawn."""
    assert "matplotlib" not in loaded(run_tk("classify", "--features", str(separable)), tmp_path)


@pytest.mark.slow
def test_classify_loads_no_compiler_and_no_test_runner(separable, tmp_path):
    """The parts of NumPy that SciPy imports and nobody uses bring these; they are there for who asks for them."""
    code = run_tk("classify", "--features", str(separable))
    use = "\nimport numpy; assert callable(numpy.testing.assert_allclose) and callable(numpy.f2py.run_main)"

    without = loaded(code, tmp_path)
    assert "scipy" in without and not {"unittest", "charset_normalizer"} & without
    assert "unittest" in loaded(code + use, tmp_path)


@pytest.mark.slow
def test_tensorflow_comes_without_keras_until_it_is_asked_for(tmp_path):
    """Neither Keras nor what it brings is loaded; Keras 3 is all the same what ``tf.keras`` is, however imported."""
    begin = "import gc\nfrom stores.shared.tensorflow import load_tensorflow\ntf = load_tensorflow()\n"
    check = "assert gc.isenabled()\n"
    use = "assert tf.keras.__version__ >= '3' and tf.keras.layers.Dense(2)(tf.zeros((1, 3))).shape == (1, 2)"
    use += "\nfrom tensorflow.keras import layers\nassert layers.Dense is tf.keras.layers.Dense"

    assert not {"keras", "tf_keras", "pandas", "sklearn", "matplotlib"} & loaded(begin + check, tmp_path)
    assert "keras" in loaded(begin + check + use, tmp_path)


@pytest.mark.slow
def test_tensorflow_text_comes_without_keras_until_its_layers_are_used(tmp_path):
    """Operations are there at once; the layers are what they are without us."""
    begin = "import sys\nfrom stores.shared.tensorflow import load_tensorflow_text\n"
    begin += "text = load_tensorflow_text()\nassert 'stores.' not in str(sys.meta_path)\n"
    begin += "assert text.WhitespaceTokenizer().tokenize(['two words']).to_list() == [[b'two', b'words']]\n"
    use = "import keras\nassert issubclass(text.keras.layers.ToDense, keras.layers.Layer)"

    assert not {"keras", "tf_keras", "sklearn", "matplotlib"} & loaded(begin, tmp_path)
    assert "keras" in loaded(begin + use, tmp_path)
