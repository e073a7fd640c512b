"""Is a refit due? What left, what is new and what moved since the model was made.

Three questions, each with a threshold that is stated and can be changed: does a segment lose
its customers, is there a dense group where hardly anybody was, do the same customers behave
differently. :func:`should_refit` puts them together.

Compare like with like: the same season (this quarter and the same quarter of last year, or
windows of whole years), or the calendar itself will be found to have changed.
:func:`should_refit` knows the dates and judges no behaviour across seasons.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from kequn_lab._statistics import wilson
from kequn_lab.export._nearest import coordinates
from kequn_lab.export.scorecard import Scorecard
from kequn_lab.monitor.drift import feature_drift

__all__ = ["Verdict", "attrition", "mean_shift", "new_groups", "should_refit"]

ALPHA = 0.001  # of each test, divided by the number of tests
LEAVING_SHARE, LEAVING_RATIO = 0.1, 3.0
NEW_RATIO, CELLS = 5.0, 40
#: A group of fewer of the customers is no reason to fit again, whether it comes or goes.
LEAST_SHARE = 0.03
SHIFT_SD = 0.1
#: These grow with the calendar for everybody; that is no change of behaviour.
AGEING = ("age_years", "tenure_years")
#: Windows shorter than whole years must end within so many days of the same date in the year.
SEASON_DAYS = 7


@dataclass(frozen=True)
class Verdict:
    """Whether to refit, and why.

    Attributes
    ----------
    refit : bool
    reasons : tuple of str
        In English; empty if nothing was found.
    evidence : DataFrame
        ``check`` (``attrition``, ``new group``, ``mean shift``, ``spread``), ``what``, ``before``,
        ``now``, ``threshold``, ``found``: every comparison made, also those without a finding.
    reasons_zh : tuple of str
        The same reasons in Chinese.
    same_season : bool
        False if the windows are of different seasons: then only attrition was judged, and the
        first reason says so.
    """

    refit: bool
    reasons: tuple[str, ...]
    evidence: pd.DataFrame
    reasons_zh: tuple[str, ...] = ()
    same_season: bool = True


def attrition(before: pd.Series, now: pd.Index) -> pd.DataFrame:
    """Which segment loses its customers.

    Parameters
    ----------
    before : Series
        Segment ids indexed by customer id.
    now : Index
        Ids of today's customers.

    Returns
    -------
    DataFrame
        One row per segment: ``segment_id``, ``customers``, ``left``, ``left_share`` with
        ``low`` and ``high`` (95 %, Wilson), ``others_share`` (of the rest), ``leaving``: the
        segment had at least 3 % of all customers, at least a tenth left, three times the others'
        share, and Fisher's test says it is no chance (0.001 over all segments).

    Examples
    --------
    >>> before = pd.Series(["a"] * 100 + ["b"] * 100, index=range(200))
    >>> attrition(before, pd.Index(range(60, 200)))[["segment_id", "left_share", "leaving"]]
      segment_id  left_share  leaving
    0          a         0.6     True
    1          b         0.0    False
    """
    before = before.dropna()
    left = ~before.index.isin(now)
    table = pd.Series(left, index=before.index).groupby(before.to_numpy()).agg(["size", "sum"])
    n, gone = table["size"].to_numpy(), table["sum"].to_numpy()
    rest, rest_gone = n.sum() - n, gone.sum() - gone
    low, high = wilson(gone, n)
    others = rest_gone / np.maximum(rest, 1)
    chance = [
        stats.fisher_exact([[g, a - g], [h, b - h]], alternative="greater")[1]
        for a, g, b, h in zip(n, gone, rest, rest_gone)
    ]
    share = gone / n
    leaving = (share >= LEAVING_SHARE) & (share >= LEAVING_RATIO * others)
    leaving &= np.array(chance) < ALPHA / len(n)
    leaving &= n >= LEAST_SHARE * n.sum()
    return pd.DataFrame(
        {"segment_id": table.index, "customers": n, "left": gone, "left_share": share,
         "low": low, "high": high, "others_share": others, "leaving": leaving}
    )  # fmt: skip


def new_groups(
    card: Scorecard,
    before: pd.DataFrame,
    now: pd.DataFrame,
    *,
    random_state: int = 0,
) -> pd.DataFrame:
    """Dense groups of customers where hardly anybody was before.

    The customers of both months are cut into small cells (k-means in the scorecard's space);
    a cell counts as new if it holds five times its share of before and more than chance allows
    (binomial test, 0.001 over all cells), and if such cells near one segment hold at least 3 %
    of today's customers.

    Parameters
    ----------
    card : Scorecard
    before, now : DataFrame
        Customer tables, indexed by customer id. Leave out customers who opened within the
        window: fewer months of events make them look like a new kind.
    random_state : int

    Returns
    -------
    DataFrame
        One row per cell, the most grown first: ``cell``, ``before_share``, ``now_share``,
        ``customers`` (today), ``newcomers_share`` of them, ``near`` (the segment that most of
        them would get), ``stands_out`` (where the cell differs most from that segment's
        centre, in standard deviations), ``new``.
    """
    then, today = coordinates(card, before), coordinates(card, now)
    both = np.vstack([then, today])
    n_cells = min(CELLS, max(1, len(both) // 25))
    with threadpool_limits(1):
        cells = KMeans(n_cells, n_init=1, random_state=random_state).fit(both)
    a = np.bincount(cells.labels_[: len(then)], minlength=n_cells)
    b = np.bincount(cells.labels_[len(then) :], minlength=n_cells)
    chance = stats.binom.sf(b - 1, a + b, len(today) / len(both))
    a_share, b_share = a / len(then), b / len(today)
    grown = (b_share >= NEW_RATIO * a_share) & (chance < ALPHA / n_cells)
    mine = pd.DataFrame({"cell": cells.labels_[len(then) :]}, index=now.index)
    mine["newcomer"] = ~now.index.isin(before.index)
    mine["cluster"] = card.predict(now).to_numpy()
    rows = []
    for cell in np.argsort(chance, kind="stable"):
        members = mine[mine["cell"] == cell]
        near = members["cluster"].dropna().mode()
        segment = card.segments[int(near.iloc[0])] if len(near) else None
        rows.append(
            {
                "cell": int(cell),
                "before_share": a_share[cell],
                "now_share": b_share[cell],
                "customers": int(b[cell]),
                "newcomers_share": members["newcomer"].mean(),
                "near": segment.segment_id if segment else "",
                "stands_out": _stands_out(card, cells.cluster_centers_[cell], segment),
                "new": bool(grown[cell]),
            }
        )
    out = pd.DataFrame(rows)
    together = (out["now_share"] * out["new"]).groupby(out["near"]).transform("sum")
    return out.assign(new=out["new"] & (together >= LEAST_SHARE))


def mean_shift(card: Scorecard, before: pd.DataFrame, now: pd.DataFrame) -> pd.DataFrame:
    """Do the same customers behave differently? The mean change of each feature.

    Parameters
    ----------
    card : Scorecard
    before, now : DataFrame
        Customer tables, indexed by customer id; those in both are compared.

    Returns
    -------
    DataFrame
        One row per feature: ``feature``, ``shift_sd`` (mean change on the model's scale, in
        standard deviations of the training) with ``low`` and ``high`` (95 %), ``noise_sd`` (what
        the mean stays below by chance, 0.001 over all features), ``shifted``: at least 0.1 and
        above the noise; never for age and tenure, which grow by themselves.

    Raises
    ------
    ValueError
        Fewer than 30 customers are in both months.
    """
    common = before.index.intersection(now.index)
    if len(common) < 30:
        raise ValueError(
            f"{len(common)} customers are in both months, 30 are needed; are the ids of one kind?"
        )
    change = coordinates(card, now.loc[common]) - coordinates(card, before.loc[common])
    weights = [f.weight for f in card.features]
    weights += [c.weight for c in card.categories for _ in c.axes]
    change /= np.sqrt(weights)
    mean = change.mean(axis=0)
    error = change.std(axis=0, ddof=1) / np.sqrt(len(common))
    noise = stats.norm.isf(ALPHA / len(mean) / 2) * error
    names = np.array(card.axes)
    shifted = (np.abs(mean) >= SHIFT_SD) & (np.abs(mean) > noise) & ~np.isin(names, AGEING)
    return pd.DataFrame(
        {"feature": names, "shift_sd": mean, "low": mean - 1.96 * error,
         "high": mean + 1.96 * error, "noise_sd": noise, "shifted": shifted}
    )  # fmt: skip


def should_refit(
    card: Scorecard,
    before: pd.DataFrame,
    now: pd.DataFrame,
    *,
    months: int | None = None,
    as_of=None,
) -> Verdict:
    """Put the evidence together.

    Parameters
    ----------
    card : Scorecard
        The model in use; ``trained_on`` is the last day of its window.
    before : DataFrame
        Customer table of its training, indexed by customer id.
    now : DataFrame
        Customer table of today, same columns, window of the same length.
    months : int, optional
        Window of the features; the scorecard's, or 12 if it names none. Customers who opened
        within it (``tenure_years``, if the tables have it) are left out where spreads are
        compared: with a window of a year, a new kind of customer shows in its second year. A
        quarter against last year's sees it sooner.
    as_of : date-like, optional
        Last day of the window of ``now``; by default the one that
        :func:`~kequn_lab.features.customer_features` noted in ``now.attrs``. Needed unless the
        window is of whole years.

    Returns
    -------
    Verdict
        ``refit`` is False if a column looks to be in another unit: then correct the input, not
        the model. If the two windows are of different seasons (they are no whole years, and
        their last days lie more than a week apart in the year), only attrition is judged: the
        calendar alone would look like a change of behaviour.

    Raises
    ------
    ValueError
        A feature is lacking; too few common customers; the window is shorter than a year and
        the last day of ``now`` is not known.
    """
    months = months or card.months or 12
    season = _other_season(card.trained_on, _last_day(now, as_of), months)
    leaving = attrition(_segments(card, before), now.index)
    evidence = [
        _evidence("attrition", leaving["segment_id"], leaving["others_share"],
                  leaving["left_share"], LEAVING_SHARE, leaving["leaving"])
    ]  # fmt: skip
    reasons = [
        (f"{r.segment_id} 在流失：{r.left_share:.0%} 已离开，其余客户为 {r.others_share:.0%}",
         f"{r.segment_id} is leaving: {r.left_share:.0%} gone, {r.others_share:.0%} of the others")
        for r in leaving[leaving["leaving"]].itertuples()
    ]  # fmt: skip
    if season:
        refit, reasons = bool(reasons), [season, *reasons]
    else:
        units, found, more = _behaviour(card, _settled(before, months), _settled(now, months))
        evidence += more
        reasons = [*units, *reasons, *found]
        refit = bool(reasons) and not units
    zh, en = (tuple(r[i] for r in reasons) for i in (0, 1))
    return Verdict(refit, en, pd.concat(evidence, ignore_index=True), zh, not season)


def _behaviour(card, old, today):
    """What changed in the features: units in doubt, reasons to refit, evidence."""
    groups = new_groups(card, old, today)
    moved = mean_shift(card, old, today)
    spread = feature_drift(card, today)
    spread.loc[spread["feature"].isin(AGEING), "level"] = "none"
    new_levels = "levels not seen at the training", "训练时没有的类别"
    spread["hint_zh"] = spread["hint"].str.replace(*new_levels)
    evidence = [
        _evidence("new group", "near " + groups["near"], groups["before_share"],
                  groups["now_share"], LEAST_SHARE, groups["new"]),
        _evidence("mean shift", moved["feature"], 0.0, moved["shift_sd"], SHIFT_SD,
                  moved["shifted"]),
        _evidence("spread", spread["feature"], 0.0, spread["psi"], np.maximum(
                  spread["critical_value"], 0.1), spread["level"] != "none"),
    ]  # fmt: skip
    units = [
        (f"{r.feature} 的单位似乎不同：应乘以 {r.factor:g}；请先更正输入",
         f"{r.hint}: correct the input first")
        for r in spread[spread["factor"] != 1].itertuples()
    ]  # fmt: skip
    new = groups[groups["new"]]
    reasons = [
        (f"{near} 附近出现新的客户群：占客户的 {rows['now_share'].sum():.1%}，此前为 "
         f"{rows['before_share'].sum():.1%}；{rows['stands_out'].iloc[0]}",
         f"new group near {near}: {rows['now_share'].sum():.1%} of customers, "
         f"{rows['before_share'].sum():.1%} before; {rows['stands_out'].iloc[0]}")
        for near, rows in new.groupby("near", sort=False)
    ]  # fmt: skip
    reasons += [
        (f"同一批客户的 {r.feature} 变了：{r.shift_sd:+.2f} 个标准差",
         f"the same customers moved in {r.feature}: {r.shift_sd:+.2f} standard deviations")
        for r in moved[moved["shifted"]].itertuples()
    ]  # fmt: skip
    reasons += [
        (f"{r.feature} 的分布变了：稳定性指数 {r.psi:.2f}" + f"；{r.hint_zh}" * bool(r.hint_zh),
         f"{r.feature} is spread differently: stability index {r.psi:.2f} ({r.level})"
         + f"; {r.hint}" * bool(r.hint))
        for r in spread[(spread["level"] != "none") & (spread["factor"] == 1)].itertuples()
    ]  # fmt: skip
    return units, reasons, evidence


def _last_day(now: pd.DataFrame, as_of) -> pd.Timestamp | None:
    day = now.attrs.get("window", {}).get("last_day") if as_of is None else as_of
    return None if day is None else pd.Timestamp(day).normalize()


def _other_season(trained_on: str, last_day, months: int) -> tuple[str, str] | None:
    """In Chinese and English, if the two windows cannot be compared because of the season."""
    if months % 12 == 0:
        return None
    if last_day is None:
        raise ValueError(
            f"the window is {months} months, so the season matters: give as_of, the last day of "
            "the window of today's table"
        )
    days = abs((last_day - pd.Timestamp(trained_on)).days) % 365.25
    if min(days, 365.25 - days) <= SEASON_DAYS:
        return None
    then, today = trained_on, f"{last_day:%Y-%m-%d}"
    return (
        f"季节不同：两个窗口各 {months} 个月，分别截至 {then} 和 {today}；只判断流失，"
        "请与去年同期比较",
        f"other season: the windows of {months} months end on {then} and {today}; only attrition "
        "is judged, compare with the same months of another year",
    )


def _segments(card: Scorecard, table: pd.DataFrame) -> pd.Series:
    clusters = card.predict(table).dropna().astype(int)
    return clusters.map({s.cluster: s.segment_id for s in card.segments})


def _settled(table: pd.DataFrame, months: int) -> pd.DataFrame:
    if "tenure_years" not in table:
        return table
    return table[~(table["tenure_years"] < months / 12)]


def _stands_out(card: Scorecard, cell: NDArray, segment) -> str:
    gap = cell - (0 if segment is None else np.array(segment.centre))
    top = np.argsort(-np.abs(gap))[:3]
    return ", ".join(f"{card.axes[j]} {gap[j]:+.1f}" for j in top)


def _evidence(check, what, before, now, threshold, found) -> pd.DataFrame:
    columns = {"what": what, "before": before, "now": now, "threshold": threshold, "found": found}
    return pd.DataFrame(columns).assign(check=check)[["check", *columns]]
