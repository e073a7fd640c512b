"""Raw tables to one row per customer, and on to model columns."""

from importlib import import_module

from kequn_lab.features.customers import customer_features, feature_sql
from kequn_lab.features.definitions import feature_dictionary

#: What needs scikit-learn, and its module: imported when it is first used.
_MODEL = {
    "CategoryEncoder": "categories",
    "model_columns": "preprocessing",
    "preprocessor": "preprocessing",
}
__all__ = [*_MODEL, "customer_features", "feature_dictionary", "feature_sql"]


def __getattr__(name):
    if name in _MODEL:
        return getattr(import_module(f"{__name__}.{_MODEL[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted(__all__)
