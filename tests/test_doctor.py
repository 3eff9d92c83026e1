"""What ``tk doctor`` says of an installation, a machine and a cache."""

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner
from helpers import ROOT

from cli import cli
from embed import doctor, machine
from embed.models.cache import cache_folder
from embed.models.handles import own_folder
from stores.shared import cores


def run(*args):
    """Exit code and findings by name of ``tk doctor``."""
    result = CliRunner().invoke(cli, ["doctor", "--json", *args])
    return result.exit_code, {finding["name"]: finding for finding in json.loads(result.stdout)["findings"]}


@pytest.fixture
def versions(monkeypatch):
    """A function that fakes the versions of packages; None: not installed."""

    def fake(**changed):
        real = doctor._version
        new = {name.replace("_", "-"): value for name, value in changed.items()}
        monkeypatch.setattr(doctor, "_version", lambda name: (new[name] or "") if name in new else real(name))

    return fake


def test_this_installation_is_well():
    """The tests run in a good one: exit code 0, though there may be no GPU and no model is downloaded."""
    code, found = run()

    assert code == 0
    assert found["tensorflow"]["state"] == "ok"
    assert found["static"]["text"] == "ready; it needs no model"
    assert found["elmo"]["state"] == "note"
    assert found["elmo"]["advice"].startswith("tk encoders check elmo")


def test_versions_that_do_not_belong_together(versions):
    """TensorFlow Text of another minor version is named with what asks for it, what to do, and whom it concerns."""
    versions(tensorflow_text="2.20.0")
    code, found = run()

    assert code == 1
    assert "tensorflow-text is 2.20.0, but tk-features 0." in found["tensorflow-text"]["text"]
    assert found["tensorflow-text"]["advice"].startswith("python -m pip install 'tensorflow-text<2.22,>=2.21")
    assert found["bert"]["state"] == "broken"
    assert found["use"]["state"] == "note"


def test_what_tensorflow_itself_needs(versions):
    """h5py that tk would take, but this TensorFlow does not."""
    versions(h5py="3.99.0")
    code, found = run()

    assert code == 1
    assert "h5py is 3.99.0, but tensorflow 2.21" in found["tensorflow"]["text"]


BLOCKED = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0].startswith(("tensorflow", "keras")):
            raise ImportError("blocked " + name)
sys.meta_path.insert(0, Blocker())
import cli
cli.cli(["doctor", "--json"])
"""


def test_broken_tensorflow_is_told_not_met():
    """Where TensorFlow cannot be imported the command still runs, and says for which encoders it matters."""
    done = subprocess.run([sys.executable, "-c", BLOCKED], capture_output=True, text=True, cwd=ROOT)
    found = {finding["name"]: finding for finding in json.loads(done.stdout)["findings"]}

    assert (done.returncode, done.stderr) == (1, "")
    assert "blocked tensorflow" in found["tensorflow"]["text"]
    assert {name for name in ("bert", "elmo", "use", "static", "words") if found[name]["state"] == "broken"} == {
        "bert", "elmo", "use",
    }  # fmt: skip


def test_absent_tensorflow(versions):
    """As after ``pip uninstall tensorflow``."""
    versions(tensorflow=None)
    code, found = run()

    assert code == 1
    assert found["tensorflow"]["text"].startswith("tensorflow is not installed, and tk-features ")
    assert found["elmo"]["advice"] == "python -m pip install 'tensorflow<2.22,>=2.21'"


def test_models_of_the_cache(monkeypatch, tmp_path):
    """A whole model with its digest; one half deleted, a damaged record and a leftover with what to do."""
    monkeypatch.setenv("TK_CACHE_DIR", str(tmp_path))
    whole, half = "https://tfhub.dev/made/whole/1", "https://tfhub.dev/made/half/1"
    for handle in (whole, half):
        folder = own_folder(handle)
        (folder / "variables").mkdir(parents=True)
        (folder / "variables/variables.index").write_bytes(b"123")
        folder.with_suffix(".json").write_text(json.dumps({"model": handle, "digest": "d1"}))
    for name in ("saved_model.pb", "variables/variables.data-00000-of-00001"):
        (own_folder(whole) / name).write_bytes(b"12345")
    (cache_folder() / "models/abc.json").write_text("{")
    (cache_folder() / "models/abc").mkdir()
    left = cache_folder() / "models/.abd.123.partial"
    left.mkdir()
    code, found = run()

    assert code == 1
    assert found[whole]["details"] == {
        "model": whole, "digest": "d1", "path": str(own_folder(whole)), "bytes": 13, "fault": None,
    }  # fmt: skip
    assert "half deleted: it holds no saved_model.pb" in found[half]["text"]
    assert str(own_folder(half)) in found[half]["advice"]
    assert "is damaged" in found["abc.json"]["text"]
    assert found[str(left)]["state"] == "note"


def test_gpu_or_why_not(tmp_path, monkeypatch):
    """No device file; a device that is hidden; a TensorFlow built without CUDA."""
    assert machine.gpu(tmp_path)[1].startswith("none: there is no")
    (tmp_path / "nvidia0").touch()
    (tmp_path / "nvidiactl").touch()
    monkeypatch.setattr(machine, "built_with_cuda", lambda: False)
    assert machine.gpu(tmp_path) == (False, "1 NVIDIA device, but this TensorFlow is built without CUDA")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert "hidden by CUDA_VISIBLE_DEVICES" in machine.gpu(tmp_path)[1]


def test_limits_of_a_container(tmp_path, monkeypatch):
    """Half of a core and 2 GB, as cgroups of version 2 write it, leave one thread; then no limit at all."""
    for module in (machine, cores):
        monkeypatch.setattr(module, "CGROUP", tmp_path)
    (tmp_path / "cpu.max").write_text("50000 100000\n")
    (tmp_path / "memory.max").write_text("2000000000\n")
    assert (cores.cores(), cores.threads(), machine.memory()["limit"]) == (0.5, 1, 2_000_000_000)
    (tmp_path / "cpu.max").write_text("max 100000\n")
    (tmp_path / "memory.max").write_text("max\n")
    assert (cores.cores() >= 1, machine.memory()["limit"]) == (True, None)


def test_processor_features(tmp_path):
    """Whole words count: avx512_bf16 is there, amx_bf16 is not."""
    (tmp_path / "cpuinfo").write_text("model name : x\nflags\t\t: fpu avx2 avx512f avx512_bf16\n")

    expected = {"avx2": True, "avx512f": True, "avx512_bf16": True, "amx_bf16": False}
    assert machine.processor_features(tmp_path / "cpuinfo") == expected
    assert machine.processor_features(tmp_path / "none") is None


@pytest.mark.slow
def test_deep_loads_tensorflow():
    """It multiplies; a TensorFlow that does not even load is told by its last line."""
    assert doctor._deep().state == "ok"


def test_deep_tells_why_tensorflow_does_not_load(monkeypatch):
    """The last line of the traceback, not the traceback."""
    monkeypatch.setattr(doctor, "DEEP", "raise ImportError('no such symbol')")

    assert doctor._deep().text == "it cannot be loaded: ImportError: no such symbol"
