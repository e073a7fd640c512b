"""What would data without segments give? A number is stable, or high, only against that.

The null data keep skew, tails and frequent values of each column and the correlations between
columns, and have one hill where the bank may have several: k-means cuts them as readily. A column
with several peaks is smoothed until it has one (`one_mode`): kept as it is, it would bring the
groups that it tells along into the null data, and no group of one column would ever be natural.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.random import RandomState
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from tqdm.auto import tqdm

from kequn_lab.segments.kmeans import KMeansSearch
from kequn_lab.segments.summaries import as_numbers
from kequn_lab.validation.bootstrap import checked_count
from kequn_lab.validation.one_mode import with_one_mode
from kequn_lab.validation.shadows import margins

__all__ = [
    "null_like",
    "null_separation",
    "null_sets",
]

FITTED_ROWS = 20_000  # rows whose values and correlations the null data take, at most
NULL_ROWS = 5_000  # rows of a null set: smaller sets scatter more, and their largest is larger


def null_like(X: ArrayLike | pd.DataFrame, *, random_state=None):
    """Data without segments: columns and correlations as they are, but one hill.

    Normal numbers are drawn and each column is mapped onto the sorted values of `X` (a Gaussian
    copula), after a second peak of the column was smoothed away (Silverman's critical bandwidth).
    Flags, codes of five values or fewer, and a value that many rows share, as zero, stay: a gap
    beside them is no evidence of segments. The correlations are corrected a few times until those
    of the mapped columns are near the ones of `X`, which matters for binary and skewed columns.

    Parameters
    ----------
    X : array-like of shape (n_rows, n_features)
    random_state : int, RandomState or None

    Returns
    -------
    DataFrame or ndarray
        The shape of `X`; every value of a column with one peak occurs in that column of `X`.

    Raises
    ------
    ValueError
        If values are missing or infinite.

    Examples
    --------
    >>> null_like([[0.0, 1.0], [1.0, 3.0]], random_state=0).shape
    (2, 2)
    """
    columns = X.columns if isinstance(X, pd.DataFrame) else None
    X = as_numbers(X)
    rng = check_random_state(random_state)
    out = _null_set(*_copula(X, rng), len(X), rng)
    return out if columns is None else pd.DataFrame(out, columns=columns)


def null_sets(X: NDArray, rng) -> Callable[[int, RandomState], NDArray]:
    """What draws null sets like `X`, of a number of rows; the copula is fitted once.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
    rng : RandomState
    """
    if len(X) > FITTED_ROWS:
        X = X[np.sort(rng.choice(len(X), FITTED_ROWS, replace=False))]
    copula = _copula(X, rng)
    return lambda n_rows, draw: _null_set(*copula, n_rows, draw)


def _copula(X, rng) -> tuple[NDArray, NDArray]:
    """Sorted values of each column, one peak each, and what makes normal numbers correlated."""
    values = np.apply_along_axis(with_one_mode, 0, np.sort(X, axis=0))
    if X.shape[1] >= len(X):  # so many correlations of so few rows are noise: as they are
        return values, _standardised(X) / np.sqrt(len(X))
    target = _correlations(X)
    normal = rng.standard_normal((min(max(len(X), 2_000), FITTED_ROWS), X.shape[1]))
    latent = target
    for _ in range(8):
        reached = _correlations(_mapped(normal @ _root(latent), values))
        latent = np.clip(latent + target - reached, -1, 1)
        np.fill_diagonal(latent, 1.0)
    return values, _root(latent)


def _null_set(values, root, n_rows, rng) -> NDArray:
    return _mapped(rng.standard_normal((n_rows, len(root))) @ root, values)


def _standardised(X) -> NDArray:
    """Columns with mean 0 and deviation 1; constant ones are 0."""
    centred = X - X.mean(axis=0, dtype=float)
    spread = np.sqrt((centred**2).mean(axis=0))
    return np.divide(centred, spread, out=np.zeros_like(centred), where=spread > 0)


def _correlations(X) -> NDArray:
    """Correlations; those of a constant column are 0."""
    z = _standardised(X)
    found = z.T @ z / len(X)
    np.fill_diagonal(found, 1.0)
    return found


def _root(correlation) -> NDArray:
    """A square root of the nearest proper correlation matrix."""
    size, turn = np.linalg.eigh(correlation)
    root = (turn * np.sqrt(np.maximum(size, 0))) @ turn.T
    return root / np.sqrt((root**2).sum(axis=0))


def _mapped(normal, values) -> NDArray:
    rank = np.minimum((ndtr(normal) * len(values)).astype(int), len(values) - 1)
    return np.take_along_axis(values, rank, axis=0)


def null_separation(
    X: ArrayLike,
    *,
    n_clusters: int,
    n_sets: int = 19,
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
    X = as_numbers(X)
    draw_null, parts = null_sets(X, rng), []
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
