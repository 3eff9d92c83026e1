"""A run made again from its recipe, and what differs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from classify import heads
from classify.analysis.ensemble import ensemble
from classify.pipeline import GIVEN, classify
from classify.recipe_json import FeaturesRecord, RunRecipe
from classify.runs import Run, read_run
from classify.sources import tables_of
from classify.typed_json import Jsonable
from stores.shared.errors import InputError
from stores.shared.reporter import Reporter

CLOSE = 1e-9  # scores and probabilities that differ by less are the same


@dataclass(frozen=True)
class RunDifference(Jsonable):
    """What differs between a run and the same run made again; each pair is before and now.

    Attributes:
        before, now: folders.
        versions: of packages that differ, by name, as far as the run says what it was made with; None: not there now.
        digests: of the table, the store, the identity of the features and the split, those that differ.
        scores: metrics that differ.
        rows: predictions that were compared; 0 if the runs did not test the same rows.
        predicted: how many predict another class.
        largest: the largest difference of two probabilities; None if nothing was compared.
    """

    before: str
    now: str
    versions: dict[str, tuple[str, str | None]]
    digests: dict[str, tuple[str, str]]
    scores: dict[str, tuple[float | None, float | None]]
    rows: int
    predicted: int
    largest: float | None

    @property
    def same(self) -> bool:
        """Whether the same came out: all scores, all predictions, from the same rows and splits."""
        moved = self.predicted or not self.rows or (self.largest or 0.0) > CLOSE
        return not (self.scores or moved or self.digests.keys() & {"table", "features", "split"})


def rerun(
    run: Run,
    out: str | Path,
    features: str | None = None,
    *,
    command: str = "",
    versions: dict[str, str] | None = None,
    reporter: Reporter | None = None,
) -> Run:
    """Make a run again, as its recipe says; an ensemble from the runs that it is of.

    Args:
        run: finished.
        out: folder of the new run; does not exist yet.
        features: the store or stores now; None: where they were.
        command, versions, reporter: see ``classify``.

    Raises:
        InputError: if the recipe does not say enough, or a store or member of it is gone.
        FailureError: if something cannot be read or written.
    """
    recipe = run.recipe
    if recipe.ensemble is not None:
        members = [read_run(member.run) for member in recipe.features.members]
        return ensemble(members, recipe.ensemble.method, out=out, command=command, versions=versions)
    arguments = arguments_of(recipe)
    given = features or recipe.features.path
    (made,) = classify(given, out=out, command=command, versions=versions, reporter=reporter, **arguments)
    return made


def arguments_of(recipe: RunRecipe) -> dict[str, Any]:
    """What ``classify`` was asked for, but the features and the folder.

    Raises:
        InputError: if the run was made before this was kept, or its splits were given from Python.
    """
    if not recipe.asked:
        raise InputError("the run was made by a version that did not keep all that was asked; train it again")
    asked = dict(recipe.asked)
    if asked["cv"] == GIVEN:
        raise InputError("the splits of the run were given from Python, and are not kept; train it again from there")
    head = heads.load(recipe.head.name, **recipe.head.options)
    head.given = frozenset(asked.pop("given"))
    if asked["tune"] not in (["default"], ["none"]):
        own = [spec for spec in asked["tune"] if spec.partition(":")[0] == head.name]
        asked["tune"] = own or ["none"]
    return asked | {"heads": head, "sampler": recipe.sampler, "seed": recipe.seed}


def differences(before: Run, now: Run, table: str | None = None) -> RunDifference:
    """What differs between two runs of one recipe.

    Args:
        before, now: the runs.
        table: digest of the table as it is read now, if it was looked at; None: as the store has it.
    """
    rows, predicted, largest = _predictions(before, now)
    versions = {name: (version, now.recipe.versions.get(name)) for name, version in before.recipe.versions.items()}
    old, new = before.metrics.overall, now.metrics.overall
    scores = {name: (score.value, new[name].value if name in new else None) for name, score in old.items()}
    here, there = _digests(before.recipe), _digests(now.recipe) | ({"table": table} if table else {})
    return RunDifference(
        before=str(before.folder),
        now=str(now.folder),
        versions={name: pair for name, pair in versions.items() if pair[0] != pair[1]},
        digests={name: (here[name], there[name]) for name in here if here[name] != there[name]},
        scores={name: pair for name, pair in scores.items() if _differ(*pair)},
        rows=rows,
        predicted=predicted,
        largest=largest,
    )


def _differ(a: float | None, b: float | None) -> bool:
    unknown = [value is None or np.isnan(value) for value in (a, b)]
    return unknown[0] != unknown[1] if any(unknown) else abs(a - b) > CLOSE  # type: ignore[operator]


def _digests(recipe: RunRecipe) -> dict[str, str]:
    """Of what a run was made of, by name; of several stores all of them."""
    stores = recipe.features.stores()
    return {
        "table": _joined(table_digest(part) for part in stores),
        "store": _joined(part.digest for part in stores),
        "features": _joined(part.identity_digest for part in stores),
        "split": str(recipe.split.get("digest", "")),
    }


def table_digest(features: FeaturesRecord) -> str:
    """Of the table of a store and of how it was read."""
    source = features.source
    return str(source.get("digest") or _joined(digest for _, digest in tables_of(source)))


def _joined(digests: Any) -> str:  # noqa: ANN401 (a generator of texts)
    return "+".join(dict.fromkeys(digests))


def _predictions(before: Run, now: Run) -> tuple[int, int, float | None]:
    """How many predictions were compared; how many are of another class; the largest difference of probabilities."""
    a, b = before.predictions(), now.predictions()
    if len(a) != len(b) or a.classes != b.classes or not np.array_equal(a.line, b.line):
        return 0, 0, None
    other = (a.predicted != b.predicted).reshape(len(a), -1).any(1)
    return len(a), int(other.sum()), float(np.abs(a.proba - b.proba).max(initial=0.0))


def reading_of(source: Mapping[str, Any]) -> dict[str, Any]:
    """The options of ``embed.read_table`` that read a table as the one of a store was read, as far as it says."""
    columns, files = source.get("columns", {}), source.get("files") or [{}]
    labels, how = source.get("labels", {}), files[0]
    text = columns.get("text")
    found: dict[str, Any] = {
        "text_column": [text] if isinstance(text, str) else text, "text_separator": columns.get("separator"),
        "label_columns": columns.get("labels"), "split_column": columns.get("split"), "id_column": columns.get("id"),
        "label_threshold": labels.get("threshold"), "label_separator": labels.get("separator"),
        "missing": ",".join(labels["missing"]) if "missing" in labels else None,
        "label_map": ",".join(f'"{a}"="{b}"' for a, b in source.get("label_map", {}).items()) or None,
        "skip_rows": how.get("skipped"), "bad_rows": source.get("bad_rows"),
    }  # fmt: skip
    found |= {name: how.get(name) for name in ("encoding", "delimiter", "quoting", "header", "sheet", "table", "query")}
    return {name: value for name, value in found.items() if value is not None}
