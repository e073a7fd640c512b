"""Internet bank against traditional bank: effects, intervals, attractiveness, gains."""

from kequn_lab.compare.attractiveness import attractiveness_matrix, recommend
from kequn_lab.compare.banks import fit_parts, target_fit
from kequn_lab.compare.criteria import AXES, Criteria, require_columns, segment_values
from kequn_lab.compare.effects import (
    Sample,
    cliffs_delta,
    cramers_v,
    measure,
    standardised_difference,
)
from kequn_lab.compare.groups import assign_groups, compare_groups, compared_groups, group_sizes
from kequn_lab.compare.separability import Overlap, overlap
from kequn_lab.compare.targeting import contacts_needed, outcome_by_segment, targeting_gain

__all__ = [
    "AXES",
    "Criteria",
    "Overlap",
    "Sample",
    "assign_groups",
    "attractiveness_matrix",
    "cliffs_delta",
    "compare_groups",
    "compared_groups",
    "contacts_needed",
    "cramers_v",
    "fit_parts",
    "group_sizes",
    "measure",
    "outcome_by_segment",
    "overlap",
    "recommend",
    "require_columns",
    "segment_values",
    "standardised_difference",
    "target_fit",
    "targeting_gain",
]
