"""What is told of a run under way: how far it is, how fast, and for how long yet."""

import io
import re
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
from click.testing import CliRunner
from helpers.commands import LETTERS
from helpers.toy import ToyEncoder, write_csv
from rich.console import Console

from classify.heads._fit_progress import FitProgress
from cli import cli
from commands import reporter as reporter_module
from commands.pace import Pace
from commands.reporter import TerminalReporter
from embed import Done, Recipe, Reporter, embed, read_table
from embed.batches import Batches
from stores.shared.reporter import Progress


class Clock:
    """Time passes only when someone says so."""

    now = 0.0

    def __call__(self):
        """The time, in seconds."""
        return self.now


class SlowEncoder(ToyEncoder):
    """Takes a millisecond a letter, in batches of like length; loading takes a hundred seconds."""

    part_rows = 40

    def __init__(self, clock):
        super().__init__()
        self.clock, self.batches = clock, Batches(3000)

    def encode(self, texts):
        """The toy's features, after the time that it takes."""
        if not self.seen:
            self.clock.now += 100

        def work(rows):
            self.clock.now += sum(len(texts[row]) for row in rows) / 1000

        list(self.batches.run(np.array([len(text) for text in texts]), work, self.reporter))
        return super().encode(texts)


def foretold(tmp_path, texts, out="a.h5", known=()):
    """Run on a fake clock; time and seconds left at each report, and the time at the end."""
    clock = Clock()
    if known:
        embed(read_table(write_csv(tmp_path / "known.csv", [("a", t) for t in known])), Recipe(SlowEncoder(clock), {}),
              tmp_path / "known.h5")  # fmt: skip
    table, pace, seen = read_table(write_csv(tmp_path / "t.csv", [("a", text) for text in texts])), Pace(clock), []

    class Told(Reporter):
        def progress(self, done):
            pace.update(done)
            seen.append((clock.now, pace.left, done))

    embed(table, Recipe(SlowEncoder(clock), {}), tmp_path / out, reporter=Told())
    return seen, clock.now


def texts_of(lengths):
    """Different texts of these lengths."""
    return [f"{i:06} ".ljust(length, "x") for i, length in enumerate(lengths)]


@pytest.mark.parametrize("order", [list, sorted, lambda lengths: sorted(lengths, reverse=True)])
def test_time_left_is_right_whatever_the_order_of_lengths(tmp_path, order):
    """Long texts come first in each part, and perhaps in the file; the foretold end is off by a few percent."""
    lengths = np.random.default_rng(0).lognormal(6, 0.8, 400).astype(int) + 10
    seen, end = foretold(tmp_path, texts_of(order(lengths.tolist())))
    start = seen[0][0]

    assert start > 100  # the loading of the model is no part of it
    for share in (0.25, 0.5, 0.75):
        at, left, _ = next(row for row in seen if row[0] - start >= share * (end - start))
        assert abs(left - (end - at)) < 0.1 * (end - start)
    assert seen[-1][2].rows == 400
    assert seen[-1][1] == pytest.approx(0, abs=0.01 * (end - start))


@pytest.mark.slow
def test_known_texts_take_no_time(tmp_path):
    """The first half of the table was encoded before; the time left is that of the other half."""
    texts = texts_of([50] * 400)
    seen, end = foretold(tmp_path, texts, known=texts[:200])
    start = next(at for at, _, done in seen if done.work)
    at, left, done = next(row for row in seen if row[2].work and row[0] - start >= 0.25 * (end - start))

    assert 0.55 < done.share < 0.75
    assert abs(left - (end - at)) < 0.1 * (end - start)


def test_pace_by_hand():
    """10 of 100 parts of the work in 20 seconds, 1,000 tokens meanwhile: 50 tokens a second, 180 seconds for 90."""
    clock = Clock()
    pace = Pace(clock)
    pace.update(Done(share=0.0, rows=0, most_rows=100, tokens=500, work=0.001, rest=0.999))
    assert pace.left is None
    clock.now = 20
    pace.update(Done(share=0.1, rows=10, most_rows=100, tokens=1500, work=0.101, rest=0.9))

    assert (pace.rate, pace.unit) == (50, "tokens")
    assert pace.left == pytest.approx(180)


