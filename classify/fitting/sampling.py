"""Training row numbers -> fewer or more training row numbers; and what that does to probabilities."""

from __future__ import annotations

import numpy as np

from stores.shared.errors import InputError
from stores.shared.suggest import listing

SAMPLERS = ("none", "under", "over", "smote", "ensemble")
MEMBERS = 10  # under-samples of an ensemble


def sample(rows: np.ndarray, y: np.ndarray, sampler: str, seed: int) -> np.ndarray:
    """The training rows that a head is fitted on.

    Args:
        rows: int64 ``[m]``, the training rows of a fold; no other rows are ever returned.
        y: int ``[n]``, classes of all rows.
        sampler: ``none``; ``under``: as many rows of each class as the rarest has; ``over``: as many as the
            most frequent has, by repeating rows; ``ensemble``: one of its under-samples, by the seed; ``smote``: all
            (see ``synthetic``).
        seed: of the choice.

    Raises:
        InputError: for an unknown sampler.
    """
    if sampler not in SAMPLERS:
        raise InputError(f"`sampler={sampler!r}`: choose one of {listing(sampler, SAMPLERS)}")
    if sampler in ("none", "smote"):
        return rows
    from imblearn.over_sampling import RandomOverSampler
    from imblearn.under_sampling import RandomUnderSampler

    kind = RandomOverSampler if sampler == "over" else RandomUnderSampler
    chosen, _ = kind(random_state=seed).fit_resample(rows[:, None], y[rows])
    return chosen.ravel()


def members(sampler: str) -> int:
    """How many heads make one model: an ensemble has one an under-sample (Liu, Wu, Zhou 2009, EasyEnsemble)."""
    return MEMBERS if sampler == "ensemble" else 1


def synthetic(x: np.ndarray, y: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The rows and made-up ones of the rarer classes, as many of each class as the most frequent has.

    SMOTE (Chawla et al. 2002): each lies on the line between a row and one of its 5 nearest neighbours of its class.

    Args:
        x: float ``[m, D]``, training rows.
        y: int ``[m]``, their classes.
        seed: of the choice.

    Raises:
        InputError: if a class has one row only.
    """
    from imblearn.over_sampling import SMOTE

    least = int(np.unique(y, return_counts=True)[1].min())
    if least < 2:
        raise InputError("`sampler='smote'`: a class has one training row only, and no neighbour; use `sampler='over'`")
    made_x, made_y = SMOTE(random_state=seed, k_neighbors=min(5, least - 1)).fit_resample(np.asarray(x, np.float32), y)
    return made_x.astype(np.float32), made_y


def correct_prior(proba: np.ndarray, fitted: np.ndarray, real: np.ndarray) -> np.ndarray:
    """Probabilities as they are under the real class frequencies, from a head fitted under others.

    ``p'(c) ~ p(c) * real(c) / fitted(c)``, scaled to sum 1 (Saerens, Latinne, Decaestecker 2002, "Adjusting the
    Outputs of a Classifier to New a Priori Probabilities", equation 2.4; for two classes also Elkan 2001).

    Args:
        proba: ``[n, C]``.
        fitted: ``[C]``, rows of each class that the head was fitted on.
        real: ``[C]``, rows of each class before sampling.
    """
    ratio = np.divide(real / real.sum(), fitted / fitted.sum(), out=np.zeros(len(real)), where=fitted > 0)
    scaled = proba * ratio
    return scaled / scaled.sum(1, keepdims=True)
