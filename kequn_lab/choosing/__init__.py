"""How many segments, and do they hold still? The evidence, whole, because its parts disagree."""

from kequn_lab.choosing.chance import (
    null_like,
    null_separation,
)
from kequn_lab.choosing.indices import partition_indices, silhouettes
from kequn_lab.choosing.labelings import (
    across_solutions,
    adjusted_rand,
    cross_table,
    relabel_series,
    solution_flows,
    truth_table,
)
from kequn_lab.choosing.recurrence import segment_stability
from kequn_lab.choosing.scores import fit_each_k, score_k
from kequn_lab.choosing.shadows import cluster_similarity, gorge, shadow_values
from kequn_lab.choosing.stability import global_stability, stability_by_k
from kequn_lab.choosing.verdicts import Choice, choose_k, read_k, stability_summary

__all__ = [
    "Choice",
    "across_solutions",
    "adjusted_rand",
    "choose_k",
    "cluster_similarity",
    "cross_table",
    "fit_each_k",
    "global_stability",
    "gorge",
    "null_like",
    "null_separation",
    "partition_indices",
    "read_k",
    "relabel_series",
    "score_k",
    "segment_stability",
    "shadow_values",
    "silhouettes",
    "solution_flows",
    "stability_by_k",
    "stability_summary",
    "truth_table",
]
