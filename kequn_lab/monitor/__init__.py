"""Next month: who moved, what changed, when to refit."""

from kequn_lab.monitor.drift import feature_drift
from kequn_lab.monitor.matching import migration_table, refit_like
from kequn_lab.monitor.registry import Registry, read_registry
from kequn_lab.monitor.watch import should_refit

__all__ = [
    "Registry",
    "feature_drift",
    "migration_table",
    "read_registry",
    "refit_like",
    "should_refit",
]
