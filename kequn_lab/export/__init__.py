"""Hand it over: labels to CSV, the scorecard (JSON, SQL), models to disk."""

from kequn_lab.export.labels import (
    escape_formulas,
    read_labels,
    sha256,
    versions,
    write_labels,
    write_table,
)
from kequn_lab.export.models import load_model, save_model
from kequn_lab.export.scorecard import Scorecard
from kequn_lab.export.sql import DIALECTS, scorecard_sql
from kequn_lab.export.workbook import write_workbook

__all__ = [
    "DIALECTS",
    "Scorecard",
    "escape_formulas",
    "load_model",
    "read_labels",
    "save_model",
    "scorecard_sql",
    "sha256",
    "versions",
    "write_labels",
    "write_table",
    "write_workbook",
]
