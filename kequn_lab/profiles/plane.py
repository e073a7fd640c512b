"""Segments on the first two principal components, the plane with most of the variance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.spatial import ConvexHull, QhullError
from sklearn.decomposition import PCA

from kequn_lab.profiles._by_segment import Rows, is_text

__all__ = ["SegmentPCA", "segment_pca"]

SAMPLE = 2000  # customers that are kept for the picture; axes and centres use all


@dataclass(frozen=True)
class SegmentPCA:
    """Principal components of the customers, and where the segments lie on the first two.

    Attributes
    ----------
    axes : DataFrame, shape (n_variables, n_components)
        Weight of each variable (index) in ``PC1``, ``PC2``, …; the largest weight of each is
        positive.
    explained : DataFrame
        ``component``, ``std`` of the customers along it, ``explained_share`` of the variance.
    scores : DataFrame
        A sample of customers (index): ``segment_id``, ``PC1``, ``PC2``.
    centres : DataFrame
        Indexed by ``segment_id``: the segments' means on all components.
    hulls : DataFrame
        Convex hulls to draw: ``segment_id``, ``hull`` (``inner``, ``outer``), ``PC1``, ``PC2``,
        one row per corner (index: its customer), counter-clockwise; customers on one line have
        its two ends, customers on one point that point. The inner hull holds the
        sampled customers no farther from the mean of their segment than the median of the
        segment, the outer those within 2.5 times it; distances in all dimensions.
    """

    axes: pd.DataFrame
    explained: pd.DataFrame
    scores: pd.DataFrame
    centres: pd.DataFrame
    hulls: pd.DataFrame


def segment_pca(features: pd.DataFrame, labels: pd.Series, *, random_state: int = 0) -> SegmentPCA:
    """Turn the customers so that their first two coordinates show most of their spread.

    Parameters
    ----------
    features : DataFrame, shape (n_customers, n_variables)
        Model columns: on comparable scales, without missing values. They are centred, not
        scaled.
    labels : Series
        Segment id per customer, aligned by index; customers without one are left out.
    random_state : int
        For the sample of 2,000 customers that the picture shows; axes and centres use all.

    Returns
    -------
    SegmentPCA

    Raises
    ------
    ValueError
        Missing or infinite values, labels that do not align, fewer than two variables or
        customers.

    References
    ----------
    Dolnicar, Grün and Leisch (2018), Market Segmentation Analysis, section 8 (segment
    separation plot); hulls as in flexclust.

    Examples
    --------
    >>> features = pd.DataFrame({"a": [0.0, 0, 4, 4], "b": [0.0, 1, 0, 1]})
    >>> found = segment_pca(features, pd.Series(["x", "x", "y", "y"]))
    >>> found.centres.round(2)
                PC1  PC2
    segment_id
    x          -2.0  0.0
    y           2.0  0.0
    >>> found.explained["explained_share"].round(2).tolist()
    [0.94, 0.06]
    """
    rows = Rows.of(features, labels)
    if min(features.shape[1], len(rows.order)) < 2:
        raise ValueError("a plane needs at least two variables and two customers")
    if text := [str(c) for c in features if is_text(features[c])]:
        raise TypeError(f"segment_pca needs numbers; leave out {', '.join(text)}")
    if bad := [str(c) for c in features if not np.isfinite(features[c].to_numpy(float)).all()]:
        raise ValueError(
            f"{', '.join(bad)} has missing or infinite values; give the columns of the model "
            "(preprocessing.preprocessor fills them)"
        )
    x = features.to_numpy(float)[rows.order]
    with np.errstate(invalid="ignore"):  # all customers on one point: no share of a variance
        pca = PCA(svd_solver="covariance_eigh").fit(x)
    x -= pca.mean_
    variance, axes = pca.explained_variance_, pca.components_.T
    names = [f"PC{j + 1}" for j in range(len(variance))]
    centres = np.add.reduceat(x, rows.starts) / rows.sizes[:, None]

    rng = np.random.default_rng(random_state)
    chosen = np.sort(rng.choice(len(x), min(SAMPLE, len(x)), replace=False))
    parts = zip(np.split(x, rows.starts[1:]), centres)
    distances = [np.sqrt(((part - centre) ** 2).sum(axis=1)) for part, centre in parts]
    reach = np.array([np.median(d) for d in distances])[rows.codes]
    distance = np.concatenate(distances)
    scores = pd.DataFrame(x[chosen] @ axes[:, :2], features.index[rows.order[chosen]], names[:2])
    scores.insert(0, "segment_id", rows.ids.take(rows.codes[chosen]))
    # Rounding must not throw out the very customer that is the median.
    within = distance[chosen, None] <= reach[chosen, None] * np.array([1, 2.5]) * (1 + 1e-9)
    hulls = [
        _hull(scores[(rows.codes[chosen] == s) & within[:, j]]).assign(hull=name)
        for s in range(len(rows.ids))
        for j, name in enumerate(("inner", "outer"))
    ]
    return SegmentPCA(
        axes=pd.DataFrame(axes, features.columns, names),
        explained=pd.DataFrame(
            {
                "component": names,
                "std": np.sqrt(variance),
                "explained_share": variance / (variance.sum() or 1.0),
            }
        ),
        scores=scores,
        centres=pd.DataFrame(centres @ axes, rows.ids.rename("segment_id"), names),
        hulls=pd.concat(hulls)[["segment_id", "hull", "PC1", "PC2"]],
    )


def _hull(points: pd.DataFrame) -> pd.DataFrame:
    """The corners of a segment's customers; the two ends where all lie on a line."""
    plane = points[["PC1", "PC2"]].to_numpy()
    try:
        return points.iloc[ConvexHull(plane).vertices]
    except (QhullError, ValueError):  # fewer than three, or all on a line
        if not len(plane):
            return points
        along = plane[:, np.ptp(plane, axis=0).argmax()]
        return points.iloc[np.unique([along.argmin(), along.argmax()])]
