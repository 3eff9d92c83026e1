"""A store in, runs out: split -> sample (training rows only) -> head -> out-of-fold probabilities -> metrics -> run."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from classify import heads
from classify.data import Data, load_data
from classify.heads._base import Fold, Head, X
from classify.intervals import bootstrap
from classify.metrics import measure
from classify.model import fit
from classify.runs import Run, Score, free_folder, write_run
from classify.sample import sample
from classify.split import Split, holdout, straddling, stratified_kfold
from stores.errors import InputError


def classify(
    features: str | Path,
    head_specs: Sequence[str] = ("logistic",),
    *,
    cv: int | None = None,
    test_size: float | None = None,
    splits: Sequence[Split] | None = None,
    sampler: str = "none",
    seed: int = 0,
    positive: str | None = None,
    out: str | Path | None = None,
    command: str = "",
    versions: dict | None = None,
    progress: Callable[[str], None] = lambda what: None,
) -> list[Run]:
    """Evaluate heads on the features of a store, each on the same splits, and write a run for each.

    Beside the heads asked for, the ``majority`` head and, if the store holds texts or token ids, logistic regression on
    TF-IDF are evaluated on the same splits; every run carries their scores. The model in a run is fitted on all
    labelled rows; the scores are those of the models that had not seen the rows.

    Args:
        features: path of the store.
        head_specs: ``name`` or ``name:option=value,...``.
        cv: number of stratified folds; 5 if neither this nor ``test_size`` nor ``splits`` is given.
        test_size: share of the rows to hold out instead.
        splits: pairs of row numbers (training, test) among the labelled rows, instead; they are taken as they are.
        sampler: ``none``, ``under`` or ``over``, of training rows.
        seed: of the split, the sampling, the head and the bootstrap.
        positive: class that ROC-AUC and PR-AUC are about when there are two; the last in the order of classes if None.
        out: folder of the run (with several heads, its name is completed by theirs); ``runs/<store>.<head>`` if None.
        command, versions: kept in the run.
        progress: called with what is being done.

    Raises:
        InputError: for a wrong option, or features that a head cannot take; before anything is computed.
        FailureError: if the store or the machine fails.
    """
    chosen = [heads.parse(spec) for spec in head_specs]
    data = load_data(features)
    for head in chosen:
        if data.kind not in head.kinds:
            takes = " or ".join(sorted(head.kinds))
            raise InputError(f"head {head.name} takes {takes} features, but {features} holds {data.kind} features")
    target = _positive(positive, data.classes)
    splits, how = _splits(data, cv, test_size, splits, seed)
    sample(np.arange(len(data)), data.y, sampler, seed)  # an unknown sampler is refused here, before the work
    folders = _folders(data, chosen, out)
    baselines = {}
    for name, x, head in _baselines(data):
        progress(f"baseline {name}")
        baselines[name] = evaluate(data, x, head, splits, sampler, seed, target)
    rows = {"labelled": len(data), "unlabelled": data.unlabelled, "distinct_texts": len(np.unique(data.groups))}
    runs = []
    for head, folder in zip(chosen, folders, strict=True):
        progress(f"head {head.name}")
        score = evaluate(data, data.x, head, splits, sampler, seed, target)
        model = fit(head, data.x, data.y, [Fold(np.arange(len(data)), seed)], len(data.classes), sampler)[0]
        recipe = {
            "head": {"name": head.name, "options": head.options()},
            "split": how,
            "sampler": sampler,
            "seed": seed,
            "classes": data.classes,
            "positive": data.classes[target],
            "model": {"fitted_on": "all labelled rows", "fitted": model.fitted.tolist(), "real": model.real.tolist()},
            "rows": rows,
            "features": {"path": str(features), "kind": data.kind, **data.provenance},
            "command": command,
            "versions": versions or {},
        }
        runs.append(write_run(folder, recipe, score, baselines, data.line, data.y, model.head))
    return runs


def evaluate(data: Data, x: X, head: Head, splits: Sequence[Split], sampler: str, seed: int, positive: int) -> Score:
    """Fit a head on the training rows of each split and score it on the test rows.

    Everything that is fitted (scaler, terms, TF-IDF weights, sampler, head) is fitted inside the split.
    """
    n_classes = len(data.classes)
    proba = np.full((len(data), n_classes), np.nan)
    predicted, fold = np.full(len(data), -1), np.full(len(data), -1)
    start = time.perf_counter()
    tasks = [Fold(train, seed + number, test) for number, (train, test) in enumerate(splits)]
    models = fit(head, x, data.y, tasks, n_classes, sampler)
    seconds = (time.perf_counter() - start) / len(splits)
    folds = []
    for number, ((train, test), model) in enumerate(zip(splits, models, strict=True)):
        proba[test], predicted[test] = model.predict(x[test])
        fold[test] = number
        folds.append(
            {
                "train_rows": len(train),
                "fitted_rows": int(model.fitted.sum()),
                "test_rows": len(test),
                "seconds": seconds,
                "history": model.head.history_,
                "metrics": measure(data.y[test], proba[test], predicted[test], positive),
            }
        )
    tested = np.flatnonzero(fold >= 0)
    found = (data.y[tested], proba[tested], predicted[tested], positive, fold[tested])
    interval = bootstrap(*found, data.groups[tested], seed)
    return Score(proba, predicted, fold, folds, measure(*found), interval)


def _baselines(data: Data) -> list[tuple[str, X, Head]]:
    found: list[tuple[str, X, Head]] = [("majority", data.x, heads.load("majority"))]
    words = data.x if data.kind == "ids" else data.texts
    if words is not None:
        found.append(("tfidf+logistic", words, heads.load("logistic")))
    return found


def _splits(
    data: Data, cv: int | None, test_size: float | None, splits: Sequence[Split] | None, seed: int
) -> tuple[list[Split], dict]:
    """The splits and how they were made, JSON-able."""
    if sum(value is not None for value in (cv, test_size, splits)) > 1:
        raise InputError("--cv and --test-size exclude each other; give one of them")
    if splits is not None:
        how = {"kind": "given", "splits": len(splits), "test_rows_seen_in_training": straddling(splits, data.groups)}
        return list(splits), how
    if test_size is not None:
        made = holdout(data.y, data.groups, test_size, seed, data.classes)
        return made, {"kind": "stratified hold-out", "test_size": test_size, "groups": "identical texts"}
    made = stratified_kfold(data.y, data.groups, 5 if cv is None else cv, seed, data.classes)
    return made, {"kind": "stratified k-fold", "folds": len(made), "groups": "identical texts"}


def _positive(name: str | None, classes: list[str]) -> int:
    if name is not None and name not in classes:
        raise InputError(f"--positive {name}: no such class; there are: {', '.join(classes)}")
    return len(classes) - 1 if name is None else classes.index(name)


def _folders(data: Data, chosen: list[Head], out: str | Path | None) -> list[Path]:
    """The folder of each head's run, none of which exists."""
    taken: set[Path] = set()
    if out is None:
        return [free_folder(Path("runs") / f"{data.path.stem}.{head.name}", taken) for head in chosen]
    out = Path(out)
    folders = [out if len(chosen) == 1 else out.with_name(f"{out.name}.{head.name}") for head in chosen]
    for folder in folders:
        if folder.exists():
            raise InputError(f"{folder} exists already; choose another --out")
    return [free_folder(folder, taken) for folder in folders]  # two heads of one name get two numbers
