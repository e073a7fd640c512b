"""Queries over DataFrames of a Spark session."""

from __future__ import annotations

import os
import shutil
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any


def is_spark(table) -> bool:
    """A DataFrame of Spark, classic or Connect; Spark itself is not imported."""
    return type(table).__module__.startswith("pyspark.sql")


def run(session, query: str, tables: dict):
    """Run a query whose tables are DataFrames: under names of its own, so that calls that run
    side by side in one session do not meet."""
    mark = uuid.uuid4().hex[:8]
    views = []
    for name, table in tables.items():
        table.createOrReplaceTempView(f"{name}_{mark}")
        views.append(f"{name} AS (SELECT * FROM {name}_{mark})")
    return session.sql(f"WITH {', '.join(views)}, {query.removeprefix('WITH ')}")


class Connection:
    """A Spark session where a query asks a DuckDB connection: ``execute``, then ``fetchone``."""

    def __init__(self, session):
        self.session = session
        self.found: Any = None

    def execute(self, query: str) -> Connection:
        self.found = self.session.sql(query)
        return self

    @property
    def description(self) -> list[tuple[str]]:
        return [(name,) for name in self.found.columns]

    def fetchone(self) -> tuple | None:
        row = self.found.first()
        return None if row is None else tuple(row)


@contextmanager
def views(session, tables: dict) -> Iterator[dict[str, str]]:
    """The tables under names that nobody else uses, for the time of the block."""
    mark = uuid.uuid4().hex[:8]
    names = {name: f"{name}_{mark}" for name in tables}
    for name, table in tables.items():
        table.createOrReplaceTempView(names[name])
    try:
        yield names
    finally:
        for name in names.values():
            session.catalog.dropTempView(name)


def local_session(cores: int = 2):
    """A quiet Spark session on this machine, to try things before there is a cluster.

    It starts quickly and is slow on large tables; for these, make a session of your own.

    Parameters
    ----------
    cores : int
        Threads that work side by side, as the workers of a cluster would.

    Returns
    -------
    pyspark SparkSession or None
        None where PySpark or Java is not installed. End it with ``.stop()``.

    Examples
    --------
    >>> session = local_session(2)  # doctest: +SKIP
    """
    java = shutil.which("java") is not None or "JAVA_HOME" in os.environ
    if not java or find_spec("pyspark") is None:
        return None
    warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas")
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master(f"local[{cores}]").appName("kequn_lab")
    for name, value in {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.shuffle.partitions": str(cores),
        # Java compiles once and quickly: half the CPU time where most of a session is its start.
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    }.items():
        builder = builder.config(name, value)
    with _silent():
        return builder.getOrCreate()


@contextmanager
def _silent() -> Iterator[None]:
    """Without what a JVM says on stderr, also later, if it starts in the block."""
    own = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(own, 2)
        os.close(own)
