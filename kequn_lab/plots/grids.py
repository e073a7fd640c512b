"""Grids of numbers in colour: variables by segments, and segments found by true ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from kequn_lab._words import width

from .canvas import (
    axes,
    clean,
    labels_of,
    need,
    need_profile,
    row_keys,
    segments_of,
    strongest,
    told_of,
    variables_of,
)  # fmt: skip
from .profile import EFFECT, signed
from .style import current, say

__all__ = ["heat_map", "truth_plot"]


def heat_map(
    table: pd.DataFrame,
    *,
    order: Sequence[str] | None = None,
    value: str = "effect",
    limit: float | None = None,
    top: int = 40,
    ax: Axes | None = None,
) -> Axes:
    """Variables by segments in colours from below (blue) to above (red) the others.

    Parameters
    ----------
    table : DataFrame
        Columns segment_id, variable, ``value``; if there level and names. As
        ``profiles.profile_table``.
    order : sequence of str, optional
        Variables from top to bottom, as ``profiles.variable_order``; else as in the table.
    value : str
        Column shown; 0 is white.
    limit : float, optional
        Where the colours end; stronger cells keep the end colour and their number. Default the
        98th percentile of the absolute values.
    top : int
        Variables, at most: those with the largest absolute values.
    ax : Axes, optional

    Returns
    -------
    Axes
        Each cell bears its number, so the map is read without colour, too.

    Raises
    ------
    ValueError
        A column is missing, or ``order`` names an unknown variable.
    """
    need_profile(table, [value], "heat_map")
    looks, every = segments_of(table), variables_of(table, order, "heat_map")
    labels = strongest(every, table, value, top)
    grid = _grid(table, looks, labels, value)
    # Names on a slant, and the bar, need room beside the cells, however few these are.
    longest = min(max(map(width, looks["label"])), 30)
    ax = axes(ax, (3.2 + 0.85 * len(looks) + 0.05 * longest, 1.6 + 0.24 * len(labels)))
    if limit is None:
        known = np.abs(grid[np.isfinite(grid)])
        limit = float(np.quantile(known, 0.98)) if known.size and known.max() else 1.0
    finite = np.where(np.isfinite(grid), grid, np.sign(np.nan_to_num(grid)) * 2 * limit)
    image = ax.imshow(
        np.where(np.isnan(grid), np.nan, finite),
        cmap=sns.color_palette("vlag", as_cmap=True), vmin=-limit, vmax=limit, aspect="auto",
    )  # fmt: skip
    for (i, j), v in np.ndenumerate(grid):
        ink = "white" if abs(finite[i, j]) > 0.75 * limit else "0.15"
        text = "–" if np.isnan(v) else signed(v)
        ax.text(j, i, text, ha="center", va="center", fontsize=8, color=ink)
    _columns_on_top(ax, looks["label"])
    ax.set_yticks(range(len(labels)), labels)
    ax.set_xlabel(told_of(len(labels), len(every)).capitalize())
    bar = ax.figure.colorbar(image, ax=ax, fraction=0.03, pad=0.02, aspect=30, extend="both")
    bar.set_label(say(*EFFECT) if value == "effect" else clean(value))
    bar.outline.set_visible(False)
    return ax


def truth_plot(
    table: pd.DataFrame, *, names: pd.DataFrame | None = None, ax: Axes | None = None
) -> Axes:
    """Segments found (rows) by true segments (columns): customers, shaded by share of the row.

    Parameters
    ----------
    table : DataFrame
        segment_id, true_id, customers, share_of_segment, adjusted_rand, as
        ``validation.truth_table``.
    names : DataFrame, optional
        segment_id, name_zh, name_en of the true segments.
    ax : Axes, optional

    Returns
    -------
    Axes
        One dark cell in each row and column: the segments are those that are true.

    Raises
    ------
    ValueError
        A column is missing.
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
    ax.imshow(share, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (i, j), n in np.ndenumerate(counts.to_numpy()):
        ink = "white" if share.iloc[i, j] > 0.6 else "0.15"
        ax.text(j, i, f"{n:,}" if n else "", ha="center", va="center", fontsize=9, color=ink)
    known = current().segments
    if names is not None:
        known = {**known, **dict(zip(names["segment_id"], zip(names["name_zh"], names["name_en"])))}
    _columns_on_top(ax, labels_of(pd.DataFrame(index=true), "name", known))
    ax.set_yticks(range(len(looks)), looks["label"])
    ax.set_ylabel(say("找到的客群", "Found"))
    text = say(
        "真实客群。格中：客户数；颜色：占该行的比例。调整兰德指数",
        "True segment. Numbers: customers; colour: share of the row. Adjusted Rand index",
    )
    ax.set_xlabel(f"{text} {table['adjusted_rand'].iloc[0]:.2f}")
    return ax


def _columns_on_top(ax: Axes, labels: Sequence[str]) -> None:
    """Names of the columns above a grid, slanted where they are long or many."""
    slant = len(labels) > 8 or max(map(width, labels), default=0) > 9
    ax.set_xticks(range(len(labels)), labels, rotation=35 if slant else 0,
                  ha="left" if slant else "center", rotation_mode="anchor")  # fmt: skip
    ax.xaxis.tick_top()
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)


def _grid(table, looks, labels, value) -> np.ndarray:
    """Values, variables × segments, NaN where the table has no row."""
    keyed = table.set_index(row_keys(table))
    columns = [keyed.loc[(keyed["segment_id"] == s).to_numpy(), value] for s in looks.index]
    columns = [c[~c.index.duplicated()].reindex(labels.index) for c in columns]
    return np.column_stack([c.to_numpy(float, na_value=np.nan) for c in columns])
