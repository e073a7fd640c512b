"""Pictures of how well segments are separated: principal components, gorge plot."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from .canvas import (
    HALO,
    axes,
    below,
    need,
    panels,
    percent,
    place,
    segments_named,
    segments_of,
    variables_of,
)
from .style import GREY, say

__all__ = ["gorge_plot", "influence_plot", "separation_plot"]

#: Loadings drawn, at most.
N_ARROWS = 6
#: Variables and blocks drawn, at most.
MOST_INFLUENCES = 20
#: Blocks of the kit's features (``feature_dictionary``).
_BLOCKS = {
    "people:*": ("“人”的全部变量", "all of people"),
    "goods:*": ("“货”的全部变量", "all of goods"),
    "place:*": ("“场”的全部变量", "all of place"),
}


def separation_plot(
    scores: pd.DataFrame,
    *,
    hulls: pd.DataFrame | None = None,
    centres: pd.DataFrame | None = None,
    explained: pd.DataFrame | None = None,
    loadings: pd.DataFrame | None = None,
    n_customers: int | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Customers on the first two components, the hulls and the centres of their segments.

    Parameters
    ----------
    scores : DataFrame
        One row per customer drawn: segment_id, PC1, PC2.
    hulls : DataFrame, optional
        Corners in order: segment_id, hull (``inner`` is drawn solid, ``outer`` dashed), PC1, PC2.
    centres : DataFrame, optional
        Index or column segment_id; PC1, PC2. Gives the order of the legend, too.
    explained : DataFrame, optional
        component, explained_share: written on the axes.
    loadings : DataFrame, optional
        Index variable; PC1, PC2. The longest are drawn as arrows, of those that point the same
        way the longest only.
    n_customers : int, optional
        How many customers ``scores`` represent; if more than its rows, the picture says so.
    ax : Axes, optional

    Returns
    -------
    Axes
        Both components on one scale, so that distances can be compared.

    Raises
    ------
    ValueError
        A column is missing.

    References
    ----------
    Dolnicar, Grün and Leisch (2018), Market Segmentation Analysis, section 8.2. The tables are
    the attributes of ``profiles.segment_pca``.
    """
    plane = ["PC1", "PC2"]
    need(scores, ["segment_id", *plane], "separation_plot")
    if centres is not None and "segment_id" not in centres:
        centres = centres.rename_axis("segment_id").reset_index()
    if centres is not None:
        need(centres, ["segment_id", *plane], "separation_plot: centres")
    looks = segments_of(scores if centres is None else centres)
    own, ax = ax is None, axes(ax, (9, 5.8))
    size = float(np.clip(12_000 / len(scores), 6, 30))
    for segment, look in looks.iterrows():
        rows = scores[scores["segment_id"] == segment]
        ax.scatter(rows["PC1"], rows["PC2"], size, color=look["color"], marker=look["marker"],
                   alpha=0.45, lw=0)  # fmt: skip
    if hulls is not None and len(hulls):
        _hulls(ax, hulls, looks)
    middle = (
        scores.groupby("segment_id")[plane].mean()
        if centres is None
        else centres.set_index("segment_id")
    )
    for segment, look in looks.iterrows():
        x, y = middle.loc[segment, plane]
        ax.plot(x, y, look["marker"], ms=11, color=look["color"], mec="0.1", mew=1, zorder=8,
                label=look["label"])  # fmt: skip
    if loadings is not None:
        _arrows(ax, loadings, middle.loc[looks.index, plane].to_numpy(float))
    names = _components(plane, explained)
    if hulls is not None:
        names[0] += "\n" + say("实线：每个客群中间的一半客户；虚线：除最远者外",
                               "Solid line: the middle half of a segment; dashed: all but "
                               "the most distant")  # fmt: skip
    ax.set(xlabel=names[0], ylabel=names[1])
    ax.set_aspect("equal", adjustable="box")
    ax.axhline(0, color="0.85", lw=0.8, zorder=0)
    ax.axvline(0, color="0.85", lw=0.8, zorder=0)
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1), markerscale=0.8)
    _fit_in(ax, own)
    if n_customers is not None and n_customers > len(scores):
        _say_sample(ax, len(scores), n_customers)
    return ax


def _say_sample(ax: Axes, rows: int, n_customers: int) -> None:
    text = say(f"抽样 {rows:,} / {n_customers:,} 位客户",
               f"Sample: {rows:,} of {n_customers:,} customers")  # fmt: skip
    ax.annotate(text, (1, 1), (0, 4), xycoords="axes fraction", textcoords="offset points",
                ha="right", va="bottom", fontsize=9, color=GREY)  # fmt: skip


