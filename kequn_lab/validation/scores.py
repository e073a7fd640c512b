"""How many segments? The evidence by k, shown whole, because its parts disagree.

k-means always returns k groups. No index knows the k that serves a bank: each rewards another
shape, and where there are no natural groups they point in different directions. So `score_k`
gives the table, and `decisions` reads it. Whether segments are stable is `stability` (by k) and
`segment_stability`; what data without segments would give is `null_model`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.decomposition import PCA
from sklearn.metrics import (
    calinski_harabasz_score,
    davies_bouldin_score,
    pairwise_distances_argmin,
    silhouette_samples,
    silhouette_score,
)
from sklearn.utils import check_random_state
from tqdm.auto import tqdm

from kequn_lab.segments.kmeans import KMeansSearch
from kequn_lab.segments.search import search
from kequn_lab.segments.summaries import as_numbers, summarise
from kequn_lab.validation.bootstrap import checked_count, checked_ks, side_by_side
from kequn_lab.validation.null_model import category_columns, null_sets
from kequn_lab.validation.shadows import border_density

__all__ = ["fit_each_k", "score_k"]

SILHOUETTE_ROWS = 5_000  # above this many rows the silhouette is taken on a sample of so many
GAP_ROWS = 5_000  # rows of each reference set of the gap statistic, at most
NULL_ROWS = 2_000  # rows of each set of data without segments, at most


def fit_each_k(
    X: ArrayLike,
    *,
    ks: Iterable[int] = range(2, 13),
    n_starts: int = 25,
    n_jobs: int | None = None,
    random_state=None,
    progress: bool = True,
) -> dict[int, KMeansSearch]:
    """The best solution found for each number of segments.

    Parameters
    ----------
    X : array-like of shape (n_rows, n_features)
    ks, n_jobs, random_state, progress : see `validation.global_stability`
    n_starts : int, default=25
        See `segments.KMeansSearch`.

    Returns
    -------
    dict of int to KMeansSearch
        ``pd.DataFrame({k: m.labels_ for k, m in models.items()})`` is what
        `validation.solution_flows` and `validation.across_solutions` take.

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
    ks = _ks_for(X, ks)
    seed = check_random_state(random_state).randint(0, 2**31 - 1)
    models = {}
    for k in tqdm(ks, desc="solutions", disable=not progress, leave=False):
        model = KMeansSearch(k, n_starts=n_starts, n_jobs=n_jobs, random_state=seed)
        models[k] = model.fit(X)
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
    n_null: int = 19,
    variables: Mapping[str, str] | None = None,
    n_jobs: int | None = None,
    random_state=None,
    progress: bool = True,
) -> pd.DataFrame:
    """Internal indices of the best solution for each number of segments.

    Parameters
    ----------
    X : array-like of shape (n_rows, n_features)
        Finite numbers, scaled.
    ks, n_jobs, random_state, progress : see `validation.global_stability`
    models : dict of int to KMeansSearch, optional
        From `fit_each_k`; fitted here if missing. Their ks are used then.
    n_starts : int, default=25
    n_reference : int, default=20
        Reference sets of the gap statistic; 0 leaves it out (NaN).
    n_null : int, default=19
        Sets of data without segments (`null_like`), by which `choose_k` can say that there are
        none; 0 leaves them out (NaN).
    variables : mapping of str to str, optional
        For columns that are coordinates of a category, the category (`null_like`).

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
        - ``null_silhouette``: largest silhouette in data without segments (`null_like`);
          ``null_gap``: as ``gap``, with these data in place of uniform ones; on at most 2,000
          rows a set.
        - ``border_density``: largest at any border, against the lower peak beside it (see
          `stability_summary`). With ``variables`` also ``null_border_density``, the lowest in
          data without segments: levels leave gaps by nature.
        - ``smallest_share`` and ``smallest_rows`` of the smallest segment.
        - ``agreement``: share of the plain starts that reached the best optimum (NaN above 2,000
          distinct rows); ``n_starts``.

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
    0  2      5.0       0.930             10        1.0
    1  3      2.5       0.963              5        1.0
    """
    categories = category_columns(X, variables)
    X = as_numbers(X)
    rng = check_random_state(random_state)
    run: dict[str, Any] = {"n_jobs": n_jobs, "progress": progress}
    if models is None:
        models = fit_each_k(X, ks=ks, n_starts=n_starts, random_state=rng, **run)
    some = np.arange(len(X))
    if len(X) > SILHOUETTE_ROWS:
        some = rng.choice(len(X), SILHOUETTE_ROWS, replace=False)
    table = pd.DataFrame([_indices(X, k, model, some) for k, model in models.items()])
    before = table["k"].sub(1).map({1: _inertia(X), **dict(zip(table["k"], table["inertia"]))})
    table.insert(2, "inertia_drop", before - table["inertia"])
    table.insert(3, "inertia_drop_share", table["inertia_drop"] / before)
    gap, gap_se = _gaps(X, table.set_index("k")["inertia"], n_reference, rng, run)
    table.insert(9, "gap", gap)
    table.insert(10, "gap_se", gap_se)
    draw_null = null_sets(X, rng, categories) if n_null else None
    inertias = table.set_index("k")["inertia"]
    scores = _null_scores(X, inertias, draw_null, n_null, bool(categories), rng, run)
    for at, name in enumerate(("null_silhouette", "null_gap"), start=11):
        table.insert(at, name, scores[name])
    if categories:
        at = table.columns.get_loc("border_density")
        table.insert(at + 1, "null_border_density", scores["null_border_density"])
    return table


