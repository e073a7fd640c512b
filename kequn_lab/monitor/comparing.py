"""Two results side by side: who moved, what drifted, whether a refit is due.

Labels and scorecards are enough; :func:`~kequn_lab.monitor.should_refit` sees more, where the
customer tables of both months are at hand.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from kequn_lab._words import Words, listed, percent
from kequn_lab.export.scorecard import Scorecard
from kequn_lab.monitor.matching import match_labels, migration_table
from kequn_lab.monitor.watch import AGEING, ALPHA, SHIFT_SD, attrition

__all__ = ["Comparison", "compare_labels", "scorecard_shift"]


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
        scale), ``level``: ``look`` from 0.1 standard deviations on, if chance does not explain
        it and the feature does not grow by itself, else ``none``.
    """
    later = {f.name: f for f in after.features}
    pairs = [(f, later[f.name]) for f in before.features if f.name in later]
    pairs = [(a, b) for a, b in pairs if a.log == b.log]
    shift = np.array([(b.mean - a.mean) / (a.scale * a.weight**0.5) for a, b in pairs])
    noise = stats.norm.isf(ALPHA / max(len(pairs), 1) / 2)
    noise *= np.sqrt(1 / max(before.customers, 1) + 1 / max(after.customers, 1))
    names = [a.name for a, _ in pairs]
    far = (np.abs(shift) >= SHIFT_SD) & (np.abs(shift) > noise) & ~np.isin(names, AGEING)
    level = np.where(far, "look", "none")
    return pd.DataFrame({"feature": names, "shift_sd": shift, "level": level})


def compare_labels(
    before: pd.DataFrame,
    after: pd.DataFrame,
    *,
    drift: pd.DataFrame,
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
        zh, en = (listed([words.variable(f, lang) for f in far], lang) for lang in ("zh", "en"))
        reasons.append((f"分布已变的变量：{zh}", f"spread differently than before: {en}"))
    return Comparison(
        both, len(old) - both, len(now) - both, _moves(migration), names, migration, matching,
        leaving, drift, tuple(reasons),
    )  # fmt: skip


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
