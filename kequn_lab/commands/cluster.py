"""``kequn run --engine spark``: tables read by a cluster, labels written there."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["label_all", "on_the_cluster"]

_NAMES = ("events", "customers", "holdings")
_SAY = {
    "none": (
        "no PySpark here: install kequn_lab[spark] (Spark needs Java 17 and later)",
        "没有 PySpark：请安装 kequn_lab[spark]（Spark 需要 Java 17 或更高版本）",
    ),
    "labelled": (
        "All customers labelled on the cluster: {where}",
        "已在集群上为全部客户打标签：{where}",
    ),
}


@contextmanager
def on_the_cluster(args: Namespace) -> Iterator[dict[str, Any]]:
    """The tables as Spark reads them; the session ends with the block."""
    try:
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise ValueError(_SAY["none"][args.language == "zh"]) from error
    builder = SparkSession.builder.appName("kequn run")
    remote = args.master.startswith("sc://")
    session = (builder.remote(args.master) if remote else builder.master(args.master)).getOrCreate()
    try:
        yield {n: _read(session, getattr(args, n)) for n in _NAMES if getattr(args, n) is not None}
    finally:
        session.stop()


def _read(session, path):
    """Parquet, a folder of it, or CSV with a heading; types of a CSV are found out by Spark."""
    path = _address(path)
    if path.lower().endswith((".csv", ".csv.gz")):
        return session.read.csv(path, header=True, inferSchema=True)
    return session.read.parquet(path)


def label_all(args: Namespace, result, tables: dict[str, Any]) -> None:
    """Every customer's label, written by the cluster: a folder for each segment."""
    from kequn_lab.spark import customer_features, label

    features = customer_features(**tables, as_of=result.record["as_of"], months=args.months or 12)
    labels = label(result.card, features)
    writer, path = labels.write.partitionBy("segment_id"), _address(args.labels_to)
    if path.endswith(".csv"):
        writer.csv(path, header=True)
    else:
        writer.parquet(path)
    print(_SAY["labelled"][args.language == "zh"].format(where=args.labels_to))


def _address(path) -> str:
    """A path of this machine as an address: Spark's working folder may be another."""
    return path.resolve().as_uri() if isinstance(path, Path) else path