def _indices(X, k: int, model: KMeansSearch, some) -> dict:
    """The row of one solution: indices of its labels, and how the search went."""
    labels = model.predict(X)
    sizes = np.bincount(labels)
    sizes = sizes[sizes > 0]
    inertia = sum(_inertia(X[labels == segment]) for segment in np.unique(labels))
    own, other = np.partition(model.transform(X), 1, axis=1)[:, :2].T
    apart = np.divide(other - own, other, out=np.zeros_like(own), where=other > 0)
    # scikit-learn refuses as many segments as rows, and calls a perfect fit 1.
    rows = len(some)
    widths = np.zeros(rows)
    if len(np.unique(labels[some])) < rows:
        widths = silhouette_samples(X[some], labels[some])
    return {
        "k": k,
        "inertia": inertia,
        "silhouette": widths.mean(),
        "silhouette_se": widths.std() / np.sqrt(rows) if rows < len(X) else 0.0,
        "simplified_silhouette": apart.mean(dtype=float),
        "calinski_harabasz": calinski_harabasz_score(X, labels) if inertia else np.inf,
        "davies_bouldin": davies_bouldin_score(X, labels) if inertia else 0.0,
        "border_density": border_density(X, centres=model.cluster_centers_, random_state=0).max(),
        "smallest_share": sizes.min() / len(X),
        "smallest_rows": sizes.min(),
        "agreement": model.agreement_,
        "n_starts": len(model.restart_inertias_),
    }


def _inertia(X) -> float:
    """Sum of squared distances to the mean."""
    return float(((X - X.mean(axis=0, dtype=float)) ** 2).sum())


def _gaps(X, inertias, n_reference, rng, run) -> tuple[ArrayLike, ArrayLike]:
    """Gap statistic and its standard error by k."""
    if not n_reference:
        return np.nan, np.nan
    rows = rng.choice(len(X), min(len(X), 100_000), replace=False)
    turned = PCA().fit_transform(X[rows])
    low, high = turned.min(axis=0), turned.max(axis=0)
    n, seeds = min(len(X), GAP_ROWS), rng.randint(0, 2**31 - 1, n_reference)

    def reference(seed):
        draw = np.random.RandomState(seed)
        found = _searched(draw.uniform(low, high, (n, len(low))), inertias.index, draw)
        return [inertia / n for _, inertia in found]

    tasks = [(seed,) for seed in seeds]
    expected = np.array(side_by_side(reference, tasks, label="gap references", **run))
    # No inertia left: an infinite gap; NaN where uniform data have none either.
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = np.log(expected)
        gap = expected.mean(axis=0) - np.log(inertias.to_numpy() / len(X))
        return gap, expected.std(axis=0) * np.sqrt(1 + 1 / n_reference)


def _null_scores(X, inertias, draw_null, n_null, borders, rng, run) -> dict[str, ArrayLike]:
    """By k: largest silhouette of data without segments, their log inertia less the data's, and,
    if asked for, the lowest density at the border that is emptied least."""
    if draw_null is None:
        return dict.fromkeys(("null_silhouette", "null_gap", "null_border_density"), np.nan)
    n = min(len(X), NULL_ROWS)
    seeds = rng.randint(0, 2**31 - 1, checked_count("n_null", n_null))

    def scored(seed):
        draw = np.random.RandomState(seed)
        null = draw_null(n, draw)
        found = _searched(null, inertias.index, draw)
        labels = [pairwise_distances_argmin(null, centres) for centres, _ in found]
        empty = [border_density(null, centres=c).max() if borders else 1.0 for c, _ in found]
        return [
            (silhouette_score(null, mine) if 1 < len(np.unique(mine)) < n else 0.0, inertia, low)
            for mine, (_, inertia), low in zip(labels, found, empty)
        ] + [(0.0, _inertia(null), 1.0)]

    done = side_by_side(scored, [(s,) for s in seeds], label="data without segments", **run)
    silhouettes, inertia, density = np.moveaxis(np.array(done), 2, 0)
    with np.errstate(divide="ignore", invalid="ignore"):  # as for the gap
        share = inertia[:, :-1] / inertia[:, -1:]
        gap = np.log(share).mean(axis=0) - np.log(inertias.to_numpy() / _inertia(X))
    return {
        "null_silhouette": silhouettes[:, :-1].max(axis=0),
        "null_gap": gap,
        "null_border_density": np.fmin.reduce(density[:, :-1], axis=0),
    }


def _searched(X, ks, draw) -> list[tuple[NDArray, float]]:
    """Centres and inertia of a short search for each k."""
    X = X.astype(np.float32)
    origin = X.mean(axis=0)
    points = summarise(X - origin, n_points=len(X))
    tol = 1e-4 * float((points.points**2).mean())
    found = [search(points, k, n_starts=5, n_swaps=0, tol=tol, random_state=draw) for k in ks]
    return [(f.centres[0] + origin, float(f.inertias[0])) for f in found]
