"""The example for Ray Data, on a server that speaks as S3 does: what is there is not encoded again."""

import os
import subprocess
import sys

import numpy as np
import pytest
from helpers import ROOT
from test_remote import bucket, parquet, server  # noqa: F401 (fixtures)

from embed import Recipe
from stores.shared.remote import list_files

pytest.importorskip("moto")
pytest.importorskip("ray")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="the server is not for Windows"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning"),
]
FIRST = [("ham", "see you"), ("spam", "WIN cash"), ("ham", "see you")]
MORE = [("ham", "see you"), ("spam", "a new one"), ("ham", "and another")]


def run_example():
    """Its last line; two actors at most."""
    command = [sys.executable, str(ROOT / "examples/ray_data.py"), "--data", "s3://bucket/rd/table/"]
    command += ["--out", "s3://bucket/rd/vectors/", "--workers", "1:2"]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.splitlines()[-1]


def vectors():
    """All rows of the output, text and vector."""
    import pyarrow.parquet as pq

    system, files = list_files("s3://bucket/rd/vectors")
    rows = [row for info in files for row in pq.read_table(info.path, filesystem=system).to_pylist()]
    return [row["text"] for row in rows], np.array([row["vector"] for row in rows])


def test_a_table_that_has_grown(bucket, tmp_path):  # noqa: F811
    """Texts in the output are passed over, also where another file has them; the vectors are those of the encoder."""
    bucket(parquet(tmp_path / "0.parquet", FIRST), "rd/table/0.parquet")
    assert run_example() == "2 different texts in s3://bucket/rd/vectors/"
    assert sorted(vectors()[0]) == ["WIN cash", "see you", "see you"]
    bucket(parquet(tmp_path / "1.parquet", MORE), "rd/table/1.parquet")
    assert run_example() == "4 different texts in s3://bucket/rd/vectors/"

    texts, made = vectors()
    assert sorted(texts) == ["WIN cash", "a new one", "and another", "see you", "see you"]
    assert np.allclose(made, Recipe.of("static").encode(texts, reuse=False).outputs["pooled"])