def test_bar_on_a_terminal():
    """Rows, rate and time left stand beside the bar, which is gone at the end."""
    clock, out = Clock(), io.StringIO()
    console = Console(file=out, force_terminal=True, width=120, color_system=None)
    with TerminalReporter(console, clock) as reporter:
        reporter.progress(Done(share=0.0, rows=0, most_rows=4096, tokens=0, work=0.0, rest=1.0))
        reporter.progress(Done(share=0.01, rows=0, most_rows=4096, tokens=1000, work=0.01, rest=0.99))
        clock.now = 10.0
        reporter.progress(Done(share=0.51, rows=2048, most_rows=4096, tokens=51_000, work=0.51, rest=0.49))

    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", out.getvalue())
    assert "51% 2,048 of at most 4,096 rows 5,000 tokens/s 0:10 left" in shown
    assert "\x1b[2K" in out.getvalue()  # the line is cleared


def test_plain_lines_where_there_is_no_terminal(capsys):
    """One every 30 seconds, in full; none from a short run."""
    clock = Clock()
    with TerminalReporter(clock=clock) as reporter:
        for second in range(0, 100, 5):
            clock.now = float(second)
            reporter.progress(
                Done(
                    share=second / 100,
                    rows=second * 10,
                    most_rows=1000,
                    tokens=second * 100,
                    work=second / 100,
                    rest=1 - second / 100,
                )
            )
    lines = capsys.readouterr().err.splitlines()

    assert lines == [
        "encoding: 300 of at most 1,000 rows, 30%, 100 tokens/s, 1:10 left",
        "encoding: 600 of at most 1,000 rows, 60%, 100 tokens/s, 0:40 left",
        "encoding: 900 of at most 1,000 rows, 90%, 100 tokens/s, 0:10 left",
    ]


def test_rows_are_counted_as_they_are_encoded(tmp_path):
    """Of 40 rows 10 are known; five texts of 600 letters are a batch, and after the last one the part is complete."""
    texts = [LETTERS[i] * 300 for i in range(40)]
    seen, _ = foretold(tmp_path, texts, known=texts[:10])
    counted = [done.rows for _, _, done in seen]

    assert counted == [15, 20, 25, 30, 35, 40, 40]


def test_what_is_done_now_is_named(capsys):
    """The line is about the fold and the epoch at hand, not the one before; the time left is that of the stage."""
    clock = Clock()
    with TerminalReporter(clock=clock) as reporter:
        progress = FitProgress(reporter, "sms, head lstm")
        for fold, second in ((0, 0.0), (1, 20.0)):
            clock.now = second
            progress.at(f"fold {fold + 1} of 2", fold, 1, 4).tell()
        clock.now = 40.0
        progress.at("fold 2 of 2", 1, 1, 4).epoch(3, 4, 0.0, 0.25)

    # 1.5 of 4 models in 40 seconds: 2.5 models are left
    assert (
        capsys.readouterr().err == "training: sms, head lstm, fold 2 of 2, epoch 3 of 4, loss 0.2500, 38%, 1:07 left\n"
    )


def test_work_that_tells_nothing_is_not_silent(capsys):
    """A line every 30 seconds, with the last thing that was said, or the name of the command."""
    clock = Clock()
    reporter = TerminalReporter(clock=clock, name="tk describe")
    reporter.progress(Progress("comparing", None, "intervals of 3 runs"))
    for second in range(1, 65):
        clock.now = float(second)
        reporter.look()
    reporter.progress(Progress("comparing", 1.0))
    for second in range(65, 95):
        clock.now = float(second)
        reporter.look()
    lines = capsys.readouterr().err.splitlines()

    assert lines == [
        "comparing: intervals of 3 runs, 0:30 so far", "comparing: intervals of 3 runs, 1:00 so far",
        "tk describe: 1:30 so far",
    ]  # fmt: skip


