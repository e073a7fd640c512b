"""How many segments? The evidence by k, shown whole, because its parts disagree.

k-means always returns k groups. No index knows the k that serves a bank: each rewards another
shape, and where there are no natural groups they point in different directions. So `score_k`
gives the table, and `verdicts` reads it. Whether segments hold still is `stability` (by k) and
`recurrence` (by segment); what data without segments would give is `chance`.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state
from tqdm.auto import tqdm

from kequn_lab.choosing.draws import checked_ks, row_weights, side_by_side
from kequn_lab.choosing.indices import partition_indices, silhouettes
from kequn_lab.segments.kmeans import KMeansSearch
from kequn_lab.segments.search import search
from kequn_lab.segments.summaries import as_numbers, summarise

__all__ = ["fit_each_k", "score_k"]

SILHOUETTE_ROWS = 5_000  # above this many rows the silhouette is taken on a sample of so many
GAP_ROWS = 5_000  # rows of each reference set of the gap statistic, at most


def fit_each_k(
    X: ArrayLike,
    *,
    ks: Iterable[int] = range(2, 13),
    n_starts: int = 25,
    sample_weight: ArrayLike | None = None,
    n_jobs: int | None = None,
    random_state=None,
    progress: bool = True,
) -> dict[int, KMeansSearch]:
    """The best solution found for each number of segments.

    Parameters
    ----------
    X : array-like of shape (n_rows, n_features)
    ks, sample_weight, n_jobs, random_state, progress : see `choosing.global_stability`
    n_starts : int, default=25
        See `segments.KMeansSearch`.

    Returns
    -------
    dict of int to KMeansSearch
        ``pd.DataFrame({k: m.labels_ for k, m in models.items()})`` is what
        `choosing.relabel_series` and `choosing.across_solutions` take.

    Raises
    ------
    ValueError
        For missing values, ks that do not ascend from 2 to the number of distinct rows.

    Examples
    --------
    >>> models = fit_each_k([[0.0], [1.0], [8.0], [9.0]], ks=[2, 3], random_state=0, progress=False)
    >>> [round(model.inertia_, 2) for model in models.values()]
    [1.0, 0.5]
    """
    X = as_numbers(X)
    row_weights(sample_weight, len(X))
    ks = _ks_for(X, ks)
    seed = check_random_state(random_state).randint(0, 2**31 - 1)
    models = {}
    for k in tqdm(ks, desc="solutions", disable=not progress, leave=False):
        model = KMeansSearch(k, n_starts=n_starts, n_jobs=n_jobs, random_state=seed)
        models[k] = model.fit(X, sample_weight=sample_weight)
    return models


def _ks_for(X, ks) -> list[int]:
    ks = list(ks)
    top = max((k for k in ks if isinstance(k, (int, np.integer))), default=0)
    few = X[: 10 * top + 100]  # rows that repeat are the exception: look at all only if needed
    n_distinct = len(np.unique(few, axis=0))
    return checked_ks(ks, n_distinct if n_distinct >= top else len(np.unique(X, axis=0)))


def score_k(
    X: ArrayLike,
    *,
    ks: Iterable[int] = range(2, 13),
    models: dict[int, KMeansSearch] | None = None,
    n_starts: int = 25,
    n_reference: int = 20,
    sample_weight: ArrayLike | None = None,
    n_jobs: int | None = None,
    random_state=None,
    progress: bool = True,
) -> pd.DataFrame:
    """Internal indices of the best solution for each number of segments.

    Parameters
    ----------
    X : array-like of shape (n_rows, n_features)
        Finite numbers, scaled.
    ks, sample_weight, n_jobs, random_state, progress : see `choosing.global_stability`
    models : dict of int to KMeansSearch, optional
        From `fit_each_k`; fitted here if missing. Their ks are used then.
    n_starts : int, default=25
    n_reference : int, default=20
        Reference sets of the gap statistic; 0 leaves it out (NaN).

    Returns
    -------
    DataFrame
        One row per k:

        - ``k``, ``inertia`` (sum of squares within), ``inertia_drop`` (against one segment
          less) and ``inertia_drop_share`` (of that); NaN where k - 1 is not in the table
          (one segment always is).
        - ``silhouette`` and ``silhouette_se`` (standard error of the sampling; 0 when all rows
          were used, up to 5,000), ``simplified_silhouette`` ((d2 - d1) / d2 with distances to
          centres, all rows).
        - ``calinski_harabasz`` (more is better), ``davies_bouldin`` (less is better).
        - ``gap`` and ``gap_se``: log inertia expected of uniform data in the box of the
          principal components, less that of the data; on at most 5,000 rows a set.
        - ``smallest_share`` and ``smallest_rows`` of the smallest segment.
        - ``agreement``: share of the plain starts that reached the best optimum; ``n_starts``.

    Raises
    ------
    ValueError
        As `fit_each_k`; where models were fitted on other columns.

    References
    ----------
    R. Tibshirani, G. Walther, T. Hastie, "Estimating the number of clusters in a data set via
    the gap statistic", JRSS B 63 (2001).

    Examples
    --------
    >>> X = np.repeat([[0.0], [1.0], [8.0], [9.0]], 5, axis=0)
    >>> scores = score_k(X, ks=[2, 3], n_reference=0, random_state=0, progress=False)
    >>> scores[["k", "inertia", "silhouette", "smallest_rows", "agreement"]].round(3)
       k  inertia  silhouette  smallest_rows  agreement
    0  2      5.0       0.930           10.0        1.0
    1  3      2.5       0.963            5.0        1.0
    """
    X = as_numbers(X)
    weight = row_weights(sample_weight, len(X))
    rng = check_random_state(random_state)
    if models is None:
        models = fit_each_k(
            X,
            ks=ks,
            n_starts=n_starts,
            sample_weight=sample_weight,
            n_jobs=n_jobs,
            random_state=rng,
            progress=progress,
        )
    ks = list(models)
    labels = [models[k].predict(X) for k in ks]
    table = pd.DataFrame(
        [partition_indices(X, labels=y, sample_weight=weight).to_dict() for y in labels]
    )
    table.insert(0, "k", ks)
    origin = np.average(X, axis=0, weights=weight)
    one_segment = sum(float(weight @ (x - o) ** 2) for x, o in zip(X.T.astype(float), origin))
    known = {1: one_segment, **dict(zip(ks, table["inertia"]))}
    before = table["k"].sub(1).map(known)
    table.insert(2, "inertia_drop", before - table["inertia"])
    table.insert(3, "inertia_drop_share", table["inertia_drop"] / before)
    silhouettes, error = _mean_silhouettes(X, labels, weight, rng)
    table.insert(4, "silhouette", silhouettes)
    table.insert(5, "silhouette_se", error)
    gap, gap_se = _gaps(
        X, weight, table.set_index("k")["inertia"], n_reference, rng, n_jobs, progress
    )
    table.insert(9, "gap", gap)
    table.insert(10, "gap_se", gap_se)
    table["agreement"] = [models[k].agreement_ for k in ks]
    table["n_starts"] = [len(models[k].restart_inertias_) for k in ks]
    return table


def _mean_silhouettes(X, labelings, weight, rng) -> tuple[list[float], list[float]]:
    some = np.arange(len(X))
    if len(X) > SILHOUETTE_ROWS:
        some = rng.choice(len(X), SILHOUETTE_ROWS, replace=False)
    w = weight[some]
    values = silhouettes(X[some], [y[some] for y in labelings], w)
    means = [float(np.average(v, weights=w)) for v in values]
    if len(some) == len(X):
        return means, [0.0] * len(means)
    spread = [np.average((v - m) ** 2, weights=w) / len(some) for v, m in zip(values, means)]
    return means, [float(np.sqrt(s)) for s in spread]


def _gaps(X, weight, inertias, n_reference, rng, n_jobs, progress) -> tuple[ArrayLike, ArrayLike]:
    """Gap statistic and its standard error by k."""
    if not n_reference:
        return np.nan, np.nan
    rows = rng.choice(len(X), min(len(X), 100_000), replace=False)
    some = X[rows] - np.average(X[rows], axis=0, weights=weight[rows])
    turn = np.linalg.svd(some.T.astype(float) @ some, hermitian=True)[0]
    turned = some @ turn
    low, high = turned.min(axis=0), turned.max(axis=0)
    n, seeds = min(len(X), GAP_ROWS), rng.randint(0, 2**31 - 1, n_reference)

    def reference(seed):
        draw = np.random.RandomState(seed)
        points = summarise(draw.uniform(low, high, (n, len(low))).astype(np.float32), n_points=n)
        tol = 1e-4 * float((points.points**2).mean())
        found = [
            search(points, k, n_starts=5, n_swaps=0, tol=tol, random_state=draw)
            for k in inertias.index
        ]
        return [f.inertias[0] / n for f in found]

    tasks = [(seed,) for seed in seeds]
    expected = np.array(
        side_by_side(reference, tasks, n_jobs=n_jobs, progress=progress, label="gap references")
    )
    # No inertia left: an infinite gap; NaN where uniform data have none either.
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = np.log(expected)
        gap = expected.mean(axis=0) - np.log(inertias.to_numpy() / weight.sum())
        return gap, expected.std(axis=0) * np.sqrt(1 + 1 / n_reference)
