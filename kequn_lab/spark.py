"""The same SQL and the same scorecard on a cluster (extra ``spark``).

Aggregate on the cluster, fit at home: :func:`customer_features` turns billions of events into
one row per customer with the query that DuckDB runs here; collect that table (or a sample),
fit with scikit-learn, and :func:`label` all customers where they lie. Classic and Connect
sessions both do.
"""

from __future__ import annotations

import uuid

from kequn_lab.export.scorecard import Scorecard
from kequn_lab.features.customers import feature_sql

__all__ = ["customer_features", "label"]


def customer_features(events, *, as_of, holdings=None, customers=None, months: int = 12):
    """Raw tables to one row per customer, computed by Spark.

    Parameters
    ----------
    events, holdings, customers : pyspark DataFrame
        As :func:`kequn_lab.features.customer_features`.
    as_of : date-like
        Last day of the window.
    months : int
        Length of the window.

    Returns
    -------
    pyspark DataFrame
        ``customer_id`` and the features, lazily; ``.toArrow()`` brings it home.
    """
    given = {"events": events, "holdings": holdings, "customers": customers}
    given = {name: table for name, table in given.items() if table is not None}
    available = {name: set(table.columns) for name, table in given.items()}
    timed = "bool_or(`timestamp` <> date_trunc('day', `timestamp`)) AS timed"
    if events.selectExpr(timed).first()["timed"]:
        available["events"].add("time of day")
    query = feature_sql(available, as_of=as_of, months=months, dialect="spark")
    return _run(events.sparkSession, query, given)


def label(card: Scorecard, table, *, id_column: str = "customer_id"):
    """Label customers where they lie, by the scorecard's SQL.

    Parameters
    ----------
    card : Scorecard
    table : pyspark DataFrame
        The features of the scorecard and the id.
    id_column : str

    Returns
    -------
    pyspark DataFrame
        The id, ``cluster``, ``segment_id``, ``distance``; equal to ``Scorecard.predict``.

    Raises
    ------
    ValueError
        A feature is lacking.
    """
    lacking = [n for n in [id_column, *card.feature_names] if n not in table.columns]
    if lacking:
        raise ValueError(f"the table lacks {', '.join(lacking)}; compute them first")
    query = card.to_sql("spark", table="customers", id_column=id_column)
    return _run(table.sparkSession, query, {"customers": table})


def _run(session, query: str, tables: dict):
    """Run a query whose tables are DataFrames: under names of its own, so that calls that run
    side by side in one session do not meet."""
    mark = uuid.uuid4().hex[:8]
    views = []
    for name, table in tables.items():
        table.createOrReplaceTempView(f"{name}_{mark}")
        views.append(f"{name} AS (SELECT * FROM {name}_{mark})")
    return session.sql(f"WITH {', '.join(views)}, {query.removeprefix('WITH ')}")
