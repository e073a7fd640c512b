"""Does each segment of a chosen solution come back when the customers are drawn again?

A solution can be stable as a whole and hold one segment that never returns, or the other way
round, so each segment is followed on its own, by the Jaccard index (rows in both over rows in
either) with the segment of the new solution that is most like it.

References: S. Dolnicar, F. Leisch, "Using segment level stability to select target segments in
data-driven market segmentation studies", Marketing Letters 28 (2017); C. Hennig, "Cluster-wise
assessment of cluster stability", CSDA 52 (2007).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from kequn_lab._statistics import corrected_jaccard, jaccard
from kequn_lab.segments.search import memberships
from kequn_lab.segments.seeded import SeededKMeans, drawn_mean, settle_from
from kequn_lab.segments.sized import settle_draw
from kequn_lab.validation.bootstrap import (
    anchors,
    checked_count,
    checked_ks,
    ground,
    searches,
    side_by_side,
    to_the_end,
)

__all__ = ["checked_labels", "segment_stability"]


def segment_stability(
    X: ArrayLike,
    *,
    labels: ArrayLike,
    n_boot: int = 100,
    n_starts: int = 10,
    n_swaps: int | None = None,
    method: str = "auto",
    n_points: int = 5_000,
    start: SeededKMeans | None = None,
    min_share: float = 0.0,
    n_jobs: int | None = None,
    random_state=None,
    progress: bool = True,
) -> pd.DataFrame:
    """Segment level stability within solutions (SLSw): does each segment come back?

    For each segment of a chosen solution and each pair of draws: the mean over both draws of the
    largest Jaccard index with any of the draw's segments, on all rows.

    Parameters
    ----------
    X : array-like of shape (n_rows, n_features)
    labels : array-like of shape (n_rows,)
        The chosen solution; ids of any kind.
    n_boot, n_starts, n_swaps, method, n_points : see `validation.global_stability`
    start : SeededKMeans, optional
        The k-means that made the labels, where it had a given start: each draw starts there, too,
        and is not searched.
    min_share : float, default=0
        Share of the rows that each segment of a draw must have at least, where the solution was
        made under such a bound; each draw settles under it from what its search found, from what
        that of the other draw found, and from the solution itself; from what became of
        ``start`` alone where there is one.
    n_jobs, random_state, progress : see `validation.global_stability`

    Returns
    -------
    DataFrame
        One row per segment and replicate: ``segment_id``, ``replicate``, ``slsw``,
        ``slsw_corrected`` (0: what labels of these sizes share by chance, which is much for large
        segments; 1: the same rows), ``jaccard_1`` and ``jaccard_2`` (largest in each draw),
        ``tiny_segments`` (in the pair, as `global_stability`).

    Raises
    ------
    ValueError
        As `global_stability`, and where labels differ in length from X, are missing, or name
        fewer than two segments.

    Examples
    --------
    >>> X = np.repeat([[0.0], [1.0], [8.0], [9.0]], 10, axis=0)
    >>> labels = np.repeat(["low", "high"], 20)
    >>> found = segment_stability(X, labels=labels, n_boot=1, random_state=0, progress=False)
    >>> found[["segment_id", "slsw", "slsw_corrected", "jaccard_1", "jaccard_2"]]
      segment_id  slsw  slsw_corrected  jaccard_1  jaccard_2
    0       high   1.0             1.0        1.0        1.0
    1        low   1.0             1.0        1.0        1.0
    """
    ids, codes = checked_labels(labels, np.shape(X)[0])
    base = ground(X, method=method, n_points=n_points, random_state=random_state, by_row=True)
    checked_ks([len(ids)], len(base.summary.points))
    n_boot, n_starts = checked_count("n_boot", n_boot), checked_count("n_starts", n_starts)
    if n_swaps is None:
        n_swaps = 10 if base.small else 0
    given, known = None, None
    if start is None:
        known = anchors(base, len(ids))
    else:  # where the ground lies: it is centred
        given = np.asarray(start.levels) - np.asarray(X).mean(axis=0)
        given = {"levels": given, "pull": start.pull}
    mine = codes[base.compared.member] == np.arange(len(ids))[:, None]
    mine = mine.astype(base.compared.points.dtype)
    more = (known, given, n_starts, n_swaps, min_share)
    tasks = [(base, mine, b, *more) for b in range(n_boot)]
    done = side_by_side(_slsw, tasks, n_jobs=n_jobs, progress=progress, label="bootstrap pairs")
    table = pd.concat(done, ignore_index=True)
    table["segment_id"] = ids[table["segment_id"]]
    return table


def _slsw(base, mine, replicate, known, given, n_starts, n_swaps, min_share) -> pd.DataFrame:
    k = len(mine)
    one, two = base.draw(replicate, 0), base.draw(replicate, 1)
    if given is not None:
        centres = [settle_from(draw, **given)[0] for draw in (one, two)]
    else:
        rng = base.rng(k, replicate, 3)
        found = [searches(base, draw, k, 1, rng, n_starts=n_starts)[0] for draw in (one, two)]
        others = [np.concatenate([known, [centres]]) for centres, _ in reversed(found)]
        centres = [
            to_the_end(base, draw, [own], other, n_swaps, rng)[0]
            for draw, own, other in zip((one, two), found, others)
        ]
    offsets = None
    if min_share:
        least = [min_share * float(d.weights.sum(dtype=float)) for d in (one, two)]
        own = mine * base.compared.weights
        starts = [*centres, (own @ base.compared.points) / own.sum(axis=1, keepdims=True)]
        ends = []
        for draw, own_centres, size in zip((one, two), centres, least):
            if given is None:
                ends.append(settle_draw(draw, starts, size))
            else:
                ends.append(settle_draw(draw, [own_centres], size, drawn_mean(draw, **given)))
        centres, offsets = [c for c, _ in ends], np.stack([o for _, o in ends])
    theirs, _ = memberships(base.compared, np.stack(centres), offsets)
    tables = [mine @ t.T.astype(mine.dtype) for t in theirs]
    one, two = (jaccard(table).max(axis=1) for table in tables)
    over = sum(corrected_jaccard(table).max(axis=1) for table in tables) / 2
    sizes = np.concatenate([table.sum(axis=0) for table in tables])
    return pd.DataFrame(
        {
            "segment_id": np.arange(k),
            "replicate": replicate,
            "slsw": (one + two) / 2,
            "slsw_corrected": over,
            "jaccard_1": one,
            "jaccard_2": two,
            "tiny_segments": int((sizes <= 1).sum()),
        }
    )


def checked_labels(labels: ArrayLike, n_rows: int) -> tuple[NDArray, NDArray]:
    """Segment ids, sorted, and the position of each row's id among them."""
    labels = np.asarray(labels)
    if labels.shape != (n_rows,):
        raise ValueError(
            f"labels must have one entry for each of {n_rows} rows, got {labels.shape}"
        )
    if pd.isna(labels).any():
        raise ValueError(f"labels has {pd.isna(labels).sum()} missing entries; drop those rows")
    ids, codes = np.unique(labels, return_inverse=True)
    if len(ids) < 2:
        raise ValueError(f"labels must name at least two segments, found {list(ids)}")
    return ids, codes
