"""Which events a window takes, which it leaves out, and what that means for the features."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import pandas as pd

from kequn_lab._notes import Note

__all__ = ["bounds", "count_window", "event_span", "window_notes"]

#: A share of fewer events than this says little of a customer.
FEW_EVENTS = 5
#: Above these shares a note becomes a warning.
LOST, OUTSIZED, TIMES_P99 = 0.05, 0.2, 50


class EventSums(NamedTuple):
    """Aggregates of a customer's events in SQL, from what, and the query of its table ``days``."""

    columns: list[str]
    source: str
    days: str


def bounds(as_of, months: int) -> tuple[pd.Timestamp, pd.Timestamp]:
    """First day of the window and the day after its last.

    Examples
    --------
    >>> bounds("2024-12-31", 12)
    (Timestamp('2024-01-01 00:00:00'), Timestamp('2025-01-01 00:00:00'))
    """
    if not 1 <= months <= 60:
        raise ValueError(f"months must be 1 to 60, found {months}")
    end = pd.Timestamp(as_of).normalize() + pd.Timedelta(days=1)
    return end - pd.DateOffset(months=months), end


#: First and last event of all, and whether every one lies in the window.
_SPAN = (
    "SELECT CAST(min(timestamp) AS STRING) AS first_event,"
    " CAST(max(timestamp) AS STRING) AS last_event,"
    " coalesce(min(timestamp) >= DATE '{start}' AND max(timestamp) < DATE '{end}'"
    " AND count(timestamp) = count(*), false) AS all_inside FROM {events}"
)
#: One event with a time of day is enough: an engine stops at the first.
_TIMED = "SELECT 1 FROM {events} WHERE timestamp <> date_trunc('day', timestamp) LIMIT 1"
#: Events of each customer: all, in the window, before it.
_PER_CUSTOMER = (
    "SELECT customer_id, count(*) AS n, {n_inside} AS n_inside, {n_before} AS n_before{counts}"
    " FROM {events} GROUP BY customer_id"
)
_IN_ALL = (
    "SELECT CAST(coalesce(sum(n), 0) AS BIGINT) AS events,"
    " CAST(coalesce(sum(n_before), 0) AS BIGINT) AS events_before,"
    " CAST(coalesce(sum(n_inside), 0) AS BIGINT) AS events_inside,"
    " count(*) AS customers, count(*) FILTER (WHERE n_inside > 0) AS customers_inside,"
    " median(n_inside) FILTER (WHERE n_inside > 0) AS median_events,"
    " percentile_disc(0.99) WITHIN GROUP (ORDER BY n_inside) FILTER (WHERE n_inside > 0)"
    " AS p99_events{few} FROM {per_customer}"
)


def event_span(con, *, as_of, months: int, events: str = "events") -> dict:
    """First and last event of a view, is there a time of day, do all lie in the window."""
    start, end = bounds(as_of, months)
    days = {"start": f"{start:%Y-%m-%d}", "end": f"{end:%Y-%m-%d}"}
    found = _row(con.execute(_SPAN.format(**days, events=events)))
    timed = con.execute(_TIMED.format(events=events)).fetchone() is not None
    return found | {"timed": timed}


