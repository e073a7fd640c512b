"""k-means that starts where a description says, in place of a search."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import _check_sample_weight, validate_data

from kequn_lab.segments.kmeans import KMeansSearch, inertia_of, keep_free
from kequn_lab.segments.search import memberships, one_thread_each
from kequn_lab.segments.sized import check_min_size, settle_sized, sized_rule
from kequn_lab.segments.summaries import Summary, as_numbers, nearest

__all__ = ["GivenKMeans", "SeededKMeans", "drawn_mean", "settle_from"]


class SeededKMeans(KMeansSearch):
    """k-means from one given start: the solution nearest to what somebody expects.

    There is no search and nothing is random. The inertia is that of a local optimum, as a rule
    a little above the lowest; cluster i is what became of row i of the start.

    Parameters
    ----------
    levels : array-like of shape (n_clusters, n_features)
        Where each cluster is expected; NaN where nothing is expected, which starts at 0, the
        average of standardised columns.
    pull : float, default=0
        0: plain k-means. Above: each centre is drawn back to its expected levels, as if
        ``pull`` × (rows ÷ clusters) more rows lay exactly there (a posterior mean). It helps
        only as far as the levels are right.
    max_iter : int, default=300
    min_size : int, optional
        As :class:`KMeansSearch`: what became of the start settles again under the bound.

    Attributes
    ----------
    cluster_centers_ : ndarray of shape (n_clusters, n_features)
        In the order of ``levels``.
    means_ : ndarray of shape (n_clusters, n_features)
        Means of the rows of each cluster, whatever its centre was drawn to.
    labels_, inertia_, n_iter_, offsets_, free_centers_, free_inertia_
        As :class:`KMeansSearch`.

    References
    ----------
    S. Basu, A. Banerjee, R. Mooney, "Semi-supervised clustering by seeding", ICML 2002.

    Examples
    --------
    >>> X = np.array([[-1.0], [-0.9], [0.9], [1.1]])
    >>> SeededKMeans([[1.0], [-1.0]]).fit(X).labels_
    array([1, 1, 0, 0], dtype=int32)
    """

    def __init__(self, levels, *, pull=0.0, max_iter=300, min_size=None):
        self.levels = levels
        self.pull = pull
        self.max_iter = max_iter
        self.min_size = min_size

    @property
    def n_clusters(self) -> int:
        return len(self.levels)

    def fit(self, X, y=None, sample_weight=None):
        """Settle from the start.

        Parameters
        ----------
        X, y, sample_weight : as :meth:`KMeansSearch.fit`

        Returns
        -------
        self : SeededKMeans

        Raises
        ------
        ValueError
            ``levels`` that do not fit the columns, a negative ``pull``, or a ``min_size`` that the
            rows cannot give.

        Warns
        -----
        ConvergenceWarning
            If no row is nearest to one of the clusters.
        """
        X = as_numbers(validate_data(self, X, dtype=[np.float64, np.float32], order="C"))
        weight = _check_sample_weight(sample_weight, X, dtype=X.dtype, ensure_non_negative=True)
        levels = np.asarray(self.levels, X.dtype)
        if levels.ndim != 2 or levels.shape[1] != X.shape[1]:
            raise ValueError(f"levels must have {X.shape[1]} columns, got shape {levels.shape}")
        if not 0 <= self.pull < np.inf:
            raise ValueError(f"pull must be a number from 0 on, got {self.pull!r}")
        check_min_size(self.min_size, len(levels), weight)
        rows = Summary(X, weight, np.arange(len(X)))
        with one_thread_each():
            settled = settle_from(rows, levels, pull=self.pull, max_iter=self.max_iter)
            centres, self.n_iter_ = settled
            self.labels_, self.offsets_ = nearest(X, centres), np.zeros(len(levels))
            free = np.bincount(self.labels_, weight, len(levels))
            if self.min_size is not None:
                before, labels = centres, self.labels_
                if free.min() < self.min_size:
                    centres, self.offsets_, self.labels_ = self._sized(rows, centres)
                keep_free(self, X, weight, before, labels)
        self.cluster_centers_, self.labels_ = centres, self.labels_.astype(np.int32)
        self.inertia_ = inertia_of(X, weight, self.cluster_centers_, self.labels_)
        sizes = np.bincount(self.labels_, weight, self.n_clusters)
        mine = csr_array((weight, (self.labels_, rows.member)), shape=(len(levels), len(X)))
        self.means_ = (mine @ X) / np.maximum(sizes, 1e-300)[:, None]
        if len(empty := np.flatnonzero(free == 0)):
            warnings.warn(
                f"no row is nearest to start {', '.join(map(str, empty))}: nobody is like it; "
                "let a search find the clusters",
                ConvergenceWarning,
                stacklevel=2,
            )
        return self

    def _sized(self, rows: Summary, centres: NDArray) -> tuple[NDArray, NDArray, NDArray]:
        """Centres, offsets and labels under the bound, beginning from these centres."""
        mean = drawn_mean(rows, self.levels, self.pull)
        least = self.min_size
        new, prices, *_ = settle_sized(rows, centres, least, mean=mean, max_iter=self.max_iter)
        return sized_rule(rows.points, rows.weights, new, least, prices)


class GivenKMeans(KMeansSearch):
    """k-means that was fitted elsewhere: the centres are taken as they are.

    Parameters
    ----------
    centres : array-like of shape (n_clusters, n_features)

    Attributes
    ----------
    cluster_centers_ : ndarray of shape (n_clusters, n_features)
        The same.
    labels_, inertia_ : as :class:`KMeansSearch`, of the rows given to ``fit``

    Examples
    --------
    >>> GivenKMeans([[1.0], [-1.0]]).fit([[-0.9], [0.8]]).labels_
    array([1, 0], dtype=int32)
    """

    def __init__(self, centres):
        self.centres = centres

    @property
    def n_clusters(self) -> int:
        return len(self.centres)

    def fit(self, X, y=None, sample_weight=None):
        """Label the rows; nothing is learned from them.

        Parameters
        ----------
        X, y, sample_weight : as :meth:`KMeansSearch.fit`

        Returns
        -------
        self : GivenKMeans

        Raises
        ------
        ValueError
            The centres do not fit the columns.
        """
        X = as_numbers(validate_data(self, X, dtype=[np.float64, np.float32], order="C"))
        weight = _check_sample_weight(sample_weight, X, dtype=X.dtype, ensure_non_negative=True)
        centres = np.array(self.centres, X.dtype)
        if centres.ndim != 2 or centres.shape[1] != X.shape[1]:
            raise ValueError(f"centres must have {X.shape[1]} columns, got shape {centres.shape}")
        self.cluster_centers_, self.n_iter_ = centres, 0
        self.offsets_ = np.zeros(len(centres))
        self.labels_ = nearest(X, centres).astype(np.int32)
        self.inertia_ = inertia_of(X, weight, centres, self.labels_)
        return self


def settle_from(
    rows: Summary, levels: ArrayLike, *, pull: float = 0.0, max_iter: int = 300
) -> tuple[NDArray, int]:
    """Lloyd's algorithm from ``levels``, with the pull of :class:`SeededKMeans`.

    Returns
    -------
    centres : ndarray of shape (n_clusters, n_features)
        A cluster that loses its rows stays where it was.
    n_iter : int
    """
    dtype, total = rows.points.dtype, float(rows.weights.sum(dtype=float))
    levels = np.asarray(levels, dtype)
    start, mean = np.nan_to_num(levels), drawn_mean(rows, levels, pull)
    tol = 1e-8 * float(rows.weights @ rows.squares) / total / levels.shape[1]
    centres, n_iter, moved = start, 0, np.inf
    while moved > tol and n_iter < max_iter:
        n_iter += 1
        mine, _ = memberships(rows, centres[None])
        sums = mine[0].astype(dtype) @ rows.weighted
        new = mean(sums[:, :-1], sums[:, -1:], centres)
        moved, centres = float(((new - centres) ** 2).sum()), new
    return centres, n_iter


def drawn_mean(rows: Summary, levels: ArrayLike, pull: float) -> Callable:
    """The centre of the sums and weights of clusters, drawn back to the levels."""
    levels = np.asarray(levels, rows.points.dtype)
    total, start = float(rows.weights.sum(dtype=float)), np.nan_to_num(levels)
    drawn = (~np.isnan(levels) * (pull * total / len(levels))).astype(levels.dtype)

    def mean(sums: NDArray, weight: NDArray, before: NDArray) -> NDArray:
        count = weight + drawn
        return np.divide(sums + drawn * start, count, out=before.copy(), where=count > 0)

    return mean
