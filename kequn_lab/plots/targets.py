"""Pictures of choosing targets: differences of two groups, decision matrix."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from kequn_lab._words import term

from .canvas import (
    axes,
    below,
    named,
    need,
    panels,
    percent,
    segments_of,
    variables_of,
)  # fmt: skip
from .style import GREY, current, say

__all__ = ["decision_plot", "difference_plot"]

_AXES = ("attractiveness", "competitiveness")
_FIRST, _SECOND = "#0072B2", "#D55E00"
BANKS = {"internet_bank": _FIRST, "traditional_bank": _SECOND}
#: What is drawn again to see how often a segment is a target: the column's end, and what it is.
_DRAWN = {
    "weights": ("换权重", "other weights"),
    "customers": ("换客户、重新分群", "other customers, clustered again"),
    "banks": ("换银行", "other banks"),
}
_MEASURES = {"smd": ("o", "●"), "cliffs_delta": ("D", "◆"), "cramers_v_corrected": ("s", "■")}


def difference_plot(
    table: pd.DataFrame, *, names: pd.DataFrame | None = None, top: int = 20, ax: Axes | None = None
) -> Axes:
    """Standardised differences of two groups with intervals, largest on top ("love plot").

    Parameters
    ----------
    table : DataFrame
        variable, measure, effect, effect_low, effect_high, group_a, group_b; if there
        meaning_zh, meaning_en. As ``compare.compare_groups``; drawn in its order.
    names : DataFrame, optional
        Of the groups: group_id, name_zh, name_en.
    top : int
        How many variables, from the first on.
    ax : Axes, optional

    Returns
    -------
    Axes
        Right of zero (blue) the first group has more, left (orange) the second. A category has no
        direction: grey squares.

    Raises
    ------
    ValueError
        A column is missing, or there are no rows.

    References
    ----------
    Austin (2009), Statistics in Medicine 28:3083: below 0.1 (dotted) is negligible.
    """
    columns = ["variable", "measure", "effect", "effect_low", "effect_high", "group_a", "group_b"]
    need(table, columns, "difference_plot")
    shown = table.dropna(subset=["effect"]).head(top)
    need(shown, [], "difference_plot: rows with an effect")
    labels = variables_of(shown, None, "difference_plot").to_list()
    ax = axes(ax, (8.5, 1.5 + 0.27 * len(shown)))
    for y, row in enumerate(shown.itertuples()):
        marker = _MEASURES[row.measure][0]
        color = _FIRST if row.effect > 0 else _SECOND
        color = "0.35" if row.measure == "cramers_v_corrected" else color
        if np.isfinite([row.effect_low, row.effect_high]).all():
            ax.plot([row.effect_low, row.effect_high], [y, y], color=color, lw=2, alpha=0.6)
        ax.plot(row.effect, y, marker, color=color, ms=6.5, mec="white", mew=0.6)
    ax.axvline(0, color="0.3", lw=0.9)
    for x in (-0.1, 0.1):
        ax.axvline(x, color="0.6", lw=0.8, ls=":")
    ax.set_yticks(range(len(shown)), labels)
    ax.set_ylim(len(shown) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="y", color="0.93")
    reach = 1.08 * np.nanmax(np.abs(shown[["effect", "effect_low", "effect_high"]].to_numpy(float)))
    ax.set_xlim(-reach, reach)
    a, b = (named([shown[c].iloc[0]], names)[0] for c in ("group_a", "group_b"))
    for x, align, color, text in (
        (0, "left", _SECOND, say(f"← {b}更高", f"← higher: {b}")),
        (1, "right", _FIRST, say(f"{a}更高 →", f"higher: {a} →")),
    ):
        ax.text(x, 1.01, text, transform=ax.transAxes, ha=align, va="bottom", color=color)
    text = say(
        "标准化差异（横线：自助法区间；虚线：0.1 以内可忽略）",
        "Standardised difference (line: bootstrap interval; dotted: 0.1, negligible)",
    )
    used = [m for m in _MEASURES if (shown["measure"] == m).any()]
    if len(used) > 1:
        text += "\n" + "   ".join(f"{_MEASURES[m][1]} {term(m, current().language)}" for m in used)
    ax.set_xlabel(text)
    return ax


def decision_plot(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Decision matrix: how attractive a segment is, how competitive the bank is there, how sure.

    Parameters
    ----------
    table : DataFrame
        bank_kind, segment_id, size_share, attractiveness and competitiveness with _low and _high,
        knocked_out_by, target, target_share_weights; if there target_share_customers,
        target_share_banks, mark and names. As ``compare.attractiveness_matrix``.
    ax : Axes, optional
        Divided into one panel per kind of bank, its ``child_axes``.

    Returns
    -------
    Axes
        Bubble areas are shares of the customers; lines the intervals over drawn weights and
        customers; a black ring marks a target, a hollow bubble is knocked out. The percentages
        are how often the segment is a target with other weights, with other customers who are
        clustered again, and in other banks, where the table has these columns. Names are listed
        beside the matrix; one with a ``mark`` has a dagger.

    Raises
    ------
    ValueError
        A column is missing.
    """
    parts = [f"{axis}{end}" for axis in _AXES for end in ("", "_low", "_high")]
    told = ["knocked_out_by", "target", "target_share_weights"]
    need(table, ["bank_kind", "segment_id", "size_share", *told, *parts], "decision_plot")
    looks = segments_of(table)
    kinds = list(dict.fromkeys(table["bank_kind"]))
    ax = axes(ax, (0.6 + 5.9 * len(kinds), 5.2))
    small = panels(ax, len(kinds), columns=len(kinds), gap=(0.07, 0))
    for panel, kind, name in zip(small, kinds, named(kinds)):
        _matrix(panel, table[table["bank_kind"] == kind], looks)
        panel.text(0.02, 0.97, name, fontsize=12, va="top")
        panel.set_ylabel(say("客群吸引力", "Attractiveness of the segment"))
    drawn = [_DRAWN[source] for source in _drawn(table)]
    text = say(
        "银行竞争力。十字：区间；黑圈：入选；空心：未达门槛；斜线：得分相同\n百分比：仍入选的比例，依次为"
        + " / ".join(zh for zh, _ in drawn),
        "Competitiveness of the bank. Cross: interval; ring: target; hollow: below a minimum;\n"
        "diagonal lines: equal score; %: how often a target, with "
        + " / ".join(en for _, en in drawn),
    )
    if table.get("mark", pd.Series(dtype=str)).ne("").any():
        text += say("；†：不宜推荐", "; †: not to be recommended")
    if "declared" in table and (table["declared"] == "changed since").any():
        text += say("\n标准在分群之后改过", "\nThe criteria were changed after they were declared")
    below(ax, text)
    return ax


