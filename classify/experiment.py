"""One table of features with its splits: what all heads that are evaluated on it share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from classify import heads as registry
from classify.data import Data
from classify.evaluate import Evaluation, at_epochs, evaluate, learning_curve
from classify.fitting.columns import ColumnParts
from classify.fitting.model import FittedModel
from classify.fitting.options import FitOptions
from classify.fitting.threshold import missed_goal, parse_rule
from classify.heads._fit_progress import FitProgress
from classify.heads._liblinear import prepare
from classify.heads.base import Head, X
from classify.metrics_json import Flattery
from classify.runs import Score, summary
from classify.scoring.calibration_error import worse_than_frequencies
from classify.scoring.metrics import columns_of
from classify.splits.nested import at_the_edge
from classify.splits.scheme import Scheme, Splits
from stores.features import IdFeatures
from stores.shared.reporter import Reporter

LARGEST = 3  # groups that are named
TFIDF = "tfidf+logistic"  # name of the baseline that reads words
MANY = 5  # classes up to which the baseline is tuned: on words there is a fit a class
Baselines = dict[tuple[str, str], Score]  # name and sampler -> score


@dataclass(frozen=True)
class Experiment:
    """What all heads on one store share.

    Attributes:
        data: labelled features.
        spec: the store, as it was given.
        scheme, plan: what is tested by a model of what, as asked for and as it came out.
        seed: of the split, the sampling, the head and the bootstrap.
        positive: of two classes, the one that some metrics are about.
        reporter: told what is being done.
    """

    data: Data
    spec: str | Path
    scheme: Scheme
    plan: Splits
    seed: int
    positive: int
    reporter: Reporter

    def told(self, step: str) -> FitProgress:
        """What tells of a step of the work on this store."""
        return FitProgress(self.reporter, f"{self.data.path.stem}, {step}")

    def begin(self) -> None:
        """Begin to load what the baseline of words needs: a thread does it while the head is fitted."""
        for name, x, _ in _baselines(self.data):
            if name == TFIDF and isinstance(x, IdFeatures):
                prepare(len(x.ids))

    def evaluate(
        self,
        step: str,
        head: Head,
        options: FitOptions,
        x: X | ColumnParts,
        report: tuple[int, ...] = (),
        keep: bool = False,
    ) -> Evaluation:
        """As ``classify.evaluate.evaluate``, on the splits; ``step``: what that is, for people."""
        return evaluate(
            self.data, x, head, self.plan.splits, options, seed=self.seed, positive=self.positive, report=report,
            keep=keep, progress=self.told(step),
        )  # fmt: skip

    def baselines(self, done: Baselines, sampler: str, tuned: bool) -> dict[str, Score]:
        """The scores of the baselines, by name; those that are not among ``done`` are computed and put there.

        Args:
            done: of these rows and splits.
            sampler: of the head that they stand beside; for ``smote`` they are not sampled, as it needs vectors.
            tuned: whether the options of the baselines are chosen on inner folds.
        """
        sampler = "none" if sampler == "smote" else sampler
        for name, x, head in _baselines(self.data):
            if (name, sampler) not in done:
                grid = head.grid_of("ids") if self._tunes_words(tuned) else {}
                options = FitOptions(sampler=sampler, tune=grid, must_tune=False)
                done[name, sampler] = self.evaluate(f"baseline {name}", head, options, x).score
        return {name: score for (name, of), score in done.items() if of == sampler}

    def _tunes_words(self, tuned: bool) -> bool:
        return tuned and len(self.data.classes) <= MANY

    def bag_of_words(self, tuned: bool) -> str:
        """What the baseline ``tfidf+logistic`` is, in one sentence."""
        chosen = "its C, and whether marks are words, chosen on inner folds" if self._tunes_words(tuned) else "C=10"
        return f"logistic regression on TF-IDF of words and pairs of words, with 1 + log(count), {chosen}"

    def more(
        self, head: Head, options: FitOptions, shares: Sequence[float], epochs: Sequence[int], evaluation: Evaluation
    ) -> dict[str, Any]:
        """Further entries of ``metrics.json``: learning curve, scores at epochs, what duplicates flatter."""
        more: dict[str, Any] = {"directions": evaluation.score.directions}
        data, splits, seed, positive = self.data, self.plan.splits, self.seed, self.positive
        if shares:
            more["learning_curve"] = learning_curve(
                data,
                head,
                splits,
                shares,
                options,
                seed=seed,
                positive=positive,
                progress=self.told(f"head {head.name}"),
            )
        if epochs:
            more["epochs"] = at_epochs(data, splits, evaluation.models, epochs, seed=seed, positive=positive)
        if self.scheme.allow_duplicates:
            told = self.told(f"head {head.name} with identical texts in one fold")
            honest = replace(self.scheme, allow_duplicates=False).plan(data, seed)
            apart = evaluate(
                data, data.x, head, honest.splits, options, seed=seed, positive=positive, progress=told
            ).score
            gained: dict[str, float | None] = {
                name: float(evaluation.score.overall[name][0]) - float(apart.overall[name][0])
                for name in columns_of(data.problem)
            }
            more["identical_texts_in_one_fold"] = Flattery(summary(apart, data.classes).overall, gained)
        return more

    def notes(self, head: Head, options: FitOptions, evaluation: Evaluation, baselines: dict[str, Score]) -> list[str]:
        """What the user should know of a run, a sentence each."""
        notes = []
        data = self.data
        if data.raw_hash is None:
            notes.append(
                f"{data.path.name} was made before stores kept hashes of the raw texts, so its split depends on the "
                "cleaning, and texts that differ in case, digits or links alone may be on both sides; embed it again"
            )
        models = [*evaluation.models, evaluation.kept]
        edges = [at_the_edge(options.candidates(head), model.choice.options) for model in models]
        for option in sorted({option for option in edges if option}):
            values = [m.choice.options[option] for m, edge in zip(models, edges, strict=True) if edge == option]
            at = ", ".join(f"{value:g}" for value in sorted(set(values)))
            notes.append(
                f"{option}={at} is at the edge of what was tried, and was chosen for {len(values)} of {len(models)} "
                f"models; `tune` tries more: {head.name}:{option}=LOW..HIGH"
            )
        thresholds = [threshold for model in models for threshold in model.choice.thresholds or []]
        if options.threshold is not None and (missed := [bound for model in models for bound in model.choice.missed]):
            notes.append(missed_goal(parse_rule(options.threshold), missed, len(thresholds)))
        loss, chance = (score.overall["log_loss"][0] for score in (evaluation.score, baselines["majority"]))
        if loss > chance:
            notes.append(f"{worse_than_frequencies(head.name, loss, chance)}, and `calibrate='sigmoid'` can help")
        return notes

    def recipe(self, head: Head, options: FitOptions, kept: FittedModel) -> dict[str, Any]:
        """What is to be kept of how a run was made, JSON-able."""
        data = self.data
        rows: dict[str, Any] = {"labelled": len(data), "unlabelled": data.unlabelled, "broken": data.broken}
        rows["distinct_texts"] = len(np.unique(data.groups))
        counts = data.y.sum(0) if data.multilabel else np.bincount(data.y, minlength=len(data.classes))
        rows["by_class"] = dict(zip(data.classes, counts.tolist(), strict=True))
        return {
            "head": {"name": head.name, "options": head.options()},
            "problem": data.problem,
            "split": self.plan.how,
            "sampler": options.sampler,
            "training": options.as_dict(None if kept.choice.inner is None else kept.choice.inner.folds),
            "seed": self.seed,
            "classes": data.classes,
            "positive": data.classes[self.positive] if data.problem == "binary" else None,
            "model": {
                "fitted_on": "all labelled rows" if data.tested is None else "all rows but those of the test store",
                "chosen": kept.choice.options,
                "thresholds": kept.choice.thresholds,
            },
            "rows": rows | _with_twins(data),
            "features": {"path": str(self.spec), "kind": data.kind, **data.provenance},
        }


def _baselines(data: Data) -> list[tuple[str, X, Head]]:
    x = np.zeros((len(data), 1), np.float32) if isinstance(data.x, ColumnParts) else data.x  # it looks at none of it
    baselines: list[tuple[str, X, Head]] = [("majority", x, registry.load("majority"))]
    ids = data.x if isinstance(data.x, IdFeatures) and data.x.table is None else None
    words = data.texts if ids is None else ids
    if words is not None:
        baselines.append((TFIDF, words, registry.load("logistic", C=10.0)))
    return baselines


def _with_twins(data: Data) -> dict[str, Any]:
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
