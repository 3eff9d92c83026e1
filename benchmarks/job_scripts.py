"""The scripts that ``jobs.py`` compares with: what a person would write for the same job, each a process of its own.

Usage: python benchmarks/job_scripts.py tfidf|onnx|vectors|polars|pandas TABLE [MODEL] [--tuned]

Each reads the table as its libraries do, in their usual fast settings, and prints a score or writes the vectors.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from pathlib import Path

import numpy as np


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("script", choices=sorted(SCRIPTS))
    parser.add_argument("table", type=Path)
    parser.add_argument("model", type=Path, nargs="?", help="a graph with its tokenizer.json beside it; word vectors")
    parser.add_argument("--tuned", action="store_true", help="C is chosen on three inner folds from seven values")
    given = parser.parse_args()
    SCRIPTS[given.script](given)


def read_table(path):
    """Texts and labels by pandas; columns as those of the SMS and of the e-mails are called."""
    import pandas as pd

    frame = pd.read_csv(path, encoding="utf-8" if ".gz" in path.name else "cp1252", encoding_errors="replace")
    text, label = ("text", "spam") if "spam" in frame.columns else ("v2", "v1")
    return frame[text].tolist(), (frame[label].astype(str).isin(["spam", "1"])).to_numpy().astype(int)


def tfidf(given):
    """Words and pairs of words, logistic regression, five folds on both cores."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline

    texts, y = read_table(given.table)
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    if given.tuned:
        model = make_pipeline(words, LogisticRegression(solver="liblinear", dual=True, max_iter=1000))
        model = GridSearchCV(model, {"logisticregression__C": [0.1, 1, 10, 100, 1000, 10000]}, cv=3,
                             scoring="neg_log_loss")  # fmt: skip
    else:
        model = make_pipeline(words, LogisticRegression(C=10, max_iter=1000))
    scores(model, texts, y)


def scores(model, x, y):
    """Of five folds, folds at once."""
    from sklearn.model_selection import StratifiedKFold, cross_validate

    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    found = cross_validate(model, x, y, cv=folds, scoring=["accuracy", "f1_macro", "roc_auc"], n_jobs=-1)
    print({name: round(values.mean(), 4) for name, values in found.items() if name.startswith("test_")})


def onnx(given):
    """Texts by length in batches of 2,048 padded tokens through ONNX Runtime, then standardised logistic regression."""
    from bert_rivals import OnnxRuntime

    texts, y = read_table(given.table)
    standardised(given, OnnxRuntime(given.model.parent, given.model).run(texts, 128, (2048, 1)), y)


def vectors(given):
    """The vectors of a store, then standardised logistic regression."""
    import h5py

    with h5py.File(given.table) as file:
        x, y = file["features/pooled"][:], file["labels/codes"][:]
    standardised(given, x, y)


def standardised(given, x, y):
    """Five folds of logistic regression on columns of variance 1."""
    from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    head = LogisticRegression(max_iter=1000)
    if given.tuned:
        head = LogisticRegressionCV(Cs=np.logspace(-4, 2, 7), cv=3, scoring="neg_log_loss", max_iter=1000)
    scores(make_pipeline(StandardScaler(), head), x, y)


WORD = re.compile(r"\w+|[^\w\s]")


def polars(given):
    """The whole file of word vectors by polars, means of the words that it has."""
    import polars as pl

    texts, _ = read_table(given.table)
    table = pl.read_csv(given.model, separator=" ", has_header=False, quote_char=None)
    means(texts, dict(zip(table.to_series(0).to_list(), range(len(table)), strict=True)), table[:, 1:].to_numpy())


def pandas(given):
    """The same by pandas."""
    import pandas as pd

    texts, _ = read_table(given.table)
    table = pd.read_csv(given.model, sep=" ", header=None, quoting=3, keep_default_na=False, na_values=[])
    means(texts, dict(zip(table[0].tolist(), range(len(table)), strict=True)), table.iloc[:, 1:].to_numpy())


def means(texts, number, vectors):
    """Mean vector of each text, saved."""
    out = np.zeros((len(texts), vectors.shape[1]), np.float32)
    for row, text in enumerate(texts):
        known = [n for n in map(number.get, WORD.findall(text.lower())) if n is not None]
        if known:
            out[row] = vectors[known].mean(0)
    np.save("vectors.npy", out)


SCRIPTS = {"tfidf": tfidf, "onnx": onnx, "vectors": vectors, "polars": polars, "pandas": pandas}

if __name__ == "__main__":
    sys.path.insert(0, os.fspath(Path(__file__).parents[1]))
    main()
