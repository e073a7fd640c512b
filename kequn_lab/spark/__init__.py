"""The same SQL and the same scorecard on a cluster (extra ``spark``).

Aggregate on the cluster, fit on this machine: :func:`customer_features` turns billions of events
into one row per customer with the query that DuckDB runs here; ``kq.segment(events)`` of a Spark
table collects that table (a sample of it, where it is too large), fits with scikit-learn, and
:func:`label` labels all customers where they lie. Classic and Connect sessions both do.
"""

from kequn_lab.spark._queries import local_session
from kequn_lab.spark.labels import label
from kequn_lab.spark.tables import customer_features

__all__ = ["customer_features", "label", "local_session"]
