"""What is installed is all that is needed, and under a name of its own."""

import builtins
import json
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata

import pytest
from helpers import ROOT

from stores import FailureError
from stores.shared import distribution
from stores.shared.tensorflow import load_tensorflow_text

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PACKAGES = ("classify", "commands", "embed", "stores")


@pytest.mark.slow
def test_wheel_holds_every_file_of_the_packages(tmp_path):
    """A file that pyproject.toml forgets would be missing on the user's machine only."""
    for name in PACKAGES:  # a copy: what earlier builds left beside the sources would be packed
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("cli.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    expected = {"cli.py"}
    for name in PACKAGES:
        expected |= {path.relative_to(tmp_path).as_posix() for path in (tmp_path / name).rglob("*") if path.is_file()}

    command = [sys.executable, *"-m pip wheel --quiet --no-deps --no-build-isolation .".split()]
    subprocess.run(command, check=True, capture_output=True, cwd=tmp_path)
    (wheel,) = tmp_path.glob("tk_features-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        found = {name for name in archive.namelist() if ".dist-info/" not in name}

    assert found == expected


def test_name_and_version_are_one(monkeypatch):
    """The name that the program looks up is that of pyproject.toml; a program that was never installed has none."""
    assert PROJECT["name"] == distribution.NAME
    assert distribution.version() == metadata.version(distribution.NAME)
    monkeypatch.setattr(distribution, "NAME", "tk-never-installed")

    assert (distribution.version(), distribution.requirements()) == ("unknown", [])
    assert distribution.reinstall_command() == f"python -m pip install --force-reinstall {ROOT}"


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        (None, "tk-features"),
        ({"url": "file:///a/my%20tk", "dir_info": {"editable": True}}, "--editable '/a/my tk'"),
        ({"url": "file:///a/tk", "dir_info": {}}, "/a/tk"),
        ({"url": "https://h.org/t.git", "vcs_info": {"vcs": "git", "commit_id": "0"}}, "git+https://h.org/t.git"),
        ({"url": "https://h.org/tk.whl", "archive_info": {}}, "https://h.org/tk.whl"),
    ],
    ids=["index", "editable", "folder", "git", "wheel"],
)
def test_reinstalled_from_where_it_came(monkeypatch, origin, expected):
    """The records of the packaging guide's "direct URL data structure"."""

    class Installed:
        def read_text(self, name: str) -> str | None:
            return json.dumps(origin) if origin and name == "direct_url.json" else None

    monkeypatch.setattr(metadata, "distribution", lambda name: Installed())

    assert distribution.reinstall_command() == f"python -m pip install --force-reinstall {expected}"


@pytest.mark.skipif(sys.platform != "linux", reason="CUDA libraries are required on Linux only")
def test_requirements_are_told_as_they_are_declared():
    """TensorFlow as it is, and with the libraries of CUDA for a GPU."""
    plain, with_gpu = distribution.pip_install("tensorflow"), distribution.pip_install("tensorflow", "gpu")
    other_spelling = distribution.pip_install("Scikit_Learn")

    assert plain == "python -m pip install 'tensorflow<2.22,>=2.21'"
    assert other_spelling == "python -m pip install 'scikit-learn>=1.6'"
    assert with_gpu == "python -m pip install 'tensorflow[and-cuda]<2.22,>=2.21'"


def test_nobody_is_told_to_install_the_other_tk():
    """On the public registry ``tk`` is somebody else's project: no page and no message installs it."""
    other = re.compile(r"(?<!\w)install\b[^\n#]*[ '\"=]tk(?=[\[\s'\"=<>~`]|$)", re.MULTILINE)
    assert other.search("pip install 'tk[gpu]'") and other.search("pip install --upgrade tk")
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), ROOT / "benchmarks" / "README.md"]
    sources = [path for name in (*PACKAGES, "benchmarks", "tools") for path in (ROOT / name).rglob("*.py")]
    for path in [*pages, *sources]:
        assert not other.search(path.read_text(encoding="utf-8")), path


def test_the_root_is_small():
    """At most 18 visible entries, so that a stranger sees what matters."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("the sources are no clone of the repository")
    visible = {line.split("/")[0] for line in listed.stdout.splitlines() if not line.startswith(".")}

    assert len(visible) <= 18, sorted(visible)


def test_a_tensorflow_text_that_cannot_be_loaded_is_said_so(monkeypatch):
    """Not that it is missing: the wheel of 2.21.0 is there, and lacks a symbol. The first line, and what to install."""

    def broken(name, *rest):
        if name == "tensorflow_text":
            raise ImportError("libpybinds.so: undefined symbol: icudt77_dat\nmore")
        return imported(name, *rest)

    imported = builtins.__import__
    monkeypatch.setattr("stores.shared.tensorflow.load_tensorflow", lambda: None)
    monkeypatch.setattr(builtins, "__import__", broken)
    with pytest.raises(FailureError, match=r"tensorflow-text cannot be loaded \(libpybinds.so: undefined symbol: "
                       r"icudt77_dat\); install another version: python -m pip install 'tensorflow-text<"):  # fmt: skip
        load_tensorflow_text()
