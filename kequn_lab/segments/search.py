"""The search for the best k-means solution on a summary: many cheap starts, then swaps.

Lloyd's algorithm stops at the first solution that it cannot improve, and most of those are not
the best one: on survey data one start in 250 finds it. So greedy k-means++ starts run side by
side, and the best different ones are moved on. In each round many changes are tried: one centre
is taken away and put at a point far from its centre (random swap, Fränti 2018), those first that
gain most by one table of distances (Lattanzi & Sohler, ICML 2019); or centres of two solutions
are mixed (Gribel & Vidal, Pattern Recognition 88, 2019). After a few steps of Lloyd the best go
on, and points then move one by one (Hartigan & Wong, Applied Statistics 28, 1979), which leaves
most optima of Lloyd's algorithm. The search ends when some rounds have found no new best.
"""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from sklearn.utils import check_random_state
from threadpoolctl import ThreadpoolController

from kequn_lab.segments.summaries import Summary

__all__ = [
    "Solutions",
    "lloyd",
    "memberships",
    "one_thread_each",
    "search",
    "seed_centres",
    "settle",
]

PATIENCE = 4  # rounds without a new best of all solutions, after which the search ends;
LONGEST = 20  # up to so many where few solutions make few tries a round,
FEW = 8_000  # or where points are few: so many by their number
N_RUN = 4  # swaps of each solution that are tried, of those that are priced
N_MIXED = 20  # mixed solutions in each round
LOOK = 3  # steps after which what was tried is compared, and one of
ONE_OF, MOST_OF = 2, 6  # so many is run to its end: from two to six,
SLOW = 800  # one more for each so many points, since runs are cheap and optima many where few are
MAX_ROUNDS = 200  # whatever they gain
SAME = 1e-6  # two inertias this close, relatively, are one optimum
GAIN = 1e-9  # a new best is lower by at least so much, relatively
BLOCK = 250_000  # start x centre x point triples in one step: the step stays in the cache


@dataclass(frozen=True)
class Solutions:
    """Several k-means solutions of one summary, best first.

    Parameters
    ----------
    centres : ndarray of shape (n_solutions, n_clusters, n_features)
    inertias : ndarray of shape (n_solutions,)
        On the points of the summary, without ``lost_inertia``.
    n_iter : ndarray of shape (n_solutions,)
    start_inertias : ndarray of shape (n_starts,)
        What the plain starts reached before any swap, sorted.
    """

    centres: NDArray
    inertias: NDArray
    n_iter: NDArray
    start_inertias: NDArray


def lloyd(
    summary: Summary, centres: NDArray, *, max_iter: int = 300, tol: float = 0.0
) -> tuple[NDArray, NDArray]:
    """Weighted Lloyd iterations of several starts at once.

    Parameters
    ----------
    summary : Summary
    centres : ndarray of shape (n_starts, n_clusters, n_features)
    max_iter : int, default=300
    tol : float, default=0
        A start ends when its centres move by no more than this (sum of squares).

    Returns
    -------
    centres : ndarray of shape (n_starts, n_clusters, n_features)
    report : ndarray of shape (n_starts, 2)
        Inertia of the last assignment and the number of iterations. What is less than the
        rounding of the sums is 0: a perfect fit.
    """
    weights, squares = summary.weights, summary.squares
    rounding, n_starts = _rounding(summary), len(centres)
    centres = centres.astype(summary.points.dtype)
    report = np.zeros((n_starts, 2))
    live = np.arange(n_starts)
    for step in range(1, max_iter + 1):
        old = centres[live]
        mine, best = memberships(summary, old)
        sums, count = _sums(summary, mine)
        new = np.divide(sums, count, out=old.copy(), where=count > 0)
        if (count <= 0).any():
            _refill(summary, new, count[..., 0], best + squares)
        inertia = np.maximum(best + squares, 0) @ weights
        report[live, 0] = np.where(inertia > rounding, inertia, 0)
        report[live, 1] = step
        centres[live] = new
        live = live[(((new - old) ** 2).sum(axis=(1, 2)) > tol) & (report[live, 0] > 0)]
        if not len(live):
            break
    return centres, report


