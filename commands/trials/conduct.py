"""Encoders and heads on one table, each with each, the cheapest first; what is done already is taken as it is.

=======================  ==============================================================================
``experiment.json``      what all trials in the folder share: the table, the split, the seed, ...
``features/``            a store for each encoder
``runs/``                a run for each encoder, head and sampler
``report/``              the page of ``tk compare`` on all runs
=======================  ==============================================================================
"""

from __future__ import annotations

import json
import math
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commands.trials.budget import Budget
from commands.trials.candidates import Candidate
from commands.trials.probe import Estimate, TableSample, probe, sample_table
from commands.trials.trial import EncoderTrial, Outcome
from stores.shared.errors import FailureError, InputError
from stores.shared.files import is_being_written, read_json, whole_file
from stores.shared.fingerprint import identity_digest
from stores.shared.reporter import Progress

if TYPE_CHECKING:
    from classify import Head, Run
    from classify.pipeline import Shared
    from embed import Recipe, Reporter, Table
    from stores.reuse_index import ReuseIndex

SETTINGS = "experiment.json"


@dataclass
class Experiment:
    """A table, and what is to be tried on it.

    Attributes:
        table: the rows.
        folder: of everything that is made.
        heads: specs, ``NAME`` or ``NAME:option=value,...``.
        samplers: names.
        clean, dtype: as ``Recipe.of`` takes them.
        settings: options of ``classify`` that all trials share.
        budget: of time.
        reporter: told what is being done.
        command, versions: kept in stores and runs.
    """

    table: Table
    folder: Path
    heads: Sequence[str]
    samplers: Sequence[str]
    clean: str
    settings: dict[str, Any]
    budget: Budget
    reporter: Reporter
    command: str = ""
    versions: dict[str, str] = field(default_factory=dict)

    def open_folder(self) -> None:
        """Note the settings, or look whether they are those of before.

        Raises:
            InputError: if the folder holds an experiment with others.
        """
        for left in [*self.folder.glob(".*.partial"), *(self.folder / "runs").glob(".*.partial")]:
            if not is_being_written(left):  # by a process that was killed
                shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink(missing_ok=True)
        path = self.folder / SETTINGS
        source = self.table.source()
        table = f"{source['file']} {source['digest']}"  # of how it is read, too
        wanted = json.loads(json.dumps({"table": table, "clean": self.clean, **self.settings}, default=str))
        if not path.exists():
            with whole_file(path) as temporary:
                temporary.write_text(json.dumps(wanted, indent=1, ensure_ascii=False), encoding="utf-8")
            return
        before = read_json(path)
        if other := [name for name in wanted.keys() | before.keys() if wanted.get(name) != before.get(name)]:
            said = f"{sorted(other)[0]}: {before.get(sorted(other)[0])}"
            raise InputError(
                f"{self.folder} holds an experiment with other settings ({said[:100]}); choose another `out`"
            )

    def probe(self, candidates: Sequence[Candidate]) -> tuple[list[EncoderTrial], TableSample, dict[str, str]]:
        """What each encoder will take, the cheapest first; the sample; and which cannot be used here, and why.

        Raises:
            InputError, FailureError: if an encoder that the user named cannot be used.
        """
        from embed.cleaning import parse_steps

        sample, trials, unusable = sample_table(self.table, parse_steps(self.clean)), [], {}
        for candidate in candidates:
            trial = EncoderTrial(candidate, self.folder / "features" / f"{candidate.label}.h5")
            trials.append(trial)
            if trial.store.exists() or not any(True for _ in self._missing(trial)):
                continue
            try:
                trial.recipe, trial.estimate = self._probed(candidate, sample)
            except (InputError, FailureError) as error:
                if candidate.named:
                    raise
                unusable[candidate.label] = str(error)
                trials.pop()
        return sorted(trials, key=lambda trial: trial.encoding), sample, unusable

    def _probed(self, candidate: Candidate, sample: TableSample) -> tuple[Recipe, Estimate]:
        from embed import Recipe

        start = time.perf_counter()
        recipe = Recipe.of(candidate.encoder, clean=self.clean, reporter=self.reporter, **candidate.options)
        loading = time.perf_counter() - start
        return recipe, probe(recipe, sample, loading, self._known(recipe))

    def _known(self, recipe: Recipe) -> ReuseIndex:
        """What the stores of this machine have by the encoder."""
        from embed.machine_stores import machine_catalogue
        from stores.reuse_index import ReuseIndex

        digest = identity_digest(replace(recipe, joined=self.table.columns.joined).identity())
        known = ReuseIndex(digest)
        known.add([*sorted((self.folder / "features").glob("*.h5")), *machine_catalogue().find(digest)])
        return known

    def conduct(self, trials: Sequence[EncoderTrial]) -> Outcome:
        """All trials for which there is time; each run is written when it is done."""
        from classify.pipeline import Shared

        outcome, shared = Outcome(), Shared()
        for trial in trials:
            label = trial.candidate.label
            if trial.recipe is not None and self.budget.forbids(trial.encoding):
                why = f"encoding would take about {trial.encoding:.0f} s, and {max(self.budget.left, 0):.0f} s are left"
                outcome.left_out[label] = why
                trial.recipe = None
            elif trial.recipe is not None:
                self._encode(trial)
            for run, taken in self._runs(trial, outcome, shared):
                outcome.runs.append(run)
                outcome.taken += taken
        outcome.runs.sort(key=lambda run: run.folder.name)  # what is drawn by chance does not depend on what was there
        return outcome

    def _encode(self, trial: EncoderTrial) -> None:
        from embed import embed

        assert trial.recipe is not None  # noqa: S101 (the caller has asked)
        embed(self.table, trial.recipe, trial.store, reporter=self.reporter, command=self.command)
        trial.recipe = None  # its weights are not needed any more

    def _runs(self, trial: EncoderTrial, outcome: Outcome, shared: Shared) -> Iterator[tuple[Run, bool]]:
        """The runs on a store, and whether each was there already."""
        from stores import FeatureStore

        for head, sampler, folder in self._jobs(trial):
            if folder.exists():
                yield self._there(folder, head, sampler), True
        if not trial.store.exists():
            return
        with FeatureStore(trial.store) as store:
            kind, size = store.kind, sum(math.prod(store.shape_of(output)) for output in store.outputs)
        for head, sampler, folder in self._missing(trial):
            if kind not in head.kinds:
                outcome.left_out[folder.name] = f"head {head.name} takes no {kind} features"
                continue
            expected = self._expected(trial, head, sampler, kind, size, shared)
            if self.budget.forbids(expected):
                takes = "it is spent" if expected is None else f"training would take about {expected:.0f} s"
                outcome.left_out[folder.name] = f"{takes}, and {max(self.budget.left, 0):.0f} s are left"
                continue
            yield self._trained(trial.store, head, sampler, folder, shared, kind, size), False

    def _expected(
        self, trial: EncoderTrial, head: Head, sampler: str, kind: str, size: int, shared: Shared
    ) -> float | None:
        """What a training will take; under a budget a head that was never trained here is tried on a few rows."""
        expected = self.budget.training(head.name, kind, size)
        if expected is not None or self.budget.seconds is None or self.budget.left <= 0:
            return expected
        from commands.trials.first_training import first_training

        data = shared.load(trial.store, None)
        self.reporter.progress(Progress("training", None, f"{trial.candidate.label}, head {head.name} on a few rows"))
        return first_training(data, head, sampler, self.settings, self.budget.left)

    def _trained(
        self,
        store: Path,
        head: Head,
        sampler: str,
        folder: Path,
        shared: Shared,
        kind: str,
        size: int,
    ) -> Run:
        from classify import classify

        start = self.budget.clock()
        (run,) = classify(
            store, head, sampler=sampler, out=folder, **self.settings, command=self.command, versions=self.versions,
            reporter=self.reporter, shared=shared,
        )  # fmt: skip
        self.budget.note(head.name, kind, size, self.budget.clock() - start)
        return run

    def _jobs(self, trial: EncoderTrial) -> Iterator[tuple[Head, str, Path]]:
        """Head, sampler and folder of each run on a store."""
        from classify.heads import parse

        for spec in self.heads:
            name = "".join(c if c.isalnum() or c in "-_." else "-" for c in spec)
            for sampler in self.samplers:
                more = f".{sampler}" if sampler != "none" else ""
                yield parse(spec), sampler, self.folder / "runs" / f"{trial.candidate.label}.{name}{more}"

    def _missing(self, trial: EncoderTrial) -> Iterator[tuple[Head, str, Path]]:
        """Those that are not there; of heads that do not take these features, too."""
        return ((head, sampler, folder) for head, sampler, folder in self._jobs(trial) if not folder.exists())

    def _there(self, folder: Path, head: Head, sampler: str) -> Run:
        """A run of an earlier call.

        Raises:
            InputError: if it is another one than its name says.
        """
        from classify import read_run

        run = read_run(folder)
        recipe = run.recipe
        if (recipe.head.name, recipe.head.options, recipe.sampler) != (head.name, head.options(), sampler):
            raise InputError(f"{folder} holds another run than its name says; move it away, or choose another `out`")
        return run
