"""One HTML file that says what a run found, to be opened from disk or sent by mail."""

from kequn_lab.report.page import Picture, write_report
from kequn_lab.report.summary import Summary, summarise

__all__ = ["Picture", "Summary", "summarise", "write_report"]
