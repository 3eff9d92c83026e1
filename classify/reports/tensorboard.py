"""A run -> files that TensorBoard shows: scalars a fold and epoch, overall scores, and the features as a projector.

==============================  ============================================================
``DIR/<run>/``                  overall scores (at step 0), the files of the projector
``DIR/<run>/fold-1/``, ...      losses and metrics of each epoch, scores of the fold
==============================  ============================================================
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from classify.reports.run_data import collect_run_data
from classify.runs import Run, read_run
from stores.export import export
from stores.shared.distribution import pip_install
from stores.shared.errors import InputError

PROJECTOR = "projector"  # folder of the vectors, beside the configuration that names them


def require_tensorboard() -> None:
    """Refuse what cannot be written: TensorFlow leaves its summaries to the package ``tensorboard``.

    Raises:
        InputError: if that is not installed.
    """
    if find_spec("tensorboard") is None:
        raise InputError(
            f"`tensorboard`: the package tensorboard is not installed; install it: {pip_install('tensorboard')}"
        )


def write_tensorboard(run: Run | str | Path, folder: str | Path) -> Path:
    """Write what TensorBoard shows of a run into a folder of the run's name in ``folder``.

    The projector needs the store that the run was made from, with one vector a text or a token; else there is none.
    Of several stores side by side the first is shown.

    Returns:
        the folder of the run.

    Raises:
        InputError: if tensorboard is not installed, there is no such run, or the folder holds one of this name.
        FailureError: if the machine refuses the write.
    """
    require_tensorboard()
    run = run if isinstance(run, Run) else read_run(run)
    out = Path(folder) / run.folder.resolve().name
    if out.exists():
        raise InputError(f"{out} exists already; choose another `tensorboard` folder")
    _write_scalars(out, {0: {f"score/{n}": s.value for n, s in run.metrics.overall.items()}})
    for number, fold in enumerate(run.metrics.folds):
        steps: dict[int, dict] = {0: {f"score/{name}": value for name, value in fold.metrics.items()}}
        for name, values in fold.history.items():
            for epoch, value in enumerate(values, 1):
                group = "loss" if name.endswith("loss") else "epoch"
                steps.setdefault(epoch, {})[f"{group}/{name}"] = value
        _write_scalars(out / f"fold-{number + 1}", steps)
    _write_projector(run, out)
    return out


def _write_scalars(folder: Path, steps: Mapping[int, Mapping[str, float | None]]) -> None:
    """One event file: step -> name -> value; scores without a value are left out."""
    import tensorflow as tf

    writer = tf.summary.create_file_writer(str(folder))
    with writer.as_default():
        for step, scalars in steps.items():
            for name, value in scalars.items():
                if value is not None:
                    tf.summary.scalar(name, value, step=step)
    writer.close()


def _write_projector(run: Run, out: Path) -> None:
    with collect_run_data(run) as run_data:
        if not run_data.stores:
            return
        store = run_data.stores[0]
        if store.kind == "tokens" or (store.kind == "ids" and store.table is None):
            return
        export(store, "projector", out / PROJECTOR, output=store.outputs[0])
    # TensorBoard reads the configuration beside the event files, and the paths in it from there
    config = (out / PROJECTOR / "projector_config.pbtxt").read_text(encoding="utf-8")
    for name in ("vectors.tsv", "metadata.tsv"):
        config = config.replace(f'"{name}"', f'"{PROJECTOR}/{name}"')
    (out / "projector_config.pbtxt").write_text(config, encoding="utf-8")
    (out / PROJECTOR / "projector_config.pbtxt").unlink()
