"""From model columns to named segments: k-means, the pipeline, names, labels."""

from kequn_lab.segments.kmeans import KMeansSearch
from kequn_lab.segments.naming import name_clusters
from kequn_lab.segments.pipeline import centre_table, fit_segments
from kequn_lab.segments.refits import refit
from kequn_lab.segments.seeded import SeededKMeans
from kequn_lab.segments.signatures import expected_levels

__all__ = [
    "KMeansSearch",
    "SeededKMeans",
    "centre_table",
    "expected_levels",
    "fit_segments",
    "name_clusters",
    "refit",
]
