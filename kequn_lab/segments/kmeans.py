"""k-means as an estimator: summary, search, the best few polished on all rows.

1. `summaries`: equal rows become one point with a weight; too many of them, micro-clusters.
2. `search`: many cheap starts and swaps. On micro-clusters they are only tried: what is worth it
   runs on the rows, or on a sample of 20,000.
3. Polish: of a sample, the best three run on all rows with scikit-learn's ``KMeans``; the lowest
   inertia wins.
4. With a smallest size (`sized`): the solutions of the search, and fresh starts, settle again
   under the bound, and the best of these is taken.
"""

from __future__ import annotations

import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from joblib import effective_n_jobs
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    ClusterMixin,
    TransformerMixin,
)
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics.pairwise import euclidean_distances
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from kequn_lab.segments.search import SAME, one_thread_each, search, seed_centres, settle
from kequn_lab.segments.sized import check_min_size, sized_search
from kequn_lab.segments.summaries import Summary, as_numbers, merged, nearest, summarise

__all__ = ["KMeansSearch"]

SAMPLED_ROWS = 20_000  # distinct rows that are searched as they are; above, so many are drawn
FAR_SHARE = 0.5  # of the points of the summary, drawn by their distance
EXCHANGED_ROWS = 100_000  # up to here single rows move; among more, one row changes nothing
N_CHAINS = 10  # different solutions that swaps start from;
N_POLISHED = 3  # of these, or of plain starts, the best that are run on all rows
#: Clusters where nobody says how many: the article has eight segments.
N_CLUSTERS = 8


