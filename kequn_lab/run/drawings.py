"""The pictures of a result, each a fact: what it is called, what it needs, how it is drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pandas as pd

__all__ = ["DRAWINGS", "Drawing", "drawings"]

Tables = Mapping[str, pd.DataFrame]


@dataclass(frozen=True)
class Drawing:
    """One picture.

    ``draw`` takes the tables of a result and :mod:`kequn_lab.plots`; ``needs`` are the tables
    without which (or with which, empty) there is nothing to draw; ``section`` is its place in
    the report, None for a file only.
    """

    name: str
    title_zh: str
    title_en: str
    alt_zh: str
    alt_en: str
    section: str | None
    needs: tuple[str, ...]
    draw: Callable


DRAWINGS = (
    Drawing(
        "sizes", "客群规模", "Sizes", "各客群占比与区间", "Share of each segment with interval",
        None, ("sizes",), lambda t, plots: plots.profile.size_plot(t["sizes"]),
    ),
    Drawing(
        "heat_map", "客群画像热图", "Segments at a glance", "各变量与其余客户的差异",
        "How each segment differs from the rest in every variable",
        None, ("profile", "order"),
        lambda t, plots: plots.profile_plot(
            t["profile"], kind="heatmap", order=t["order"]["variable"]
        ),
    ),
    Drawing(
        "profile", "客群画像", "Profiles", "各客群的标志变量", "Variables that mark each segment",
        None, ("profile", "markers", "order"),
        lambda t, plots: plots.profile_plot(
            t["profile"], markers=t["markers"], order=t["order"]["variable"]
        ),
    ),
    Drawing(
        "influence", "哪个变量决定客群", "Which variable decides",
        "去掉一个变量后换客群的客户占比", "Share of customers who move without each variable",
        None, ("influence",), lambda t, plots: plots.structure.influence_plot(t["influence"]),
    ),
    Drawing(
        "separation", "客群之间的距离", "Where the segments lie",
        "前两个主成分上的客户与客群中心", "Customers and centres on the first two components",
        "profiles", ("plane_scores",),
        lambda t, plots: plots.separation_plot(
            t["plane_scores"],
            hulls=t["plane_hulls"],
            centres=t["plane_centres"].set_index("segment_id"),
            explained=t["plane_explained"],
            loadings=t["plane_axes"].set_index("variable"),
            n_customers=int(t["sizes"]["customers"].sum()),
        ),
    ),
    Drawing(
        "comparison", "两类目标客群的差异", "How the two target groups differ",
        "标准化差异及区间，按大小排列", "Standardised differences with intervals, by size",
        "comparison", ("comparison",),
        lambda t, plots: plots.difference_plot(
            t["comparison"],
            names=t["target_groups"].rename(
                columns={"group_zh": "name_zh", "group_en": "name_en"}
            ),
            top=12,
        ),
    ),
    Drawing(
        "decision", "决策矩阵", "Decision matrix", "客群吸引力与银行竞争力",
        "Attractiveness of segments by competitiveness of the bank",
        "decision", ("decision",), lambda t, plots: plots.decision_plot(t["decision"]),
    ),
    Drawing(
        "truth", "交叉表", "Cross table", "找到的客群与真实客群的交叉表",
        "Customers by segment found and true segment",
        "truth", ("truth_table",),
        lambda t, plots: plots.grids.truth_plot(t["truth_table"], names=t["known_segments"]),
    ),
    Drawing(
        "indices", "各指标随群数的变化", "Indices by number of segments", "各指标并不一致",
        "Each index by k; they disagree",
        "evidence", ("scores",), lambda t, plots: plots.validation_plot(t["scores"]),
    ),
    Drawing(
        "stability", "稳定性", "Stability by number of segments", "自助法配对的调整兰德指数",
        "Adjusted Rand index over bootstrap pairs",
        "evidence", ("pairs",), lambda t, plots: plots.validation_plot(t["pairs"]),
    ),
    Drawing(
        "segment_stability", "换一批客户，各客群是否还在", "Is each segment found again",
        "重抽样中各客群的杰卡德指数", "Jaccard index of each segment over resamples",
        "evidence", ("slsw",), lambda t, plots: plots.validation_plot(t["slsw"]),
    ),
)  # fmt: skip


def drawings(tables: Tables) -> dict[str, Drawing]:
    """Those pictures for which the tables suffice, by name.

    Examples
    --------
    >>> sizes = pd.DataFrame({"segment_id": ["a"], "share": [1.0], "customers": [5]})
    >>> list(drawings({"sizes": sizes}))
    ['sizes']
    """
    alone = "profile" in tables and tables["profile"]["effect"].isna().all()  # one segment
    return {
        d.name: d
        for d in DRAWINGS
        if all(len(tables.get(name, ())) for name in d.needs)
        and not (alone and "profile" in d.needs)
    }
