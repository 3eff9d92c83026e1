"""The library from scikit-learn: texts that are known, what keeping vectors costs, and a grid search.

    python -m benchmarks.library --table spam.csv --encoder transformer --model MODEL

1. ``TextEncoder.transform`` of 10,000 texts that are known, against embetter's ``cached`` (diskcache, an entry a text)
   around an encoder of the same vectors, on the texts of its own example.
2. CPU seconds of ``TextEncoder`` on new texts against those of ``embed`` into a store.
3. A grid search of 3 candidates on 3 folds against encoding each text once and the same search on the vectors.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import tempfile
import time
from pathlib import Path

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from embed import Recipe, TextEncoder, embed, read_table

ROUNDS = 5


class Plain(BaseEstimator):
    """The encoder alone, as embetter wraps one."""

    def __init__(self, recipe):
        self.recipe = recipe

    def transform(self, X, y=None):
        """The vectors, made anew."""
        return self.recipe.encode(list(X), reuse=False).outputs["pooled"] if len(X) else []


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--table", required=True)
    parser.add_argument("--encoder", default="static")
    parser.add_argument("--model")
    parser.add_argument("--rows", type=int, default=2000)
    given = parser.parse_args()
    options = {"model": given.model} if given.model else {}
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"TK_CACHE_DIR": folder, "TK_STORE_INDEX": "on"}
        known_texts(Path(folder))
        rows = next(read_table(given.table).blocks(given.rows))
        texts = list(dict.fromkeys(rows.texts))
        label = dict(zip(rows.texts, rows.labels, strict=True))
        keeping(Path(folder), given.encoder, options, texts)
        search(Path(folder), given.encoder, options, texts, [label[text] for text in texts])


def known_texts(folder):
    """Texts that were encoded before."""
    texts = [f"this is a pretty long text, which is more expensive {i}" for i in range(10_000)]
    recipe, ours = Recipe.of("static"), TextEncoder("static", store=folder / "known")
    vectors = ours.fit_transform(texts)
    best = min(timed(lambda: ours.transform(texts))[1] for _ in range(ROUNDS))
    if importlib.util.find_spec("embetter") is None:
        print(f"10,000 known texts: {best:.3f} s; embetter is not installed")
        return
    from embetter.utils import cached

    theirs = cached(str(folder / "diskcache"), Plain(recipe))
    assert np.array_equal(vectors, np.array(theirs.transform(texts)))
    other = timed(lambda: theirs.transform(texts))[1]
    print(f"10,000 known texts: {best:.3f} s; embetter's cached: {other:.2f} s, {other / best:.0f}x")


def keeping(folder, encoder, options, texts):
    """New texts: into a store by ``embed``, and by the transformer."""
    recipe = Recipe.of(encoder, **options)
    recipe.encode(texts[:8], reuse=False)
    os.environ["TK_STORE_INDEX"] = "off"
    TextEncoder(encoder, store=folder / "warm", **options).fit_transform(texts[:300])
    a, b = [], []
    for number in range(3):
        _, _, cpu = timed(lambda number=number: embed(texts, recipe, folder / f"e{number}" / "a.h5"))
        a.append(cpu)
        made = TextEncoder(encoder, store=folder / f"t{number}", **options)
        b.append(timed(lambda made=made: made.fit_transform(texts))[2])
    print(f"{len(texts):,} new texts: embed {min(a):.2f} s CPU, TextEncoder {min(b):.2f} s, {min(b) / min(a):.2f}x")


def search(folder, encoder, options, texts, labels):
    """A grid of 3 candidates on 3 folds."""
    grid = {"logisticregression__C": [0.1, 1.0, 10.0]}
    head = LogisticRegression(max_iter=1000)
    recipe = Recipe.of(encoder, **options)
    recipe.encode(texts[:8], reuse=False)
    x, once, once_cpu = timed(lambda: recipe.encode(texts, reuse=False).outputs["pooled"])
    _, fitting, fitting_cpu = timed(lambda: GridSearchCV(make_pipeline(head), grid, cv=3).fit(x, labels))
    pipeline = make_pipeline(TextEncoder(encoder, store=folder / "search", **options), head)
    _, whole, whole_cpu = timed(lambda: GridSearchCV(pipeline, grid, cv=3).fit(texts, labels))
    ratio, cpu = whole / (once + fitting), whole_cpu / (once_cpu + fitting_cpu)
    print(
        f"grid search 3 x 3, {len(texts):,} texts: {whole:.2f} s; encoding once {once:.2f} s, fitting {fitting:.2f} s: "
        f"{ratio:.2f}x ({cpu:.2f}x of the CPU)"
    )


def timed(work):
    """What it gives, seconds by the clock and of the CPU."""
    start, cpu = time.perf_counter(), sum(os.times()[:2])
    result = work()
    return result, time.perf_counter() - start, sum(os.times()[:2]) - cpu


if __name__ == "__main__":
    main()
