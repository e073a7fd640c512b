"""Pictures of who is in each segment, from the tables of ``profiles``."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from .canvas import (
    EFFECT,
    HALO,
    axes,
    below,
    need,
    need_profile,
    panels,
    percent,
    row_keys,
    segments_of,
    signed,
    strongest,
    told_of,
    variables_of,
)  # fmt: skip
from .grids import heat_map
from .style import say

__all__ = ["profile_plot", "size_plot"]

#: Variables drawn at most: of those that mark a segment the ones with the largest effects.
MOST_BARS = 24


def size_plot(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Bars of the segments' shares, with intervals, of ``profiles.tables.size_table``."""
    need(table, ["segment_id", "share"], "size_plot")
    looks = segments_of(table)
    ax = axes(ax, (8, 0.8 + 0.38 * len(table)))
    y = np.arange(len(table))
    share = table["share"].to_numpy(float)
    own = looks.loc[table["segment_id"]]
    ax.barh(y, share, height=0.7, color=own["color"], edgecolor="0.25", lw=0.6)
    end = share
    if {"share_low", "share_high"} <= set(table.columns):
        low, high = table["share_low"].to_numpy(float), table["share_high"].to_numpy(float)
        error = np.clip([share - low, high - share], 0, None)
        ax.errorbar(share, y, xerr=error, fmt="none", ecolor="0.15", elinewidth=1.6,
                    path_effects=[HALO])  # fmt: skip
        end = np.maximum(share, high)
    counts = table["customers"] if "customers" in table else [None] * len(table)
    for at, x, value, n in zip(y, end, share, counts):
        text = percent(value, 1) + ("" if n is None else f"  ({n:,.0f})")
        ax.annotate(text, (x, at), (6, 0), textcoords="offset points", va="center", fontsize=9)
    ax.set_yticks(y, own["label"])
    ax.tick_params(axis="y", length=0)
    ax.set(ylim=(len(table) - 0.4, -0.6), xlim=(0, end.max() * 1.22))
    ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.set_xlabel(say("客户占比（括号内为客户数）", "Share of customers (customers in brackets)"))
    ax.spines["left"].set_visible(False)
    return ax


