"""From model columns to named segments: the k-means search, the pipeline, names, labels."""

from kequn_lab.segments.kmeans import KMeansSearch
from kequn_lab.segments.naming import name_clusters
from kequn_lab.segments.pipeline import centre_table, fit_segments, label_table, segment_pipeline
from kequn_lab.segments.signatures import chance_likeness, least_similarity, nameless_segments

__all__ = [
    "KMeansSearch",
    "centre_table",
    "chance_likeness",
    "fit_segments",
    "label_table",
    "least_similarity",
    "name_clusters",
    "nameless_segments",
    "segment_pipeline",
]
