"""The parts of a report that hold numbers and texts: what was asked, scores, costs, rows to look at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from classify.errors import errors
from classify.evidence import Evidence
from classify.figures.decisions import counts_at
from classify.html import Markup, data, definitions, element, escape, join, section, table
from classify.report import SHOWN, basis, extras, head_spec
from classify.sources import parts_of
from stores.pictures import shown

TOP = 25  # rows of each kind
CHARACTERS = 600  # of a text
CUTS = 99  # thresholds of even steps, and as many between equal numbers of rows


def verdict(evidence: Evidence) -> Markup:
    """What came out, in two sentences."""
    metrics = evidence.run.metrics
    score = metrics["overall"]["f1_macro"]
    interval = "" if score["low"] is None else f" (95% interval {score['low']:.3f} to {score['high']:.3f})"
    others = " and ".join(f"{n} {m['overall']['f1_macro']['value']:.3f}" for n, m in metrics["baselines"].items())
    said = f"F1 macro {score['value']:.3f}{interval}; on the same splits {others}."
    return join([element("p", said, class_="verdict"), element("p", f"{basis(evidence.run)}.", class_="muted")])


def scores(evidence: Evidence) -> Markup:
    """The run beside its baselines, and what else was measured."""
    metrics = evidence.run.metrics
    rows = [[name, *_cells(other)] for name, other in metrics["baselines"].items()]
    grid = table(["head", *SHOWN.values()], [*rows, [_strong(head_spec(evidence.run)), *_cells(metrics)]])
    note = "Values over all out-of-fold predictions, their bootstrap 95% intervals below."
    lines = [element("li", line) for line in extras(metrics)]
    return section("Score", "score", grid, element("p", note, class_="note"), element("ul", *lines) if lines else "")


def asked(evidence: Evidence) -> Markup:
    """What was asked and of what: all that is needed to do it again."""
    recipe = evidence.run.recipe
    pairs: list[tuple[str, object]] = []
    if "ensemble" in recipe:
        pairs.append(("ensemble of", ", ".join(recipe["ensemble"]["runs"])))
    for made in parts_of(recipe["features"]):
        pairs += _origin(made)
    training = {"sampler": recipe["sampler"], **recipe["training"]}
    model = recipe["model"]
    pairs += [
        ("head", _listed(recipe["head"]["options"], recipe["head"]["name"])),
        ("split", _listed(recipe["split"])),
        ("training", _listed(training)),
        ("chosen for the model", _listed({**model["chosen"], "thresholds": model["thresholds"]})),
        ("classes", ", ".join(recipe["classes"])),
        ("positive class", recipe["positive"] or "-"),
        ("rows", _listed(recipe["rows"])),
        ("seed", recipe["seed"]),
        ("command", element("pre", recipe["command"] or "called from Python")),
        ("versions", _listed(recipe["versions"])),
        ("made", recipe["created"]),
    ]
    return section("What was asked, and of what", "asked", definitions(pairs))


def _origin(made: dict) -> list[tuple[str, object]]:
    source, recipe = made["source"], made["recipe"]
    files = source.get("files") or [source]
    options = {**recipe.get("options", {}), "cleaning": " ".join(recipe.get("cleaning", [])) or "none"}
    return [
        ("data", "; ".join(f"{file['file']} ({file.get('digest', 'no digest')})" for file in files)),
        ("encoder", _listed(options, recipe["encoder"])),
        ("identity digest", element("code", made["identity_digest"])),
        ("features", join([made["path"], element("code", f" {made['digest']}")])),
    ]


def _listed(values: dict, name: str = "") -> str:
    pairs = ", ".join(f"{key.replace('_', ' ')}: {value}" for key, value in values.items() if value not in (None, {}))
    return f"{name} ({pairs})" if name and pairs else name or pairs or "nothing"


def tables(evidence: Evidence) -> Markup:
    """Scores of each class and of each fold."""
    metrics = evidence.run.metrics
    columns = {"precision": "precision", "recall": "recall", "f1": "F1"}
    columns |= {"roc_auc_label": "ROC-AUC", "pr_auc_label": "PR-AUC"} if evidence.predictions.several else {}
    rows = [
        [name, *(_number(score[key]) for key in columns), f"{score['support']:,.0f}"]
        for name, score in metrics["per_class"].items()
    ]
    by_class = table(["class", *columns.values(), "rows"], rows)
    heads = ["fold", "trained on", "tested", "seconds", *SHOWN.values()]
    folds = [
        [i + 1, f"{f['train_rows']:,}", f"{f['test_rows']:,}", f"{f['seconds']:.2f}",
         *(_number(f["metrics"].get(m)) for m in SHOWN)]
        for i, f in enumerate(metrics["folds"])
    ]  # fmt: skip
    for name in ("mean", "sd"):
        folds.append([_strong(name), "", "", "", *(_number(metrics["overall"][m][name]) for m in SHOWN)])
    chosen = [_choice(i, fold) for i, fold in enumerate(metrics["folds"])]
    by_fold = [element("h3", "By fold"), table(heads, folds), *(element("p", c, class_="note") for c in chosen if c)]
    return section("By class and by fold", "tables", element("h3", "By class"), by_class, *by_fold)


def _choice(number: int, fold: dict) -> str:
    values = dict(fold.get("chosen") or {})
    if fold.get("thresholds"):
        values["thresholds"] = ", ".join(f"{value:.4f}" for value in fold["thresholds"])
    return f"Fold {number + 1} chose {_listed(values)}." if values else ""


def slider(evidence: Evidence) -> Markup:
    """A threshold to be moved, with what becomes of the decisions; for two classes."""
    if evidence.problem != "binary":
        return Markup("")
    p = evidence.predictions
    truth, proba = evidence.members[:, p.positive], p.proba[:, p.positive]
    decided = float(np.median(evidence.cuts))
    cuts = np.unique(
        np.concatenate([np.linspace(0, 1, CUTS + 2), np.quantile(proba, np.linspace(0, 1, CUTS)), [decided]])
    )
    taken, hit = counts_at(truth, proba, cuts)
    at = int(np.searchsorted(cuts, decided))
    name, other = shown(p.classes[p.positive]), shown(p.classes[1 - p.positive])
    numbers = {
        "threshold": cuts.round(6).tolist(), "taken": taken.tolist(), "hit": hit.tolist(),
        "positive": int(truth.sum()), "rows": len(truth),
    }  # fmt: skip
    gauges = [_gauge(key, label) for key, label in (("precision", "precision"), ("recall", "recall"), ("f1", "F1"))]
    cell = {key: element("span", "-", id=f"cut-{key}") for key in ("hit", "missed", "wrong", "left")}
    order = [[other, cell["left"], cell["wrong"]], [name, cell["missed"], cell["hit"]]]
    shown_cut = element("output", f"{decided:.4f}", id="cut-value")
    card = [
        element("label", f"Taken for {name} from a probability of ", shown_cut, for_="cut"),
        Markup(f'<input type="range" id="cut" min="0" max="{len(cuts) - 1}" value="{at}">'),
        element("div", *gauges, class_="gauges"),
        table(["is", f"taken for {other}", f"taken for {name}"], order),
        element("p", f"It starts where the run decided. n = {len(truth):,}, all out-of-fold predictions. To choose a "
                "threshold here and quote its score would flatter: tk classify --threshold f1 chooses it honestly.",
                class_="note"),
    ]  # fmt: skip
    return section("Move the threshold", "slider", element("div", *card, class_="card"), data("cuts", numbers))


def _gauge(key: str, label: str) -> Markup:
    meter = element("meter", min=0, max=1, value=0, id=f"cut-{key}-meter", aria_label=label)
    return element("div", label, element("b", "-", id=f"cut-{key}"), meter, class_="gauge")


def look_at(evidence: Evidence) -> Markup:
    """Rows that a person should read, as ``tk errors`` finds them."""
    found = errors(evidence.run, TOP)
    surest = _surest(found, evidence.problem != "multi-class")
    doubted, together = found["suspected_label_errors"], found["contradictions"]
    known = "not known without the store" if together["count"] is None else f"{together['count']:,} texts"
    surely = ["text", "label", "taken for", "with probability", "line"]
    margins = ["text", "label", "seems to be", "margin", "line"]
    parts = [
        element("h3", f"Most wrong: {found['wrong']:,} of {found['rows']:,} rows are wrong"),
        _listing(surely, [[*_answers(row, row["predicted"]), f"{p:.4f}", row["line"]] for p, row in surest]),
        element("h3", f"Labels that are probably wrong: {doubted['count']:,}"),
        element("p", "By confident learning (Northcutt et al. 2021): the models, which had not seen the row, are as "
                "sure of another class as they are of rows that have it. Look before you change a label.",
                class_="note"),
        _listing(margins, [
            [*_answers(row, row["better"]), f"{row['margin']:+.4f}", row["line"]] for row in doubted["rows"]
        ]),
        element("h3", f"The same text with different labels: {known}"),
        _listing(["text", "lines by label"], [
            [_text(row["text"]), "; ".join(f"{n}: {_lines(lines)}" for n, lines in row["lines_by_label"].items())]
            for row in together["rows"]
        ]),
    ]  # fmt: skip
    return section("Rows to look at", "rows", *parts)


def _surest(found: dict, both: bool) -> list[tuple[float, dict]]:
    """The wrong decisions that the models were surest of, with the probability of each; a row once.

    Args:
        found: of ``errors``.
        both: whether to count also who is missed; of several classes, these are taken for another one.
    """
    decisions = []
    for sides in found["classes"].values():
        decisions += [(row["p"], row) for row in sides["false_positives"]["rows"]]
        decisions += [(1 - row["p"], row) for row in sides["false_negatives"]["rows"] if both]
    first: dict[int, tuple[float, dict]] = {}
    for p, row in sorted(decisions, key=lambda decision: -decision[0]):
        first.setdefault(row["line"], (p, row))
    return list(first.values())[:TOP]


def _answers(row: dict, other: object) -> list[object]:
    return [
        _text(row["text"]),
        *(", ".join(a) or "(none)" if isinstance(a, list) else a for a in (row["label"], other)),
    ]


def _listing(header: Sequence[str], rows: Sequence[Sequence[object]]) -> Markup:
    return table(header, rows, words=min(3, len(header))) if rows else element("p", "None.")


def _lines(lines: Sequence[int]) -> str:
    return ("line " if len(lines) == 1 else "lines ") + ", ".join(map(str, lines[:6])) + (", ..." if lines[6:] else "")


def _text(text: str | None) -> Markup:
    if text is None:
        return element("span", "not kept", class_="muted")
    cut = text if len(text) <= CHARACTERS else text[:CHARACTERS] + " \u2026"
    return element("span", cut or "(empty)", class_="text")


def costs(evidence: Evidence) -> Markup:
    """What was slow: encoding and training, in seconds and texts per second."""
    rows = []
    for store in evidence.stores:
        encoded = store.totals.get("encoded", 0)
        rate = f"{encoded / store.seconds:,.0f}" if encoded and store.seconds else "-"
        what = f"encode {store.path.name}: {encoded:,} of {store.totals['rows']:,} texts, the others were known"
        rows.append([what, f"{store.seconds:,.2f}", rate])
    folds = evidence.run.metrics["folds"]
    seconds, trained = sum(f["seconds"] for f in folds), sum(f["train_rows"] for f in folds)
    what = f"train {len(folds)} models of {trained // len(folds):,} rows each"
    rows.append([what, f"{seconds:,.2f}", f"{trained / seconds:,.0f}" if seconds else "-"])
    return section("What was slow", "cost", table(["step", "seconds", "texts per second"], rows))


def _cells(metrics: dict) -> list[Markup]:
    cells = []
    for name in SHOWN:
        score = metrics["overall"][name]
        low, high = score["low"], score["high"]
        below = "" if low is None or high is None else element("span", f"{low:.3f}-{high:.3f}", class_="interval")
        cells.append(join([_number(score["value"]), below]))
    return cells


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _strong(text: str) -> Markup:
    return element("b", escape(text))
