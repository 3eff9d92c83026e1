"""Stores in, runs out: split -> sample (training rows only) -> head -> out-of-fold probabilities -> metrics -> run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from classify import heads as registry
from classify.analysis.against_baseline import against_baseline
from classify.checks import check_epochs, check_features, positive_class
from classify.combine import load_all
from classify.data import Data
from classify.experiment import TFIDF, Baselines, Experiment
from classify.fitting.options import FitOptions
from classify.fitting.tune import Tuning
from classify.heads import HeadLike
from classify.heads.base import Head
from classify.named_arguments import explained
from classify.run_folder import FolderClaims
from classify.runs import Run, write_run
from classify.splits.folds import Split
from classify.splits.near_duplicates import near_duplicate_groups
from classify.splits.scheme import Scheme, Splitter
from stores.shared.errors import InputError
from stores.shared.reporter import Progress, Reporter

GIVEN = "given from Python"  # splits that cannot be asked for again
FORMER = {"n_splits": "cv", "folds": "cv", "n_repeats": "repeats", "random_state": "seed", "head_specs": "heads",
          "head": "heads", "shares": "learning_curve", "epochs": "report_epochs"}  # fmt: skip


@dataclass
class Shared:
    """What several calls of ``classify`` on one table need not do again; hand the same one to each of them.

    Attributes:
        loaded: the store that was read last, by its name and that of its test store.
        baselines: scores of baselines, with what they were made of: rows, split, seed and whether they were tuned.
    """

    loaded: tuple[tuple, Data] | None = None
    baselines: tuple[Data, tuple, Baselines] | None = None

    def load(self, spec: str | Path, test: str | Path | None) -> Data:
        """As ``load_all``."""
        if self.loaded is None or self.loaded[0] != (str(spec), str(test)):
            self.loaded = (str(spec), str(test)), load_all(spec, test)
        return self.loaded[1]

    def baselines_of(self, data: Data, made: tuple) -> Baselines:
        """Those of the same rows that were made in the same way, to be completed."""
        if self.baselines is None or self.baselines[1] != made or not _same_rows(self.baselines[0], data):
            self.baselines = data, made, {}
        return self.baselines[2]


@explained(FORMER)
def classify(
    features: str | Path | Sequence[str | Path],
    heads: HeadLike | Sequence[HeadLike] = "logistic",
    *,
    cv: int | Splitter | Iterable[Split] | None = None,
    repeats: int = 1,
    test_size: float | None = None,
    by_split: bool = False,
    test: str | Path | None = None,
    test_rows: str | Path | None = None,
    folds_file: str | Path | None = None,
    time_column: str | None = None,
    groups: str | None = None,
    identical: str = "likeness",
    near_duplicates: float | None = None,
    allow_duplicates: bool = False,
    sampler: str | Sequence[str] = "none",
    class_weight: str = "none",
    tune: str | Sequence[str] = "default",
    calibrate: str = "default",
    threshold: str | float | None = None,
    cost: str | None = None,
    components: int = 0,
    inner: int | None = None,
    learning_curve: Sequence[float] = (),
    report_epochs: Sequence[int] = (),
    seed: int = 0,
    positive: str | None = None,
    out: str | Path | None = None,
    command: str = "",
    versions: dict[str, str] | None = None,
    reporter: Reporter | None = None,
    shared: Shared | None = None,
) -> list[Run]:
    """Evaluate each head with each sampler on each store, on the same splits, and write a run for each.

    Beside the heads asked for, the ``majority`` head and, if the store holds texts or token ids, logistic regression on
    TF-IDF of words and pairs of words are evaluated on the same splits; every run carries their scores. The model in a
    run is fitted on all labelled rows; the scores are those of the models that had not seen the rows.

    Args:
        features: a store, ``a.h5+b.h5`` for encoders side by side, or several of these. ``a.h5:dims=256`` takes its
            first columns, ``a.h5:pca=64`` principal components, ``a.h5:pool=mean`` (max, first, last, sif) one vector
            out of those of a text's tokens, ``a.h5+tfidf`` joins the words of the texts; see ``classify.columns``.
        heads: ``name`` or ``name:option=value,...``, an untrained head, an unfitted classifier of scikit-learn (or
            ``sklearn:module.Class,parameter=value,...``), or several of these.
        cv, repeats, test_size, by_split, test_rows, folds_file, time_column, allow_duplicates: what is tested by a
            model of what, see ``classify.splits.scheme.Scheme``; five stratified folds if nothing is given.
        test: store to test on; the heads are trained on ``features``.
        groups: the id column of the table, if rows with the same id are to stay on one side, as identical texts do.
        identical: ``likeness``: texts that differ in case, blanks, digits, links, mentions and punctuation alone are
            the same and stay on one side; ``bytes``: equal texts alone do.
        near_duplicates: texts whose sets of word pairs have at least this Jaccard similarity stay on one side, too.
        sampler: of training rows, see ``classify.fitting.sampling``; or several.
        tune: ``default``: the options in the ``grid`` of a head are chosen on inner folds of the training rows, unless
            they are given; ``none``: nothing is; or what to choose, see ``classify.fitting.tune.parse_tune``.
        class_weight, threshold, cost, components: see ``classify.fitting.options.FitOptions``.
        inner: how many inner folds; None: 5 for ``logistic`` on vectors, else 3.
        calibrate: likewise; ``default``: as the head wants it (``nb`` ``sigmoid``, all others ``none``),
            unless ``tune`` is something else than ``default``.
        learning_curve: shares of the training rows to learn from, too.
        report_epochs: epochs after which to score, too, for heads that have epochs.
        seed: of the split, the sampling, the head and the bootstrap.
        positive: of two classes, the one that precision, recall, areas and thresholds are about; if None the one with a
            telling name (spam, toxic, 1, yes, true, positive), else the rarer. Of more, the one that ``threshold`` is
            about.
        out: folder of the run (with several, its name is completed by theirs); ``runs/<store>.<head>`` if None.
        command, versions: kept in the run.
        reporter: told what is being done; None: notes go to stderr, progress nowhere.
        shared: what other calls on the same table have done; it keeps what this one does.

    Raises:
        InputError: for a wrong option, or features that a head cannot take; before anything is computed.
        FailureError: if the store or the machine fails.
    """
    reporter = reporter or Reporter()
    specs = [features] if isinstance(features, str | Path) else list(features)
    samplers = [sampler] if isinstance(sampler, str) else list(sampler)
    chosen = registry.as_heads(heads)
    cv = cv if cv is None or isinstance(cv, int) or hasattr(cv, "split") else list(cv)
    scheme = Scheme(cv, repeats, test_size, by_split, test_rows, folds_file, time_column, allow_duplicates)
    options = FitOptions(
        class_weight=class_weight, calibrate="none" if calibrate == "default" else calibrate,
        threshold=None if threshold is None else str(threshold), components=components, cost=cost,
    )  # fmt: skip
    named = {"test": test, "test_rows": test_rows, "folds_file": folds_file}
    asked: dict[str, Any] = {name: None if path is None else str(path) for name, path in named.items()} | {
        "cv": cv if cv is None or isinstance(cv, int) else GIVEN, "repeats": repeats, "test_size": test_size,
        "by_split": by_split, "time_column": time_column, "groups": groups, "identical": identical,
        "near_duplicates": near_duplicates, "allow_duplicates": allow_duplicates, "class_weight": class_weight,
        "tune": [tune] if isinstance(tune, str) else list(tune), "calibrate": calibrate, "threshold": options.threshold,
        "cost": cost, "components": components, "inner": inner, "learning_curve": list(learning_curve),
        "report_epochs": list(report_epochs), "positive": positive,
    }  # fmt: skip
    if identical not in ("likeness", "bytes"):
        raise InputError(f"`identical={identical!r}`: choose likeness or bytes")
    tuning = Tuning.of(tune, chosen)
    for head in chosen:
        check_epochs(head, report_epochs)
    many = len(specs) * len(samplers) * len(chosen) > 1
    if out is not None and Path(out).exists():
        raise InputError(f"{out} exists already; choose another `out`")
    runs: list[Run] = []
    shared = shared or Shared()
    with FolderClaims() as claims:
        for spec in specs:
            data = replace(shared.load(spec, test), identical=identical)
            if near_duplicates is not None:
                reporter.progress(Progress("reading", None, f"{data.path.stem}, texts nearly alike"))
                data = replace(data, near=near_duplicate_groups(data, near_duplicates))
            data = data if groups is None else data.group_by(groups)
            jobs = [
                (replace(options, sampler=name, **tuning.of_head(head, data.kind, calibrate, inner)), head)
                for name in samplers
                for head in chosen
            ]
            check_features(data, spec, chosen, [fit_options for fit_options, _ in jobs], positive)
            which = positive_class(positive, data)
            experiment = Experiment(data, spec, scheme, scheme.plan(data, seed), seed, which, reporter)
            experiment.begin()
            baselines = shared.baselines_of(data, (experiment.plan.how, seed, which, tuning.default))
            for fit_options, head in jobs:
                folder = _folder(data, head, fit_options.sampler, len(samplers) > 1, out, many, claims)
                step = f"head {head.name}" + (f", sampler {fit_options.sampler}" if len(samplers) > 1 else "")
                evaluation = experiment.evaluate(step, head, fit_options, data.x, tuple(report_epochs), keep=True)
                beside = experiment.baselines(baselines, fit_options.sampler, tuning.default)
                more = experiment.more(head, fit_options, learning_curve, report_epochs, evaluation)
                more["against_baseline"] = against_baseline(evaluation.score, beside, seed)
                notes = experiment.notes(head, fit_options, evaluation, beside)
                more["notes"] = [*evaluation.notes, *evaluation.score.remarks, *notes]
                recipe = experiment.recipe(head, fit_options, evaluation.kept)
                recipe |= {
                    "command": command,
                    "versions": versions or {},
                    "asked": asked | {"given": sorted(head.given)},
                }
                recipe |= {"bag_of_words": experiment.bag_of_words(tuning.default)} if TFIDF in beside else {}
                reporter.progress(Progress("training", None, f"writing {folder}", f"writing {folder}"))
                runs.append(write_run(folder, recipe, evaluation.score, dict(beside), evaluation.kept, more))
                reporter.progress(Progress("training", 1.0))
    return runs


def _same_rows(a: Data, b: Data) -> bool:
    """Whether two stores hold the same rows, so that baselines of the one are those of the other."""
    same = np.array_equal(a.row, b.row) and np.array_equal(a.text_hash, b.text_hash) and np.array_equal(a.y, b.y)
    return same and (a.texts is None) == (b.texts is None) and a.kind == b.kind and a.split == b.split


def _folder(
    data: Data, head: Head, sampler: str, samplers: bool, out: str | Path | None, many: bool, claims: FolderClaims
) -> Path:
    """The folder of a run, which does not exist and nobody else is making; two of one name get numbers."""
    if out is not None and not many:
        return claims.claim(Path(out), numbered=False)
    name = f"{data.path.stem}.{head.name}" + (f".{sampler}" if samplers else "")
    folder = Path("runs") / name if out is None else Path(out).with_name(f"{Path(out).name}.{name}")
    if out is not None and folder.exists():
        raise InputError(f"{folder} exists already; choose another `out`")
    return claims.claim(folder)
