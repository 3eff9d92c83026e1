"""The first screen of a report: what came out, in words."""

from __future__ import annotations

import numpy as np

from classify.reports.basis import basis
from classify.reports.html import Markup, element, join
from classify.reports.run_data import RunData
from classify.scoring.metrics import title_of
from classify.sources import encoding_cost, training_seconds
from stores.shared.plot_style import shown

WORDS = {"tfidf+logistic": "a bag of words", "majority": "always the most frequent class"}


def verdict(run_data: RunData) -> Markup:
    """Whether it beats the baselines, what it finds and misses, what its probabilities are worth, and what it cost."""
    sentences = [_against_baseline(run_data), _decisions(run_data), _probabilities(run_data), _cost(run_data)]
    said = " ".join(sentence for sentence in sentences if sentence)
    rests, _, more = f"{basis(run_data.run)}.".partition("; ")
    folded = element("details", element("summary", f"{rests} ..."), element("p", more), class_="muted")
    return join([element("p", said, class_="verdict"), folded if more else element("p", rests, class_="muted")])


def _against_baseline(run_data: RunData) -> str:
    """Against the best baseline: Better than a bag of words by 0.073 F1 macro [0.051, 0.095]: 0.930 against 0.857."""
    metrics = run_data.run.metrics
    score, name = metrics.overall["f1_macro"], title_of("f1_macro", run_data.problem)
    others = {n: m.overall["f1_macro"] for n, m in metrics.baselines.items()}
    best = max(others, key=lambda n: others[n].value or 0.0)
    baseline, called = others[best], WORDS.get(best, best)
    if score.value is None or baseline.value is None:
        return f"{name} has no value."
    difference, found = score.value - baseline.value, metrics.more.get("against_baseline") or {}
    low, high = (found.get("low"), found.get("high")) if found.get("name") == best else (None, None)
    numbers = f"{score.value:.3f}{_interval(score.low, score.high)} against {baseline.value:.3f}"
    if abs(difference) < 0.0005:
        return f"No better than {called}: {name} {numbers}."
    word = "Better" if difference > 0 else "Worse"
    if low is None or high is None:
        return f"{word} than {called} by {abs(difference):.3f} {name}: {numbers}."
    if low <= 0 <= high:
        return f"Not told from {called} by these rows: {difference:+.3f} {name} [{low:+.3f}, {high:+.3f}], {numbers}."
    low, high = sorted((abs(low), abs(high)))
    return f"{word} than {called} by {abs(difference):.3f} {name} [{low:.3f}, {high:.3f}]: {numbers}."


def _interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f" [{low:.3f}, {high:.3f}]"


def _decisions(run_data: RunData) -> str:
    """What is found and what is not, such as: It finds 87 of 100 spam, and takes 2 of 100 ham for spam."""
    counts, classes = np.array(run_data.run.metrics.confusion), [_in_text(name) for name in run_data.classes]
    if run_data.problem == "binary":
        c = run_data.predictions.positive
        shares = 100 * counts[:, c] / np.maximum(counts.sum(1), 1)
        name, other = classes[c], classes[1 - c]
        return f"It finds {_of_hundred(shares[c])} {name}, and takes {_of_hundred(shares[1 - c])} {other} for {name}."
    if run_data.predictions.multilabel:
        hit, missed, given = counts[:, 1, 1].sum(), counts[:, 1, 0].sum(), counts[:, 0, 1].sum()
        recall = 100 * hit / max(hit + missed, 1)
        said = f"It finds {_of_hundred(recall)} labels, and of {hit + given:,} that it gives {given:,} are wrong."
        return said + _exact_match(run_data)
    right = 100 * np.diag(counts) / np.maximum(counts.sum(1), 1)
    best, worst = int(right.argmax()), int(right.argmin())
    return f"It finds {_of_hundred(right[best])} {classes[best]}, but {_of_hundred(right[worst])} {classes[worst]}."


def _in_text(name: str) -> str:
    """A class in a sentence; in quotes where it could be taken for a number or for words of ours."""
    return shown(name) if name.isalpha() else f"'{shown(name)}'"


def _exact_match(run_data: RunData) -> str:
    """How many rows have all labels right, beside the best that a baseline has."""
    metrics = run_data.run.metrics
    own = metrics.overall["accuracy"].value
    others = {name: 100 * (other.overall["accuracy"].value or 0.0) for name, other in metrics.baselines.items()}
    if own is None or not others:
        return ""
    best = max(others, key=lambda name: others[name])
    beside = f"{WORDS.get(best, best)}: {others[best]:.1f}"
    return f" All labels of a row are right in {100 * own:.1f} of 100 ({beside})."


def _of_hundred(share: float) -> str:
    """``87 of 100``; small shares keep a digit: ``0.4 of 100``."""
    return f"{share:.1f} of 100" if 0 < share < 1 or 99 < share < 100 else f"{share:.0f} of 100"


def _probabilities(run_data: RunData) -> str:
    """Said only where the class frequencies alone have better ones."""
    metrics = run_data.run.metrics
    loss = metrics.overall["log_loss"].value
    chance = metrics.baselines["majority"].overall["log_loss"].value if "majority" in metrics.baselines else None
    if loss is None or chance is None or loss <= chance:
        return ""
    return (
        f"Its probabilities are worse than the class frequencies alone (log loss {loss:.3f}, they have {chance:.3f}): "
        "calibrate it, or do not use them."
    )


def _cost(run_data: RunData) -> str:
    encoding, training = encoding_cost(run_data.run).seconds, training_seconds(run_data.run)
    folds = len(run_data.run.metrics.folds)
    trained = f"training {folds} model{'s' * (folds > 1)} {training:.1f} s"
    return f"Encoding took {encoding:.1f} s, {trained}." if encoding is not None else f"Its cost: {trained}."
