"""The segments of customers drawn again: the bootstrap that a segment's interval needs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_array

from kequn_lab._refits import Refits
from kequn_lab.segments.grouped import GroupedKMeans
from kequn_lab.segments.kmeans import KMeansSearch
from kequn_lab.segments.search import SAME, lloyd, memberships, one_thread_each, seed_centres
from kequn_lab.segments.seeded import SeededKMeans, drawn_mean, settle_from
from kequn_lab.segments.sized import settle_draw
from kequn_lab.segments.summaries import Summary

__all__ = ["effective_min_size", "refit"]

#: Draws; customers that are drawn from, at most; k-means++ starts beside the centres found;
#: Lloyd steps of each.
DRAWS, CUSTOMERS, STARTS, STEPS = 200, 5_000, 2, 50


def refit(
    kmeans: KMeansSearch | GroupedKMeans,
    X: ArrayLike,
    customers: pd.Index,
    *,
    segments: pd.Index | None = None,
    n_draws: int = DRAWS,
    random_state: int = 0,
) -> Refits:
    """Draw customers with replacement, cluster each draw, match its segments with those found.

    A search is repeated from the centres found and from two new k-means++ starts, and the lower
    inertia is taken; the centres are matched one to one at the least squared distance. A start at
    given levels (:class:`~kequn_lab.segments.SeededKMeans`) is repeated from these levels, and
    needs no matching. Groups that were clustered separately are again. With a smallest size that
    changed the clusters each draw settles under it, at the same share of the customers, from what
    it gives without it, and in a search from the centres found.

    Parameters
    ----------
    kmeans : KMeansSearch, SeededKMeans or GroupedKMeans
        Fitted on ``X``.
    X : array-like of shape (n_rows, n_features)
        The model columns.
    customers : Index
        Of the rows.
    segments : Index, optional
        The id of each cluster, in the order of the centres; default: its number.
    n_draws : int
    random_state : int

    Returns
    -------
    Refits
        Above 5,000 customers the draws are of a random sample of so many, and intervals are
        shortened by √(5,000 / n).

    Notes
    -----
    The intervals are of the segments that k-means finds in the population. Where there are no
    segments there is nothing to be found again, and no interval covers: `benchmarks/coverage.md`.

    References
    ----------
    Hennig (2007), Computational Statistics & Data Analysis 52:258 (segments of bootstrap draws).

    Examples
    --------
    >>> X = np.array([[-1.0], [-0.9], [-0.8], [0.9], [1.0], [1.1]])
    >>> kmeans = KMeansSearch(2, n_starts=2, random_state=0).fit(X)
    >>> refits = refit(kmeans, X, pd.RangeIndex(6), n_draws=20)
    >>> refits.sums(np.ones((6, 1)))[0].ravel()
    array([3., 3.])
    """
    rng = np.random.default_rng(random_state)
    X, n, k = np.asarray(X), len(X), len(kmeans.cluster_centers_)
    rows = np.arange(n)
    if n > CUSTOMERS:
        rows = np.sort(rng.choice(n, CUSTOMERS, replace=False))
    m = len(rows)
    parts = _parts(kmeans, X[rows])
    least = (effective_min_size(kmeans) or 0) * m / n
    times = [np.ones(m)]
    at, drawn = [np.asarray(kmeans.labels_)[rows]], [np.arange(m)]
    with one_thread_each():
        for number in range(1, n_draws + 1):
            count = rng.multinomial(m, np.full(m, 1 / m))
            for part in parts:
                some = np.flatnonzero(count[part.rows])
                often = count[part.rows][some]
                draw = Summary(part.points[some], often.astype(np.float32), np.arange(len(some)))
                ends = _rule(kmeans, part.centres, draw, least, rng)
                mine, _ = memberships(draw, *(end[None] for end in ends))
                drawn.append(part.rows[some])
                times.append(often)
                at.append(number * k + part.clusters[mine[0].argmax(axis=0)])
    where = (np.concatenate(at), np.concatenate(drawn))
    member = csr_array((np.concatenate(times).astype(float), where), ((n_draws + 1) * k, m))
    ids = pd.RangeIndex(k) if segments is None else pd.Index(segments)
    return Refits(customers[rows], ids, member, float(np.sqrt(m / n)))


class _Part(NamedTuple):
    """Customers that are clustered together: their rows, what k-means sees of them, the centres
    found, and the cluster that each of these belongs to."""

    rows: NDArray
    points: NDArray
    centres: NDArray
    clusters: NDArray


def _parts(kmeans: KMeansSearch | GroupedKMeans, X: NDArray) -> list[_Part]:
    """All customers; or the groups that were clustered separately."""
    if isinstance(kmeans, GroupedKMeans):
        found = kmeans.parts(X)
    else:
        centres = kmeans.cluster_centers_
        found = [(np.arange(len(X)), X, centres, np.arange(len(centres)))]
    return [
        _Part(rows, np.ascontiguousarray(points, np.float32), centres, clusters)
        for rows, points, centres, clusters in found
    ]


def effective_min_size(kmeans: KMeansSearch | GroupedKMeans) -> int | None:
    """The smallest size of a fitted k-means; None where there is none, or it changed nothing."""
    least = getattr(kmeans, "min_size", None)
    if least is None or kmeans.inertia_ <= kmeans.free_inertia_ * (1 + SAME):
        return None
    return least


def _rule(kmeans, found: NDArray, draw: Summary, least: float, rng) -> tuple[NDArray, ...]:
    """The centres of one draw, in the order of those found; with a smallest size offsets, too."""
    centres = _centres(kmeans, found, draw, rng)
    if not least:
        return (centres,)
    if isinstance(kmeans, SeededKMeans):
        return settle_draw(draw, [centres], least, drawn_mean(draw, kmeans.levels, kmeans.pull))
    centres, offsets = settle_draw(draw, [found, centres], least)
    order = _matched(found, centres)
    return centres[order], offsets[order]


def _centres(kmeans, found: NDArray, draw: Summary, rng) -> NDArray:
    """The centres of one draw without a smallest size, in the order of those found."""
    if isinstance(kmeans, SeededKMeans):
        return settle_from(draw, kmeans.levels, pull=kmeans.pull, max_iter=STEPS)[0]
    found = found.astype(np.float32)
    seeds = np.random.RandomState(rng.integers(2**31))
    starts = np.concatenate([found[None], seed_centres(draw, len(found), STARTS, seeds)])
    tol = 1e-5 * float(draw.weights @ draw.squares) / float(draw.weights.sum())
    ends, report = lloyd(draw, starts, max_iter=STEPS, tol=tol)
    best = ends[report[:, 0].argmin()]
    return best[_matched(found, best)]


def _matched(found: NDArray, centres: NDArray) -> NDArray:
    """Which centre belongs to each of those found, one to one at the least squared distance."""
    gaps = ((found[:, None] - centres[None]) ** 2).sum(axis=-1)
    return linear_sum_assignment(gaps)[1]
