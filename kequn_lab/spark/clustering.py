"""k-means of Spark, for customers that are not brought home."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kequn_lab.export.scorecard import Scorecard
from kequn_lab.export.sql import standardised_sql
from kequn_lab.spark._queries import run

__all__ = ["ClusterFit", "fit_centres"]

#: Starts of Spark's k-means; each passes over all customers some twenty times.
STARTS = 3
#: Iterations of each at most.
_ITERATIONS = 100


@dataclass(frozen=True)
class ClusterFit:
    """What ``pyspark.ml.clustering.KMeans`` found.

    Attributes
    ----------
    centres : ndarray of shape (n_clusters, n_features)
        In the model's columns; the largest cluster first.
    sizes : tuple of int
        Customers of each.
    inertia : float
        Sum of squared distances of all customers to their centres.
    """

    centres: NDArray
    sizes: tuple[int, ...]
    inertia: float


def fit_centres(card: Scorecard, table, *, n_clusters: int, random_state: int = 0) -> ClusterFit:
    """Fit ``pyspark.ml.clustering.KMeans`` to all customers of a table, where they lie.

    Parameters
    ----------
    card : Scorecard
        Fills, clips and standardises the columns; its centres are not used.
    table : pyspark DataFrame
        The features of the scorecard, one row per customer.
    n_clusters : int
    random_state : int
        Of three starts the one of the lowest inertia is taken. Spark draws by partition: the
        same table in other partitions may end in another optimum.

    Returns
    -------
    ClusterFit

    Raises
    ------
    ValueError
        The session has no ``pyspark.ml``, or Spark found fewer clusters.
    """
    standardised = standardised_sql(card, "spark", table="customers")
    values = ", ".join(f"z{j}" for j in range(len(card.features)))
    query = f"{standardised}\nSELECT array({values}) AS z FROM standardised"
    numbers = table.selectExpr(
        "customer_id", *(f"CAST(`{name}` AS DOUBLE) AS `{name}`" for name in card.feature_names)
    )
    rows = run(table.sparkSession, query, {"customers": numbers})
    try:
        from pyspark.ml.clustering import KMeans
        from pyspark.ml.functions import array_to_vector

        rows = rows.select(array_to_vector(rows["z"]).alias("features")).persist()
        try:
            found = [
                _fitted(KMeans(k=n_clusters, seed=random_state + s, maxIter=_ITERATIONS), rows)
                for s in range(STARTS)
            ]
        finally:
            rows.unpersist()
    except Exception as error:
        if not _lacks_ml(error):
            raise
        raise ValueError(
            f"this session has no k-means of Spark (pyspark.ml): {_first_line(error)}; fit on a "
            'sample (fit_on="sample")'
        ) from error
    best = min(found, key=lambda fit: fit.inertia)
    if len(best.centres) < n_clusters:
        raise ValueError(
            f"Spark's k-means found {len(best.centres)} clusters of the {n_clusters} asked for: "
            "too few customers differ. Ask for fewer clusters (--k)"
        )
    return best


def _fitted(kmeans: Any, rows: Any) -> ClusterFit:
    model = kmeans.fit(rows)
    centres, sizes = np.array(model.clusterCenters()), np.array(model.summary.clusterSizes)
    order = np.lexsort((centres[:, 0], -sizes))
    sizes = tuple(int(n) for n in sizes[order])
    return ClusterFit(centres[order], sizes, float(model.summary.trainingCost))


def _lacks_ml(error: Exception) -> bool:
    """Connect servers before Spark 4.0 and some managed ones do not offer ``pyspark.ml``."""
    if isinstance(error, ImportError | NotImplementedError):
        return True
    told = str(error).lower()
    return "pyspark" in type(error).__module__ and any(
        word in told for word in ("ml command", "unsupported", "not supported", "unknown ml")
    )


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
