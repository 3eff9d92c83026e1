"""``sklearn``: any classifier of scikit-learn, by its name there or as an object."""

from __future__ import annotations

import ast
import inspect
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from classify.heads._compiled import check_indices
from classify.heads._sklearn import Estimator, SklearnHead
from classify.heads.base import FitTask, Head, HeadFitOptions, X
from stores.shared.errors import FailureError, InputError
from stores.shared.suggest import did_you_mean

# whose classes may be made from the recipe of a run; others could do more than compute
MODULES = (
    "calibration", "decomposition", "discriminant_analysis", "dummy", "ensemble", "feature_selection",
    "gaussian_process", "linear_model", "multiclass", "naive_bayes", "neighbors", "neural_network", "pipeline",
    "preprocessing", "random_projection", "svm", "tree",
)  # fmt: skip
# types of the saved form that skops does not know; those with indices into arrays are compared when they are loaded
TRUSTED = (
    "sklearn.calibration._CalibratedClassifier", "sklearn.calibration._SigmoidCalibration",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.gaussian_process._gpc._BinaryGaussianProcessClassifierLaplace",
    "sklearn.gaussian_process.kernels.ConstantKernel", "sklearn.gaussian_process.kernels.Product",
    "sklearn.gaussian_process.kernels.RBF", "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.neural_network._stochastic_optimizers.SGDOptimizer", "sklearn.tree._tree.Tree",
)  # fmt: skip


@dataclass
class AnySklearnHead(SklearnHead):
    """A classifier of scikit-learn, as it is: ``sklearn:ensemble.RandomForestClassifier,n_estimators=200``.

    It sees vectors as they are, not standardised; of words TF-IDF. One without probabilities gets Platt's sigmoid from
    three held-out folds, as ``svm`` does. From Python it may also be an object, such as a pipeline with a scaler.

    Options:
        estimator: its module and class in scikit-learn, such as svm.SVC.
        parameters: its parameters; on the command line each is an option of its own.
    """

    name = "sklearn"
    trusted_types = TRUSTED
    estimator: str = "linear_model.LogisticRegression"
    parameters: dict = field(default_factory=dict)

    def __post_init__(self) -> None:
        from sklearn.base import is_classifier

        if not is_classifier(build(self.estimator, self.parameters)):
            raise InputError(f"sklearn:{self.estimator} is no classifier")

    @classmethod
    def of(cls, estimator: Estimator) -> AnySklearnHead:
        """The head of an unfitted classifier, with its parameters.

        Raises:
            InputError: if it is of another package, or has a parameter that a recipe cannot hold.
        """
        described = _described(estimator, type(estimator).__name__)
        return cls(described["sklearn"], described["parameters"])

    def fit_folds(self, x: X, y: np.ndarray, n_classes: int, folds: Sequence[FitTask]) -> list[Head]:
        """As ``Head.fit_folds``; that a model can be kept is known after the first of them."""
        heads = super().fit_folds(x, y, n_classes, folds[:1])
        for head in heads:
            if len(head.seen_classes_):
                self._check_saveable(getattr(head, "model_", None))
        return heads + super().fit_folds(x, y, n_classes, folds[1:])

    def _pipeline(self, counts: bool, seed: int, y: np.ndarray) -> Estimator:
        from sklearn.calibration import CalibratedClassifierCV
        from sklearn.feature_extraction.text import TfidfTransformer
        from sklearn.pipeline import make_pipeline

        made = build(self.estimator, self.parameters)
        seeds = {name: seed for name, value in made.get_params().items() if name.split("__")[-1] == "random_state"}
        made.set_params(**{name: seed for name in seeds if made.get_params()[name] is None})
        if not hasattr(made, "predict_proba"):
            rarest, rows = int(np.unique(y, return_counts=True)[1].min()), np.arange(len(y))
            cv = min(3, rarest) if rarest > 1 else [(rows, rows)]  # a class of one row cannot be held out
            made = CalibratedClassifierCV(made, cv=cv, ensemble=False)
        return make_pipeline(*([TfidfTransformer(sublinear_tf=True)] if counts else []), made)

    def _fit(self, x: X, y: np.ndarray, how: HeadFitOptions) -> None:
        from sklearn.utils.validation import has_fit_parameter

        made = build(self.estimator, self.parameters)
        if how.sample_weight is not None and not has_fit_parameter(made, "sample_weight"):
            raise InputError(f"sklearn:{self.estimator} takes no weights; give `sampler` instead of `class_weight`")
        try:
            super()._fit(x, y, how)
        except (InputError, MemoryError):
            raise
        except Exception as error:  # of any type: what 40 classifiers say of their parameters and data
            why = " ".join(str(error).split())
            raise InputError(f"sklearn:{self.estimator} cannot learn from these rows: {why}") from error

    def _load(self, folder: Path) -> None:
        super()._load(folder)
        try:
            check_indices(self.model_)
        except (ValueError, KeyError, AttributeError, TypeError, IndexError) as error:
            raise FailureError(f"{folder / 'model.skops'} is damaged ({error}); it is not loaded") from error

    def _check_saveable(self, model: Estimator) -> None:
        from skops.io import dump, get_untrusted_types

        file = io.BytesIO()
        dump(model, file)
        strange = sorted(set(get_untrusted_types(data=file.getvalue())) - set(TRUSTED))
        if strange:
            advice = "; give it algorithm=brute" if "neighbors" in strange[-1] or "dist_metrics" in strange[0] else ""
            raise InputError(
                f"sklearn:{self.estimator} cannot be kept without running code: it holds {strange[0]}{advice}"
            )


