"""``tk predict`` at night: JSON lines as they come, a summary, conditions of failure, and kill -9 at any moment."""

import io
import json
import subprocess
import sys

import numpy as np
import pytest
from helpers.commands import ROWS, tk
from helpers.killed import FORK
from helpers.toy import write_csv

from classify.analysis.drift import SAMPLE, SampledRows
from classify.checkpoint import Checkpoint
from classify.watch import Condition, Counts, Watch
from embed.reading.json_stream import JsonStream, holds_json_lines
from stores import InputError

RUN = "runs/messages.static.logistic"
LINES = "".join(f"{json.dumps({'text': text, 'id': f'm{i}'})}\n" for i, (_, text) in enumerate(ROWS))
PROGRAM = f"""{FORK}
from pathlib import Path
import commands.prediction
commands.prediction.OFTEN = 0.0
CALLS = ("fsync", "replace", "unlink")
expected, out, killed = Path(sys.argv[1]).read_bytes(), Path("out"), 0
for kill_at in range(1, 100):
    status = run(kill_at, sys.argv[2:], CALLS)
    if os.WIFSIGNALED(status):
        killed += 1
        ended = out.exists() and not Path("cp").exists()  # killed after its last step
        again = 0 if ended else run(kill_at, sys.argv[2:], CALLS)  # and once more, as far behind the checkpoint
        assert again == 0 or os.WIFSIGNALED(again) and run(0, sys.argv[2:], CALLS) == 0, (kill_at, again)
    assert out.read_bytes() == expected, kill_at
    assert not Path("cp").exists() and not Path("out.partial").exists(), kill_at
    out.unlink()
    if not os.WIFSIGNALED(status):
        break
print(killed)
"""


def of(lines):
    """A stream of these bytes."""
    return io.BytesIO(lines if isinstance(lines, bytes) else lines.encode())


