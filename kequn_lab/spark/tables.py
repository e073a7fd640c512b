"""A bank's tables on a cluster: checked, counted and turned into one row per customer there."""

from __future__ import annotations

from typing import Any

import pandas as pd

from kequn_lab._notes import Note
from kequn_lab.contract.tables import CUSTOMERS, EVENTS, HOLDINGS, Contract, check
from kequn_lab.contract.violations import ContractError
from kequn_lab.features.customers import feature_sql
from kequn_lab.features.definitions import FEATURES
from kequn_lab.features.window import count_window
from kequn_lab.spark._queries import Connection, run, views

__all__ = ["MOST_COLLECTED", "collect", "customer_features", "require_valid", "typed", "window_of"]

#: Customers that are brought home; of more, a sample of so many. Where Spark fits k-means, the
#: sample is for names, profiles and the report only.
MOST_COLLECTED = {"sample": 1_000_000, "cluster": 100_000}
#: Broken rows that an error looks at.
_SHOWN = 1_000
#: Parts by hash in which a sample is drawn side by side.
_PARTS = 64
_NO_ROWS = "{}: the table has no rows; look at what it is read from"
#: Texts that are a missing value, as the readers of files take them.
_MISSING = "'', 'nan', 'NaN', 'None', 'NULL', 'null'"


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
    return run(events.sparkSession, query, given)


def require_valid(tables: dict[str, Any]) -> None:
    """Refuse tables that break their contracts; broken rows are looked for on the cluster.

    Parameters
    ----------
    tables : dict of str to pyspark DataFrame
        ``events`` and, if there are any, ``customers`` and ``holdings``.

    Raises
    ------
    ContractError
        In the words of :func:`kequn_lab.contract.check`, of the first rows that are broken.
    ValueError
        A table without rows; a customer twice; rows of customers that the customer table lacks.
    """
    for contract in (CUSTOMERS, EVENTS, HOLDINGS):
        if (table := tables.get(contract.name)) is None:
            continue
        own = [c for c in contract.columns if c.name in table.columns]
        if {c.name for c in contract.columns if c.required} - {c.name for c in own}:
            raise ContractError(check(table.limit(0).toPandas(), contract), table=contract.name)
        broken = table.select(*(c.name for c in own)).where(_broken(table, contract))
        first = broken.limit(_SHOWN).toPandas()
        if found := len(first):
            n = broken.count() if found == _SHOWN else found
            violations = check(first, contract)
            if violations.empty:
                continue
            todo = f"{n:,} rows of the table are broken; repair or filter them on the cluster"
            raise ContractError(violations, table=contract.name, todo=todo)
    for name, table in tables.items():
        if name != "holdings" and table.first() is None:
            raise ValueError(_NO_ROWS.format(name))
    _require_known(tables)


def typed(table, contract: Contract):
    """A checked table with the contract's types: ids as text, texts that are numbers or times as
    these, texts that mean a missing value as NULL."""
    kinds, casts = (
        dict(table.dtypes),
        {"number": "DOUBLE", "timestamp": "TIMESTAMP", "id": "STRING"},
    )
    columns = {c.name: c for c in contract.columns}
    out = []
    for name, kind in kinds.items():
        c, value = columns.get(name), f"`{name}`"
        if c and c.isin:
            value = f"CASE WHEN {value} IN ({_codes(c)}) THEN {value} END"
        elif c and (wanted := casts.get(c.dtype)) and (kind == "string") != (wanted == "STRING"):
            value = f"CAST({value} AS {wanted})"
        out.append(f"{value} AS `{name}`")
    return table.selectExpr(*out)


def _codes(c) -> str:
    return ", ".join(f"'{code}'" for code in c.isin)


def _broken(table, contract: Contract) -> str:
    """The condition of a row that breaks its contract."""
    kinds = dict(table.dtypes)
    parts = []
    for c in contract.columns:
        if c.name not in kinds:
            continue
        name = f"`{c.name}`"
        if not c.nullable:
            parts.append(f"{name} IS NULL")
            if c.dtype == "id":
                parts.append(f"trim(CAST({name} AS STRING)) = ''")
            if c.dtype == "number":
                parts.append(f"isnan(try_cast({name} AS DOUBLE))")
        if c.dtype == "timestamp" and kinds[c.name] == "string":
            parts.append(f"({name} IS NOT NULL AND try_cast({name} AS TIMESTAMP) IS NULL)")
        if c.dtype == "number" and kinds[c.name] == "string":
            parts.append(f"({name} IS NOT NULL AND try_cast({name} AS DOUBLE) IS NULL)")
        if c.isin:
            parts.append(f"{name} NOT IN ({_codes(c)}, {_MISSING})")
        if c.ge is not None:
            parts.append(f"{name} < {c.ge!r}")
        if c.le is not None:
            parts.append(f"({name} > {c.le!r} AND NOT isnan(try_cast({name} AS DOUBLE)))")
    return " OR ".join(f"coalesce({part}, false)" for part in parts)


