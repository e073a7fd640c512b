"""Pictures of choosing: how many segments, are they stable, was the search finished."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, PercentFormatter

from kequn_lab._statistics import DISSOLVED, RECOVERED
from kequn_lab._words import term

from .canvas import HALO, axes, below, clean, need, number, panels, segments_of
from .style import GREY, current, say

__all__ = ["validation_plot"]

#: Whether more (1) or less (-1) is better; 0: it has no best k.
INDICES = {
    "inertia": 0, "inertia_drop_share": 0, "silhouette": 1, "simplified_silhouette": 1,
    "calinski_harabasz": 1, "davies_bouldin": -1, "gap": 1, "smallest_share": 0,
    "agreement": 0,
}  # fmt: skip
#: What two labelings differ by: everything, the data alone, the search alone.
SOURCES = {
    "ari": ("两个样本，各搜一次", "Two samples, one search each", "0.55", ""),
    "ari_data": (
        "两个样本，都搜到底（数据）",
        "Two samples, searched to the end (data)",
        "#56B4E9",
        "///",
    ),
    "ari_search": (
        "同一样本，搜两次（搜索）",
        "One sample, searched twice (search)",
        "#E69F00",
        "...",
    ),
}


def validation_plot(
    table: pd.DataFrame, *, indices: Sequence[str] | None = None, ax: Axes | None = None
) -> Axes:
    """How many segments, and whether they are stable: indices by k, or boxes over resamples.

    Parameters
    ----------
    table : DataFrame
        As ``validation.score_k``, one row per k: k and a column per index (``<index>_se``, a
        standard error, gives a band of two of them). As ``validation.global_stability``, one row
        per k and replicate: k and one or more of ari, ari_data, ari_search. Or as
        ``validation.segment_stability``, one row per segment and replicate: segment_id and slsw,
        names if there; segments are drawn in its order.
    indices : sequence of str, optional
        Indices drawn, in this order; default those of the table that are known.
    ax : Axes, optional
        For indices divided into panels, which are its ``child_axes``.

    Returns
    -------
    Axes
        Indices: a ring where one is best, so that disagreement shows (for the gap the first k
        that the next does not beat by more than one standard error); what has no best k has no
        ring. Boxes: every replicate is a dot, for where a distribution has two humps the median
        alone would mislead; for segments dashed lines at 0.5 and 0.75, the thresholds of
        ``validation.stability_summary``.

    Raises
    ------
    ValueError
        A column is missing, or no known index is there.

    References
    ----------
    Dolnicar, Grün and Leisch (2018), Market Segmentation Analysis, section 7.5.4; Hennig (2007),
    Computational Statistics and Data Analysis 52:258; Tibshirani, Walther and Hastie (2001),
    JRSS B 63:411 (gap).

    Examples
    --------
    >>> table = pd.DataFrame({"k": [2, 3, 4], "silhouette": [0.3, 0.4, 0.2]})
    >>> validation_plot(table).child_axes[0].get_title()
    'Silhouette  k = 3'
    """
    if isinstance(table, pd.DataFrame):
        if "segment_id" in table:
            return _by_segment(table, ax)
        if indices is None and any(source in table for source in SOURCES):
            return _by_k(table, ax)
    return _indices(table, indices, ax)


def _indices(table: pd.DataFrame, indices: Sequence[str] | None, ax: Axes | None) -> Axes:
    """One small panel an index over k."""
    need(table, ["k", *(indices or [])], "validation_plot")
    known = [c for c in INDICES if c in table and table[c].notna().any()]
    indices = known if indices is None else list(indices)
    if not indices:
        raise ValueError(
            f"validation_plot: no known index among {list(table.columns)}; name indices"
        )
    columns = 3 if len(indices) in (5, 6, 9) else min(len(indices), 4)
    rows = -(-len(indices) // columns)
    ax = axes(ax, (1 + 2.7 * columns, 0.7 + 2.2 * rows))
    gap = (0.24 / columns, 0.55 / (2.2 * rows))
    for panel, index in zip(panels(ax, len(indices), columns=columns, gap=gap), indices):
        better = INDICES.get(index, 0)
        own = table[["k", *(c for c in table if str(c).startswith(index))]].dropna(subset=[index])
        k, y = own["k"].to_numpy(), own[index].to_numpy(float)
        se = own[f"{index}_se"].to_numpy(float) if f"{index}_se" in own else None
        if se is not None:
            panel.fill_between(k, y - 2 * se, y + 2 * se, color="#0072B2", alpha=0.18, lw=0)
        panel.plot(k, y, "o-", color="#0072B2", ms=4, lw=1.4)
        name = clean(term(index, current().language))
        best = _best(better * y, se if index == "gap" else None) if better else None
        if best is not None:
            panel.plot(k[best], y[best], "o", ms=11, mfc="none", mec="#D55E00", mew=2, gid="best")
            name += f"  k = {k[best]}"
        panel.set_title(name, fontsize=10, pad=4, y=1)
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
        panel.tick_params(labelsize=8)
        panel.grid(axis="y")
        panel.margins(y=0.15)
        if index.endswith("share") or index == "agreement":
            panel.yaxis.set_major_formatter(PercentFormatter(1))
        else:
            panel.yaxis.set_major_formatter(lambda v, _: number(v))
    below(ax, say("客群数 k（圆圈：该指标认为最好；各指标可以不一致）",
                  "Number of segments k (ring: the index's best; they may disagree)"))  # fmt: skip
    return ax


def _best(value: np.ndarray, se: np.ndarray | None) -> int | None:
    """Where the largest value is; with errors, the first that the next does not clearly beat."""
    if se is None:
        return int(np.argmax(value)) if len(value) else None
    found = np.flatnonzero(value[:-1] >= value[1:] - se[1:])
    return int(found[0]) if len(found) else None


def _by_k(table: pd.DataFrame, ax: Axes | None) -> Axes:
    """The adjusted Rand index over pairs of resamples, by k and source."""
    need(table, ["k"], "validation_plot")
    sources = [c for c in SOURCES if c in table]
    ks = sorted(table["k"].unique())
    ax = axes(ax, (max(6.5, 2 + 0.9 * len(ks)), 4.6))
    width = 0.8 / len(sources)
    for j, source in enumerate(sources):
        zh, en, color, hatch = SOURCES[source]
        groups = [table.loc[table["k"] == k, source].dropna().to_numpy(float) for k in ks]
        at = np.arange(len(ks)) + (j - (len(sources) - 1) / 2) * width
        _boxes(ax, groups, at, width, [color] * len(ks), hatch=hatch, label=say(zh, en))
    for edge in np.arange(len(ks) - 1) + 0.5:
        ax.axvline(edge, color="0.9", lw=0.8, zorder=0)
    ax.set_xticks(range(len(ks)), ks)
    ax.set(xlabel=say("客群数 k", "Number of segments k"), xlim=(-0.55, len(ks) - 0.45))
    ax.set_ylabel(say("调整兰德指数（1：两次分群相同）", "Adjusted Rand index (1: same partition)"))
    ax.set_ylim(top=1.02)
    ax.grid(axis="y")
    ax.set_axisbelow(True)
    inches = ax.get_window_extent().width / ax.figure.get_figure(root=True).dpi
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3 if inches > 7.5 else 1)
    return ax


def _by_segment(table: pd.DataFrame, ax: Axes | None) -> Axes:
    """The Jaccard index of each segment with the segment of a resample that is most like it."""
    need(table, ["slsw"], "validation_plot")
    looks = segments_of(table)
    ax = axes(ax, (8, 1.3 + 0.45 * len(looks)))
    groups = [
        table.loc[table["segment_id"] == s, "slsw"].dropna().to_numpy(float) for s in looks.index
    ]
    _boxes(ax, groups, np.arange(len(looks)), 0.7, looks["color"], horizontal=True)
    lines = {
        DISSOLVED: (say(f"{DISSOLVED} 以下：消失", f"below {DISSOLVED}: dissolved"), "right"),
        RECOVERED: (say(f"{RECOVERED} 起：找回", f"from {RECOVERED}: recovered"), "left"),
    }
    for level, (text, side) in lines.items():
        ax.axvline(level, color="0.35", ls="--", lw=1, zorder=0)
        ax.annotate(text, (level, 1), (0, 3), fontsize=8, color=GREY, ha=side,
                    xycoords=("data", "axes fraction"), textcoords="offset points")  # fmt: skip
    ax.set_yticks(range(len(looks)), looks["label"])
    ax.tick_params(axis="y", length=0)
    ax.set(ylim=(len(looks) - 0.4, -0.6), xlim=(min(0.3, table["slsw"].min() - 0.02), 1.01))
    ax.set_xlabel(say("重抽样中的杰卡德指数（1：每次都找回）",
                      "Jaccard index over resamples (1: found again each time)"))  # fmt: skip
    ax.spines["left"].set_visible(False)
    return ax


def _boxes(ax, groups, at, width, colors, *, horizontal=False, hatch="", label=None) -> None:
    """Boxes to the quartiles, whiskers to 5 % and 95 %, a dot for every value."""
    drawn = ax.boxplot(
        groups, positions=at, widths=width * 0.86, whis=(5, 95), showfliers=False,
        orientation="horizontal" if horizontal else "vertical", patch_artist=True,
        manage_ticks=False, boxprops={"edgecolor": "0.2", "lw": 0.8}, label=label,
        medianprops={"color": "0.05", "lw": 1.8, "path_effects": [HALO]},
    )  # fmt: skip
    for box, color in zip(drawn["boxes"], colors):
        box.set(facecolor=color, hatch=hatch, alpha=0.75)
    for place, values in zip(at, groups):
        # spread evenly in the order given: no chance, and the same picture each time
        aside = place + width * 0.34 * (np.arange(len(values)) * 0.618 % 1 * 2 - 1)
        x, y = (values, aside) if horizontal else (aside, values)
        ax.plot(x, y, ".", color="0.15", ms=2.2, alpha=0.55, zorder=2.5)
