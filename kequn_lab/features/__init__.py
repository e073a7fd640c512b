"""Raw tables to one row per customer, and on to model columns."""

from kequn_lab.features.customers import (
    DEFINITIONS,
    FEATURES,
    Feature,
    customer_features,
    feature_sql,
    feature_table,
)
from kequn_lab.features.preprocessing import (
    QuantileClipper,
    SignedLog1p,
    model_columns,
    preprocessor,
)

__all__ = [
    "DEFINITIONS",
    "FEATURES",
    "Feature",
    "QuantileClipper",
    "SignedLog1p",
    "customer_features",
    "feature_sql",
    "feature_table",
    "model_columns",
    "preprocessor",
]
