"""k-means fitted by Spark to all customers; names, profiles and report from a sample of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from kequn_lab._notes import Note
from kequn_lab.export.scorecard import Scorecard
from kequn_lab.run.readings import Reading, read_clusters, take_reading
from kequn_lab.segments.pipeline import with_centres
from kequn_lab.spark.clustering import STARTS, ClusterFit, fit_centres

__all__ = ["FIT_ON", "ClusterReading", "cluster_notes", "fit_on_cluster", "require_plain"]

#: Where k-means is fitted: to a sample that is brought home, or by Spark to all customers.
FIT_ON = ("sample", "cluster")
#: Above this ratio of inertias Spark's fit is called worse than the search.
WORSE = 1.01


@dataclass(frozen=True)
class ClusterReading(Reading):
    """A reading whose centres Spark found (``fit``); ``lowest`` is the search on the sample."""

    fit: ClusterFit | None = None


def require_plain(*, start: str, **asked: Any) -> None:
    """Refuse what k-means of Spark cannot do, before the cluster has worked for it.

    Parameters
    ----------
    start : str
    **asked
        Groups, categories, a pull and a smallest size, by their names in
        :func:`kequn_lab.segment`; none of them may be asked for.

    Raises
    ------
    ValueError
        One of them is, or a start at the signatures.
    """
    if start == "signatures" or any(asked.values()):
        raise ValueError(
            "k-means on the cluster (fit_on) searches all customers at once: by, categories, pull, "
            "a smallest size and a start at the signatures need the sample; leave out one of the "
            "two"
        )


def fit_on_cluster(
    features: pd.DataFrame, table, book: dict[str, pd.DataFrame], **options: Any
) -> ClusterReading:
    """Standardise as the sample says, fit on the cluster, and search the sample beside it.

    Parameters
    ----------
    features : DataFrame
        The sample: indexed by customer id, the columns of the model.
    table : pyspark DataFrame
        All customers: these columns.
    book, **options
        As :func:`~kequn_lab.run.readings.take_reading`.

    Raises
    ------
    ValueError
        As :func:`~kequn_lab.spark.clustering.fit_centres`; a cluster has nobody in the sample.
    """
    lowest = take_reading(features, book, **{**options, "start": "search"})
    card = Scorecard.from_pipeline(lowest.pipeline, features, as_of="2000-01-01")  # day is not used
    seed = options.get("random_state", 0)
    fit = fit_centres(card, table, n_clusters=len(card.segments), random_state=seed)
    pipeline = with_centres(lowest.pipeline, features, fit.centres)
    here = np.bincount(pipeline["kmeans"].labels_, minlength=len(fit.sizes))
    if len(empty := np.flatnonzero(here == 0)):
        few = ", ".join(f"{fit.sizes[c]:,}" for c in empty)
        raise ValueError(
            f"clusters of {few} customers have none in the sample, so nothing is known of them: "
            "ask for fewer clusters (--k), or fit on the sample"
        )
    found = read_clusters(pipeline, features, book, seed, lowest)
    return ClusterReading(found.pipeline, found.chance, found.names, lowest, fit)


def cluster_notes(fit: ClusterFit, readings: pd.DataFrame, facts: dict[str, Any]) -> list[Note]:
    """How far Spark's k-means is from the search, in one line; a warning where it is worse.

    Parameters
    ----------
    fit : ClusterFit
    readings : DataFrame
        As :func:`~kequn_lab.run.readings.compare_readings`, with the search on the sample.
    facts : dict
        As :func:`~kequn_lab.run.readings.price`.
    """
    same, n = int((readings["verdict"] == "same").sum()), len(readings)
    total = f"{sum(fit.sizes):,}"
    ratio, rand = 1 + facts["inertia_above"], f"{facts['rand_with_lowest']:.2f}"
    notes = [Note(
        "reading_cluster",
        f"k 均值由 Spark 在全部 {total} 位客户上拟合（{STARTS} 个起点取最优）；在取回的样本上，"
        f"组内平方和是本工具搜索结果的 {ratio:.4f} 倍，调整兰德指数 {rand}，"
        f"{n} 个客群中 {same} 个相同",
        f"k-means was fitted by Spark to all {total} customers (best of {STARTS} starts); "
        f"on the sample its inertia is {ratio:.4f} times that of the kit's search, adjusted Rand "
        f"index {rand}, {same} of {n} segments are the same",
        value=ratio, level="note",
    )]  # fmt: skip
    if ratio > WORSE:
        notes.append(Note(
            "cluster_fit_worse",
            f"Spark 的 k 均值停在较差的解：样本上的组内平方和比搜索高 {100 * (ratio - 1):.1f}%；"
            "可换随机种子（--seed），或在样本上拟合（--fit-on sample）",
            f"Spark's k-means ended in a poorer solution: inertia on the sample is "
            f"{100 * (ratio - 1):.1f} % above the search. Try another seed (--seed), or fit on the "
            "sample (--fit-on sample)",
            value=ratio, bound=WORSE,
        ))  # fmt: skip
    return notes
