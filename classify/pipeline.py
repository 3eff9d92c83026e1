"""Stores in, runs out: split -> sample (training rows only) -> head -> out-of-fold probabilities -> metrics -> run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from classify import heads
from classify.combine import load_all
from classify.data import Data
from classify.evaluate import at_epochs, evaluate, learning_curve
from classify.fitting.options import FitOptions, parse_tune
from classify.heads.base import Head
from classify.runs import Run, Score, free_folder, summary, write_run
from classify.scoring.metrics import columns_of
from classify.splits.scheme import Scheme, Splits
from stores.features import IdFeatures
from stores.shared.errors import InputError


def classify(
    features: str | Path | Sequence[str | Path],
    head_specs: Sequence[str] = ("logistic",),
    *,
    test: str | Path | None = None,
    groups: str | None = None,
    sampler: str | Sequence[str] = "none",
    tune: Sequence[str] = (),
    shares: Sequence[float] = (),
    epochs: Sequence[int] = (),
    seed: int = 0,
    positive: str | None = None,
    out: str | Path | None = None,
    command: str = "",
    versions: dict | None = None,
    progress: Callable[[str], None] = lambda what: None,
    **how: Any,  # noqa: ANN401
) -> list[Run]:
    """Evaluate each head with each sampler on each store, on the same splits, and write a run for each.

    Beside the heads asked for, the ``majority`` head and, if the store holds texts or token ids, logistic regression on
    TF-IDF are evaluated on the same splits; every run carries their scores. The model in a run is fitted on all
    labelled rows; the scores are those of the models that had not seen the rows.

    Args:
        features: a store, ``a.h5+b.h5`` for encoders side by side, or several of these.
        head_specs: ``name`` or ``name:option=value,...``.
        test: store to test on; the heads are trained on ``features``.
        groups: the id column of the table, if rows with the same id are to stay on one side, as identical texts do.
        sampler: of training rows, see ``classify.fitting.sampling``; or several.
        tune: options to choose on inner folds, see ``classify.fitting.options.parse_tune``.
        shares: of the training rows, for a learning curve.
        epochs: after which the scores are to be reported too, for heads that have epochs.
        seed: of the split, the sampling, the head and the bootstrap.
        positive: class that AUC and thresholds are about when there are two; the last in the order of classes if None.
        out: folder of the run (with several, its name is completed by theirs); ``runs/<store>.<head>`` if None.
        command, versions: kept in the run.
        progress: called with what is being done.
        how: the fields of ``Scheme`` (``cv=5``, ``repeats``, ``test_size``, ``by_split``, ``splits``,
            ``allow_duplicates``) and of ``FitOptions`` (``class_weight``, ``calibrate``, ``threshold``, ``inner``,
            ``components``).

    Raises:
        InputError: for a wrong option, or features that a head cannot take; before anything is computed.
        FailureError: if the store or the machine fails.
    """
    specs = [features] if isinstance(features, str | Path) else list(features)
    samplers = [sampler] if isinstance(sampler, str) else list(sampler)
    names = {field.name for field in fields(Scheme)}
    validation = Scheme(**{name: value for name, value in how.items() if name in names})
    training = FitOptions(**{name: value for name, value in how.items() if name not in names})
    chosen = [heads.parse(spec) for spec in head_specs]
    tuned = parse_tune(tune, chosen)
    for head in chosen:
        _check_epochs(head, epochs)
    jobs = [
        (replace(training, sampler=sampler, tune=tuned.get(head.name, {})), head)
        for sampler in samplers
        for head in chosen
    ]
    many = len(specs) * len(jobs) > 1
    runs: list[Run] = []
    taken: set[Path] = set()
    if out is not None and Path(out).exists():
        raise InputError(f"{out} exists already; choose another --out")
    known: tuple[Data, dict] | None = None
    for spec in specs:
        data = load_all(spec, test)
        data = data if groups is None else data.group_by(groups)
        _check(data, spec, chosen, [fitting for fitting, _ in jobs])
        target = _positive(positive, data)
        plan = validation.plan(data, seed)
        baselines = dict(known[1]) if known is not None and _same_rows(known[0], data) else {}
        for fitting, head in jobs:
            folder = _folder(data, head, fitting.sampler, len(samplers) > 1, out, many, taken)
            beside = FitOptions(sampler="none" if fitting.sampler == "smote" else fitting.sampler)
            for name, x, baseline in _baselines(data):
                if (name, beside.sampler) not in baselines:
                    progress(f"baseline {name}")
                    score, _ = evaluate(data, x, baseline, plan.splits, beside, seed, target)
                    baselines[name, beside.sampler] = score
            progress(f"{data.path.stem}, head {head.name}")
            score, models = evaluate(data, data.x, head, plan.splits, fitting, seed, target, tuple(epochs), final=True)
            more = _more(data, head, plan, validation, fitting, shares, epochs, seed, target, score, models, progress)
            recipe = _recipe(data, spec, head, plan, fitting, models[-1], seed, target)
            recipe |= {"command": command, "versions": versions or {}}
            beaten = {name: score for (name, sampler), score in baselines.items() if sampler == beside.sampler}
            runs.append(write_run(folder, recipe, score, beaten, models[-1], more))
        known = data, baselines
    return runs


def _more(
    data: Data,
    head: Head,
    plan: Splits,
    validation: Scheme,
    how: FitOptions,
    shares: Sequence[float],
    epochs: Sequence[int],
    seed: int,
    target: int,
    score: Score,
    models: list,
    progress: Callable[[str], None],
) -> dict:
    """Further entries of ``metrics.json``: learning curve, scores at epochs, what duplicates across folds flatter."""
    more: dict = {}
    if shares:
        progress(f"learning curve of {head.name}")
        more["learning_curve"] = learning_curve(data, head, plan.splits, shares, how, seed, target)
    if epochs:
        more["epochs"] = at_epochs(data, plan.splits, models, epochs, seed, target)
    if validation.allow_duplicates:
        progress(f"{head.name} with identical texts in one fold")
        honest = replace(validation, allow_duplicates=False).plan(data, seed)
        apart, _ = evaluate(data, data.x, head, honest.splits, how, seed, target)
        overall = summary(apart, data.classes).overall
        gained = {n: float(score.overall[n][0]) - float(apart.overall[n][0]) for n in columns_of(data.problem)}
        more["identical_texts_in_one_fold"] = {"overall": overall, "optimism": gained}
    return more


def _recipe(
    data: Data, spec: str | Path, head: Head, plan: Splits, how: FitOptions, model: object, seed: int, target: int
) -> dict:
    rows = {"labelled": len(data), "unlabelled": data.unlabelled, "broken": data.broken}
    rows["distinct_texts"] = len(np.unique(data.groups))
    return {
        "head": {"name": head.name, "options": head.options()},
        "problem": data.problem,
        "split": plan.how,
        "sampler": how.sampler,
        "training": how.as_dict(),
        "seed": seed,
        "classes": data.classes,
        "positive": data.classes[target] if data.problem == "binary" else None,
        "model": {
            "fitted_on": "all labelled rows" if data.tested is None else "all rows but those of the test store",
            "chosen": model.choice.options,
            "thresholds": model.choice.thresholds,
        },
        "rows": rows,
        "features": {"path": str(spec), "kind": data.kind, **data.provenance},
    }


def _check(data: Data, spec: str | Path, chosen: Sequence[Head], trainings: Sequence[FitOptions]) -> None:
    for head in chosen:
        if data.kind not in head.kinds:
            takes = " or ".join(sorted(head.kinds))
            raise InputError(f"head {head.name} takes {takes} features, but {spec} holds {data.kind} features")
    for training in trainings:
        training.check(data.multilabel, len(data.classes), data.kind == "pooled")


def _check_epochs(head: Head, epochs: Sequence[int]) -> None:
    if not epochs:
        return
    if not hasattr(head, "epochs"):
        raise InputError(f"--report-epochs: head {head.name} has no epochs")
    if getattr(head, "patience", 0):
        raise InputError(f"--report-epochs: head {head.name} with patience may stop before; set patience=0")
    if not 1 <= min(epochs) <= max(epochs) <= head.epochs:
        raise InputError(f"--report-epochs: head {head.name} trains for {head.epochs} epochs; name some of these")


def _same_rows(a: Data, b: Data) -> bool:
    """Whether two stores hold the same rows, so that baselines of the one are those of the other."""
    same = np.array_equal(a.line, b.line) and np.array_equal(a.text_hash, b.text_hash) and np.array_equal(a.y, b.y)
    return same and (a.texts is None) == (b.texts is None) and a.kind == b.kind and a.split == b.split


def _baselines(data: Data) -> list[tuple[str, object, Head]]:
    found: list[tuple[str, object, Head]] = [("majority", data.x, heads.load("majority"))]
    words = data.x if isinstance(data.x, IdFeatures) and data.x.table is None else data.texts
    if words is not None:
        found.append(("tfidf+logistic", words, heads.load("logistic")))
    return found


def _positive(name: str | None, data: Data) -> int:
    if name is not None and name not in data.classes:
        raise InputError(f"--positive {name}: no such class; there are: {', '.join(data.classes)}")
    return len(data.classes) - 1 if name is None else data.classes.index(name)


def _folder(
    data: Data, head: Head, sampler: str, samplers: bool, out: str | Path | None, many: bool, taken: set[Path]
) -> Path:
    """The folder of a run, which does not exist; two of one name get numbers."""
    if out is not None and not many:
        return free_folder(Path(out), taken)
    name = f"{data.path.stem}.{head.name}" + (f".{sampler}" if samplers else "")
    folder = Path("runs") / name if out is None else Path(out).with_name(f"{Path(out).name}.{name}")
    if out is not None and folder.exists():
        raise InputError(f"{folder} exists already; choose another --out")
    return free_folder(folder, taken)
