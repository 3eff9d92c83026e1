"""A run used on texts: its encoder and its model, loaded once. The one module in which the two halves meet."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from classify.bundle import open_bundle
from classify.conformal import ConformalSets
from classify.model_inputs import Source, source_columns, sources
from classify.predict import Predictor
from classify.runs import Run, read_run
from embed.models.cache import cache_folder
from embed.reading.frame_columns import list_of_texts
from embed.recipe import Recipe
from embed.recipes import encode_known, known_texts, load_recipes
from embed.tables.read_table import read_table
from stores.shared.errors import InputError
from stores.shared.reporter import Reporter

WORDED = ("predicted", "rule")  # columns of predict_frame that are texts


def load(
    run: str | Path | Run,
    model: str | Sequence[str] = (),
    *,
    trust_model: bool = False,
    reporter: Reporter | None = None,
) -> TextClassifier:
    """The classifier of a finished run, an ensemble or one on joined features included.

    Args:
        run: its folder, a bundle of it (``tk bundle``), or what ``classify`` gave.
        model: where the model of its encoder is now, if it has moved; of several encoders ``encoder=path`` each.
        trust_model: whether a program that the run names may be used, see ``embed.models.trust``.
        reporter: told what the encoder says; None: stderr.

    Raises:
        InputError: if there is no such run, or its encoder is not to be had.
        FailureError: if a file of it is damaged, or the encoder gives other vectors than those it was trained on.
    """
    path = run.folder if isinstance(run, Run) else Path(run)
    models = (model,) if isinstance(model, str) else tuple(model)
    return TextClassifier(path, models, trust_model=trust_model, reporter=reporter)


class TextClassifier:
    """Classifies texts as ``tk predict`` does; may be asked by several threads. See ``load``.

    A pickle holds the place of the run, not its model: where it is read, the run is loaded again.

    Attributes:
        run: the run.
        classes_: the classes, in the order of the columns of the probabilities.
        encoders: the recipes of its encoders; one, or several for joined features and ensembles.
        thresholds: the probability from which the positive class is taken, or one a label; None: the most probable.
    """

    def __init__(
        self, path: Path, model: tuple[str, ...] = (), *, trust_model: bool = False, reporter: Reporter | None = None
    ) -> None:
        self._given = path, model, trust_model
        self.run, found = _opened(path)
        self._predictor = Predictor(self.run)
        self.classes_: list[str] = self._predictor.classes
        self.thresholds: list[float] | None = self.run.recipe.model.thresholds
        kept = [(source.recipe, source.digest) for source in found]
        self.encoders: list[Recipe] = load_recipes(kept, model, trust_model=trust_model, reporter=reporter)
        self._known = known_texts(self.encoders)
        self._lock = threading.Lock()

    @property
    def encoder(self) -> Recipe:
        """The recipe of its one encoder; ``InputError`` if it has several."""
        if len(self.encoders) > 1:
            raise InputError(f"the run has {len(self.encoders)} encoders; take one of `encoders`")
        return self.encoders[0]

    def predict(self, texts: Sequence[str]) -> np.ndarray:
        """The class of each text, object ``[n]``: its name, with several labels a list of names.

        Args:
            texts: a list, array or Series of n texts, as ``embed.TextEncoder`` takes them.

        Returns:
            None for an empty text, which says nothing.

        Raises:
            InputError: for a single text, or what holds no texts.
        """
        _, predicted, empty = self._predict(list_of_texts(texts))
        found = np.empty(len(predicted), object)
        for row, label in enumerate(predicted):
            found[row] = None if empty[row] else label
        return found

    def predict_proba(self, texts: Sequence[str]) -> np.ndarray:
        """float64 ``[n, C]``: the probability of each of ``classes_``; NaN for an empty text. Raises as ``predict``."""
        proba, _, empty = self._predict(list_of_texts(texts))
        proba[empty] = np.nan
        return proba

    def predict_sets(self, texts: Sequence[str], coverage: float, by_class: bool = False) -> list[list[str] | None]:
        """The classes of which the true one is among them as often as ``coverage`` says; None for an empty text.

        Args:
            texts: as ``predict``.
            coverage: between 0 and 1, such as 0.95.
            by_class: whether it is to hold for each class by itself.

        Raises:
            InputError: as ``predict``; for a coverage that is none, or a run with several labels a row.
        """
        sets = ConformalSets.of_run(self.run, coverage, by_class)
        proba, _, empty = self._predict(list_of_texts(texts))
        return [
            None if nothing else [name for name, there in zip(self.classes_, row, strict=True) if there]
            for row, nothing in zip(sets.sets(proba), empty, strict=True)
        ]

    def predict_frame(self, frame: Any, text_column: str | Sequence[str] | None = None) -> Any:  # noqa: ANN401
        """The frame with the columns ``predicted`` (labels with ``|`` between) and ``p_<class>``; missing where empty.

        Where the class does not follow from the probabilities alone, ``rule`` says from what, as ``tk predict`` does.

        Args:
            frame: of pandas or polars, or a table of Arrow; it is not changed.
            text_column: where the texts are; the columns in which those of the run were if None.

        Returns:
            A frame of the same library, with the same rows and index.

        Raises:
            InputError: if it is no frame, lacks the column of the texts, or has columns of these names.
        """
        library = type(frame).__module__.partition(".")[0]
        if library not in ("pandas", "polars", "pyarrow") or not hasattr(frame, "columns"):
            raise InputError(f"`frame` is of type {type(frame).__name__}; give a frame of pandas, polars or Arrow")
        rule = self._predictor.rule
        probabilities = [f"p_{name}" for name in self.classes_]
        names = ["predicted", *(["rule"] if rule else []), *probabilities]
        there = set(getattr(frame, "column_names", None) or frame.columns) & set(names)
        if there:
            raise InputError(f"`frame` has a column {min(there)!r} already; rename it")
        columns: dict[str, list] = {name: [] for name in names}
        if len(frame):
            like = source_columns(self.run.recipe.features)
            table = read_table(frame, text_column=text_column, label_columns=(), like=like)
            for rows in table.blocks(4096):
                proba, predicted, empty = self._predict(rows.texts)
                labels = ["|".join(label) if isinstance(label, list) else label for label in predicted]
                columns["predicted"] += [None if e else label for label, e in zip(labels, empty, strict=True)]
                if rule:
                    columns["rule"] += [rule] * len(labels)
                for name, values in zip(probabilities, proba.T.tolist(), strict=True):
                    columns[name] += [None if e else value for value, e in zip(values, empty, strict=True)]
        return _with_columns(frame, library, columns)

    def __repr__(self) -> str:
        return f"TextClassifier({str(self.run.folder)!r}, classes={self.classes_!r})"

    def __getstate__(self) -> dict[str, Any]:
        path, *given = self._given
        return {"given": (path.absolute(), *given)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        path, model, trust_model = state["given"]
        self.__init__(path, model, trust_model=trust_model)  # type: ignore[misc]

    def _predict(self, texts: list[str]) -> tuple[np.ndarray, list, np.ndarray]:
        """Probabilities ``[n, C]``, classes, and which texts are empty, bool ``[n]``."""
        if not texts:
            return np.empty((0, len(self.classes_))), [], np.empty(0, bool)
        with self._lock:
            features, empty = encode_known(texts, self._known)
        proba, predicted = self._predictor.predict(features)
        return np.array(proba), predicted, empty


def _opened(path: Path) -> tuple[Run, list[Source]]:
    """A run and its encoders, from its folder or from a bundle, which is unpacked into the cache folder once."""
    if path.is_file():
        opened = open_bundle(path, cache_folder() / "bundles")
        return opened.run, opened.sources
    run = read_run(path)
    return run, sources(run.recipe.features)


def _with_columns(frame: Any, library: str, columns: dict[str, list]) -> Any:  # noqa: ANN401
    """A copy of a frame with more columns."""
    if library == "pandas":
        return frame.assign(
            **{name: np.array(values, object if name in WORDED else float) for name, values in columns.items()}
        )
    import pyarrow as pa

    made = {name: pa.array(values, pa.string() if name in WORDED else pa.float64()) for name, values in columns.items()}
    if library == "polars":
        import polars

        return frame.with_columns(**{name: polars.from_arrow(values) for name, values in made.items()})
    for name, values in made.items():
        frame = frame.append_column(name, values)
    return frame
