"""How near segments lie to each other: shadow values, the gorge, similarities of neighbours.

All three need only rows and centres, so they work for any centre-based solution. Definitions
follow F. Leisch, "Neighborhood graphs, stripes and shadow plots for cluster visualization",
Statistics and Computing 20 (2010).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from kequn_lab.segments.summaries import as_numbers

__all__ = ["cluster_similarity", "gorge", "shadow_values"]

CHUNK = 65_536  # rows at a time, so that memory does not grow with the bank


def _centres(centres: ArrayLike | pd.DataFrame) -> tuple[NDArray, pd.Index]:
    """Centres as float64 and the ids of their segments."""
    ids = centres.index if isinstance(centres, pd.DataFrame) else pd.RangeIndex(len(centres))
    values = as_numbers(centres, name="centres").astype(float)
    if len(values) < 2:
        raise ValueError(f"centres: at least two segments are needed, found {len(values)}")
    return values, ids


def _distances(X: NDArray, centres: NDArray):
    """Euclidean distances of all rows to all centres, a chunk of rows at a time."""
    if X.shape[1] != centres.shape[1]:
        raise ValueError(f"X has {X.shape[1]} columns, the centres have {centres.shape[1]}")
    for start in range(0, len(X), CHUNK):
        rows = X[start : start + CHUNK].astype(float)
        # The difference itself, not |x|² - 2xc + |c|²: near zero that loses all its digits.
        yield np.stack([np.sqrt(((rows - c) ** 2).sum(axis=1)) for c in centres], axis=1)


def _index(X) -> pd.Index:
    return X.index if isinstance(X, pd.DataFrame) else pd.RangeIndex(len(X))


def shadow_values(X: ArrayLike | pd.DataFrame, *, centres: ArrayLike | pd.DataFrame):
    """How close each row is to the border with its second-closest segment.

    Parameters
    ----------
    X : array-like of shape (n_rows, n_features)
    centres : array-like of shape (n_segments, n_features)
        A frame's index names the segments; else they are 0, 1, …

    Returns
    -------
    DataFrame
        One row per row of `X`, with its index: ``segment`` and ``second`` (closest and
        second-closest), ``distance`` and ``second_distance`` (Euclidean, d1 and d2), ``shadow``
        (2·d1 / (d1 + d2): 0 at the centre, 1 on the border).

    Raises
    ------
    ValueError
        If values are missing or infinite, there are fewer than two centres, or columns differ.

    Examples
    --------
    >>> shadow_values([[0.0], [1.0]], centres=[[0.0], [4.0]])
       segment  second  distance  second_distance  shadow
    0        0       1       0.0              4.0     0.0
    1        0       1       1.0              3.0     0.5
    """
    values, ids = _centres(centres)
    parts = []
    for distance in _distances(as_numbers(X), values):
        order = np.argsort(distance, axis=1, kind="stable")[:, :2]
        parts.append(np.column_stack([order, np.take_along_axis(distance, order, axis=1)]))
    closest, second, d1, d2 = np.concatenate(parts).T
    both = d1 + d2
    shadow = np.divide(2 * d1, both, out=np.ones_like(both), where=both > 0)
    return pd.DataFrame(
        {
            "segment": ids.take(closest.astype(int)),
            "second": ids.take(second.astype(int)),
            "distance": d1,
            "second_distance": d2,
            "shadow": shadow,
        },
        index=_index(X),
    )


def gorge(X: ArrayLike | pd.DataFrame, *, centres: ArrayLike | pd.DataFrame) -> pd.DataFrame:
    """Similarity of each row to each segment; a histogram of one column is a gorge plot.

    Two hills with a gorge between them: the segment stands apart. One hill: it does not.

    Returns
    -------
    DataFrame
        One row per row of `X`, one column per segment: √(exp(-d) / Σ exp(-d)), 0 to 1.

    Raises
    ------
    ValueError
        As `shadow_values`.

    Examples
    --------
    >>> gorge([[0.0], [2.0]], centres=[[0.0], [4.0]]).round(3)
           0      1
    0  0.991  0.134
    1  0.707  0.707
    """
    values, ids = _centres(centres)
    parts = []
    for distance in _distances(as_numbers(X), values):
        near = np.exp(distance.min(axis=1, keepdims=True) - distance)  # never underflows at d1
        parts.append(np.sqrt(near / near.sum(axis=1, keepdims=True)))
    return pd.DataFrame(np.concatenate(parts), index=_index(X), columns=ids)


def cluster_similarity(
    X: ArrayLike | pd.DataFrame, *, centres: ArrayLike | pd.DataFrame
) -> pd.DataFrame:
    """How much each segment leans on each other one.

    The shadow values of the rows of a segment, added up by second-closest segment and divided by
    the size of the segment. A row sums to 1 (itself) plus its mean shadow value.

    Returns
    -------
    DataFrame
        Square; row = segment, column = the neighbour that it leans on, diagonal 1. An empty
        segment has NaN beside its diagonal.

    Raises
    ------
    ValueError
        As `shadow_values`.

    Examples
    --------
    >>> cluster_similarity([[0.0], [1.0], [4.0]], centres=[[0.0], [4.0]])
         0     1
    0  1.0  0.25
    1  0.0  1.00
    """
    _, ids = _centres(centres)
    rows = shadow_values(X, centres=centres)
    total = rows.pivot_table(index="segment", columns="second", values="shadow", aggfunc="sum")
    total = total.reindex(index=ids, columns=ids).fillna(0.0)
    size = rows["segment"].value_counts().reindex(ids)
    similarity = total.div(size, axis=0).to_numpy(copy=True)
    np.fill_diagonal(similarity, 1.0)
    return pd.DataFrame(similarity, index=ids.rename(None), columns=ids.rename(None))
