"""Hand it over: labels to CSV, the scorecard (JSON, SQL), models to disk."""

from kequn_lab.export.labels import (
    escape_formulas,
    read_csv,
    read_labels,
    replacing,
    sha256,
    versions,
    write_json,
    write_labels,
    write_table,
)
from kequn_lab.export.models import TRUSTED, load_model, save_model
from kequn_lab.export.scorecard import Scorecard, ScorecardFeature, ScorecardSegment
from kequn_lab.export.sql import DIALECTS, Dialect, scorecard_sql
from kequn_lab.export.workbook import EXCEL_ROWS, write_workbook

__all__ = [
    "DIALECTS",
    "EXCEL_ROWS",
    "TRUSTED",
    "Dialect",
    "Scorecard",
    "ScorecardFeature",
    "ScorecardSegment",
    "escape_formulas",
    "load_model",
    "read_csv",
    "read_labels",
    "replacing",
    "save_model",
    "scorecard_sql",
    "sha256",
    "versions",
    "write_json",
    "write_labels",
    "write_table",
    "write_workbook",
]
