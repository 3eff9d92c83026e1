"""What is asked of the training beside the head's own options; all of it happens inside the training rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

from classify.fitting.calibration import KINDS
from classify.fitting.sampling import SAMPLERS
from classify.fitting.threshold import parse_rule
from classify.heads.base import Head
from stores.shared.errors import InputError
from stores.shared.suggest import did_you_mean


@dataclass(frozen=True)
class FitOptions:
    """How heads are fitted.

    Attributes:
        sampler: one of ``classify.fitting.sampling.SAMPLERS``.
        class_weight: ``none``, or ``balanced``: rows of each class count alike in sum.
        calibrate: ``none``, ``sigmoid``, ``isotonic`` or ``temperature``, learned from inner out-of-fold probabilities;
            the class is then the head's own choice, or the most probable one after calibration, whichever has the
            better macro F1 on the inner folds (of sampled or weighted rows the head's own choice).
        must_calibrate: as ``must_tune``, for the calibration.
        threshold: how probabilities become classes: None: the most probable one; else as
            ``classify.fitting.threshold.parse_rule``, chosen on inner out-of-fold probabilities.
        tune: option of the head -> values to choose from, by the log loss of inner out-of-fold probabilities.
        must_tune: whether it is a mistake if there are too few rows for inner folds; else the head's defaults serve.
        inner: number of inner folds.
        fewest_inner: number of them where a class has too few texts for ``inner``; None: as many.
        cost: what mistakes cost, ``TRUE->TAKEN=COST,...``: the class of the least expected cost is decided for.
        components: how many directions that the training rows share are taken out of vectors, see
            ``classify.heads.common_component``.
    """

    sampler: str = "none"
    class_weight: str = "none"
    calibrate: str = "none"
    must_calibrate: bool = True
    threshold: str | None = None
    tune: Mapping[str, Sequence[object]] = field(default_factory=dict)
    must_tune: bool = True
    cost: str | None = None
    inner: int = 3
    fewest_inner: int | None = None
    components: int = 0

    def __post_init__(self) -> None:
        _one_of("sampler", self.sampler, SAMPLERS)
        _one_of("class_weight", self.class_weight, ("none", "balanced"))
        _one_of("calibrate", self.calibrate, ("none", *KINDS))
        if self.threshold is not None:
            parse_rule(self.threshold)
        if self.cost is not None and self.threshold is not None:
            raise InputError("`cost` and `threshold` both decide for a class; give one of them")
        if self.sampler != "none" and self.class_weight != "none":
            raise InputError("`sampler` and `class_weight` both make up for rare classes; give one of them")

    @property
    def plain(self) -> bool:
        """Whether the rows are learned from as they are: not sampled, weighted or changed."""
        return self.sampler == "none" and self.class_weight == "none" and not self.components

    @property
    def weighs_alike(self) -> bool:
        """Whether classes are asked to count alike, by sampling or weights."""
        return self.sampler != "none" or self.class_weight != "none"

    @property
    def must_look_inside(self) -> bool:
        """Whether something was asked for that cannot be had without inner folds."""
        fixed = self.threshold is None or parse_rule(self.threshold).fixed
        calibrates = self.calibrate != "none" and self.must_calibrate
        return (bool(self.tune) and self.must_tune) or calibrates or not fixed

    @property
    def looks_inside(self) -> bool:
        """Whether something is chosen on inner folds."""
        fixed = self.threshold is None or parse_rule(self.threshold).fixed
        return bool(self.tune) or self.calibrate != "none" or not fixed

    def candidates(self, head: Head) -> list[dict]:
        """The options to choose from for ``head``: each combination of the values to be tuned."""
        found = {name: values for name, values in self.tune.items() if name in head.options()}
        return [dict(zip(found, values, strict=True)) for values in product(*found.values())]

    def as_dict(self, inner: int | None = None) -> dict:
        """What is kept in the recipe, JSON-able; the sampler stands by itself there.

        Args:
            inner: on how many inner folds the choices were made, if not as many as was asked for.
        """
        return {
            "class_weight": self.class_weight,
            "calibrate": self.calibrate,
            "components_removed": self.components,
            "threshold": self.threshold,
            **({"cost": self.cost} if self.cost else {}),
            "tune": dict(self.tune),
            "inner_folds": (inner or self.inner) if self.looks_inside else None,
        }

    def check(self, multilabel: bool, n_classes: int, pooled: bool, positive: str | None = None) -> None:
        """Refuse what this problem cannot be treated with.

        Raises:
            InputError: for sampling or class weights with several labels a row, SMOTE of anything but vectors, or a
                threshold for more than two classes if none of them is asked for as the positive one.
        """
        if multilabel and (self.sampler != "none" or self.class_weight != "none"):
            sampled = self.sampler != "none"
            asked = f"`sampler={self.sampler!r}`" if sampled else f"`class_weight={self.class_weight!r}`"
            why = "a row has several labels here, and to drop or repeat it for one of them changes the others"
            raise InputError(f"{asked}: {why}; leave it out, or embed the table with one label column")
        if self.sampler == "smote" and not pooled:
            raise InputError("`sampler='smote'` makes vectors between vectors; it needs pooled features")
        if self.components and not pooled:
            raise InputError(f"`components={self.components}`: only pooled features have common components")
        if self.threshold is not None and not multilabel and n_classes > 2 and positive is None:
            raise InputError(
                f"`threshold={self.threshold!r}`: there are {n_classes} classes; `positive` says which it is about"
            )


def _one_of(parameter: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        meant = did_you_mean(str(value), choices)
        raise InputError(f"`{parameter}={value!r}`: choose one of {', '.join(choices)}{meant}")
