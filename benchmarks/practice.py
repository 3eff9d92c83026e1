"""The default of ``tk classify`` against what a good practitioner gets in two minutes with scikit-learn, on one split.

    python -m benchmarks.practice features/sms.static.h5 features/sms.words.h5 ...
    python -m benchmarks.practice features/toxic.glove.h5 --repeats 10

The practitioner standardises vectors and lets ``LogisticRegressionCV`` choose C from seven values on three inner folds;
texts become TF-IDF of words and pairs of words, with sublinear counts, and C is chosen from 1, 10 and 100 by a grid
search. Both are scored on the test rows of the same five folds; tk has the head ``logistic`` as it is by default. With
``--repeats`` the folds are drawn so often, and the scores are means over the repeats.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.metrics import f1_score, log_loss
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from classify.data import load_data
from classify.pipeline import classify
from classify.scoring.predictions import Predictions
from stores import FeatureStore

WORSE_F1, WORSE_LOSS = 0.005, 0.03  # by how much the default may be worse, the second as a share


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stores", type=Path, nargs="+", help="of pooled features, or of words with their texts")
    parser.add_argument("--repeats", type=int, default=1, help="how often the five folds are drawn  [default: 1]")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")  # a practitioner in a hurry
    worse = 0
    print("| features | F1 macro: tk | scikit-learn | log loss: tk | scikit-learn | seconds: tk | scikit-learn |")
    print("| --- |" + " ---: |" * 6)
    for store in asked.stores:
        start = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            (run,) = classify(store, "logistic", repeats=asked.repeats, out=Path(folder) / "run")
            predictions = run.predictions()
        ours = time.perf_counter() - start
        start = time.perf_counter()
        proba = practitioner(store, predictions)
        theirs = time.perf_counter() - start
        f1, loss = zip(*(_means(predictions, p, asked.repeats) for p in (predictions.proba, proba)), strict=True)
        bad = f1[0] < f1[1] - WORSE_F1 or loss[0] > loss[1] * (1 + WORSE_LOSS)
        worse += bad
        cells = [*(f"{x:.3f}" for x in f1), *(f"{x:.4f}" for x in loss), f"{ours:.1f}", f"{theirs:.1f}"]
        print(f"| {store.stem}{' (worse)' if bad else ''} | " + " | ".join(cells) + " |", flush=True)
    sys.exit(f"the default is worse on {worse} of them" if worse else 0)


def _means(predictions: Predictions, proba: np.ndarray, repeats: int) -> tuple[float, float]:
    """F1 macro and log loss of these probabilities, means over the repeats."""
    repeat = predictions.fold * repeats // (predictions.fold.max() + 1)
    some = [(predictions.y[repeat == r], proba[repeat == r]) for r in range(repeats)]
    f1 = [f1_score(truth, p.argmax(1), average="macro") for truth, p in some]
    return float(np.mean(f1)), float(np.mean([log_loss(truth, p) for truth, p in some]))


def practitioner(store: Path, predictions: Predictions) -> np.ndarray:
    """float64 ``[n, C]``: probabilities of the rows of ``predictions``, each by the model of the other folds."""
    data = load_data(store)
    place = {row: i for i, row in enumerate(data.row)}
    tested = np.array([place[row] for row in predictions.row])
    words = not isinstance(data.x, np.ndarray)
    x: Any = np.array(_texts(store), object)[data.row] if words else data.x
    proba = np.zeros((len(tested), len(data.classes)))
    for fold in np.unique(predictions.fold):
        test = np.flatnonzero(predictions.fold == fold)
        train = np.setdiff1d(tested, tested[test])
        model = _of_words() if words else _of_vectors()
        proba[test] = model.fit(x[train], data.y[train]).predict_proba(x[tested[test]])
    return proba


def _texts(store: Path) -> list[str]:
    with FeatureStore(store) as opened:
        if opened.texts is None:
            sys.exit(f"{store} was made without texts")
        return opened.texts[:]


def _of_vectors() -> Any:
    head = LogisticRegressionCV(
        Cs=np.logspace(-4, 2, 7), cv=3, scoring="neg_log_loss", max_iter=1000, n_jobs=2, use_legacy_attributes=False,
        l1_ratios=(0,),
    )  # fmt: skip
    return make_pipeline(StandardScaler(), head)


def _of_words() -> Any:
    pipeline = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), LogisticRegression(solver="liblinear")
    )
    return GridSearchCV(pipeline, {"logisticregression__C": [1, 10, 100]}, cv=3, scoring="neg_log_loss", n_jobs=2)


if __name__ == "__main__":
    main()
