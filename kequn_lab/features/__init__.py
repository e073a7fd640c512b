"""Raw tables to one row per customer, and on to model columns."""

from kequn_lab.features.categories import CategoryEncoder
from kequn_lab.features.customers import customer_features, feature_sql
from kequn_lab.features.definitions import feature_dictionary
from kequn_lab.features.preprocessing import model_columns, preprocessor

__all__ = [
    "CategoryEncoder",
    "customer_features",
    "feature_dictionary",
    "feature_sql",
    "model_columns",
    "preprocessor",
]
