"""A store in, a run out: light heads on frozen features, honestly measured."""

from classify.heads import names as heads_available
from classify.pipeline import classify
from classify.predict import Predictor, write_results
from classify.runs import Run, read_run

__all__ = ["Predictor", "Run", "classify", "heads_available", "read_run", "write_results"]
