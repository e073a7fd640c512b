"""k-means whose clusters have a smallest size: one constant for each centre says who is where.

With the centres given, the cheapest labels that give each cluster at least so many rows are a
transportation problem. The prices of its dual turn it into a rule: the label is the centre of the
least squared distance plus *offset*, where clusters that had to grow have the smaller offsets. So
new customers are labelled as simply as by the nearest centre, and by the same borders (a power
diagram). Assignment and means alternate until nothing changes.

References: P. S. Bradley, K. P. Bennett, A. Demiriz, "Constrained k-means clustering", Microsoft
Research MSR-TR-2000-65 (2000); F. Aurenhammer, F. Hoffmann, B. Aronov, "Minkowski-type theorems
and least-squares clustering", Algorithmica 20 (1998).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from sklearn.exceptions import ConvergenceWarning

from kequn_lab.segments.search import SAME as SAME_INERTIA
from kequn_lab.segments.summaries import Summary, nearest
from kequn_lab.segments.transport import SAME, assign, near_prices

__all__ = ["check_min_size", "settle_draw", "settle_sized", "sized_rule", "sized_search"]

ROUNDS = 40  # raises of a price per cluster where equal rows go together, at most
N_POLISHED = 3  # of the solutions on the summary, those that are run on all rows
WORTH = 0.01  # a swap is run to its end where a few steps bring it so near to the best
DRAW_STEPS = 50  # of a bootstrap draw
CHUNK = 65_536


def check_min_size(min_size, n_clusters: int, weight: NDArray) -> None:
    """A smallest size that is a number, and that the rows can give."""
    if min_size is None:
        return
    if not isinstance(min_size, (int, np.integer)) or isinstance(min_size, bool) or min_size < 1:
        raise ValueError(f"min_size must be a whole number from 1 on, got {min_size!r}")
    if (there := float(weight.sum(dtype=float))) < n_clusters * min_size:
        raise ValueError(
            f"{n_clusters} clusters of at least {min_size:,} rows need {n_clusters * min_size:,}, "
            f"there are {there:,.0f}: ask for a smaller min_size or fewer clusters"
        )


def settle_sized(
    rows: Summary,
    centres: NDArray,
    least: float,
    *,
    mean: Callable[[NDArray, NDArray, NDArray], NDArray] | None = None,
    max_iter: int = 300,
    tol: float = 0.0,
    exact: bool = True,
) -> tuple[NDArray, NDArray, float, int]:
    """Assignment with the bound and means in turn, from given centres.

    Parameters
    ----------
    rows : Summary
    centres : ndarray of shape (n_clusters, n_features)
    least : float
        Weight that each cluster must have.
    mean : callable, optional
        Makes centres of the sums and the weights of clusters, and of the centres before; default
        the means.
    max_iter, tol : see `kequn_lab.segments.search.lloyd`
    exact : bool
        False: points that lie on a border go whole to one side, which is enough to compare starts.

    Returns
    -------
    centres : ndarray of shape (n_clusters, n_features)
    prices : ndarray of shape (n_clusters,)
        Of the last assignment, before the last means.
    inertia : float
        Of that assignment.
    n_iter : int
    """
    points, weights, k = rows.points.astype(float), rows.weights.astype(float), len(centres)
    single = bool((weights == 1).all())
    centres, prices, inertia, n_iter = centres.astype(float), np.zeros(k), np.inf, 0
    lifted = np.column_stack([points, np.ones(len(points))]) * weights[:, None]
    while n_iter < max_iter:
        n_iter += 1
        cost = _squared_distances(points, centres)
        if exact and single:
            labels, prices = assign(cost, int(least), prices)
        else:
            prices = near_prices(cost, least, prices, None if single else weights)
            labels = (cost - prices).argmin(axis=1)
        inertia = float(weights @ cost[np.arange(len(points)), labels])
        sums = (labels == np.arange(k)[:, None]).astype(float) @ lifted
        size = sums[:, -1:]
        if mean is None:
            new = np.divide(sums[:, :-1], size, out=centres.copy(), where=size > 0)
        else:
            new = mean(sums[:, :-1], size, centres)
        moved, centres = float(((new - centres) ** 2).sum()), new
        if moved <= tol:
            break
    return centres, prices, inertia, n_iter


def settle_draw(
    draw: Summary,
    starts: Sequence[NDArray],
    least: float,
    mean: Callable[[NDArray, NDArray, NDArray], NDArray] | None = None,
) -> tuple[NDArray, NDArray]:
    """Centres and offsets of a bootstrap draw under the bound, near enough to compare draws.

    Parameters
    ----------
    draw : Summary
    starts : sequence of ndarray of shape (n_clusters, n_features)
        Where it begins; the end of the lowest inertia is taken.
    least : float
        Weight that each cluster must have.
    mean : callable, optional
        As `settle_sized`.
    """
    dtype, total = draw.points.dtype, float(draw.weights.sum(dtype=float))
    tol = 1e-5 * float(draw.weights @ draw.squares) / total
    how: dict[str, Any] = {"mean": mean, "max_iter": DRAW_STEPS, "tol": tol, "exact": False}
    ends = [settle_sized(draw, centres, least, **how) for centres in starts]
    found, prices, *_ = min(ends, key=lambda end: end[2])
    return found.astype(dtype), prices.max() - prices


def sized_search(
    X, weight, starts, least, *, summary, origin, max_iter, pool: Executor, n_swaps=0, rng=None
):
    """The best of several starts under the bound: all on the summary, the best few on all rows.

    Returns
    -------
    centres, offsets, labels : ndarray
    """

    def quick(centres):
        return settle_sized(summary, centres - origin, least, max_iter=50, tol=tol, exact=False)

    tol = 1e-5 * float(X.var(axis=0, dtype=float).mean())
    done = list(pool.map(quick, starts))
    done.sort(key=lambda end: end[2])
    done = _swapped(summary, done, least, n_swaps, tol, rng)
    rows = summary if summary.exact else Summary(X - origin, weight, np.arange(len(X)))
    end = 0.0 if summary.exact else tol / 100

    def polish(found):
        centres, prices, *_ = settle_sized(rows, found[0], least, max_iter=max_iter, tol=end)
        return _rule(X, weight, centres + origin, least, prices)

    ends = list(pool.map(polish, done[:N_POLISHED]))
    best = min(ends, key=lambda rule: (rule.smallest < least, rule.inertia))
    return best.warned(least)


def _swapped(summary: Summary, done: list, least, n_swaps: int, tol: float, rng) -> list:
    """Solutions under the bound, best first, after swaps: of the best one, a centre that is drawn
    goes to a point that is drawn; a few steps show whether it is worth settling."""
    k = len(done[0][0])
    chance = summary.weights / summary.weights.sum(dtype=float)
    for _ in range(2 * n_swaps if k > 1 else 0):
        centres = done[0][0].copy()
        centres[rng.randint(k)] = summary.points[rng.choice(len(chance), p=chance)]
        found = settle_sized(summary, centres, least, max_iter=6, tol=tol, exact=False)
        if found[2] < done[0][2] * (1 + WORTH):
            found = settle_sized(summary, found[0], least, max_iter=50, tol=tol, exact=False)
            if found[2] < done[0][2] * (1 - SAME_INERTIA):
                done = [found, *done]
    return done


def sized_rule(
    X: NDArray, weights: NDArray, centres: NDArray, least: float, prices: NDArray
) -> tuple[NDArray, NDArray, NDArray]:
    """Offsets by which the rule gives each cluster its rows, with room on either side of a border.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
    weights : ndarray of shape (n_rows,)
    centres : ndarray of shape (n_clusters, n_features)
    least : float
        Weight that each cluster must have.
    prices : ndarray of shape (n_clusters,)
        A first guess.

    Returns
    -------
    centres : ndarray of shape (n_clusters, n_features)
        As given, in the type of `X`.
    offsets : ndarray of shape (n_clusters,)
        From 0 on, 0 for one cluster.
    labels : ndarray of shape (n_rows,)
        By the rule.

    Warns
    -----
    ConvergenceWarning
        Rows are so equal that a cluster stays smaller.
    """
    return _rule(X, weights, centres, least, prices).warned(least)


class _Rule(NamedTuple):
    """Centres and offsets, the labels that they give, and how these fare."""

    centres: NDArray
    offsets: NDArray
    labels: NDArray
    inertia: float
    smallest: float

    def warned(self, least: float) -> tuple[NDArray, NDArray, NDArray]:
        if self.smallest < least:
            warnings.warn(
                f"min_size={least:,} was asked for, the smallest cluster has "
                f"{self.smallest:,.0f} rows: rows that are equal go together. Ask for a smaller "
                "min_size or fewer clusters",
                ConvergenceWarning,
                stacklevel=4,
            )
        return self.centres, self.offsets, self.labels


def _rule(X: NDArray, weights: NDArray, centres: NDArray, least: float, prices: NDArray) -> _Rule:
    centres = centres.astype(X.dtype)
    cost, k = _squared_distances(X, centres), len(centres)
    if (weights == 1).all():
        labels, prices = assign(cost, int(least), prices)
        prices, room = _middle(cost, labels, prices)
    else:
        prices, room = near_prices(cost, least, prices, weights), False
    if not room:
        prices = _raised(cost, least, weights, prices)
    for _ in range(2):
        offsets = prices.max() - prices
        labels = nearest(X, centres, offsets=offsets)
        smallest = float(np.bincount(labels, weights, k).min())
        if smallest >= least:
            break
        prices = _raised(cost, least, weights, prices)
    inertia = float(weights @ cost[np.arange(len(X)), labels])
    return _Rule(centres, offsets, labels, inertia, smallest)


def _middle(cost: NDArray, labels: NDArray, prices: NDArray) -> tuple[NDArray, bool]:
    """Prices of the clusters at the bound in the middle of where they give the same labels; and
    whether there is any room: no two equal rows have different labels."""
    k, bound = len(prices), np.flatnonzero(prices > 0).tolist()
    if not bound:
        return prices, True
    rows, sides = [], []
    at = {j: i for i, j in enumerate(bound)}
    for a in range(k):
        own = cost[labels == a]
        gap = (own - own[:, [a]]).min(axis=0, initial=np.inf)
        for b in range(k):
            if a != b and (a in at or b in at) and np.isfinite(gap[b]):
                row = np.zeros(len(bound) + 1)
                row[-1] = 1
                if b in at:
                    row[at[b]] += 1
                if a in at:
                    row[at[a]] -= 1
                rows.append(row)
                sides.append(gap[b])
    scale = max(float(np.abs(sides).max()), 1e-300)
    goal = np.append(np.zeros(len(bound)), -1.0)
    found = linprog(goal, np.array(rows), np.array(sides) / scale, bounds=(0, None))
    if found.status != 0 or found.x[-1] * scale <= SAME * float(cost.max()):
        return prices, False
    out = prices.copy()
    out[bound] = found.x[:-1] * scale
    return out, True


def _raised(cost: NDArray, least: float, weights: NDArray, prices: NDArray) -> NDArray:
    """Prices raised until each cluster has its weight of rows that are on no border, equal rows
    going together."""
    prices, k = prices.copy(), cost.shape[1]
    scale = max(float(cost.max()), 1e-300)
    for _ in range(ROUNDS * k):
        net = cost - prices
        first, second = np.partition(net, 1, axis=1)[:, :2].T
        clear = second > first + SAME * scale
        sizes = np.bincount(net.argmin(axis=1), weights * clear, k)
        j = int(sizes.argmin())
        if sizes[j] >= least:
            break
        net[:, j] = np.inf
        gap = cost[:, j] - net.min(axis=1)
        order = np.argsort(gap, kind="stable")
        full = np.searchsorted(np.cumsum(weights[order]), least * (1 - SAME))
        last = float(gap[order[min(int(full), len(gap) - 1)]])
        further = gap[gap > last + SAME * scale]
        prices[j] = (last + further.min()) / 2 if len(further) else last + scale
    return prices


def _squared_distances(X: NDArray, centres: NDArray) -> NDArray:
    """Squared distances in double precision, shape (n_rows, n_clusters)."""
    out = np.empty((len(X), len(centres)))
    origin = centres.mean(axis=0, dtype=float)
    moved = centres - origin
    half = np.einsum("ij,ij->i", moved, moved)
    for start in range(0, len(X), CHUNK):
        rows = slice(start, start + CHUNK)
        near = X[rows] - origin
        out[rows] = near @ (-2 * moved.T)
        out[rows] += half + np.einsum("ij,ij->i", near, near)[:, None]
    return np.maximum(out, 0, out=out)
