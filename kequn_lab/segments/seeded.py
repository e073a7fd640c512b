"""k-means that starts where a description says, in place of a search."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import _check_sample_weight, validate_data

from kequn_lab.segments.kmeans import KMeansSearch, inertia_of
from kequn_lab.segments.search import memberships, one_thread_each
from kequn_lab.segments.summaries import Summary, as_numbers, nearest

__all__ = ["SeededKMeans", "settle_from"]


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

    Attributes
    ----------
    cluster_centers_ : ndarray of shape (n_clusters, n_features)
        In the order of ``levels``.
    means_ : ndarray of shape (n_clusters, n_features)
        Means of the rows of each cluster, whatever its centre was drawn to.
    labels_, inertia_, n_iter_ : as :class:`KMeansSearch`

    References
    ----------
    S. Basu, A. Banerjee, R. Mooney, "Semi-supervised clustering by seeding", ICML 2002.

    Examples
    --------
    >>> X = np.array([[-1.0], [-0.9], [0.9], [1.1]])
    >>> SeededKMeans([[1.0], [-1.0]]).fit(X).labels_
    array([1, 1, 0, 0], dtype=int32)
    """

    def __init__(self, levels, *, pull=0.0, max_iter=300):
        self.levels = levels
        self.pull = pull
        self.max_iter = max_iter

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
            ``levels`` that do not fit the columns, or a negative ``pull``.

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
        rows = Summary(X, weight, np.arange(len(X)))
        with one_thread_each():
            settled = settle_from(rows, levels, pull=self.pull, max_iter=self.max_iter)
        self.cluster_centers_, self.n_iter_ = settled
        self.labels_ = nearest(X, self.cluster_centers_).astype(np.int32)
        self.inertia_ = inertia_of(X, weight, self.cluster_centers_, self.labels_)
        sizes = np.bincount(self.labels_, weight, self.n_clusters)
        mine = csr_array((weight, (self.labels_, rows.member)), shape=(len(levels), len(X)))
        self.means_ = (mine @ X) / np.maximum(sizes, 1e-300)[:, None]
        if len(empty := np.flatnonzero(sizes == 0)):
            warnings.warn(
                f"no row is nearest to start {', '.join(map(str, empty))}: nobody is like it; "
                "let a search find the clusters",
                ConvergenceWarning,
                stacklevel=2,
            )
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
    start = np.nan_to_num(levels)
    drawn = (~np.isnan(levels) * (pull * total / len(levels))).astype(dtype)
    tol = 1e-8 * float(rows.weights @ rows.squares) / total / levels.shape[1]
    centres, n_iter, moved = start, 0, np.inf
    while moved > tol and n_iter < max_iter:
        n_iter += 1
        mine, _ = memberships(rows, centres[None])
        sums = mine[0].astype(dtype) @ rows.weighted
        count = sums[:, -1:] + drawn
        new = np.divide(sums[:, :-1] + drawn * start, count, out=centres.copy(), where=count > 0)
        moved, centres = float(((new - centres) ** 2).sum()), new
    return centres, n_iter
