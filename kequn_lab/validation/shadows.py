"""How near segments lie to each other: margins, gorge, similarity, density at the borders.

All need only rows and centres, so they work for any centre-based solution. Definitions
follow F. Leisch, "Neighborhood graphs, stripes and shadow plots for cluster visualization",
Statistics and Computing 20 (2010); the margin is 1 - his shadow value.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.distance import cdist
from scipy.special import softmax
from sklearn.utils import check_random_state

from kequn_lab._statistics import margin
from kequn_lab.segments.summaries import as_numbers

__all__ = ["border_density", "cluster_similarity", "gorge", "margins"]

CHUNK = 65_536  # rows at a time, so that double precision does not double the bank
BORDER_ROWS = 20_000  # rows on which the density at a border is estimated, at most
BORDER_KERNEL = 0.08  # standard deviation of its kernel, as share of the way between two centres


def _distances(X, centres) -> pd.DataFrame:
    """Euclidean distances of all rows (index) to all centres (columns)."""
    rows = X.index if isinstance(X, pd.DataFrame) else pd.RangeIndex(len(X))
    ids = centres.index if isinstance(centres, pd.DataFrame) else pd.RangeIndex(len(centres))
    X, values = as_numbers(X), as_numbers(centres, name="centres")
    if len(values) < 2:
        raise ValueError(f"centres: at least two segments are needed, found {len(values)}")
    if X.shape[1] != values.shape[1]:
        raise ValueError(f"X has {X.shape[1]} columns, the centres have {values.shape[1]}")
    parts = [cdist(X[i : i + CHUNK], values) for i in range(0, len(X), CHUNK)]
    return pd.DataFrame(np.concatenate(parts), rows, ids.rename(None))


def margins(X: ArrayLike | pd.DataFrame, *, centres: ArrayLike | pd.DataFrame) -> pd.DataFrame:
    """The closest and second-closest segment of each row, and how clear the first is.

    Parameters
    ----------
    X : array-like of shape (n_rows, n_features)
    centres : array-like of shape (n_segments, n_features)
        A frame's index names the segments; else they are 0, 1, …

    Returns
    -------
    DataFrame
        One row per row of `X`, with its index: ``segment_id`` and ``second`` (closest and
        second-closest), ``distance`` and ``second_distance`` (Euclidean, d1 and d2), ``margin``
        ((d2 - d1) / (d1 + d2): 1 at the centre, 0 on the border).

    Raises
    ------
    ValueError
        If values are missing or infinite, there are fewer than two centres, or columns differ.

    Examples
    --------
    >>> margins([[0.0], [1.0]], centres=[[0.0], [4.0]])
       segment_id  second  distance  second_distance  margin
    0           0       1       0.0              4.0     1.0
    1           0       1       1.0              3.0     0.5
    """
    distances = _distances(X, centres)
    values = distances.to_numpy()
    closest, second = np.argsort(values, axis=1, kind="stable")[:, :2].T
    d1, d2 = np.sort(values, axis=1)[:, :2].T
    return pd.DataFrame(
        {
            "segment_id": distances.columns.take(closest),
            "second": distances.columns.take(second),
            "distance": d1,
            "second_distance": d2,
            "margin": margin(d1, d2),
        },
        index=distances.index,
    )


def gorge(X: ArrayLike | pd.DataFrame, *, centres: ArrayLike | pd.DataFrame) -> pd.DataFrame:
    """Similarity of each row to each segment; a histogram of one column is a gorge plot.

    Two peaks with a gap between them: the segment is separated. One peak: it is not.

    Parameters
    ----------
    X, centres : see `margins`

    Returns
    -------
    DataFrame
        One row per row of `X`, one column per segment: √(exp(-d) / Σ exp(-d)), 0 to 1.

    Raises
    ------
    ValueError
        As `margins`.

    Examples
    --------
    >>> gorge([[0.0], [2.0]], centres=[[0.0], [4.0]]).round(3)
           0      1
    0  0.991  0.134
    1  0.707  0.707
    """
    distances = _distances(X, centres)
    near = np.sqrt(softmax(-distances.to_numpy(), axis=1))
    return pd.DataFrame(near, distances.index, distances.columns)


def cluster_similarity(rows: pd.DataFrame, ids: pd.Index) -> pd.DataFrame:
    """Similarity of each segment to each other one.

    The shadow values (1 - margin) of the rows of a segment, added up by second-closest segment
    and divided by the size of the segment.

    Parameters
    ----------
    rows : DataFrame
        As `margins`.
    ids : Index
        All segments, in order.

    Returns
    -------
    DataFrame
        Square; row = segment, column = its neighbour, diagonal 1. An empty
        segment has NaN beside its diagonal.

    Examples
    --------
    >>> rows = margins([[0.0], [1.0], [4.0]], centres=[[0.0], [4.0]])
    >>> cluster_similarity(rows, pd.RangeIndex(2))
         0     1
    0  1.0  0.25
    1  0.0  1.00
    """
    shadow = 1 - rows["margin"]
    total = shadow.groupby([rows["segment_id"], rows["second"]]).sum().unstack()  # noqa: PD010
    size = rows["segment_id"].value_counts().reindex(ids)
    similarity = total.reindex(index=ids, columns=ids).fillna(0.0).div(size, axis=0)
    similarity = similarity.to_numpy(copy=True)
    np.fill_diagonal(similarity, 1.0)
    return pd.DataFrame(similarity, index=ids.rename(None), columns=ids.rename(None))


def border_density(
    X: ArrayLike | pd.DataFrame, *, centres: ArrayLike | pd.DataFrame, random_state=None
) -> pd.Series:
    """Density at the border with the neighbour that is separated least, against both peaks.

    The rows of a segment and of another are projected onto the line through their centres. Where
    nothing separates them, customers are as dense at the border as beside it; a gap makes a
    valley. The lowest density in the middle third of the way is divided by the lower of the two
    peaks beside it (one normal group cut in two: 1; two of equal size whose centres lie 3, 4 or 6
    deviations from each other: about 0.7, 0.3, 0.04).

    Parameters
    ----------
    X, centres : see `margins`
    random_state : int, RandomState or None
        Of the sample of rows above 20,000.

    Returns
    -------
    Series
        Index segment; 0 (empty border) to 1 (no valley); NaN for an empty segment.

    Examples
    --------
    >>> x = np.linspace(0, 1, 200)[:, None]
    >>> border_density(x, centres=[[0.25], [0.75]]).round(1).tolist()
    [1.0, 1.0]
    >>> border_density(np.concatenate([x, 4 + x]), centres=[[0.5], [4.5]]).round(1).tolist()
    [0.0, 0.0]
    """
    X, middle = as_numbers(X), as_numbers(centres, name="centres").astype(float)
    ids = centres.index if isinstance(centres, pd.DataFrame) else pd.RangeIndex(len(middle))
    if len(X) > BORDER_ROWS:
        X = X[check_random_state(random_state).choice(len(X), BORDER_ROWS, replace=False)]
    rows = X @ middle.T
    nearest = (rows - (middle**2).sum(axis=1) / 2).argmax(axis=1)
    most = np.full(len(middle), np.nan)
    for one, two in combinations(range(len(middle)), 2):
        line = middle[two] - middle[one]
        if not line.any():
            continue
        both = (nearest == one) | (nearest == two)
        if not {one, two} <= set(nearest[both].tolist()):
            continue
        way = (rows[both, two] - rows[both, one] - line @ middle[one]) / (line @ line)
        least = _valley(way)
        most[one], most[two] = np.fmax(most[one], least), np.fmax(most[two], least)
    return pd.Series(most, ids.rename(None))


def _valley(way: NDArray) -> float:
    """Lowest density in the middle third of the way from 0 to 1, by the lower peak beside it."""
    edges = np.linspace(-1, 2, 301)
    counts, _ = np.histogram(way, edges)
    density = gaussian_filter1d(counts.astype(float), BORDER_KERNEL / (edges[1] - edges[0]))
    third, at = 1 / 3, (edges[:-1] + edges[1:]) / 2
    low = density[(at > third) & (at < 2 * third)].min()
    peaks = density[at < third].max(), density[at > 2 * third].max()
    return min(low / min(peaks), 1.0) if min(peaks) > 0 else 0.0
