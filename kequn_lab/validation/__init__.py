"""How many segments are there, and are they stable? All the evidence: its parts may disagree."""

from kequn_lab.validation.agreement import across_solutions, solution_flows
from kequn_lab.validation.decisions import choose_k, read_k, stability_summary
from kequn_lab.validation.null_model import null_like, null_separation
from kequn_lab.validation.scores import fit_each_k, score_k
from kequn_lab.validation.segmentwise import segment_stability
from kequn_lab.validation.shadows import gorge
from kequn_lab.validation.stability import global_stability, stability_by_k

__all__ = [
    "across_solutions",
    "choose_k",
    "fit_each_k",
    "global_stability",
    "gorge",
    "null_like",
    "null_separation",
    "read_k",
    "score_k",
    "segment_stability",
    "solution_flows",
    "stability_by_k",
    "stability_summary",
]
