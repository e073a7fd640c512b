"""What was found and how sure it is, in few words: marks and notes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import binom
from sklearn.metrics import silhouette_score

from kequn_lab._notes import Note
from kequn_lab._words import Words, listed, percent
from kequn_lab.profiles.cautions import MIN_SILHOUETTE
from kequn_lab.segments.naming import CLEAR_MARGIN

#: Codes that :func:`findings` gives.
FINDINGS = (
    "no_segments", "drop_k", "drop_segments", "merge_segments", "segments_without_cluster",
    "unclear_names", "names_not_possible", "stability_not_computed",
)  # fmt: skip

#: Share of clusters in tables without segments that get a name at most (``benchmarks/naming.py``
#: finds fewer).
NAMED_BY_CHANCE = 0.05

__all__ = [
    "FINDINGS",
    "findings",
    "mean_silhouette",
    "no_decision",
    "segment_marks",
]


def mean_silhouette(model: pd.DataFrame, clusters, *, n_sample: int = 2000, random_state=0):
    """Mean silhouette width of a sample of customers; None where there is one cluster only.

    Examples
    --------
    >>> model = pd.DataFrame({"x": [0.0, 0.1, 5.0, 5.1]})
    >>> round(mean_silhouette(model, [0, 0, 1, 1]), 2)
    0.98
    """
    x, clusters = model.to_numpy(float), np.asarray(clusters)
    if len(x) > n_sample:
        rows = np.random.default_rng(random_state).choice(len(x), n_sample, replace=False)
        x, clusters = x[rows], clusters[rows]
    if not 2 <= len(np.unique(clusters)) < len(x):
        return None
    return float(silhouette_score(x, clusters))


def segment_marks(names: pd.DataFrame, stability: pd.DataFrame | None) -> dict[str, str]:
    """Why a segment should not be used as it is: ``drop``, ``merge``, ``unnamed``, ``unclear``.

    Parameters
    ----------
    names : DataFrame
        As :func:`~kequn_lab.segments.name_clusters`.
    stability : DataFrame or None
        As :func:`~kequn_lab.validation.stability_summary`; its verdict comes first.

    Examples
    --------
    >>> names = pd.DataFrame({"segment_id": ["elderly", "cluster_1"], "mark": ["", "unnamed"]})
    >>> segment_marks(names, None)
    {'elderly': '', 'cluster_1': 'unnamed'}
    """
    marks = dict(zip(names["segment_id"], names["mark"]))
    if stability is not None:
        acts = stability[stability["action"] != "keep"]
        marks |= dict(zip(acts["segment_id"], acts["action"]))
    return marks


def findings(
    names: pd.DataFrame,
    nameless: pd.DataFrame,
    chance: pd.DataFrame,
    *,
    stability: pd.DataFrame | None,
    silhouette: float | None,
    segments: pd.DataFrame,
) -> list[Note]:
    """What names and verdicts leave in doubt.

    Parameters
    ----------
    names, nameless, chance : DataFrame
        As :func:`~kequn_lab.segments.name_clusters`, ``nameless_segments`` and
        ``chance_likeness``.
    stability : DataFrame or None
        As :func:`~kequn_lab.validation.stability_summary`.
    silhouette : float or None
    segments : DataFrame
        The catalogue's.

    Returns
    -------
    list of Note
        ``no_segments``, ``drop_k``, ``drop_segments``, ``merge_segments``,
        ``segments_without_cluster``, ``unclear_names``, and as notes
        ``names_not_possible`` and ``stability_not_computed``.
    """
    words = Words.of(segments=pd.concat([names, segments])[["segment_id", "name_zh", "name_en"]])
    out = _no_segments(names, nameless, chance, silhouette)
    if stability is None:
        out.append(Note(
            "stability_not_computed", "未计算稳定性：不知道换一批客户后这些客群是否还在",
            "Stability was not computed: whether the segments are found again with other customers "
            "is not known", level="note",
        ))  # fmt: skip
    else:
        out += _verdicts(stability, words)
    out += _without_cluster(nameless, words)
    unclear = names[names["mark"] == "unclear"].sort_values("margin")
    if len(unclear):
        zh, en = ([], [])
        for row in unclear.itertuples():
            zh.append(f"{row.name_zh}（次选{words.segment(row.runner_up, 'zh')}，"
                      f"领先 {row.margin:.2f}）")  # fmt: skip
            en.append(f"{row.name_en} ({row.margin:.2f} ahead of "
                      f"{words.segment(row.runner_up, 'en')})")  # fmt: skip
        out.append(Note(
            "unclear_names", f"名称不确定：{listed(zh, 'zh')}",
            f"Names that are not clear: {listed(en, 'en')}", float(unclear["margin"].iloc[0]),
            CLEAR_MARGIN, unclear["segment_id"].iloc[0], unclear["runner_up"].iloc[0],
        ))  # fmt: skip
    return out


_CANNOT_TELL = {
    "too_few_features": ("表中这些客群的特征太少", "too few of their features are in the table"),
    "essential_missing": None,  # each says itself what the table lacks
}


def _without_cluster(nameless: pd.DataFrame, words: Words) -> list[Note]:
    """Segments of the catalogue that are not here, and those that cannot be told here."""
    out, untold = [], nameless["reason"].isin(_CANNOT_TELL)
    for code, rows, zh, en in (
        ("segments_without_cluster", nameless[~untold], "没有对应的簇", "No cluster for"),
        (
            "names_not_possible",
            nameless[untold],
            "本数据无法判断的名称",
            "Names that cannot be told here",
        ),
    ):
        if rows.empty:
            continue
        reasons: dict[tuple[str, str], list[str]] = {}
        for row in rows.itertuples():
            why = _CANNOT_TELL.get(row.reason) or (row.text_zh, row.text_en)
            reasons.setdefault(why, []).append(row.segment_id)
        said = {
            language: [
                listed([words.segment(s, language) for s in ids], language, most=8)
                + (f"（{why[0]}）" if language == "zh" else f" ({why[1]})")
                for why, ids in reasons.items()
            ]
            for language in ("zh", "en")
        }
        first = rows.sort_values("similarity", ascending=False).iloc[0]
        out.append(Note(
            code, f"{zh}：{'；'.join(said['zh'])}", f"{en}: {'; '.join(said['en'])}",
            float(len(rows)), segment_id=first["segment_id"], other_id=first["nearest"],
            level="warning" if code == "segments_without_cluster" else "note",
        ))  # fmt: skip
    return out


def most_by_chance(n_clusters: int) -> int:
    """How many clusters without a segment get a name in 95 % of tables; each does in 5 %.

    Examples
    --------
    >>> [most_by_chance(k) for k in (2, 7, 8)]
    [1, 1, 2]
    """
    return int(binom.ppf(0.95, n_clusters, NAMED_BY_CHANCE))


def _no_segments(names, nameless, chance, silhouette) -> list[Note]:
    """Whether anything at all says that there are segments."""
    if len(names) < 2:
        return [Note(
            "no_segments", "全部客户是一个客群，没有可比较的。不推荐任何目标",
            "All customers are one segment, and there is none to compare it with. "
            "No target is recommended",
        )]  # fmt: skip
    own = chance.loc[chance["kind"] == "table", "unexplained"].median()
    least = chance.loc[chance["kind"] == "values", "unexplained"].quantile(0.05)
    named, n = int(names["matched"].sum()), len(names)
    by_chance = named <= most_by_chance(n) and not (names["by"] == "override").any()
    possible = len(nameless) > nameless["reason"].isin(_CANNOT_TELL).sum()
    if not own < least:
        why = (
            f"k 均值解释的差异（{percent(1 - own)}）不比各列打乱后更多（{percent(1 - least)}）",
            f"k-means explains no more of the variance ({percent(1 - own)}) than where every "
            f"column is shuffled ({percent(1 - least)})",
        )
    elif possible and by_chance and (silhouette or 0) < MIN_SILHOUETTE:
        why = (
            f"{n} 个簇中只有 {named} 个像目录中的客群，偶然也会如此；平均轮廓系数只有 "
            f"{silhouette or 0:.2f}",
            f"{named} of {n} clusters are like a segment of the catalogue, which chance alone may "
            f"give, and the mean silhouette is only {silhouette or 0:.2f}",
        )
    else:
        return []
    return [Note(
        "no_segments", f"数据看不出客群：{why[0]}。不推荐任何目标",
        f"The data show no segments: {why[1]}. No target is recommended",
    )]  # fmt: skip


def _verdicts(stability: pd.DataFrame, words: Words) -> list[Note]:
    if (k := len(stability)) and stability["action"].ne("keep").all():
        return [Note(
            "drop_k",
            f"不要把客户分成 {k} 个客群：换一批客户，没有一个客群会再出现。不推荐任何目标",
            f"Do not use k = {k}: none of its segments is found again with other customers. "
            "No target is recommended",
            float(k),
        )]  # fmt: skip
    out = []
    drop = stability[stability["action"] == "drop"].sort_values("slsw_median")
    merge = stability[stability["action"] == "merge"].sort_values("similarity", ascending=False)
    for code, rows, zh, en in (
        ("drop_segments", drop, "不宜使用（换一批客户就不再出现）：{}",
         "Do not use (not found again with other customers): {}"),
        ("merge_segments", merge, "应与相邻客群合并：{}",
         "To be merged with the neighbour: {}"),
    ):  # fmt: skip
        if rows.empty:
            continue
        said = []
        for language in ("zh", "en"):
            names = [words.segment(s, language) for s in rows["segment_id"]]
            if code == "merge_segments":
                names = [
                    words.segment(a, language) + arrow + words.segment(b, language)
                    for a, arrow, b in _merges(rows)
                ]
            said.append(listed(names, language, most=8))
        first = rows.iloc[0]
        other = first["neighbour"] if code == "merge_segments" else None
        out.append(Note(code, zh.format(said[0]), en.format(said[1]), float(len(rows)),
                        segment_id=first["segment_id"], other_id=other))  # fmt: skip
    return out


def _merges(rows: pd.DataFrame) -> list[tuple[Any, str, Any]]:
    """Which segment goes into which; two that go into each other are said once."""
    into = dict(zip(rows["segment_id"], rows["neighbour"]))
    out, said = [], set()
    for segment, other in into.items():
        both = into.get(other) == segment
        if both and segment in said:
            continue
        said.add(other)
        out.append((segment, " + " if both else " → ", other))
    return out


def no_decision(criteria: pd.DataFrame, features: pd.DataFrame, variables: pd.DataFrame) -> Note:
    """Why there is no decision: criteria that have no value here need what the data lack."""
    needed = [c.strip() for text in criteria["columns"].dropna() for c in str(text).split("+")]
    lack = [c for c in dict.fromkeys(needed) if c not in features or features[c].isna().all()]
    words = Words.of(variables=variables)
    # With our names of the columns: a table may call something else by the same word.
    zh = [f"{words.variable(c, 'zh')}（{c}）" for c in lack]
    en = [f"{words.variable(c, 'en')} ({c})" for c in lack]
    return Note(
        "no_decision", f"没有决策矩阵：所定标准需要数据中没有的{listed(zh, 'zh')}",
        f"No decision: its criteria need what the data lack: {listed(en, 'en')}",
        float(len(criteria)), variable=next(iter(lack), None), level="note",
    )  # fmt: skip
