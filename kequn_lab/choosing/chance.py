"""What would data without segments give? A number is stable, or high, only against that.

The null data keep each column's values and the correlations between columns, and have one hill
where the bank may have several: k-means cuts them as readily.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from tqdm.auto import tqdm

from kequn_lab.choosing.draws import checked_count, checked_ks, side_by_side
from kequn_lab.choosing.labelings import cross_table
from kequn_lab.choosing.scores import score_k
from kequn_lab.choosing.shadows import shadow_values
from kequn_lab.choosing.stability import global_stability
from kequn_lab.segments.kmeans import KMeansSearch
from kequn_lab.segments.search import search
from kequn_lab.segments.summaries import as_numbers, nearest, summarise

__all__ = [
    "against_chance",
    "null_like",
    "null_reference",
    "null_separation",
    "prediction_strength",
]

SPLIT_ROWS = 10_000  # rows that are split in two, at most
FITTED_ROWS = 20_000  # rows on which the null data's correlations are fitted, and margins taken


def prediction_strength(
    X: ArrayLike,
    *,
    ks: Iterable[int] = range(2, 13),
    n_splits: int = 50,
    n_starts: int = 10,
    n_jobs: int | None = None,
    random_state=None,
    progress: bool = True,
) -> pd.DataFrame:
    """Do segments found in one half of the customers predict those of the other half?

    The rows are split in two halves, each clustered. For a segment of one half: the share of its
    pairs of rows that the centres of the other half keep together. The smallest share counts,
    and the mean over both directions (as R's fpc, ``classification="centroid"``).

    Parameters
    ----------
    X : array-like of shape (n_rows, n_features)
        Above 10,000 rows each split takes a sample of so many.
    ks, n_starts, n_jobs, random_state, progress : see `choosing.global_stability`
    n_splits : int, default=50

    Returns
    -------
    DataFrame
        One row per k and split: ``k``, ``replicate``, ``strength`` (0 to 1; above 0.8 to 0.9 is
        read as well separated), ``one_row_segments`` (they have no pairs and are left out).

    Raises
    ------
    ValueError
        As `choosing.global_stability`; if half of the rows are fewer than the largest k.

    References
    ----------
    R. Tibshirani, G. Walther, "Cluster validation by prediction strength", JCGS 14 (2005).

    Examples
    --------
    >>> X = np.repeat([[0.0], [1.0], [8.0], [9.0]], 10, axis=0)
    >>> prediction_strength(X, ks=[2], n_splits=1, random_state=0, progress=False)
       k  replicate  strength  one_row_segments
    0  2          0       1.0                 0
    """
    X = as_numbers(X)
    n_splits, n_starts = checked_count("n_splits", n_splits), checked_count("n_starts", n_starts)
    ks = checked_ks(ks, len(X) // 2, "rows in a half of X")
    seeds = check_random_state(random_state).randint(0, 2**31 - 1, n_splits)
    tasks = [(X, ks, replicate, n_starts, seed) for replicate, seed in enumerate(seeds)]
    run = {"n_jobs": n_jobs, "progress": progress, "label": "splits"}
    table = pd.concat(side_by_side(_strengths, tasks, **run))
    return table.sort_values(["k", "replicate"], ignore_index=True)


def _strengths(X, ks, replicate, n_starts, seed) -> pd.DataFrame:
    """One split, all k."""
    rng = np.random.RandomState(seed)
    rows = rng.permutation(len(X))[:SPLIT_ROWS]
    halves = [X[h] for h in np.array_split(rows, 2)]
    rows = []
    for k in ks:
        centres = [_centres(half, k, n_starts, rng) for half in halves]
        shares, single = [], 0
        for here, there in ((0, 1), (1, 0)):
            mine, predicted = (nearest(halves[here], centres[i]) for i in (here, there))
            table = cross_table(mine, predicted).to_numpy()
            size = table.sum(axis=1)
            pairs = size * (size - 1)
            single += int((size == 1).sum())
            kept = (table * (table - 1)).sum(axis=1)[pairs > 0] / pairs[pairs > 0]
            shares.append(kept.min() if len(kept) else np.nan)
        rows.append((k, replicate, np.mean(shares), single))
    return pd.DataFrame(rows, columns=["k", "replicate", "strength", "one_row_segments"])


def _centres(X, k, n_starts, rng) -> NDArray:
    """The best centres of a plain search on all rows."""
    origin = X.mean(axis=0)
    points = summarise(X - origin, n_points=len(X))
    return search(points, k, n_starts=n_starts, n_swaps=0, random_state=rng).centres[0] + origin


def null_like(X: ArrayLike | pd.DataFrame, *, n_rows: int | None = None, random_state=None):
    """Data without segments: the columns' own values and correlations, one hill.

    Normal numbers are drawn and each column is mapped onto the sorted values of `X` (a Gaussian
    copula); their correlations are corrected a few times until those of the mapped columns are
    near the ones of `X`, which matters for binary and skewed columns.

    Parameters
    ----------
    X : array-like of shape (n_rows, n_features)
    n_rows : int, optional
        Rows to draw; as many as `X` has if missing.
    random_state : int, RandomState or None

    Returns
    -------
    DataFrame or ndarray of shape (n_rows, n_features)
        As `X`; every value occurs in its column of `X`.

    Raises
    ------
    ValueError
        If values are missing or infinite.

    Examples
    --------
    >>> null_like([[0.0, 1.0], [1.0, 3.0]], n_rows=3, random_state=0).shape
    (3, 2)
    """
    columns = X.columns if isinstance(X, pd.DataFrame) else None
    X = as_numbers(X)
    rng = check_random_state(random_state)
    out = _null_set(*_copula(X, rng), n_rows or len(X), rng)
    return out if columns is None else pd.DataFrame(out, columns=columns)


def _copula(X, rng) -> tuple[NDArray, NDArray]:
    """The sorted values of each column, and what turns normal numbers into correlated ones."""
    values = np.sort(X, axis=0)
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


def null_reference(
    X: ArrayLike,
    *,
    ks: Iterable[int] = range(2, 13),
    n_sets: int = 5,
    n_boot: int = 20,
    n_splits: int = 10,
    n_starts: int = 10,
    n_jobs: int | None = None,
    random_state=None,
    progress: bool = True,
) -> pd.DataFrame:
    """The indices of `score_k`, stability and prediction strength on data without segments.

    Parameters
    ----------
    X : array-like of shape (n_rows, n_features)
    ks, n_starts, n_jobs, random_state, progress : see `choosing.global_stability`
    n_sets : int, default=5
        Null sets, of as many rows as `X`. 19 make the largest of them a 5 % level.
    n_boot, n_splits : int
        Bootstrap pairs and splits for each set.

    Returns
    -------
    DataFrame
        One row per null set and k: ``set``, ``k``, ``silhouette``, ``simplified_silhouette``,
        ``calinski_harabasz``, ``davies_bouldin``, ``ari``, ``ari_data``, ``ari_search``
        (medians) and ``strength`` (mean).

    Examples
    --------
    >>> X = np.random.RandomState(0).normal(size=(40, 2))
    >>> null = null_reference(
    ...     X, ks=[2], n_sets=2, n_boot=2, n_splits=2, random_state=0, progress=False
    ... )
    >>> null[["set", "k"]]
       set  k
    0    0  2
    1    1  2
    """
    rng = check_random_state(random_state)
    X, ks = as_numbers(X), list(ks)
    run = {"ks": ks, "n_starts": n_starts, "n_jobs": n_jobs, "random_state": rng}
    run["progress"] = progress
    indices = ["silhouette", "simplified_silhouette", "calinski_harabasz", "davies_bouldin"]
    copula, parts = _copula(X, rng), []
    for number in range(checked_count("n_sets", n_sets)):
        null = _null_set(*copula, len(X), rng)
        scores = score_k(null, n_reference=0, **run).set_index("k")[indices]
        pairs = global_stability(null, n_boot=n_boot, **run).groupby("k")
        strength = prediction_strength(null, n_splits=n_splits, **run).groupby("k")
        part = scores.join(pairs[["ari", "ari_data", "ari_search"]].median())
        part = part.join(strength["strength"].mean()).reset_index()
        part.insert(0, "set", number)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def against_chance(observed: pd.DataFrame, null: pd.DataFrame) -> pd.DataFrame:
    """Each index of the bank's data beside the same index of data without segments.

    Parameters
    ----------
    observed : DataFrame
        Column ``k`` and any of the index columns of `null_reference`: `score_k`'s table, joined
        with medians of `global_stability` or means of `prediction_strength` by k.
    null : DataFrame
        From `null_reference`.

    Returns
    -------
    DataFrame
        One row per k and index: ``k``, ``index``, ``observed``, ``chance_low``,
        ``chance_median``, ``chance_high`` (smallest, median, largest of the null sets) and
        ``beyond`` (better than every null set; for ``davies_bouldin`` less is better).

    Examples
    --------
    >>> null = pd.DataFrame({"set": [0, 1], "k": 2, "silhouette": [0.3, 0.4]})
    >>> against_chance(pd.DataFrame({"k": [2], "silhouette": [0.7]}), null).loc[0, "beyond"]
    np.True_
    """
    names = [c for c in null.columns if c not in ("set", "k") and c in observed]
    seen = observed.melt("k", names, "index", "observed")
    by_chance = null.melt(["set", "k"], names, "index").groupby(["k", "index"])["value"]
    table = by_chance.agg(["min", "median", "max"]).reset_index()
    table.columns = ["k", "index", "chance_low", "chance_median", "chance_high"]
    table = seen.merge(table, on=["k", "index"])
    less = table["index"] == "davies_bouldin"
    table["beyond"] = np.where(
        less,
        table["observed"] < table["chance_low"],
        table["observed"] > table["chance_high"],
    )
    return table


def null_separation(
    X: ArrayLike,
    *,
    n_clusters: int,
    n_sets: int = 19,
    n_rows: int = 5_000,
    n_starts: int = 10,
    n_jobs: int | None = None,
    random_state=None,
    progress: bool = True,
) -> pd.DataFrame:
    """How far apart do segments stand that k-means cuts out of data without segments?

    Parameters
    ----------
    X : array-like of shape (n_rows, n_features)
    n_clusters : int
    n_sets : int, default=19
        With 19 null sets, to stand further apart than all of them has a chance of 5 %.
    n_rows : int, default=5000
        In a null set, at most. Smaller sets scatter more, so their largest separation is larger
        and harder to exceed.
    n_starts, n_jobs, random_state, progress : see `choosing.global_stability`

    Returns
    -------
    DataFrame
        One row per null set and segment: ``set``, ``segment``, ``rows``, ``separation``
        (1 - mean shadow value).

    Examples
    --------
    >>> X = np.random.RandomState(0).normal(size=(50, 2))
    >>> null_separation(X, n_clusters=2, n_sets=1, random_state=0, progress=False).columns.tolist()
    ['set', 'segment', 'rows', 'separation']
    """
    rng = check_random_state(random_state)
    X = as_numbers(X)
    if len(X) > FITTED_ROWS:
        X = X[np.sort(rng.choice(len(X), FITTED_ROWS, replace=False))]
    copula, parts = _copula(X, rng), []
    sets = range(checked_count("n_sets", n_sets))
    for number in tqdm(sets, desc="chance", disable=not progress, leave=False):
        null = _null_set(*copula, min(len(X), n_rows), rng)
        with warnings.catch_warnings():  # chance may leave out one of few kinds of rows
            warnings.simplefilter("ignore", ConvergenceWarning)
            model = KMeansSearch(
                n_clusters, n_starts=n_starts, n_swaps=0, n_jobs=n_jobs, random_state=rng
            ).fit(null)
        rows = shadow_values(null, centres=model.cluster_centers_)
        part = rows.groupby("segment")["shadow"].agg(["size", "mean"]).reset_index()
        part.columns = ["segment", "rows", "separation"]
        part["separation"] = 1 - part["separation"]
        part.insert(0, "set", number)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)
