"""Two results side by side: who moved, what drifted, whether a refit is due.

Labels and scorecards are enough; :func:`~kequn_lab.monitor.should_refit` sees more, where the
customer tables of both months are at hand.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from kequn_lab._words import Words, listed, percent
from kequn_lab.export.scorecard import Scorecard
from kequn_lab.features._levels import MISSING, OTHER
from kequn_lab.monitor.matching import match_labels, migration_table
from kequn_lab.monitor.watch import AGEING, ALPHA, SHIFT_SD, attrition

__all__ = ["Comparison", "compare_labels", "level_shift", "scorecard_shift"]

_NAMED = 3  # levels of a category in a message, at most


@dataclass(frozen=True)
class Comparison:
    """What became of the customers of an earlier result.

    Attributes
    ----------
    both, left, new : int
        Customers in both results, in the earlier, in the later only.
    moves : DataFrame
        One row per earlier segment: ``segment_id``, ``customers``, ``same_share``,
        ``left_share``, and where most of the others are now: ``to``, ``to_share``. A segment
        that only the later result has is called ``… (new)``.
    names : Words
        How the segments are called.
    migration, matching, attrition, drift : DataFrame
        As :func:`migration_table`, :func:`match_labels`, :func:`attrition`; the drift as it
        was given.
    reasons : tuple of (str, str)
        For a refit, in Chinese and in English; empty if there is none.
    """

    both: int
    left: int
    new: int
    moves: pd.DataFrame
    names: Words
    migration: pd.DataFrame
    matching: pd.DataFrame
    attrition: pd.DataFrame
    drift: pd.DataFrame
    reasons: tuple[tuple[str, str], ...]


def scorecard_shift(before: Scorecard, after: Scorecard) -> pd.DataFrame:
    """How far the mean of each feature moved between two trainings.

    Returns
    -------
    DataFrame
        One row per feature that both have: ``feature``, ``shift_sd`` (on the earlier model's
        scale; of a category that of the level that moved most), ``level``: ``look`` from 0.1
        standard deviations on, if chance does not explain it and the feature does not grow by
        itself, else ``none``.
    """
    later = {f.name: f for f in after.features}
    pairs = [(f, later[f.name]) for f in before.features if f.name in later]
    pairs = [(a, b) for a, b in pairs if a.log == b.log]
    shift = np.array([(b.mean - a.mean) / (a.scale * a.weight**0.5) for a, b in pairs])
    names = [a.name for a, _ in pairs]
    far = _far(shift, before, after) & ~np.isin(names, AGEING)
    out = pd.DataFrame(
        {"feature": names, "shift_sd": shift, "level": np.where(far, "look", "none")}
    )
    levels = level_shift(before, after)
    levels = levels.sort_values("shift_sd", key=np.abs, ascending=False, kind="stable")
    most = levels.drop_duplicates("feature").set_index("feature")["shift_sd"]
    moved = levels.groupby("feature", sort=False)["moved"].any().reindex(most.index)
    level = np.where(moved.astype(bool), "look", "none")
    of_categories = pd.DataFrame(
        {"feature": most.index, "shift_sd": most.to_numpy(), "level": level}
    )
    return pd.concat([t for t in (out, of_categories) if len(t)] or [out], ignore_index=True)


def level_shift(before: Scorecard, after: Scorecard) -> pd.DataFrame:
    """How the shares of the levels of categories changed between two trainings.

    Parameters
    ----------
    before, after : Scorecard

    Returns
    -------
    DataFrame
        One row per level of each category that both have: ``feature``, ``level``,
        ``share_before``, ``share_now`` (0 to 1, of all customers), ``shift_sd`` (the difference
        in standard deviations of having the level), ``moved``: from 0.1 on, if chance does not
        explain it. Levels that one of the two counts among the rare ones are left out.
    """
    later, rows = {c.name: c for c in after.categories}, []
    for a in before.categories:
        if (b := later.get(a.name)) is None:
            continue
        shares = [_shares(c) for c in (a, b)]
        rare = (set(shares[0]) & _pooled(b)) | (set(shares[1]) & _pooled(a))
        left_out = rare | ({OTHER} if rare else set())
        for level in dict.fromkeys([*shares[0], *shares[1]]):
            if level not in left_out:
                rows.append((a.name, level, *(s.get(level, 0.0) for s in shares)))
    out = pd.DataFrame(rows, columns=["feature", "level", "share_before", "share_now"])
    out = out.astype({"share_before": float, "share_now": float})
    both = (out["share_before"] + out["share_now"]) / 2
    spread = np.sqrt(both * (1 - both))
    out["shift_sd"] = (out["share_now"] - out["share_before"]) / spread.where(spread > 0, 1.0)
    return out.assign(moved=_far(out["shift_sd"].to_numpy(), before, after))


def _shares(category) -> dict[str, float]:
    """The share of customers at each level, the missing among them."""
    out = {x.level: x.share for x in category.levels}
    return out if category.missing is not None else {**out, MISSING: category.missing_share}


def _pooled(category) -> set[str]:
    """The texts that were too rare to be levels."""
    other = (x.spellings for x in category.levels if x.level == OTHER)
    return set(category.rare).union(*other)


def _far(shift: NDArray, before: Scorecard, after: Scorecard) -> NDArray:
    """From 0.1 standard deviations on, and more than chance gives to the largest of them."""
    noise = stats.norm.isf(ALPHA / max(len(shift), 1) / 2)
    noise *= np.sqrt(1 / max(before.customers, 1) + 1 / max(after.customers, 1))
    return (np.abs(shift) >= SHIFT_SD) & (np.abs(shift) > noise)


def compare_labels(
    before: pd.DataFrame,
    after: pd.DataFrame,
    *,
    drift: pd.DataFrame,
    levels: pd.DataFrame | None = None,
    refitted: bool = False,
    words: Words | None = None,
) -> Comparison:
    """Compare the labels of two results.

    Parameters
    ----------
    before, after : DataFrame
        ``customer_id``, ``segment_id``, ``name_zh``, ``name_en``.
    drift : DataFrame
        As :func:`~kequn_lab.monitor.feature_drift` or :func:`scorecard_shift`.
    levels : DataFrame, optional
        Shares of the levels of categories, as :func:`level_shift`; the reasons name those that
        changed most.
    refitted : bool
        ``after`` comes from another fit: a segment is the one that shares its customers, whatever
        its id.
    words : Words, optional
        Names of the features.

    Raises
    ------
    ValueError
        No customer is in both.

    Examples
    --------
    >>> before = pd.DataFrame({"customer_id": list("abcd"), "segment_id": ["x", "x", "y", "y"],
    ...                        "name_zh": "", "name_en": ""})
    >>> after = before.iloc[:3].assign(segment_id=["x", "y", "y"])
    >>> none = pd.DataFrame(columns=["feature", "level"])
    >>> compare_labels(before, after, drift=none).moves
      segment_id  customers  same_share  left_share to  to_share
    0          x          2         0.5         0.0  y       0.5
    1          y          2         0.5         0.5        0.0
    """
    words = words or Words()
    old, now = (t.set_index("customer_id")["segment_id"] for t in (before, after))
    matching = match_labels(old, now)
    same: dict = {}
    if refitted:
        kept = matching[matching["event"] == "kept"]
        same = {a: f"{a} (new)" for a in now.unique()} | dict(zip(kept["after"], kept["before"]))
    migration = migration_table(old, now.replace(same))
    both = int(old.index.isin(now.index).sum())
    leaving = attrition(old, now.index)
    fresh = after.assign(segment_id=after["segment_id"].map(lambda s: same.get(s, s)))
    names = Words.of(segments=pd.concat([before, fresh]))
    reasons = [
        (
            f"{names.segment(r.segment_id, 'zh')}在流失：{percent(r.left_share)} 已离开，"
            f"其余客户为 {percent(r.others_share)}",
            f"{names.segment(r.segment_id, 'en')} is leaving: {percent(r.left_share)} gone, "
            f"{percent(r.others_share)} of the others",
        )
        for r in leaving[leaving["leaving"]].itertuples()
    ]
    if refitted:
        gone = [s for s in dict.fromkeys(before["segment_id"]) if s not in set(kept["before"])]
        if gone:
            zh, en = (listed([names.segment(s, lang) for s in gone], lang) for lang in ("zh", "en"))
            reasons.append((f"没有重现的客群：{zh}", f"not found again: {en}"))
        if drift.empty:
            reasons.append(("两个模型没有共同的变量", "the two models have no feature in common"))
    far = drift[(drift["level"] != "none") & ~drift["feature"].isin(AGEING)]["feature"]
    if len(far):
        zh, en = (
            listed([f"{words.variable(f, lang)}{_levels_of(f, levels, lang)}" for f in far], lang)
            for lang in ("zh", "en")
        )
        reasons.append((f"分布已变的变量：{zh}", f"spread differently than before: {en}"))
    return Comparison(
        both, len(old) - both, len(now) - both, _moves(migration), names, migration, matching,
        leaving, drift, tuple(reasons),
    )  # fmt: skip


def _levels_of(feature: str, levels: pd.DataFrame | None, language: str) -> str:
    """The levels of a category that changed most, in brackets; nothing for a number."""
    if levels is None or not (own := levels[levels["feature"] == feature]).size:
        return ""
    most = (own["share_now"] - own["share_before"]).abs().sort_values(ascending=False)
    said = ("、" if language == "zh" else ", ").join(
        f"{row.level} {percent(row.share_before)} → {percent(row.share_now)}"
        for row in own.loc[most.index[:_NAMED]].itertuples()
        if row.share_now != row.share_before
    )
    return f"（{said}）" if language == "zh" else f" ({said})"


def _moves(migration: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for segment, part in migration.groupby("segment_before", sort=False):
        if segment == "(new)":
            continue
        shares = part.set_index("segment_after")["share"]
        others = shares.drop([segment, "(left)"], errors="ignore")
        to = others.idxmax() if len(others) else ""
        rows.append(
            (segment, part["customers"].sum(), shares.get(segment, 0.0),
             shares.get("(left)", 0.0), to, others.max() if len(others) else 0.0)
        )  # fmt: skip
    names = ["segment_id", "customers", "same_share", "left_share", "to", "to_share"]
    out = pd.DataFrame(rows, columns=names)
    return out.sort_values("customers", ascending=False, kind="stable", ignore_index=True)
