"""Labels by the scorecard's SQL, where the customers lie."""

from __future__ import annotations

from kequn_lab.export.scorecard import Scorecard
from kequn_lab.spark._queries import run

__all__ = ["label"]


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
    return run(table.sparkSession, query, {"customers": table})