def profile_plot(
    table: pd.DataFrame,
    *,
    kind: str = "bar",
    markers: pd.DataFrame | None = None,
    order: Sequence[str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """How the segments differ: bars by segment, a heat map, or boxes of one variable.

    Parameters
    ----------
    table : DataFrame
        As ``profiles.profile_table``: segment_id, variable, and effect (``bar``, ``heatmap``) or
        q25, median, q75 (``box``). If there: level, marker (bool), meaning_zh, meaning_en,
        name_zh, name_en; effect_low and effect_high (lines on the bars); q05, q95 (whiskers),
        mean (diamond), overall_mean (dashed line).
    kind : {"bar", "heatmap", "box"}
        ``bar``: a panel a segment and a bar a variable, 24 variables at most. ``heatmap``:
        variables by segments, blue below and red above the others, 40 at most; each cell shows
        its number. ``box``: one variable by segment, drawn from its quantiles.
    markers : DataFrame, optional
        segment_id, variable, marker (and level): the bars that mark a segment are solid, others
        pale. Without it, and without a column marker, all bars are alike.
    order : sequence of str, optional
        Variables from top to bottom; else as in the table. Variables that it leaves out are not
        drawn.
    ax : Axes, optional
        For bars divided into panels, which are its ``child_axes``.

    Returns
    -------
    Axes
        Bars and cells are on one scale for all segments.

    Raises
    ------
    ValueError
        A column is missing, ``kind`` or a variable in ``order`` is unknown, or there is more than
        one variable for boxes.

    References
    ----------
    Dolnicar, Grün and Leisch (2018), Market Segmentation Analysis, section 8.1.

    Examples
    --------
    >>> table = pd.DataFrame({"segment_id": ["a", "b"], "variable": "age", "effect": [1.0, -1.0]})
    >>> ax = profile_plot(table, kind="heatmap")
    >>> [t.get_text() for t in ax.texts]
    ['1.0', '−1.0']
    """
    if kind == "bar":
        return _bars(table, markers, order, ax)
    if kind == "heatmap":
        return heat_map(table, order, ax)
    if kind == "box":
        return _boxes(table, order, ax)
    raise ValueError(f"profile_plot: kind is 'bar', 'heatmap' or 'box'; found {kind!r}")


def _bars(table, markers, order, ax) -> Axes:
    """One panel a segment, one bar a variable; the segment's markers are emphasised."""
    need_profile(table, ["effect"], "profile_plot")
    looks, every = segments_of(table), variables_of(table, order, "profile_plot")
    table = _marked(table, markers)
    labels = strongest(every, table[table["marker"].to_numpy(bool)], MOST_BARS)
    table = table[row_keys(table).isin(labels.index)]
    columns = _columns(len(looks), 4)
    rows = -(-len(looks) // columns)
    wide, tall = 2.1, max(1.2, 0.19 * len(labels))
    ax = axes(ax, (2.2 + wide * columns, 0.7 + rows * (tall + 0.75)))
    parts = panels(ax, len(looks), columns=columns, gap=(0.02, 0.75 / (rows * (tall + 0.75))))
    ends = _limits(table)
    for i, (panel, (segment, look)) in enumerate(zip(parts, looks.iterrows())):
        own = table[table["segment_id"] == segment]
        own = own.set_index(row_keys(own)).reindex(labels.index)
        _panel(panel, own, look["color"], ends)
        panel.set_title(_two_lines(look["label"], 24), fontsize=10, pad=5, y=1)
        if i % columns == 0:
            panel.set_yticks(range(len(labels)), labels)
        else:
            panel.set_yticks([])
    told = say("；实色为标志变量", "; solid bars mark the segment")
    some = told_of(len(labels), len(every))
    solid = "" if table["marker"].all() else told
    below(ax, say(*EFFECT) + solid + (some and say("；", "; ") + some))
    return ax


def _panel(panel: Axes, own: pd.DataFrame, color: str, ends: tuple[float, float]) -> None:
    """The bars of one segment, cut at the ends of the axis."""
    y = np.arange(len(own))
    x = np.clip(own["effect"].to_numpy(float), *ends)
    bars = panel.barh(y, x, height=0.74, color=color, lw=0)
    for bar, marked in zip(bars, own["marker"].eq(True)):
        bar.set(alpha=1 if marked else 0.28, edgecolor="0.2" if marked else "none")
        bar.set_linewidth(0.6 if marked else 0)
    if {"effect_low", "effect_high"} <= set(own.columns):
        span = np.clip(own[["effect_low", "effect_high"]].to_numpy(float), *ends)
        span = np.where(x[:, None] == own[["effect"]], span, np.nan)
        panel.hlines(y, *span.T, color="0.2", lw=0.9)
    _cut_numbers(panel, y, own["effect"], x)
    panel.axvline(0, color="0.2", lw=0.8)
    panel.set(xlim=ends, ylim=(len(own) - 0.4, -0.6))
    panel.tick_params(axis="y", length=0, labelsize=8.5)
    panel.tick_params(axis="x", labelsize=8)
    panel.grid(axis="x")
    panel.set_axisbelow(True)
    panel.spines["left"].set_visible(False)


def _cut_numbers(panel: Axes, y, values, drawn) -> None:
    """The whole number at the end of each bar that was cut."""
    for at, whole, shown in zip(y, values, drawn):
        if whole != shown and not np.isnan(whole):
            side, text = (-1, f"{signed(whole)} ▸") if whole > 0 else (1, f"◂ {signed(whole)}")
            panel.annotate(text, (shown, at), (3 * side, 0), textcoords="offset points",
                           ha="right" if side < 0 else "left", va="center", fontsize=7.5,
                           bbox={"fc": "white", "ec": "none", "pad": 1})  # fmt: skip


def _two_lines(label: str, width: int) -> str:
    """A long Latin name broken at a space or hyphen; a Chinese one fits."""
    return "\n".join(textwrap.wrap(label, width)[:2]) if len(label) > width else label


def _marked(table: pd.DataFrame, markers: pd.DataFrame | None) -> pd.DataFrame:
    """The table with a column marker: from ``markers``, its own, or True throughout."""
    if markers is None:
        return table if "marker" in table else table.assign(marker=True)
    need(markers, ["segment_id", "variable", "marker"], "profile_plot: markers")
    ids = zip(markers["segment_id"], row_keys(markers))
    known = dict(zip(ids, markers["marker"].astype(bool)))
    return table.assign(
        marker=[known.get(i, False) for i in zip(table["segment_id"], row_keys(table))]
    )


def _columns(n: int, most: int) -> int:
    """Panels in a row: all if they fit, else rows of one length as nearly as can be."""
    return -(-n // -(-n // most))


def _limits(table: pd.DataFrame) -> tuple[float, float]:
    """Ends of the x axis, zero between them: one huge effect must not flatten the others.

    Bars end at three quarters more than the 98th percentile and show their number instead.
    """
    columns = ["effect", "effect_low", "effect_high"]
    values = table[[c for c in columns if c in table.columns]].to_numpy(float)
    values = values[np.isfinite(values)]
    limit = 1.75 * np.quantile(np.abs(values), 0.98) if values.size else 1.0
    values = np.clip(values, -limit, limit)
    low, high = min(values.min(initial=0), 0), max(values.max(initial=0), 0)
    room = 0.06 * ((high - low) or 1)
    return (low - room if low < 0 else 0), (high + room if high > 0 else 0)


def _boxes(table, order, ax) -> Axes:
    """Boxes of one variable by segment, drawn from quantiles."""
    need_profile(table, ["q25", "median", "q75"], "profile_plot")
    labels = variables_of(table, order, "profile_plot")
    have = list(dict.fromkeys(labels.index.get_level_values("variable")))
    if len(have) != 1:
        raise ValueError(f"profile_plot: boxes show one variable; name it in order, of {have}")
    if pd.notna(labels.index[0][1]):
        raise ValueError(f"profile_plot: {have[0]} is a category and has no quantiles")
    looks, rows = segments_of(table), table[table["variable"] == have[0]]
    ax = axes(ax, (8, 0.9 + 0.42 * len(rows)))
    whiskers = ("q05", "q95") if {"q05", "q95"} <= set(rows.columns) else ("q25", "q75")
    boxes = [
        {"q1": r["q25"], "med": r["median"], "q3": r["q75"], "fliers": [],
         "whislo": r[whiskers[0]], "whishi": r[whiskers[1]],
         "label": looks.loc[r["segment_id"], "label"]}
        for _, r in rows.iterrows()
    ]  # fmt: skip
    y = np.arange(len(rows))
    drawn = ax.bxp(
        boxes, positions=y, orientation="horizontal", widths=0.62, showfliers=False,
        patch_artist=True, showcaps=whiskers[0] == "q05", boxprops={"edgecolor": "0.25"},
        medianprops={"color": "0.05", "lw": 2, "path_effects": [HALO]},
    )  # fmt: skip
    for box, segment in zip(drawn["boxes"], rows["segment_id"]):
        box.set_facecolor(looks.loc[segment, "color"])
    parts = [say("盒：中间一半；粗线：中位数", "Box: middle half; thick line: median")]
    if whiskers[0] == "q05":
        parts.append(say("须：5% 至 95%", "whiskers: 5% to 95%"))
    if "mean" in rows:
        ax.plot(rows["mean"], y, "D", color="white", mec="0.1", ms=5, zorder=4)
        parts.append(say("菱形：均值", "diamond: mean"))
    if "overall_mean" in rows:
        ax.axvline(rows["overall_mean"].iloc[0], color="0.3", ls="--", lw=1, zorder=0)
        parts.append(say("虚线：全体均值", "dashed: mean of all"))
    ax.set_title(labels.iloc[0])
    ax.set(ylim=(len(rows) - 0.4, -0.6), xlabel=say("；", "; ").join(parts))
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.grid(axis="x")
    return ax