@pytest.mark.slow
@pytest.mark.parametrize("form", ["jsonl", "csv", "json"])
def test_killed_at_any_moment_the_same_bytes_come_out(trained, form):
    """At each sync, rename and removal, once and once more; the checkpoint is gone in the end."""
    (trained / "new.jsonl").write_text(LINES)
    options = ["new.jsonl", "--to", form, "--batch", "11", "--with-text", "--coverage", "0.9"]
    tk("predict", RUN, *options, "--out", "expected")
    command = [
        sys.executable,
        "-c",
        PROGRAM,
        "expected",
        "predict",
        RUN,
        *options,
        "--out",
        "out",
        "--checkpoint",
        "cp",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert int(done.stdout.splitlines()[-1]) > 20
    assert "rows are done already, as cp says" in done.stderr


@pytest.fixture
def interrupted(trained, monkeypatch):
    """A function that predicts a table and is interrupted after 30 of its 60 rows; it leaves a checkpoint."""
    monkeypatch.setattr("commands.prediction.OFTEN", 0.0)
    (trained / "new.jsonl").write_text(LINES)

    def interrupt(*options):
        real, calls = Checkpoint.commit, []

        def commit(*args, **named):
            real(*args, **named)
            calls.append(args)
            if len(calls) == 3:
                raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(Checkpoint, "commit", commit)
            given = (RUN, "new.jsonl", "--out", "out", "--checkpoint", "cp", "--batch", "10")
            return tk("predict", *given, *options, code=130).stderr

    return interrupt


def test_a_checkpoint_of_something_else_is_refused(trained, interrupted):
    """Another run, output, form, number of rows, table, or a shorter one; damaged, or without its results."""
    assert "with --checkpoint the same command goes on from there" in interrupted()

    def refused(*changed, run=RUN, table="new.jsonl", out="out", batch="10", code=2):
        given = (run, table, "--out", out, "--checkpoint", "cp", "--batch", batch, *changed)
        return tk("predict", *given, code=code).stderr.splitlines()[-1]

    other = "Error: cp is the checkpoint of another prediction"
    assert refused(run="runs/messages.words.logistic").startswith(f"{other} (the run was ")
    assert refused(out="other").startswith(f"{other} (--out was ")
    assert refused("--to", "json").startswith(f"{other} (--to was csv)")
    assert refused(batch="5").startswith(f"{other} (--batch was 10)")
    (trained / "other.jsonl").write_text(LINES.replace("see", "saw"))
    assert refused(table="other.jsonl").startswith(f"{other} (the table was new.jsonl)")
    (trained / "short.jsonl").write_text("".join(LINES.splitlines(True)[:10]))
    assert refused(table="short.jsonl").startswith(f"{other} (the table was new.jsonl)")
    (trained / "out").write_text("there before")
    assert "out exists already" in refused()
    (trained / "out").unlink()
    tk("predict", RUN, "new.jsonl", "--out", "expected", "--batch", "10")
    said = tk("predict", RUN, "new.jsonl", "--out", "out", "--checkpoint", "cp", "--batch", "10").stderr
    assert "30 rows are done already, as cp says" in said and "60 rows: ham 40, spam 20" in said
    assert (trained / "out").read_bytes() == (trained / "expected").read_bytes()
    assert "out exists already; if this command wrote it, it is whole, as a prediction with a --checkpoint" in refused()

    interrupted("--overwrite")
    (trained / "out.partial").write_bytes(b"")
    assert "shorter than cp says; remove both" in refused("--overwrite", code=1)
    (trained / "out.partial").unlink()
    assert "out.partial is gone; remove cp" in refused("--overwrite", code=1)
    (trained / "cp").write_text("{}")
    assert "cp is no checkpoint that can be read" in refused("--overwrite", code=1)
    assert "--checkpoint is for --data with --out FILE" in refused(out="-")
    assert "--checkpoint cp: that is the output" in refused(out="./cp")


def test_lines_from_standard_input(trained):
    """The same as from a file, in order; a broken line is an error, or counted."""
    (trained / "new.jsonl").write_text(LINES)
    expected = tk("predict", RUN, "new.jsonl", "--to", "jsonl").stdout
    for batch in ([], ["--batch", "7"]):
        found = tk("predict", RUN, "-", "--to", "jsonl", *batch, input=LINES)
        assert found.stdout == expected and "60 rows: " in found.stderr
    bad = LINES.encode().replace(b'"id": "m5"', b'"id": m5', 1) + b'{"text": "\xff"}\n[1]\n'
    assert "stdin, line 6: no JSON" in tk("predict", RUN, "-", input=bad, code=2).stderr
    skipped = tk(
        "predict", RUN, "-", "--bad-rows", "skip", "--batch", "1", "--fail-if", "broken>0.01", input=bad, code=3
    )
    assert "59 rows: " in skipped.stderr and "; 3 broken; " in skipped.stderr
    assert "failed: broken>0.01: broken is 0.048387" in skipped.stderr  # 3 of 62


def test_what_is_read_as_a_stream():
    """Objects, one a line; a table in one object, an array and CSV are read as a whole."""
    for lines in (LINES, '{"text": "a"}\n', '\ufeff{"text": "a"}', '{"a": "x", "b": "y"}\n{"a": "x", "b": "y"}\n'):
        stream = of(lines)
        assert holds_json_lines(stream) and stream.tell() == 0
    for lines in ("", "a,b\n1,2\n", "[1]", '{\n"text": "a"\n}', '{"text": {"0": "a"}, "label": {"0": "b"}}', "{text"):
        assert not holds_json_lines(of(lines))


def test_rows_of_a_stream_come_as_they_are_written(tmp_path):
    """What has not come yet is not waited for: after each object of a batch the next batch is not asked for."""

    class Slow(io.RawIOBase):
        asked = 0

        def read1(self, size):
            Slow.asked += 1
            return b'{"text": "%d", "more": {"a": 1}}\n' % Slow.asked if Slow.asked < 4 else b""

    form = JsonStream(Slow(), 1)
    assert (form.header, form.nested, Slow.asked) == (["text", "more.a"], {"more.a"}, 1)
    seen = [(batch.cells["text"], Slow.asked) for batch in form.batches(["text"], "text")]
    assert seen == [(["1"], 1), (["2"], 2), (["3"], 3)]
    with pytest.raises(InputError, match="stdin has no JSON object in its first rows"):
        JsonStream(of("1\n2\n"), 5)


def test_counts_and_conditions_by_hand():
    """Four rows, one empty, one abstained; 3 of 12 words unknown."""
    from stores import PooledFeatures

    watch = Watch(["ham", "spam"])
    results = [{"empty": False, "answer": answer} for answer in ("spam", "abstain", "ham")]
    features = PooledFeatures(
        {"pooled": np.zeros((4, 2), np.float32)}, np.array([[3, 1, 0]] * 3 + [[3, 0, 0]], np.int32)
    )
    labels = [["spam"], ["spam"], ["ham"], ["ham"]]
    watch.add([*results, {"empty": True, "answer": None}], labels, [features])
    watch.counts.broken = 1
    found = watch.measures(0.75)

    assert found == {"rows": 4, "drift": 0.75, "empty": 0.25, "abstained": 0.25, "broken": 0.2, "unknown": 0.25,
                     "share.ham": 1 / 3, "share.spam": 2 / 3}  # fmt: skip
    assert watch.line(0.75) == (
        "4 rows: ham 1, spam 2; 1 abstained; 1 empty; 1 broken; unknown words 25.0%; drift 0.750 (0.5 or less: none)"
    )
    assert "drift not known (too few rows)" in watch.line(None, "too few rows")
    holds = {"drift>0.8": 0, "drift>0.7": 1, "drift >= 0.75": 1, "drift>0.75": 0, "rows<4": 0, "rows<=4": 1,
             "share.spam>0.5": 1, "empty>1e-3": 1}  # fmt: skip
    names = ["ham", "spam", "a>b"]
    assert {text: bool(Condition.parse(text, names).failure(found)) for text in holds} == {
        text: bool(value) for text, value in holds.items()
    }
    assert Condition.parse("drift>0.8", names).failure(watch.measures(None), "too few rows") == (
        "drift>0.8: drift is not known (too few rows), so it cannot be judged"
    )
    assert Condition.parse("share.a>b>0.5", names).measure == "share.a>b"
    for text in ("drift", "drift>", "drift=0.8", "drift>x", "drfit>0.8", "share.spma>0.5"):
        with pytest.raises(InputError, match="`fail_if="):
            Condition.parse(text, names)


def test_a_class_may_be_called_as_two_labels_are_written(in_tmp):
    """``a|b`` is one of three labels; the line counts what the columns of the probabilities say."""
    write_csv(in_tmp / "t.csv", [(("a|b;c", "a", "c")[i % 3], text) for i, (_, text) in enumerate(ROWS)])
    tk("embed", "t.csv", "--label-separator", ";")
    tk("classify", "features/t.static.h5", "--head", "logistic", "--cv", "2", "--no-report", "--identical", "bytes")
    found = tk("predict", "runs/t.static.logistic", "t.csv", "--to", "jsonl")
    rows = [json.loads(line) for line in found.stdout.splitlines()]
    a, both, c = (sum(row[f"p_{name}"] >= 0.5 for row in rows) for name in ("a", "a|b", "c"))
    assert both and f"60 rows: a {a}, a|b {both}, c {c}; " in found.stderr


def test_conditions_end_with_their_own_exit_code(trained):
    """3, after all has been written; a wrong condition is 2, before anything is done."""
    given = ("predict", RUN, "messages.csv", "--out", "out.csv", "--overwrite")
    said = tk(*given, "--fail-if", "rows<100", "--fail-if", "share.spam>0.9", code=3).stderr.splitlines()
    assert said[-1] == "failed: rows<100: rows is 60" and (trained / "out.csv").exists()
    assert tk("-q", *given, "--fail-if", "rows<100", code=3).stderr == "failed: rows<100: rows is 60\n"
    assert tk("-q", *given, "--fail-if", "rows<10").stderr == ""
    assert "did you mean 'drift'" in tk(*given, "--fail-if", "drfit>0.8", code=2).stderr
    (trained / "features/messages.static.h5").unlink()
    said = tk(*given, "--fail-if", "drift>0.8", code=3).stderr
    why = "(the rows that the run was trained on are not here: features/messages.static.h5: no such file)"
    assert f"drift not known {why}" in said
    assert f"failed: drift>0.8: drift is not known {why}, so it cannot be judged" in said


@pytest.mark.slow
def test_drift_tells_other_texts_from_those_of_the_table(in_tmp):
    """The same kind of messages are not told apart, the rows of another language are; nothing else is asked."""
    rng = np.random.default_rng(0)
    words = [["see", "you", "later", "home", "call", "money", "win", "now"], ["der", "weg", "nach", "hause", "ist"]]

    def rows(kind, count):
        return [("ab"[i % 2], " ".join(rng.choice(words[kind], 6))) for i in range(count)]

    write_csv(in_tmp / "t.csv", rows(0, 300))
    write_csv(in_tmp / "same.csv", rows(0, 300))
    write_csv(in_tmp / "other.csv", rows(1, 300))
    tk("embed", "t.csv")
    tk("classify", "features/t.static.h5", "--head", "nb", "--cv", "2", "--no-report", "--identical", "bytes")
    tk("predict", "runs/t.static.nb", "same.csv", "--fail-if", "drift>0.7")
    assert "failed: drift>0.9: drift is " in tk("predict", "runs/t.static.nb", "other.csv", "--fail-if", "drift>0.9",
                                                code=3).stderr  # fmt: skip


def test_sample_is_the_same_after_an_interruption():
    """Some 2,000 of 9,000 rows, each as likely, in blocks of any size; texts where the vectors are not known."""
    values, whole, again = np.arange(9000, dtype=np.float32)[:, None], SampledRows(), SampledRows()
    whole.add([""] * 9000, values)
    for start in range(0, 9000, 700):
        stop = min(start + 700, 9000)
        again.add([str(i) for i in range(start, stop)], None if start < 3500 else values[start:stop])
    sampled = whole.vectors[:, 0]

    assert len(sampled) == SAMPLE and (np.diff(sampled) > 0).all()
    assert [*map(float, again.texts), *again.vectors[:, 0]] == sampled.tolist()
    quarters = np.bincount((sampled // 2250).astype(int))
    assert (abs(quarters - 500) < 80).all()  # 4 sd
    assert Counts().rows == 0


@pytest.mark.slow
def test_live_stream_is_answered_line_by_line(trained):
    """A process that waits for an answer before it asks again gets it."""
    command = [sys.executable, "-m", "cli", "predict", RUN, "-", "--to", "jsonl", "--batch", "1"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        for text in ("WIN cash now", "see you"):
            process.stdin.write(json.dumps({"text": text}).encode() + b"\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["predicted"] in ("ham", "spam")
        process.stdin.close()
        assert process.wait() == 0