class Minutes:
    """A clock that is at another minute whenever somebody looks: all work takes long."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        """The time, in seconds."""
        self.now += 31
        return self.now


LONG = {  # command -> what a line about it must name
    "embed": (["embed", "--encoder", "words", "--data", "t.csv"], "tk embed"),
    "classify": (["classify", "features/t.words.h5", "--cv", "2"], "head logistic, predictions for fold 2 of 2"),
    "report": (["report", "runs/t.words.logistic"], "report: runs/t.words.logistic, figure confusion"),
    "compare": (["compare", "runs/t.words.logistic", "runs/nb"], "comparing: t.words.logistic with nb"),
    "predict": (["predict", "runs/t.words.logistic", "t.csv"], "predicting: 60 rows"),
    "evaluate": (["evaluate", "runs/t.words.logistic", "t.csv", "--with-training-rows"], "tk evaluate"),
    "errors": (["errors", "runs/t.words.logistic"], "tk errors"),
    "describe": (["describe", "t.csv"], "tk describe"),
    "verify": (["features", "verify", "features/t.words.h5"], "tk features verify"),
    "speed": (["speed", "runs/t.words.logistic"], "tk speed"),
    "ensemble": (["ensemble", "runs/t.words.logistic", "runs/nb", "--out", "runs/both", "--no-report"], "tk ensemble"),
    "export": (["features", "export", "features/t.words.h5", "--to", "npz", "--out", "t.npz"], "tk features export"),
    "run": (["run", "t.csv", "--encoder", "words", "--head", "nb", "--cv", "2", "--out", "e"], "head nb"),
    "rerun": (["rerun", "runs/t.words.logistic"], "head logistic, predictions for fold 2 of 2"),
    "bundle": (["bundle", "runs/t.words.logistic", "--out", "model.tk"], "tk bundle"),
}


@pytest.mark.slow
def test_no_long_command_is_silent_for_half_a_minute(in_tmp, monkeypatch, request):
    """On a clock on which everything takes half a minute, each command says what it does."""
    request.addfinalizer(partial(sys.setswitchinterval, sys.getswitchinterval()))
    sys.setswitchinterval(1e-5)  # the thread that looks gets its turn, however short a command is
    write_csv(in_tmp / "t.csv", [("ab"[i % 2], f"text {LETTERS[i % 26]} {LETTERS[i // 26]}") for i in range(60)])
    monkeypatch.setattr(reporter_module, "LOOK", 0.0005)
    runner = CliRunner()
    monkeypatch.setattr(reporter_module.TerminalReporter.__init__, "__defaults__", (None, Minutes(), "tk"))
    other = ["classify", "features/t.words.h5", "--head", "nb", "--cv", "2", "--out", "runs/nb"]
    silent = []
    for args, named in (*list(LONG.values())[:2], (other, "head nb"), *list(LONG.values())[2:]):
        done = runner.invoke(cli, args)
        assert done.exit_code == 0, done.output
        if named not in done.stderr:
            silent.append((args[0], named, done.stderr))

    assert not silent


@pytest.mark.slow
def test_piped_run_prints_no_control_characters(tmp_path):
    """Only whole lines come out of a pipe."""
    table = write_csv(tmp_path / "t.csv", [("ab"[i % 2], f"text {LETTERS[i]}") for i in range(50)])
    for args in (["embed", "--data", str(table)], ["classify", "--features", "features/t.static.h5", "--cv", "2"]):
        code = f"import cli; cli.cli({args!r})"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=tmp_path)

        assert done.returncode == 0, done.stderr
        assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", done.stderr + done.stdout)


def test_quiet_leaves_errors_only(in_tmp):
    """No notes on the columns; but what is wrong is told."""
    write_csv(in_tmp / "t.csv", [("ab"[i % 2], f"text {i}") for i in range(10)])
    quiet = CliRunner().invoke(cli, ["--quiet", "embed", "--data", "t.csv"])
    wrong = CliRunner().invoke(cli, ["-q", "embed", "--data", "none.csv"])

    assert (quiet.exit_code, quiet.stderr) == (0, "")
    assert "store: features/t.static.h5" in quiet.stdout
    assert (wrong.exit_code, wrong.stderr) == (2, "Error: none.csv: no such file\n")


def test_quiet_keeps_the_notes_on_models_back(in_tmp, lookalike):
    """An archive is unpacked without a word."""
    write_csv(in_tmp / "t.csv", [("ab"[i % 2], f"text {i}") for i in range(10)])
    subprocess.run(["tar", "czf", "use.tar.gz", "-C", str(lookalike("use4")), "."], check=True)
    args = ["embed", "--encoder", "use", "--model", "use.tar.gz", "--data", "t.csv"]

    assert CliRunner().invoke(cli, ["--quiet", *args]).stderr == ""


def test_share_of_a_table_is_by_bytes(tmp_path):
    """Of two files of 20 lines, the second is nine times as long."""
    write_csv(tmp_path / "a.csv", [("a", "x" * 6)] * 19)
    write_csv(tmp_path / "b.csv", [("a", "x" * 78)] * 19)
    table = read_table([tmp_path / "a.csv", tmp_path / "b.csv"])
    sizes = [(tmp_path / name).stat().st_size for name in ("a.csv", "b.csv")]

    assert table.share(20) == pytest.approx(sizes[0] / sum(sizes))
    assert table.share(30) == pytest.approx((sizes[0] + sizes[1] / 2) / sum(sizes))
    assert table.share(40) == 1
