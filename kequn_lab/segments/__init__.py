"""From model columns to named segments: the k-means search, the pipeline, names, labels."""

from kequn_lab.segments.kmeans import KMeansSearch
from kequn_lab.segments.pipeline import (
    centre_table,
    fit_segments,
    label_table,
    name_clusters,
    segment_pipeline,
)

__all__ = [
    "KMeansSearch",
    "centre_table",
    "fit_segments",
    "label_table",
    "name_clusters",
    "segment_pipeline",
]
