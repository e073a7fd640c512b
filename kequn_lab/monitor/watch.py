"""Is a refit due? What left, what is new and what moved since the model was made.

Three questions, each with a threshold that is stated and can be changed: does a segment lose
its customers, is there a dense group where hardly anybody stood, do the same customers behave
differently. :func:`should_refit` puts them together.

Compare like with like: the same season (this quarter and the same quarter of last year, or
windows of twelve months), or the calendar itself will be found to have changed.
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
NEW_SHARE, NEW_RATIO, CELLS = 0.03, 5.0, 40
SHIFT_SD = 0.1
#: These grow with the calendar for everybody; that is no change of behaviour.
AGEING = ("age_years", "tenure_years")


@dataclass(frozen=True)
class Verdict:
    """Whether to refit, and why.

    Attributes
    ----------
    refit : bool
    reasons : tuple of str
        In words; empty if nothing was found.
    evidence : DataFrame
        ``check`` (``attrition``, ``new group``, ``mean shift``, ``spread``), ``what``, ``before``,
        ``now``, ``threshold``, ``found``: every comparison made, also those without a finding.
    """

    refit: bool
    reasons: tuple[str, ...]
    evidence: pd.DataFrame


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
        ``low`` and ``high`` (95 %, Wilson), ``others_share`` (of the rest), ``leaving``: at
        least a tenth left, three times the others' share, and Fisher's test says it is no
        chance (0.001 over all segments).

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
    """Dense groups of customers where hardly anybody stood before.

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
    return out.assign(new=out["new"] & (together >= NEW_SHARE))


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
    mean = change.mean(axis=0)
    error = change.std(axis=0, ddof=1) / np.sqrt(len(common))
    noise = stats.norm.isf(ALPHA / len(mean) / 2) * error
    names = np.array(card.feature_names)
    shifted = (np.abs(mean) >= SHIFT_SD) & (np.abs(mean) > noise) & ~np.isin(names, AGEING)
    return pd.DataFrame(
        {"feature": names, "shift_sd": mean, "low": mean - 1.96 * error,
         "high": mean + 1.96 * error, "noise_sd": noise, "shifted": shifted}
    )  # fmt: skip


def should_refit(
    card: Scorecard, before: pd.DataFrame, now: pd.DataFrame, *, months: int = 12
) -> Verdict:
    """Put the evidence together.

    Parameters
    ----------
    card : Scorecard
        The model in use.
    before : DataFrame
        Customer table of its training, indexed by customer id.
    now : DataFrame
        Customer table of today, same columns, same season.
    months : int
        Window of the features. Customers who opened within it (``tenure_years``, if the tables
        have it) are left out where spreads are compared: with a window of a year, a new kind of
        customer shows in its second year. A quarter against last year's sees it sooner.

    Returns
    -------
    Verdict
        ``refit`` is False if a column looks to be in another unit: then correct the input, not
        the model.

    Raises
    ------
    ValueError
        A feature is lacking; too few common customers.
    """
    leaving = attrition(_segments(card, before), now.index)
    old, today = _settled(before, months), _settled(now, months)
    groups = new_groups(card, old, today)
    moved = mean_shift(card, old, today)
    spread = feature_drift(card, today)
    spread.loc[spread["feature"].isin(AGEING), "level"] = "none"
    evidence = pd.concat(
        [
            _evidence("attrition", leaving["segment_id"], leaving["others_share"],
                      leaving["left_share"], LEAVING_SHARE, leaving["leaving"]),
            _evidence("new group", "near " + groups["near"], groups["before_share"],
                      groups["now_share"], NEW_SHARE, groups["new"]),
            _evidence("mean shift", moved["feature"], 0.0, moved["shift_sd"], SHIFT_SD,
                      moved["shifted"]),
            _evidence("spread", spread["feature"], 0.0, spread["psi"], np.maximum(
                      spread["critical_value"], 0.1), spread["level"] != "none"),
        ],
        ignore_index=True,
    )  # fmt: skip
    units = [h for h in spread["hint"] if h]
    reasons = [f"{h}: correct the input first" for h in units]
    reasons += [
        f"{r.segment_id} is leaving: {r.left_share:.0%} gone, {r.others_share:.0%} of the others"
        for r in leaving[leaving["leaving"]].itertuples()
    ]
    found = groups[groups["new"]]
    reasons += [
        f"new group near {near}: {rows['now_share'].sum():.1%} of customers, "
        f"{rows['before_share'].sum():.1%} before; {rows['stands_out'].iloc[0]}"
        for near, rows in found.groupby("near", sort=False)
    ]
    reasons += [
        f"the same customers moved in {r.feature}: {r.shift_sd:+.2f} standard deviations"
        for r in moved[moved["shifted"]].itertuples()
    ]
    reasons += [
        f"{r.feature} is spread differently: stability index {r.psi:.2f} ({r.level})"
        for r in spread[(spread["level"] != "none") & (spread["hint"] == "")].itertuples()
    ]
    return Verdict(bool(reasons) and not units, tuple(reasons), evidence)


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
    return ", ".join(f"{card.features[j].name} {gap[j]:+.1f}" for j in top)


def _evidence(check, what, before, now, threshold, found) -> pd.DataFrame:
    columns = {"what": what, "before": before, "now": now, "threshold": threshold, "found": found}
    return pd.DataFrame(columns).assign(check=check)[["check", *columns]]
