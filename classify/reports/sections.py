"""The parts of a report that hold numbers and texts: what was asked, scores, costs, rows to look at."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from classify.analysis.comparison import Interval
from classify.metrics_json import Estimate, FoldScore, Summary
from classify.recipe_json import FeaturesRecord
from classify.reports.html import Markup, definitions, element, escape, join, section, table
from classify.reports.run_data import RunData
from classify.reports.text import extras, head_spec
from classify.scoring.metrics import columns_of, metrics_of
from classify.sources import recipes_of, tables_of
from stores.shared.worded import worded

SORTED = 5  # classes above which their table can be sorted


def scores(run_data: RunData) -> Markup:
    """The run beside its baselines, and what else was measured."""
    metrics = run_data.run.metrics
    shown = columns_of(run_data.problem)
    rows = [[name, *_cells(other, shown)] for name, other in metrics.baselines.items()]
    grid = table(["head", *shown.values()], [*rows, [_strong(head_spec(run_data.run)), *_cells(metrics, shown)]])
    multilabel = run_data.predictions.multilabel
    note = "Values over all out-of-fold predictions. "
    note += "Exact match counts the rows all of whose labels are right. " if multilabel else ""
    note += "Below each value its 95% interval."
    lines = [element("li", line) for line in extras(metrics, run_data.problem)]
    return section("Score", "score", grid, element("p", note, class_="note"), element("ul", *lines) if lines else "")


def asked(run_data: RunData) -> Markup:
    """What was asked and of what: all that is needed to do it again."""
    recipe = run_data.run.recipe
    pairs: list[tuple[str, object]] = []
    if recipe.ensemble is not None:
        pairs.append(("ensemble of", ", ".join(recipe.ensemble.runs)))
    for made in recipe.features.stores():
        pairs += _origin(made)
    chosen = {**(recipe.model.chosen or {}), "thresholds": recipe.model.thresholds}
    pairs += [
        ("head", _listed(recipe.head.options, recipe.head.name)),
        ("split", _listed(recipe.split)),
        ("training", _listed({"sampler": recipe.sampler, **recipe.training})),
        ("model kept", f"fitted on {recipe.model.fitted_on}"),
        ("chosen for the model", _listed(chosen)),
        ("classes", ", ".join(recipe.classes)),
        ("positive class", recipe.positive or "-"),
        ("rows", _listed(recipe.rows.as_dict())),
        ("seed", recipe.seed),
        ("command", element("pre", recipe.command or "called from Python")),
        ("versions", _listed(recipe.versions)),
        ("made", recipe.created),
    ]
    return section("What was asked, and of what", "asked", definitions(pairs))


def _origin(made: FeaturesRecord) -> list[tuple[str, object]]:
    """The tables and encoders of a store, of each store that it was merged or joined from."""
    data = "; ".join(f"{name} ({digest or 'no digest'})" for name, digest in tables_of(made.source))
    return [
        ("data", data),
        *(("encoder", _encoder(recipe)) for recipe in recipes_of(made.recipe)),
        ("identity digest", element("code", made.identity_digest)),
        ("features", join([made.path, element("code", f" {made.digest}")])),
    ]


def _encoder(recipe: dict[str, Any]) -> str:
    options = {**recipe.get("options", {}), "cleaning": " ".join(recipe.get("cleaning", [])) or "none"}
    return _listed(options, recipe.get("encoder", "of another program"))


def _listed(values: dict, name: str = "") -> str:
    pairs = ", ".join(
        f"{str(key).replace('_', ' ')}: {worded(value)}" for key, value in values.items() if value not in (None, {})
    )
    return f"{name} ({pairs})" if name and pairs else name or pairs or "nothing"


def tables(run_data: RunData) -> Markup:
    """Scores of each class and of each fold."""
    metrics = run_data.run.metrics
    shown = columns_of(run_data.problem)
    columns = {metric.name: metric.title for metric in metrics_of(run_data.problem, per_class=True)}
    counted = columns.pop("support")
    rows = [
        [name, *(_number(score.get(key)) for key in columns), f"{score['support']:,.0f}"]
        for name, score in metrics.per_class.items()
    ]
    what = "label" if run_data.predictions.multilabel else "class"
    by_class = table([what, *columns.values(), counted], rows, name="classes-table" if len(rows) > SORTED else "")
    heads = ["fold", "trained on", "tested", "seconds", *shown.values()]
    folds = [
        [i + 1, _fitted(f), f"{f.test_rows:,}", f"{f.seconds:.2f}", *(_number(f.metrics.get(m)) for m in shown)]
        for i, f in enumerate(metrics.folds)
    ]  # fmt: skip
    overall = [metrics.overall.get(name) for name in shown]
    folds.append([_strong("mean"), "", "", "", *(_number(None if score is None else score.mean) for score in overall)])
    folds.append([_strong("sd"), "", "", "", *(_number(None if score is None else score.sd) for score in overall)])
    by_fold = [element("h3", "By fold"), table(heads, folds)]
    by_fold += [element("p", said, class_="note") for said in _choices(metrics.folds)]
    return section(f"By {what} and by fold", "tables", element("h3", f"By {what}"), by_class, *by_fold)


def _fitted(fold: FoldScore) -> str:
    """Training rows; where they were sampled or weighted, how many that made."""
    sampled = f" (sampled: {fold.fitted_rows:,.0f})" if round(fold.fitted_rows) != fold.train_rows else ""
    return f"{fold.train_rows:,}{sampled}"


def _choices(folds: list[FoldScore]) -> list[str]:
    """What the folds chose, those that chose the same in one sentence."""
    by_choice: dict[str, list[str]] = {}
    for number, fold in enumerate(folds):
        values = dict(fold.chosen)
        if fold.thresholds:
            values["thresholds"] = ", ".join(f"{value:.4f}" for value in fold.thresholds)
        if values:
            by_choice.setdefault(_listed(values), []).append(str(number + 1))
    said = []
    for choice, numbers in by_choice.items():
        some = f"Fold{'s' * (len(numbers) > 1)} {', '.join(numbers)}"
        said.append(f"{'All folds' if len(numbers) == len(folds) > 1 else some} chose {choice}.")
    return said


def files(run_data: RunData) -> Markup:
    """Links to what lies beside the page."""
    folder = run_data.run.folder
    names = ["predictions.csv", "metrics.json", "recipe.json"]
    names += sorted(f"figures/{path.name}" for path in (folder / "figures").glob("*.svg"))
    links = [element("li", element("a", name, href=name)) for name in names if (folder / name).is_file()]
    return section("Files", "files", element("ul", *links, class_="files"))


def costs(run_data: RunData) -> Markup:
    """What was slow: encoding and training, in seconds and texts per second."""
    rows = []
    for store in run_data.stores:
        encoded = store.totals.get("encoded", 0)
        rate = f"{encoded / store.seconds:,.0f}" if encoded and store.seconds else "-"
        step = f"encode {store.path.name}: {encoded:,} of {store.totals['rows']:,} texts, the others were known"
        rows.append([step, f"{store.seconds:,.2f}", rate])
        if reused := store.totals.get("reused"):
            known = store.reused_seconds > 0  # not NaN either
            cells = [f"{store.reused_seconds:,.2f}", f"{reused / store.reused_seconds:,.0f}"] if known else ["-", "-"]
            rows.append([f"{reused:,} of these, where they were encoded", *cells])
    folds = run_data.run.metrics.folds
    seconds, trained = sum(f.seconds for f in folds), sum(f.train_rows for f in folds)
    step = f"train {len(folds)} models of {trained // len(folds):,} rows each"
    step = step if len(folds) > 1 else f"train a model of {trained:,} rows"
    rows.append([step, f"{seconds:,.2f}", f"{trained / seconds:,.0f}" if seconds else "-"])
    return section("What was slow", "cost", table(["step", "seconds", "texts per second"], rows))


def _cells(metrics: Summary, shown: Iterable[str]) -> list[Markup]:
    return [score_cell(metrics.overall.get(name)) for name in shown]


def score_cell(score: Estimate | Interval | None, sign: str = "") -> Markup:
    """A value over its interval, as a cell of a table; a difference has its sign (``+``)."""
    if score is None or score.value is None:
        return Markup("-")
    low, high, to = score.low, score.high, " to " if sign else "-"
    below = "" if low is None else element("span", f"{low:{sign}.3f}{to}{high:{sign}.3f}", class_="interval")
    return join([f"{score.value:{sign}.4f}", below])


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _strong(text: str) -> Markup:
    return element("b", escape(text))
