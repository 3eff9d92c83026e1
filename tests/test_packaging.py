"""What is installed is all that is needed."""

import shutil
import subprocess
import sys
import zipfile

from helpers import ROOT


def test_wheel_holds_every_module_and_the_table(tmp_path):
    """A package that pyproject.toml forgets would be missing on the user's machine only."""
    for name in ("embed", "classify", "stores"):  # a copy: what earlier builds left beside the sources would be packed
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    clis = sorted(path.name for path in ROOT.glob("cli*.py"))
    for name in (*clis, "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    command = [sys.executable, *"-m pip wheel --quiet --no-deps --no-build-isolation .".split()]
    subprocess.run(command, check=True, capture_output=True, cwd=tmp_path)
    (wheel,) = tmp_path.glob("tk-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        found = {name for name in archive.namelist() if ".dist-info/" not in name}

    expected = {*clis, "embed/encoders/static.npz", "embed/encoders/static.LICENSE.md", "classify/page.html"}
    for top in ("embed", "classify", "stores"):
        expected |= {path.relative_to(ROOT).as_posix() for path in (ROOT / top).rglob("*.py")}
    assert found == expected
