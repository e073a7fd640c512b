"""The main job, from tables to results, and the labelling of many customers by a scorecard."""

from kequn_lab.run.inputs import from_customer_table, from_synthetic_bank
from kequn_lab.run.result import Result
from kequn_lab.run.results import read_result
from kequn_lab.run.segmenting import segment

__all__ = [
    "Result",
    "from_customer_table",
    "from_synthetic_bank",
    "read_result",
    "segment",
]
