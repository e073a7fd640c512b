"""k-means of each group of customers separately: business and personal customers, say."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import cdist
from sklearn.base import BaseEstimator, ClusterMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from kequn_lab.segments.kmeans import N_CLUSTERS, KMeansSearch
from kequn_lab.segments.summaries import as_numbers

__all__ = ["GroupedKMeans", "clusters_by_group"]

#: Groups at most: more are not clustered separately, but are a column among others.
MOST_GROUPS = 10
#: Customers that a group must have for each of its clusters, and its least share of all: below
#: it the clips of the preprocessing, which are quantiles of all customers, would swallow it.
LEAST_CUSTOMERS, LEAST_SHARE = 10, 0.002


def clusters_by_group(column: pd.Series, n_clusters: int | Mapping[float, int]) -> dict[float, int]:
    """How many clusters each group gets, ascending by the value that says the group.

    Parameters
    ----------
    column : Series
        The value of each customer.
    n_clusters : int or mapping of value to int
        A number is for each group.

    Raises
    ------
    ValueError
        Words, missing values, one value only or more than ten, a number for a value that there is
        not or none for one that there is, fewer than two clusters, or a group too small.

    Examples
    --------
    >>> clusters_by_group(pd.Series([0.0] * 60 + [1.0] * 40), {0: 6, 1: 3})
    {0.0: 6, 1.0: 3}
    """
    name = str(column.name or "the column")
    sizes = _group_sizes(column, name)
    shown = ", ".join(f"{value:g}" for value in sizes.index)
    if isinstance(n_clusters, Mapping):
        if words := [v for v in n_clusters if not isinstance(v, int | float | np.number)]:
            raise ValueError(
                f"k is given for {name} = {', '.join(map(str, words))}; write groups as numbers, "
                "such as 0=6,1=3 (no is 0, yes is 1)"
            )
        given = {float(value): k for value, k in n_clusters.items()}
        if set(given) != set(sizes.index):
            raise ValueError(
                f"k is given for {name} = {', '.join(f'{v:g}' for v in given)}, the table has "
                f"{shown}; give k for each of them, such as "
                + ",".join(f"{value:g}=4" for value in sizes.index)
            )
        out = {value: given[value] for value in sizes.index}
    else:
        out = dict.fromkeys(sizes.index, n_clusters)
    for value, k in out.items():
        if k < 2:
            raise ValueError(
                f"{name} = {value:g}: {k} clusters; clustering starts from 2. Leave out the "
                f"customers of the other groups to see one group alone"
            )
        least = max(LEAST_CUSTOMERS * k, int(np.ceil(LEAST_SHARE * len(column))))
        if sizes[value] < least:
            raise ValueError(
                f"{name} = {value:g} has {sizes[value]:,} customers, too few for {k} clusters of "
                f"their own (at least {least:,}): ask for fewer clusters there, leave these "
                "customers out, or cluster all together (without by)"
            )
    return out


def _group_sizes(column: pd.Series, name: str) -> pd.Series:
    """Customers of each group, ascending by its value; refuses what says no groups."""
    if not pd.api.types.is_numeric_dtype(column):
        raise ValueError(
            f"{name} holds words; groups (by) are told by numbers or yes/no: write each group as a "
            "number, such as 0 and 1"
        )
    if missing := int(column.isna().sum()):
        raise ValueError(
            f"{missing:,} customers have no {name}, so they belong to no group to be clustered in "
            "(by): fill it in, or leave these customers out"
        )
    sizes = column.astype(float).value_counts().sort_index()
    if not 2 <= len(sizes) <= MOST_GROUPS:
        what = "one value only, so there is nothing to group by (by)"
        if len(sizes) > MOST_GROUPS:
            what = (
                f"{len(sizes)} values; each would be clustered separately (by), on few customers, "
                f"so {MOST_GROUPS} are the limit. Group the values into fewer"
            )
        raise ValueError(f"{name} has {what}, or leave it as a column among others")
    return sizes


class GroupedKMeans(TransformerMixin, ClusterMixin, BaseEstimator):
    """One k-means per value of a column, each on columns scaled within its group.

    A customer is only ever compared with centres of the own group. :meth:`join` makes clusters of
    several groups one segment, where they mean the same.

    Parameters
    ----------
    by : int or str
        Position of the column of `X` that says the group, or its name where `X` is a DataFrame.
    n_clusters : int or sequence of int
        Clusters of each group, in the order of the column's values; a number is for each.
    n_starts, n_swaps, random_state
        As :class:`KMeansSearch`.
    blocks : sequence of str or sequence of int, optional
        Categories: the name of each, whose coordinates are called ``name`` or ``name:level``, or
        the positions of these. They get one scale, so that in each group a category has the total
        variance that it has among all rows.

    Attributes
    ----------
    groups_ : ndarray of shape (n_groups,)
        Values of the column, ascending.
    group_means_, group_scales_ : ndarray of shape (n_groups, n_features)
        What each group's columns are standardised by; the scale of a constant one is 1. The
        mean of a coordinate of a category is 0: it is not shifted.
    centres_ : ndarray of shape (n_centres, n_features)
        In the columns of `X`: group after group, the largest cluster of each first.
    centre_groups_, centre_sizes_ : ndarray of shape (n_centres,)
        Position of each centre's group in ``groups_``; rows of the training.
    centre_clusters_ : ndarray of shape (n_centres,)
        The cluster that each centre belongs to; its number before any :meth:`join`.
    cluster_centers_, means_ : ndarray of shape (n_clusters, n_features)
        Means of the rows of each cluster, in the columns of `X`.
    labels_ : ndarray of shape (n_rows,)
    inertia_ : float
        Sum over the groups, each in its own scale.
    agreement_ : float
        The lowest of the groups, see :class:`KMeansSearch`.
    restart_inertias_ : ndarray of shape (n_starts,)

    Examples
    --------
    >>> X = np.array([[0, 1.0], [0, 1.1], [0, 5.0], [1, 70.0], [1, 90.0], [1, 91.0]])
    >>> model = GroupedKMeans(by=0, n_clusters=2, random_state=0).fit(X)
    >>> model.labels_
    array([0, 0, 1, 3, 2, 2], dtype=int32)
    >>> model.join(["low", "high", "high", "low"]).labels_
    array([0, 0, 1, 0, 1, 1], dtype=int32)
    """

    def __init__(
        self,
        by,
        n_clusters=N_CLUSTERS,
        *,
        n_starts=25,
        n_swaps=25,
        random_state=None,
        blocks=None,
    ):
        self.by = by
        self.n_clusters = n_clusters
        self.n_starts = n_starts
        self.n_swaps = n_swaps
        self.random_state = random_state
        self.blocks = blocks

    def fit(self, X, y=None):
        """Search in every group.

        Parameters
        ----------
        X, y : as :meth:`KMeansSearch.fit`
            Scaled so that 0 is the average.

        Returns
        -------
        self : GroupedKMeans
            One k-means for each group.

        Raises
        ------
        ValueError
            No such column, another number of ``n_clusters`` than of groups, or a group with
            fewer rows than clusters.

        Warns
        -----
        ConvergenceWarning
            As :class:`KMeansSearch`, of any group.
        """
        X = as_numbers(validate_data(self, X, dtype=[np.float64, np.float32], order="C"))
        self.groups_, codes = np.unique(X[:, self._position], return_inverse=True)
        counts = np.broadcast_to(self.n_clusters, len(self.groups_))
        parts = [X[codes == g] for g in range(len(self.groups_))]
        self.group_means_ = np.stack([part.mean(axis=0, dtype=float) for part in parts])
        scales = np.stack([part.std(axis=0, dtype=float) for part in parts])
        for block in self._blocks:
            self.group_means_[:, block] = 0
            total = X[:, block].var(axis=0, dtype=float).sum()
            own = (scales[:, block] ** 2).sum(axis=1, keepdims=True)
            scales[:, block] = np.sqrt(own / max(total, np.finfo(float).tiny))
        self.group_scales_ = np.where(scales > 1e-9, scales, 1.0)
        found = []
        for g, (part, k) in enumerate(zip(parts, counts)):
            kmeans = KMeansSearch(
                int(k), n_starts=self.n_starts, n_swaps=self.n_swaps, random_state=self.random_state
            )
            found.append(kmeans.fit(self._scaled(part, g)))
        self.centre_groups_ = np.repeat(np.arange(len(parts)), counts)
        scaled = np.concatenate([kmeans.cluster_centers_ for kmeans in found])
        at = self.centre_groups_
        self.centres_ = scaled * self.group_scales_[at] + self.group_means_[at]
        sizes = [np.bincount(m.labels_, minlength=m.n_clusters) for m in found]
        self.centre_sizes_ = np.concatenate(sizes)
        self.inertia_ = float(sum(kmeans.inertia_ for kmeans in found))
        self.agreement_ = float(np.min([kmeans.agreement_ for kmeans in found]))
        self.restart_inertias_ = np.sum([kmeans.restart_inertias_ for kmeans in found], axis=0)
        first = np.cumsum([0, *counts[:-1]])
        self.labels_ = np.empty(len(X), np.int32)
        for g, kmeans in enumerate(found):
            self.labels_[codes == g] = first[g] + kmeans.labels_
        return self._numbered(np.arange(len(self.centres_)))

    def join(self, names: Sequence[Hashable]) -> GroupedKMeans:
        """Make centres of one name one cluster; clusters are numbered anew, the largest first.

        Parameters
        ----------
        names : sequence, one per centre
            In the order of ``centres_``.

        Returns
        -------
        self : GroupedKMeans
            With fewer clusters.

        Raises
        ------
        ValueError
            Another number of names than of centres, or one twice in a group.
        """
        check_is_fitted(self)
        pairs = list(zip(self.centre_groups_.tolist(), names))
        if len(pairs) != len(self.centres_) or len(names) != len(pairs):
            raise ValueError(f"{len(self.centres_)} centres need a name each, got {len(names)}")
        if len(set(pairs)) < len(pairs):
            raise ValueError(f"two clusters of one group have the same name: {list(names)}")
        codes, _ = pd.factorize(pd.Series(names, dtype=object))
        order = np.argsort(-np.bincount(codes, self.centre_sizes_), kind="stable")
        new, old = np.argsort(order)[codes], self.centre_clusters_
        member = np.empty(old.max() + 1, int)
        member[old] = new
        if len(np.unique(old)) < len(old):
            raise ValueError("these clusters are joined already; fit again to join them otherwise")
        self.labels_ = member[self.labels_].astype(np.int32)
        return self._numbered(new)

    def _numbered(self, clusters: NDArray) -> GroupedKMeans:
        """Centres under these numbers of clusters, and the means of these."""
        self.centre_clusters_ = clusters
        share = np.zeros((clusters.max() + 1, len(clusters)))
        share[clusters, np.arange(len(clusters))] = np.maximum(self.centre_sizes_, 1e-300)
        self.cluster_centers_ = share @ self.centres_ / share.sum(axis=1, keepdims=True)
        return self

    @property
    def means_(self) -> NDArray:
        return self.cluster_centers_

    @property
    def _position(self) -> int:
        if not isinstance(self.by, str):
            return self.by
        names = list(getattr(self, "feature_names_in_", ()))
        if self.by not in names:
            raise ValueError(f"no column {self.by!r} to group by; there are {', '.join(names)}")
        return names.index(self.by)

    @property
    def _blocks(self) -> list[list[int]]:
        """The positions of the coordinates of each category."""
        names = list(getattr(self, "feature_names_in_", ()))
        out = []
        for block in self.blocks or ():
            if isinstance(block, str):
                block = [i for i, n in enumerate(names) if n == block or n.startswith(f"{block}:")]
            out.append(list(block))
        return out

    def _scaled(self, rows: NDArray, g: int) -> NDArray:
        return ((rows - self.group_means_[g]) / self.group_scales_[g]).astype(rows.dtype)

    def parts(self, X: ArrayLike) -> list[tuple[NDArray, NDArray, NDArray, NDArray]]:
        """What each group's k-means works on.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)

        Returns
        -------
        list of tuple, one per group
            Positions of its rows; these rows and the group's centres, both scaled within the
            group; the cluster of each centre.

        Raises
        ------
        ValueError
            A row of no group that was in the fit.
        """
        check_is_fitted(self)
        X = np.asarray(X)
        values = X[:, self._position]
        gap = np.abs(values[:, None] - self.groups_)
        code = gap.argmin(axis=1)
        strange = gap[np.arange(len(X)), code] > 1e-6 * (1 + np.abs(self.groups_[code]))
        if strange.any():
            raise ValueError(
                f"{int(strange.sum())} rows belong to no group that was in the fit (column "
                f"{self.by!r}); leave them out, or fit with them"
            )
        out = []
        for g in range(len(self.groups_)):
            rows, own = np.flatnonzero(code == g), self.centre_groups_ == g
            centres = (self.centres_[own] - self.group_means_[g]) / self.group_scales_[g]
            out.append((rows, self._scaled(X[rows], g), centres, self.centre_clusters_[own]))
        return out

    def sample(self, X: NDArray, n_rows: int, rng: np.random.Generator) -> NDArray:
        """Rows for a quick look: about as many of each group as its share, and no group lost."""
        parts = []
        for rows, *_, clusters in self.parts(X):
            enough = max(round(n_rows * len(rows) / len(X)), LEAST_CUSTOMERS * len(clusters))
            parts.append(rng.choice(rows, min(enough, len(rows)), replace=False))
        return np.concatenate(parts)

    def quick(self) -> GroupedKMeans:
        """The same, not fitted, with one start in each group; for a matrix without names."""
        counts = np.bincount(self.centre_groups_).tolist()
        seed = self.random_state
        return GroupedKMeans(
            self._position, counts, n_starts=1, n_swaps=0, random_state=seed, blocks=self._blocks
        )

    def transform(self, X) -> NDArray:
        """Distances to the clusters in the scale of the own group; infinite where it has none."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=[np.float64, np.float32], order="C")
        out = np.full((len(X), len(self.cluster_centers_)), np.inf)
        for rows, scaled, centres, clusters in self.parts(X):
            out[np.ix_(rows, clusters)] = cdist(scaled.astype(float), centres)
        return out

    def predict(self, X) -> NDArray:
        """The nearest cluster of the own group; ndarray of int32, shape (n_rows,)."""
        return self.transform(X).argmin(axis=1).astype(np.int32)
