"""Pictures of choosing targets: differences of two groups, decision matrix, bank fit, gain."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import PercentFormatter

from .canvas import (
    GREY,
    axes,
    clean,
    labels_of,
    need,
    panels,
    percent,
    segments_named,
    segments_of,
    variables_of,
)  # fmt: skip
from .profile import below
from .style import say

__all__ = ["decision_plot", "difference_plot", "fit_plot", "gain_plot", "outcome_plot"]

#: What the kit's own ids are called.
NAMES = {
    "internet_bank": ("互联网银行", "Internet bank"),
    "internet_bank_corporate": ("互联网银行（企业）", "Internet bank, corporate"),
    "traditional_bank": ("传统银行", "Traditional bank"),
    "segment": ("按客群", "By segment"),
    "random": ("随机", "At random"),
    "best possible": ("最好可能", "Best possible"),
    "all": ("全部", "All"),
}
_FIRST, _SECOND = "#0072B2", "#D55E00"
_MEASURES = {
    "smd": ("o", "标准化均值差", "Standardised mean difference"),
    "cliffs_delta": ("D", "Cliff's δ（换算）", "Cliff's delta, converted"),
    "cramers_v": ("s", "Cramér's V（换算，无方向）", "Cramér's V, converted, no direction"),
}


def named(ids, names: pd.DataFrame | None = None) -> list[str]:
    """Names of ids from a table whose first ``…_id`` column holds them; else our own, else ids."""
    ids, known = list(dict.fromkeys(ids)), dict(NAMES)
    if names is not None:
        key = next(c for c in names.columns if str(c).endswith("_id"))
        first = names.drop_duplicates(key).set_index(key)
        known |= {i: (row.get("name_zh", i), row.get("name_en", i)) for i, row in first.iterrows()}
    return labels_of(pd.DataFrame(index=ids), "name", known)


def difference_plot(table: pd.DataFrame, *, top: int = 20, ax: Axes | None = None) -> Axes:
    """Standardised differences of two groups with intervals, largest on top ("love plot").

    Parameters
    ----------
    table : DataFrame
        variable, measure, effect, effect_low, effect_high, group_a, group_b; if there
        meaning_zh, meaning_en. As ``compare.compare_groups``; drawn in its order.
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
        color = "0.35" if row.measure == "cramers_v" else color
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
    a, b = (named([shown[c].iloc[0]])[0] for c in ("group_a", "group_b"))
    for x, align, color, text in (
        (0, "left", _SECOND, say(f"← {b}更高", f"← higher: {b}")),
        (1, "right", _FIRST, say(f"{a}更高 →", f"higher: {a} →")),
    ):
        ax.text(x, 1.01, text, transform=ax.transAxes, ha=align, va="bottom", color=color)
    ax.set_xlabel(say("标准化差异（横线：自助法区间；虚线：0.1 以内可忽略）",
                      "Standardised difference (line: bootstrap interval; dotted: 0.1, negligible)"))  # fmt: skip
    used = [m for m in _MEASURES if (shown["measure"] == m).any()]
    handles = [Line2D([], [], marker=_MEASURES[m][0], ls="", color="0.35", ms=6,
                      label=say(*_MEASURES[m][1:])) for m in used]  # fmt: skip
    if len(used) > 1:
        ax.legend(handles=handles, loc="lower right")
    return ax


