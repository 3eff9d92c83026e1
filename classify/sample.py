"""Training row numbers -> fewer or more training row numbers; and what that does to probabilities."""

from __future__ import annotations

import numpy as np

from stores.errors import InputError

SAMPLERS = ("none", "under", "over")


def sample(rows: np.ndarray, y: np.ndarray, sampler: str, seed: int) -> np.ndarray:
    """The training rows that a head is fitted on.

    Args:
        rows: int64 ``[m]``, the training rows of a fold; no other rows are ever returned.
        y: int ``[n]``, classes of all rows.
        sampler: ``none``; ``under``: as many rows of each class as the rarest has; ``over``: as many as the
            most frequent has, by repeating rows.
        seed: of the choice.

    Raises:
        InputError: for an unknown sampler.
    """
    if sampler not in SAMPLERS:
        raise InputError(f"--sampler {sampler}: choose one of {', '.join(SAMPLERS)}")
    if sampler == "none":
        return rows
    from imblearn.over_sampling import RandomOverSampler
    from imblearn.under_sampling import RandomUnderSampler

    kind = RandomUnderSampler if sampler == "under" else RandomOverSampler
    chosen, _ = kind(random_state=seed).fit_resample(rows[:, None], y[rows])
    return chosen.ravel()


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
