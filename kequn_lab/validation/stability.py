"""Is a number of segments stable when customers are drawn again, or k-means starts again?

The bootstrap draws n of the n rows with replacement, clusters the draw, and labels *all* rows by
nearest centre; two draws give two labelings, and their agreement is the stability.

Labelings differ for two reasons that no package separates: the draws differ (*data*), or
k-means ended in different local optima (*search*). So each first draw is searched twice, and
each pair is also compared after its searches were taken to the end (`draws.to_the_end`).

Reference: S. Dolnicar, F. Leisch, "Evaluation of structure and reproducibility of cluster
solutions using the bootstrap", Marketing Letters 21 (2010).
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from kequn_lab._statistics import adjusted_rand
from kequn_lab.segments.search import lloyd
from kequn_lab.validation.bootstrap import (
    Ground,
    anchors,
    checked_count,
    checked_ks,
    cross_tables,
    ground,
    searches,
    side_by_side,
    to_the_end,
)

__all__ = ["global_stability", "stability_by_k"]

UNFINISHED = 0.05  # a search that costs this much agreement has too few starts
SAME_READING = 0.95  # agreement at which two searches of one draw tell the same story


def global_stability(
    X: ArrayLike,
    *,
    ks: Iterable[int] = range(2, 13),
    n_boot: int = 100,
    n_starts: int = 10,
    n_swaps: int | None = None,
    method: str = "auto",
    n_points: int = 5_000,
    n_jobs: int | None = None,
    random_state=None,
    progress: bool = True,
) -> pd.DataFrame:
    """Bootstrap pairs: how alike two labelings are, by k, split into data and search.

    Parameters
    ----------
    X : array-like of shape (n_rows, n_features)
        Finite numbers, scaled; binary ones are fine.
    ks : iterable of int, default=range(2, 13)
        Numbers of segments, ascending.
    n_boot : int, default=100
        Pairs of draws for each k.
    n_starts : int, default=10
        Starts of each single search.
    n_swaps : int, optional
        Swaps in each round of the search at the end (see `search.search`). The single searches
        make none, as those of other packages. Default: 10 up to 2,000 points, 0 above: there
        the end is the best of the solutions known, and `stability_by_k` refuses a reading
        where single searches disagree.
    method : {"auto", "exact", "summary"}, default="auto"
        "exact" draws rows; "summary" draws rows of about `n_points` micro-clusters and compares
        labels on 20,000 rows; "auto" is exact up to 20,000 rows.
    n_points : int, default=5000
        Micro-clusters of the summary.
    n_jobs : int or None, default=None
        Replicates that run side by side; None means all cores. Results do not depend on it.
    random_state : int, RandomState or None
    progress : bool, default=True
        Show a bar.

    Returns
    -------
    DataFrame
        One row per k and replicate:

        - ``k``, ``replicate``
        - ``ari``: adjusted Rand index of two draws, each searched once with `n_starts` starts;
          what R's flexclust reports.
        - ``ari_data``: the same pair after both searches were taken to the end; what is missing
          to 1 is due to the data.
        - ``ari_search``: one draw searched twice; what is missing to 1 is due to the search.
        - ``excess_share``: inertia of the single search above the inertia at the end.
        - ``smallest_share``: share of rows in the smallest segment of the pair (at the end).
        - ``tiny_segments``: segments of the pair with one row or none; kept, and counted here.

        ``attrs``: ``method``, ``n_rows``, ``n_points``, ``n_starts``, ``n_swaps``, ``lost_share``
        (share of the total sum of squares inside micro-clusters) and ``summary_error`` (by k:
        1 - adjusted Rand index between the labels of the summary's best solution and of the
        same solution polished on rows; None when exact).

    Raises
    ------
    ValueError
        For missing or infinite values, ks that are not ascending whole numbers from 2 to the
        number of distinct rows, `n_boot` or `n_starts` < 1.

    See Also
    --------
    stability_by_k : the table to read and to plot.

    Examples
    --------
    >>> X = np.repeat([[0.0], [1.0], [8.0], [9.0]], 10, axis=0)
    >>> pairs = global_stability(X, ks=[2], n_boot=2, random_state=0, progress=False)
    >>> pairs[["k", "replicate", "ari", "ari_data", "ari_search"]]
       k  replicate  ari  ari_data  ari_search
    0  2          0  1.0       1.0         1.0
    1  2          1  1.0       1.0         1.0
    """
    base = ground(X, method=method, n_points=n_points, random_state=random_state)
    summary = base.summary
    ks = checked_ks(ks, len(summary.points))
    n_boot, n_starts = checked_count("n_boot", n_boot), checked_count("n_starts", n_starts)
    if n_swaps is None:
        n_swaps = 10 if base.small else 0
    run: dict[str, Any] = {"n_jobs": n_jobs, "progress": progress}
    whole = dict(zip(ks, side_by_side(_whole, [(base, k) for k in ks], label="whole data", **run)))
    known = {k: centres for k, (centres, _) in whole.items()}
    tasks = [(base, b, known, n_starts, n_swaps) for b in range(n_boot)]
    done = side_by_side(_pairs, tasks, label="bootstrap pairs", **run)
    table = pd.DataFrame(chain.from_iterable(done)).sort_values(
        ["k", "replicate"], ignore_index=True
    )
    total = float(summary.weights @ summary.squares) + summary.lost_inertia
    table.attrs = {
        "method": "exact" if summary.exact else "summary",
        "n_rows": base.n_rows,
        "n_points": len(summary.points),
        "n_starts": n_starts,
        "n_swaps": n_swaps,
        "lost_share": summary.lost_inertia / total if total else 0.0,
        "summary_error": None if summary.exact else {k: error for k, (_, error) in whole.items()},
    }
    return table


def _whole(base: Ground, k: int) -> tuple[NDArray, float]:
    """Good solutions of the data as they are, and what the summary costs the best."""
    known = anchors(base, k)
    if base.polish is None:
        return known, 0.0
    polished, _ = lloyd(base.polish, known[:1], max_iter=20)
    table = cross_tables(base.compared, np.concatenate([known[:1], polished]))
    return known, 1 - adjusted_rand(table(0, 1))


def _pairs(base: Ground, replicate: int, known: dict, n_starts: int, n_swaps: int) -> list[dict]:
    """The rows of `global_stability` of one replicate: one pair of draws for all k."""
    one, two = base.draw(replicate, 0), base.draw(replicate, 1)
    rows = []
    for k, good in known.items():
        rng = base.rng(k, replicate, 2)
        first, again = searches(base, one, k, 2, rng, n_starts=n_starts)
        (other,) = searches(base, two, k, 1, rng, n_starts=n_starts)
        plain = np.stack([first[0], again[0], other[0]])
        ends = [
            to_the_end(base, one, [first, again], np.concatenate([good, plain[2:]]), n_swaps, rng),
            to_the_end(base, two, [other], np.concatenate([good, plain[:2]]), n_swaps, rng),
        ]
        table = cross_tables(base.compared, np.concatenate([plain, [c for c, _ in ends]]))
        both = table(3, 4)
        sizes = np.concatenate([both.sum(axis=0), both.sum(axis=1)])
        end = ends[0][1]
        rows.append(
            {
                "k": k,
                "replicate": replicate,
                "ari": adjusted_rand(table(0, 2)),
                "ari_data": adjusted_rand(both),
                "ari_search": adjusted_rand(table(0, 1)),
                "excess_share": max(0.0, first[1] / end - 1) if end > 0 else 0.0,
                "smallest_share": sizes.min() / both.sum(),
                "tiny_segments": int((sizes <= 1).sum()),
            }
        )
    return rows


def stability_by_k(pairs: pd.DataFrame) -> pd.DataFrame:
    """The table of `global_stability` by k: medians, quantiles, and the source of instability.

    It tells how much instability comes from sampling and how much from the search.

    Parameters
    ----------
    pairs : DataFrame
        From `global_stability`.

    Returns
    -------
    DataFrame
        One row per k: ``k``, ``n_boot``; of ``ari``, ``ari_data`` and ``ari_search`` each
        ``_median``, ``_q05``, ``_q25``, ``_q75``, ``_q95``; ``instability_data`` and
        ``instability_search`` (1 - median); ``excess_share`` (median); ``smallest_share``
        (smallest of all pairs); ``tiny_segments`` (pairs that had one); ``summary_error``;
        ``more_starts`` (True: the median would rise by more than 0.05 if searches were
        finished, or half of the repeated searches agree less than 0.95); ``ari_used``, the median
        to report: ``ari_data``, but ``ari`` where more starts are needed and the end was
        reached without swaps, since two draws then share the few solutions that are known; and
        ``reading``, which that case is refused.

    Examples
    --------
    >>> X = np.repeat([[0.0], [1.0], [8.0], [9.0]], 10, axis=0)
    >>> pairs = global_stability(X, ks=[2], n_boot=3, random_state=0, progress=False)
    >>> stability_by_k(pairs)[["k", "n_boot", "ari_median", "more_starts", "reading"]]
       k  n_boot  ari_median  more_starts reading
    0  2       3         1.0        False  stable
    """
    parts = []
    error = pairs.attrs.get("summary_error") or {}
    swapped = pairs.attrs.get("n_swaps", 0) > 0
    for k, group in pairs.groupby("k"):
        row = {"k": k, "n_boot": len(group)}
        for name in ("ari", "ari_data", "ari_search"):
            row[f"{name}_median"] = group[name].median()
            for q in (5, 25, 75, 95):
                row[f"{name}_q{q:02d}"] = group[name].quantile(q / 100)
        data, by_search = row["ari_data_median"], row["ari_search_median"]
        more = data - row["ari_median"] > UNFINISHED or by_search < SAME_READING
        row |= {
            "instability_data": 1 - data,
            "instability_search": 1 - by_search,
            "excess_share": group["excess_share"].median(),
            "smallest_share": group["smallest_share"].min(),
            "tiny_segments": int((group["tiny_segments"] > 0).sum()),
            "summary_error": error.get(k, 0.0),
            "more_starts": bool(more),
            "ari_used": row["ari_median"] if more and not swapped else data,
            "reading": _reading(data, more, swapped),
        }
        parts.append(row)
    return pd.DataFrame(parts)


def _reading(data: float, more: bool, swapped: bool) -> str:
    """In words, after Hennig's steps for a Jaccard mean, used here for the median of the ARI."""
    if more and not swapped:
        return "searches disagree; more starts needed"
    steps = [(0.85, "stable"), (0.75, "fairly stable"), (0.6, "a pattern, borders move")]
    word = next((word for least, word in steps if data >= least), "not stable")
    return f"{word} once searched to the end; more starts needed" if more else word
