"""What customers do over time: acquire, activate, retain, convert; and what the branch carries.

The four stages are the article's words (拉新、促活、留存、转化); how they are measured is ours.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from kequn_lab._checks import require_columns
from kequn_lab._statistics import wilson

__all__ = ["STAGES", "branch_load", "funnel"]

STAGES = ("acquire", "activate", "retain", "convert")
_MONTH = 30  # days
_QUIET = 90  # days without an event after which a customer is taken for new
_STAFF_HOURS = 9.9  # of a day: the article's mean working time (not all at the counter)


def funnel(
    events: pd.DataFrame,
    labels: pd.Series | None = None,
    *,
    as_of,
    opened_on: pd.Series | None = None,
) -> pd.DataFrame:
    """How many new customers stay, stage by stage, with denominators and intervals.

    Parameters
    ----------
    events : DataFrame
        ``customer_id``, ``timestamp``; ``product`` for the last stage.
    labels : Series of str, optional
        Segment (or any group) by customer; None: all customers together.
    as_of : date
        End of what is known; later events are left out.
    opened_on : Series of dates, optional
        Opening date by customer. New is who opened after the first day of the events. Without it,
        new is whose first event comes more than 90 days after that day (older customers that
        were silent so long are then taken for new).

    Returns
    -------
    DataFrame
        ``group``, ``stage``, ``customers`` (who reach the stage), ``of`` (new customers that are
        known for long enough: the denominator), ``share``, ``low``, ``high`` (95 %, Wilson).

    Notes
    -----
    A stage asks for all stages before it. Day 0 is the opening, or the first event. ``acquire``:
    any event in the first 30 days. ``activate``: an event in days 30 to 59, the second month.
    ``retain``: an event in days 180 to 239 (active after six months; two months, since the elderly
    come less than monthly). ``convert``: events on two products by day 239. So only customers with
    240 known days count.

    Raises
    ------
    ValueError
        A column is missing, or nobody is new and known for 240 days.

    Examples
    --------
    >>> days = ["2024-01-01", "2024-02-01", "2024-03-05", "2024-08-15", "2024-02-01"]
    >>> events = pd.DataFrame({"customer_id": ["z", "a", "a", "a", "b"],
    ...                        "timestamp": pd.to_datetime(days),
    ...                        "product": ["current"] * 3 + ["money_fund", "current"]})
    >>> opened = pd.Series(pd.to_datetime(["2024-02-01"] * 2), index=["a", "b"])
    >>> funnel(events, as_of="2024-12-31", opened_on=opened)[["stage", "customers", "of"]]
          stage  customers  of
    0   acquire          2   2
    1  activate          1   2
    2    retain          1   2
    3   convert          1   2
    """
    require_columns(events, ["customer_id", "timestamp"], "events")
    as_of = pd.Timestamp(as_of).normalize() + pd.Timedelta(days=1)
    known = events.loc[events["timestamp"] < as_of]
    horizon = as_of - pd.Timedelta(days=8 * _MONTH)
    start = known["timestamp"].min().normalize()
    if opened_on is None:
        first = known.groupby("customer_id", observed=True)["timestamp"].min().dt.normalize()
        day0 = first[first > start + pd.Timedelta(days=_QUIET)]
    else:
        day0 = pd.to_datetime(opened_on).dropna()
        day0 = day0[day0 >= start].dt.normalize()
    day0 = day0[day0 <= horizon]
    if labels is not None:
        day0 = day0[day0.index.isin(labels.dropna().index)]
    if day0.empty:
        raise ValueError(
            f"nobody is new between {start.date()} and {horizon.date()}: the funnel needs eight "
            "months of events after the first; give a longer table, or opened_on"
        )
    reached = _reached_stages(known, day0).cummin(axis=1)
    group = pd.Series("all", reached.index) if labels is None else labels.reindex(reached.index)
    long = reached.melt(var_name="stage", ignore_index=False).assign(group=group.astype("str"))
    long["stage"] = pd.Categorical(long["stage"], STAGES)
    out = long.groupby(["group", "stage"], observed=False)["value"].agg(["sum", "size"])
    out = out.set_axis(["customers", "of"], axis=1).reset_index().astype({"stage": "str"})
    out["share"] = out["customers"] / out["of"]
    out["low"], out["high"] = wilson(out["customers"], out["of"])
    return out


def _reached_stages(events: pd.DataFrame, day0: pd.Series) -> pd.DataFrame:
    mine = events[events["customer_id"].isin(day0.index)]
    start = mine["customer_id"].astype(day0.index.dtype).map(day0)
    day = (mine["timestamp"].dt.normalize() - start).dt.days.to_numpy()
    who = mine["customer_id"]

    def any_between(first, last):
        return day0.index.isin(who[(day >= first) & (day <= last)].unique())

    reached = {
        "acquire": any_between(0, _MONTH - 1),
        "activate": any_between(_MONTH, 2 * _MONTH - 1),
        "retain": any_between(6 * _MONTH, 8 * _MONTH - 1),
    }
    if "product" in mine:
        used = mine.loc[(day >= 0) & (day < 8 * _MONTH), ["customer_id", "product"]].dropna()
        count = used.drop_duplicates()["customer_id"].value_counts()
        reached["convert"] = (count.reindex(day0.index).fillna(0) >= 2).to_numpy()
    else:
        reached["convert"] = np.zeros(len(day0), bool)
    return pd.DataFrame(reached, index=day0.index)[list(STAGES)]


# The branch ------------------------------------------------------------------------------------


def branch_load(
    events: pd.DataFrame,
    labels: pd.Series,
    *,
    migrated,
    after_sales_minutes: float = 0.0,
) -> pd.DataFrame:
    """Counter visits and staff time per segment, now and when a share of the visits goes online.

    Parameters
    ----------
    events : DataFrame
        ``customer_id``, ``timestamp``, ``channel``, ``counter_minutes``. One customer on one day
        is one visit; its events' minutes add up.
    labels : Series of str
        Segment by customer.
    migrated : mapping of str to float
        Share of each segment's visits that goes online, 0 to 1. A scenario, never a forecast.
    after_sales_minutes : float
        Branch minutes that each migrated visit leaves behind; the article says that online
        business brings after-sales work to branches, and gives no number.

    Returns
    -------
    DataFrame
        ``segment_id``; ``visits``, ``minutes`` (visits without minutes count at the segment's
        mean), ``minutes_per_visit``, ``staff_days`` (of 9.9 hours); the same with ``_after``;
        ``migrated``. Last row ``all``.

    Raises
    ------
    ValueError
        No counter event, shares outside 0 to 1, or a segment that ``migrated`` does not name.

    Examples
    --------
    >>> events = pd.DataFrame({"customer_id": ["a", "a", "b"], "channel": "counter",
    ...     "timestamp": pd.to_datetime(["2024-01-02", "2024-01-02", "2024-01-03"]),
    ...     "counter_minutes": [10., 20., 9.]})
    >>> labels = pd.Series({"a": "elderly", "b": "young_adult"})
    >>> table = branch_load(events, labels, migrated={"elderly": 0.5, "young_adult": 1})
    >>> table[["segment_id", "visits", "minutes", "visits_after", "minutes_after"]]
        segment_id  visits  minutes  visits_after  minutes_after
    0      elderly     1.0     30.0           0.5           15.0
    1  young_adult     1.0      9.0           0.0            0.0
    2          all     2.0     39.0           0.5           15.0
    """
    require_columns(events, ["customer_id", "timestamp", "channel", "counter_minutes"], "events")
    counter = events[events["channel"] == "counter"]
    if counter.empty:
        raise ValueError("events has no event on the channel 'counter': no branch load to show")
    minutes = counter.groupby(["customer_id", counter["timestamp"].dt.normalize()], observed=True)[
        "counter_minutes"
    ].sum(min_count=1)
    segment = minutes.index.get_level_values(0).astype("str").map(labels)
    table = minutes.astype(float).groupby(segment).agg(["size", "mean"])
    table = table.set_axis(["visits", "minutes_per_visit"], axis=1).rename_axis("segment_id")
    table["visits"] = table["visits"].astype(float)
    table["minutes"] = table["visits"] * table["minutes_per_visit"]
    share = table.index.to_series().map(dict(migrated))
    if not share.between(0, 1).all():
        bad = share[~share.between(0, 1)].to_dict()
        raise ValueError(f"migrated needs a share from 0 to 1 for every segment; found {bad}")
    table["migrated"] = share
    table["visits_after"] = table["visits"] * (1 - share)
    after_sales = table["visits"] * share * after_sales_minutes
    table["minutes_after"] = table["visits_after"] * table["minutes_per_visit"] + after_sales
    table.loc["all"] = table.sum()
    whole = table.loc["all"]
    table.loc["all", "minutes_per_visit"] = whole["minutes"] / whole["visits"]
    table.loc["all", "migrated"] = 1 - whole["visits_after"] / whole["visits"]
    for end in ("", "_after"):
        table[f"staff_days{end}"] = table[f"minutes{end}"] / 60 / _STAFF_HOURS
    return table.reset_index()
