"""A store in, a run out: light heads on frozen features, honestly measured."""

from typing import TYPE_CHECKING, Any

from stores.shared.public_names import public_name

if TYPE_CHECKING:
    from classify.head_classifier import HeadClassifier
    from classify.heads import names as head_names
    from classify.heads.base import Head
    from classify.pipeline import classify
    from classify.predict import NewTexts, Predictor, write_results
    from classify.reports.page import write_report
    from classify.reports.tensorboard import write_tensorboard
    from classify.runs import Run, read_run
    from classify.text_classifier import TextClassifier, load

# imported when they are asked for: to predict one text takes less than to fit a model, and both less than a report
_PLACES = {
    "Head": "classify.heads.base.Head",
    "HeadClassifier": "classify.head_classifier.HeadClassifier",
    "NewTexts": "classify.predict.NewTexts",
    "Predictor": "classify.predict.Predictor",
    "Run": "classify.runs.Run",
    "TextClassifier": "classify.text_classifier.TextClassifier",
    "classify": "classify.pipeline.classify",
    "head_names": "classify.heads.names",
    "load": "classify.text_classifier.load",
    "read_run": "classify.runs.read_run",
    "write_report": "classify.reports.page.write_report",
    "write_results": "classify.predict.write_results",
    "write_tensorboard": "classify.reports.tensorboard.write_tensorboard",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 (each of them has a type of its own, see above)
    return public_name(__name__, _PLACES, name)


__all__ = [
    "Head",
    "HeadClassifier",
    "NewTexts",
    "Predictor",
    "Run",
    "TextClassifier",
    "classify",
    "head_names",
    "load",
    "read_run",
    "write_report",
    "write_results",
    "write_tensorboard",
]
