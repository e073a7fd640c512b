"""What the evidence says, by stated thresholds: of each index, of a k, of each segment.

Every statement can be traced to numbers in its table, and none is made where
the interval of the number would allow the opposite without saying so.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from kequn_lab._statistics import DISSOLVED, RECOVERED
from kequn_lab.validation.shadows import border_density, cluster_similarity, margins

__all__ = ["Choice", "choose_k", "read_k", "stability_summary"]

STEADY_K = 0.85  # median adjusted Rand index from which `choose_k` calls a k steady
SMALLEST_SHARE = 0.02  # share of rows below which a segment is too small to be served
VALLEY = 0.6  # density at a border, against the lower peak beside it, that is no gap any more
LEANS = 0.5  # similarity from which a constructed segment is part of its neighbour

RULES = {  # in Chinese, in English
    "inertia": ("肘部：前后降幅之差最大", "elbow: largest drop before less drop after"),
    "silhouette": ("最大", "largest"),
    "simplified_silhouette": ("最大", "largest"),
    "calinski_harabasz": ("最大", "largest"),
    "davies_bouldin": ("最小", "smallest"),
    "gap": (
        "满足 Gap(k) ≥ Gap(k + 1) − 标准误(k + 1) 的最小 k",
        "smallest k with gap(k) ≥ gap(k + 1) − gap_se(k + 1)",
    ),
    "ari_used": (f"不低于 {STEADY_K} 的最大 k", f"largest k with {STEADY_K} or more"),
}


_SAYS = {
    "zh": ("各指标一致：", "各指标不一致：", "没有指标给出 k", "、", "（{}）"),
    "en": ("All indices prefer ", "Indices disagree: ", "No index prefers any k", ", ", " ({})"),
}


def read_k(scores: pd.DataFrame, *, stability: pd.DataFrame | None = None) -> pd.DataFrame:
    """What each index prefers, by its own rule, and how many others prefer the same.

    Parameters
    ----------
    scores : DataFrame
        From `score_k`.
    stability : DataFrame, optional
        From `validation.stability_by_k`.

    Returns
    -------
    DataFrame
        One row per index: ``index``, ``k`` (NA where its rule finds none), ``value`` there,
        ``rule_zh``, ``rule_en``, ``agree`` (indices that prefer that k, itself included).
        ``attrs["reading_zh"]`` and ``attrs["reading_en"]`` say it in a sentence.

    Examples
    --------
    >>> from kequn_lab.validation.scores import score_k
    >>> X = np.repeat([[0.0], [1.0], [8.0], [9.0]], 5, axis=0)
    >>> scores = score_k(X, ks=[2, 3, 4], n_reference=0, random_state=0, progress=False)
    >>> reading = read_k(scores)
    >>> reading.attrs["reading_en"]  # doctest: +ELLIPSIS
    'Indices disagree: k = 2 (inertia), k = 4 (silhouette, ..., davies_bouldin)'
    """
    table = scores.set_index("k")
    if stability is not None:
        table = table.join(stability.set_index("k")["ari_used"])
    rows = []
    for name, (zh, en) in RULES.items():
        if name not in table or table[name].isna().all():
            continue
        k = _preferred(name, table)
        value = np.nan if k is None else table.loc[k, name]
        rows.append({"index": name, "k": k, "value": value, "rule_zh": zh, "rule_en": en})
    reading = pd.DataFrame(rows).astype({"k": "Int64"})
    reading["agree"] = reading["k"].map(reading["k"].value_counts()).fillna(0).astype(int)
    groups = reading.dropna(subset="k").groupby("k")["index"].agg(list)
    for language, words in _SAYS.items():
        alone, several, none, comma, bracket = words
        said = comma.join(f"k = {k}{bracket.format(comma.join(n))}" for k, n in groups.items())
        start = alone if len(groups) == 1 else several
        reading.attrs[f"reading_{language}"] = start + said if len(groups) else none
    return reading


def _preferred(name: str, table: pd.DataFrame) -> int | None:
    """The k that an index prefers by its rule."""
    values = table[name].dropna()
    if name == "inertia":
        bend = (table["inertia_drop"] - table["inertia_drop"].shift(-1)).dropna()
        return None if bend.empty else bend.idxmax()
    if name == "davies_bouldin":
        return values.idxmin()
    if name == "gap":
        enough = values >= (values - table["gap_se"]).shift(-1)
        return enough.idxmax() if enough.any() else None
    if name == "ari_used":
        stable = values[values >= STEADY_K]
        return None if stable.empty else stable.index.max()
    return values.idxmax()


@dataclass(frozen=True)
class Choice:
    """A number of segments and why.

    Parameters
    ----------
    k : int
    why_zh, why_en : str
        The rule and the numbers that it met, or that none did.
    candidates : tuple of int
        The ks that met the rule's conditions.
    """

    k: int
    why_zh: str
    why_en: str
    candidates: tuple[int, ...]


def choose_k(scores: pd.DataFrame, stability: pd.DataFrame) -> Choice:
    """One stated rule, for when a program must go on; a person should read the tables.

    A k is possible whose labelings are stable (``ari_used``, a median adjusted Rand index, of 0.85
    or more), whose smallest segment holds 2 % of the rows or more, and whose silhouette is larger
    than any in data without segments (``null_silhouette``), or whose borders all lie in a valley
    (``border_density`` below 0.6, with categories also below that of such data) at an inertia
    below that of such data. If none is, k = 1: no segments. Of several, the one whose inertia is
    furthest below (``null_gap``).

    Parameters
    ----------
    scores : DataFrame
        From `score_k`. Where it was made with ``n_null=0`` the largest silhouette decides, k = 1
        is no answer, and ``why_en`` says so.
    stability : DataFrame
        From `validation.stability_by_k`.

    Raises
    ------
    ValueError
        If the tables have no k in common.

    Examples
    --------
    >>> scores = pd.DataFrame({"k": [2, 3], "silhouette": [0.4, 0.5], "smallest_share": 0.2})
    >>> scores = scores.assign(null_silhouette=0.3, null_gap=[0.2, 0.9], border_density=0.8)
    >>> choose_k(scores, pd.DataFrame({"k": [2, 3], "ari_used": [0.9, 0.95]})).k
    3
    >>> choose_k(scores, pd.DataFrame({"k": [2, 3], "ari_used": [0.3, 0.6]})).k
    1
    """
    columns = ["ari_used"]
    table = scores.set_index("k").join(stability.set_index("k")[columns], how="inner")
    if table.empty:
        raise ValueError(
            f"scores are for k = {list(scores['k'])}, stability for k = {list(stability['k'])}: "
            "run both on the same ks"
        )
    against_null = "null_silhouette" in table and table["null_silhouette"].notna().all()
    possible = table["ari_used"].ge(STEADY_K) & table["smallest_share"].ge(SMALLEST_SHARE)
    if against_null:
        valley = np.full(len(table), VALLEY)
        if "null_border_density" in table:
            valley = table["null_border_density"].clip(upper=VALLEY)
        valleys = table["null_gap"].gt(0) & table["border_density"].lt(valley)
        possible &= table["silhouette"].gt(table["null_silhouette"]) | valleys
    kept = table[possible]
    if kept.empty:
        return _none_possible(table, against_null)
    by = "null_gap" if against_null else "silhouette"
    k = int(kept[by].fillna(-np.inf).idxmax())
    best, others = f"{kept.loc[k, by]:.3f}", ", ".join(map(str, kept.index))
    if against_null:
        zh = "，界线比无客群的数据清楚", "簇内平方和比无客群的数据低得最多（对数差 ", ""
        en = (
            ", and the segments are clearer than in data without segments (silhouette, valleys)",
            "the inertia furthest below that of data without segments (log difference ",
            "",
        )
    else:
        zh = "", "轮廓系数最大（", "。未与无客群的数据比较"
        en = "", "the largest silhouette (", ". Not compared with data without segments"
    steady_en = f"the median adjusted Rand index is ≥ {STEADY_K}"
    served_en = f"the smallest segment holds ≥ {SMALLEST_SHARE:.0%}"
    return Choice(
        k,
        f"k = {others}（调整兰德指数中位数 ≥ {STEADY_K}，最小客群 ≥ {SMALLEST_SHARE:.0%} 的行"
        f"{zh[0]}）中，k = {k} 的{zh[1]}{best}）{zh[2]}。",
        f"k = {k} has {en[1]}{best}) of k = {others}, where {steady_en} and {served_en}"
        f"{en[0]}{en[2]}.",
        tuple(int(i) for i in kept.index),
    )


def _none_possible(table: pd.DataFrame, against_null: bool) -> Choice:
    """No segments, or, where nothing was drawn to tell that, the most stable k."""
    if against_null:
        ks = f"{table.index.min()}–{table.index.max()}"
        return Choice(
            1,
            f"k = {ks} 中没有一个既稳定（调整兰德指数中位数 ≥ {STEADY_K}），最小客群不少于 "
            f"{SMALLEST_SHARE:.0%} 的行，界线又比无客群的数据清楚（轮廓系数、谷）："
            "看不出客群（k = 1）。",
            f"No k of {ks} is stable (median adjusted Rand index ≥ {STEADY_K}) with at least "
            f"{SMALLEST_SHARE:.0%} of the rows in the smallest segment and clearer than data "
            "without segments (silhouette, valleys): no segments can be seen (k = 1).",
            (),
        )
    k = int(table["ari_used"].idxmax())
    best = f"{table.loc[k, 'ari_used']:.2f}"
    return Choice(
        k,
        f"没有一个 k 既稳定（调整兰德指数中位数 ≥ {STEADY_K}），最小客群又不少于 "
        f"{SMALLEST_SHARE:.0%} 的行；k = {k} 相对最稳定（{best}）。"
        "不要把这些客群当作自然形成的。",
        f"No k is stable (median adjusted Rand index ≥ {STEADY_K}) with at least "
        f"{SMALLEST_SHARE:.0%} of the rows in the smallest segment; k = {k} is the most stable "
        f"({best}). Do not take these segments for natural ones.",
        (),
    )


def stability_summary(
    X: ArrayLike | pd.DataFrame,
    *,
    centres: pd.DataFrame | ArrayLike,
    slsw: pd.DataFrame,
    chance: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Natural, reproducible or constructed: each segment of a solution, and what to do with it.

    Both words speak of other samples of customers. A draw of the bootstrap is such a sample, and
    the central 95 % of the draws say how alike the segment found in it is (Jaccard index).

    *Natural*: it is recovered (95 % of the draws from 0.75 on) and lies further from its
    neighbours than any segment of data without segments, with a valley at each of its borders
    (density below 0.6 of the lower peak beside it).
    *Reproducible*: it does not dissolve (95 % of the draws from 0.5 on), but nothing separates it.
    *Constructed*: k-means chose its borders; with another sample of customers they would lie
    elsewhere. Where every segment is constructed, it is k that is wrong, not one segment.

    What *natural* cannot see: that a segment is one round group. The pieces of a bent hill can be
    natural (bananas and moons in `benchmarks/verdicts.py`), groups closer than four
    deviations mostly are not, nor is a group that only a flag, a zero or categories tell
    (`benchmarks/verdicts.md`).

    Parameters
    ----------
    X : array-like of shape (n_rows, n_features)
    centres : array-like of shape (n_segments, n_features)
        A frame's index names the segments, as in the other tables; else 0, 1, …
    slsw : DataFrame
        From `validation.segment_stability` for the same solution.
    chance : DataFrame, optional
        From `validation.null_separation` for the same k. Without it no segment is called natural.

    Returns
    -------
    DataFrame
        One row per segment: ``segment_id``, ``rows``, ``share``; ``slsw_median``, ``slsw_low``,
        ``slsw_high`` (range of the central 95 % of the draws, by order statistics: what another
        sample of customers would give; 20 pairs are needed, fewer cover less) and
        ``slsw_corrected`` (median, less what segments of this size share by chance; NaN where
        `slsw` lacks it); ``separation``
        (mean margin), ``chance_separation`` (largest of any segment of any null set, NaN
        without `chance`) and ``border_density`` (at the border with the neighbour
        that is separated least, against the lower peak beside it); ``reading``;
        ``sure`` (False: the segment's own interval reaches across a threshold that it could
        pass); ``action`` ("keep", "merge", "drop"), ``neighbour`` (the nearest segment;
        of one that would be dropped but is to be merged with another, that other)
        and ``similarity`` with it;
        ``because_zh``, ``because_en``: the numbers, in words.

    References
    ----------
    C. Hennig, "Dissolution point and isolation robustness: robustness criteria for general
    cluster analysis methods", Journal of Multivariate Analysis 99 (2008).

    Raises
    ------
    ValueError
        If `slsw` names other segments than `centres`.

    Examples
    --------
    >>> from kequn_lab.validation.segmentwise import segment_stability
    >>> X = np.repeat([[0.0], [1.0], [8.0], [9.0]], 10, axis=0)
    >>> labels = np.repeat([0, 1], 20)
    >>> slsw = segment_stability(X, labels=labels, n_boot=20, random_state=0, progress=False)
    >>> summary = stability_summary(X, centres=[[0.5], [8.5]], slsw=slsw)
    >>> summary[["segment_id", "slsw_median", "separation", "reading", "action"]].round(2)
       segment_id  slsw_median  separation       reading action
    0           0          1.0        0.88  reproducible   keep
    1           1          1.0        0.88  reproducible   keep
    """
    rows = margins(X, centres=centres)
    ids = (
        centres.index if isinstance(centres, pd.DataFrame) else pd.RangeIndex(np.shape(centres)[0])
    )
    ids = ids.rename(None)
    if set(slsw["segment_id"]) != set(ids):
        raise ValueError(
            f"slsw is for segments {sorted(set(slsw['segment_id']), key=str)}, centres for "
            f"{list(ids)}: give both the same ids"
        )
    by_segment = rows.groupby("segment_id")["margin"]
    size = by_segment.size().reindex(ids, fill_value=0)
    interval = pd.DataFrame(
        {segment: _of_other_samples(draws) for segment, draws in slsw.groupby("segment_id")}
    ).T.reindex(ids)
    table = pd.DataFrame(
        {
            "segment_id": ids,
            "rows": size.to_numpy(),
            "share": (size / len(rows)).to_numpy(),
            "slsw_median": interval["median"].to_numpy(),
            "slsw_low": interval["low"].to_numpy(),
            "slsw_high": interval["high"].to_numpy(),
            "slsw_corrected": interval["corrected"].to_numpy(),
            "separation": by_segment.mean().reindex(ids).to_numpy(),
            "chance_separation": np.nan if chance is None else chance["separation"].max(),
            "border_density": border_density(X, centres=centres, random_state=0).to_numpy(),
        }
    )
    table["reading"], table["sure"] = _reading(table)
    away = cluster_similarity(rows, ids).mask(np.eye(len(ids), dtype=bool))
    table["neighbour"] = away.idxmax(axis=1, skipna=True).to_numpy()
    table["similarity"] = away.max(axis=1).to_numpy()
    constructed, leans = table["reading"] == "constructed", table["similarity"] >= LEANS
    table["action"] = np.select([~constructed, leans], ["keep", "merge"], "drop")
    _merge_both_ways(table, away)
    said = [_because(row) for row in table.itertuples()]
    table["because_zh"], table["because_en"] = zip(*said)
    return table


