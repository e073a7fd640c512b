"""The events' features for DuckDB in fewer steps: the same values, a text longer to read.

Three things cost most in the plain text and are written in another way here:

- Counts of codes (``count(*) FILTER (WHERE channel = 'web')``): each code is a 1 in 15 bits of its
  own, so that one sum counts up to eight of them. The code is looked up in a list, which DuckDB
  does once per entry of a column's dictionary instead of once per row.
- What a day says (its month, weekend, quarter end): looked up in the table ``days``. It is a table
  and no subquery, since DuckDB knows the least and the greatest value of a table's column: where
  these lie close together it finds the row by its place instead of by a hash.
- Distinct counterparties: first the pairs of customer and counterparty, then the pairs of each
  customer. Pairs of hashes are 16 bytes without texts, and DuckDB hashes once per entry of a
  column's dictionary; :func:`hashes_differ` says whether they may be used.
"""

from __future__ import annotations

import pandas as pd

from kequn_lab.features.definitions import Feature
from kequn_lab.features.window import EventSums

__all__ = ["MOST_COUNTED", "event_sums", "hashes_differ", "packed_events"]

_BITS = 15
#: Events of one customer that fit into the bits of a count.
MOST_COUNTED = 2**_BITS - 1
_CODES = 8  # in one sum: 8 times 15 bits of the 127 of a HUGEINT
_DISTINCT, _KNOWN = "count(DISTINCT counterparty_id)", "count(counterparty_id)"


def hashes_differ(con) -> bool:
    """Whether no two customers and no two counterparties among the events have the same hash."""
    query = "SELECT count(*) = count(DISTINCT hash({0})) FROM (SELECT DISTINCT {0} FROM {1})"
    columns = (("customer_id", "per_customer"), ("counterparty_id", "events"))
    return all(con.execute(query.format(*column)).fetchone()[0] for column in columns)


def event_sums(
    features: list[Feature], words: dict[str, str], start: pd.Timestamp, end: pd.Timestamp
) -> tuple[EventSums, list[str]]:
    """Aggregates of a customer's events, and the columns of the features that are made of them.

    Parameters
    ----------
    features : list of Feature
        Those of the events.
    words : dict of str to str
        What the words in braces in a feature's SQL mean.
    start, end : Timestamp
        First day of the window, and the day after its last.

    Returns
    -------
    tuple
        The aggregates, from ``events`` and from ``days``, a table of the connection that is to be
        made as they say; and the columns.
    """
    sums, counts, flags = _sums(features, words)
    inner, outer = list(sums), []
    for f in features:
        sql = f.sql
        if f.counted:
            sql = sql.replace(f"count(*) FILTER (WHERE {f.counted})", counts[f.name])
        sql = sql.replace("{active_months}", "bit_count(bit_or(days._month))")
        if _DISTINCT in sql:
            inner.append(f"{_KNOWN} AS _known")
            sql = sql.replace(_DISTINCT, "_pairs").replace(_KNOWN, "_known")
            outer.append(f"    {sql} AS {f.name}")
        else:
            inner.append(f"{sql.format(**words)} AS {f.name}")
            outer.append(f"    {f.name}")
    first, after = _dates(start, end)
    days = (
        f"SELECT _day, 1::BIGINT << (12 * year(_day) + month(_day) - {words['first_month']}) AS"
        f" _month, {flags} AS _flags FROM (SELECT CAST(range AS DATE) AS _day"
        f" FROM range({first}, {after}, INTERVAL 1 DAY))"
    )
    source = "events JOIN days ON CAST(events.timestamp AS DATE) = days._day"
    return EventSums(inner, source, days), outer


def packed_events(
    features: list[Feature],
    words: dict[str, str],
    start: pd.Timestamp,
    end: pd.Timestamp,
    *,
    hashed: bool = False,
    summed: bool = False,
) -> list[str]:
    """The common table expressions of ``events_by_customer``.

    Parameters
    ----------
    features, words, start, end : as :func:`event_sums`
    hashed : bool
        Hashes stand for customers and counterparties where these are counted.
    summed : bool
        The aggregates are in the table ``per_customer``.
    """
    sums, columns = event_sums(features, words, start, end)
    first, after = _dates(start, end)
    inside = f"timestamp >= {first} AND timestamp < {after}"
    if summed:
        return _events_by_customer("per_customer", columns, inside, hashed)
    body = ",\n".join(f"    {line}" for line in ["customer_id", *sums.columns])
    return [
        f"event_sums AS (\n  SELECT\n{body}\n  FROM {sums.source}\n  GROUP BY customer_id\n)",
        *_events_by_customer("event_sums", columns, inside, hashed),
    ]


def _dates(*days: pd.Timestamp) -> list[str]:
    return [f"DATE '{day:%Y-%m-%d}'" for day in days]


def _sums(features: list[Feature], words: dict[str, str]) -> tuple[list[str], dict, str]:
    """Sums that hold several counts; where each feature's count is in them; the flags of a day."""
    sums: list[str] = []
    counts: dict[str, str] = {}
    shares = [f for f in features if f.counted]
    coded = [f for f in shares if f.per != "count(*)"]
    for column in dict.fromkeys(f.needs[0] for f in coded):
        own = [f for f in coded if f.needs == (column,)]
        for i in range(0, len(own), _CODES):
            some, total = own[i : i + _CODES], f"_{column}_{i // _CODES}"
            codes = ", ".join(f.counted.removeprefix(f"{column} = ") for f in some)
            ones = ", ".join(f"{1 << (_BITS * k)}::HUGEINT" for k in range(len(some)))
            sums.append(f"sum([{ones}][list_position([{codes}], {column})]) AS {total}")
            counts |= {f.name: _count(total, k) for k, f in enumerate(some)}
    timed = [f for f in shares if f not in coded]
    of_day, of_event = ["0::BIGINT"], ["days._flags"]
    for k, f in enumerate(timed):
        by_day = "hour(" not in f.counted
        where = f.counted.format(**words)
        if by_day:
            where = f.counted.replace("{iso_weekday}", "isodow(_day)")
            where = where.replace("{timestamp}", "_day")
        one = f"(CAST({where} AS BIGINT) << {_BITS * k})"
        (of_day if by_day else of_event).append(one)
        counts[f.name] = _count("_times", k)
    sums.append(f"sum({' + '.join(of_event)}) AS _times")
    return sums, counts, " + ".join(of_day)


def _count(total: str, k: int) -> str:
    return f"CAST((coalesce({total}, 0) >> {_BITS * k}) & {MOST_COUNTED} AS BIGINT)"


def _events_by_customer(sums: str, columns: list[str], inside: str, hashed: bool) -> list[str]:
    """The sums, beside the number of each customer's counterparties where it is wanted."""
    body = ",\n".join(["    customer_id", *columns])
    if not any("_pairs" in c for c in columns):
        return [f"events_by_customer AS (\n  SELECT\n{body}\n  FROM {sums}\n)"]
    key = "hash({})" if hashed else "{}"
    customer, other = key.format("customer_id"), key.format("counterparty_id")
    return [
        "counterparties AS (\n  SELECT _customer, count(*) AS _pairs FROM (\n"
        f"    SELECT DISTINCT {other} AS _other, {customer} AS _customer FROM events\n"
        f"    WHERE {inside} AND counterparty_id IS NOT NULL\n  )\n  GROUP BY _customer\n)",
        f"events_by_customer AS (\n  SELECT\n{body}\n  FROM {sums}"
        f" LEFT JOIN counterparties ON {customer} = _customer\n)",
    ]