def from_words(words: str) -> AnySklearnHead:
    """The head of ``module.Class,parameter=value,...``, what follows ``sklearn:`` on the command line."""
    name, *rest = words.split(",")
    parameters: dict[str, Any] = {}
    last = ""
    for piece in rest:
        parameter, equals, value = piece.partition("=")
        if equals and parameter.strip().isidentifier():
            last = parameter.strip()
            parameters[last] = value
        elif last:
            parameters[last] += f",{piece}"
        else:
            raise InputError(f"sklearn:{words}: {piece!r} has no value; write sklearn:{name},{piece}=VALUE")
    head = AnySklearnHead(name, {parameter: _value(value) for parameter, value in parameters.items()})
    head.given = frozenset({"estimator", "parameters"})
    return head


def build(estimator: str, parameters: dict[str, Any]) -> Estimator:
    """An unfitted estimator.

    Raises:
        InputError: if its module is not one of ``MODULES``, or there is no such class or parameter.
    """
    module, _, name = estimator.rpartition(".")
    if module.removeprefix("sklearn.") not in MODULES:
        raise InputError(f"sklearn:{estimator}: write MODULE.CLASS, with one of the modules {', '.join(MODULES)}")
    module = module.removeprefix("sklearn.")
    home = import_module(f"sklearn.{module}")
    kind = getattr(home, name, None)
    if not (inspect.isclass(kind) and name in getattr(home, "__all__", ()) and hasattr(kind, "get_params")):
        classes = [each for each in home.__all__ if inspect.isclass(getattr(home, each))]
        raise InputError(f"sklearn.{module} has no {name!r}{did_you_mean(name, classes)}")
    known = list(inspect.signature(kind).parameters)
    for parameter in parameters:
        if parameter not in known:
            raise InputError(f"sklearn:{estimator} has no parameter {parameter!r}{did_you_mean(parameter, known)}")
    try:
        return kind(**{parameter: _restored(value) for parameter, value in parameters.items()})
    except TypeError as error:
        raise InputError(f"sklearn:{estimator}: {error}") from error


def _value(text: str) -> object:
    """A number, true, none, a list, as Python writes it; else the text."""
    plain = {"true": True, "false": False, "none": None}
    if text.lower() in plain:
        return plain[text.lower()]
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _described(value: Any, where: str) -> Any:  # noqa: ANN401
    """A parameter as a recipe holds it: JSON-able, estimators by name with the parameters that were given."""
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        items = [_described(item, where) for item in value]
        return {"tuple": items} if isinstance(value, tuple) else items
    if isinstance(value, dict):
        return {"mapping": [[_described(key, where), _described(item, where)] for key, item in value.items()]}
    kind = type(value)
    if not kind.__module__.startswith("sklearn.") or not hasattr(value, "get_params"):
        raise InputError(f"{where}: a recipe cannot hold a {kind.__name__}; give a classifier of scikit-learn")
    module = kind.__module__.split(".")[1]
    if module not in MODULES or getattr(import_module(f"sklearn.{module}"), kind.__name__, None) is not kind:
        raise InputError(f"{where}: {kind.__name__} is not in one of sklearn's modules {', '.join(MODULES)}")
    defaults = {name: parameter.default for name, parameter in inspect.signature(kind).parameters.items()}
    given = {name: item for name, item in value.get_params(deep=False).items() if item is not defaults.get(name)}
    given = {name: item for name, item in given.items() if not _same(item, defaults.get(name))}
    parameters = {name: _described(item, f"{where}: {name}") for name, item in given.items()}
    return {"sklearn": f"{module}.{kind.__name__}", "parameters": parameters}


def _same(a: object, b: object) -> bool:
    return isinstance(a, bool | int | float | str) and type(a) is type(b) and a == b


def _restored(value: Any) -> Any:  # noqa: ANN401
    """Inverse of ``_described``."""
    if isinstance(value, list):
        return [_restored(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"sklearn", "parameters"}:
        return build(value["sklearn"], value["parameters"])
    if value.keys() == {"tuple"}:
        return tuple(_restored(item) for item in value["tuple"])
    return {_restored(key): _restored(item) for key, item in value["mapping"]}
