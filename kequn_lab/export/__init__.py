"""Hand it over: labels to CSV, the scorecard (JSON, SQL), models to disk."""

from kequn_lab.export.labels import (
    neutralise,
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
from kequn_lab.export.sql import DIALECTS, Dialect, select
from kequn_lab.export.workbook import EXCEL_ROWS, write_workbook

__all__ = [
    "DIALECTS",
    "EXCEL_ROWS",
    "TRUSTED",
    "Dialect",
    "Scorecard",
    "ScorecardFeature",
    "ScorecardSegment",
    "load_model",
    "neutralise",
    "read_csv",
    "read_labels",
    "replacing",
    "save_model",
    "select",
    "sha256",
    "versions",
    "write_json",
    "write_labels",
    "write_table",
    "write_workbook",
]
