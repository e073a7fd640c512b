"""Draw the customers again: bootstrap draws of a summary, searched side by side.

A draw is a set of weights. Rows that are equal share one point, and above a stated size some
thousand micro-clusters represent the bank. They are drawn n times for n rows, not as often as
there are micro-clusters (the bag of little bootstraps, Kleiner et al., JRSS B 76, 2014): fewer
draws would look less stable than the bank is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from numpy.random import MT19937, RandomState, SeedSequence
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_random_state
from tqdm.auto import tqdm

from kequn_lab.segments.search import memberships, one_thread_each, search, seed_centres, settle
from kequn_lab.segments.summaries import Summary, as_numbers, summarise

__all__ = [
    "Ground",
    "anchors",
    "checked_count",
    "checked_ks",
    "cross_tables",
    "ground",
    "searches",
    "side_by_side",
    "to_the_end",
]

EXACT_ROWS = 20_000  # up to here method="auto" keeps every distinct row
COMPARED_ROWS = 20_000  # rows whose two labels are compared, where the summary represents the rest
POLISHED_ROWS = 200_000  # rows on which the summary's solutions are tried
COARSE = 1_000  # points of a draw for cheap starts
SMALL = 2_000  # points up to which swaps cost little, and float64 too
FEW_ROUNDS = 3  # without a new best, where points are more


@dataclass(frozen=True)
class Ground:
    """What all replicates share.

    Parameters
    ----------
    summary : Summary
        The points that are drawn.
    coarse : Summary or None
        Fewer points that represent those, for cheap starts; None where they are few already.
    n_rows : int
        Rows in a draw.
    compared : Summary
        Rows whose labels are compared: the points themselves, or rows of the data.
    polish : Summary or None
        Rows to check the summary's solutions on; None where the summary loses nothing.
    seed : int
    """

    summary: Summary
    coarse: Summary | None
    n_rows: int
    compared: Summary
    polish: Summary | None
    seed: int

    @property
    def tol(self) -> float:
        """Centres that move less (sum of squares) have settled; scikit-learn's default."""
        summary = self.summary
        variance = float(summary.weights @ summary.squares) / float(summary.weights.sum())
        return 1e-4 * variance / summary.points.shape[1]

    @property
    def small(self) -> bool:
        """Whether there is time for swaps in every replicate."""
        return len(self.summary.points) <= SMALL

    def rng(self, *key: int) -> RandomState:
        """Random numbers that depend on the task, not on who does it when."""
        return RandomState(MT19937(SeedSequence([self.seed, *key])))

    def draw(self, replicate: int, side: int) -> Summary:
        """A bootstrap draw of all rows; the same for every k, so that ks are compared fairly."""
        chances = self.summary.weights.astype(float)
        drawn = self.rng(replicate, side).multinomial(self.n_rows, chances / chances.sum())
        return self.summary.reweighted(drawn.astype(self.summary.points.dtype))

    def coarse_draw(self, draw: Summary) -> Summary:
        """The draw on coarse points; itself where there are none."""
        if self.coarse is None:
            return draw
        return self.coarse.reweighted(
            np.bincount(self.coarse.member, draw.weights, len(self.coarse.points)).astype(
                draw.points.dtype
            )
        )


def ground(
    X: ArrayLike,
    *,
    method: str,
    n_points: int,
    random_state,
    by_row: bool = False,
) -> Ground:
    """Check the data once and lay out what all replicates share.

    Parameters
    ----------
    X : array-like of shape (n_rows, n_features)
    method, n_points, random_state : see `validation.global_stability`
    by_row : bool, default=False
        Compare rows even where equal ones share a point: their given labels may differ.

    Raises
    ------
    ValueError
        For missing values or an unknown method.
    """
    if method not in ("auto", "exact", "summary"):
        raise ValueError(f"method must be 'auto', 'exact' or 'summary', got {method!r}")
    X = as_numbers(X)
    rng = check_random_state(random_state)
    seed = int(rng.randint(0, 2**31 - 1))
    exact = method == "exact" or (method == "auto" and len(X) <= EXACT_ROWS)
    X = _centred(X, X.dtype if len(X) <= SMALL else np.float32)
    coarse = None
    with one_thread_each():  # products so narrow cost more time on two threads
        summary = summarise(X, n_points=len(X) if exact else n_points, random_state=rng)
        if len(summary.points) > SMALL:
            coarse = summarise(
                summary.points, n_points=COARSE, sample_weight=summary.weights, random_state=rng
            )

    def some(most) -> Summary:
        rows = np.arange(len(X))
        if len(X) > most:
            rows = np.sort(rng.choice(len(X), most, replace=False))
        return Summary(X[rows], np.ones(len(rows), X.dtype), rows)

    compared, polish = summary, None
    if by_row or not summary.exact:
        compared = some(len(X) if exact else COMPARED_ROWS)
    if not summary.exact:
        polish = some(POLISHED_ROWS)
    return Ground(summary, coarse, len(X), compared, polish, seed)


def _centred(X, dtype) -> NDArray:
    """X centred, then cast to `dtype`, so that rounding does not merge rows."""
    origin = X.mean(axis=0, dtype=float)
    out = np.empty(X.shape, dtype)
    for start in range(0, len(X), 65_536):
        rows = slice(start, start + 65_536)
        out[rows] = X[rows] - origin
    return out


