"""The main job, from tables to results, and the labelling of many customers by a scorecard."""

from kequn_lab.run.analysis import Analysis, analyse
from kequn_lab.run.inputs import Inputs, from_feature_table, from_synthetic_bank, from_tables
from kequn_lab.run.results import fill_folder, run_folder, write_results
from kequn_lab.run.scoring import score_files

__all__ = [
    "Analysis",
    "Inputs",
    "analyse",
    "fill_folder",
    "from_feature_table",
    "from_synthetic_bank",
    "from_tables",
    "run_folder",
    "score_files",
    "write_results",
]