def _merge_both_ways(table: pd.DataFrame, similarity: pd.DataFrame) -> None:
    """A segment into which another is to be merged is not dropped: it is merged with that one."""
    columns = ["action", "neighbour", "similarity"]
    merging = table[table["action"] == "merge"].sort_values("similarity")
    dropped = set(table.loc[table["action"] == "drop", "segment_id"])
    for row in merging[merging["neighbour"].isin(dropped)].itertuples():
        into = table["segment_id"] == row.neighbour
        back = similarity.loc[row.neighbour, row.segment_id]
        table.loc[into, columns] = ["merge", row.segment_id, back]


def _reading(table: pd.DataFrame) -> tuple[NDArray, pd.Series]:
    """What the numbers of each segment say, and whether its interval allows only that."""
    low, high = table["slsw_low"], table["slsw_high"]
    separated = table["separation"].gt(table["chance_separation"])
    separated &= table["border_density"].lt(VALLEY)
    reading = np.select(
        [(low >= RECOVERED) & separated, low >= DISSOLVED],
        ["natural", "reproducible"],
        "constructed",
    )
    across = {e: low.lt(e) & high.ge(e) for e in (DISSOLVED, RECOVERED)}
    # Only a segment that is separated itself could be natural: its interval alone counts there.
    return reading, ~(across[DISSOLVED] | (across[RECOVERED] & separated))