def count_window(
    con,
    *,
    as_of,
    months: int,
    counted: tuple[str, ...] = (),
    views: Mapping[str, str] = MappingProxyType({}),
    span: dict | None = None,
    sums: EventSums | None = None,
) -> dict:
    """Count the view ``events`` of a connection: in the window, before, after.

    Parameters
    ----------
    con : DuckDBPyConnection, or what answers like one
        With a view ``events`` and, if there is one, a view ``customers``.
    as_of, months : the window
    counted : tuple of str
        SQL counts of a customer's events (``count(channel)``), the denominators of shares.
    views : mapping of str to str
        What the views ``events``, ``customers`` and ``per_customer`` (made here) are called where
        they have other names, as on a cluster; there a view is made, in DuckDB a table.
    span : dict, optional
        What :func:`event_span` found; it is asked where it is not given.
    sums : EventSums, optional
        What ``per_customer`` holds beside the counts; only where every event is in the window.

    Returns
    -------
    dict
        ``first_day``, ``last_day``; ``events`` = ``events_before`` + ``events_inside`` +
        ``events_after``; ``customers`` (ids among the events) = ``customers_inside`` +
        ``customers_lost``; ``median_events`` of a customer inside; ``largest_customer`` with
        ``largest_events`` and ``p99_events``; ``first_event``, ``last_event``, ``timed`` (is
        there a time of day); ``few``: per entry of ``counted``, the share of customers inside
        for whom it is below five; and of ``customers_in_table``
        those ``customers_without_events`` inside.

    Raises
    ------
    ValueError
        No event lies in the window.
    """
    start, end = bounds(as_of, months)
    days = {"start": f"{start:%Y-%m-%d}", "end": f"{end:%Y-%m-%d}"}
    events = views.get("events", "events")
    span = dict(span or event_span(con, as_of=as_of, months=months, events=events))
    inside = " FILTER (WHERE timestamp >= DATE '{start}' AND timestamp < DATE '{end}')"
    before = "count(*) FILTER (WHERE timestamp < DATE '{start}')"
    if span.pop("all_inside"):  # a condition that every event meets need not be looked at
        inside, before = "", "0"
    counts = "".join(f", {sql}{inside} AS c{i}" for i, sql in enumerate(counted))
    if sums:
        counts, events = ", ".join([counts, *sums.columns]), sums.source  # every event is inside
    per_customer = views.get("per_customer", "per_customer")
    query = _PER_CUSTOMER.format(
        n_inside=f"count(*){inside}", n_before=before, events=events, counts=counts
    ).format(**days)
    con.execute(f"CREATE OR REPLACE TEMP {'VIEW' if views else 'TABLE'} {per_customer} AS {query}")
    few = ", ".join(
        f"avg(CAST(c{i} < {FEW_EVENTS} AS INTEGER)) FILTER (WHERE n_inside > 0) AS c{i}"
        for i in range(len(counted))
    )
    counts = con.execute(_IN_ALL.format(few=few and f", {few}", per_customer=per_customer))
    window = _row(counts) | span
    first_day, last_day = f"{start:%Y-%m-%d}", f"{end - pd.Timedelta(days=1):%Y-%m-%d}"
    if not window["events_inside"]:
        raise ValueError(
            f"no event between {first_day} and {last_day}; the events run from "
            f"{window['first_event']} to {window['last_event']}: choose as_of and months to match"
        )
    largest, most = con.execute(
        f"SELECT customer_id, n_inside FROM {per_customer}"
        " ORDER BY n_inside DESC, customer_id LIMIT 1"
    ).fetchone()
    window |= {
        "first_day": first_day,
        "last_day": last_day,
        "events_after": window["events"] - window["events_before"] - window["events_inside"],
        "customers_lost": window["customers"] - window["customers_inside"],
        "largest_customer": str(largest),
        "largest_events": most,
        "first_event": str(window["first_event"]),
        "last_event": str(window["last_event"]),
        "few": {sql: window.pop(f"c{i}") for i, sql in enumerate(counted)},
    }
    return window | _without_events(con, views)


def _row(found) -> dict:
    """The one row of a query, by column."""
    return dict(zip([d[0] for d in found.description], found.fetchone(), strict=True))


def _without_events(con, views: Mapping[str, str]) -> dict:
    """Customers of the customer table, if there is one, and those without an event inside."""
    if views:
        customers = views.get("customers")
    else:
        there = {row[0] for row in con.execute("SHOW TABLES").fetchall()}
        customers = "customers" if "customers" in there else None
    if customers is None:
        return {}
    all_of_them, without = con.execute(
        "SELECT count(*), count(*) FILTER (WHERE coalesce(n_inside, 0) = 0)"
        f" FROM {customers} LEFT JOIN {views.get('per_customer', 'per_customer')}"
        " USING (customer_id)"
    ).fetchone()
    return {"customers_in_table": all_of_them, "customers_without_events": without}


