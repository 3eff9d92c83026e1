"""``logistic``: L2-regularised logistic regression, on standardised vectors or on TF-IDF of words and word pairs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from classify.heads import _term_fits, _terms
from classify.heads._sklearn import load_pipeline, term_counts
from classify.heads._vocabulary import Vocabulary, kept
from classify.heads.base import FitTask, Head, HeadFitOptions, InnerChoice, InnerFit, X, probabilities, vectors
from classify.solvers.blockwise import by_blocks
from classify.solvers.logistic import Task, fit_logistic
from classify.solvers.logistic_path import Inner, penalty_path
from classify.solvers.logistic_sampled import fit_sampled
from stores.features import IdFeatures
from stores.shared.errors import InputError

TERM_PENALTIES = (0.1, 1.0, 10.0, 100.0, 1e3, 1e4)
TERM_ROWS = 20_000  # training rows that these are chosen on, at most


@dataclass
class LogisticHead(Head):
    """Logistic regression on standardised vectors, or on TF-IDF of words and pairs of words.

    On vectors all folds are solved at once, see ``classify.solvers.logistic``. On words the weights are sublinear
    (1 + log of the count) TF-IDF of words and pairs of adjacent words, see ``classify.heads._terms``; more than two
    classes are fitted one against the rest.

    Options:
        C: inverse strength of the L2 penalty, above 0; chosen on inner folds unless it is given, on vectors from 0.0001
            to 100 (on five inner folds), on words from 0.1 to 10,000 (on three).
        terms: what a word is: marks (single letters, digits and punctuation count) or words (two letters or digits at
            least); chosen on inner folds unless it is given. On words C and terms are chosen on 20,000 training rows
            at most, unless a threshold or calibration is asked for.
        max_iter: the most steps of the solver on vectors (L-BFGS).
        solver: on vectors, full (to the optimum), or sampled: the optimum of some rows, then four steps on all, for
            stores that are read from the disk in each of their passes; see ``classify.solvers.logistic_sampled``.
    """

    name = "logistic"
    kinds = frozenset({"pooled", "ids"})
    grid: ClassVar[dict[str, tuple]] = {"C": (1e-4, 1e-3, 0.01, 0.1, 1.0, 10.0, 100.0)}
    C: float = 1.0
    terms: str = "marks"
    max_iter: int = 1000
    solver: str = "full"
    vocabulary_: Vocabulary | None = field(default=None, init=False, repr=False)
    old_: tuple[Any, Any] | None = field(default=None, init=False, repr=False)
    merged_: tuple[_terms.Terms, _term_fits.Fitted] | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        if not self.C > 0:
            raise InputError(f"head logistic: C={self.C:g} is not above 0")
        if self.terms not in ("marks", "words"):
            raise InputError(f"head logistic: terms={self.terms} is unknown; choose marks or words")
        if self.solver not in ("full", "sampled"):
            raise InputError(f"head logistic: solver={self.solver} is unknown; choose full or sampled")

    def grid_of(self, kind: str) -> dict[str, tuple]:
        """As ``Head.grid_of``: other penalties on words, and what a word is."""
        return {"C": TERM_PENALTIES, "terms": ("marks", "words")} if kind == "ids" else self.grid

    def fit_folds(self, x: X, y: np.ndarray, n_classes: int, folds: Sequence[FitTask]) -> list[Head]:
        """As ``Head.fit_folds``; folds that have seen the same classes are solved together, as are all labels."""
        heads = [self.copy(**fold.options) for fold in folds]
        codes = [head._begin(y[fold.rows], n_classes) for head, fold in zip(heads, folds, strict=True)]
        if isinstance(x, IdFeatures):
            counted = {terms: _terms.Terms.of(x, terms == "marks") for terms in {head.terms for head in heads}}

            def fit(one: tuple[LogisticHead, FitTask, np.ndarray], _: object) -> Head:
                head, fold, own = one
                weight = None if fold.sample_weight is None else fold.sample_weight[fold.rows]
                head._fit_terms(counted[head.terms], fold.rows, own, weight)
                return head

            return _term_fits.beside_each_other(fit, list(zip(heads, folds, codes, strict=True)))
        if y.ndim == 2:
            _solve(vectors(x), y, 2, heads, folds)
            return list(heads)
        for classes in sorted({tuple(head.seen_classes_) for head in heads}):
            which = [i for i, head in enumerate(heads) if tuple(head.seen_classes_) == classes]
            number = np.searchsorted(classes, y)  # of a class that was not seen it does not matter: it counts nothing
            number = np.minimum(number, len(classes) - 1)
            _solve(vectors(x), number, len(classes), [heads[i] for i in which], [folds[i] for i in which])
        return list(heads)

    def inner_folds_of(self, kind: str) -> int:
        """As ``Head.inner_folds_of``: models of two thirds of the rows ask for more penalty than those of all do."""
        return 3 if kind == "ids" else 5

    def choice_rows(self, x: object) -> int | None:
        """As ``Head.choice_rows``: on words there is a fit for each candidate and inner fold."""
        return TERM_ROWS if isinstance(x, IdFeatures) else None

    def choose(
        self, x: X, y: np.ndarray, n_classes: int, inner: Sequence[Sequence[InnerFit]], candidates: Sequence[dict]
    ) -> list[InnerChoice] | None:
        """As ``Head.choose``: along a path of penalties, see ``classify.solvers.logistic_path``."""
        if isinstance(x, IdFeatures):
            kinds = {candidate.get("terms", self.terms) for candidate in candidates}
            counted = {terms: _terms.Terms.of(x, terms == "marks") for terms in sorted(kinds)}
            pairs = [(float(c.get("C", self.C)), c.get("terms", self.terms)) for c in candidates]
            return _term_fits.beside_each_other(
                lambda fits, stop: _term_fits.choose(counted, y, n_classes, fits, pairs, stop), inner
            )
        penalties = [float(candidate.get("C", self.C)) for candidate in candidates]
        if any(set(c) != {"C"} for c in candidates) or not all(a < b for a, b in pairwise(penalties)):
            return None
        parts = [(owner, *fit) for owner, fits in enumerate(inner) for fit in fits]
        weights = np.stack([task.sample_weights(len(y)) for _, task, _ in parts], axis=1)
        truth = y if y.ndim == 2 else np.eye(n_classes, dtype=int)[y]
        shares = weights.T @ truth / weights.sum(0)[:, None]  # of each class in the rows of each inner fold
        if (shares == 0).any() or (shares == 1).any():
            return None  # a fold lacks a class, or has nothing else: one problem would not serve all folds
        folds = [Inner(owner, number, held_out) for number, (owner, _, held_out) in enumerate(parts)]
        path = penalty_path(vectors(x), y, weights, folds, penalties, 2 if y.ndim == 2 else n_classes, self.max_iter)
        return [
            InnerChoice(losses.tolist(), probabilities(np.concatenate(logits).astype(np.float64), y.ndim == 2))
            for losses, logits in zip(path.losses, path.logits, strict=True)
        ]

    def _fit_terms(
        self, terms: _terms.Terms, rows: np.ndarray, y: np.ndarray, sample_weight: np.ndarray | None
    ) -> None:
        """Learn from the rows ``[m]`` of the counted texts."""
        if not np.diff(terms.x.indptr)[rows].any():
            raise InputError("the training texts hold no word; nothing to learn from (see the option terms)")
        targets = _terms.one_column_each(y, len(self.seen_classes_))
        if len(self.seen_classes_) > 1 or self.multilabel_:
            model = _term_fits.fit(terms, rows, targets, sample_weight, self.C)
        else:
            idf, c = _terms.inverse_frequency(terms.x[rows]), targets.shape[1]
            model = _term_fits.Fitted(np.zeros((len(idf), c)), np.zeros(c), idf)
        self.merged_, self.vocabulary_, self.old_, self.notes_ = (terms, model), None, None, []

    def _part(self) -> None:
        """Of merged columns to single terms, those of the training rows alone: a model that needs no texts."""
        if self.merged_ is None:
            return
        terms, model = self.merged_
        idf = model.idf[terms.column]
        seen = np.flatnonzero(idf > 0)
        self.intercepts_, self.idf_ = model.intercepts, idf[seen]
        self.weights_ = model.weights[terms.column[seen]] * terms.share[seen, None]
        self.vocabulary_, self.merged_ = kept(terms.vocabulary, seen), None

    def __getstate__(self) -> dict[str, Any]:
        """What a copy or another process gets."""
        self._part()
        return self.__dict__

    def _say(self, steps: int, stuck: bool, constant: int) -> None:
        self.history_, self.notes_ = {"steps": [steps]}, []
        self.vocabulary_, self.old_, self.merged_ = None, None, None
        if steps >= self.max_iter:
            self.notes_.append(f"head logistic stopped after {steps} steps, not at the optimum; raise max_iter")
        if stuck:
            self.notes_.append(f"head logistic got stuck after {steps} steps, not at the optimum; give a smaller C")
        if constant:
            self.notes_.append(f"head logistic gave no weight to {constant} columns that are constant in training rows")

    def _fit(self, x: X, y: np.ndarray, how: HeadFitOptions) -> None:
        rows = np.arange(len(y))
        if isinstance(x, IdFeatures):
            self._fit_terms(_terms.Terms.of(x, self.terms == "marks"), rows, y, how.sample_weight)
            return
        task = FitTask(rows, how.seed, sample_weight=how.sample_weight)
        _solve(vectors(x), y, 2 if self.multilabel_ else len(self.seen_classes_), [self], [task])

    def _predict_proba(self, x: X) -> np.ndarray:
        return self._predict_rows(x, None)

    def _predict_rows(self, x: X, rows: np.ndarray | None) -> np.ndarray:
        if isinstance(x, IdFeatures):
            if rows is not None and self.merged_ and _terms.Terms.known(x, self.terms == "marks") is self.merged_[0]:
                terms, model = self.merged_  # rows of the texts that it was fitted among are counted already
                matrix = _terms.weighted(terms.x[rows], model.idf, copy=False)
                return _terms.probabilities_of(_terms.logits(matrix, *model[:2]), self.multilabel_)
            self._part()
            some = x if rows is None else x[rows]
            if self.old_ is not None:
                model, terms = self.old_
                return model.predict_proba(term_counts(some, terms))
            vocabulary = self.vocabulary_
            if vocabulary is None:
                raise TypeError("head logistic was fitted on vectors, not on words")
            matrix = _terms.weighted(vocabulary.count(some), self.idf_)
            z = _terms.logits(matrix, self.weights_, self.intercepts_)
            return _terms.probabilities_of(z, self.multilabel_)
        z = by_blocks(lambda block: block @ self.weights_ + self.intercepts_, vectors(x), rows)
        return probabilities(z, self.multilabel_)

    def _save(self, folder: Path) -> None:
        self._part()
        arrays = {"weights": self.weights_, "intercepts": self.intercepts_}
        if self.vocabulary_ is not None:
            arrays |= {"idf": self.idf_, "pairs": self.vocabulary_.pairs}
            words = {"words": self.vocabulary_.words, "marks": self.vocabulary_.marks}
            (folder / "vocabulary.json").write_text(json.dumps(words, ensure_ascii=True), encoding="utf-8")
        np.savez(folder / "weights.npz", **arrays)

    def _load(self, folder: Path) -> None:
        self.vocabulary_, self.old_, self.merged_ = None, None, None
        if not (folder / "weights.npz").exists():  # of version 0.1, on terms
            self.old_ = load_pipeline(folder, self.trusted_types)
            return
        with np.load(folder / "weights.npz", allow_pickle=False) as file:
            self.weights_, self.intercepts_ = file["weights"], file["intercepts"]
            if "idf" in file:
                words = json.loads((folder / "vocabulary.json").read_text(encoding="utf-8"))
                self.idf_ = file["idf"]
                self.vocabulary_ = Vocabulary(words["words"], file["pairs"], words["marks"])


def _solve(x: np.ndarray, y: np.ndarray, n_classes: int, heads: list, folds: Sequence[FitTask]) -> None:
    """Fit ``heads``, each on its fold, to classes ``y [n]`` that all have seen, or to the labels ``y [n, labels]``."""
    rows = {(id(fold.rows), id(fold.sample_weight)): fold for fold in folds}  # those of other options share them
    column = {key: number for number, key in enumerate(rows)}
    sample_weight = np.stack([fold.sample_weights(len(y)) for fold in rows.values()], axis=1)
    tasks, owner = [], []
    for i, (head, fold) in enumerate(zip(heads, folds, strict=True)):
        labels = (
            [0] if y.ndim == 1 else range(y.shape[1]) if y.shape[1] == len(head.seen_classes_) else head.seen_classes_
        )
        tasks += [Task(column[id(fold.rows), id(fold.sample_weight)], head.C, label) for label in labels]
        owner += [i] * len(labels)
    fit = fit_sampled if heads[0].solver == "sampled" else fit_logistic
    solution = fit(x, y, sample_weight, tasks, n_classes, max(head.max_iter for head in heads))
    for i, head in enumerate(heads):
        mine = np.flatnonzero(np.array(owner) == i)
        head.weights_ = np.hstack(list(solution.weights[mine]))
        head.intercepts_ = np.hstack(list(solution.intercepts[mine]))
        stuck, constant = bool(solution.stuck[mine].any()), int(solution.constant[mine].max())
        head._say(int(solution.steps[mine].max()), stuck, constant)
