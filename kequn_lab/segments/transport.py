"""Labels of the least cost where each cluster must have a least number of rows.

A transportation problem, solved exactly: prices of its dual are found one cluster at a time, and
what is left to settle flows along shortest paths between clusters, of which there are few.

References: D. P. Bertsekas, "The auction algorithm for assignment and other network flow
problems", Interfaces 20:4 (1990); R. K. Ahuja, T. L. Magnanti, J. B. Orlin, "Network Flows" (1993),
chapter 9 (successive shortest paths).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["assign", "near_prices"]

SWEEPS = 30  # rounds of prices before the exact step, at most
NEAR = 1e-3  # they end when no price moves by more than this share of the highest
CANDIDATES = 512  # rows that the exact step may move at first; four times as many each time more
SAME = 1e-12  # two costs this close, relatively, are a tie


def assign(cost: NDArray, least: int, prices: NDArray | None = None) -> tuple[NDArray, NDArray]:
    """The cheapest labels that give each cluster at least ``least`` rows.

    Parameters
    ----------
    cost : ndarray of shape (n_rows, n_clusters)
        What a row costs in each cluster.
    least : int
        At most ``n_rows / n_clusters``.
    prices : ndarray of shape (n_clusters,), optional
        A first guess, from 0 on.

    Returns
    -------
    labels : ndarray of int, shape (n_rows,)
    prices : ndarray of shape (n_clusters,)
        The dual: each row is where cost less price is least; 0 for clusters above the bound.

    Examples
    --------
    >>> labels, prices = assign(np.array([[0.0, 9.0], [1.0, 4.0], [2.0, 3.5]]), 1)
    >>> labels.tolist(), prices.tolist()
    ([0, 0, 1], [0.0, 1.5])
    """
    n, k = cost.shape
    prices = np.zeros(k) if prices is None else np.maximum(prices, 0)
    labels = cost.argmin(axis=1)
    if k == 1 or np.bincount(labels, minlength=k).min() >= least:
        return labels, np.zeros(k)
    prices = near_prices(cost, least, prices)
    some = CANDIDATES
    while True:
        net = cost - prices
        labels = net.argmin(axis=1)
        net -= net[np.arange(n), labels][:, None]
        net[np.arange(n), labels] = np.inf
        second = net.min(axis=1)
        sizes = np.bincount(labels, minlength=k)
        short = int(np.abs(sizes - least)[(prices > 0) | (sizes < least)].sum())
        some = min(n, max(some, 8 * short))
        rows = np.argpartition(second, some - 1)[:some] if some < n else np.arange(n)
        fixed = sizes - np.bincount(labels[rows], minlength=k)
        moved, after, done = _flow(cost[rows], labels[rows], fixed, least, prices.copy())
        labels[rows] = moved
        own = cost[np.arange(n), labels] - after[labels]
        gain = own - (cost - after).min(axis=1)
        slack = SAME * max(float(np.abs(own).max()), np.finfo(float).tiny)
        if some == n or (done and gain.max() <= slack):
            return labels, after
        prices, some = after if done else prices, min(n, 4 * some)


def near_prices(
    cost: NDArray, least: float, prices: NDArray, weights: NDArray | None = None
) -> NDArray:
    """Prices one cluster at a time, each the best while the others stay, until they settle."""
    across, prices, (n, k) = np.ascontiguousarray(cost.T), prices.copy(), cost.shape
    for _ in range(SWEEPS):
        before = prices.copy()
        sizes = np.bincount((across - prices[:, None]).argmin(axis=0), weights, k)
        for j in np.flatnonzero((prices > 0) | (sizes < least)):  # the others stay as they are
            net = across - prices[:, None]
            net[j] = np.inf
            gap = across[j] - net.min(axis=0)
            need = 0.0
            if weights is None:
                if np.count_nonzero(gap <= 0) < least:
                    need = np.partition(gap, int(least) - 1)[int(least) - 1]
            elif weights[gap <= 0].sum() < least:
                order = np.argsort(gap)
                full = np.searchsorted(np.cumsum(weights[order]), least * (1 - SAME))
                need = gap[order[min(full, n - 1)]]
                further = gap[order[min(full + 1, n - 1)]]  # the point goes whole to the cluster
                need = (need + further) / 2
            prices[j] = max(need, 0.0)
        if np.abs(prices - before).max() <= NEAR * prices.max():
            break
    return prices


def _flow(
    cost: NDArray, labels: NDArray, fixed: NDArray, least: int, prices: NDArray
) -> tuple[NDArray, NDArray, bool]:
    """Successive shortest paths between clusters, from labels that the prices explain.

    A last node takes what a cluster has above the bound; only a price of 0 lets it flow there.

    Returns
    -------
    labels, prices
    done : bool
        False: these rows are too few to reach every bound.
    """
    k = cost.shape[1]
    labels = labels.copy()
    sizes = fixed + np.bincount(labels, minlength=k)
    spare = np.where(prices == 0, np.maximum(sizes - least, 0), 0)
    total = int(sizes.sum()) - k * least
    gaps, who = np.full((k, k), np.inf), np.zeros((k, k), int)
    stale = set(range(k))
    price = np.append(prices, 0.0)
    while True:
        for a in stale:
            rows = np.flatnonzero(labels == a)
            gaps[a] = np.inf
            if len(rows):
                more = cost[rows] - cost[rows, a][:, None]
                at = more.argmin(axis=0)
                gaps[a], who[a] = more[at, np.arange(k)], rows[at]
            gaps[a, a] = np.inf
        excess = np.append(sizes - least - spare, spare.sum() - total)
        if not excess.any():
            return labels, price[:k], True
        arcs = np.full((k + 1, k + 1), np.inf)
        arcs[:k, :k] = np.maximum(gaps + price[:k, None] - price[None, :k], 0)
        arcs[:k, k] = price[:k]
        arcs[k, :k] = np.where(spare > 0, 0.0, np.inf)
        far, before = _shortest(arcs, excess > 0)
        ends = np.flatnonzero(excess < 0)
        end = ends[far[ends].argmin()]
        if not np.isfinite(far[end]):
            return labels, price[:k], False
        price += np.minimum(far, far[end])
        price -= price[k]
        stale, b = set(), end
        while (a := before[b]) >= 0:
            if b == k:
                spare[a] += 1
            elif a == k:
                spare[b] -= 1
            else:
                labels[who[a, b]] = b
                sizes[a] -= 1
                sizes[b] += 1
                stale |= {a, b}
            b = a
        price[:k][(spare > 0) | (price[:k] < 0)] = 0.0


def _shortest(arcs: NDArray, starts: NDArray) -> tuple[NDArray, NDArray]:
    """Distances from the starts by arcs from 0 on, and the node before each (−1: none)."""
    far = np.where(starts, 0.0, np.inf)
    before = np.full(len(far), -1)
    for _ in range(len(far)):
        ways = far[:, None] + arcs
        by, best = ways.argmin(axis=0), ways.min(axis=0)
        nearer = best < far
        if not nearer.any():
            break
        far, before = np.where(nearer, best, far), np.where(nearer, by, before)
    return far, before
