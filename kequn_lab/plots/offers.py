"""Pictures of who gets what: people × goods × place, the savings ladder, the funnel, the branch."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle
from matplotlib.ticker import PercentFormatter

from kequn_lab._words import CHANNELS

from .canvas import GREY, axes, need, percent, segments_named
from .style import current, say
from .targets import BANKS, named

__all__ = ["branch_plot", "funnel_plot", "ladder_plot", "match_plot"]

_STAGES = {
    "acquire": ("拉新", "Acquire"),
    "activate": ("促活", "Activate"),
    "retain": ("留存", "Retain"),
    "convert": ("转化", "Convert"),
}
#: Liquid is light, long terms are dark; unplaced money is white.
_RUNGS = {"L0": "#CFE8F3", "L1": "#9ECAE1", "L2": "#6BAED6", "L3": "#2F7EBC", "L4": "#0B4A8F"}
_HATCHES = ("", "///", "...", "xxx")


def match_plot(
    matches: pd.DataFrame,
    *,
    n_products: int = 12,
    names: pd.DataFrame | None = None,
    ax: Axes | None = None,
) -> Axes:
    """People × goods × place: segments by products, the score as colour, the best place as word.

    Parameters
    ----------
    matches : DataFrame
        segment_id, product_id, channel_id, score (0 to 1). As ``products.match_products``.
    n_products : int
        The products with the best scores.
    names : DataFrame, optional
        product_id, name_zh, name_en.
    ax : Axes, optional

    Returns
    -------
    Axes
        A cell shows the best channel's score and name; a ring marks a segment's best product.

    Raises
    ------
    ValueError
        A column is missing, or no score is above 0.
    """
    need(matches, ["segment_id", "product_id", "channel_id", "score"], "match_plot")
    best = matches.sort_values("score", ascending=False, kind="stable")
    best = best.drop_duplicates(["segment_id", "product_id"])
    segments = list(dict.fromkeys(matches["segment_id"]))
    products = list(dict.fromkeys(best.loc[best["score"] > 0, "product_id"]))[:n_products]
    if not products:
        raise ValueError("match_plot: no score is above 0")
    cells = best.set_index(["segment_id", "product_id"])
    grid = cells["score"].unstack().reindex(segments, columns=products)  # noqa: PD010
    place = cells["channel_id"].unstack().reindex(segments, columns=products)  # noqa: PD010
    ax = axes(ax, (2.2 + 0.92 * len(products), 1.9 + 0.5 * len(segments)))
    top = float(np.nanmax(grid.to_numpy())) or 1.0
    image = ax.imshow(grid, cmap="Purples", vmin=0, vmax=top, aspect="auto")
    for (i, j), score in np.ndenumerate(grid.to_numpy()):
        if not score > 0:
            ax.text(j, i, "–", ha="center", va="center", color=GREY, fontsize=8)
            continue
        channel = say(*CHANNELS.get(place.iloc[i, j], (place.iloc[i, j],) * 2))
        ink = "white" if score > 0.62 * top else "0.1"
        ax.text(j, i, f"{score:.2f}\n{channel}", ha="center", va="center", fontsize=8, color=ink)
    for i, row in enumerate(grid.to_numpy()):
        if np.nanmax(row, initial=0) > 0:
            ax.add_patch(_frame(int(np.nanargmax(row)), i))
    ax.set_xticks(range(len(products)), named(products, names), rotation=35, ha="left",
                  rotation_mode="anchor")  # fmt: skip
    ax.xaxis.tick_top()
    ax.set_yticks(range(len(segments)), segments_named(segments)["label"])
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    bar = ax.figure.colorbar(image, ax=ax, fraction=0.03, pad=0.02)
    bar.set_label(say("得分 = 需求 × 可售 × 渠道", "Score = need × allowed × channel"))
    bar.outline.set_visible(False)
    text = say(
        "格内：最佳渠道；黑框：客群首选（需求权重为假设）",
        "In a cell: the best channel; frame: the segment's best (weights assumed)",
    )
    ax.set_xlabel(text)
    return ax


def _frame(x: int, y: int) -> Rectangle:
    return Rectangle((x - 0.47, y - 0.46), 0.94, 0.92, fill=False, ec="black", lw=1.6)


def ladder_plot(
    table: pd.DataFrame,
    *,
    by: str = "segment_id",
    names: pd.DataFrame | None = None,
    ax: Axes | None = None,
) -> Axes:
    """The savings ladder: one bar per segment or customer, from liquid (light) to five years.

    Parameters
    ----------
    table : DataFrame
        ``by``, rung_id, product_id, share (of the money; adds up to 1 per bar); if there
        amount_cny. As ``products.ladder_by_segment``, or some customers of ``Ladder.rungs``.
    by : str
        ``segment_id`` or ``customer_id``.
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
    need(table, [by, "rung_id", "product_id", "share"], "ladder_plot")
    table = table.sort_values("rung_id", kind="stable")
    rows = list(dict.fromkeys(table.sort_index()[by]))
    labels = segments_named(rows)["label"] if by == "segment_id" else [str(r) for r in rows]
    kinds = list(dict.fromkeys(zip(table["rung_id"], table["product_id"])))
    title = dict(zip(dict.fromkeys(p for _, p in kinds), named([p for _, p in kinds], names)))
    ended = {} if names is None or "status_today" not in names else (
        names.set_index("product_id")["status_today"].astype("str").str.startswith("ended").to_dict()
    )  # fmt: skip
    share = table.pivot_table("share", by, ["rung_id", "product_id"], aggfunc="sum", observed=True)
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
        total = table.groupby(by, observed=True)["amount_cny"].sum().reindex(rows)
        for y, money in enumerate(total):
            ax.text(1.01, y, _money(money), va="center", fontsize=8.5)
    ax.set_yticks(range(len(rows)), labels)
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
