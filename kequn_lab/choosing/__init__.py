"""How many segments, and do they hold still? The evidence, whole, because its parts disagree."""

from kequn_lab.choosing.chance import (
    against_chance,
    null_like,
    null_reference,
    null_separation,
    prediction_strength,
)
from kequn_lab.choosing.indices import partition_indices, silhouette_values, silhouettes
from kequn_lab.choosing.labelings import (
    across_solutions,
    adjusted_rand,
    best_jaccard,
    cross_table,
    relabel_series,
    solution_flows,
    truth_table,
)
from kequn_lab.choosing.recurrence import clusterwise_jaccard, segment_stability
from kequn_lab.choosing.scores import fit_each_k, score_k
from kequn_lab.choosing.shadows import cluster_similarity, gorge, shadow_values
from kequn_lab.choosing.stability import global_stability, stability_by_k
from kequn_lab.choosing.verdicts import Choice, choose_k, read_k, stability_summary

__all__ = [
    "Choice",
    "across_solutions",
    "adjusted_rand",
    "against_chance",
    "best_jaccard",
    "choose_k",
    "cluster_similarity",
    "clusterwise_jaccard",
    "cross_table",
    "fit_each_k",
    "global_stability",
    "gorge",
    "null_like",
    "null_reference",
    "null_separation",
    "partition_indices",
    "prediction_strength",
    "read_k",
    "relabel_series",
    "score_k",
    "segment_stability",
    "shadow_values",
    "silhouette_values",
    "silhouettes",
    "solution_flows",
    "stability_by_k",
    "stability_summary",
    "truth_table",
]
