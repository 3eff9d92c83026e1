"""What a notebook shows, and the notebooks of the examples."""

import inspect
import re
import shutil

import pytest
from helpers import ROOT
from helpers.commands import ROWS
from helpers.stores import make_store, pooled
from helpers.toy import write_csv

from classify import read_run
from classify.analysis.compare import compare
from embed import read_table
from stores.shared.notebook_progress import NotebookBars
from stores.shared.reporter import Progress

NOTEBOOKS = sorted((ROOT / "examples").glob("*.ipynb"))


def cells(shown):
    """The text of each cell of a table."""
    return re.findall(r"<t[dh](?: [^>]*)?>(.*?)</t[dh]>", shown)


def test_table(tmp_path):
    """Its first rows, and why these columns; what others wrote is text, never markup."""
    path = write_csv(tmp_path / "a.csv", [("ham", "<script>alert(1)</script>"), ("spam", "WIN cash"), *ROWS])
    table = read_table(path)
    shown = table._repr_html_()

    assert repr(table) == f"Table({str(path)!r}, text='text', labels=['label'])"
    assert cells(shown)[:6] == ["line", "label", "text", "2", "ham", "&lt;script&gt;alert(1)&lt;/script&gt;"]
    assert "text column &#x27;text&#x27; (by its name)" in shown
    assert len(cells(shown)) == 3 * 9


def test_broken_table(tmp_path):
    """The row that is broken is what there is to be seen."""
    (tmp_path / "a.csv").write_text('text,label\n"never closed,ham\n')
    (tmp_path / "a.csv").write_text("text,label\na b,ham\nc d,ham,more\n")

    assert "line 3" in read_table(tmp_path / "a.csv")._repr_html_()


def test_store(tmp_path):
    """What it holds, label by label."""
    from stores import FeatureStore

    path = make_store(tmp_path / "a.h5", pooled([[1.0, 2.0]] * 3), ["ham", None, "ham"], ["a", "b", "c"])
    with FeatureStore(path) as store:
        shown = cells(store._repr_html_())
        assert repr(store) == f"FeatureStore({str(path)!r}, 3 rows, pooled)"

    assert dict(zip(shown[::2], shown[1::2], strict=True)) == {
        "rows": "3", "kind": "pooled", "pooled": "[3, 2] float32", "encoder": "made", "table": "made", "ham": "2",
        "without a label": "1",
    }  # fmt: skip


@pytest.mark.slow
def test_run_and_comparison(trained):
    """The run and its baselines with intervals; several runs with their verdicts."""
    run = read_run("runs/messages.static.logistic")
    shown = cells(run._repr_html_())

    value = run.metrics.overall["f1_macro"].value
    assert run.metrics.f1_macro == value and "f1_macro" in dir(run.metrics)
    assert [name for name in shown if name in ("majority", "tfidf+logistic", "logistic")]
    assert any(cell.startswith(f"{value:.4f} [") for cell in shown)
    assert run.to_frame().loc["f1_macro", "value"] == value
    with pytest.raises(AttributeError, match="no attribute 'f1_makro'"):
        _ = run.metrics.f1_makro
    found = compare([run, read_run("runs/messages.words.logistic")])
    assert "best" in cells(found._repr_html_())


def test_predictions_as_a_frame(trained):
    """The columns of the file, with the names of the classes."""
    run = read_run("runs/messages.static.logistic")
    predictions = run.predictions()
    frame = predictions.to_pandas()

    assert list(frame.columns) == ["row", "line", "group", "fold", "label", "predicted", "p_ham", "p_spam"]
    assert (frame["label"] == [predictions.classes[c] for c in predictions.y]).all()
    assert (frame["p_spam"] == predictions.proba[:, 1]).all()


@pytest.mark.slow
def test_report_inline(trained):
    """The page stands in a frame that runs nothing of the notebook's."""
    shown = read_run("runs/messages.static.logistic").report()._repr_html_()

    assert shown.startswith('<iframe srcdoc="&lt;!doctype html&gt;') or shown.startswith('<iframe srcdoc="&lt;!DOCTYPE')
    assert shown.endswith('sandbox="allow-scripts"></iframe>')


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(path, tmp_path, monkeypatch):
    """From the first cell to the last, on the files of the examples."""
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    notebook = nbformat.read(path, as_version=4)

    nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert any("text/html" in output.get("data", {}) for output in shown)


def test_bar_of_long_work():
    """None of work of under a second; then one that is changed in its place, and says at last how long it took."""
    now, shown = [0.0], []

    def show(bundle, handle):
        shown.append((bundle, handle))
        return "the bar"

    bars = NotebookBars(lambda: now[0], show)
    for seconds, share, step in [
        (0, 0.0, "a"),
        (0.5, 0.1, "b"),
        (2, 0.2, "<c>"),
        (2.1, 0.3, "d"),
        (4, 0.5, "e"),
        (6, 1.0, ""),
    ]:
        now[0] = seconds
        bars.progress(Progress("training", share, step))

    said = [bundle["text/plain"] for bundle, _ in shown]
    assert said == ["training, 20%, <c>, 8 s left", "training, 50%, e, 4 s left", "training, 100%, done in 6 s"]
    assert [handle for _, handle in shown] == [None, "the bar", "the bar"]
    assert "&lt;c&gt;" in shown[0][0]["text/html"] and 'value="0.200"' in shown[0][0]["text/html"]
    bars.progress(Progress("short", 0.5))
    bars.progress(Progress("short", 1.0))
    assert len(shown) == 3


@pytest.mark.slow
def test_progress_in_a_kernel():
    """Under the cell of an executed notebook there is one bar, from the reporter that nobody handed in."""
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    source = f"""
        import sys, time; sys.path.insert(0, {str(ROOT)!r})
        from stores.shared.reporter import Progress, Reporter, SILENT
        for reporter in (Reporter(), SILENT):
            for share in (0.1, 0.4, 0.8):
                reporter.progress(Progress("encoding", share, "rows")); time.sleep(0.6)
            reporter.progress(Progress("encoding", 1.0))
    """
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(inspect.cleandoc(source))])
    nbclient.NotebookClient(notebook, kernel_name="python3").execute()

    (output,) = notebook.cells[0].outputs
    assert output.output_type == "display_data"
    assert re.fullmatch(r"encoding, 100%, done in \d+ s", output.data["text/plain"])
