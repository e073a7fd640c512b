"""How segments come out of each other as k grows, and the rules that tell them."""

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
    """Streams of customers from the segments of one solution to those of the next.

    Parameters
    ----------
    flows : DataFrame
        k_from, segment_from, k_to, segment_to, rows, as ``validation.solution_flows`` of
        relabelled solutions, so that ids and colours follow.
    stability : DataFrame, optional
        k, segment_id, entropy (0 to 1), as ``validation.across_solutions``: the darker a
        segment, the more it is a mixture of earlier ones.
    ax : Axes, optional

    Returns
    -------
    Axes
        Heights are customers; a stream has the colour of the segment that it enters.

    Raises
    ------
    ValueError
        A column is missing.

    References
    ----------
    Dolnicar and Leisch (2017), Annals of Tourism Research 66:216 (SLSA plot).
    """
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
