"""Hand it over: labels to CSV, the scorecard (JSON, SQL), models to disk."""

from kequn_lab.export.labels import read_labels, write_labels
from kequn_lab.export.models import load_model, save_model
from kequn_lab.export.scorecard import Scorecard

__all__ = [
    "Scorecard",
    "load_model",
    "read_labels",
    "save_model",
    "write_labels",
]
