"""Queries over DataFrames of a Spark session."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
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