class KMeansSearch(ClassNamePrefixFeaturesOutMixin, TransformerMixin, ClusterMixin, BaseEstimator):
    """k-means that searches for the best solution and says how hard that was.

    Parameters
    ----------
    n_clusters : int, default=8
    n_starts : int, default=25
        Independent starts.
    n_swaps : int, default=25
        Swaps tried in each round of each chain; 0 leaves plain restarts.
    init : "k-means++" or array-like of shape (n_clusters, n_features) or \
(n_starts, n_clusters, n_features)
        Starts drawn by greedy k-means++, or the starts themselves.
    n_points : int, default=2000
        Above this many distinct rows, starts and swaps are tried on about so many micro-clusters,
        and the best of them run on the rows; above 20,000 distinct rows on a sample, of whose
        solutions the best three are polished on all rows.
    max_iter : int, default=300
        Iterations of Lloyd's algorithm at most.
    min_size : int, optional
        Rows that each cluster must have at least. Then a row belongs to the centre of the least
        squared distance plus ``offsets_``. Where the solution without it has smaller clusters,
        the search goes on from several solutions under the bound.
    n_jobs : int or None, default=None
        Starts that run side by side; None means all cores. The result does not depend on it.
    random_state : int, RandomState or None

    Attributes
    ----------
    cluster_centers_ : ndarray of shape (n_clusters, n_features)
        Largest cluster first; equal sizes by the first coordinate.
    labels_ : ndarray of shape (n_rows,)
    inertia_ : float
        Weighted sum of squared distances to the nearest centre.
    n_iter_ : int
    restart_inertias_ : ndarray of shape (n_starts,)
        Inertias of the plain starts before swaps, sorted; above `n_points` distinct rows those
        of the summary, with the inertia inside micro-clusters added.
    agreement_ : float
        Share of the plain starts that reached the best optimum known after the search (within
        1e-6). Near 1: restarts suffice. Near 0: a single run of k-means would have given you
        another segmentation. NaN above `n_points` distinct rows: starts on micro-clusters do not
        estimate it reliably.
    offsets_ : ndarray of shape (n_clusters,)
        Added to the squared distances before the least is taken; 0 for all without ``min_size``,
        or where no cluster had to grow. From 0 on; the least one is 0.
    free_centers_ : ndarray of shape (n_clusters, n_features)
        With ``min_size``: the centres of the solution without it, each in the place of the cluster
        that has most of its rows.
    free_inertia_ : float
        With ``min_size``: the inertia of that solution.

    See Also
    --------
    sklearn.cluster.KMeans : one start or a few, no swaps.

    References
    ----------
    P. Fränti, "Efficiency of random swap clustering", Journal of Big Data 5:13 (2018).
    D. Gribel, T. Vidal, "HG-means: a scalable hybrid genetic algorithm for minimum sum-of-squares
    clustering", Pattern Recognition 88:569 (2019): solutions that are mixed in every round.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[0.0], [0.1], [0.2], [5.0], [5.1]])
    >>> model = KMeansSearch(2, random_state=0).fit(X)
    >>> model.labels_
    array([0, 0, 0, 1, 1], dtype=int32)
    >>> model.agreement_
    1.0
    """

    def __init__(
        self,
        n_clusters=N_CLUSTERS,
        *,
        n_starts=25,
        n_swaps=25,
        init="k-means++",
        n_points=2_000,
        max_iter=300,
        min_size=None,
        n_jobs=None,
        random_state=None,
    ):
        self.n_clusters = n_clusters
        self.n_starts = n_starts
        self.n_swaps = n_swaps
        self.init = init
        self.n_points = n_points
        self.max_iter = max_iter
        self.min_size = min_size
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(self, X, y=None, sample_weight=None):
        """Search for the solution of lowest inertia.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)
            Finite numbers, scaled so that distances mean something.
        y : ignored
        sample_weight : array-like of shape (n_rows,), optional
            How many rows each row represents.

        Returns
        -------
        self : KMeansSearch

        Raises
        ------
        ValueError
            If there are fewer rows than clusters, NaN, infinity or values whose squares
            overflow, a negative weight or none above zero, or a parameter out of range; if there
            are fewer rows than ``n_clusters`` × ``min_size``.

        Warns
        -----
        ConvergenceWarning
            If fewer distinct rows than clusters exist, so that clusters stay empty; if rows are
            so equal that a cluster stays smaller than ``min_size``.
        """
        X = as_numbers(validate_data(self, X, dtype=[np.float64, np.float32], order="C"))
        weight = _check_sample_weight(sample_weight, X, dtype=X.dtype, ensure_non_negative=True)
        reach = float(np.abs(X).max())
        if not float(weight.sum(dtype=float)) * reach * reach < float(np.finfo(X.dtype).max) / 16:
            raise ValueError("sample_weight is too large to add up; divide it by its mean")
        init = self._check_parameters(X)
        check_min_size(self.min_size, self.n_clusters, weight)
        rng = check_random_state(self.random_state)
        origin = np.average(X, axis=0, weights=weight).astype(X.dtype)  # rounding merges no rows
        with one_thread_each(), self._pool() as pool:
            summary = summarise(
                X - origin,
                n_points=self.n_points,
                sample_weight=weight,
                far_share=FAR_SHARE,
                random_state=rng,
            )
            rows = summary if summary.exact else _sampled(X - origin, weight, rng)
            found = search(
                rows,
                self.n_clusters,
                n_starts=self.n_starts,
                n_swaps=self.n_swaps,
                n_chains=N_CHAINS if self.n_swaps else N_POLISHED,
                init=None if init is None else init - origin,
                max_iter=self.max_iter,
                tol=0.0 if rows.exact else 1e-4 * float(rows.squares.mean()) / X.shape[1],
                coarse=None if summary.exact else summary,
                pool=pool,
                random_state=rng,
            )
        at_best = np.mean(found.start_inertias <= found.inertias[0] * (1 + SAME))
        self.agreement_ = float(at_best) if summary.exact else np.nan
        self.restart_inertias_ = found.start_inertias + summary.lost_inertia
        centres, self.n_iter_ = found.centres[0] + origin, int(found.n_iter[0])
        if not rows.exact:
            centres, self.n_iter_ = self._polished(X, weight, found.centres[:N_POLISHED], origin)
        labels, offsets = nearest(X, centres), np.zeros(self.n_clusters)
        if self.min_size is not None:
            before, free = centres, labels
            if np.bincount(labels, weight, self.n_clusters).min() < self.min_size:
                starts = _starts(summary, found.centres, self.n_clusters, self.n_starts, rng)
                with one_thread_each(), self._pool() as pool:
                    centres, offsets, labels = sized_search(
                        X, weight, [centres, *(starts + origin)], self.min_size,
                        summary=summary, origin=origin, max_iter=self.max_iter, pool=pool,
                        n_swaps=self.n_swaps, rng=rng,
                    )  # fmt: skip
        size = np.bincount(labels, weight, self.n_clusters)
        order = np.lexsort((centres[:, 0], -size))
        self.cluster_centers_ = centres[order].astype(X.dtype)
        self.offsets_ = offsets[order]
        self.labels_ = np.argsort(order).astype(np.int32)[labels]
        if offsets.any():  # a row as near to two goes to the lower number, which is new
            self.labels_ = nearest(X, self.cluster_centers_, offsets=self.offsets_).astype(np.int32)
        if self.min_size is not None:
            keep_free(self, X, weight, before, free)
        self.inertia_ = inertia_of(X, weight, self.cluster_centers_, self.labels_)
        self._warn_of_empty(int(np.count_nonzero(size)), len(summary.points))
        return self

    def _warn_of_empty(self, found: int, distinct: int) -> None:
        if found < self.n_clusters:
            warnings.warn(
                f"{self.n_clusters} clusters were asked for, {found} hold rows: {distinct} "
                f"distinct rows, at most {distinct} clusters. Ask for fewer clusters.",
                ConvergenceWarning,
                stacklevel=3,
            )

    def predict(self, X) -> NDArray:
        """The nearest centre of each row, ``offsets_`` added; ndarray of int32, shape (n_rows,)."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=[np.float64, np.float32], order="C")
        offsets = getattr(self, "offsets_", None)  # a model of an older version has none
        return nearest(X, self.cluster_centers_, offsets=offsets).astype(np.int32)

    def transform(self, X) -> NDArray:
        """Euclidean distances to the centres; ndarray of shape (n_rows, n_clusters)."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=[np.float64, np.float32], order="C")
        return euclidean_distances(X, self.cluster_centers_)

    def score(self, X, y=None, sample_weight=None) -> float:
        """Minus the inertia of `X`, so that more is better."""
        labels = self.predict(X)
        X = validate_data(self, X, reset=False, dtype=[np.float64, np.float32], order="C")
        weight = _check_sample_weight(sample_weight, X, dtype=X.dtype)
        return -inertia_of(X, weight, self.cluster_centers_, labels)

    @property
    def _n_features_out(self) -> int:
        return self.cluster_centers_.shape[0]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(effective_n_jobs(-1 if self.n_jobs is None else self.n_jobs))

    def _polished(self, X, weight, starts, origin) -> tuple[NDArray, int]:
        """The best of several solutions after they ran on all rows, and its iterations.

        One thread each, side by side, so that no sum depends on the number of cores.
        """

        def polish(centres):
            with one_thread_each("openmp"), warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                model = KMeans(self.n_clusters, init=centres, n_init=1, max_iter=self.max_iter)
                return model.set_params(tol=1e-7).fit(X, sample_weight=weight)

        with one_thread_each(), self._pool() as pool:
            best = min(pool.map(polish, starts + origin), key=lambda model: model.inertia_)
            if len(X) > EXCHANGED_ROWS or not self.n_swaps:
                return best.cluster_centers_, best.n_iter_
            rows = Summary(X - origin, weight, np.arange(len(X)))
            centres, report = settle(rows, best.cluster_centers_[None] - origin, exchange=True)
            return centres[0] + origin, best.n_iter_ + int(report[0, 1])

    def _check_parameters(self, X):
        """`init` as `search` wants it; an error that names the parameter that is out of range."""
        for name, least in (("n_clusters", 1), ("n_starts", 1), ("n_swaps", 0), ("max_iter", 1)):
            value = getattr(self, name)
            if not isinstance(value, (int, np.integer)) or value < least:
                raise ValueError(f"{name} must be a whole number from {least} on, got {value!r}")
        if len(X) < self.n_clusters:
            raise ValueError(
                f"n_samples={len(X)} should be >= n_clusters={self.n_clusters}: "
                "give more rows or ask for fewer clusters"
            )
        if isinstance(self.init, str):
            if self.init != "k-means++":
                raise ValueError(f"init must be 'k-means++' or an array, got {self.init!r}")
            return None
        init = np.asarray(self.init, X.dtype)
        init = init[None] if init.ndim == 2 else init
        if init.ndim != 3 or init.shape[1:] != (self.n_clusters, X.shape[1]):
            raise ValueError(
                f"init must have shape ({self.n_clusters}, {X.shape[1]}) or "
                f"(n_starts, {self.n_clusters}, {X.shape[1]}), got {np.shape(self.init)}"
            )
        return init