def checked_ks(ks: Iterable[int], most: int, of: str = "distinct rows of X") -> list[int]:
    """Numbers of segments: ascending, without repeats, from 2 to the number of distinct rows."""
    ks = list(ks)
    if not ks or any(not isinstance(k, (int, np.integer)) for k in ks):
        raise ValueError(f"ks must be whole numbers, got {ks}")
    if sorted(set(ks)) != ks:
        raise ValueError(f"ks must ascend without repeats, got {ks}")
    if ks[0] < 2:
        raise ValueError(f"ks must start from 2 (one segment is always stable), got {ks[0]}")
    if ks[-1] > most:
        raise ValueError(f"k = {ks[-1]} is more than the {most} {of}: at most {most} clusters")
    return [int(k) for k in ks]


def checked_count(name: str, value: int) -> int:
    """A whole number from 1 on."""
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{name} must be a whole number from 1 on, got {value!r}")
    return int(value)


def side_by_side(task: Callable, tasks: list, *, n_jobs, progress: bool, label: str) -> list:
    """Run independent tasks on threads; results in the order of the tasks.

    An interruption (Ctrl-C, the stop button) ends the queue and is passed on.
    """
    jobs = -1 if n_jobs is None else n_jobs
    with one_thread_each(), Parallel(jobs, prefer="threads", return_as="generator") as pool:
        done = pool(delayed(task)(*args) for args in tasks)
        return list(tqdm(done, total=len(tasks), desc=label, disable=not progress, leave=False))


def cross_tables(compared: Summary, centres: NDArray) -> Callable[[int, int], NDArray]:
    """Cross tables between the labelings that several sets of centres give, on demand."""
    mine, _ = memberships(compared, centres)
    mine = mine.astype(compared.points.dtype)
    weighted = mine * compared.weights
    return lambda a, b: (weighted[a] @ mine[b].T).astype(float)


def anchors(ground: Ground, k: int) -> NDArray:
    """Different good solutions of the data as they are, best first.

    Where points are many, changes are tried on the coarse ones, and few rounds without a new best
    end the search: above the number of groups that are there, many solutions are nearly as good.
    """
    small = ground.small
    n_chains = 25 if small else 10
    run: dict[str, Any] = {"tol": ground.tol, "coarse": ground.coarse}
    starts = search(
        ground.summary,
        k,
        n_starts=50 if small else 25,
        n_swaps=0,
        n_chains=n_chains,
        random_state=ground.rng(k),
        **run,
    ).centres
    moved = search(
        ground.summary,
        k,
        init=starts,
        n_swaps=25 if small else 10,
        n_chains=n_chains if small else 3,
        patience=None if small else FEW_ROUNDS,
        random_state=ground.rng(k, 1),
        **run,
    ).centres
    return np.concatenate([moved, starts])[: len(starts)]


def searches(
    ground: Ground,
    draw: Summary,
    k: int,
    n_searches: int,
    rng,
    *,
    n_starts: int,
) -> list[tuple[NDArray, float]]:
    """Independent plain searches of one draw, in one go: the best centres and inertia of each.

    Where a draw has many points, starts run on its coarse points, the best two of each search on
    all of them.
    """
    cheap = ground.coarse_draw(draw)
    starts = seed_centres(cheap, k, n_searches * n_starts, rng)
    centres, report = settle(cheap, starts, tol=ground.tol)
    if cheap is not draw:
        inertia = report[:, 0].reshape(n_searches, n_starts)
        n_starts = min(n_starts, 2)
        best = np.argsort(inertia, axis=1, kind="stable")[:, :n_starts]
        centres = centres.reshape(n_searches, -1, *centres.shape[1:])
        centres = np.take_along_axis(centres, best[..., None, None], axis=1)
        centres, report = settle(draw, centres.reshape(-1, *centres.shape[2:]), tol=ground.tol)
    best = report[:, 0].reshape(n_searches, n_starts).argmin(axis=1)
    best += n_starts * np.arange(n_searches)
    return [(centres[i], float(report[i, 0])) for i in best]


def to_the_end(
    ground: Ground, draw: Summary, own: list, others: NDArray, n_swaps: int, rng
) -> tuple[NDArray, float]:
    """Best solution for a draw, started from all known solutions, and its inertia.

    Parameters
    ----------
    own : list of (centres, inertia)
        What its own plain searches found.
    others : ndarray of shape (n_others, n_clusters, n_features)
        What its partner's searches found, and the anchors. Those that fit the draw best are
        starts, and swaps may improve on them. Only a lower inertia counts, but where all of that
        stops short of the draw's best, draws look a little more alike than they are.
    """
    look = settle(ground.coarse_draw(draw), others, max_iter=1)[1][:, 0]
    fit = np.argsort(look, kind="stable")[: 10 if ground.small else 2]
    starts = others[fit]
    if n_swaps:
        starts = np.concatenate([[centres for centres, _ in own], starts])
    end = search(
        draw,
        others.shape[1],
        init=starts,
        n_swaps=n_swaps,
        n_chains=1,
        tol=ground.tol,
        random_state=rng,
    )
    found = [*own, (end.centres[0], float(end.inertias[0]))]
    return min(found, key=lambda solution: solution[1])
