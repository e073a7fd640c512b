"""Next month: who moved, what changed, when to refit."""

from kequn_lab.monitor.comparing import compare_labels
from kequn_lab.monitor.drift import feature_drift, population_stability_index
from kequn_lab.monitor.matching import match_labels, migration_table, refit_like
from kequn_lab.monitor.watch import attrition, mean_shift, new_groups, should_refit

__all__ = [
    "attrition",
    "compare_labels",
    "feature_drift",
    "match_labels",
    "mean_shift",
    "migration_table",
    "new_groups",
    "population_stability_index",
    "refit_like",
    "should_refit",
]
