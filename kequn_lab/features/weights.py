"""Weights of columns and of blocks of them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

__all__ = ["ColumnWeights", "read_weights", "resolve_weights"]


def read_weights(path: str | Path) -> dict[str, float]:
    """Weights of columns from a TOML file: one line each, ``age = 2`` or ``"channel:*" = 0.5``.

    Parameters
    ----------
    path : path
        In UTF-8.

    Raises
    ------
    OSError, ValueError
        It cannot be read; it is not TOML; a value is not a number.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder, "weights.toml")
    ...     _ = file.write_text('age = 2\\n"channel:*" = 0.5\\n')
    ...     read_weights(file)
    {'age': 2, 'channel:*': 0.5}
    """
    path = Path(path)
    try:
        content = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(
            f"{path.name} is not a TOML file in UTF-8: {error}; a name with other letters than "
            'a-z, digits, _ and - needs quotes: "年龄" = 2'
        ) from error
    for name, value in content.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(
                f"{path.name}: weight of {name} must be a number, found {value!r}; write one line "
                'for each column: age = 2, or for a block: "channel:*" = 0.5'
            )
    return content


def resolve_weights(columns: Iterable[str], weights: Mapping[str, float]) -> dict[str, float]:
    """The weight of every column of a customer table.

    Parameters
    ----------
    columns : iterable of str
        Columns of the table that the model uses.
    weights : mapping of str to float
        By column, or by a pattern with ``*`` for a block of columns: its weight goes to each of
        them. A column named in full does not follow a pattern.

    Returns
    -------
    dict of str to float
        Columns whose weight is not 1.

    Raises
    ------
    ValueError
        A weight that is no number above 0; a name or pattern that fits no column; a column that
        two patterns fit.

    Examples
    --------
    >>> resolve_weights(["age", "channel:app", "channel:web"], {"age": 2, "channel:*": 0.5})
    {'age': 2.0, 'channel:app': 0.5, 'channel:web': 0.5}
    """
    columns = [str(c) for c in columns]
    by: dict[str, tuple[str, float]] = {}
    for key, weight in sorted(weights.items(), key=lambda item: item[0] in columns):
        number = isinstance(weight, int | float | np.number) and not isinstance(weight, bool)
        if not number or not 0 < weight < np.inf:
            raise ValueError(
                f"weight of {key} is {weight!r}; give a number above 0 (to do without the column, "
                "leave it out: --drop)"
            )
        fits = [key] if key in columns else [c for c in columns if fnmatchcase(c, key)]
        if not fits:
            raise ValueError(f"weights: no column {key}; there are {', '.join(columns)}")
        for column in fits:
            if key != column and column in by:
                raise ValueError(
                    f"weights: {by[column][0]} and {key} both fit {column}; name it in full"
                )
            by[column] = key, float(weight)
    return {c: by[c][1] for c in columns if c in by and by[c][1] != 1}


class ColumnWeights(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Multiply model columns by the root of a weight: the column's part of squared distances.

    A standardised column with weight 2 counts as two columns.

    Parameters
    ----------
    weights : mapping of str to float, optional
        By column of the customer table; the coordinates of a category (``column:level``) take
        the weight of their column.

    Attributes
    ----------
    factor_ : ndarray of shape (n_features,)
        Roots of the weights.

    Examples
    --------
    >>> import pandas as pd
    >>> z = pd.DataFrame({"age": [-1.0, 1], "job:clerk": [1.0, -1], "job:farmer": [-1.0, 1]})
    >>> ColumnWeights(weights={"job": 0.25}).fit(z).transform(z)
    array([[-1. ,  0.5, -0.5],
           [ 1. , -0.5,  0.5]])
    """

    def __init__(self, *, weights: Mapping[str, float] | None = None):
        self.weights = weights

    def fit(self, X, y=None):
        """Find the weight of every model column."""
        validate_data(self, X, ensure_all_finite="allow-nan")
        weights = dict(self.weights or {})
        names = [str(n) for n in getattr(self, "feature_names_in_", range(self.n_features_in_))]
        used, factor = set(), []
        for name in names:
            fits = [c for c in weights if name == c or name.startswith(f"{c}:")]
            column = max(fits, key=len, default=None)
            used.add(column)
            factor.append(1.0 if column is None else weights[column])
        if lacking := [c for c in weights if c not in used]:
            raise ValueError(f"weights: no column {', '.join(lacking)}; there are {names}")
        if any(not w > 0 for w in factor):
            raise ValueError(f"weights must be above 0, found {weights}")
        self.factor_ = np.sqrt(np.array(factor))
        return self

    def transform(self, X):
        """Multiply; missing values stay missing."""
        check_is_fitted(self)
        return validate_data(self, X, reset=False, ensure_all_finite="allow-nan") * self.factor_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags
