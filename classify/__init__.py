"""A store in, a run out: light heads on frozen features, honestly measured."""

from classify.heads import names as head_names
from classify.heads.base import Head
from classify.pipeline import classify
from classify.predict import NewTexts, Predictor, write_results
from classify.reports.page import write_report
from classify.reports.tensorboard import write_tensorboard
from classify.runs import Run, read_run

__all__ = [
    "Head", "NewTexts", "Predictor", "Run", "classify", "head_names", "read_run", "write_report", "write_results",
    "write_tensorboard",
]  # fmt: skip
