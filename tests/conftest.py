"""Fixtures of all tests: real files where they are at hand, a ten-row table, stores of separable rows."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil

import numpy as np
import pytest
from helpers import REAL, lookalikes
from helpers.commands import ROWS, tk
from helpers.stores import make_store, pooled
from helpers.toy import TEN_ROWS, toy_recipe, write_csv

from embed import embed, read_table
from stores import IdFeatures

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# fixtures that a few files share
pytest_plugins = [
    "helpers.bert_encoding",
    "helpers.damaged_stores",
    "helpers.elmo_encoding",
    "helpers.exports",
    "helpers.model_server",
    "helpers.report_pages",
    "helpers.sentence_folders",
    "helpers.stream",
    "helpers.word_vectors",
]


@pytest.fixture(scope="session")
def real():
    """The folder of real data files; without it the test is skipped."""
    if not REAL.is_dir():
        pytest.skip("the folder of real data files is not beside the project")
    return REAL


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory):
    """Models that the tests fetch are cached in a folder of their own, and no others are found."""
    for name in ("TK_CACHE_DIR", "TFHUB_CACHE_DIR", "KAGGLEHUB_CACHE"):
        os.environ[name] = str(tmp_path_factory.mktemp(name))
    os.environ["TK_STORE_INDEX"] = "off"  # or a test would find the vectors of another one


@pytest.fixture
def machine(tmp_path_factory, monkeypatch):
    """A machine of its own, whose stores are indexed; its cache folder."""
    folder = tmp_path_factory.mktemp("machine")
    monkeypatch.setenv("TK_CACHE_DIR", str(folder))
    monkeypatch.setenv("TK_STORE_INDEX", "on")
    return folder


@pytest.fixture(scope="session")
def lookalike(tmp_path_factory):
    """A function: name of a builder in ``lookalikes`` (and what it takes) -> the folder of the model, built once."""

    @functools.cache
    def built(name, *args):
        return getattr(lookalikes, name)(tmp_path_factory.mktemp("models") / name, *args)

    return built


@pytest.fixture
def in_tmp(tmp_path, monkeypatch):
    """The test runs in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def trained_folder(tmp_path_factory):
    """A table, its stores and a run of each, made once."""
    folder = tmp_path_factory.mktemp("trained")
    with contextlib.chdir(folder):
        write_csv(folder / "messages.csv", ROWS)
        for encoder in ("static", "words"):
            tk("embed", "--encoder", encoder, "--data", "messages.csv")
            tk("classify", "--features", f"features/messages.{encoder}.h5", "--cv", "3", "--no-report")
    return folder


@pytest.fixture
def trained(trained_folder, in_tmp):
    """The test runs in a folder of its own with a table, its stores and a run of each."""
    shutil.copytree(trained_folder, in_tmp, dirs_exist_ok=True)
    return in_tmp


@pytest.fixture
def ten_csv(tmp_path):
    """Ten rows with duplicates, an empty text, a missing label, quotes, a line break and umlauts."""
    return write_csv(tmp_path / "ten.csv", TEN_ROWS)


@pytest.fixture
def ten_store(ten_csv, tmp_path):
    """The ten rows through the toy encoder."""
    path = tmp_path / "features" / "ten.toy.h5"
    embed(read_table(ten_csv), toy_recipe(), path)
    return path


@pytest.fixture
def separable(tmp_path):
    """120 rows, two of three of class ``no``, whose first feature tells the class of all but a few."""
    rng = np.random.default_rng(3)
    y = np.arange(120) % 3 == 0
    values = rng.normal(size=(120, 5))
    values[:, 0] += 4 * y
    texts = [f"text {i}" for i in range(120)]
    return make_store(tmp_path / "separable.h5", pooled(values), ["yes" if v else "no" for v in y], texts)


@pytest.fixture
def separable_words(tmp_path):
    """120 rows of token ids, two of three of class ``no``; a word tells the class."""
    rng = np.random.default_rng(3)
    tokens = []
    for i in range(120):
        own = ["prize", "Free"] if i % 3 == 0 else ["home", "tea"]
        tokens.append([*rng.choice(["the", "a", "you", "so", "!"], 4), own[i % 2]])
    labels = ["yes" if i % 3 == 0 else "no" for i in range(120)]
    texts = [f"{i} {' '.join(t)}" for i, t in enumerate(tokens)]
    return make_store(tmp_path / "separable.words.h5", IdFeatures.from_tokens(tokens), labels, texts)
