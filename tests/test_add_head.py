"""A head of one's own: one file here, or a class that another package offers."""

import importlib
import sys
import textwrap

import numpy as np
import pytest
from helpers.head_sets import pooled_set

import classify
from classify import Head, heads
from stores import FailureError, InputError
from stores.shared.registry import Registry

ONE_FILE = '''
"""``nearest-centre``: the class whose mean is nearest."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from classify import Head


@dataclass
class Centre(Head):
    """The class whose mean is nearest, the nearer the surer.

    Options:
        sharpness: how fast the probability falls with the distance.
    """

    name = "nearest-centre"
    grid: ClassVar = {"sharpness": (0.1, 1.0, 10.0)}
    sharpness: float = 1.0

    def _fit(self, x, y, how):
        self.centres_ = np.stack([x[y == c].mean(0) for c in range(y.max() + 1)])

    def _predict_proba(self, x):
        distance = ((x[:, None] - self.centres_) ** 2).sum(2)
        proba = np.exp(-self.sharpness * (distance - distance.min(1, keepdims=True)))
        return proba / proba.sum(1, keepdims=True)

    def _save(self, folder):
        np.save(folder / "centres.npy", self.centres_)

    def _load(self, folder):
        self.centres_ = np.load(folder / "centres.npy", allow_pickle=False)
'''


@pytest.fixture
def in_folder(tmp_path, monkeypatch):
    """The file lies in the folder of the heads."""
    (tmp_path / "heads").mkdir()
    (tmp_path / "heads/centre_of_mine.py").write_text(ONE_FILE)
    monkeypatch.setattr(classify.__spec__, "submodule_search_locations", [*classify.__path__, str(tmp_path)])
    monkeypatch.setattr(heads, "__path__", [*heads.__path__, str(tmp_path / "heads")])
    monkeypatch.setattr(heads, "REGISTRY", Registry("classify.heads", "tk.heads", "head"))
    yield
    sys.modules.pop("classify.heads.centre_of_mine", None)


def package(folder, module, entry_points):
    """An installed package: a module and its entry points."""
    (folder / "others_heads.py").write_text(module)
    about = folder / "others_heads-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: others-heads\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[tk.heads]\n{textwrap.dedent(entry_points)}")


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A function that installs such a package."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(heads, "REGISTRY", Registry("classify.heads", "tk.heads", "head"))
    yield lambda module, points: package(tmp_path, module, points)
    sys.modules.pop("others_heads", None)
    importlib.invalidate_caches()


def use(tmp_path):
    """Fit, save, read back; the probabilities are those from before."""
    x, y = pooled_set(3)
    head = heads.parse("nearest-centre:sharpness=0.5").fit(x, y, 3, 0)
    heads.save(head, tmp_path)
    again = heads.restore(tmp_path)

    assert (head.predict_proba(x).argmax(1) == y).mean() > 0.9
    assert np.array_equal(again.predict_proba(x), head.predict_proba(x))
    assert (again.sharpness, again.name) == (0.5, "nearest-centre")


def test_a_file_in_the_folder_is_a_head(in_folder, tmp_path):
    """The class is found by its name, hyphen and all; its options have types and documentation."""
    assert "nearest-centre" in heads.names()
    assert heads.documentation(heads.head_class("nearest-centre")) == {
        "sharpness": "how fast the probability falls with the distance."
    }
    with pytest.raises(InputError, match="sharpness=much is not a number"):
        heads.parse("nearest-centre:sharpness=much")
    use(tmp_path)


def test_another_package_offers_a_head(installed, tmp_path):
    """By the entry point ``tk.heads``."""
    installed(ONE_FILE, "nearest-centre = others_heads:Centre")

    assert issubclass(heads.head_class("nearest-centre"), Head)
    use(tmp_path)


@pytest.mark.parametrize(
    ("module", "message"),
    [
        ("import no_such_module", "mine of the package others-heads cannot be loaded .*no_such_module"),
        ("Centre = 5", "mine of the package others-heads calls itself None"),
        ("class Centre:\n    name = 'mine'", "head mine of the package others-heads is no classify.Head"),
    ],
)
def test_a_broken_package_is_named_and_harms_no_other_head(installed, module, message):
    """One line with the package's name, when its head is asked for; all others work."""
    installed(module, "mine = others_heads:Centre")

    with pytest.raises(FailureError, match=message):
        heads.head_class("mine")
    assert heads.load("majority").fit(*pooled_set(2), 2, 0).n_classes_ == 2


def test_every_option_of_every_head_is_described():
    """No option without a sentence, and none that sends the reader to a module."""
    for name in heads.names():
        for option, text in heads.documentation(heads.head_class(name)).items():
            assert text.endswith(".") and "see the module" not in text, (name, option)
