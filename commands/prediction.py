"""What ``tk predict`` does with the rows of a table: encode, predict, count, write, and go on after a kill."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from classify.analysis.drift import drift_of, vectors_of
from classify.checkpoint import Checkpoint, alone
from classify.conformal import ConformalSets
from classify.predict import NewTexts, Predictor, ResultWriter
from classify.runs import Run
from classify.watch import Watch
from commands.reporter import command_reporter
from commands.terminal import note
from embed.recipes import empty_texts, encode_blocks, encode_known, encode_texts, known_texts
from stores.shared.errors import InputError
from stores.shared.outputs import check_output, output_text
from stores.shared.reporter import SILENT, Progress

if TYPE_CHECKING:
    from classify.model_inputs import Source
    from embed import Cluster, Recipe, Table
    from embed.known_texts import KnownTexts
    from embed.tables.rows import Rows
    from stores.features import Features

    EncodedRows = tuple[Rows, list[Features], np.ndarray]  # the last: bool [n], which texts are empty
OFTEN = 1.0  # seconds between two commits of a checkpoint


@dataclass
class Prediction:
    """The rows of a table through a run.

    Attributes:
        run, predictor: the run and its model.
        sets: of classes, where a coverage was asked for.
        recipes: of its encoders; none where the vectors are given.
        remember: whether vectors of new texts are kept.
        with_text: whether a result holds the text.
        rows: of a block; what is read, encoded and written together.
        tell: whether to say how far it is.
        cluster: the Ray workers that encode; None: this process does.
        watch: counts.
    """

    run: Run
    predictor: Predictor
    sets: ConformalSets | None
    recipes: Sequence[Recipe]
    remember: bool
    with_text: bool
    rows: int
    tell: bool
    cluster: Cluster | None = None
    watch: Watch = field(init=False)
    _known: list[KnownTexts] = field(init=False)

    def __post_init__(self) -> None:
        self.watch = Watch(self.predictor.classes)
        self._known = known_texts(self.recipes, self.remember)

    def of_texts(self, texts: list[str]) -> list[dict[str, Any]]:
        """The results of single texts."""
        return self._results(NewTexts({"text": texts}, *encode_known(texts, self._known, self.remember)))[0]

    def of_rows(self, rows: Rows, features: list[Features], empty: np.ndarray) -> list[dict[str, Any]]:
        """The results of some rows, which are counted; ``empty``: bool ``[n]``, which texts are."""
        self.watch.counts.broken += len(rows.bad)
        if not len(rows):
            return []
        keys: dict[str, list] = {"line": rows.line.tolist()} | ({"id": rows.ids} if rows.ids else {})
        texts = NewTexts(keys | ({"text": rows.texts} if self.with_text else {}), features, empty)
        results, predicted = self._results(texts)
        self.watch.add(results, predicted if self.predictor.multilabel else [[name] for name in predicted], features)
        self.watch.sample.add(rows.texts, vectors_of(features))
        return results

    def _results(self, texts: NewTexts) -> tuple[list[dict[str, Any]], list]:
        """Of each text the result, and its class (with several labels, a list of them)."""
        proba, predicted = self.predictor.predict(texts.features)
        results = self.predictor.named(texts, proba, predicted)
        return list(results if self.sets is None else self.sets.add(results)), predicted

    def blocks(self, table: Table, is_done: Callable[[Rows], bool] = lambda rows: False) -> Generator[EncodedRows]:
        """The rows and their features, those of a stream as they come; while they are worked on, it is told how far.

        Args:
            table: the rows.
            is_done: whether a block is to be passed over.
        """
        streams = not table.most_rows
        reporter = command_reporter() if self.tell else SILENT
        reporter.progress(Progress("predicting", None, "the first rows"))
        read = table.parts() if streams else table.blocks(self.rows)
        new = (rows for rows in read if not is_done(rows))
        told = command_reporter()
        with closing(encode_blocks(new, self._known, self.remember, cluster=self.cluster, reporter=told)) as encoded:
            for rows, features, empty in encoded:
                yield rows, features, empty
                share = None if streams or not len(rows) else min(table.share(int(rows.line[-1])), 0.999)
                reporter.progress(Progress("predicting", share, f"{self.watch.counts.rows:,} rows"))
        reporter.progress(Progress("predicting", 1.0))

    def write(self, table: Table, out: Path, overwrite: bool, form: str, csv_safe: bool) -> None:
        """All results, each block as soon as it is there."""
        with command_reporter(), output_text(out, overwrite) as file, closing(self.blocks(table)) as blocks:
            writer = ResultWriter(file, form, csv_safe)
            for block in blocks:
                writer.write(self.of_rows(*block))
                file.flush()
            writer.close()

    def write_resumably(
        self, table: Table, path: Path, out: Path, overwrite: bool, of: dict[str, Any], form: str, csv_safe: bool
    ) -> None:
        """All results, from where an earlier process was ended; see ``classify.checkpoint``."""
        with alone(path), command_reporter():
            checkpoint = Checkpoint(path, out, of, table.name)
            if checkpoint.before is not None:
                self.watch = Watch(self.predictor.classes, checkpoint.before.counts)
                note(f"{self.watch.counts.rows:,} rows are done already, as {path} says")
            if checkpoint.before is None and out.is_file() and not overwrite:
                raise InputError(
                    f"{out} exists already; if this command wrote it, it is whole, as a prediction with a `checkpoint` "
                    "has this name once all rows are in it; else give another `out`, or `overwrite=True`"
                )
            if not checkpoint.is_finished:
                check_output(out, overwrite)
            try:
                self._write_rest(table, checkpoint, form, csv_safe)
            except Exception:
                note(f"the same command goes on from where {path} says that it was")
                raise
            checkpoint.finish()

    def _write_rest(self, table: Table, checkpoint: Checkpoint, form: str, csv_safe: bool) -> None:
        last = time.monotonic()

        def is_done(rows: Rows) -> bool:
            """Only what is known to be done is taken in here: rows may be read long before they are written."""
            if not checkpoint.is_behind:
                return False
            checkpoint.take(rows.line.tolist(), rows.texts, rows.ids)
            self.watch.sample.add(rows.texts, None)
            return True

        with checkpoint.open() as file, closing(self.blocks(table, is_done)) as blocks:
            writer = ResultWriter(file, form, csv_safe, self.watch.counts.rows)
            for rows, features, empty in blocks:
                checkpoint.take(rows.line.tolist(), rows.texts, rows.ids)
                writer.write(self.of_rows(rows, features, empty))
                if time.monotonic() - last >= OFTEN:
                    checkpoint.commit(file, self.watch.counts)
                    last = time.monotonic()
            checkpoint.check_end()
            if not checkpoint.is_finished:
                writer.close()
                checkpoint.commit(file, self.watch.counts, finished=True)

    def drift(self) -> tuple[float | None, str]:
        """How well the rows are told from those that the run was trained on; or None, and why it is not known."""
        found = [self.watch.sample.vectors]
        if texts := self.watch.sample.texts:  # predicted before an interruption
            found.append(vectors_of(encode_known(texts, self._known)[0]))
        known = [vectors for vectors in found if vectors is not None]
        return drift_of(self.run, np.concatenate(known) if known else None)


def given_features(found: Sequence[Source], recipes: Sequence[Recipe], vectors: Path, table: Table) -> EncodedRows:
    """The rows of a table, with the vectors from elsewhere of one source, and what ``recipes`` make of the others."""
    from embed.given_vectors import read_vectors, vectors_of_rows
    from embed.tables.rows import Rows
    from stores import PooledFeatures

    rows = Rows.concat(list(table.blocks(8192)), [])
    values = vectors_of_rows(read_vectors(vectors), rows, table)
    given = next(source for source in found if source.recipe.get("given"))
    width = given.identity.get("width", values.shape[1])
    if values.shape[1] != width:
        raise InputError(f"{vectors} has {values.shape[1]} columns; the run was trained on {width}")
    own = PooledFeatures({"pooled": np.asarray(values, given.recipe["dtype"])}, np.zeros((len(values), 3), np.int32))
    others: Iterator[Features] = iter(encode_texts(rows.texts, recipes)[0] if recipes else [])
    features = [own if source.recipe.get("given") else next(others) for source in found]
    return rows, features, empty_texts([rows.texts])
