"""A saved run and rows that it has not seen -> its scores on these, and how they differ from what it was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from classify.analysis.comparison import Interval
from classify.analysis.drift import Drift, measure_drift
from classify.analysis.goals import Goal, judged, parse_goal
from classify.model_inputs import assemble, joined_words, sources, words_of
from classify.runs import Run
from classify.scoring.intervals import intervals
from classify.scoring.metrics import metrics_of
from classify.scoring.predictions import Predictions
from classify.sources import opened
from classify.typed_json import Jsonable
from stores.features import Features
from stores.reader import FeatureStore
from stores.shared.errors import FailureError, InputError


@dataclass(frozen=True)
class ScoredRun(Jsonable):
    """How a saved run did on rows that it had not seen.

    Attributes:
        run, features: folder and store.
        rows: that were scored; ``texts`` different ones among them.
        unlabelled: rows without a label, left out.
        trained_on: rows whose text is among the training rows; left out, unless ``with_training_rows``.
        overall: metric -> value with 95 % interval of the model as it is, on rows like these.
        remarks: why some have no interval, or how far to trust them.
        per_class: class -> metrics.
        confusion: rows by true (first) and predicted class.
        drift: from the training table.
        goals: that were asked for.
    """

    run: str
    features: str
    rows: int
    texts: int
    unlabelled: int
    trained_on: int
    with_training_rows: bool
    overall: dict[str, Interval]
    remarks: list[str]
    per_class: dict[str, dict[str, float]]
    confusion: list[object]
    drift: Drift
    goals: list[Goal]

    @property
    def reached(self) -> bool:
        """Whether every goal is reached by the value."""
        return all(goal.reached for goal in self.goals)

    @property
    def certain(self) -> bool:
        """Whether every goal is reached by the worse end of the interval."""
        return all(goal.certain for goal in self.goals)


def score_run(
    run: Run,
    features: str | Path | Sequence[Path],
    with_training_rows: bool = False,
    goals: Sequence[str] = (),
    name: str = "",
) -> ScoredRun:
    """Score the model of a run on the labelled rows of a store.

    Args:
        run: finished.
        features: a store of the run's own encoder recipe; of a run with several encoders ``a.h5+b.h5``, or a store
            that joins theirs, or a list of stores.
        with_training_rows: whether rows that the model was trained on are scored, too.
        goals: such as ``f1_macro>=0.9`` or ``log_loss<=0.2``.
        name: of what is scored, in the result; that of the store if empty.

    Raises:
        InputError: if the store is of another recipe, has classes that the run does not know, or no row is left; for a
            goal that is none.
        FailureError: if a file cannot be read, or the training rows cannot be told from others, as their store is gone.
    """
    parsed = [parse_goal(goal, run.recipe.problem) for goal in goals]
    paths = _paths(features)
    with ExitStack() as stack:
        stores = [stack.enter_context(FeatureStore(path)) for path in paths]
        for store in stores:
            store.verify()
        given = _by_identity(run, stores)
        called = name or str(paths[0])
        _check_labels(run, stores, called)
        first = stores[0]
        known = _training_texts(run, first, with_training_rows)
        labelled = np.asarray(first.labelled)
        seen = np.array([key in known for key in _keys(first)], bool)
        rows = np.flatnonzero(labelled & (with_training_rows | ~seen))
        if not len(rows):
            raise InputError(
                f"{called} has no labelled row that the run was not trained on; give other rows, or "
                "`with_training_rows=True` to score these all the same"
            )
        predictions = _predict(run, first, given, rows)
        drift = measure_drift(run, given, np.flatnonzero(with_training_rows | ~seen))
    measured, known_to = predictions.measure(), intervals(predictions, run.recipe.seed, fixed=True)
    overall = {
        m.name: Interval(_value(measured[m.name][0]), *known_to.found.get(m.name, (None, None)))
        for m in metrics_of(run.recipe.problem, per_class=False)
    }
    each = metrics_of(run.recipe.problem, per_class=True)
    classes = {
        label: {m.name: float(measured[m.name][0, c]) for m in each} for c, label in enumerate(run.recipe.classes)
    }
    return ScoredRun(
        run=str(run.folder),
        features=name or "+".join(map(str, paths)),
        rows=len(rows),
        texts=len(np.unique(predictions.group)),
        unlabelled=int((~labelled).sum()),
        trained_on=int((labelled & seen).sum()),
        with_training_rows=with_training_rows,
        overall=overall,
        remarks=known_to.remarks,
        per_class=classes,
        confusion=measured["confusion"][0].astype(int).tolist(),
        drift=drift,
        goals=[judged(metric, relation, bound, overall[metric.name]) for metric, relation, bound in parsed],
    )


def _value(number: float) -> float | None:
    """None where a metric has no value on these rows."""
    return None if np.isnan(number) else float(number)


def _paths(features: str | Path | Sequence[Path]) -> list[Path]:
    if not isinstance(features, str | Path):
        return list(features)
    return [Path(features)] if Path(features).exists() else [Path(part) for part in str(features).split("+")]


def _by_identity(run: Run, stores: Sequence[FeatureStore]) -> dict[str, FeatureStore]:
    """Digest of identity -> store, after a look that these are the ones that the model takes."""
    given = {store.identity_digest: store for store in stores}
    needed = sources(run.recipe.features, given)
    words = (
        joined_words(run.recipe.features) if stores[0].texts is not None else set()
    )  # these are to be had from texts
    lacking = [source for source in needed if source.digest not in given and source.digest not in words]
    strange = [store for digest, store in given.items() if digest not in {source.digest for source in needed}]
    if strange:
        raise InputError(
            f"{strange[0].path} is of another encoder, model or options than the run; embed the table as the run's was"
        )
    if lacking:
        raise InputError(
            f"{stores[0].path} alone does not do: the run has {len(needed)} encoders; give a store of "
            f"{lacking[0].recipe.get('encoder')} as well, joined by +"
        )
    return given


def _check_labels(run: Run, stores: Sequence[FeatureStore], called: str) -> None:
    """That the labels of the stores are those of the run, and their rows the same."""
    if not stores[0].labelled.any():
        raise InputError(f"{called} has no labelled rows; embed a table with a label column (`label_columns`)")
    strange = [label for label in stores[0].classes if label not in run.recipe.classes]
    if strange or stores[0].has_several_labels != run.recipe.multilabel:
        what = f"the class {strange[0]!r}, which the run does not know" if strange else "another kind of labels"
        raise InputError(f"{called} has {what}; the run's classes are {', '.join(run.recipe.classes)}")
    for other in stores[1:]:
        if not np.array_equal(other.line, stores[0].line):
            raise InputError(f"{stores[0].path} and {other.path} are not of the same rows")


def _keys(store: FeatureStore) -> list[bytes]:
    """What makes two texts the same: their normal form where the store knows it."""
    hashes = store.like_hash if store.like_hash is not None else store.text_hash
    return [bytes(row) for row in np.asarray(hashes)]


def _training_texts(run: Run, store: FeatureStore, needless: bool) -> set[bytes]:
    """The texts that the model was fitted on, or any of an ensemble's."""
    found: set[bytes] = set()
    try:
        for part in run.recipe.features.stores(test=False):
            with opened(part) as training:
                keys = _keys(training)
                if (training.like_hash is None) != (store.like_hash is None):
                    raise FailureError(f"{part.path} and {store.path} are of different versions; embed one again")
                found |= {keys[row] for row in np.flatnonzero(training.labelled)}
        return found
    except (InputError, FailureError) as error:
        if needless:
            return set()
        raise FailureError(
            f"which rows the run was trained on cannot be told ({error}); `with_training_rows=True` scores all"
        ) from error


def _predict(run: Run, first: FeatureStore, given: dict[str, FeatureStore], rows: np.ndarray) -> Predictions:
    """Predictions of these rows by the model of the run."""
    classes = run.recipe.classes
    features: dict[str, Features] = {digest: store.take(rows) for digest, store in given.items()}
    if first.texts is not None:
        texts = first.texts[:]
        features |= {digest: words_of(texts[row] for row in rows)
                     for digest in joined_words(run.recipe.features) - given.keys()}  # fmt: skip
    x = assemble(run.recipe.features, features)
    proba, predicted = run.model().predict(x)
    order = [classes.index(label) for label in first.classes]
    codes = np.asarray(first.codes[rows])
    if run.recipe.multilabel:
        y = np.zeros((len(rows), len(classes)), int)
        y[:, order] = codes
    else:
        y = np.array(order)[codes]
    keys = _keys(first)
    _, group = np.unique([keys[row] for row in rows], return_inverse=True)
    positive = 0 if run.recipe.positive is None else classes.index(run.recipe.positive)
    return Predictions(
        classes=classes, positive=positive, row=np.asarray(rows), line=first.line[rows], group=group,
        fold=np.zeros(len(rows), int), y=y, predicted=predicted, proba=proba,
    )  # fmt: skip
