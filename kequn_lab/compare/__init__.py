"""Internet bank against traditional bank: effects, intervals, attractiveness, gains."""

from kequn_lab.compare.attractiveness import attractiveness_matrix
from kequn_lab.compare.banks import target_fit
from kequn_lab.compare.criteria import Criteria, segment_values
from kequn_lab.compare.groups import assign_groups, compare_groups
from kequn_lab.compare.separability import overlap
from kequn_lab.compare.targeting import contacts_needed, outcome_by_segment, targeting_gain

__all__ = [
    "Criteria",
    "assign_groups",
    "attractiveness_matrix",
    "compare_groups",
    "contacts_needed",
    "outcome_by_segment",
    "overlap",
    "segment_values",
    "target_fit",
    "targeting_gain",
]
