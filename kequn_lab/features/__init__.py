"""Raw tables to one row per customer, and on to model columns."""

from kequn_lab.features.categories import CategoryEncoder
from kequn_lab.features.customers import customer_features, feature_sql
from kequn_lab.features.definitions import DEFINITIONS, FEATURES, Feature, feature_dictionary
from kequn_lab.features.preprocessing import (
    QuantileClipper,
    SignedLog1p,
    model_columns,
    preprocessor,
)
from kequn_lab.features.window import window_notes

__all__ = [
    "DEFINITIONS",
    "FEATURES",
    "CategoryEncoder",
    "Feature",
    "QuantileClipper",
    "SignedLog1p",
    "customer_features",
    "feature_dictionary",
    "feature_sql",
    "model_columns",
    "preprocessor",
    "window_notes",
]
