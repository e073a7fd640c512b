"""One HTML file that says what a run found, to be opened from disk or sent by mail."""

from kequn_lab.report.page import write_report

__all__ = ["write_report"]
