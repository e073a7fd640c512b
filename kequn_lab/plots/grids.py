"""Grids of numbers in colour: variables, true segments, banks or products, each by segments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from kequn_lab._words import CHANNELS, width

from .canvas import (
    EFFECT,
    axes,
    labels_of,
    named,
    need,
    need_profile,
    row_keys,
    segments_named,
    segments_of,
    signed,
    strongest,
    told_of,
    variables_of,
)  # fmt: skip
from .style import current, say

__all__ = ["fit_plot", "heat_map", "truth_plot"]

#: Rows of a heat map and products of a grid, at most: those with the largest values.
MOST_ROWS, MOST_PRODUCTS = 40, 12


def heat_map(table: pd.DataFrame, order: Sequence[str] | None, ax: Axes | None) -> Axes:
    """Variables by segments in colours from below (blue) to above (red) the others.

    Colours end at the 98th percentile of the absolute effects; stronger cells keep the end colour
    and their number.
    """
    need_profile(table, ["effect"], "profile_plot")
    looks, every = segments_of(table), variables_of(table, order, "profile_plot")
    labels = strongest(every, table, MOST_ROWS)
    grid = _effects(table, looks, labels)
    # Names on a slant, and the bar, need room beside the cells, however few these are.
    longest = min(max(map(width, looks["label"])), 40)
    ax = axes(ax, (3.2 + 0.85 * len(looks) + 0.05 * longest, 1.6 + 0.24 * len(labels)))
    known = np.abs(grid[np.isfinite(grid)])
    limit = float(np.quantile(known, 0.98)) if known.size and known.max() else 1.0
    shade = np.where(np.isinf(grid), np.sign(grid) * 2 * limit, grid)
    words = ["–" if np.isnan(v) else signed(v) for v in grid.flat]
    _cells(ax, shade, words, labels, looks["label"], cmap=sns.color_palette("vlag", as_cmap=True),
           ends=(-limit, limit), bar=say(*EFFECT))  # fmt: skip
    ax.set_xlabel(told_of(len(labels), len(every)).capitalize())
    return ax


def truth_plot(
    table: pd.DataFrame, *, names: pd.DataFrame | None = None, ax: Axes | None = None
) -> Axes:
    """Segments found by true segments, of ``validation.agreement.truth_table``: customers, shaded
    by share of the row. ``names`` are those of the true segments.
    """
    columns = ["segment_id", "true_id", "customers", "share_of_segment", "adjusted_rand"]
    need(table, columns, "truth_plot")
    looks, true = segments_of(table), pd.Index(table["true_id"].unique())
    keyed = table.set_index(["segment_id", "true_id"])
    counts, share = (
        keyed[c].unstack().reindex(looks.index, columns=true)  # noqa: PD010
        for c in ("customers", "share_of_segment")
    )
    ax = axes(ax, (2.6 + 0.95 * len(true), 1.9 + 0.42 * len(looks)))
    words = [f"{n:,}" if n else "" for n in counts.to_numpy().flat]
    known = current().segments
    if names is not None:
        known = {**known, **dict(zip(names["segment_id"], zip(names["name_zh"], names["name_en"])))}
    true_names = labels_of(pd.DataFrame(index=true), "name", known)
    _cells(ax, share.to_numpy(), words, looks["label"], true_names, cmap="Blues")
    ax.set_ylabel(say("找到的客群", "Found"))
    text = say(
        "真实客群。格中：客户数；颜色：占该行的比例。调整兰德指数",
        "True segment. Numbers: customers; colour: share of the row. Adjusted Rand index",
    )
    ax.set_xlabel(f"{text} {table['adjusted_rand'].iloc[0]:.2f}")
    return ax


def fit_plot(
    table: pd.DataFrame, *, names: pd.DataFrame | None = None, ax: Axes | None = None
) -> Axes:
    """What goes with each segment: banks by segments, or segments by products.

    Parameters
    ----------
    table : DataFrame
        As ``compare.target_fit``: bank_id, segment_id, fit (0 to 1), relation (target, customer,
        gap, or missing), basis (stated, reading). Or as ``products.match_products``: segment_id,
        product_id, channel_id, score (0 to 1); the 12 products with the best scores are drawn.
    names : DataFrame, optional
        Of the banks or products: bank_id or product_id, name_zh, name_en.
    ax : Axes, optional

    Returns
    -------
    Axes
        Banks: ● stated by the article, ○ our reading of it, △ a gap that it states. Products:
        the best channel's score and name; a frame marks a segment's best product, and a row of
        – is a segment that the table of needs does not name.

    Raises
    ------
    ValueError
        A column is missing, or no score is above 0.
    """
    if isinstance(table, pd.DataFrame) and "product_id" in table:
        return _products(table, names, ax)
    return _banks(table, names, ax)


def _banks(table: pd.DataFrame, names: pd.DataFrame | None, ax: Axes | None) -> Axes:
    need(table, ["bank_id", "segment_id", "fit", "relation", "basis"], "fit_plot")
    banks, segments = (list(dict.fromkeys(table[c])) for c in ("bank_id", "segment_id"))
    wide = table.set_index(["bank_id", "segment_id"])
    grid = wide["fit"].unstack().reindex(banks, columns=segments)  # noqa: PD010
    ax = axes(ax, (2.6 + 0.95 * len(segments), 1.6 + 0.42 * len(banks)))
    words = []
    for (i, j), fit in np.ndenumerate(grid.to_numpy()):
        said = wide.loc[(banks[i], segments[j])]
        mark = ""
        if isinstance(said["relation"], str):
            mark = "△" if said["relation"] == "gap" else "●" if said["basis"] == "stated" else "○"
        words.append("–" if np.isnan(fit) else f"{mark} {fit:.2f}".strip())
    columns = segments_named(segments)["label"]
    _cells(ax, grid.to_numpy(), words, named(banks, names), columns, cmap="Greens",
           bar=say("契合度（权重为假设）", "Fit (weights are assumptions)"))  # fmt: skip
    text = say(
        "● 文章明说　○ 本课解读　△ 文章所说的短板",
        "● stated by the article   ○ our reading   △ a gap that it states",
    )
    ax.set_xlabel(text)
    return ax


def _products(matches: pd.DataFrame, names: pd.DataFrame | None, ax: Axes | None) -> Axes:
    need(matches, ["segment_id", "product_id", "channel_id", "score"], "fit_plot")
    best = matches.sort_values("score", ascending=False, kind="stable")
    best = best.drop_duplicates(["segment_id", "product_id"])
    segments = list(dict.fromkeys(matches["segment_id"]))
    products = list(dict.fromkeys(best.loc[best["score"] > 0, "product_id"]))[:MOST_PRODUCTS]
    if not products:
        raise ValueError("fit_plot: no score is above 0")
    cells = best.set_index(["segment_id", "product_id"])
    score, place = (
        cells[c].unstack().reindex(segments, columns=products)  # noqa: PD010
        for c in ("score", "channel_id")
    )
    grid = score.to_numpy()
    ax = axes(ax, (2.2 + 0.92 * len(products), 1.9 + 0.5 * len(segments)))
    channels = [say(*CHANNELS.get(c, (c, c))) for c in place.to_numpy().flat]
    words = [f"{s:.2f}\n{c}" if s > 0 else "–" for s, c in zip(grid.flat, channels)]
    _cells(ax, grid, words, segments_named(segments)["label"], named(products, names),
           cmap="Purples", ends=(0, float(np.nanmax(grid))),
           bar=say("得分 = 需求 × 可售 × 渠道", "Score = need × allowed × channel"))  # fmt: skip
    for y, row in enumerate(grid):
        if np.nanmax(row, initial=0) > 0:
            corner = (int(np.nanargmax(row)) - 0.47, y - 0.46)
            ax.add_patch(Rectangle(corner, 0.94, 0.92, fill=False, ec="black", lw=1.6))
    text = say(
        "格内：最佳渠道；黑框：客群首选（需求权重为假设）",
        "In a cell: the best channel; frame: the segment's best (weights assumed)",
    )
    if np.isnan(grid).all(axis=1).any():
        text += say("；整行 –：需求表中没有", "; a row of –: not in the table of needs")
    ax.set_xlabel(text)
    return ax


def _cells(
    ax: Axes,
    shade: np.ndarray,
    words: Iterable[str],
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    cmap,
    ends: tuple[float, float] = (0, 1),
    bar: str = "",
) -> None:
    """Cells in colour with a word in each, names on the left and on top, a bar if it has a name."""
    image = ax.imshow(shade, cmap=cmap, vmin=ends[0], vmax=ends[1], aspect="auto")
    for ((i, j), value), word in zip(np.ndenumerate(shade), words):
        ink = "white" if abs(value) > 0.65 * ends[1] else "0.15"
        ax.text(j, i, word, ha="center", va="center", fontsize=8.5, color=ink, in_layout=False)
    slant = len(columns) > 8 or max(map(width, columns), default=0) > 9
    ax.set_xticks(range(len(columns)), columns, rotation=35 if slant else 0,
                  ha="left" if slant else "center", rotation_mode="anchor")  # fmt: skip
    ax.xaxis.tick_top()
    ax.set_yticks(range(len(rows)), rows)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    if bar:
        beyond = "both" if ends[0] < 0 else "neither"
        scale = ax.figure.colorbar(image, ax=ax, fraction=0.03, pad=0.02, aspect=30, extend=beyond)
        scale.set_label(bar)
        scale.outline.set_visible(False)


def _effects(table, looks, labels) -> np.ndarray:
    """Effects, variables × segments, NaN where the table has no row."""
    keyed = table.set_index(row_keys(table))
    columns = [keyed.loc[(keyed["segment_id"] == s).to_numpy(), "effect"] for s in looks.index]
    columns = [c[~c.index.duplicated()].reindex(labels.index) for c in columns]
    return np.column_stack([c.to_numpy(float, na_value=np.nan) for c in columns])
