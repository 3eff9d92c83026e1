"""The model of an ensemble: those of its members, and how their answers become one.

A folder of a saved one holds ``ensemble.json``, the members' models in ``member-1``, ``member-2``, ... and the stacked
models, if there are any, in ``stacked-1``, ... Members may be ensembles themselves.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from classify.fitting.model import FittedModel
from stores.shared.errors import FailureError

EPS = 1e-6  # probabilities are taken to lie between this and 1 - this, where their logits are wanted
FILE = "ensemble.json"
Answers = tuple[np.ndarray, np.ndarray]  # probabilities float [n, C] and classes int [n], or 0/1 [n, C]


def average(answers: Sequence[Answers]) -> Answers:
    """The mean of the probabilities; the class of the largest mean (each of several labels from 0.5 on)."""
    proba = np.mean([proba for proba, _ in answers], axis=0)
    return proba, (proba >= 0.5).astype(int) if answers[0][1].ndim == 2 else proba.argmax(1)


def vote(answers: Sequence[Answers]) -> Answers:
    """The share of the members that decided for each class; where they are equal, the larger mean decides.

    Of several labels, each needs more than half of the votes, or half of them and a mean of at least 0.5.
    """
    mean = np.mean([proba for proba, _ in answers], axis=0)
    if answers[0][1].ndim == 2:
        votes = np.mean([decided for _, decided in answers], axis=0)
        return votes, ((votes > 0.5) | ((votes == 0.5) & (mean >= 0.5))).astype(int)
    votes = np.mean([np.eye(mean.shape[1])[decided] for _, decided in answers], axis=0)
    return votes, np.where(votes == votes.max(1, keepdims=True), mean, -1).argmax(1)


def stack_inputs(probas: Sequence[np.ndarray], positive: int) -> np.ndarray:
    """float32 ``[n, k]``: the logits that a stacked model sees, of the members' probabilities ``[n, C]`` each."""
    return np.hstack([logits(proba, positive) for proba in probas]).astype(np.float32)


def logits(proba: np.ndarray, positive: int) -> np.ndarray:
    """``[n, 1]`` of two classes; of more, ``[n, C]``: the logarithms without their mean."""
    if proba.shape[1] == 2:
        return logit(proba[:, [positive]])
    logs = np.log(np.clip(proba, EPS, 1))
    return logs - logs.mean(1, keepdims=True)


def label_inputs(probas: Sequence[np.ndarray], label: int) -> np.ndarray:
    """float32 ``[n, k]``: the same for one of several labels, by its own probabilities alone."""
    return logit(np.stack([proba[:, label] for proba in probas], 1)).astype(np.float32)


def logit(proba: np.ndarray) -> np.ndarray:
    """log(p / (1 - p)), finite."""
    clipped = np.clip(proba, EPS, 1 - EPS)
    return np.log(clipped / (1 - clipped))


COMBINE: dict[str, Callable[[Sequence[Answers]], Answers]] = {"average": average, "vote": vote}


@dataclass(frozen=True)
class EnsembleModel:
    """What is kept as the model of an ensemble.

    Attributes:
        method: ``average``, ``vote`` or ``stack``.
        members: the models of its runs.
        stacked: the stacked models, fitted on the out-of-fold predictions of all rows; none for other methods.
        labels: where a row may have several, the number of the label that each stacked model decides; the others
            keep the mean of their probabilities.
    """

    method: str
    members: list[FittedModel | EnsembleModel]
    stacked: list[FittedModel]
    labels: list[int]

    def predict(self, x: Sequence) -> Answers:
        """As ``FittedModel.predict``.

        Args:
            x: what each member takes, in their order; of a member that is an ensemble, again one for each of its own.
        """
        answers = [member.predict(own) for member, own in zip(self.members, x, strict=True)]
        if self.method != "stack":
            return COMBINE[self.method](answers)
        probas = [proba for proba, _ in answers]
        if answers[0][1].ndim == 1:
            (model,) = self.stacked
            return model.predict(stack_inputs(probas, model.positive))
        proba, decided = average(answers)
        for label, model in zip(self.labels, self.stacked, strict=True):
            both, decided[:, label] = model.predict(label_inputs(probas, label))
            proba[:, label] = both[:, 1]
        return proba, decided

    @property
    def rule(self) -> str:
        """As ``FittedModel.rule``."""
        return self.stacked[0].rule if self.method == "stack" and not self.labels else "probability"

    def is_of(self, width: int) -> bool:
        """Whether all members answer with so many classes."""
        stacked = len(self.stacked) == (len(self.labels) or 1) if self.method == "stack" else not self.stacked
        members = bool(self.members) and all(member.is_of(width) for member in self.members)
        return members and stacked and all(0 <= label < width for label in self.labels)

    def save(self, folder: Path) -> None:
        """Write the model into ``folder``, which is made; without pickle."""
        folder.mkdir()
        state = {"ensemble": self.method, "members": len(self.members), "stacked": len(self.stacked)}
        (folder / FILE).write_text(json.dumps(state | {"labels": self.labels}, indent=1), encoding="utf-8")
        for name, models in (("member", self.members), ("stacked", self.stacked)):
            for number, model in enumerate(models):
                model.save(folder / f"{name}-{number + 1}")

    @classmethod
    def restore(cls, folder: Path) -> EnsembleModel:
        """Inverse of ``save``.

        Raises:
            FailureError: if the folder holds no model that this version can read.
        """
        try:
            state = json.loads((folder / FILE).read_text(encoding="utf-8"))
            members, stacked = (range(1, state[name] + 1) for name in ("members", "stacked"))
            if state["ensemble"] not in ("stack", *COMBINE):
                raise ValueError(f"method {state['ensemble']!r}")
            return cls(
                state["ensemble"],
                [restore_model(folder / f"member-{number}") for number in members],
                [FittedModel.restore(folder / f"stacked-{number}") for number in stacked],
                [int(label) for label in state["labels"]],
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise FailureError(
                f"{folder} holds no model that this version can read ({error}); combine the runs again"
            ) from error


def restore_model(folder: Path) -> FittedModel | EnsembleModel:
    """The model of a run, from the folder ``model`` in it; ``FailureError`` if it cannot be read."""
    return EnsembleModel.restore(folder) if (folder / FILE).exists() else FittedModel.restore(folder)
