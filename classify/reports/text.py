"""Runs -> a terminal table; no arithmetic on scores."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from classify.analysis.comparison import Interval
from classify.analysis.learning import learning_fit
from classify.metrics_json import Estimate, RunMetrics, Summary
from classify.recipe_json import FeaturesRecord
from classify.reports.grid import NAME, TERMINAL, grid, shorten
from classify.runs import Run
from classify.scoring.epoch_metrics import names_of
from classify.scoring.metrics import METRICS, columns_of, title_of
from classify.sources import tables_of

if TYPE_CHECKING:
    from rich.console import Group

Scored = Estimate | Interval
INDENT = 2  # of the details of a run

VARYING: dict[str, Callable[[Run], str]] = {  # columns that are shown where runs differ in them
    "features": lambda run: feature_names(run.recipe.features),
    "sampler": lambda run: run.recipe.sampler,
}


def feature_names(features: FeaturesRecord) -> str:
    """The stores without their folders, with the options of columns that were made."""
    parts = features.joined or [features]
    if features.members or not (features.joined or features.dims or features.columns):
        return "+".join(Path(part).stem for part in features.path.split("+"))
    return "+".join(Path(part.path).stem + _spelled(part) for part in parts)


def _spelled(part: FeaturesRecord) -> str:
    options = {("dims" if name == "tfidf" else name): value for name, value in part.columns.items()}
    options |= {"dims": part.dims} if part.dims else {}
    return ":" + ",".join(f"{name}={value}" for name, value in options.items()) if options else ""


def score_tables(runs: list[Run]) -> list[tuple[Group, Run]]:
    """For the runs of each table of texts: their scores, and the first of them."""
    sources: dict[str, list[Run]] = {}
    for run in runs:
        sources.setdefault(str(tables_of(run.recipe.features.source)), []).append(run)
    return [(_scores(some), some[0]) for some in sources.values()]


def _scores(runs: list[Run]) -> Group:
    """One row for each baseline and run: out-of-fold values over their 95 % intervals; the best F1 is marked."""
    shown = columns_of(runs[0].recipe.problem)
    columns = [column for column in VARYING if len({str(VARYING[column](run)) for run in runs}) > 1]
    rows = []
    seen = set()
    for run in runs:
        sampler = run.recipe.sampler
        for name, metrics in run.metrics.baselines.items():
            if (name, sampler) not in seen:
                own = [sampler if column == "sampler" else "" for column in columns]
                rows.append(([name, *own], _cells(metrics, shown)))
            seen.add((name, sampler))
    best = best_run(runs)
    for run in runs:
        mark = " *" if run is best and len(runs) > 1 else ""
        own = [str(VARYING[column](run)) for column in columns]
        name = head_spec(run) if run.recipe.ensemble is None else run.recipe.head.name
        rows.append(([shorten(name, NAME - 2) + mark, *own], _cells(run.metrics, shown)))
    return grid(["head", *columns], list(shown.values()), rows)


def best_run(runs: list[Run]) -> Run:
    """The one with the largest F1 macro, the first of several."""
    return max(runs, key=lambda run: run.metrics.overall["f1_macro"].value or 0.0)


def best_of(runs: list[Run]) -> str:
    """The best run with its interval, in one sentence, and what that is worth."""
    best = best_run(runs)
    score = best.metrics.overall["f1_macro"]
    value = f"F1 macro {with_interval(score)}"
    caution = "best of several on the same rows, so a little flattered; tk compare says what differs"
    return f"* {spec_of(best)}: {value}; {caution}"


def spec_of(run: Run) -> str:
    """Head, and sampler where there is one."""
    sampler = run.recipe.sampler
    return head_spec(run) + ("" if sampler == "none" else f", sampler {sampler}")


def head_spec(run: Run) -> str:
    """The head with the options that are not the defaults, as on the command line."""
    from classify import heads

    head, ensemble = run.recipe.head, run.recipe.ensemble
    if ensemble is not None:
        return f"{head.name} of {', '.join(ensemble.runs)}"
    defaults = heads.load(head.name).options()
    changed = [f"{name}={value}" for name, value in head.options.items() if value != defaults.get(name)]
    return head.name + (":" + ",".join(changed) if changed else "")


def details(run: Run) -> list[str]:
    """Folds, classes and confusion matrix of one run, a line each."""
    f1 = run.metrics.overall["f1_macro"]
    lines = []
    if f1.sd is not None:
        lines.append(f"F1 macro over the folds: mean {f1.mean:.4f}, sd {f1.sd:.4f}")
    lines += second_scores(run)
    lines += _labels(run) if run.recipe.problem == "multi-label" else _classes(run)
    model = run.recipe.model
    if model.thresholds is not None:
        lines.append("threshold of the model: " + ", ".join(f"{t:.4f}" for t in model.thresholds))
    if model.chosen:
        lines.append("chosen: " + ", ".join(f"{name}={value}" for name, value in model.chosen.items()))
    lines += [line for extra in extras(run.metrics, run.recipe.problem) for line in extra.split("\n")]
    return lines + [f"note: {note}" for note in run.metrics.notes]


def second_scores(run: Run) -> list[str]:
    """What the first table has no room for: decisions on one line, what the probabilities are worth on the next."""
    overall, titles = run.metrics.overall, columns_of(run.recipe.problem, 2)
    said = {name: f"{title} {with_interval(overall[name])}" for name, title in titles.items() if name in overall}
    lines = ["  ".join(text for name, text in said.items() if METRICS[name].needs_probabilities == of) for of in (0, 1)]
    return [line for line in lines if line] + calibration(overall)


def calibration(overall: Mapping[str, Scored]) -> list[str]:
    """Slope and intercept of the calibration, in a line, where there are two classes."""
    slope, intercept = (overall.get(f"calibration_{name}") for name in ("slope", "intercept"))
    if slope is None or intercept is None or slope.value is None or intercept.value is None:
        return []
    return [f"calibration: slope {slope.value:.3f} (1 is best), intercept {intercept.value:+.3f} (0 is best)"]


def _classes(run: Run) -> list[str]:
    classes, lines = run.recipe.classes, []
    for name, row in zip(classes, run.metrics.confusion, strict=True):
        score = run.metrics.per_class[name]
        numbers = f"precision {score['precision']:.3f}  recall {score['recall']:.3f}  F1 {score['f1']:.3f}"
        predicted = ", ".join(f"{count:,} {other}" for count, other in zip(row, classes, strict=True) if count)
        lines.append(f"{name}: {numbers}  ({score['support']:,.0f} rows, predicted as {predicted})")
    return lines


def _labels(run: Run) -> list[str]:
    lines = []
    for name, score in run.metrics.per_class.items():
        numbers = f"precision {score['precision']:.3f}  recall {score['recall']:.3f}  F1 {score['f1']:.3f}"
        areas = [score["roc_auc_label"], score["pr_auc_label"]]
        roc, pr = ("-" if area is None else f"{area:.4f}" for area in areas)
        lines.append(f"{name}: {numbers}  ROC-AUC {roc}  PR-AUC {pr}  ({score['support']:,.0f} rows)")
    return lines


def extras(metrics: RunMetrics, problem: str) -> list[str]:
    """Learning curve, scores at epochs, and what duplicates across folds flatter; scores are on lines of their own."""
    lines = []
    for point in metrics.learning_curve:
        rows = f"{point.share:.0%} of the training rows ({point.train_rows:,.0f})"
        lines.append(f"with {rows}:{_brief(point.overall, problem)}")
    if (law := learning_fit(metrics)) is not None:
        lines.append(f"{law.sentence(title_of(law.metric))}, by a power law through these scores")
    for at in metrics.epochs:
        lines.append(f"after {at.epoch} epoch{'s' * (at.epoch > 1)}:{_brief(at.overall, problem)}")
    if honest := metrics.identical_texts_in_one_fold:
        gained = ", ".join(
            f"{title_of(name)} {value:+.4f}" for name, value in honest.optimism.items() if value is not None
        )
        lines.append(f"identical texts on both sides flatter by: {gained}")
    return lines


def _brief(overall: Mapping[str, Estimate], problem: str) -> str:
    """The metrics that curves are drawn of, with their intervals, on lines that fit a terminal where indented."""
    lines = [""]
    for name in names_of(problem):
        if name in overall:
            text = f"  {title_of(name, problem)} {with_interval(overall[name])}"
            if len(lines) == 1 or len(lines[-1] + text) > TERMINAL - INDENT:
                lines.append("")
            lines[-1] += text
    return "\n".join(lines)


def with_interval(score: Scored | None) -> str:
    """A score and its interval on one line."""
    return _lines(score, " [{:.3f}, {:.3f}]")


def cell(score: Scored | None) -> str:
    """A score over its interval, for a table."""
    return _lines(score, "\n{:.3f}-{:.3f}")


def _lines(score: Scored | None, interval: str) -> str:
    if score is None or score.value is None:
        return "-"
    return f"{score.value:.4f}" + ("" if score.low is None else interval.format(score.low, score.high))


def _cells(metrics: Summary, shown: Iterable[str]) -> list[str]:
    return [cell(metrics.overall.get(name)) for name in shown]