def decision_plot(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Decision matrix: how attractive a segment is, how competitive the bank is there, how sure.

    Parameters
    ----------
    table : DataFrame
        bank_kind, segment_id, size_share, attractiveness and competitiveness with _low and _high,
        knocked_out_by, target, target_share_weights; if there names. As
        ``attractiveness.attractiveness_matrix``.
    ax : Axes, optional
        Divided into one panel per kind of bank, its ``child_axes``.

    Returns
    -------
    Axes
        Bubble areas are shares of the customers; lines the intervals over drawn weights and
        customers; a black ring marks a target, a hollow bubble is knocked out. The percentage is
        how often the segment is a target when weights are drawn.

    Raises
    ------
    ValueError
        A column is missing.
    """
    need(table, ["bank_kind", "segment_id", "size_share", "knocked_out_by", "target",
                 "target_share_weights", *(f"{a}{e}" for a in ("attractiveness", "competitiveness")
                                           for e in ("", "_low", "_high"))], "decision_plot")  # fmt: skip
    looks = segments_of(table, "segment_id")
    kinds = list(dict.fromkeys(table["bank_kind"]))
    ax = axes(ax, (0.6 + 5 * len(kinds), 5.6))
    for panel, kind, name in zip(panels(ax, len(kinds), columns=len(kinds), gap=(0.08, 0)), kinds,
                                 named(kinds)):  # fmt: skip
        _matrix(panel, table[table["bank_kind"] == kind], looks)
        panel.set_title(name)
        panel.set_ylabel(say("客群吸引力", "Attractiveness of the segment"))
    below(ax, say("银行竞争力（十字：区间；黑圈：目标；空心：一票否决；百分比：权重变动时入选的次数）",
                  "Competitiveness of the bank (cross: interval; ring: target; hollow: knocked out; "
                  "%: how often a target as weights vary)"))  # fmt: skip
    return ax


def _matrix(panel: Axes, rows: pd.DataFrame, looks: pd.DataFrame) -> None:
    sizes = 120 + 2600 * rows["size_share"].fillna(rows["size_share"].mean()).fillna(0.05)
    # large bubbles first, so that small ones stay visible
    for i in sizes.sort_values(ascending=False).index:
        row = rows.loc[i]
        x, y = row["competitiveness"], row["attractiveness"]
        color, out = looks.loc[row["segment_id"], "color"], bool(row["knocked_out_by"])
        for axis, at in (("competitiveness", y), ("attractiveness", x)):
            ends = [row[f"{axis}_low"], row[f"{axis}_high"]]
            line = (ends, [at, at]) if axis == "competitiveness" else ([at, at], ends)
            panel.plot(*line, color="0.35" if not out else "0.7", lw=1.1, zorder=4)
        panel.scatter(x, y, s=sizes[i], color="none" if out else color, alpha=1 if out else 0.75,
                      edgecolor="black" if row["target"] else color,
                      lw=2 if row["target"] else 1.2, ls="--" if out else "-", zorder=3)  # fmt: skip
        text = looks.loc[row["segment_id"], "label"]
        if np.isfinite(row["target_share_weights"]) and not out:
            text += f"  {percent(row['target_share_weights'])}"
        left = x > 0.62
        shift = (np.sqrt(sizes[i]) / 2 + 2) * (-1 if left else 1)
        panel.annotate(text, (x, y), (shift, 0), textcoords="offset points", fontsize=8, zorder=5,
                       ha="right" if left else "left", va="center",
                       color=GREY if out else "0.1")  # fmt: skip
    panel.set(xlim=(0, 1), ylim=(0, 1))
    for at in (0.5, 1.0, 1.5):
        panel.plot([0, 1], [at, at - 1], color="0.9", lw=0.9, zorder=0)
    panel.set_aspect("equal")
    panel.set_xticks([0, 0.5, 1])
    panel.set_yticks([0, 0.5, 1])


def fit_plot(
    table: pd.DataFrame, *, names: pd.DataFrame | None = None, ax: Axes | None = None
) -> Axes:
    """Banks by segments: fit from customers as colour, what the article says as a mark.

    Parameters
    ----------
    table : DataFrame
        bank_id, segment_id, fit (0 to 1), relation (target, customer, gap, or missing), basis
        (stated, reading). As ``banks.target_fit``.
    names : DataFrame, optional
        bank_id, name_zh, name_en.
    ax : Axes, optional

    Returns
    -------
    Axes
        ● stated, ○ our reading of the article, △ a gap that it states.

    Raises
    ------
    ValueError
        A column is missing.
    """
    need(table, ["bank_id", "segment_id", "fit", "relation", "basis"], "fit_plot")
    banks, segments = (list(dict.fromkeys(table[c])) for c in ("bank_id", "segment_id"))
    looks = segments_named(segments)
    wide = table.set_index(["bank_id", "segment_id"])
    grid = wide["fit"].unstack().reindex(banks, columns=segments)  # noqa: PD010
    ax = axes(ax, (2.6 + 0.95 * len(segments), 1.6 + 0.42 * len(banks)))
    image = ax.imshow(grid, cmap="Greens", vmin=0, vmax=1, aspect="auto")
    for (i, j), fit in np.ndenumerate(grid.to_numpy()):
        said = wide.loc[(banks[i], segments[j])]
        mark = ""
        if isinstance(said["relation"], str):
            mark = "△" if said["relation"] == "gap" else "●" if said["basis"] == "stated" else "○"
        text = "–" if np.isnan(fit) else f"{mark} {fit:.2f}".strip()
        ink = "white" if fit > 0.65 else "0.15"
        ax.text(j, i, text, ha="center", va="center", fontsize=9, color=ink)
    ax.set_xticks(range(len(segments)), looks["label"], rotation=30, ha="left",
                  rotation_mode="anchor")  # fmt: skip
    ax.xaxis.tick_top()
    ax.set_yticks(range(len(banks)), named(banks, names))
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    bar = ax.figure.colorbar(image, ax=ax, fraction=0.03, pad=0.02)
    bar.set_label(say("契合度（权重为假设）", "Fit (weights are assumptions)"))
    bar.outline.set_visible(False)
    ax.set_xlabel(say("● 文章明说　○ 本课解读　△ 文章所说的短板",
                      "● stated by the article   ○ our reading   △ a gap that it states"))  # fmt: skip
    return ax


def gain_plot(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Cumulative gain: share of the outcomes that a campaign reaches with so many contacts.

    Parameters
    ----------
    table : DataFrame
        strategy, contacted_share, gain (0 to 1); if there gain_low, gain_high. As
        ``targeting.targeting_gain``.
    ax : Axes, optional

    Returns
    -------
    Axes
        Random is the dashed diagonal, the best possible the grey line.

    Raises
    ------
    ValueError
        A column is missing.
    """
    need(table, ["strategy", "contacted_share", "gain"], "gain_plot")
    ax = axes(ax, (6.2, 5))
    palette = iter(["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00"] * 3)
    dashes = iter(["-", "-.", (0, (4, 1.5)), (0, (1, 1)), (0, (3, 1, 1, 1, 1, 1))] * 3)
    strategies = list(dict.fromkeys(table["strategy"]))
    for strategy, name in zip(strategies, named(strategies)):
        rows = table[table["strategy"] == strategy].sort_values("contacted_share")
        plain = {"random": ("0.4", "--"), "best possible": ("0.7", "-")}.get(strategy)
        color, dash = plain or (next(palette), next(dashes))
        ax.plot(rows["contacted_share"], rows["gain"], color=color, ls=dash, label=name,
                lw=1.2 if plain else 2)  # fmt: skip
        if not plain and {"gain_low", "gain_high"} <= set(rows):
            ax.fill_between(rows["contacted_share"], rows["gain_low"], rows["gain_high"],
                            color=color, alpha=0.12, lw=0)  # fmt: skip
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.set(xlim=(0, 1), ylim=(0, 1.01))
    ax.grid()
    ax.set(xlabel=say("触达客户占比", "Customers contacted"),
           ylabel=say("覆盖的成果占比", "Outcomes reached"))  # fmt: skip
    ax.legend(loc="lower right")
    return ax


def outcome_plot(table: pd.DataFrame, *, label: str = "", ax: Axes | None = None) -> Axes:
    """How often an outcome holds in each segment, with intervals, against all customers.

    Parameters
    ----------
    table : DataFrame
        segment_id (``all`` gives the dashed line), customers, outcomes, rate, low, high. As
        ``targeting.outcome_by_segment``.
    label : str
        What the outcome is.
    ax : Axes, optional

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        A column is missing.
    """
    need(table, ["segment_id", "customers", "outcomes", "rate", "low", "high"], "outcome_plot")
    rows = table[table["segment_id"] != "all"].reset_index(drop=True)
    looks = segments_named(rows["segment_id"])
    ax = axes(ax, (7.5, 1 + 0.4 * len(rows)))
    for y, row in enumerate(rows.itertuples()):
        look = looks.loc[row.segment_id]
        ax.plot([row.low, row.high], [y, y], color=look["color"], lw=2.2)
        ax.plot(row.rate, y, look["marker"], color=look["color"], ms=8, mec="0.15", mew=0.8)
        ax.annotate(f"{percent(row.rate, 1)}  ({row.outcomes:,}/{row.customers:,})", (row.high, y),
                    (7, 0), textcoords="offset points", va="center", fontsize=8.5)  # fmt: skip
    handles = []
    for row in table[table["segment_id"] == "all"].itertuples():
        ax.axvline(row.rate, color="0.4", lw=1, ls="--", zorder=0)
        text = say(f"全部 {percent(row.rate, 1)}", f"All {percent(row.rate, 1)}")
        handles = [Patch(fc="none", ec="none", label=f"- - {text}")]
    ax.set_yticks(range(len(rows)), looks["label"])
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.set_xlim(0, rows["high"].max() * 1.3)
    ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.set_xlabel(clean(label, 60) or say("成果占比", "Share with the outcome"))
    if handles:
        ax.legend(handles=handles, loc="lower right", handlelength=0)
    return ax
