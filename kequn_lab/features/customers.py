"""Raw tables to one row per customer, by one SQL query on any engine.

Every feature is a fact in :data:`~kequn_lab.features.definitions.FEATURES`. The query is put
together from those whose columns a bank has; the others are left out by name, never filled
with zeros.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager, suppress
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd

from kequn_lab._duckdb import MEMORY_LIMIT, scan
from kequn_lab.features._packed import MOST_COUNTED, event_sums, hashes_differ, packed_events
from kequn_lab.features.definitions import FEATURES, Feature
from kequn_lab.features.window import bounds, count_window, event_span

__all__ = ["customer_features", "feature_query", "feature_sql"]

#: Of 2,048 rows, that DuckDB hands over at a time.
_VECTORS = 32

#: What differs between engines. Recency and tenure are differences of DATEs: epochs would
#: move them by a day where the session's time zone is not the data's.
DIALECTS: dict[str, dict[str, str]] = {
    "duckdb": {
        "recency_days": "date_diff('day', CAST(max({timestamp}) AS DATE), {as_of})",
        "tenure_days": "date_diff('day', CAST(opened_on AS DATE), {as_of})",
        "iso_weekday": "isodow({timestamp})",
        "active_months": "bit_count(bit_or(CAST(1 AS BIGINT) << (12 * year({timestamp})"
        " + month({timestamp}) - {first_month})))",
    },
    "spark": {
        "recency_days": "datediff({as_of}, CAST(max({timestamp}) AS DATE))",
        "tenure_days": "datediff({as_of}, CAST(opened_on AS DATE))",
        "iso_weekday": "(weekday({timestamp}) + 1)",
        "active_months": "bit_count(bit_or(shiftleft(CAST(1 AS BIGINT), 12 * year({timestamp})"
        " + month({timestamp}) - {first_month})))",
    },
}


def feature_sql(
    available: dict[str, set[str]],
    *,
    as_of,
    months: int = 12,
    dialect: str = "duckdb",
    most_events: int | None = None,
    hashed: bool = False,
    summed: bool = False,
) -> str:
    """The one query over ``customers``, ``events`` and ``holdings``.

    Parameters
    ----------
    available : dict of str to set of str
        Table name to the columns it has. ``time of day`` among the events' columns says
        that timestamps are more than dates.
    as_of : date-like
        Last day of the window.
    months : int
        Length of the window, 1 to 60 months.
    dialect : {"duckdb", "spark"}
        The engine.
    most_events : int, optional
        No customer has more events in the window. It lets DuckDB count up to eight codes in one
        sum, see :mod:`kequn_lab.features._packed`; the text is longer to read, the values are
        the same.
    hashed : bool
        No two customers and no two counterparties have the same hash: with ``most_events`` DuckDB
        counts distinct pairs of hashes.
    summed : bool
        The sums of the events are in the table ``per_customer`` of the connection.

    Returns
    -------
    str
        SQL text; one row per customer, ordered by ``customer_id``.

    Examples
    --------
    >>> print(feature_sql({"events": {"channel"}}, as_of="2024-12-31")[:31])
    WITH events_by_customer AS (
    """
    if dialect not in DIALECTS:
        raise ValueError(f"unknown dialect {dialect!r}; known: {', '.join(DIALECTS)}")
    start, end = bounds(as_of, months)
    words, used = _words(start, end, months, dialect), _used(available)
    where = {
        "events": f"WHERE {words['timestamp']} >= DATE '{start:%Y-%m-%d}'"
        f" AND {words['timestamp']} < DATE '{end:%Y-%m-%d}'",
        "holdings": "",
    }
    packed = dialect == "duckdb" and most_events is not None and most_events <= MOST_COUNTED
    parts, joins, columns = [], [], []
    tables = [t for t in ("events", "holdings") if t in available]
    for table in tables:
        own = [f for f in used if f.table == table]
        if table == "events" and packed:
            parts += packed_events(own, words, start, end, hashed=hashed, summed=summed)
            joins.append("LEFT JOIN events_by_customer USING (customer_id)")
            continue
        lines = [f"    {f.sql.format(**words)} AS {f.name}" for f in own]
        body = ",\n".join(["    customer_id", *lines])
        parts.append(
            f"{table}_by_customer AS (\n  SELECT\n{body}\n  FROM {table}\n"
            f"  {where[table]}\n  GROUP BY customer_id\n)"
        )
        joins.append(f"LEFT JOIN {table}_by_customer USING (customer_id)")
    if "customers" in available:
        own = [f for f in used if f.table == "customers"]
        lines = [f"    {f.sql.format(**words)} AS {f.name}" for f in own]
        body = ",\n".join(["    customer_id", *lines])
        parts.append(f"everyone AS (\n  SELECT\n{body}\n  FROM customers\n)")
    else:
        ids = "\n  UNION\n  ".join(f"SELECT customer_id FROM {t}_by_customer" for t in tables)
        parts.append(f"everyone AS (\n  {ids}\n)")
    for f in used:
        column = f.name if f.empty is None else f"coalesce({f.name}, {f.empty:g}e0)"
        columns.append(f"  CAST({column} AS DOUBLE) AS {f.name}")
    select = ",\n".join(["  customer_id", *columns])
    return (
        f"WITH {', '.join(parts)}\nSELECT\n{select}\nFROM everyone\n"
        + "\n".join(joins)
        + "\nORDER BY customer_id"
    )


def _words(start, end, months: int, dialect: str) -> dict[str, str]:
    """What the words in braces in a feature's SQL mean."""
    literal = {
        "months": f"{months}e0",
        "as_of": f"DATE '{end - pd.Timedelta(days=1):%Y-%m-%d}'",
        "first_month": str(12 * start.year + start.month),
        "timestamp": "timestamp" if dialect == "duckdb" else "`timestamp`",
    }
    return {**literal, **{k: v.format(**literal) for k, v in DIALECTS[dialect].items()}}


def _used(available: dict[str, set[str]]) -> list[Feature]:
    return [f for f in FEATURES if f.table in available and set(f.needs) <= available[f.table]]


def customer_features(
    events,
    *,
    as_of,
    holdings=None,
    customers=None,
    months: int = 12,
) -> pd.DataFrame:
    """Raw tables to one row per customer, computed by DuckDB.

    Parameters
    ----------
    events : DataFrame or path of a Parquet file
        As :data:`~kequn_lab.contract.EVENTS`; columns a bank lacks may be missing.
    as_of : date-like
        Last day of the window; later events are not looked at.
    holdings, customers : DataFrame or path of a Parquet file, optional
        As the contracts. With ``customers`` every one of them gets a row, also without events.
    months : int
        Length of the window in months.

    Returns
    -------
    DataFrame
        Indexed by ``customer_id``, columns as :func:`feature_dictionary` names them, float64.
        ``attrs["left_out"]`` says which features the tables do not allow, and why;
        ``attrs["window"]`` what :func:`~kequn_lab.features.window.count_window` counted.

    Raises
    ------
    ValueError
        No event lies in the window.

    Examples
    --------
    >>> events = pd.DataFrame({
    ...     "customer_id": ["a", "a", "b"],
    ...     "timestamp": pd.to_datetime(
    ...         ["2024-03-01 21:00", "2024-03-02 10:00", "2024-12-30 09:00"]
    ...     ),
    ...     "amount_cny": [10.0, 30.0, 5.0],
    ...     "channel": ["mobile", "counter", "mobile"],
    ... })
    >>> table = customer_features(events, as_of="2024-12-31")
    >>> table[["amount_mean_cny", "mobile_share", "recency_days"]]
                 amount_mean_cny  mobile_share  recency_days
    customer_id
    a                       20.0           0.5         304.0
    b                        5.0           1.0           1.0
    """
    given = {"events": events, "holdings": holdings, "customers": customers}
    with feature_query(as_of=as_of, months=months, **given) as (con, sql, available, window):
        out = _table(con.execute(sql))
    left_out = _lacking(available)
    empty = [f for f in out if out[f].isna().all()]
    out = out.drop(columns=empty)
    out.attrs["left_out"] = left_out | dict.fromkeys(empty, "missing for every customer")
    out.attrs["window"] = window
    return out


def _table(con) -> pd.DataFrame:
    """The rows of the query that a connection runs, by customer: an array a column, so that leaving
    some out copies none. Part by part: DuckDB keeps the memory of a whole table for itself."""
    ids, n = [], 0
    columns = {name: np.empty(0) for name, *_ in con.description[1:]}
    while len(part := con.fetch_df_chunk(_VECTORS)):
        ids.append(part["customer_id"])
        start, n = n, n + len(part)
        for name, x in columns.items():
            if n > len(x):
                x.resize(n + n // 8, refcheck=False)  # what is added is written at once, as 0
            x[start:n] = part[name]
    for x in columns.values():
        x.resize(n, refcheck=False)
    return pd.DataFrame(columns, pd.Index(pd.concat(ids), name="customer_id"), copy=False)


@contextmanager
def feature_query(*, as_of, months: int, **tables):
    """The tables on a DuckDB connection, the query that makes their features, and the window.

    Parameters
    ----------
    as_of, months : the window
    **tables
        ``events`` and, if there are any, ``holdings`` and ``customers``.

    Yields
    ------
    tuple
        The connection, the SQL text, the columns of each table by name, and the counts of
        :func:`~kequn_lab.features.window.count_window`. Sums depend on the order in which
        numbers are added: one thread adds them, so that the same input gives the same bytes.
    """
    import duckdb

    with ExitStack() as stack:
        spill = stack.enter_context(TemporaryDirectory(prefix="kequn_"))
        config: dict[str, Any] = {"memory_limit": MEMORY_LIMIT, "temp_directory": spill}
        con = stack.enter_context(duckdb.connect(config=config))
        available = _register(con, tables)
        used = [f for f in _used(available) if f.table == "events"]
        window, summed = _counted(con, used, available["events"], as_of, months)
        few = window.pop("few")
        window["few"] = {f.name: few[f.per] for f in used if f.per}
        hashed = "counterparty_id" in available["events"] and hashes_differ(con)
        con.execute("SET threads = 1")
        how = {"most_events": window["largest_events"], "summed": summed, "hashed": hashed}
        sql = feature_sql(available, as_of=as_of, months=months, **how)
        yield con, sql, available, window


def _counted(con, used: list[Feature], columns: set[str], as_of, months: int) -> tuple[dict, bool]:
    """The window's counts, and whether the events were added up in the same pass over them.

    Makes the table of the window's days, and says among the events' columns whether there is a
    time of day.
    """
    import duckdb

    span = event_span(con, as_of=as_of, months=months)
    how = {"as_of": as_of, "months": months, "span": span}
    how["counted"] = tuple(dict.fromkeys(f.per for f in used if f.per))
    if span["timed"]:
        columns.add("time of day")
    days = bounds(as_of, months)
    own = [f for f in _used({"events": columns}) if f.table == "events"]
    sums, _ = event_sums(own, _words(*days, months, "duckdb"), *days)
    con.execute(f"CREATE TEMP TABLE days AS {sums.days}")
    if span["all_inside"]:
        con.execute("SET threads = 1")
        with suppress(duckdb.OutOfRangeException):  # one customer has millions of events
            return count_window(con, **how, sums=sums), True
    return count_window(con, **how), False


def _register(con, tables: dict) -> dict[str, set[str]]:
    """Frames and Parquet files as views; the columns of each by name."""
    available = {}
    for name, table in tables.items():
        if table is None:
            continue
        if isinstance(table, pd.DataFrame):
            con.register(name, table)
        else:
            con.execute(f"CREATE VIEW {name} AS SELECT * FROM {scan(table)}")
        available[name] = {r[0] for r in con.execute(f"DESCRIBE {name}").fetchall()}
    return available


def _lacking(available: dict[str, set[str]]) -> dict[str, str]:
    out = {}
    for f in FEATURES:
        if f.table not in available:
            out[f.name] = f"no table {f.table}"
        elif lacking := set(f.needs) - available[f.table]:
            out[f.name] = f"no {', '.join(sorted(lacking))} in {f.table}"
    return out