def _hulls(ax: Axes, hulls: pd.DataFrame, looks: pd.DataFrame) -> None:
    need(hulls, ["segment_id", "hull", "PC1", "PC2"], "separation_plot: hulls")
    for (segment, hull), corners in hulls.groupby(["segment_id", "hull"], sort=False):
        inner = hull == "inner"
        ax.fill(*corners[["PC1", "PC2"]].to_numpy().T, fill=False, ec=looks.loc[segment, "color"],
                lw=1.8 if inner else 0.9, ls="-" if inner else (0, (5, 3)))  # fmt: skip


def _components(plane: list[str], explained: pd.DataFrame | None) -> list[str]:
    """What the axes are called, with their share of the variance if it is known."""
    names = [say("第一主成分", "First component"), say("第二主成分", "Second component")]
    if explained is None:
        return names
    need(explained, ["component", "explained_share"], "separation_plot: explained")
    shares = explained.set_index("component")["explained_share"]
    told = [percent(shares[c]) for c in plane]
    return [n + say(f"（占方差 {t}）", f" ({t} of the variance)") for n, t in zip(names, told)]


def _arrows(ax: Axes, loadings: pd.DataFrame, centres: np.ndarray) -> None:
    need(loadings, ["PC1", "PC2"], "separation_plot: loadings")
    length = np.hypot(loadings["PC1"], loadings["PC2"])
    way = loadings[["PC1", "PC2"]].div(length, axis=0)
    chosen: list = []
    for name in length.sort_values(ascending=False).index:
        if len(chosen) < N_ARROWS and all(way.loc[name] @ way.loc[c] < 0.94 for c in chosen):
            chosen.append(name)  # 0.94: 20 degrees between them, or the labels cover each other
    longest = loadings.loc[chosen]
    names = longest.rename_axis("variable").reset_index()
    labels = variables_of(names, None, "separation_plot")
    reach = 0.75 * min(np.abs(ax.get_xlim()).max(), np.abs(ax.get_ylim()).max()) / length.max()
    wide = 0.013 * np.ptp(ax.get_xlim())  # of a letter, about
    taken = centres
    for tip, text in zip(longest[["PC1", "PC2"]].to_numpy() * reach, labels):
        ax.annotate("", tip, (0, 0), arrowprops={"arrowstyle": "-|>", "color": "0.2"}, zorder=6)
        half = wide * len(text) * (1 if text.isascii() else 2) / 2
        x, y = _clear_place(tip, half, taken, enough=4 * wide)
        taken = np.vstack([taken, [[x + np.sign(tip[0]) * i * half, y] for i in (0, 1, 2)]])
        ax.text(x, y, text, ha="left" if tip[0] > 0 else "right", va="center", fontsize=9,
                color="0.1", path_effects=[HALO], zorder=9)  # fmt: skip


def _fit_in(ax: Axes, own: bool) -> None:
    """Widen the axes until they hold their texts; make an own figure as high as the plane needs."""
    figure = ax.figure.get_figure(root=True)
    for _ in range(2):  # wider axes make smaller units, so that texts grow
        place(figure)
        words = [t.get_window_extent() for t in ax.texts if t.get_text()]
        boxes = [b.transformed(ax.transData.inverted()) for b in words]
        (low, high), (bottom, top) = ax.get_xlim(), ax.get_ylim()
        ax.set_xlim(min([low, *(b.x0 for b in boxes)]), max([high, *(b.x1 for b in boxes)]))
        ax.set_ylim(min([bottom, *(b.y0 for b in boxes)]), max([top, *(b.y1 for b in boxes)]))
    if own:
        width = ax.get_window_extent().width / figure.dpi
        height = width * np.ptp(ax.get_ylim()) / np.ptp(ax.get_xlim())
        key = ax.get_legend()
        legend = key.get_window_extent().height / figure.dpi if key else 0
        figure.set_figheight(float(np.clip(height, legend, 7)) + 1.1)


def _clear_place(tip: np.ndarray, half: float, centres: np.ndarray, enough: float) -> np.ndarray:
    """Where along its arrow a text of twice ``half`` width leaves the centres to be seen."""
    side = np.array([half if tip[0] > 0 else -half, 0])

    def room(at: float) -> float:
        off = np.abs(centres - (tip * at + side)) - [half, 0]
        return min(np.hypot(*np.clip(off, 0, None).T).min(), enough)

    return tip * max((1.08, 1.3, 0.8), key=room)