def settle(
    summary: Summary,
    centres: NDArray,
    *,
    max_iter: int = 300,
    tol: float = 0.0,
    exchange: bool = False,
    pool: Executor | None = None,
) -> tuple[NDArray, NDArray]:
    """`lloyd` for any number of starts, in blocks that fit the cache, on `pool` if given.

    With `exchange`, the ends are moved on by `exchanged`.
    """
    size = max(1, BLOCK // (centres.shape[1] * len(summary.points)))
    blocks = [centres[i : i + size] for i in range(0, len(centres), size)]

    def run(block):
        block, report = lloyd(summary, block, max_iter=max_iter, tol=tol)
        if exchange:
            block, again = lloyd(summary, exchanged(summary, block), max_iter=max_iter, tol=tol)
            report[:, 0], report[:, 1] = again[:, 0], report[:, 1] + again[:, 1]
        return block, report

    if len(blocks) == 1:
        return run(centres)
    done = list((pool.map if pool else map)(run, blocks))
    return np.concatenate([c for c, _ in done]), np.concatenate([r for _, r in done])


def exchanged(summary: Summary, centres: NDArray, *, max_iter: int = 300) -> NDArray:
    """Centres after points moved whose move lowers the inertia, their own centre being nearest.

    A point of weight w that leaves a cluster of weight n saves n / (n - w) times its squared
    distance, and costs n / (n + w) times where it joins one (Hartigan & Wong 1979). So most
    optima of Lloyd's algorithm can be improved. All points that gain move at once; a start ends
    when none gains, or when their moves together gain nothing.
    """
    weights, rounding = summary.weights, _rounding(summary)
    centres, live = centres.copy(), np.arange(len(centres))
    mine, last = memberships(summary, centres)[0], np.full(len(centres), np.inf)
    for _ in range(max_iter):
        sums, count = _sums(summary, mine)
        new = np.divide(sums, count, out=centres[live], where=count > 0)
        gap = _squared(summary, new.reshape(-1, new.shape[2])).reshape(mine.shape)
        own = np.where(mine, gap, 0).sum(axis=1)
        inertia = own @ weights
        good = np.flatnonzero((inertia < last - rounding) & (count > 0).all(axis=(1, 2)))
        live, last, new, mine = live[good], inertia[good], new[good], mine[good]
        gap, own, count = gap[good], own[good], count[good]
        centres[live] = new
        size = np.where(mine, count, 0).sum(axis=1)
        left = size - weights
        saves = np.where(left > 0, own * size / np.where(left > 0, left, 1), 0)
        gap *= count / (count + weights)
        gap[mine] = np.inf
        costs = gap.min(axis=1)
        moves = (saves - costs) * weights > rounding
        some = moves.any(axis=1)
        if not some.any():
            break
        live, last, moves = live[some], last[some], moves[some][:, None]
        joins = (gap[some] == costs[some][:, None]) & moves
        mine = joins | (mine[some] & ~moves)
    return centres


def _rounding(summary: Summary) -> float:
    """What sums of all points cannot tell from 0."""
    eps = float(np.finfo(summary.squares.dtype).eps)
    return 8 * eps * float(summary.weights @ summary.squares)


def _sums(summary: Summary, mine: NDArray) -> tuple[NDArray, NDArray]:
    """The sum of the points of each cluster, and their weight."""
    n, k, m = mine.shape
    sums = mine.reshape(-1, m).astype(summary.points.dtype) @ summary.weighted
    sums = sums.reshape(n, k, -1)
    return sums[..., :-1], sums[..., -1:]


def memberships(
    summary: Summary, centres: NDArray, offsets: NDArray | None = None
) -> tuple[NDArray, NDArray]:
    """Which centre each point belongs to, for several sets of centres; ties go to the lowest.

    A mask, not numbers: it is made at memory speed (``argmin`` over the short axis takes ten
    times as long), and both sums of points and cross tables are matrix products with it.

    Parameters
    ----------
    summary : Summary
    centres : ndarray of shape (n_starts, n_clusters, n_features)
    offsets : ndarray of shape (n_starts, n_clusters), optional
        Added to the squared distances.

    Returns
    -------
    mine : ndarray of bool, shape (n_starts, n_clusters, n_points)
    score : ndarray of shape (n_starts, n_points)
        Squared distance to the nearest centre, less the point's own sum of squares.
    """
    n, k, d = centres.shape
    squares = (centres * centres).sum(axis=2, keepdims=True)
    if offsets is not None:
        squares += offsets[..., None].astype(squares.dtype)
    lifted = np.concatenate([-2 * centres, squares], axis=2)
    score = (lifted.reshape(n * k, d + 1) @ summary.lifted_t).reshape(n, k, -1)
    best = score.min(axis=1)
    mine = score == best[:, None]
    if np.count_nonzero(mine) > best.size:  # a point as near to two
        mine = mine.argmax(axis=1)[:, None] == np.arange(k)[:, None]
    return mine, best


def _refill(summary, centres, count, distance) -> None:
    """Put each centre that owns nothing on the point that costs most."""
    for start in np.flatnonzero((count <= 0).any(axis=1)):
        cost = distance[start] * summary.weights
        for j in np.flatnonzero(count[start] <= 0):
            worst = cost.argmax()
            centres[start, j] = summary.points[worst]
            cost[worst] = 0


def seed_centres(summary: Summary, n_clusters: int, n_starts: int, rng) -> NDArray:
    """Starting centres by greedy k-means++, all starts at once.

    Returns
    -------
    ndarray of shape (n_starts, n_clusters, n_features)
    """
    points, weights = summary.points, summary.weights
    trials = 2 + int(np.log(n_clusters))
    starts = np.arange(n_starts)
    chosen = np.empty((n_starts, n_clusters), int)
    chosen[:, 0] = rng.choice(
        len(points), n_starts, p=np.divide(weights, weights.sum(), dtype=float)
    )
    closest = _squared(summary, points[chosen[:, 0]])
    for j in range(1, n_clusters):
        drawn = _draw_far(closest * weights, trials, rng)
        candidate = _squared(summary, points[drawn.ravel()]).reshape(n_starts, trials, -1)
        np.minimum(candidate, closest[:, None], out=candidate)
        best = (candidate @ weights).argmin(axis=1)
        chosen[:, j] = drawn[starts, best]
        closest = candidate[starts, best]
    return points[chosen]


def _squared(summary, centres) -> NDArray:
    """Squared distances, shape (n_centres, n_points)."""
    lifted = np.column_stack([-2 * centres, (centres * centres).sum(axis=1)])
    return np.maximum(lifted @ summary.lifted_t + summary.squares, 0)


def _draw_far(cost, n_draws, rng) -> NDArray:
    """Points drawn with chances in proportion to their cost, one row a start."""
    heap = np.cumsum(cost, axis=1, dtype=float)
    draws = rng.random_sample((len(cost), n_draws)) * heap[:, -1:]
    found = [np.searchsorted(h, d, side="right") for h, d in zip(heap, draws)]
    return np.minimum(found, cost.shape[1] - 1)


def search(
    summary: Summary,
    n_clusters: int,
    *,
    n_starts: int = 25,
    n_swaps: int = 25,
    n_chains: int = 10,
    init: NDArray | None = None,
    max_iter: int = 300,
    tol: float = 0.0,
    patience: int | None = None,
    coarse: Summary | None = None,
    pool: Executor | None = None,
    random_state=None,
) -> Solutions:
    """The best k-means solutions of a summary.

    Parameters
    ----------
    summary : Summary
    n_clusters : int
    n_starts : int, default=25
        Independent starts.
    n_swaps : int, default=25
        Swaps priced in each round for each solution, of which the best four are tried; 0 leaves
        plain restarts.
    n_chains : int, default=10
        Different solutions that swaps and mixtures start from, at most.
    init : ndarray of shape (n_starts, n_clusters, n_features), optional
        The starts themselves; greedy k-means++ draws them if missing.
    max_iter, tol : see `lloyd`
    patience : int, optional
        Rounds without a new best, after which the search ends; four (more where there are few
        points, or fewer than five solutions), if missing.
    coarse : Summary, optional
        Fewer points that represent those of `summary`, on which starts and changes are tried;
        changes that look good there run on `summary` from their beginning.
    pool : Executor, optional
        Runs blocks of starts side by side; the result does not depend on it.
    random_state : int, RandomState or None

    Returns
    -------
    Solutions
        Different optima, best first; those of the starts are on `coarse`.
    """
    rng = check_random_state(random_state)
    run: dict[str, Any] = {"max_iter": max_iter, "tol": tol, "pool": pool}
    cheap = summary if coarse is None else coarse
    if init is None:
        init = seed_centres(cheap, n_clusters, n_starts, rng)
    centres, report = settle(cheap, np.asarray(init, cheap.points.dtype), **run)
    start_inertias = np.sort(report[:, 0])
    best = _different(report[:, 0], n_chains)
    centres, report = centres[best], report[best]
    run["exchange"] = swaps = n_swaps > 0 and n_clusters > 1
    if swaps or coarse is not None:
        centres, report = settle(summary, centres, **run)
    idle, patience = 0, patience or _patience(len(centres), len(summary.points))
    for _ in range(MAX_ROUNDS if swaps else 0):
        before = report[:, 0].min()
        if before <= 0 or idle >= patience:  # nothing betters a perfect fit
            break
        tried = np.concatenate(
            [_swapped(cheap, centres, n_swaps, rng), _mixed(cheap, centres, N_MIXED, rng)]
        )
        ahead, look = settle(cheap, tried, max_iter=LOOK, pool=pool)
        tried = ahead if coarse is None else tried  # few points lose where single rows belong
        n_best = -(-len(tried) // min(MOST_OF, ONE_OF + len(summary.points) // SLOW))
        moved, fresh = settle(summary, tried[_different(look[:, 0], n_best)], **run)
        centres, report = np.concatenate([centres, moved]), np.concatenate([report, fresh])
        kept = _different(report[:, 0], n_chains)
        centres, report = centres[kept], report[kept]
        idle = 0 if before - report[0, 0] > max(GAIN * before, _rounding(summary)) else idle + 1
    best = _different(report[:, 0], len(report))
    return Solutions(centres[best], report[best, 0], report[best, 1].astype(int), start_inertias)


def _patience(n_solutions: int, n_points: int) -> int:
    """Rounds without a new best, after which a search ends."""
    return max(PATIENCE, min(LONGEST, FEW // n_points), LONGEST // n_solutions)


def _mixed(summary, centres, n_mixed, rng) -> NDArray:
    """Centres of two solutions each: those near each other are paired, and one of each pair is
    taken. In every second, one centre moves to a point far from its centre.

    Two good solutions are often good in different places (Gribel & Vidal 2019).
    """
    n, k, d = centres.shape
    out = np.empty((n_mixed if n > 1 else 0, k, d), centres.dtype)
    for number, one in enumerate(out):
        a, b = centres[rng.choice(n, 2, replace=False)]
        gaps = (a * a).sum(axis=1)[:, None] - 2 * a @ b.T + (b * b).sum(axis=1)
        one[:] = np.where(rng.random_sample((k, 1)) < 0.5, a, b[linear_sum_assignment(gaps)[1]])
        if number % 2:
            cost = _squared(summary, one).min(axis=0) * summary.weights
            one[rng.randint(k)] = summary.points[_draw_far(cost[None], 1, rng)[0, 0]]
    return out


@cache
def _threads() -> ThreadpoolController:
    return ThreadpoolController()  # looking up the libraries takes longer than a small fit


def one_thread_each(user_api: str = "blas"):
    """A context in which matrix products, or OpenMP loops, use one thread: work runs side by
    side instead, and no sum depends on the number of cores."""
    return _threads().limit(limits=1, user_api=user_api)


def _different(inertias, most) -> NDArray:
    """Positions of the best solutions, those of one optimum counted once."""
    order = np.argsort(inertias, kind="stable")
    gap = np.diff(inertias[order], prepend=-np.inf)
    return order[gap > SAME * np.abs(inertias[order])][:most]


def _swapped(summary, centres, n_swaps, rng) -> NDArray:
    """Copies of each solution with one centre moved to a point far from its centre.

    Candidates are drawn by their cost; what each costs less in place of each centre, all else
    being equal, is priced, and the best few are given, no candidate twice.
    """
    n, k, d = centres.shape
    gaps = _squared(summary, centres.reshape(-1, d)).reshape(n, k, -1)
    owner = gaps.argmin(axis=1)
    near = np.partition(gaps, 1, axis=1)
    n_run = min(N_RUN, n_swaps)
    trial = np.repeat(centres[:, None], n_run, axis=1)
    drawn = _draw_far(near[:, 0] * summary.weights, n_swaps, rng)
    for chain in range(n):
        first, second = near[chain, 0], near[chain, 1]
        gap = _squared(summary, summary.points[drawn[chain]])
        own = (owner[chain][:, None] == np.arange(k)) * summary.weights[:, None]
        kept = np.minimum(gap, first)
        cost = (kept @ summary.weights)[:, None] + (np.minimum(gap, second) - kept) @ own
        best = np.argsort(cost.min(axis=1), kind="stable")[:n_run]
        trial[chain, np.arange(n_run), cost.argmin(axis=1)[best]] = summary.points[
            drawn[chain, best]
        ]
    return trial.reshape(-1, k, d)
