"""From the customer table to model columns: impute, clip, log, scale; scikit-learn transformers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted, validate_data

from kequn_lab.features.categories import CategoryEncoder
from kequn_lab.features.definitions import FEATURES
from kequn_lab.features.window import FEW_EVENTS

__all__ = ["QuantileClipper", "SignedLog1p", "category_encoder", "model_columns", "preprocessor"]

#: A feature that is missing or rests on few events for more customers than this is left out.
MOST = 0.5


def model_columns(features: pd.DataFrame) -> pd.DataFrame:
    """The features that differ between customers; the others are left out by name.

    Left out are constant columns, those missing for most customers (a fill would be most of
    what the model sees), and shares or spreads that for most customers rest on fewer than
    :data:`~kequn_lab.features.window.FEW_EVENTS` events (they would be chance). With the
    reason each goes into ``attrs["left_out"]``.

    Examples
    --------
    >>> table = pd.DataFrame({"aum_cny": [1.0, 2.0, 3.0], "web_share": 0.0, "risk_rank": 1.0})
    >>> table["risk_rank"] = [1.0, None, None]
    >>> model_columns(table).attrs["left_out"]
    {'web_share': 'constant', 'risk_rank': 'missing for 67 % of customers'}
    """
    few = features.attrs.get("window", {}).get("few", {})
    left_out = {}
    for name, column in pd.DataFrame(features).items():  # without attrs, which are copied each time
        missing = column.isna().mean()
        if missing > MOST:
            left_out[name] = f"missing for {100 * missing:.0f} % of customers"
        elif column.nunique() < 2:
            left_out[name] = "constant"
        elif few.get(name, 0) > MOST:
            left_out[name] = (
                f"fewer than {FEW_EVENTS} events behind it for {100 * few[name]:.0f} % of customers"
            )
    out = features.drop(columns=list(left_out))
    out.attrs["left_out"] = {**features.attrs.get("left_out", {}), **left_out}
    return out


class QuantileClipper(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Pull values outside two quantiles back to them, so that no single customer moves a centre.

    Parameters
    ----------
    lower, upper : float, default 0.001 and 0.999
        Quantiles of the training data, between 0 and 1.

    Attributes
    ----------
    lower_, upper_ : ndarray of shape (n_features,)
        Where values are cut, in the units of the data.

    Examples
    --------
    >>> QuantileClipper(lower=0, upper=0.5).fit_transform([[1.0], [2.0], [9.0]]).ravel()
    array([1., 2., 2.])
    """

    def __init__(self, *, lower: float = 0.001, upper: float = 0.999):
        self.lower = lower
        self.upper = upper

    def fit(self, X, y=None):
        """Learn the two quantiles of every column; missing values are left out of account."""
        if not 0 <= self.lower < self.upper <= 1:
            raise ValueError(f"need 0 <= lower < upper <= 1, found {self.lower} and {self.upper}")
        X = validate_data(self, X, dtype="numeric", ensure_all_finite="allow-nan")
        self.lower_, self.upper_ = np.nanquantile(
            np.asarray(X, dtype=np.float64), [self.lower, self.upper], axis=0
        )
        return self

    def transform(self, X):
        """Clip; missing values stay missing."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, ensure_all_finite="allow-nan")
        return np.clip(X, self.lower_.astype(X.dtype), self.upper_.astype(X.dtype))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


class SignedLog1p(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """sign(x) · log(1 + |x|) for the chosen columns, the others as they are.

    Parameters
    ----------
    columns : list of str, optional
        Names of the columns to transform; all when None.

    Attributes
    ----------
    mask_ : ndarray of bool of shape (n_features,)
        Which columns are transformed.

    Examples
    --------
    >>> table = pd.DataFrame({"aum_cny": [0.0, np.e - 1], "web_share": [0.1, 0.2]})
    >>> SignedLog1p(columns=["aum_cny"]).set_output(transform="pandas").fit_transform(table)
       aum_cny  web_share
    0      0.0        0.1
    1      1.0        0.2
    """

    def __init__(self, *, columns: list[str] | None = None):
        self.columns = columns

    def fit(self, X, y=None):
        """Find the columns by name."""
        X = validate_data(self, X, dtype="numeric", ensure_all_finite="allow-nan")
        if self.columns is None:
            self.mask_ = np.ones(self.n_features_in_, dtype=bool)
            return self
        names = getattr(self, "feature_names_in_", None)
        if names is None:
            raise ValueError("columns are given by name, but X has no column names")
        lacking = [c for c in self.columns if c not in set(names)]
        if lacking:
            raise ValueError(f"columns to take the logarithm of are not in X: {lacking}")
        self.mask_ = np.isin(names, self.columns)
        return self

    def transform(self, X):
        """Transform the chosen columns; missing values stay missing."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, ensure_all_finite="allow-nan", copy=True)
        X = X if X.dtype.kind == "f" else X.astype(np.float64)
        chosen = X[:, self.mask_]
        X[:, self.mask_] = np.sign(chosen) * np.log1p(np.abs(chosen))
        return X

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


def preprocessor(
    columns: Iterable[str],
    *,
    log_columns: Iterable[str] | None = None,
    categories: Mapping[str, Sequence[str]] | None = None,
    missing_levels: Collection[str] = (),
) -> Pipeline | ColumnTransformer:
    """The way from a customer table to model columns: impute, clip, log, scale.

    Parameters
    ----------
    columns : iterable of str
        The customer table's columns.
    log_columns : iterable of str, optional
        Which of them to take log(1+x) of; default those that :data:`FEATURES` marks.

    categories : mapping of str to sequence of str, optional
        Columns of categories, and their levels from lowest to highest where they have an order;
        an empty one is a nominal column. See :class:`CategoryEncoder`.
    missing_levels : collection of str
        Those of them in which a missing value is a level of its own.

    Returns
    -------
    Pipeline or ColumnTransformer
        Unfitted, DataFrame out. Missing values become the median, not zero: one value for all. With
        categories their coordinates come after the numbers.

    Examples
    --------
    >>> list(preprocessor(["aum_cny"]).named_steps)
    ['impute', 'clip', 'log', 'scale']
    """
    given, categories = list(columns), dict(categories or {})
    columns = [c for c in given if c not in categories]
    marked = {f.name for f in FEATURES if f.log} if log_columns is None else set(log_columns)
    steps = [
        ("impute", SimpleImputer(strategy="median", keep_empty_features=True)),
        ("clip", QuantileClipper()),
        ("log", SignedLog1p(columns=[c for c in columns if c in marked])),
        ("scale", StandardScaler()),
    ]
    numbers = Pipeline(steps).set_output(transform="pandas")
    if not categories:
        return numbers
    nominal = [c for c in given if c in categories]
    encoder = category_encoder(categories, missing_levels)
    parts = [("numbers", numbers, columns)] if columns else []
    parts.append(("categories", encoder, nominal))
    both = ColumnTransformer(parts, verbose_feature_names_out=False)
    return both.set_output(transform="pandas")


def category_encoder(
    categories: Mapping[str, Sequence[str]], missing_levels: Collection[str] = ()
) -> CategoryEncoder:
    """The encoder of :func:`preprocessor`, unfitted; for these columns and no others.

    Parameters
    ----------
    categories, missing_levels
        As :func:`preprocessor`.
    """
    return CategoryEncoder(
        orders={c: list(order) for c, order in categories.items() if order},
        missing={c: "level" if c in missing_levels else "mean" for c in categories},
    )
