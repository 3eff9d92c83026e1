"""Stores in, runs out: split -> sample (training rows only) -> head -> out-of-fold probabilities -> metrics -> run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from classify import heads as registry
from classify.combine import load_all
from classify.data import Data
from classify.evaluate import Evaluation, at_epochs, evaluate, learning_curve
from classify.fitting.calibration import ISOTONIC_ROWS
from classify.fitting.model import FittedModel
from classify.fitting.options import FitOptions, parse_tune
from classify.fitting.threshold import parse_costs
from classify.heads.base import Head, X
from classify.named_arguments import explained
from classify.records import Flattery
from classify.run_folder import FolderClaims
from classify.runs import Run, Score, summary, write_run
from classify.scoring.metrics import columns_of
from classify.splits.folds import Split
from classify.splits.near_duplicates import near_duplicate_groups
from classify.splits.nested import at_the_edge
from classify.splits.scheme import Scheme, Splits, Splitter
from stores.features import IdFeatures
from stores.shared.errors import InputError
from stores.shared.reporter import Progress, Reporter

TELLING = ("spam", "toxic", "1", "yes", "true", "positive", "pos")  # names of a positive class
FORMER = {"n_splits": "cv", "folds": "cv", "n_repeats": "repeats", "random_state": "seed", "head_specs": "heads",
          "head": "heads", "shares": "learning_curve", "epochs": "report_epochs"}  # fmt: skip


@explained(FORMER)
def classify(
    features: str | Path | Sequence[str | Path],
    heads: str | Head | Sequence[str | Head] = "logistic",
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
    calibrate: str = "none",
    threshold: str | float | None = None,
    cost: str | None = None,
    components: int = 0,
    inner: int = 3,
    learning_curve: Sequence[float] = (),
    report_epochs: Sequence[int] = (),
    seed: int = 0,
    positive: str | None = None,
    out: str | Path | None = None,
    command: str = "",
    versions: dict[str, str] | None = None,
    reporter: Reporter | None = None,
) -> list[Run]:
    """Evaluate each head with each sampler on each store, on the same splits, and write a run for each.

    Beside the heads asked for, the ``majority`` head and, if the store holds texts or token ids, logistic regression on
    TF-IDF of words and pairs of words are evaluated on the same splits; every run carries their scores. The model in a
    run is fitted on all labelled rows; the scores are those of the models that had not seen the rows.

    Args:
        features: a store, ``a.h5+b.h5`` for encoders side by side, or several of these.
        heads: ``name`` or ``name:option=value,...``, an untrained head, or several of these.
        cv, repeats, test_size, by_split, test_rows, folds_file, time_column, allow_duplicates: what is tested by a
            model of what, see ``classify.splits.scheme.Scheme``; five stratified folds if nothing is given.
        test: store to test on; the heads are trained on ``features``.
        groups: the id column of the table, if rows with the same id are to stay on one side, as identical texts do.
        identical: ``likeness``: texts that differ in case, blanks, digits, links, mentions and punctuation alone are
            the same and stay on one side; ``bytes``: equal texts alone do.
        near_duplicates: texts whose sets of word pairs have at least this Jaccard similarity stay on one side, too.
        sampler: of training rows, see ``classify.fitting.sampling``; or several.
        tune: ``default``: the options in the ``grid`` of a head are chosen on inner folds of the training rows, unless
            they are given; ``none``: nothing is; or what to choose, see ``classify.fitting.options.parse_tune``.
        class_weight, calibrate, threshold, cost, components, inner: see ``classify.fitting.options.FitOptions``.
        learning_curve: shares of the training rows to learn from, too.
        report_epochs: epochs after which to score, too, for heads that have epochs.
        seed: of the split, the sampling, the head and the bootstrap.
        positive: of two classes, the one that precision, recall, areas and thresholds are about; if None the one with a
            telling name (spam, toxic, 1, yes, true, positive), else the rarer.
        out: folder of the run (with several, its name is completed by theirs); ``runs/<store>.<head>`` if None.
        command, versions: kept in the run.
        reporter: told what is being done; None: notes go to stderr, progress nowhere.

    Raises:
        InputError: for a wrong option, or features that a head cannot take; before anything is computed.
        FailureError: if the store or the machine fails.
    """
    reporter = reporter or Reporter()
    specs = [features] if isinstance(features, str | Path) else list(features)
    samplers = [sampler] if isinstance(sampler, str) else list(sampler)
    chosen = [
        h if isinstance(h, Head) else registry.parse(h) for h in ([heads] if isinstance(heads, str | Head) else heads)
    ]
    cv = cv if cv is None or isinstance(cv, int) or hasattr(cv, "split") else list(cv)
    scheme = Scheme(cv, repeats, test_size, by_split, test_rows, folds_file, time_column, allow_duplicates)
    training = FitOptions(
        class_weight=class_weight, calibrate=calibrate, threshold=None if threshold is None else str(threshold),
        inner=inner, components=components, cost=cost,
    )  # fmt: skip
    if identical not in ("likeness", "bytes"):
        raise InputError(f"`identical={identical!r}`: choose likeness or bytes")
    tuned = _Tuning.of(tune, chosen)
    for head in chosen:
        _check_epochs(head, report_epochs)
    many = len(specs) * len(samplers) * len(chosen) > 1
    if out is not None and Path(out).exists():
        raise InputError(f"{out} exists already; choose another `out`")
    runs: list[Run] = []
    known: tuple[Data, dict[tuple[str, str], Score]] | None = None
    with FolderClaims() as claims:
        for spec in specs:
            data = replace(load_all(spec, test), identical=identical)
            if near_duplicates is not None:
                reporter.progress(_training(f"{data.path.stem}, texts nearly alike"))
                data = replace(data, near=near_duplicate_groups(data, near_duplicates))
            data = data if groups is None else data.group_by(groups)
            jobs = [
                (replace(training, sampler=name, **tuned.of_head(head, data.kind)), head)
                for name in samplers
                for head in chosen
            ]
            _check(data, spec, chosen, [how for how, _ in jobs])
            which = _positive(positive, data)
            plan = scheme.plan(data, seed)
            work = _Work(data, spec, plan, seed, which, reporter)
            baselines = dict(known[1]) if known is not None and _same_rows(known[0], data) else {}
            for how, head in jobs:
                folder = _folder(data, head, how.sampler, len(samplers) > 1, out, many, claims)
                beside = "none" if how.sampler == "smote" else how.sampler
                for name, x, baseline in _baselines(data):
                    if (name, beside) not in baselines:
                        reporter.progress(_training(f"baseline {name}"))
                        grid = baseline.grid_of("ids") if tuned.default and len(data.classes) <= MANY else {}
                        options = FitOptions(sampler=beside, tune=grid, must_tune=False)
                        baselines[name, beside] = work.evaluate(baseline, options, x).score
                reporter.progress(_training(f"{data.path.stem}, head {head.name}"))
                found = work.evaluate(head, how, data.x, tuple(report_epochs), keep=True)
                beaten = {name: score for (name, sampler), score in baselines.items() if sampler == beside}
                more = work.more(head, scheme, how, learning_curve, report_epochs, found)
                more["notes"] = [*found.notes, *found.score.remarks, *work.notes(head, how, found, beaten)]
                recipe = _recipe(work, head, how, found.kept) | {"command": command, "versions": versions or {}}
                runs.append(write_run(folder, recipe, found.score, dict(beaten), found.kept, more))
            known = data, baselines
    return runs


LARGEST = 3  # groups that are named
MANY = 5  # classes up to which the baseline is tuned: on words there is a fit a class


@dataclass(frozen=True)
class _Tuning:
    """What is chosen on inner folds: ``asked`` for by head and option, else by ``default`` the grids of the heads."""

    default: bool
    asked: dict[str, dict[str, list]]

    @classmethod
    def of(cls, tune: str | Sequence[str], heads: Sequence[Head]) -> _Tuning:
        """From what was asked for."""
        specs = [tune] if isinstance(tune, str) else list(tune)
        default = specs in ([], ["default"])
        if not default and "none" in specs and len(specs) > 1:
            raise InputError("`tune='none'` and other values exclude each other")
        return cls(default, {} if default or specs == ["none"] else parse_tune(specs, heads))

    def of_head(self, head: Head, kind: str) -> dict[str, Any]:
        """The fields ``tune`` and ``must_tune`` of ``FitOptions``."""
        if head.name in self.asked:
            return {"tune": self.asked[head.name], "must_tune": True}
        grid = {option: values for option, values in head.grid_of(kind).items() if option not in head.given}
        return {"tune": grid if self.default else {}, "must_tune": False}


def _training(step: str) -> Progress:
    return Progress("training", step=step)


@dataclass(frozen=True)
class _Work:
    """What all heads on one store share."""

    data: Data
    spec: str | Path
    plan: Splits
    seed: int
    positive: int
    reporter: Reporter

    def evaluate(
        self, head: Head, how: FitOptions, x: X, report: tuple[int, ...] = (), keep: bool = False
    ) -> Evaluation:
        """As ``classify.evaluate.evaluate``, on the splits."""
        return evaluate(
            self.data, x, head, self.plan.splits, how, seed=self.seed, positive=self.positive, report=report, keep=keep
        )

    def more(
        self,
        head: Head,
        scheme: Scheme,
        how: FitOptions,
        shares: Sequence[float],
        epochs: Sequence[int],
        found: Evaluation,
    ) -> dict[str, Any]:
        """Further entries of ``metrics.json``: learning curve, scores at epochs, what duplicates flatter."""
        more: dict[str, Any] = {"directions": found.score.directions}
        data, splits, seed, positive = self.data, self.plan.splits, self.seed, self.positive
        if shares:
            self.reporter.progress(_training(f"learning curve of {head.name}"))
            more["learning_curve"] = learning_curve(data, head, splits, shares, how, seed=seed, positive=positive)
        if epochs:
            more["epochs"] = at_epochs(data, splits, found.models, epochs, seed=seed, positive=positive)
        if scheme.allow_duplicates:
            self.reporter.progress(_training(f"{head.name} with identical texts in one fold"))
            honest = replace(scheme, allow_duplicates=False).plan(data, seed)
            apart = evaluate(data, data.x, head, honest.splits, how, seed=seed, positive=positive).score
            gained: dict[str, float | None] = {
                name: float(found.score.overall[name][0]) - float(apart.overall[name][0])
                for name in columns_of(data.problem)
            }
            more["identical_texts_in_one_fold"] = Flattery(summary(apart, data.classes).overall, gained)
        return more

    def notes(self, head: Head, how: FitOptions, found: Evaluation, baselines: dict[str, Score]) -> list[str]:
        """What the user should know of a run, a sentence each."""
        notes = []
        data = self.data
        if data.raw_hash is None:
            notes.append(
                f"{data.path.name} was made before stores kept hashes of the raw texts, so its split depends on the "
                "cleaning, and texts that differ in case, digits or links alone may be on both sides; embed it again"
            )
        models = [*found.models, found.kept]
        edges = [at_the_edge(how.candidates(head), model.choice.options) for model in models]
        for option in sorted({option for option in edges if option}):
            values = [m.choice.options[option] for m, edge in zip(models, edges, strict=True) if edge == option]
            at = ", ".join(f"{value:g}" for value in sorted(set(values)))
            notes.append(
                f"{option}={at} is at the edge of what was tried, and was chosen for {len(values)} of {len(models)} "
                f"models; `tune` tries more: {head.name}:{option}=LOW..HIGH"
            )
        own, known = (score.overall["log_loss"][0] for score in (found.score, baselines["majority"]))
        if own > known:
            notes.append(
                f"the probabilities of head {head.name} are worse than the class frequencies alone: log loss {own:.3f} "
                f"against {known:.3f}; its ranking may be good all the same, and `calibrate='sigmoid'` can help"
            )
        return notes


def _recipe(work: _Work, head: Head, how: FitOptions, kept: FittedModel) -> dict[str, Any]:
    data = work.data
    rows = {"labelled": len(data), "unlabelled": data.unlabelled, "broken": data.broken}
    rows["distinct_texts"] = len(np.unique(data.groups))
    return {
        "head": {"name": head.name, "options": head.options()},
        "problem": data.problem,
        "split": work.plan.how,
        "sampler": how.sampler,
        "training": how.as_dict(),
        "seed": work.seed,
        "classes": data.classes,
        "positive": data.classes[work.positive] if data.problem == "binary" else None,
        "model": {
            "fitted_on": "all labelled rows" if data.tested is None else "all rows but those of the test store",
            "chosen": kept.choice.options,
            "thresholds": kept.choice.thresholds,
        },
        "rows": rows | alike(data),
        "features": {"path": str(work.spec), "kind": data.kind, **data.provenance},
    }


def alike(data: Data) -> dict[str, Any]:
    """How many rows have a twin, by bytes, by likeness and nearly, and the largest groups that no split may part."""
    counts: dict[str, Any] = {}
    kinds = {"identical": data.twins("bytes")}
    kinds |= {"alike": data.twins("likeness")} if data.likeness_hash is not None else {}
    kinds |= {"nearly_alike": data.near} if data.near is not None else {}
    for name, group in kinds.items():
        size = np.bincount(group)
        counts[f"with_{name}_twin"] = int((size[group] > 1).sum())
        counts[f"largest_{name}_group"] = int(size.max())
    _, first, size = np.unique(data.groups, return_index=True, return_counts=True)
    order = [i for i in np.lexsort((first, -size))[:LARGEST] if size[i] > 1]
    counts["largest_groups"] = [{"rows": int(size[i]), "line": int(data.line[first[i]])} for i in order]
    return counts


def _check(data: Data, spec: str | Path, chosen: Sequence[Head], trainings: Sequence[FitOptions]) -> None:
    for head in chosen:
        if data.kind not in head.kinds:
            takes = " or ".join(sorted(head.kinds))
            raise InputError(f"head {head.name} takes {takes} features, but {spec} holds {data.kind} features")
    for training in trainings:
        if training.cost is not None:
            parse_costs(training.cost, data.classes)
        counts = data.y.sum(0) if data.multilabel else np.bincount(data.y, minlength=len(data.classes))
        if training.calibrate == "isotonic" and counts.min() < ISOTONIC_ROWS:
            few = int(counts.argmin())
            raise InputError(
                f"`calibrate='isotonic'`: class {data.classes[few]!r} has {counts[few]} rows, and below "
                f"{ISOTONIC_ROWS:,} a class its steps follow chance; choose sigmoid or temperature"
            )
        training.check(data.multilabel, len(data.classes), data.kind == "pooled")


def _check_epochs(head: Head, epochs: Sequence[int]) -> None:
    if not epochs:
        return
    last = getattr(head, "epochs", None)
    if last is None:
        raise InputError(f"`report_epochs`: head {head.name} has no epochs")
    if getattr(head, "patience", 0):
        raise InputError(f"`report_epochs`: head {head.name} with patience may stop before; set patience=0")
    if not 1 <= min(epochs) <= max(epochs) <= last:
        raise InputError(f"`report_epochs`: head {head.name} trains for {last} epochs; name some of these")


def _same_rows(a: Data, b: Data) -> bool:
    """Whether two stores hold the same rows, so that baselines of the one are those of the other."""
    same = np.array_equal(a.row, b.row) and np.array_equal(a.text_hash, b.text_hash) and np.array_equal(a.y, b.y)
    return same and (a.texts is None) == (b.texts is None) and a.kind == b.kind and a.split == b.split


def _baselines(data: Data) -> list[tuple[str, X, Head]]:
    found: list[tuple[str, X, Head]] = [("majority", data.x, registry.load("majority"))]
    own = data.x if isinstance(data.x, IdFeatures) and data.x.table is None else None
    words = data.texts if own is None else own
    if words is not None:
        found.append(("tfidf+logistic", words, registry.load("logistic", C=10.0)))
    return found


def _positive(name: str | None, data: Data) -> int:
    """Number of the positive class: as asked, else the one with a telling name, else the rarer."""
    if name is not None and name not in data.classes:
        raise InputError(f"`positive={name!r}`: no such class; there are: {', '.join(data.classes)}")
    if name is not None:
        return data.classes.index(name)
    if data.problem != "binary":
        return len(data.classes) - 1
    telling = [i for i, label in enumerate(data.classes) if label.strip().lower() in TELLING]
    counts = np.bincount(data.y, minlength=2)
    return telling[0] if len(telling) == 1 else 0 if counts[0] < counts[1] else 1


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
