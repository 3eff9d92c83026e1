"""A store in, a run out: light heads on frozen features, honestly measured."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from classify.heads import names as head_names
from classify.heads.base import Head
from classify.pipeline import classify
from classify.predict import NewTexts, Predictor, write_results
from classify.reports.page import write_report
from classify.reports.tensorboard import write_tensorboard
from classify.runs import Run, read_run

if TYPE_CHECKING:
    from classify.head_classifier import HeadClassifier
    from classify.text_classifier import TextClassifier, load

# imported when they are asked for: one needs scikit-learn, the other the encoders
_PLACES = {
    "HeadClassifier": "classify.head_classifier",
    "TextClassifier": "classify.text_classifier",
    "load": "classify.text_classifier",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 (each of them has a type of its own, see above)
    if name not in _PLACES:
        raise AttributeError(f"module 'classify' has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)


__all__ = [
    "Head", "HeadClassifier", "NewTexts", "Predictor", "Run", "TextClassifier", "classify", "head_names", "load",
    "read_run", "write_report", "write_results", "write_tensorboard",
]  # fmt: skip
