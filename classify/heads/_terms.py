"""Token ids -> counts of terms, the bag of words of scikit-learn's default ``TfidfVectorizer``.

A term is a run of two or more word characters of the lower-cased token (``\\b\\w\\w+\\b``), so ``Free!!`` counts as
``free`` and ``I`` as nothing. The terms that count are those of the training rows.
"""

from __future__ import annotations

import re

import numpy as np
from scipy import sparse

from stores.features import Features

TERM = re.compile(r"\b\w\w+\b")


def fit_terms(x: Features) -> list[str]:
    """The distinct terms of ``x``, sorted."""
    used = np.unique(x.outputs["ids"])
    return sorted({term for i in used for term in TERM.findall(x.vocabulary[i].lower())})


def term_counts(x: Features, terms: list[str]) -> sparse.csr_matrix:
    """float64 ``[n, len(terms)]``: how often each term occurs in each text; other terms are left out."""
    column = {term: i for i, term in enumerate(terms)}
    pairs = [
        (token, column[term])
        for token, name in enumerate(x.vocabulary)
        for term in TERM.findall(name.lower())
        if term in column
    ]
    token, term = np.array(pairs, np.int64).reshape(-1, 2).T
    which = sparse.csr_matrix((np.ones(len(token)), (token, term)), shape=(len(x.vocabulary), len(terms)))
    ids = x.outputs["ids"]
    tokens = sparse.csr_matrix((np.ones(len(ids)), ids, x.offsets), shape=(len(x), len(x.vocabulary)))
    counts = (tokens @ which).tocsr()
    counts.sort_indices()
    return counts