def _require_known(tables: dict[str, Any]) -> None:
    """Every customer once in the customer table; no event or holding of another."""
    if (customers := tables.get("customers")) is None:
        return
    twice = customers.groupBy("customer_id").count().where("count > 1")
    if row := twice.orderBy("customer_id").first():
        raise ValueError(
            f"customers: {twice.count():,} customers are there more than once, such as "
            f"{row['customer_id']!r}; keep one row of each"
        )
    known = customers.select("customer_id")
    for name in ("events", "holdings"):
        if tables.get(name) is None:
            continue
        unknown = tables[name].select("customer_id").join(known, "customer_id", "left_anti")
        if row := unknown.first():
            raise ValueError(
                f"{name}: {unknown.count():,} rows are of customers that the customer table lacks, "
                f"such as {row['customer_id']!r}; add these customers or leave the rows out"
            )


def window_of(tables: dict[str, Any], *, as_of, months: int) -> dict:
    """The counts of :func:`~kequn_lab.features.window.count_window`, made on the cluster.

    Parameters
    ----------
    tables : dict of str to pyspark DataFrame
        As :func:`require_valid`.
    as_of : date-like
        Last day of the window.
    months : int
        Its length.
    """
    session, available = tables["events"].sparkSession, set(tables["events"].columns)
    used = [f for f in FEATURES if f.table == "events" and set(f.needs) <= available]
    counted = tuple(dict.fromkeys(f.per for f in used if f.per))
    shown = {name: table for name, table in tables.items() if name != "holdings"}
    with views(session, shown) as names:
        names["per_customer"] = names["events"].replace("events", "per_customer")
        con = Connection(session)
        window = count_window(con, as_of=as_of, months=months, counted=counted, views=names)
        session.catalog.dropTempView(names["per_customer"])
    few = window.pop("few")
    window["few"] = {f.name: few[f.per] for f in used if f.per}
    return window


def collect(table, *, fit_on: str = "sample") -> tuple[pd.DataFrame, int, tuple[Note, ...]]:
    """Bring a customer table home over Arrow; of a large one, a sample.

    Parameters
    ----------
    table : pyspark DataFrame
        ``customer_id`` and the features.
    fit_on : {"sample", "cluster"}
        What the sample is for: k-means and all the rest, or all but k-means; with it goes the
        number of customers to bring home at most, :data:`MOST_COLLECTED`.

    Returns
    -------
    tuple
        The table as a pandas DataFrame in the order of the ids, the number of all customers, and
        a note where it is a sample.

    Raises
    ------
    ValueError
        The table has no rows.

    Notes
    -----
    The sample has the same share of every stratum (business or not, with events or without, as
    far as the table says so) and of every part of the ids' hashes, so that another run draws the
    same customers.
    """
    n, most = table.count(), MOST_COLLECTED[fit_on]
    if not n:
        raise ValueError(_NO_ROWS.format("customers"))
    notes: tuple[Note, ...] = ()
    if n > most:
        table = _sampled(table, most / n)
        notes = (_sample_note(n, most, fit_on),)
    home = table.toArrow().to_pandas()
    return home.sort_values("customer_id", ignore_index=True), n, notes


def _sample_note(n: int, most: int, fit_on: str) -> Note:
    points = 100 * 1.96 * (0.25 / most * (1 - most / n)) ** 0.5
    zh, en = {
        "sample": ("来拟合", "was fitted"),
        "cluster": ("来命名、画像和出报告", "is behind names, profiles and report"),
    }[fit_on]
    return Note(
        "customers_sampled",
        f"{n:,} 位客户过多，只取回分层样本约 {most:,} 位{zh}；客群占比的误差至多 "
        f"±{points:.2g} 个百分点（95%）。全部客户请用 kequn_lab.spark.label 打标签",
        f"{n:,} customers are too many to bring home: a stratified sample of about {most:,} "
        f"{en}; shares of segments are off by {points:.2g} points at most (95 %). Label "
        "all customers with kequn_lab.spark.label",
        value=float(most),
        level="warning",
    )  # fmt: skip


def _sampled(table, share: float):
    """The same share of every stratum and hash part."""
    strata = [
        f"coalesce(`{c}`, -1) > 0" for c in ("is_business", "tx_per_month") if c in table.columns
    ]
    hashed = "xxhash64(CAST(customer_id AS STRING))"
    cell = ", ".join([*strata, f"pmod({hashed}, {_PARTS})"])
    columns = ", ".join(f"`{c}`" for c in table.columns)
    return run(
        table.sparkSession,
        "ranked AS (SELECT *, row_number() OVER"
        f" (PARTITION BY {cell} ORDER BY {hashed}, customer_id) AS rank_,"
        f" count(*) OVER (PARTITION BY {cell}) AS of_ FROM everybody)"
        f" SELECT {columns} FROM ranked WHERE rank_ <= ceil({share!r} * of_)",
        {"everybody": table},
    )
