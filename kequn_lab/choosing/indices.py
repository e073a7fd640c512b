"""Indices of one partition: how tight its segments are, and how far apart.

Definitions are scikit-learn's, with weights that count rows and a chunk of rows at a time.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from kequn_lab.choosing.draws import row_weights
from kequn_lab.segments.summaries import as_numbers

__all__ = ["partition_indices", "silhouettes"]


def partition_indices(
    X: ArrayLike, *, labels: ArrayLike, sample_weight: ArrayLike | None = None
) -> pd.Series:
    """Indices of one partition that need no pairs of rows; its centres are its means.

    Returns
    -------
    Series
        ``inertia``, ``simplified_silhouette``, ``calinski_harabasz``, ``davies_bouldin``,
        ``smallest_share``, ``smallest_rows``; the third and fourth as scikit-learn defines them.

    Examples
    --------
    >>> indices = partition_indices([[0.0], [1.0], [8.0], [9.0]], labels=[0, 0, 1, 1])
    >>> indices[["inertia", "calinski_harabasz"]].tolist()
    [1.0, 128.0]
    """
    X = as_numbers(X)
    weight = row_weights(sample_weight, len(X))
    codes = np.unique(np.asarray(labels), return_inverse=True)[1]
    if len(codes) != len(X):
        raise ValueError(f"labels has {len(codes)} entries, X {len(X)} rows")
    size = np.bincount(codes, weight)
    k, n = len(size), size.sum()
    sums = np.column_stack([np.bincount(codes, weight * x) for x in X.T.astype(float)])
    centres = sums / size[:, None]
    spread, inertia, silhouette = np.zeros(k), 0.0, 0.0
    for start in range(0, len(X), 65_536):
        rows = slice(start, start + 65_536)
        x, mine, w = X[rows].astype(float), codes[rows], weight[rows]
        distance = np.stack([np.sqrt(((x - c) ** 2).sum(axis=1)) for c in centres], axis=1)
        own = distance[np.arange(len(x)), mine]
        inertia += w @ own**2
        spread += np.bincount(mine, w * own, k)
        distance[np.arange(len(x)), mine] = np.inf
        other = distance.min(axis=1)
        most = np.maximum(own, other)
        silhouette += w @ np.divide(other - own, most, out=np.zeros_like(own), where=most > 0)
    between = size @ ((centres - size @ centres / n) ** 2).sum(axis=1)
    spread /= size
    apart = np.sqrt(((centres[:, None] - centres) ** 2).sum(axis=2))
    np.fill_diagonal(apart, np.inf)
    mixed = ((spread[:, None] + spread) / apart).max(axis=1)
    return pd.Series(
        {
            "inertia": inertia,
            "simplified_silhouette": silhouette / n,
            "calinski_harabasz": between * (n - k) / (inertia * (k - 1)) if inertia else np.inf,
            "davies_bouldin": mixed.mean(),
            "smallest_share": size.min() / n,
            "smallest_rows": size.min(),
        }
    )


def silhouettes(
    X: NDArray, labelings: list[NDArray], weight: NDArray, include_self: bool = False
) -> list[NDArray]:
    """Silhouettes of several labelings from one pass over the distances."""
    codes = [np.unique(labels, return_inverse=True)[1] for labels in labelings]
    members = [(c[:, None] == np.arange(c.max() + 1)) * weight[:, None] for c in codes]
    values = [np.zeros(len(X)) for _ in codes]
    x = X.astype(float)
    step = max(1, 2_000_000 // (len(X) * X.shape[1]) * 8)
    for start in range(0, len(X), step):
        rows = np.arange(start, min(start + step, len(X)))
        distance = np.sqrt(sum((x[rows, j][:, None] - x[:, j]) ** 2 for j in range(x.shape[1])))
        for c, member, value in zip(codes, members, values):
            size = member.sum(axis=0)
            total = distance @ member
            mine = (np.arange(len(rows)), c[rows])
            others = size[c[rows]] - (0 if include_self else 1)
            own = np.divide(total[mine], others, out=np.zeros(len(rows)), where=others > 0)
            away = total / size
            away[mine] = np.inf
            away = away.min(axis=1)
            most = np.maximum(own, away)
            known = (most > 0) & ((others > 0) | include_self)
            value[rows] = np.divide(away - own, most, out=np.zeros(len(rows)), where=known)
    return values
