"""How many segments, and do they hold still? The evidence, whole, because its parts disagree."""

from kequn_lab.choosing.chance import null_like, null_separation
from kequn_lab.choosing.labelings import across_solutions, relabel_series, solution_flows
from kequn_lab.choosing.recurrence import segment_stability
from kequn_lab.choosing.scores import fit_each_k, score_k
from kequn_lab.choosing.shadows import gorge
from kequn_lab.choosing.stability import global_stability, stability_by_k
from kequn_lab.choosing.verdicts import choose_k, read_k, stability_summary

__all__ = [
    "across_solutions",
    "choose_k",
    "fit_each_k",
    "global_stability",
    "gorge",
    "null_like",
    "null_separation",
    "read_k",
    "relabel_series",
    "score_k",
    "segment_stability",
    "solution_flows",
    "stability_by_k",
    "stability_summary",
]
