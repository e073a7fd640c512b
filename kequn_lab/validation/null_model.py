"""What would data without segments give? A number is stable, or high, only against that.

The null data keep skew, tails and frequent values of each column and the correlations between
columns, and have one hill where the bank may have several: k-means cuts them as readily. A column
with several peaks is smoothed until it has one (`one_mode`): kept as it is, it would bring the
groups that it tells along into the null data, and no group of one column would ever be natural.

Where columns are coordinates of categories, the null data have their levels: a row has one level
of each, with the shares and associations of the data, so that null data are as lumpy as the data.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from numpy.random import RandomState
from numpy.typing import ArrayLike, NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from tqdm.auto import tqdm

from kequn_lab.segments.kmeans import KMeansSearch
from kequn_lab.segments.search import one_thread_each
from kequn_lab.segments.summaries import as_numbers
from kequn_lab.validation.bootstrap import checked_count
from kequn_lab.validation.copula import fit_copula
from kequn_lab.validation.shadows import margins

__all__ = [
    "null_like",
    "null_separation",
    "null_sets",
]

FITTED_ROWS = 20_000  # rows whose values and correlations the null data take, at most
NULL_ROWS = 5_000  # rows of a null set: smaller sets scatter more, and their largest is larger


def null_like(
    X: ArrayLike | pd.DataFrame, *, variables: Mapping[str, str] | None = None, random_state=None
):
    """Data without segments: columns and correlations as they are, but one hill.

    Normal numbers are drawn and each column is mapped onto the sorted values of `X` (a Gaussian
    copula), after a second peak of the column was smoothed away (Silverman's critical bandwidth).
    Flags, codes of five values or fewer, and a value that many rows share, as zero, stay: a gap
    beside them is no evidence of segments. The correlations are corrected a few times until those
    of the mapped columns are near the ones of `X`, which matters for binary and skewed columns.

    A nominal category has a normal number for each level, and the largest says the level: shares
    of levels stay, and so do their associations with numbers and with other levels, as far as one
    hill can have them.

    Parameters
    ----------
    X : array-like of shape (n_rows, n_features)
    variables : mapping of str to str, optional
        For columns that are coordinates of a category
        (:class:`~kequn_lab.features.CategoryEncoder`), the category; by position where `X` has no
        names. All other columns are numbers.
    random_state : int, RandomState or None

    Returns
    -------
    DataFrame or ndarray
        The shape of `X`; every value of a column with one peak occurs in that column of `X`, and
        every level of a category in `X`.

    Raises
    ------
    ValueError
        If values are missing or infinite; if `variables` names other columns, or columns that are
        not coordinates of levels.

    Examples
    --------
    >>> null_like([[0.0, 1.0], [1.0, 3.0]], random_state=0).shape
    (2, 2)
    """
    categories = category_columns(X, variables)
    columns = X.columns if isinstance(X, pd.DataFrame) else None
    X = as_numbers(X)
    rng = check_random_state(random_state)
    out = fit_copula(X, categories, rng).draw(len(X), rng)
    return out if columns is None else pd.DataFrame(out, columns=columns)


def null_sets(
    X: NDArray, rng, categories: list[NDArray] | None = None
) -> Callable[[int, RandomState], NDArray]:
    """What draws null sets like `X`, of a number of rows; the copula is fitted once.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
    rng : RandomState
    categories : list of ndarray, optional
        From `category_columns`.
    """
    if len(X) > FITTED_ROWS:
        X = X[np.sort(rng.choice(len(X), FITTED_ROWS, replace=False))]
    with one_thread_each():
        copula = fit_copula(X, categories or [], rng)

    def draw(n_rows: int, rng: RandomState) -> NDArray:
        with one_thread_each():  # products so small cost twice the time on two threads
            return copula.draw(n_rows, rng)

    return draw


def category_columns(X, variables: Mapping[str, str] | None) -> list[NDArray]:
    """Positions of the coordinates of each category in `X`, as `null_like` takes them.

    Examples
    --------
    >>> category_columns(np.eye(3), {1: "job", 2: "job"})
    [array([1, 2])]
    """
    if not variables:
        return []
    names = list(X.columns if isinstance(X, pd.DataFrame) else range(np.shape(X)[1]))
    if lacking := [name for name in variables if name not in names]:
        raise ValueError(f"variables: X has no column {', '.join(map(str, lacking))}")
    of: dict[str, list[int]] = {}
    for position, name in enumerate(names):
        if name in variables:
            of.setdefault(variables[name], []).append(position)
    values = np.asarray(X)
    for category, columns in of.items():
        distinct = len(np.unique(values[:, columns], axis=0)) if len(columns) > 1 else 0
        if distinct > len(columns) + 1:
            raise ValueError(
                f"variables: {category} has {len(columns)} coordinates, but rows have {distinct} "
                "different values there: they are not the coordinates of levels"
            )
    return [np.array(columns) for columns in of.values()]


def null_separation(
    X: ArrayLike,
    *,
    n_clusters: int,
    n_sets: int = 19,
    variables: Mapping[str, str] | None = None,
    n_jobs: int | None = None,
    random_state=None,
    progress: bool = True,
) -> pd.DataFrame:
    """Separation of the segments that k-means finds in data without segments.

    Parameters
    ----------
    X : array-like of shape (n_rows, n_features)
    n_clusters : int
    n_sets : int, default=19
        Null sets, of 5,000 rows at most. With 19, a larger separation than in all of them has
        a probability of 5 %.
    variables : see `null_like`
    n_jobs, random_state, progress : see `validation.global_stability`

    Returns
    -------
    DataFrame
        One row per null set and segment: ``set``, ``segment_id``, ``rows``, ``separation``
        (mean margin of its rows).

    Examples
    --------
    >>> X = np.random.RandomState(0).normal(size=(50, 2))
    >>> null_separation(X, n_clusters=2, n_sets=1, random_state=0, progress=False).columns.tolist()
    ['set', 'segment_id', 'rows', 'separation']
    """
    rng = check_random_state(random_state)
    categories = category_columns(X, variables)
    X = as_numbers(X)
    draw_null, parts = null_sets(X, rng, categories), []
    sets = range(checked_count("n_sets", n_sets))
    for number in tqdm(sets, desc="chance", disable=not progress, leave=False):
        null = draw_null(min(len(X), NULL_ROWS), rng)
        with warnings.catch_warnings():  # chance may leave out one of few kinds of rows
            warnings.simplefilter("ignore", ConvergenceWarning)
            search = KMeansSearch(
                n_clusters, n_starts=10, n_swaps=0, n_jobs=n_jobs, random_state=rng
            )
            model = search.fit(null)
        rows = margins(null, centres=model.cluster_centers_)
        part = rows.groupby("segment_id")["margin"].agg(["size", "mean"]).reset_index()
        part.columns = ["segment_id", "rows", "separation"]
        part.insert(0, "set", number)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)