def _drawn(table: pd.DataFrame) -> list[str]:
    """What was drawn again in this table: its columns that say how often a segment is a target."""
    shares = {source: table.get(f"target_share_{source}") for source in _DRAWN}
    return [s for s, share in shares.items() if share is not None and share.notna().any()]


def _matrix(panel: Axes, rows: pd.DataFrame, looks: pd.DataFrame) -> None:
    rows = rows.sort_values("size_share", ascending=False)  # small bubbles stay visible
    sizes = 120 + 2600 * rows["size_share"].fillna(0.05)
    for (_, row), size in zip(rows.iterrows(), sizes):
        x, y = row["competitiveness"], row["attractiveness"]
        color, out = looks.loc[row["segment_id"], "color"], bool(row["knocked_out_by"])
        ink = "0.7" if out else "0.35"
        panel.plot([row["competitiveness_low"], row["competitiveness_high"]], [y, y], color=ink,
                   lw=1.1, zorder=4)  # fmt: skip
        panel.plot([x, x], [row["attractiveness_low"], row["attractiveness_high"]], color=ink,
                   lw=1.1, zorder=4)  # fmt: skip
        edge, width = ("black", 2) if row["target"] else (color, 1.2)
        panel.scatter(x, y, s=size, color="none" if out else color, alpha=1 if out else 0.75,
                      edgecolor=edge, lw=width, ls="--" if out else "-", zorder=3)  # fmt: skip
    rows = rows.sort_values("attractiveness")
    gap = min(0.05, 1 / max(len(rows), 1))
    places = _spread(rows["attractiveness"], gap)
    lowest = gap * np.arange(len(rows))  # so that all stay beside the matrix
    places = np.clip(places, lowest, lowest + 1 - gap * (len(rows) - 1))
    for (_, row), at in zip(rows.iterrows(), places):
        x, y, look = row["competitiveness"], row["attractiveness"], looks.loc[row["segment_id"]]
        text = look["label"]
        often = [row[f"target_share_{source}"] for source in _drawn(rows)]
        if max(often, default=0) >= 0.005 and not row["knocked_out_by"]:
            text += "  " + " / ".join(percent(share) for share in often)
        if row.get("mark") or False:
            text += " †"
        panel.plot([x, 1.03], [y, at], color=look["color"], lw=0.7, alpha=0.6, zorder=2)
        panel.plot(1.05, at, "s", ms=6, color=look["color"], clip_on=False)
        panel.text(1.075, at, text, fontsize=8.5, va="center",
                   color=GREY if row["knocked_out_by"] else "0.1")  # fmt: skip
    for at in (0.5, 1.0, 1.5):
        panel.plot([0, 1], [at, at - 1], color="0.9", lw=0.9, zorder=0)
    panel.set(xlim=(-0.06, 1.85), ylim=(0, 1), xticks=[0, 0.5, 1], yticks=[0, 0.5, 1])
    panel.spines["bottom"].set_bounds(-0.06, 1)


def _spread(wanted, gap: float) -> np.ndarray:
    """Ascending positions with `gap` or more between them, as near as possible to those wanted."""
    wanted = np.asarray(wanted, float)
    steps = gap * np.arange(len(wanted))
    blocks: list[list[float]] = []  # neighbours that would touch share the mean of their shifts
    for shift in wanted - steps:
        blocks.append([shift, 1])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            (a, n), (b, m) = blocks[-2:]
            blocks[-2:] = [[(a * n + b * m) / (n + m), n + m]]
    return np.concatenate([[b] * int(n) for b, n in blocks]) + steps if blocks else wanted
