"""What each variable does to a clustering: search again without it, count who moves."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.optimize import linear_sum_assignment

from kequn_lab._statistics import adjusted_rand, jaccard
from kequn_lab.segments.search import lloyd, memberships, one_thread_each, seed_centres
from kequn_lab.segments.summaries import Summary

__all__ = ["column_influence"]

#: New k-means++ starts beside the present centres; Lloyd steps of each; a segment is found again
#: where it shares more than this with one without the variable (Jaccard).
STARTS, STEPS, FOUND = 2, 100, 0.5


def column_influence(
    model: pd.DataFrame,
    labels: ArrayLike,
    *,
    variables: Mapping[str, str] | None = None,
    n_starts: int = STARTS,
    random_state: int = 0,
) -> pd.DataFrame:
    """Cluster again without each variable, from the present centres and from new starts.

    Parameters
    ----------
    model : DataFrame, shape (n_customers, n_axes)
        The columns that k-means sees.
    labels : array-like of shape (n_customers,)
        The present segment of each customer.
    variables : mapping of str to str, optional
        The variable of each column of ``model`` that is not called like it; the columns of one
        variable are left out together.
    n_starts : int
        New k-means++ starts beside the present centres; the lowest inertia is taken. 0 for
        segments that k-means reached from a given start.
    random_state : int

    Returns
    -------
    DataFrame
        Most moved first: ``variable``, ``moved`` (customers that are no longer with their
        segment), ``moved_share`` (0 to 1), ``ari`` (adjusted Rand index between with and
        without), ``lost`` (segments of which no segment without the variable holds half:
        Jaccard of 0.5 at most).

    Raises
    ------
    ValueError
        One variable only, or ``labels`` of another length.

    Notes
    -----
    A variable that moves nobody when it is left out may still be one of two that say the same:
    leave out both. A variable that alone moves most customers decides the segments: an id or a
    code must not be such a one.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> side = np.repeat([-5.0, 5.0], 50)
    >>> model = pd.DataFrame({"visits": side, "age": rng.normal(size=100)})
    >>> column_influence(model, side > 0)[["variable", "moved_share", "lost"]]
      variable  moved_share  lost
    0   visits         0.48     2
    1      age         0.00     0
    """
    codes, _ = pd.factorize(np.asarray(labels), sort=True)
    z = model.to_numpy(np.float32)
    if len(codes) != len(z):
        raise ValueError(f"labels are of {len(codes)} customers, model of {len(z)}")
    names = np.array([(variables or {}).get(str(c), str(c)) for c in model])
    if len(set(names)) < 2:
        raise ValueError(f"{names[0]} is the only variable; without it nothing is left to cluster")
    k = int(codes.max()) + 1
    sizes = np.bincount(codes)
    means = np.stack([np.bincount(codes, column) / sizes for column in z.T.astype(float)], axis=1)
    rows = []
    for variable in dict.fromkeys(names):
        kept = names != variable
        points, inverse, count = np.unique(z[:, kept], axis=0, return_inverse=True,
                                           return_counts=True)  # fmt: skip
        summary = Summary(np.ascontiguousarray(points), count.astype(np.float32), inverse.ravel())
        centres = means[:, kept].astype(np.float32)
        again = _clusters(summary, centres, n_starts, random_state)[inverse.ravel()]
        table = np.bincount(codes * k + again, minlength=k * k).reshape(k, k)
        mine, theirs = linear_sum_assignment(-table)
        moved = len(codes) - int(table[mine, theirs].sum())
        lost = int((jaccard(table).max(axis=1) <= FOUND).sum())
        rows.append((variable, moved, moved / len(codes), adjusted_rand(table), lost))
    out = pd.DataFrame(rows, columns=["variable", "moved", "moved_share", "ari", "lost"])
    return out.sort_values("moved", ascending=False, kind="stable", ignore_index=True)


def _clusters(summary: Summary, found: np.ndarray, n_starts: int, seed: int) -> np.ndarray:
    """The best of a start at the present centres and of new ones: the cluster of each point."""
    starts = found[None]
    if n_starts and len(found) <= len(summary.points):
        new = seed_centres(summary, len(found), n_starts, np.random.RandomState(seed))
        starts = np.concatenate([starts, new])
    tol = 1e-5 * float(summary.weights @ summary.squares) / float(summary.weights.sum())
    with one_thread_each():
        ends, report = lloyd(summary, starts, max_iter=STEPS, tol=tol)
        mine, _ = memberships(summary, ends[report[:, 0].argmin()][None])
    return mine[0].argmax(axis=0)
