"""The main job, from tables to results, and the labelling of many customers by a scorecard."""

from kequn_lab.run.inputs import (
    Inputs,
    from_bank,
    from_customer_table,
    from_synthetic_bank,
    from_tables,
)
from kequn_lab.run.result import Result
from kequn_lab.run.results import fill_folder, read_result, run_folder, write_results
from kequn_lab.run.scoring import score_files
from kequn_lab.run.segmenting import segment

__all__ = [
    "Inputs",
    "Result",
    "fill_folder",
    "from_bank",
    "from_customer_table",
    "from_synthetic_bank",
    "from_tables",
    "read_result",
    "run_folder",
    "score_files",
    "segment",
    "write_results",
]
