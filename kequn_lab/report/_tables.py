"""The tables of a report: which columns, under which heading, how written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pandas as pd

from kequn_lab._words import Words, number, percent, term

#: Segments side by side in one profile; more are split evenly. Variables of a profile, at most.
SEGMENTS_ACROSS, VARIABLES = 9, 60
#: Effects from which a cell is coloured fully.
STRONG = 2.5
_HIGH, _LOW = (226, 138, 98), (98, 158, 205)
_BLOCKS = {
    "people": ("人", "People"),
    "goods": ("货", "Goods"),
    "place": ("场", "Place"),
    "": ("其他变量", "Other variables"),
}

#: The tables of the section on evidence, in its order, and the text above each.
EVIDENCE = {
    "segment_stability": ("各客群是否可靠", "How reliable is each segment"),
    "by_group": ("各组单独聚类", "Groups clustered separately"),
    "readings": ("与平方和最低的分法相比", "Compared with the lowest inertia"),
    "by_size": ("最小规模改变了什么", "What the smallest size changed"),
    "scores": ("各 k 的指标", "Indices by k"),
    "k_reading": ("各指标选哪个 k", "Which k each index prefers"),
    "stability": ("换一批客户，分群是否还在", "Is the partition found again"),
    "variance": ("哪些变量起决定作用", "Which variables decide"),
}
# Column: how its values are written, behind its heading in zh and en where that is not the usual
# one (TERMS). A column with _low and _high (or _q05 and _q95) beside it carries its interval. What
# is not listed is not shown.
_COLUMNS: dict[str, dict[str, str | tuple[str, str, str]]] = {
    "groups": {
        "target_group": ("目标客群", "Target group", "group"),
        "customers": "count",
        "who": ("包括（占该组）", "Who (share of the group)", "text"),
    },
    "comparison": {
        "variable": "variable",
        "mean_a": ("{a}", "{a}", "value"),
        "mean_b": ("{b}", "{b}", "value"),
        "effect": ("差别（标准差）与 95% 区间", "Difference (sd), 95% interval", "signed"),
    },
    "scores": {
        "k": "count",
        "inertia": "number",
        "silhouette": "index",
        "calinski_harabasz": "number",
        "davies_bouldin": "index",
        "gap": "index",
        "smallest_share": "percent",
    },
    "k_reading": {
        "index": "term",
        "k": ("所选 k", "Preferred k", "count"),
        "value": ("值", "Value", "number"),
        "rule": ("规则", "Rule", "text"),
    },
    "stability": {
        "k": "count",
        "ari": ("调整兰德指数（中位数，5%–95%）", "Adjusted Rand index (median, 5–95%)", "index"),
        "instability_data": ("由数据引起", "Due to the data", "index"),
        "instability_search": ("由搜索引起", "Due to the search", "index"),
        "reading": "term",
    },
    "segment_stability": {
        "segment_id": "segment",
        "reading": "term",
        "slsw": ("重现程度（中位数与 95% 范围）", "Found again (median, 95% range)", "index"),
        "separation": ("与邻群的距离", "Distance to neighbours", "index"),
        "chance_separation": ("无客群的数据中", "In data without segments", "index"),
        "neighbour": ("最近的客群", "Nearest segment", "segment"),
    },
    "variance": {
        "variable": "variable",
        "weight": ("权重", "Weight", "number"),
        "total_share": ("占总方差", "Of the total variance", "percent"),
        "between_share": ("占客群间方差", "Of that between segments", "percent"),
        "explained_share": ("自身方差在客群间的部分", "Its own, between segments", "percent"),
    },
    "readings": {
        "segment_id": "segment",
        "other": ("最接近的簇", "Most like it there", "text"),
        "jaccard": ("Jaccard", "Jaccard", "index"),
        "verdict": ("判断", "Verdict", "term"),
        "other_id": ("与哪个客群", "With", "segment"),
    },
    "by_size": {
        "segment_id": "segment",
        "customers": "count",
        "customers_free": ("不设最小规模时", "Without a smallest size", "count"),
        "came": ("移入", "Moved in", "count"),
        "went": ("移出", "Moved out", "count"),
        "at_bound": ("处于下限", "At the bound", "flag"),
    },
    "by_group": {
        "group_value": ("组", "Group", "number"),
        "segment_id": "segment",
        "customers": "count",
        "share": ("占该组", "Share of the group", "percent"),
    },
    "decision": {
        "segment_id": "segment",
        "rank": "rank",
        "recommended": ("推荐", "Target", "flag"),
        "score": ("得分", "Score", "index"),
        "attractiveness": ("吸引力", "Attractiveness", "index"),
        "competitiveness": ("竞争力", "Competitiveness", "index"),
        "still": ("换权重 / 换客户仍入选", "Still, with other weights / customers", "aside"),
    },
    "names": {
        "cluster": "id",
        "segment_id": ("名称", "Name", "segment"),
        "similarity": "index",
        "margin": ("领先次选", "Ahead of the next", "index"),
        "runner_up": ("次选", "Next best", "segment"),
        "by": ("命名依据", "Named by", "term"),
    },
    "inputs": {
        "table": ("表", "Table", "text"),
        "file": ("文件", "File", "text"),
        "rows": ("有效行数", "Valid rows", "count"),
        "refused": ("搁置行数", "Rows set aside", "count"),
        "sha256": ("SHA-256", "SHA-256", "hash"),
    },
}
_TEXTUAL = ("segment", "group", "variable", "term", "text", "hash", "id")
_WRITE = {
    "count": lambda v: f"{int(v):,}",
    "rank": lambda v: f"{int(v)}" if v > 0 else "—",
    "percent": percent,
    "number": number,
    "index": lambda v: f"{v:.2f}".replace("-", "−") if np.isfinite(v) else number(v),
    "signed": lambda v: signed(v),
    "flag": lambda v: "✓" if v else "",
    "hash": lambda v: str(v)[:16] + "…",
}


class Cell(NamedTuple):
    """One cell: its text, a smaller text beside it, its colours, whether it reads to the left."""

    text: str
    small: str = ""
    dot: str = ""
    fill: str = ""
    left: bool = False


@dataclass(frozen=True)
class Grid:
    """A finished table with the texts above and below it."""

    name: str
    heads: list[Cell]
    rows: list[list[Cell]]  # a row of one cell heads a block
    title: str = ""
    note: str = ""
    kind: str = ""  # "wide": the first column stays in sight; "stack": blocks on a phone


@dataclass(frozen=True)
class Writer:
    """How the cells of a report are written: its words, names and colours."""

    words: Words
    language: str
    groups: Mapping = field(default_factory=dict)
    colors: Mapping = field(default_factory=dict)

    def grid(self, name: str, table: pd.DataFrame, **texts: str) -> Grid:
        """A table of the report, columns as listed above; those that are empty are left out."""
        zh = self.language == "zh"
        heads, columns = [], []
        for column, shown in _COLUMNS[name].items():
            *own, kind = [shown] if isinstance(shown, str) else shown
            sources = (column, f"{column}_median", f"{column}_{self.language}")
            source = next((s for s in sources if s in table), None)
            if source is None or table[source].isna().all() or (table[source] == "").all():
                continue
            head = own[not zh] if own else term(column, self.language)
            if "{" in head:
                head = self.group(table[f"group_{column[-1]}"].iloc[0])
            heads.append(Cell(head, left=kind in _TEXTUAL))
            columns.append((column, source, kind))
        rows = [[self._cell(row, *c) for c in columns] for row in table.to_dict("records")]
        return Grid(name, heads, rows, **texts)

    def segment(self, segment_id) -> Cell:
        name = self.words.segment(segment_id, self.language)
        return Cell(name, dot=self.colors.get(segment_id, ""), left=True)

    def group(self, value) -> str:
        return self.groups.get(value) or term(value, self.language)

    def _cell(self, row: dict, column: str, source: str, kind: str) -> Cell:
        value = row[source]
        if value is None or (not isinstance(value, str) and pd.isna(value)):
            return Cell("—", left=kind in _TEXTUAL)
        if kind == "segment":
            return self.segment(value)._replace(small=row.get("remark", ""))
        if kind == "value":
            share = row.get("kind") in ("share", "category")
            return Cell(self.words.value(value, row["variable"], self.language, share=share))
        write = {
            "variable": lambda v: self.words.variable(v, self.language),
            "group": self.group,
            "term": lambda v: term(v, self.language),
            **_WRITE,
        }.get(kind, str)
        for low, high in (("_low", "_high"), ("_q05", "_q95")):
            ends = row.get(column + low), row.get(column + high)
            if None not in ends and not any(map(pd.isna, ends)):
                return Cell(write(value), f"[{write(ends[0])}, {write(ends[1])}]")
        return Cell(write(value), left=kind in _TEXTUAL)

    def profiles(self, profile, *, markers=None, order=None, blocks=None) -> list[Grid]:
        """Means by variable and segment, coloured by effect; several tables if there are many."""
        ids = list(profile["segment_id"].unique())
        keys = ["variable", "level"]
        key = profile[keys].astype(object).where(profile[keys].notna(), "").apply(tuple, axis=1)
        means, effects = ({s: dict(zip(key[own], profile.loc[own, column]))
                           for s in ids for own in [profile["segment_id"] == s]}
                          for column in ("mean", "effect"))  # fmt: skip
        items = list(dict.fromkeys(key))
        left_over = len(items) - VARIABLES
        if left_over > 0:  # those that differ most
            strength = profile["effect"].abs().groupby(key).max()
            strongest = set(strength.nlargest(VARIABLES).index)
            items = [i for i in items if i in strongest]
        block = {i: (blocks or {}).get(i[0], "") for i in items}
        at = {v: i for i, v in enumerate(order or [])}
        rank = {b: i for i, b in enumerate(_BLOCKS)}
        items.sort(key=lambda i: (rank.get(block[i], len(rank)), at.get(i[0], len(at))))
        marked = set()
        if markers is not None:
            hits = markers.loc[markers["marker"], ["segment_id", *keys]].fillna({"level": ""})
            marked = set(hits.itertuples(index=False, name=None))
        share = dict(zip(key, profile["kind"] != "number"))
        note = {
            "zh": f"只列出差别最大的 {VARIABLES} 个，另有 {left_over} 个见 profile.csv。",
            "en": f"The {VARIABLES} that differ most; {left_over} more are in profile.csv.",
        }[self.language]
        out = []
        for part in np.array_split(np.arange(len(ids)), -(-len(ids) // SEGMENTS_ACROSS)):
            rows, own = [], [ids[j] for j in part]
            for before, item in zip([None, *items], items):
                if blocks and (before is None or block[before] != block[item]):
                    names = _BLOCKS.get(block[item], (block[item],) * 2)
                    rows.append([Cell(names[self.language == "en"], left=True)])
                rows.append([self._variable(item), *(
                    Cell("★\N{NO-BREAK SPACE}" * ((s, *item) in marked) + self.words.value(
                        means[s].get(item), item[0], self.language, share=share[item], unit=False),
                        fill=_shade(effects[s].get(item, np.nan) / STRONG)) for s in own
                )])  # fmt: skip
            heads = [Cell(""), *(Cell(self.segment(s).text, dot=self.segment(s).dot) for s in own)]
            name = f"profile-{part[0]}"
            out.append(Grid(name, heads, rows, note=note * (left_over > 0), kind="wide profile"))
        return out

    def _variable(self, item: tuple) -> Cell:
        name = self.words.variable(item[0], self.language, level=item[1] or None)
        unit = self.words.unit(item[0], self.language)
        return Cell(f"{name} ({unit})" if unit else name, left=True)


def signed(value: float) -> str:
    """An effect with its sign, two decimals."""
    return f"{value:+.2f}".replace("-", "−") if np.isfinite(value) else number(value)


def _shade(strength: float) -> str:
    """White towards orange (above) or blue (below), in tenths; dark text stays readable."""
    strength = round(float(np.nan_to_num(np.clip(strength, -1, 1))), 1)
    end = _HIGH if strength > 0 else _LOW
    mix = [round(255 + (c - 255) * abs(strength)) for c in end]
    return "#{:02x}{:02x}{:02x}".format(*mix) if strength else ""


def opposite_signs(comparison: pd.DataFrame, words: Words, language: str) -> str:
    """Where the mean and most customers point to different groups: both, and why."""
    if "signs_differ" not in comparison or not comparison["signs_differ"].any():
        return ""
    zh, en = language == "zh", "{} (means {}, most customers {})"
    each = "{}（均值差 {}，按多数客户 {}）" if zh else en
    shown = comparison[comparison["signs_differ"].astype(bool)]
    listed = ("；" if zh else "; ").join(
        each.format(words.variable(row.variable, language), signed(row.smd), signed(row.effect))
        for row in shown.itertuples()
    )
    if zh:
        return (
            f"两种度量方向相反：{listed}。少数大额客户抬高一组的均值，多数客户却是另一组更高；"
            "上表按多数客户计。"
        )
    return (
        f" The two measures point to different groups: {listed}. A few large values raise the "
        "mean of one group, while most customers of the other are higher; the table goes by most "
        "customers."
    )
