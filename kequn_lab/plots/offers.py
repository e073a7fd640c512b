"""Pictures of who gets what: the savings ladder, the funnel, the branch."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.ticker import PercentFormatter

from .canvas import axes, named, need, percent, segments_named
from .style import current, say
from .targets import BANKS

__all__ = ["branch_plot", "funnel_plot", "ladder_plot"]

_STAGES = {
    "acquire": ("拉新", "Acquire"),
    "activate": ("促活", "Activate"),
    "retain": ("留存", "Retain"),
    "convert": ("转化", "Convert"),
}
#: Liquid is light, long terms are dark; unplaced money is white.
_RUNGS = {"L0": "#CFE8F3", "L1": "#9ECAE1", "L2": "#6BAED6", "L3": "#2F7EBC", "L4": "#0B4A8F"}
_HATCHES = ("", "///", "...", "xxx")


def ladder_plot(
    table: pd.DataFrame,
    *,
    names: pd.DataFrame | None = None,
    ax: Axes | None = None,
) -> Axes:
    """The savings ladder: one bar per segment, from liquid (light) to five years.

    Parameters
    ----------
    table : DataFrame
        segment_id, rung_id, product_id, share (of the money; adds up to 1 per bar); if there
        amount_cny. As ``products.ladder_by_segment``.
    names : DataFrame, optional
        product_id, name_zh, name_en, and if there status_today: ended products are marked.
    ax : Axes, optional

    Returns
    -------
    Axes
        Its foot says that it is teaching material.

    Raises
    ------
    ValueError
        A column is missing.
    """
    need(table, ["segment_id", "rung_id", "product_id", "share"], "ladder_plot")
    table = table.sort_values("rung_id", kind="stable")
    rows = list(dict.fromkeys(table.sort_index()["segment_id"]))
    kinds = list(dict.fromkeys(zip(table["rung_id"], table["product_id"])))
    title = dict(zip(dict.fromkeys(p for _, p in kinds), named([p for _, p in kinds], names)))
    ended = {} if names is None or "status_today" not in names else (
        names.set_index("product_id")["status_today"].astype("str").str.startswith("ended").to_dict()
    )  # fmt: skip
    share = table.pivot_table(
        "share", "segment_id", ["rung_id", "product_id"], aggfunc="sum", observed=True
    )
    share = share.reindex(rows).fillna(0)
    ax = axes(ax, (9, 1.7 + 0.5 * len(rows)))
    left, seen = np.zeros(len(rows)), dict[str, int]()
    for rung, product in kinds:
        width = share[rung, product].to_numpy()
        color = _RUNGS.get(rung, "white")
        hatch = _HATCHES[seen.setdefault(rung, 0) % len(_HATCHES)]
        seen[rung] += 1
        text = f"{'' if rung == 'unplaced' else rung + ' '}{title[product]}"
        text += say("（已停）", " (ended)") if ended.get(product) else ""
        ax.barh(range(len(rows)), width, left=left, color=color, hatch=hatch, height=0.7,
                edgecolor="0.3", lw=0.5, label=text)  # fmt: skip
        _shares(ax, left, width, color, hatched=bool(hatch))
        left += width
    if "amount_cny" in table:
        total = table.groupby("segment_id", observed=True)["amount_cny"].sum().reindex(rows)
        for y, money in enumerate(total):
            ax.text(1.01, y, _money(money), va="center", fontsize=8.5)
    ax.set_yticks(range(len(rows)), segments_named(rows)["label"])
    ax.set(xlim=(0, 1), ylim=(len(rows) - 0.4, -0.6))
    ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    text = say(
        "资金占比。教学材料，不构成投资建议；各档比例为假设",
        "Share of the money. Teaching material, not advice; shares are assumptions",
    )
    ax.set_xlabel(text)
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=3, fontsize=8)
    return ax


def _shares(ax: Axes, left, width, color: str, *, hatched: bool) -> None:
    """The share in the middle of each piece that is wide enough for it."""
    dark = sum(to_rgb(color)) < 1.6
    for y in np.flatnonzero(width >= 0.05).tolist():
        ax.text(left[y] + width[y] / 2, y, percent(width[y]), ha="center", va="center",
                fontsize=8, color="white" if dark else "0.1",
                bbox={"fc": color, "ec": "none", "pad": 1} if hatched else None)  # fmt: skip


def _money(cny: float) -> str:
    if current().language == "zh":
        size, unit = next(((s, u) for s, u in ((1e8, "亿"), (1e4, "万")) if cny >= s), (1, ""))
        return f"{cny / size:,.1f} {unit}元" if unit else f"{cny:,.0f} 元"
    size, unit = next(((s, u) for s, u in ((1e6, "m"), (1e3, "k")) if cny >= s), (1, ""))
    return f"CNY {cny / size:,.1f}{unit}" if unit else f"CNY {cny:,.0f}"


def funnel_plot(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """The four stages of new customers, group beside group, with intervals.

    Parameters
    ----------
    table : DataFrame
        group (segments, or any name), stage, of, share, low, high. As ``products.funnel``.
    ax : Axes, optional

    Returns
    -------
    Axes
        Groups differ in colour and marker; the legend gives the number of new customers.

    Raises
    ------
    ValueError
        A column is missing, or a stage is unknown.
    """
    need(table, ["group", "stage", "of", "share", "low", "high"], "funnel_plot")
    if strange := set(table["stage"]) - set(_STAGES):
        raise ValueError(f"funnel_plot: stages are {', '.join(_STAGES)}; found {sorted(strange)}")
    groups = list(dict.fromkeys(table["group"]))
    looks = segments_named(groups)
    own = named(groups)
    ax = axes(ax, (8.5, 4.6))
    step = min(0.14, 0.7 / len(groups))
    for g, group in enumerate(groups):
        rows = table[table["group"] == group].set_index("stage").reindex(list(_STAGES))
        x = np.arange(len(_STAGES)) + (g - (len(groups) - 1) / 2) * step
        look, n = looks.loc[group].copy(), rows["of"].max()
        look["color"] = BANKS.get(group, look["color"])
        error = [rows["share"] - rows["low"], rows["high"] - rows["share"]]
        label = own[g] if own[g] != str(group) else look["label"]
        ax.errorbar(x, rows["share"], yerr=np.clip(error, 0, None), fmt="none",
                    ecolor=look["color"], elinewidth=1.6, capsize=2)  # fmt: skip
        ax.plot(x, rows["share"], look["marker"], color=look["color"], ms=7, mec="0.2", mew=0.6,
                label=f"{label}  (n = {n:,.0f})")  # fmt: skip
    ax.set_xticks(range(len(_STAGES)), [say(*_STAGES[s]) for s in _STAGES])
    for edge in np.arange(len(_STAGES) - 1) + 0.5:
        ax.axvline(edge, color="0.92", lw=1)
    ax.set(ylim=(0, 1.03), xlim=(-0.6, len(_STAGES) - 0.4))
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.grid(axis="y")
    ax.set_ylabel(say("新客户中达到该阶段的占比", "Share of the new customers"))
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1))
    return ax


def branch_plot(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Staff days at the counter per segment, now and after a scenario of migration.

    Parameters
    ----------
    table : DataFrame
        segment_id, staff_days, staff_days_after, migrated. As ``products.branch_load``; the row
        ``all`` is not drawn.
    ax : Axes, optional

    Returns
    -------
    Axes
        Empty frames are now, bars after the move; the share that moves is written beside them.

    Raises
    ------
    ValueError
        A column is missing.
    """
    need(table, ["segment_id", "staff_days", "staff_days_after", "migrated"], "branch_plot")
    rows = table[table["segment_id"] != "all"].sort_values("staff_days", ascending=False)
    looks = segments_named(rows["segment_id"])
    ax = axes(ax, (8, 1 + 0.42 * len(rows)))
    y = np.arange(len(rows))
    ax.barh(y, rows["staff_days"], height=0.72, color="none", edgecolor="0.3", lw=1,
            label=say("现在", "Now"))  # fmt: skip
    ax.barh(y, rows["staff_days_after"], height=0.72, color=looks["color"], alpha=0.8, lw=0,
            label=say("迁移后（情景）", "After (scenario)"))  # fmt: skip
    end = rows[["staff_days", "staff_days_after"]].max(axis=1)
    for at, x, share in zip(y, end, rows["migrated"]):
        text = say(f"{percent(share)} 转线上", f"{percent(share)} go online")
        ax.annotate(text, (x, at), (6, 0), textcoords="offset points", va="center", fontsize=8.5)
    ax.set_yticks(y, looks["label"])
    ax.set(ylim=(len(rows) - 0.4, -0.6), xlim=(0, end.max() * 1.2))
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    text = say(
        "柜台人工（人日；空框：现在，实条：情景，非预测）",
        "Staff days at the counter (outline: now; bar: a scenario, no forecast)",
    )
    ax.set_xlabel(text)
    return ax
