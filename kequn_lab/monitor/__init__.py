"""Next month: who moved, what changed, when to refit."""

from kequn_lab.monitor.comparing import Comparison, compare_labels, scorecard_shifts
from kequn_lab.monitor.drift import (
    Spread,
    feature_drift,
    noise_floor,
    stability_index,
    unit_notes,
)
from kequn_lab.monitor.matching import Refit, match_labels, migration_table, refit_like
from kequn_lab.monitor.watch import Verdict, departures, new_groups, shifts, should_refit

__all__ = [
    "Comparison",
    "Refit",
    "Spread",
    "Verdict",
    "compare_labels",
    "departures",
    "feature_drift",
    "match_labels",
    "migration_table",
    "new_groups",
    "noise_floor",
    "refit_like",
    "scorecard_shifts",
    "shifts",
    "should_refit",
    "stability_index",
    "unit_notes",
]