def _starts(summary: Summary, found: NDArray, n_clusters: int, n_starts: int, rng) -> NDArray:
    """Where the search under the bound begins: what the free search found, and fresh starts."""
    return np.concatenate([found, seed_centres(summary, n_clusters, n_starts, rng)])


def keep_free(kmeans, X, weight, centres, labels) -> None:
    """Note the solution without the bound, its clusters in the order of those they became."""
    k = len(centres)
    kmeans.free_inertia_ = inertia_of(X, weight, centres, labels)
    both = np.bincount(labels * k + kmeans.labels_, weight, k * k).reshape(k, k)
    kmeans.free_centers_ = centres[linear_sum_assignment(both.T, maximize=True)[1]].astype(X.dtype)


def _sampled(X, weight, rng) -> Summary:
    """The rows as they are; where too many differ, rows drawn half by weight, half by squared
    distance from the mean, and weighted back, so that few far rows, which may carry a cluster,
    are not missed (a lightweight coreset: Bachem, Lucic, Krause, KDD 2018)."""
    if len(X) <= SAMPLED_ROWS:
        return Summary(X, weight, np.arange(len(X)))
    if (summary := merged(X, SAMPLED_ROWS, weight, rng)) is not None:
        return summary
    far = np.einsum("ij,ij->i", X, X).astype(float) * weight
    chance = weight / weight.sum(dtype=float) / 2 + far / far.sum() / 2
    chance /= chance.sum()
    some = rng.choice(len(X), SAMPLED_ROWS, p=chance)
    back = weight[some] / (SAMPLED_ROWS * chance[some])
    return Summary(X[some], back.astype(X.dtype), some, np.nan)


def inertia_of(X, weight, centres, labels, chunk=65_536) -> float:
    """Weighted sum of squares, summed in float64."""
    total = 0.0
    for start in range(0, len(X), chunk):
        rows = slice(start, start + chunk)
        gap = np.subtract(X[rows], centres[labels[rows]], dtype=np.float64)
        total += weight[rows].astype(np.float64) @ np.einsum("ij,ij->i", gap, gap)
    return float(total)
