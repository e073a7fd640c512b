"""What each variable does to a clustering: search again without it, count who moves."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linear_sum_assignment
from sklearn.exceptions import ConvergenceWarning
from tqdm.auto import tqdm

from kequn_lab._statistics import adjusted_rand, jaccard
from kequn_lab.segments.kmeans import KMeansSearch
from kequn_lab.segments.summaries import as_numbers

__all__ = ["column_influence"]

#: New k-means++ starts beside the present centres; a segment is found again where it shares more
#: than this with one without the variable (Jaccard).
STARTS, FOUND = 2, 0.5
#: Agreement (adjusted Rand index) of the segments with those of one variable alone, from which
#: this one decides alone; correlation from which two variables say the same.
DECIDES, SAME = 0.8, 0.999
POINTS = 5_000  # a table of so many rows is searched row by row


def column_influence(
    model: pd.DataFrame,
    labels: ArrayLike,
    *,
    variables: Mapping[str, str] | None = None,
    blocks: Mapping[str, str] | None = None,
    n_starts: int = STARTS,
    min_size: int | None = None,
    random_state: int = 0,
    progress: bool = True,
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
    blocks : mapping of str to str, optional
        The block of each variable: each block is left out as a whole, too.
    n_starts : int
        New k-means++ starts beside the present centres; the lowest inertia is taken. 0 for
        segments that k-means reached from a given start.
    min_size : int, optional
        The smallest size of the present segments; those without a variable have it, too.
    random_state : int
    progress : bool
        Show a bar.

    Returns
    -------
    DataFrame
        Most moved first: ``variable`` (``block:*`` for a block), ``kind`` (``variable`` or
        ``block``), ``moved`` (customers that are no longer with their
        segment), ``moved_share`` (0 to 1), ``ari`` (adjusted Rand index between with and
        without), ``lost`` (segments of which no segment without the variable holds half:
        Jaccard of 0.5 at most), ``lost_segments`` (which), ``alone`` (adjusted Rand index of the
        segments with those that it alone gives), ``decides`` (``alone`` is 0.8 or more),
        ``same_as`` (variables that say the same: correlation of 0.999 or more, either sign).

    Raises
    ------
    ValueError
        One variable only, or ``labels`` of another length.

    Notes
    -----
    A variable that moves nobody when it is left out may still be one of two that say the same
    (``same_as``): leave out both. An id or a code must not be a variable that ``decides``.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> side = np.repeat([-5.0, 5.0], 50)
    >>> model = pd.DataFrame({"visits": side, "age": rng.normal(size=100)})
    >>> column_influence(model, side > 0, progress=False)[["variable", "moved_share", "lost"]]
      variable  moved_share  lost
    0   visits         0.48     2
    1      age         0.00     0
    """
    codes, called = pd.factorize(np.asarray(labels), sort=True)
    z = as_numbers(model)
    if len(codes) != len(z):
        raise ValueError(f"labels are of {len(codes)} customers, model of {len(z)}")
    names = np.array([(variables or {}).get(str(c), str(c)) for c in model])
    if len(set(names)) < 2:
        raise ValueError(f"{names[0]} is the only variable; without it nothing is left to cluster")
    centres, rows = model.groupby(codes).mean().to_numpy(), []
    out = _parts(names, blocks or {})
    same = _same(z, names)

    def again(kept: NDArray) -> NDArray:
        """Customers by present segment and by that of these columns."""
        k = len(centres)
        found = _clusters(z[:, kept], centres[:, kept], n_starts, random_state, min_size)
        return np.bincount(codes * k + found, minlength=k * k).reshape(k, k)

    for (name, kind), own in tqdm(out.items(), desc="variables", disable=not progress, leave=False):
        table = again(~own)
        mine, theirs = linear_sum_assignment(-table)
        moved = len(codes) - int(table[mine, theirs].sum())
        lost = [str(c) for c in called[jaccard(table).max(axis=1) <= FOUND]]
        alone = adjusted_rand(again(own))
        rows.append((name, kind, moved, moved / len(codes), adjusted_rand(table), len(lost),
                     ", ".join(lost), alone, alone >= DECIDES, same.get(name, "")))  # fmt: skip
    columns = ["variable", "kind", "moved", "moved_share", "ari", "lost", "lost_segments", "alone",
               "decides", "same_as"]  # fmt: skip
    found = pd.DataFrame(rows, columns=columns)
    return found.sort_values("moved", ascending=False, kind="stable", ignore_index=True)


def _parts(names: NDArray, blocks: Mapping[str, str]) -> dict[tuple[str, str], NDArray]:
    """The columns of each variable, and of each block of several that is not all of them."""
    out = {(name, "variable"): names == name for name in dict.fromkeys(names)}
    of = np.array([blocks.get(name, "") for name in names], dtype=object)
    for block in dict.fromkeys(of[of != ""]):
        own = of == block
        if len(set(names[own])) > 1 and not own.all():
            out[f"{block}:*", "block"] = own
    return out


def _same(z: NDArray, names: NDArray) -> dict[str, str]:
    """Of each variable the others that say the same; categories (several columns) are left out."""
    single = [i for i, name in enumerate(names) if (names == name).sum() == 1 and np.ptp(z[:, i])]
    if len(single) < 2:
        return {}
    near = np.abs(np.corrcoef(z[:, single], rowvar=False)) >= SAME
    np.fill_diagonal(near, False)
    own = names[single]
    return {name: ", ".join(own[row]) for name, row in zip(own, near) if row.any()}


def _clusters(
    X: NDArray, found: NDArray, n_starts: int, seed: int, min_size: int | None
) -> NDArray:
    """The better one of a start at the present centres and of new ones."""
    how = {"n_swaps": 0, "n_points": POINTS, "random_state": seed, "min_size": min_size}
    tried = [KMeansSearch(len(found), n_starts=1, init=found, **how)]
    if n_starts:
        tried.append(KMeansSearch(len(found), n_starts=n_starts, **how))
    with warnings.catch_warnings():  # without a variable there may be few kinds of rows
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted = [kmeans.fit(X) for kmeans in tried]
    return min(fitted, key=lambda kmeans: kmeans.inertia_).labels_
