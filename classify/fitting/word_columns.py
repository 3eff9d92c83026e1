"""Columns of the words of texts, fitted on training rows: TF-IDF on its strongest directions, SIF of word vectors."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from classify.heads import _terms
from classify.heads._vocabulary import Vocabulary, counted, kept
from classify.heads.common_component import fit_components, remove_components
from stores.features import IdFeatures

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

BLOCK = 8192  # rows at a time
MOST_TERMS, LEAST_TEXTS = 20_000, 2  # the most frequent terms, in so many training texts at least
RARE = 1e-3  # of SIF: a in a / (a + p)


@dataclass(frozen=True)
class Words:
    """The words of texts, counted once for all folds."""

    ids: IdFeatures

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def _counted(self) -> tuple[Vocabulary, csr_matrix]:
        return counted(self.ids, marks=False)

    @property
    def vocabulary(self) -> Vocabulary:
        """All words and pairs of adjacent words; marks and single letters are no words."""
        return self._counted[0]

    @property
    def counts(self) -> csr_matrix:
        """``1 + log(count)`` of each term in each text, float64 ``[n, size of the vocabulary]``."""
        return self._counted[1]


@dataclass(frozen=True)
class Tfidf:
    """TF-IDF of words and pairs of words, on the directions in which the training texts vary most.

    Latent semantic analysis (Deerwester et al. 1990): a truncated singular value decomposition of the TF-IDF matrix,
    weights as of the baseline. Heads standardise their columns, which makes noise of thousands of rare words; of these
    directions each is one that many texts have a part in.

    Attributes:
        vocabulary: the terms, of the training texts alone.
        idf: float64 ``[V]``.
        axes: float32 ``[k, V]``.
        counted, place: the words it was fitted on, and where its terms are among theirs; not kept.
    """

    name: ClassVar[str] = "tfidf"
    vocabulary: Vocabulary
    idf: np.ndarray
    axes: np.ndarray
    counted: Words | None = field(default=None, compare=False, repr=False)
    place: np.ndarray | None = field(default=None, compare=False, repr=False)

    @classmethod
    def fit(cls, words: Words, rows: np.ndarray, count: int) -> Tfidf:
        """Of the training rows; terms of a single training text are left out."""
        from sklearn.decomposition import TruncatedSVD

        rows = np.unique(rows)
        frequency = np.bincount(words.counts[rows].indices, minlength=words.counts.shape[1])
        place = np.argsort(-frequency, kind="stable")[:MOST_TERMS]
        place = np.sort(place[frequency[place] >= LEAST_TEXTS])
        counts = words.counts[rows][:, place]
        idf = _terms.inverse_frequency(counts)
        axes, most = np.empty((0, len(place)), np.float32), min(count, len(place), len(rows))
        if most:
            found = TruncatedSVD(most, random_state=0).fit(_terms.weighted(counts, idf))
            axes = found.components_[found.singular_values_ > 1e-9 * found.singular_values_[0]].astype(np.float32)
        return cls(kept(words.vocabulary, place), idf, axes, words, place)

    def apply(self, x: np.ndarray | Words, rows: np.ndarray | None) -> np.ndarray:
        """TF-IDF of the texts, each of length 1, along the axes."""
        assert isinstance(x, Words)  # noqa: S101 (the expression was checked)
        if x is self.counted and self.place is not None:
            counts = (x.counts if rows is None else x.counts[rows])[:, self.place]
        else:
            counts = self.vocabulary.count(x.ids if rows is None else x.ids[rows])
        return np.asarray(_terms.weighted(counts, self.idf) @ self.axes.T, np.float32)

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """As ``FittedStep.state``."""
        arrays = {"idf": self.idf, "axes": self.axes, "pairs": self.vocabulary.pairs}
        return arrays, {"words": self.vocabulary.words, "marks": self.vocabulary.marks}

    @classmethod
    def restore(cls, arrays: dict[str, np.ndarray], state: dict[str, Any]) -> Tfidf:
        """Inverse of ``state``."""
        vocabulary = Vocabulary(state["words"], arrays["pairs"], state["marks"])
        return cls(vocabulary, arrays["idf"], arrays["axes"])


@dataclass(frozen=True)
class Sif:
    """Smooth inverse frequency: the mean of word vectors, frequent words counting less, without its common component.

    Arora, Liang, Ma 2017, algorithm 1: a word of the share p of all words weighs a / (a + p), with a = 0.001; then the
    first singular vector of the texts is taken out. Both the shares and that vector are of the training rows.

    Attributes:
        words, share: of the training rows, and float64 ``[V]`` the share of each of all their words.
        components: float64 ``[k, D]``, see ``classify.heads.common_component``.
    """

    name: ClassVar[str] = "sif"
    words: list[str]
    share: np.ndarray
    components: np.ndarray

    @classmethod
    def fit(cls, words: Words, rows: np.ndarray, count: int = 1) -> Sif:
        """Of the training rows."""
        ids, rows = words.ids, np.unique(rows)
        times = np.bincount(ids[rows].ids, minlength=len(ids.vocabulary))
        seen = np.flatnonzero(times)
        share = times / max(times.sum(), 1)
        blocks = (_mean_of_words(ids[rows[i : i + BLOCK]], share) for i in range(0, len(rows), BLOCK))
        return cls([ids.vocabulary[i] for i in seen], share[seen], fit_components(blocks, count))

    def apply(self, x: np.ndarray | Words, rows: np.ndarray | None) -> np.ndarray:
        """A vector a text; words that the training rows have not weigh 1, a text without words is zeros."""
        assert isinstance(x, Words)  # noqa: S101 (the expression was checked)
        number = dict(zip(self.words, self.share, strict=True))
        share = np.array([number.get(word, 0.0) for word in x.ids.vocabulary], float)
        some = x.ids if rows is None else x.ids[rows]
        return remove_components(_mean_of_words(some, share), self.components).astype(np.float32)

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """As ``FittedStep.state``."""
        return {"share": self.share, "components": self.components}, {"words": self.words}

    @classmethod
    def restore(cls, arrays: dict[str, np.ndarray], state: dict[str, Any]) -> Sif:
        """Inverse of ``state``."""
        return cls(state["words"], arrays["share"], arrays["components"])


def _mean_of_words(ids: IdFeatures, share: np.ndarray) -> np.ndarray:
    """float64 ``[n, D]``: the weighed mean of the vectors of each text's words; words without a vector do not count.

    Args:
        ids: words with a table of vectors.
        share: float64 ``[V]``, how much of all words each word of the vocabulary is.
    """
    from scipy.sparse import csr_matrix

    assert ids.table is not None  # noqa: S101 (the expression was checked)
    has_vector = (ids.table != 0).max(axis=1)
    weight = RARE / (RARE + share)
    shape = (len(ids), len(ids.vocabulary))
    weighed = csr_matrix(((weight * has_vector)[ids.ids], ids.ids, ids.offsets), shape)
    number = csr_matrix((has_vector[ids.ids].astype(float), ids.ids, ids.offsets), shape).sum(1)
    return np.asarray(weighed @ ids.table.astype(np.float64)) / np.maximum(np.asarray(number), 1)
