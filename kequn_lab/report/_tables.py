"""The tables of a report as HTML: which columns, under which heading, how written."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from great_tables import GT, loc, style
from markupsafe import Markup

from kequn_lab._words import Words, number, percent

#: Segments side by side in one table; more are split evenly.
SEGMENTS_ACROSS = 9
#: Effects from which a cell is coloured fully.
STRONG = 2.5
_HIGH, _LOW = (226, 138, 98), (98, 158, 205)
_BLOCKS = {
    "people": ("人", "People"),
    "goods": ("货", "Goods"),
    "place": ("场", "Place"),
    "": ("其他变量", "Other variables"),
}

# Column: heading in zh and en, and how its values are written. A column with _low and _high (or
# _q05 and _q95) beside it carries its interval. What is not listed is not shown.
_COLUMNS = {
    "sizes": {
        "segment_id": ("客群", "Segment", "segment"),
        "customers": ("客户数", "Customers", "count"),
        "share": ("占比与 95% 区间", "Share, 95% interval", "percent"),
    },
    "groups": {
        "target_group": ("目标客群", "Target group", "group"),
        "segment_id": ("客群", "Segment", "segment"),
        "customers": ("客户数", "Customers", "count"),
        "share_of_group": ("占该组", "Of the group", "percent"),
        "share_of_customers": ("占全部客户", "Of all customers", "percent"),
        "role": ("归属", "Role", "word"),
    },
    "comparison": {
        "variable": ("变量", "Variable", "variable"),
        "mean_a": ("{a}", "{a}", "value"),
        "mean_b": ("{b}", "{b}", "value"),
        "effect": ("差别（标准差）与 95% 区间", "Difference (sd), 95% interval", "signed"),
        "measure": ("度量", "Measure", "word"),
    },
    "scores": {
        "k": ("k", "k", "count"),
        "inertia": ("组内平方和", "Inertia", "number"),
        "silhouette": ("轮廓系数", "Silhouette", "number"),
        "calinski_harabasz": ("CH 指数", "Calinski–Harabasz", "number"),
        "davies_bouldin": ("DB 指数", "Davies–Bouldin", "number"),
        "gap": ("Gap 统计量", "Gap statistic", "number"),
        "smallest_share": ("最小客群", "Smallest segment", "percent"),
        "agreement": ("到达最优解的起点", "Starts at the best optimum", "percent"),
    },
    "k_reading": {
        "index": ("指标", "Index", "word"),
        "k": ("所选 k", "Preferred k", "count"),
        "value": ("值", "Value", "number"),
        "rule": ("规则", "Rule", "text"),
        "agree": ("同选该 k 的指标数", "Indices that agree", "count"),
    },
    "stability": {
        "k": ("k", "k", "count"),
        "ari": ("调整兰德指数（中位数，5%–95%）", "Adjusted Rand index (median, 5–95%)", "number"),
        "instability_data": ("由数据引起", "Due to the data", "number"),
        "instability_search": ("由搜索引起", "Due to the search", "number"),
        "smallest_share": ("最小客群", "Smallest segment", "percent"),
        "reading": ("判断", "Reading", "word"),
    },
    "segment_stability": {
        "segment": ("客群", "Segment", "segment"),
        "slsw": ("稳定性 SLSw（中位数）", "Stability SLSw (median)", "number"),
        "separation": ("分离度", "Separation", "number"),
        "jaccard_mean": ("Jaccard 均值", "Mean Jaccard", "number"),
        "reading": ("判断", "Reading", "word"),
        "action": ("建议", "Action", "word"),
        "neighbour": ("最近的客群", "Leans on", "segment"),
        "similarity": ("与其相似", "Similarity", "number"),
        "because": ("依据", "Because", "text"),
    },
    "decision": {
        "bank_kind": ("银行类型", "Kind of bank", "text"),
        "rank": ("名次", "Rank", "count"),
        "segment_id": ("客群", "Segment", "segment"),
        "attractiveness": ("吸引力", "Attractiveness", "number"),
        "competitiveness": ("竞争力", "Competitiveness", "number"),
        "score": ("得分", "Score", "number"),
        "target": ("目标", "Target", "flag"),
        "target_share_weights": ("换权重仍为目标", "Target under other weights", "percent"),
        "target_share_customers": ("换客户仍为目标", "Target under other customers", "percent"),
        "knocked_out_by": ("被淘汰于", "Knocked out by", "text"),
    },
    "names": {
        "cluster": ("簇", "Cluster", "id"),
        "segment_id": ("名称", "Name", "segment"),
        "similarity": ("相似度", "Similarity", "number"),
        "margin": ("领先次选", "Ahead of the next", "number"),
        "runner_up": ("次选", "Next best", "segment"),
        "by": ("命名依据", "Named by", "word"),
    },
    "inputs": {
        "table": ("表", "Table", "text"),
        "file": ("文件", "File", "text"),
        "rows": ("有效行数", "Valid rows", "count"),
        "refused": ("搁置行数", "Rows set aside", "count"),
        "sha256": ("SHA-256", "SHA-256", "hash"),
    },
}
_TEXTUAL = ("segment", "group", "variable", "word", "text", "hash", "id")
_WORDS_ZH = {
    "own": "独有", "shared": "两组共有", "shared, not compared": "两组共有，不参与比较",
    "in neither": "不属于两组", "no label": "无标签", "no group": "无归属",
    "signature": "特征相符", "override": "人工指定", "nobody": "未命名",
    "stable": "稳定", "fairly stable": "较稳定", "a pattern, borders move": "轮廓在，界线移动",
    "not stable": "不稳定", "natural": "自然形成", "reproducible": "可重现",
    "constructed": "人为划分",
    "keep": "保留", "merge": "合并", "drop": "舍去",
    "inertia": "组内平方和", "silhouette": "轮廓系数", "simplified_silhouette": "简化轮廓系数",
    "calinski_harabasz": "CH 指数", "davies_bouldin": "DB 指数", "gap": "Gap 统计量",
    "holds": "调整兰德指数（中位数）",
    "smd": "标准化均值差", "cliffs_delta": "Cliff δ", "cramers_v": "Cramér V",
}  # fmt: skip
_WORDS_ZH |= {
    f"{en} once searched to the end; more starts needed": f"搜到底后{_WORDS_ZH[en]}；需要更多起点"
    for en in ("stable", "fairly stable", "a pattern, borders move", "not stable")
}
_WORDS_ZH["searches disagree; more starts needed"] = "各次搜索不一致；需要更多起点"
_WORDS_EN = {
    "inertia": "Inertia", "silhouette": "Silhouette",
    "simplified_silhouette": "Simplified silhouette", "calinski_harabasz": "Calinski–Harabasz",
    "davies_bouldin": "Davies–Bouldin", "gap": "Gap statistic",
    "holds": "Adjusted Rand index (median)",
    "smd": "standardised difference", "cliffs_delta": "Cliff's δ", "cramers_v": "Cramér's V",
}  # fmt: skip


@dataclass(frozen=True)
class Grid:
    """A finished table, and what stands above and below it."""

    html: Markup
    title: str = ""
    note: str = ""
    wide: bool = False


def plain_grid(
    name: str,
    table: pd.DataFrame,
    *,
    words: Words,
    language: str,
    groups: dict | None = None,
    title: str = "",
    note: str = "",
) -> Grid:
    """A table of the report, columns as listed above."""
    zh = language == "zh"
    cells, headings, textual = {}, {}, []
    for column, (head_zh, head_en, kind) in _COLUMNS[name].items():
        sources = (column, f"{column}_median", f"{column}_{language}")
        source = next((s for s in sources if s in table), None)
        if source is None or table[source].isna().all():
            continue
        heading = head_zh if zh else head_en
        if "{" in heading:
            side = str(table[f"group_{column[-1]}"].iloc[0])
            heading = (groups or {}).get(side, side)
        key = f"c{len(cells)}"
        cells[key] = [
            _cell(row, column, source, kind, words, language, groups or {})
            for row in table.to_dict("records")
        ]
        headings[key] = heading
        textual += [key] if kind in _TEXTUAL else []
    gt = GT(pd.DataFrame(cells, dtype=object), id=f"t-{name.replace('_', '-')}")
    gt = gt.cols_label(**headings).cols_align("right").cols_align("left", columns=textual)
    return Grid(Markup(gt.as_raw_html()), title, note)


def _cell(row: dict, column: str, source: str, kind: str, words: Words, language, groups) -> str:
    value = row[source]
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return "—"
    if kind == "segment":
        return words.segment(value, language)
    if kind == "variable":
        return words.variable(value, language)
    if kind == "group":
        return groups.get(value, _word(value, language))
    if kind == "word":
        return _word(value, language)
    if kind == "value":
        share = row.get("kind") in ("share", "category")
        return words.value(value, row["variable"], language, share=share)
    write = {
        "count": lambda v: f"{int(v):,}",
        "percent": percent,
        "number": number,
        "signed": signed,
        "flag": lambda v: "✓" if v else "",
        "hash": lambda v: str(v)[:16] + "…",
    }.get(kind, str)
    text = write(value)
    for low, high in (("_low", "_high"), ("_q05", "_q95")):
        ends = row.get(column + low), row.get(column + high)
        if None not in ends and not any(map(pd.isna, ends)):
            text += f" [{write(ends[0])}, {write(ends[1])}]"
    return text


def _word(value, language: str) -> str:
    return (_WORDS_ZH if language == "zh" else _WORDS_EN).get(str(value), str(value))


def signed(value: float) -> str:
    """An effect with its sign, two decimals."""
    return f"{value:+.2f}".replace("-", "−") if np.isfinite(value) else number(value)


def profile_grids(
    profile: pd.DataFrame,
    *,
    words: Words,
    language: str,
    markers: pd.DataFrame | None = None,
    order: list | None = None,
    blocks: dict | None = None,
) -> list[Grid]:
    """Means by variable and segment, coloured by effect; several tables if there are many."""
    ids = list(profile["segment_id"].unique())
    items = profile[["variable", "level"]].drop_duplicates()
    names = [words.variable(v, language, level=i) for v, i in items.itertuples(index=False)]
    units = [words.unit(v, language) for v in items["variable"]]
    names = [f"{name} ({unit})" if unit else name for name, unit in zip(names, units)]
    frame = pd.DataFrame({"variable": names})
    block_of = [(blocks or {}).get(v, "") for v in items["variable"]]
    frame["block"] = [_BLOCKS.get(b, (b, b))[language == "en"] for b in block_of]
    at = {v: i for i, v in enumerate(order or [])}
    rank = [list(_BLOCKS).index(b) if b in _BLOCKS else len(_BLOCKS) for b in block_of]
    place = [at.get(v, len(at)) for v in items["variable"]]
    rows = np.lexsort((np.arange(len(frame)), place, rank))
    marked = set()
    if markers is not None:
        hits = markers.loc[markers["marker"], ["segment_id", "variable", "level"]]
        marked = {(s, v, i if pd.notna(i) else "") for s, v, i in hits.to_numpy()}
    effects = {}
    for j, segment in enumerate(ids):
        own = profile[profile["segment_id"] == segment]
        keys = (
            (segment, v, i if pd.notna(i) else "") for v, i in own[["variable", "level"]].to_numpy()
        )
        frame[f"s{j}"] = [
            "★\N{NO-BREAK SPACE}" * (key in marked)
            + words.value(r.mean, r.variable, language, share=r.kind != "number", unit=False)
            for key, r in zip(keys, own.itertuples())
        ]  # fmt: skip
        effects[f"s{j}"] = own["effect"].to_numpy()[rows]
    frame = frame.iloc[rows].reset_index(drop=True)
    n_parts = -(-len(ids) // SEGMENTS_ACROSS)
    return [
        _profile_grid(frame, effects, [int(j) for j in part], ids, words, language, bool(blocks))
        for part in np.array_split(np.arange(len(ids)), n_parts)
    ]


def _profile_grid(frame, effects, part: list[int], ids, words, language, grouped) -> Grid:
    columns = [f"s{j}" for j in part]
    table = frame[["variable", *(["block"] if grouped else []), *columns]]
    group = {"groupname_col": "block"} if grouped else {}
    gt = GT(table, rowname_col="variable", id=f"t-profile-{part[0]}", **group)
    heads = {f"s{j}": words.segment(ids[j], language) for j in part}
    gt = gt.cols_label(**heads).cols_align("right", columns=columns)
    for column in columns:  # a tenth of the scale at a time: few styles instead of one per cell
        strength = np.nan_to_num(np.clip(effects[column] / STRONG, -1, 1))
        steps = np.round(strength * 10).astype(int)
        for step in set(steps.tolist()) - {0}:
            cells = loc.body(columns=column, rows=np.flatnonzero(steps == step).tolist())
            gt = gt.tab_style(style.fill(_shade(step / 10)), cells)
    return Grid(Markup(gt.as_raw_html()), wide=len(part) > 5)


def _shade(strength: float) -> str:
    """White towards orange (above) or blue (below); dark text stays readable on all of them."""
    end = _HIGH if strength > 0 else _LOW
    mix = [round(255 + (c - 255) * abs(strength)) for c in end]
    return "#{:02x}{:02x}{:02x}".format(*mix)
