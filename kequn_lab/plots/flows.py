"""How segments come out of each other as k grows, and the rules that tell them."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path

from .canvas import (
    axes,
    clean,
    labels_of,
    need,
    number,
    percent,
    segment_key,
    segments_named,
    segments_of,
)
from .style import current, say

__all__ = ["flow_plot", "rule_plot"]

_ENTROPY = LinearSegmentedColormap.from_list("entropy", ["#FFFFFF", "#404040"])


def flow_plot(
    flows: pd.DataFrame, *, stability: pd.DataFrame | None = None, ax: Axes | None = None
) -> Axes:
    """Streams of customers from the segments of one solution to those of the next.

    Parameters
    ----------
    flows : DataFrame
        k_from, segment_from, k_to, segment_to, rows, as ``choosing.solution_flows`` of
        relabelled solutions, so that ids and colours follow.
    stability : DataFrame, optional
        k, segment, entropy (0 to 1), as ``choosing.across_solutions``: the darker a segment, the
        more it is a mixture of earlier ones.
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
        need(stability, ["k", "segment", "entropy"], "flow_plot: stability")
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
        zip(zip(stability["k"], stability["segment"]), stability["entropy"]))  # fmt: skip
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


def rule_plot(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """The conditions that tell each segment, one branch a segment, and how well they do.

    Parameters
    ----------
    table : DataFrame
        One row per segment: segment_id, rule (conditions ``name <= 1.5``, ``name > 1.5``,
        ``name IS NULL`` joined by AND), precision, recall (0 to 1); names if there. As
        ``profiles.segment_rules``.
    ax : Axes, optional

    Returns
    -------
    Axes
        Conditions on one line hold together. Bars: precision plain, recall hatched.

    Raises
    ------
    ValueError
        A column is missing, or a rule cannot be read.

    Examples
    --------
    >>> table = pd.DataFrame({"segment_id": ["old"], "rule": ["age_years > 47.5"],
    ...                       "precision": [1.0], "recall": [0.9]})
    >>> rule_plot(table).texts[0].get_text()
    'age_years > 47.5 years'
    """
    key = segment_key(table, "rule_plot")
    need(table, ["rule", "precision", "recall"], "rule_plot")
    looks = segments_of(table, key)
    rules = [_conditions(rule) for rule in table["rule"]]
    deepest = max(map(len, rules))
    wide = 2.4 if current().language == "zh" else 3.0
    ax = axes(ax, (5 + wide * deepest, 1.0 + 0.5 * len(looks)))
    for i, (row, rule) in enumerate(zip(table.itertuples(), rules)):
        look = looks.loc[getattr(row, key)]
        ax.plot([-0.08, len(rule) - 0.5], [i, i], color="0.55", lw=1.2, zorder=1)
        ax.plot(-0.08, i, look["marker"], ms=10, color=look["color"], mec="0.1", mew=0.8, zorder=3)
        for j, text in enumerate(rule):
            ax.text(j + 0.5, i, text, ha="center", va="center", fontsize=9, zorder=2,
                    bbox={"boxstyle": "round,pad=0.4", "fc": "white", "ec": look["color"],
                          "lw": 1.6})  # fmt: skip
        for at, share, hatch in ((0.15, row.precision, ""), (0.85, row.recall, "///")):
            ax.barh(i, 0.5, 0.5, left=deepest + at, fill=False, ec="0.7", lw=0.6)
            ax.barh(i, 0.5 * share, 0.5, left=deepest + at, color=look["color"], hatch=hatch,
                    ec="0.2", lw=0.6)  # fmt: skip
            ax.text(deepest + at + 0.52, i, percent(share), va="center", fontsize=8)
    ax.set_yticks(range(len(table)), looks.loc[table[key], "label"])
    ax.set_xticks([deepest + 0.4, deepest + 1.1], [
        say("命中率", "Precision"), say("覆盖率", "Recall")])  # fmt: skip
    ax.xaxis.tick_top()
    ax.tick_params(length=0)
    ax.set(xlim=(-0.2, deepest + 1.75), ylim=(len(table) - 0.4, -0.6))
    ax.spines[:].set_visible(False)
    return ax


_CONDITION = re.compile(r'("(?:[^"]|"")+"|\w+) (<=|>|IS NOT NULL|IS NULL) ?([^\s]+)?')
_UNITS = {"cny": ("元", " CNY"), "years": ("年", " years"), "days": ("天", " days"),
          "minutes": ("分钟", " minutes")}  # fmt: skip


def _conditions(rule: str) -> list[str]:
    """Each condition of a rule as a short text."""
    texts = []
    for part in re.split(r" AND (?=[\w\"])", rule):
        found = _CONDITION.fullmatch(part)
        if found is None:
            raise ValueError(f"rule_plot: cannot read the condition {part!r} of {rule!r}")
        name, sign, bound = found.groups()
        name = name[1:-1].replace('""', '"') if name.startswith('"') else name
        frame = pd.DataFrame(index=[name])
        (label,) = labels_of(frame, "meaning", current().variables)
        if sign.startswith("IS"):
            texts.append(label + (say("缺失", " missing") if sign == "IS NULL"
                                  else say("已知", " known")))  # fmt: skip
        elif name.startswith("is_"):
            texts.append(label + (say("：是", ": yes") if sign == ">" else say("：否", ": no")))
        else:
            texts.append(f"{label} {'≤' if sign == '<=' else sign} {_value(name, float(bound))}")
    return texts


def _value(name: str, value: float) -> str:
    """A bound with the unit that the variable's name ends in."""
    end = name.removesuffix("_per_month").rpartition("_")[2]
    if end == "share":
        return f"{100 * value:.3g}%"
    return number(value) + say(*_UNITS.get(end, ("", "")))
