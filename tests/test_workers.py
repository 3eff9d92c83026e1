"""Parts written by several processes at once, and assembled by one."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from stores import Block, FailureError, FeatureStore, IdFeatures
from stores.parts import Parts
from stores.shared.fingerprint import hash_texts

ATTRIBUTES = {"identity": {}, "identity_digest": "0", "recipe": {}, "source": {}, "versions": {}, "command": ""}
ROWS, NUMBER = 1000, 12
WORKER = f"""
import sys
sys.path[:0] = [{str(Path(__file__).parents[1])!r}, {str(Path(__file__).parent)!r}]
from pathlib import Path
from test_workers import write_part
for number in map(int, sys.argv[2:]):
    write_part(Path(sys.argv[1]), number)
"""


def write_part(output: Path, number: int) -> None:
    """Part ``number``: ragged ids, whose vocabularies differ from part to part, and some texts twice."""
    rows = np.arange(ROWS) + number * ROWS
    texts = [f"text {row // 2} of part {number}" for row in rows]
    labels = [("ham", "spam", f"kind {number}")[row % 3] for row in rows]
    block = Block(rows, hash_texts(texts), labels, texts, IdFeatures.from_tokens([text.split() for text in texts]))
    Parts(output, ATTRIBUTES).write(number, block, {"rows": ROWS}, (0.0, 0.0, 0.0))


@pytest.fixture(scope="module")
def by_one(tmp_path_factory):
    """The store of a single process."""
    output = tmp_path_factory.mktemp("one") / "a.h5"
    for number in range(NUMBER):
        write_part(output, number)
    Parts(output, ATTRIBUTES).assemble(NUMBER, 0.0)
    return output


@pytest.mark.slow
def test_three_processes_make_the_bytes_of_one(by_one, tmp_path):
    """Each writes every third part, at the same time; two even write the same part."""
    output = tmp_path / "a.h5"
    shares = [[*range(worker, NUMBER, 3), 5] for worker in range(3)]
    workers = [subprocess.Popen([sys.executable, "-c", WORKER, str(output), *map(str, share)]) for share in shares]
    assert [worker.wait() for worker in workers] == [0, 0, 0]
    totals = Parts(output, ATTRIBUTES).assemble(NUMBER, 0.0)

    assert totals == {"rows": ROWS * NUMBER}
    assert output.read_bytes() == by_one.read_bytes()
    with FeatureStore(output) as store:
        store.verify()


def test_a_part_that_no_worker_wrote_is_named(tmp_path):
    """Nothing is put together of less than all; what is there is kept."""
    output = tmp_path / "a.h5"
    for number in (0, 2):
        write_part(output, number)

    with pytest.raises(FailureError, match="part-000001.h5 is missing or damaged"):
        Parts(output, ATTRIBUTES).assemble(3, 0.0)
    assert len(list(tmp_path.rglob("part-*.h5"))) == 2
    assert not output.exists()
