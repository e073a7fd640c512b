"""The pictures of a run: which there are, and how they get into a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from tqdm.auto import tqdm

from kequn_lab._notes import Note
from kequn_lab.features.definitions import feature_table
from kequn_lab.run.analysis import Analysis

__all__ = ["draw_figures", "drawings", "looks"]


def drawings(analysis: Analysis) -> dict:
    """Per picture: how it is drawn, its titles, what it shows, its section of the report if any."""
    from kequn_lab import plots

    t = analysis.tables
    order = t["order"]["variable"]
    words = {"group_zh": "name_zh", "group_en": "name_en"}
    groups = analysis.book["target_groups"][["group_id", *words]].rename(columns=words)
    out = {
        "sizes": (
            lambda: plots.size_plot(t["sizes"]),
            ("客群规模", "Sizes", "各客群占比与区间", "Share of each segment with interval"),
            None,
        ),
        "heat_map": (
            lambda: plots.heat_map(t["profile"], order=order),
            ("客群画像热图", "Segments at a glance", "各变量与其余客户的差异",
             "How each segment differs from the rest in every variable"),
            None,
        ),
        "profile": (
            lambda: plots.profile_plot(t["profile"], markers=t["markers"], order=order),
            ("客群画像", "Profiles", "各客群的标志变量", "Variables that mark each segment"),
            None,
        ),
    }  # fmt: skip
    if t["profile"]["effect"].isna().all():  # one segment: there is no rest to differ from
        del out["heat_map"], out["profile"]
    if (plane := analysis.plane) is not None:
        out["separation"] = (
            lambda: plots.separation_plot(
                plane.scores,
                hulls=plane.hulls,
                centres=plane.centres,
                explained=plane.explained,
                loadings=plane.axes,
                n_customers=plane.n_customers,
            ),
            (
                "客群之间的距离",
                "How the segments lie to each other",
                "前两个主成分上的客户与客群中心",
                "Customers and centres on the first two components",
            ),
            "profiles",
        )
    if len(t["comparison"]):
        out["comparison"] = (
            lambda: plots.difference_plot(t["comparison"], names=groups, top=12),
            ("两类目标客群的差异", "How the two target groups differ",
             "标准化差异及区间,按大小排列", "Standardised differences with intervals, by size"),
            "comparison",
        )  # fmt: skip
    if "decision" in t:
        out["decision"] = (
            lambda: plots.decision_plot(t["decision"]),
            ("决策矩阵", "Decision matrix", "客群吸引力与银行竞争力",
             "Attractiveness of segments by competitiveness of the bank"),
            "decision",
        )  # fmt: skip
    if "truth_table" in t:
        out["truth"] = (
            lambda: plots.truth_plot(t["truth_table"], names=analysis.book["segments"]),
            ("找到的与真实的", "Found against true", "找到的客群与真实客群的交叉表",
             "Customers by segment found and true segment"),
            "truth",
        )  # fmt: skip
    if "scores" in t:
        out["indices"] = (
            lambda: plots.index_panel(t["scores"]),
            ("各指标随群数的变化", "Indices by number of segments", "各指标并不一致",
             "Each index by k; they disagree"),
            "evidence",
        )  # fmt: skip
        out["stability"] = (
            lambda: plots.stability_plot(t["pairs"]),
            ("稳定性", "Stability by number of segments", "自助法配对的调整兰德指数",
             "Adjusted Rand index over bootstrap pairs"),
            "evidence",
        )  # fmt: skip
    if "slsw" in t:
        out["segment_stability"] = (
            lambda: plots.segment_stability_plot(t["slsw"]),
            ("各客群能否重现", "Does each segment come back", "重抽样中各客群的杰卡德指数",
             "Jaccard index of each segment over resamples"),
            "evidence",
        )  # fmt: skip
    return out


def draw_figures(
    analysis: Analysis, folder: Path, language: str, quiet: bool
) -> tuple[dict[str, Any], list[Note]]:
    """Draw the pictures of a run into a folder.

    Parameters
    ----------
    analysis : Analysis
    folder : Path
        Made here.
    language : {"zh", "en"}
    quiet : bool
        No progress bar.

    Returns
    -------
    dict of str to Picture
        Those that the report shows, by name.
    list of Note
        A picture that cannot be drawn is left out, and said here.
    """
    import matplotlib.pyplot as plt

    from kequn_lab import plots
    from kequn_lab.report.page import Picture

    folder.mkdir()
    pictures, notes = {}, []
    with plots.style(
        language,
        segments=looks(analysis.labels),
        variables=feature_table(),
        synthetic=analysis.inputs.synthetic,
    ):
        for name, (draw, words, section) in tqdm(
            drawings(analysis).items(), desc="draw", disable=quiet
        ):
            file, open_before = folder / f"{name}.png", plt.get_fignums()
            try:
                plots.save(draw().figure, file, title=words[1])
            except Exception as error:
                zh = f"图“{words[0]}”未能画出,已略去({error})"
                en = f"the picture {words[1]!r} could not be drawn and is left out ({error})"
                notes.append(Note("picture_left_out", zh, en, variable=name))
                file.unlink(missing_ok=True)
            else:
                if section:
                    pictures[name] = Picture(file.read_bytes(), *words, section)
            for number in set(plt.get_fignums()).difference(open_before):
                plt.close(number)
    return pictures, notes


def looks(labels: pd.DataFrame) -> pd.DataFrame:
    """How the segments are called, in the order of the clusters."""
    looks = labels.drop_duplicates("segment_id").sort_values("cluster")
    return looks[["segment_id", "name_zh", "name_en"]]