def gorge_plot(
    table: pd.DataFrame,
    *,
    ax: Axes | None = None,
) -> Axes:
    """One histogram a segment of all customers' similarity to it.

    Two peaks with a gap between them: the segment is separated. One peak: it is not.

    Parameters
    ----------
    table : DataFrame
        One row per customer, one column per segment, similarities 0 to 1, as
        ``validation.gorge``. Drawn in the order of its columns.
    ax : Axes, optional
        Divided into panels, which are its ``child_axes``.

    Returns
    -------
    Axes
        Bars are shares of all customers, on one scale for all segments.

    Raises
    ------
    ValueError
        No rows or columns, or values outside 0 to 1.

    References
    ----------
    Dolnicar, Grün and Leisch (2018), Market Segmentation Analysis, section 7.5.
    """
    need(table, [], "gorge_plot")
    values = table.to_numpy(float)
    if not values.size or not ((values >= 0) & (values <= 1)).all():
        raise ValueError("gorge_plot: similarities must lie between 0 and 1, none missing")
    looks = segments_named(table.columns)
    columns = min(len(looks), 4)
    rows = -(-len(looks) // columns)
    ax = axes(ax, (1 + 2.2 * columns, 0.7 + 1.9 * rows))
    parts = panels(ax, len(looks), columns=columns, gap=(0.03, 0.55 / (1.9 * rows)))
    edges = np.linspace(0, 1, 21)
    counts = [np.histogram(column, edges)[0] / len(values) for column in values.T]
    for i, (panel, count, look) in enumerate(zip(parts, counts, looks.itertuples())):
        panel.bar(edges[:-1], count, np.diff(edges), align="edge", color=look.color, ec="white",
                  lw=0.5)  # fmt: skip
        panel.set(xlim=(0, 1), ylim=(0, max(c.max() for c in counts) * 1.05))
        panel.set_title(look.label, fontsize=10, pad=4, y=1)
        panel.set_xticks([0, 0.5, 1])
        panel.tick_params(labelsize=8)
        panel.yaxis.set_major_formatter(lambda v, _: percent(v))
        if i % columns:
            panel.set_yticklabels([])
    below(ax, say("与各客群的相似度（纵轴：客户占比）",
                  "Similarity to the segment (upright: share of all customers)"))  # fmt: skip
    return ax


def influence_plot(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Bars of the customers who move where a variable (dark) or block (light) is left out.

    Parameters
    ----------
    table : DataFrame
        As ``validation.influence.column_influence``: variable, kind, moved_share, lost, decides.
    ax : Axes, optional

    Returns
    -------
    Axes
        The largest on top; beside a bar the segments that are gone, and that a variable alone
        gives the same segments.
    """
    need(table, ["variable", "kind", "moved_share", "lost", "decides"], "influence_plot")
    shown = table.head(MOST_INFLUENCES)
    ax = axes(ax, (8, 1 + 0.32 * len(shown)))
    y = np.arange(len(shown))
    block = shown["kind"].eq("block")
    ax.barh(y, shown["moved_share"], height=0.7, edgecolor="0.25", lw=0.6,
            color=np.where(block, "0.8", "#0072B2"))  # fmt: skip
    for at, row in zip(y, shown.itertuples()):
        text = percent(row.moved_share, 1)
        if row.lost:
            text += say(f"，{row.lost} 个客群消失", f", {row.lost} gone")
        if row.decides:
            text += say("，单独决定", ", decides alone")
        ax.annotate(text, (row.moved_share, at), (6, 0), textcoords="offset points", va="center",
                    fontsize=9)  # fmt: skip
    labels = [
        say(*_BLOCKS.get(row.variable, (row.variable,) * 2)) if row.kind == "block" else label
        for row, label in zip(shown.itertuples(), variables_of(shown, None, "influence_plot"))
    ]
    ax.set_yticks(y, labels)
    ax.tick_params(axis="y", length=0)
    ax.set(ylim=(len(shown) - 0.4, -0.6), xlim=(0, max(shown["moved_share"].max(), 0.01) * 1.5))
    ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.set_xlabel(say(
        f"去掉该变量（浅色为一组变量）后换客群的客户（{len(shown)}/{len(table)}）",
        f"Customers who move without it; light: a block ({len(shown)} of {len(table)} shown)",
    ))  # fmt: skip
    ax.spines["left"].set_visible(False)
    return ax