def _of_other_samples(draws: pd.DataFrame) -> pd.Series:
    """Median SLSw of a segment, and the range of the central 95 % of its Jaccard indices.

    Of n draws, the j-th smallest and largest hold one more with probability (n + 1 - 2 j) / (n + 1)
    whatever the distribution: with 39 draws (20 pairs), the smallest and the largest.
    """
    alone = [c for c in ("jaccard_1", "jaccard_2") if c in draws] or ["slsw"]
    ordered = np.sort(draws[alone].to_numpy(float), axis=None)
    ordered = ordered[~np.isnan(ordered)]
    end = max(int((len(ordered) + 1) * 0.025), 1) - 1
    return pd.Series(
        {
            "median": draws["slsw"].median(),
            "low": ordered[end],
            "high": ordered[-1 - end],
            "corrected": draws["slsw_corrected"].median() if "slsw_corrected" in draws else np.nan,
        }
    )


def _because(row) -> tuple[str, str]:
    """The numbers behind one row of `stability_summary`, in Chinese and in English."""
    slsw = f"SLSw {row.slsw_median:.2f} [{row.slsw_low:.2f}, {row.slsw_high:.2f}]"
    gap, by_chance = f"{row.separation:.2f}", f"{row.chance_separation:.2f}"
    if np.isnan(row.chance_separation):
        zh, en = "无随机参照", "no null sets to read it against"
    elif row.separation > row.chance_separation:
        zh, en = f"大于随机（{by_chance}）", f"more than by chance ({by_chance})"
    else:
        zh, en = f"不大于随机（{by_chance}）", f"no more than by chance ({by_chance})"
    zh, en = f"{slsw}；分离度 {gap}，{zh}", f"{slsw}; separation {gap}, {en}"
    if row.separation > row.chance_separation:
        zh += f"；边界密度 {row.border_density:.2f}"
        en += f"; border density {row.border_density:.2f}"
    if row.action != "keep":
        zh += f"；与 {row.neighbour} 相似 {row.similarity:.2f}"
        en += f"; closest to {row.neighbour} ({row.similarity:.2f})"
    return zh, en
