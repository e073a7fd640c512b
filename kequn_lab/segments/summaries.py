"""Few weighted points that represent many rows.

k-means needs of the data only where rows lie and how many lie there. Equal rows can therefore be
one point with a weight, without any loss (a survey of 1,453 people has 264 different answers).
Where too many rows differ, neighbours become one micro-cluster: an approximation whose loss, the
sum of squares inside the micro-clusters, is carried along.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array
from sklearn.utils import check_random_state

__all__ = ["Summary", "as_numbers", "nearest", "summarise"]


@dataclass(frozen=True)
class Summary:
    """Few weighted points that represent many rows.

    Parameters
    ----------
    points : ndarray of shape (n_points, n_features)
        Distinct rows, or means of micro-clusters.
    weights : ndarray of shape (n_points,)
        Rows (or the sum of their sample weights) behind each point.
    member : ndarray of shape (n_rows,)
        The point that each row went to.
    lost_inertia : float
        Sum of squares inside the micro-clusters, the part that no solution on the summary can
        see; 0 when equal rows only were merged.
    """

    points: NDArray
    weights: NDArray
    member: NDArray
    lost_inertia: float = 0.0

    @property
    def exact(self) -> bool:
        """Whether the summary loses nothing."""
        return self.lost_inertia == 0

    def reweighted(self, weights: NDArray) -> Summary:
        """The same points with other weights, as a bootstrap replicate draws them."""
        other = Summary(self.points, weights, self.member, self.lost_inertia)
        for name in ("lifted", "lifted_t", "squares"):  # depend on the points alone: shared
            other.__dict__[name] = getattr(self, name)
        return other

    # A distance |x|² - 2xc + |c|² and a sum of points with its count are each one matrix product
    # once the points carry a column of ones.
    @cached_property
    def lifted(self) -> NDArray:
        return np.column_stack([self.points, np.ones(len(self.points), self.points.dtype)])

    @cached_property
    def lifted_t(self) -> NDArray:
        return np.ascontiguousarray(self.lifted.T)

    @cached_property
    def squares(self) -> NDArray:
        return np.einsum("ij,ij->i", self.points, self.points)

    @cached_property
    def weighted(self) -> NDArray:
        return self.lifted * self.weights[:, None]


def as_numbers(X: ArrayLike, *, name: str = "X") -> NDArray:
    """A finite table of float32 or float64, or an error that says where it is not.

    Raises
    ------
    ValueError
        If `X` is not two-dimensional, is empty, or holds missing or infinite values, or values
        so large that their squares cannot be added up.

    Examples
    --------
    >>> as_numbers([[1, 2]])
    array([[1., 2.]])
    """
    columns = getattr(X, "columns", None)
    X = np.asarray(X)
    if X.dtype not in (np.float32, np.float64):
        X = X.astype(float)
    if X.ndim != 2 or not X.size:
        raise ValueError(f"{name} must be a table with rows and columns, got shape {X.shape}")
    most = float(np.sqrt(np.finfo(X.dtype).max / X.size) / 4)
    if -most <= X.min() and X.max() <= most:  # not so with NaN; no copy of the table is made
        return X
    for bad, found, todo in (
        (~np.isfinite(X), "missing or infinite values", "fill them first (features.preprocessor "
         "does) or drop the rows"),
        (np.abs(X) > most, f"values beyond {most:.0e}", "their squares cannot be added up; "
         "correct or scale them"),
    ):  # fmt: skip
        if bad.any():
            where = np.flatnonzero(bad.any(axis=0))
            where = (where if columns is None else columns[where]).tolist()
            raise ValueError(f"{name} has {found} in columns {where}: {todo}")
    return X


def summarise(
    X: ArrayLike,
    *,
    n_points: int = 5_000,
    sample_weight: ArrayLike | None = None,
    far_share: float = 0.0,
    random_state=None,
) -> Summary:
    """Few weighted points that represent the rows of `X`.

    Equal rows are merged without loss. If more than `n_points` distinct rows are left, the rows
    are cut into micro-clusters in two steps: to the nearest of about √n_points random rows, then
    inside each such cell to the nearest of some of its own rows; each micro-cluster is replaced
    by its mean.

    Parameters
    ----------
    X : array-like of shape (n_rows, n_features)
        Finite numbers.
    n_points : int, default=5000
        Points at most (micro-clusters: about).
    sample_weight : array-like of shape (n_rows,), optional
        Rows of weight zero count for nothing.
    far_share : float, default=0
        This share of the points is drawn by the squared distance from the row of the cell, so
        that few far rows, which cost most, stay points of their own: for a search. With 0 all
        rows have the same chance.
    random_state : int, RandomState or None

    Returns
    -------
    Summary

    Examples
    --------
    >>> summary = summarise([[0.0], [1.0], [0.0]])
    >>> summary.points.ravel(), summary.weights, summary.exact
    (array([0., 1.]), array([2., 1.]), True)
    """
    X = as_numbers(X)
    weight = np.ones(len(X), X.dtype) if sample_weight is None else np.asarray(sample_weight)
    rng = check_random_state(random_state)
    if (summary := merged(X, n_points, weight, rng)) is not None:
        return summary
    return _merged(X, *_micro_clusters(X, n_points, far_share, rng), weight)


def merged(X: NDArray, n_points: int, weight: NDArray, rng) -> Summary | None:
    """The rows of `X`, equal ones as one point; None where more than `n_points` differ."""
    # Sorting a million rows to find that all differ is a waste: a sample tells.
    look = X if len(X) <= 4 * n_points else X[rng.randint(0, len(X), 2 * n_points)]
    if len(X) > n_points and _more_differ(look + 0.0, n_points):
        return None
    points, member = np.unique(X + 0.0, axis=0, return_inverse=True)  # -0.0 becomes 0.0
    if len(points) > n_points:
        return None
    return _merged(X, member.ravel(), len(points), weight, lossless=points)


def _more_differ(X: NDArray, most: int) -> bool:
    """Whether more than so many rows differ."""
    seen = set()
    for row in X:
        seen.add(row.tobytes())
        if len(seen) > most:
            return True
    return False


def _micro_clusters(X, n_points, far_share, rng) -> tuple[NDArray, int]:
    """The micro-cluster of each row and how many there are."""
    coarse = X[rng.choice(len(X), int(np.sqrt(n_points)), replace=False)]
    cell = nearest(X, coarse)
    chance = np.full(len(X), 1 / len(X))
    if far_share:
        gap = X - coarse[cell]
        far = np.einsum("ij,ij->i", gap, gap).astype(float)
        chance *= 1 - far_share
        chance += far_share * far / max(far.sum(), np.finfo(float).tiny)
    short = np.int16 if len(coarse) < 2**15 else np.int64  # sorted by digits
    order = np.argsort(cell.astype(short), kind="stable")
    ends = np.cumsum(np.bincount(cell, minlength=len(coarse)))
    member = np.empty(len(X), np.int64)
    used = 0
    for rows in np.split(order, ends[:-1]):
        if not len(rows):
            continue
        share = chance[rows]
        n_here = min(max(1, round(n_points * share.sum())), len(rows))
        p = share / share.sum() if far_share else None
        seeds = X[rng.choice(rows, n_here, replace=False, p=p)]
        member[rows] = used + nearest(X[rows], seeds)
        used += len(seeds)
    return member, used


def nearest(
    X: NDArray, centres: NDArray, *, offsets: NDArray | None = None, chunk: int = 16_384
) -> NDArray:
    """The nearest centre of each row, ties to the lowest.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
    centres : ndarray of shape (n_clusters, n_features)
    offsets : ndarray of shape (n_clusters,), optional
        Added to the squared distances.
    chunk : int, default=4096
        Rows in one matrix product: memory does not grow with the rows.

    Returns
    -------
    ndarray of int64, shape (n_rows,)

    Examples
    --------
    >>> nearest(np.array([[0.0], [9.0]]), np.array([[8.0], [1.0]]))
    array([1, 0])
    """
    origin = centres.mean(axis=0, dtype=float).astype(X.dtype)  # rounding merges no rows
    centres = (centres - origin).astype(X.dtype)
    half = np.einsum("ij,ij->i", centres, centres) / 2
    more = None if offsets is None or not np.any(offsets) else np.asarray(offsets, X.dtype)
    if more is not None:
        half = half + more / 2
    rounding = 8 * np.finfo(X.dtype).eps
    count_and_number = np.stack([np.ones(len(centres)), np.arange(len(centres))]).astype(X.dtype)
    labels = np.zeros(len(X), np.int64)
    for start in range(0, len(X) if len(centres) > 1 else 0, chunk):
        rows = slice(start, start + chunk)
        near = X[rows] - origin
        score = centres @ near.T  # a row a centre: sums and maxima run along memory
        score -= half[:, None]
        least = score.max(axis=0)
        least -= rounding * (np.einsum("ij,ij->i", near, near) + half.max())
        as_near, number = count_and_number @ (score >= least).astype(X.dtype)
        labels[rows] = number
        doubt = np.flatnonzero(as_near > 1)  # where rounding could decide, the distances do
        for some in np.array_split(doubt, 1 + len(doubt) // 1024) if len(doubt) else ():
            gap = near[some, None] - centres
            squared = np.einsum("ijk,ijk->ij", gap, gap)
            labels[start + some] = (squared if more is None else squared + more).argmin(axis=1)
    return labels


def _merged(X, member, n_points, weight, lossless=None) -> Summary:
    """The summary that `member` describes."""
    total = np.bincount(member, weight, n_points)
    kept = total > 0
    points, lost = lossless, 0.0
    if points is None:
        which = (member, np.arange(len(X)))
        sums = csr_array((weight.astype(X.dtype), which), shape=(n_points, len(X))) @ X
        points = sums / np.maximum(total, np.finfo(float).tiny)[:, None]
        squares = np.einsum("ij,ij->i", X, X).astype(float) @ weight
        lost = max(squares - total @ (points**2).sum(axis=1), np.finfo(float).tiny)
    return Summary(
        np.ascontiguousarray(points[kept], X.dtype),
        total[kept].astype(X.dtype),
        (np.cumsum(kept) - 1)[member],
        float(lost),
    )
