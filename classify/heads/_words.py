"""Token ids -> numbers of the words that a network learns vectors of.

The words are the lower-cased tokens of the training rows. Number 0 is every other word.
"""

from __future__ import annotations

import numpy as np

from stores.features import Features


def fit_words(x: Features, most: int, min_count: int) -> list[str]:
    """The ``most`` most frequent words that occur ``min_count`` times or more; of equals, the first by alphabet."""
    counts: dict[str, int] = {}
    for i, count in enumerate(np.bincount(x.outputs["ids"], minlength=len(x.vocabulary)).tolist()):
        if count:
            word = x.vocabulary[i].lower()
            counts[word] = counts.get(word, 0) + count
    kept = [word for word, count in counts.items() if count >= min_count]
    return sorted(kept, key=lambda word: (-counts[word], word))[:most]


def number_words(x: Features, words: list[str]) -> np.ndarray:
    """int32 ``[sum T]``: for each token 1 + its place in ``words``, or 0."""
    number = {word: i + 1 for i, word in enumerate(words)}
    return np.array([number.get(token.lower(), 0) for token in x.vocabulary], np.int32)[x.outputs["ids"]]
