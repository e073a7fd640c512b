"""Streams of customers: between segments as k grows, and between two months."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path

from .canvas import (
    axes,
    clean,
    need,
    segments_named,
)
from .style import say

__all__ = ["flow_plot"]

_ENTROPY = LinearSegmentedColormap.from_list("entropy", ["#FFFFFF", "#404040"])


def flow_plot(
    flows: pd.DataFrame, *, stability: pd.DataFrame | None = None, ax: Axes | None = None
) -> Axes:
    """Streams of customers from the segments of one solution, or month, to those of the next.

    Parameters
    ----------
    flows : DataFrame
        k_from, segment_from, k_to, segment_to, rows, as ``validation.solution_flows`` of
        relabelled solutions, so that ids and colours follow. Or segment_before, segment_after,
        customers, as ``monitor.migration_table`` (``migration`` of a result).
    stability : DataFrame, optional
        k, segment_id, entropy (0 to 1), as ``validation.across_solutions``: the darker a
        segment, the more it is a mixture of earlier ones.
    ax : Axes, optional

    Returns
    -------
    Axes
        Heights are customers; a stream has the colour of the segment that it enters. Between
        months those who stay are grey, and the numbers are customers who stay, come and go.

    Raises
    ------
    ValueError
        A column is missing.

    References
    ----------
    Dolnicar and Leisch (2017), Annals of Tourism Research 66:216 (SLSA plot).
    """
    if isinstance(flows, pd.DataFrame) and "segment_before" in flows:
        return _months(flows, ax)
    need(flows, ["k_from", "segment_from", "k_to", "segment_to", "rows"], "flow_plot")
    if stability is not None:
        need(stability, ["k", "segment_id", "entropy"], "flow_plot: stability")
    sizes = _sizes(flows)
    ks = list(dict.fromkeys(k for k, _ in sizes))
    ids = sorted({s for _, s in sizes})
    looks = segments_named(ids)
    ax = axes(ax, (1.2 + 1.25 * len(ks), 5))
    total = sum(n for (k, _), n in sizes.items() if k == ks[0])
    gap = 0.025 * total
    bottom = {}
    for k in ks:
        y = 0.0
        for s in ids:
            if (k, s) in sizes:
                bottom[k, s], y = y, y + sizes[k, s] + gap
    column, half = {k: i for i, k in enumerate(ks)}, 0.09
    leave, enter = dict(bottom), dict(bottom)
    for row in flows.sort_values(["k_to", "segment_from", "segment_to"]).itertuples():
        a, b = (row.k_from, row.segment_from), (row.k_to, row.segment_to)
        x0, x1 = column[a[0]] + half, column[b[0]] - half
        ax.add_patch(_ribbon(x0, leave[a], x1, enter[b], row.rows,
                             looks.loc[b[1], "color"]))  # fmt: skip
        leave[a] += row.rows
        enter[b] += row.rows
    dark = {} if stability is None else dict(
        zip(zip(stability["k"], stability["segment_id"]), stability["entropy"]))  # fmt: skip
    for (k, s), n in sizes.items():
        shade = float(np.clip(dark.get((k, s), 0), 0, 1))
        ax.add_patch(Rectangle((column[k] - half, bottom[k, s]), 2 * half, n, ec="0.15", lw=0.9,
                               fc=_ENTROPY(shade), zorder=3))  # fmt: skip
        if n > 0.02 * total:
            ax.text(column[k], bottom[k, s] + n / 2, clean(s, 6), ha="center", va="center",
                    fontsize=8, color="white" if shade > 0.55 else "0.1", zorder=4)  # fmt: skip
    ax.set(xlim=(-0.3, len(ks) - 0.7), yticks=[])
    ax.set_ylim(max(bottom[k, s] + n for (k, s), n in sizes.items()) + gap, -gap)
    ax.set_xticks(range(len(ks)), ks)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    shading = say("；越深：越是由多个旧客群混成", "; darker: mixed from several before")
    ax.set_xlabel(say("客群数 k", "Number of segments k") + (shading if dark else ""))
    return ax


_NEW, _LEFT = "(new)", "(left)"


def _months(moves: pd.DataFrame, ax: Axes | None) -> Axes:
    """Two columns of segments; whoever changes sides is drawn in colour, over those who stay."""
    need(moves, ["segment_before", "segment_after", "customers"], "flow_plot")
    rows = moves.rename(columns={"segment_before": "a", "segment_after": "b", "customers": "n"})
    both = dict.fromkeys([*rows["a"], *rows["b"]])
    ids = [s for s in both if s not in (_NEW, _LEFT)]
    looks = segments_named(ids)
    ax = axes(ax, (8.6, 1.6 + 0.55 * len(ids)))
    gap = 0.03 * rows["n"].sum()
    tops: dict[str, dict[str, float]] = {}
    for x, side, last in ((0, "a", _NEW), (1, "b", _LEFT)):
        size = rows.groupby(side)["n"].sum()
        high = size.reindex([*ids, last]).fillna(0)
        tops[side] = dict(zip(high.index, high.cumsum() - high + gap * np.arange(len(high))))
        for s, n in high[high > 0].items():
            known = s in looks.index
            ax.add_patch(Rectangle((x - 0.012, tops[side][s]), 0.024, n, lw=0, zorder=3,
                                   fc=looks.loc[s, "color"] if known else "0.5"))  # fmt: skip
            text = looks.loc[s, "label"] if known else say(*_WORDS[last])
            ax.text(x + (0.03 if x else -0.03), tops[side][s] + n / 2, f"{text}  {n:,.0f}",
                    ha="left" if x else "right", va="center", fontsize=9)  # fmt: skip
    for row in rows.assign(stay=rows["a"] == rows["b"]).sort_values(["a", "b"]).itertuples():
        color = "0.8" if row.stay or row.b == _LEFT else looks.loc[row.b, "color"]
        ribbon = _ribbon(0.012, tops["a"][row.a], 0.988, tops["b"][row.b], row.n, color)
        ribbon.set(alpha=0.4 if row.stay else 0.9, zorder=1 if row.stay else 2)
        ax.add_patch(ribbon)
        tops["a"][row.a] += row.n
        tops["b"][row.b] += row.n
    ax.set(xlim=(-0.42, 1.42), yticks=[], ylim=(rows["n"].sum() + gap * (len(ids) + 1), -gap))
    ax.set_xticks([0, 1], [say("之前", "before"), say("之后", "after")])
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.set_xlabel(say("客户数。灰：留在原客群或离开；彩色：换客群或新来",
                      "Customers. Grey: stay, or leave the bank; colour: change segment, or are new"))  # fmt: skip  # noqa: E501
    return ax


_WORDS = {_NEW: ("新客户", "new"), _LEFT: ("已离开", "left")}


def _sizes(flows: pd.DataFrame) -> dict:
    """Rows of each (k, segment), ks in ascending order."""
    into = flows.groupby(["k_to", "segment_to"])["rows"].sum()
    out = flows.groupby(["k_from", "segment_from"])["rows"].sum()
    return dict(sorted((into.to_dict() | out.to_dict()).items()))


def _ribbon(x0, y0, x1, y1, height, color) -> PathPatch:
    middle = (x0 + x1) / 2
    points = [
        (x0, y0), (middle, y0), (middle, y1), (x1, y1),
        (x1, y1 + height), (middle, y1 + height), (middle, y0 + height), (x0, y0 + height),
        (x0, y0),
    ]  # fmt: skip
    codes = [Path.MOVETO, *[Path.CURVE4] * 3, Path.LINETO, *[Path.CURVE4] * 3, Path.CLOSEPOLY]
    return PathPatch(Path(points, codes), fc=color, alpha=0.55, lw=0, zorder=1)