def window_notes(window: dict) -> list[Note]:
    """What a reader must know of a window: events and customers lost, thin customers, odd ids.

    Examples
    --------
    >>> counts = {"events": 10, "events_before": 4, "events_inside": 6, "events_after": 0,
    ...     "customers": 4, "customers_inside": 3, "customers_lost": 1, "median_events": 2.0,
    ...     "p99_events": 3, "largest_customer": "a", "largest_events": 3,
    ...     "first_day": "2024-01-01", "last_day": "2024-12-31"}
    >>> for note in window_notes(counts):
    ...     print(note.warning, note.level, note.value)
    window_drops_customers warning 0.4
    few_events warning 2.0
    """
    found = (_outside, _none_inside, _few, _outsized)
    return [note for look in found for note in look(window)]


def _outside(w: dict) -> list[Note]:
    """Events and customers that the window leaves out."""
    days = f"{w['first_day']} to {w['last_day']}"
    outside = w["events_before"] + w["events_after"]
    share = max(w["customers_lost"] / w["customers"], outside / w["events"])
    if outside:
        return [Note(
            "window_drops_customers",
            f"时间窗 {w['first_day']} 至 {w['last_day']} 含 {w['events_inside']:,} 条交易；"
            f"另有 {w['events_before']:,} 条在此之前，{w['events_after']:,} 条在此之后，未计入。"
            f"交易表中 {w['customers']:,} 位客户，{w['customers_lost']:,} 位在窗内没有交易",
            f"The window {days} holds {w['events_inside']:,} events; {w['events_before']:,} lie "
            f"before it and {w['events_after']:,} after it and are not counted. Of "
            f"{w['customers']:,} customers with events, {w['customers_lost']:,} have none in the "
            "window",
            value=share,
            bound=LOST,
            level="warning" if share > LOST else "note",
        )]  # fmt: skip
    return []


def _none_inside(w: dict) -> list[Note]:
    """Customers of the customer table without an event."""
    if none := w.get("customers_without_events", 0):
        known = w["customers_in_table"]
        return [Note(
            "customers_without_events",
            f"客户表的 {known:,} 位客户中，{none:,} 位在时间窗内没有交易；"
            "他们仍得到标签，但只依据其余信息",
            f"{none:,} of the {known:,} customers in the customer table have no event in the "
            "window; they are labelled all the same, by what else is known of them",
            value=none / known,
            bound=LOST,
            level="warning" if none / known > LOST else "note",
        )]  # fmt: skip
    return []


def _few(w: dict) -> list[Note]:
    """Too few events of a customer for shares and means."""
    if w["median_events"] < FEW_EVENTS:
        return [Note(
            "few_events",
            f"半数客户在时间窗内的交易不超过 {w['median_events']:g} 条："
            "由此算出的占比和均值多为偶然",
            f"Half of the customers have {w['median_events']:g} events or fewer in the window: "
            "shares and means of so few are mostly chance",
            value=float(w["median_events"]),
            bound=FEW_EVENTS,
        )]  # fmt: skip
    return []


def _outsized(w: dict) -> list[Note]:
    """One id with so many events that it is hardly one customer."""
    most, share = w["largest_events"], w["largest_events"] / w["events_inside"]
    outsized = share > OUTSIZED and most > FEW_EVENTS * w["median_events"]
    if outsized or most > TIMES_P99 * w["p99_events"]:
        return [Note(
            "outsized_customer",
            f"编号 {w['largest_customer']} 一个客户就有 {most:,} 条交易，占 {share:.1%}；"
            "可能是缺失编号的占位符或内部账户，请核对",
            f"Customer {w['largest_customer']} alone has {most:,} events, {share:.1%} of all; "
            "this may be a missing id or an account of the bank itself: check it",
            value=share,
            bound=OUTSIZED,
        )]  # fmt: skip
    return []
