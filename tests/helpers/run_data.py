"""Run data of given labels and probabilities."""

from types import SimpleNamespace

import numpy as np

from classify.metrics_json import Estimate, FoldScore, RunMetrics, Summary
from classify.recipe_json import HeadRecord, RowCounts
from classify.reports.run_data import RunData
from classify.runs import single_numbers
from classify.scoring.predictions import Predictions


def made(y, proba, classes, history=None):
    """RunData of given labels (codes, or 0/1 for each label) and probabilities, two folds, without a store."""
    y, proba = np.array(y), np.array(proba, float)
    several = y.ndim == 2
    predicted = (proba >= 0.5).astype(int) if several else proba.argmax(1)
    line = np.arange(2, len(y) + 2)
    p = Predictions(classes, 1, line, line, line, np.arange(len(y)) % 2, y, predicted, proba)
    overall = p.measure()
    numbers = single_numbers(overall)
    scores = {name: Estimate(value, value, value, value, 0.0) for name, value in numbers.items()}
    folds = [FoldScore(4, 4, 4, 0.1, history or {}, {}, None, numbers) for _ in range(2)]
    confusion = overall["confusion"][0].astype(int).tolist()
    metrics = RunMetrics(scores, {}, confusion, folds, baselines={"majority": Summary(scores, {}, confusion, folds)})
    problem = "multi-label" if several else "binary" if len(classes) == 2 else "multi-class"
    rows = RowCounts(len(y), 0, 0, len(y))
    recipe = SimpleNamespace(problem=problem, head=HeadRecord("nb", {}), rows=rows)
    run = SimpleNamespace(recipe=recipe, metrics=metrics)
    return RunData(run, p, [], None, [])
