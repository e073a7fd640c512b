"""What to be careful about: each doubt a row, most important first."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from kequn_lab._notes import Note, notes_table
from kequn_lab._statistics import skewness
from kequn_lab._words import Words, listed, number, percent

__all__ = ["warnings_table"]

#: Shares of customers above or below which a segment is named, and customers of which a mean
#: can be taken at all.
LARGEST, SMALLEST, FEWEST = 0.6, 0.01, 10
#: Kaufman and Rousseeuw found no structure to speak of below it.
MIN_SILHOUETTE = 0.25
#: Two segments need one variable (or level) whose means differ by so many pooled deviations.
MIN_DIFFERENCE = 0.5
#: Of a variable that is neither a share nor logged.
MAX_SKEWNESS = 2.0
#: Share of customers whose value may be missing and filled in without a warning.
MOST_FILLED = 0.2
#: Correlation from which two columns say the same.
SAME_COLUMN = 0.98
#: Customers that the correlations are taken of, at most.
_ROWS = 20_000

#: Warnings by weight. What is not listed (the notes of the input) comes after the first.
_ORDER = (
    "no_segments", "", "drop_k", "drop_segments", "merge_segments", "weak_silhouette",
    "segments_without_cluster", "unclear_names", "small_segment", "large_segment",
    "not_separated", "mostly_filled", "collinear", "skewed_unlogged",
)  # fmt: skip


def warnings_table(
    profile: pd.DataFrame,
    *,
    sizes: pd.DataFrame,
    features: pd.DataFrame | None = None,
    logged: Iterable[str] = (),
    silhouette: float | None = None,
    segments: pd.DataFrame | None = None,
    variables: pd.DataFrame | None = None,
    notes: Iterable[Note] = (),
) -> pd.DataFrame:
    """Look for what makes a segmentation doubtful; like doubts share a row.

    Parameters
    ----------
    profile, sizes : DataFrame
        As :func:`~kequn_lab.profiles.profile_table` and ``size_table``.
    features : DataFrame, optional
        The customer table, to find columns that are skewed, mostly missing or alike.
    logged : iterable of str
        Variables that the model takes the logarithm of.
    silhouette : float, optional
        Mean silhouette width, −1 to 1.
    segments, variables : DataFrame, optional
        Names, as :func:`~kequn_lab.profiles.segment_cards`.
    notes : iterable of Note
        What others found: the reading of the input, names, stability.

    Returns
    -------
    DataFrame
        One row per warning, most important first; none is good news. ``level`` (``warning``;
        ``note`` for what was only assumed or converted), ``warning`` (``large_segment``,
        ``small_segment``, ``weak_silhouette``, ``not_separated``, ``skewed_unlogged``,
        ``mostly_filled``, ``collinear``, and those of ``notes``), ``segment_id``, ``other_id``
        (the second of two segments), ``variable``, ``value`` (what was found; of several, the
        gravest), ``bound``, ``text_zh``, ``text_en``.

    References
    ----------
    Kaufman and Rousseeuw (1990), Finding Groups in Data, section 2.2.

    Examples
    --------
    >>> from kequn_lab.profiles.tables import profile_table, size_table
    >>> labels = pd.Series(["a"] * 30 + ["b"] * 10)
    >>> features = pd.DataFrame({"age_years": [20.0, 30, 40] * 10 + [70.0, 71] * 5})
    >>> profile = profile_table(features, labels, n_boot=0)
    >>> warnings_table(profile, sizes=size_table(labels))[["warning", "segment_id", "value"]]
             warning segment_id  value
    0  large_segment          a   0.75
    """
    words = Words.of(segments=segments, variables=variables)
    found = [*notes, *_of_sizes(sizes, words), *_of_gaps(profile, silhouette, words)]
    if features is not None:
        found += _of_columns(features, profile, set(logged), words)
    return by_weight(notes_table(found))


def by_weight(notes: pd.DataFrame) -> pd.DataFrame:
    """A table of notes, most important first; of equal weight as they came."""
    places = {code: i for i, code in enumerate(_ORDER)}
    weight = notes["warning"].map(lambda code: places.get(code, 1))
    order = (weight + 1000 * (notes["level"] != "warning")).to_numpy(int).argsort(kind="stable")
    return notes.iloc[order].reset_index(drop=True)


def _grouped(code: str, items: list, bound: float, zh: str, en: str) -> list[Note]:
    """One note of many like things: (value, text_zh, text_en, where), the gravest first."""
    if not items:
        return []
    value, _, _, where = items[0]
    text_zh, text_en = (
        text.format(n=len(items), items=listed([i[k] for i in items], language), bound=bound)
        for k, language, text in ((1, "zh", zh), (2, "en", en))
    )
    return [Note(code, text_zh, text_en, value=float(value), bound=bound, **where)]


def _of_sizes(sizes: pd.DataFrame, words: Words) -> list[Note]:
    large, small = [], []
    for row in sizes.sort_values("customers").itertuples():
        zh, en = words.segment(row.segment_id, "zh"), words.segment(row.segment_id, "en")
        share, where = percent(row.share), {"segment_id": row.segment_id}
        if row.share > LARGEST and len(sizes) > 1:
            large.append((row.share, f"{zh}占客户的 {share}", f"{en} ({share})", where))
        if row.share < SMALLEST or row.customers < FEWEST:
            en += f" ({row.customers} customer{'s' * (row.customers != 1)}, {share})"
            zh += f"（{row.customers} 名客户，{share}）"
            small.append((row.share, zh, en, where))
    return _grouped(
        "large_segment", large, LARGEST,
        "{items}，其余客群很小", "One segment holds most customers: {items}",
    ) + _grouped(
        "small_segment", small, SMALLEST,
        "客户太少，均值不可靠：{items}", "Too few customers for reliable means: {items}",
    )  # fmt: skip


def _of_gaps(profile: pd.DataFrame, silhouette: float | None, words: Words) -> list[Note]:
    out, close = [], []
    if silhouette is not None and silhouette < MIN_SILHOUETTE:
        out += _grouped(
            "weak_silhouette", [(silhouette, f"{silhouette:.2f}", f"{silhouette:.2f}", {})],
            MIN_SILHOUETTE,
            "平均轮廓系数 {items}，低于 {bound}：多数客群彼此相连，之间的界线是划出来的",
            "Mean silhouette {items}, below {bound}: most segments touch each other, the "
            "borders between them are drawn, not found",
        )  # fmt: skip
    for a, b, variable, value in sorted(_closest(profile), key=lambda pair: pair[-1]):
        if value < MIN_DIFFERENCE:
            zh, en = (
                [*(words.segment(s, language) for s in (a, b)), words.variable(variable, language)]
                for language in ("zh", "en")
            )
            where = {"segment_id": a, "other_id": b, "variable": variable}
            close.append((value, f"{zh[0]}与{zh[1]}（{zh[2]}，{value:.2f}）",
                          f"{en[0]} and {en[1]} ({en[2]}, {value:.2f})", where))  # fmt: skip
    return out + _grouped(
        "not_separated", close, MIN_DIFFERENCE,
        "没有一个变量能分开这 {n} 对客群（差别最大的变量也不到 {bound} 个标准差）：{items}",
        "No variable separates {n} pair(s) of segments (the best one differs by less than "
        "{bound} sd): {items}",
    )  # fmt: skip


def _of_columns(features, profile, logged: set, words: Words) -> list[Note]:
    skewed, filled = [], []
    numbers = set(profile.loc[profile["kind"] == "number", "variable"])
    for name in features:
        zh, en = words.variable(name, "zh"), words.variable(name, "en")
        missing, where = float(features[name].isna().mean()), {"variable": name}
        if missing > MOST_FILLED and name in numbers:
            share = percent(missing)
            filled.append((missing, f"{zh}（{share}）", f"{en} ({share})", where))
        if name in numbers - logged:
            skew = skewness(features[name].dropna().to_numpy(float))
            if abs(skew) > MAX_SKEWNESS:
                skewed.append((skew, f"{zh}（{number(skew)}）", f"{en} ({number(skew)})", where))
    alike = [
        (r, f"{words.variable(a, 'zh')}与{words.variable(b, 'zh')}",
         f"{words.variable(a, 'en')} and {words.variable(b, 'en')}", {"variable": a})
        for a, b, r in _alike(features, logged)
    ]  # fmt: skip
    return [
        *_grouped(
            "mostly_filled", sorted(filled, key=lambda i: -i[0]), MOST_FILLED,
            f"{{n}} 个变量有超过 {MOST_FILLED:.0%} 的客户缺失，缺失处以中位数填补：{{items}}",
            f"Missing for more than {MOST_FILLED:.0%} of the customers and filled with the median: "
            "{items}",
        ),
        *_grouped(
            "collinear", alike, SAME_COLUMN,
            "{n} 对变量几乎相同（相关系数超过 {bound}），等于重复计算：{items}",
            "{n} pair(s) of columns say the same (correlation above {bound}) and count twice: "
            "{items}",
        ),
        *_grouped(
            "skewed_unlogged", sorted(skewed, key=lambda i: -abs(i[0])), MAX_SKEWNESS,
            "{n} 个变量偏度超过 {bound} 而未取对数，少数客户会左右中心：{items}",
            "Skewed (above {bound}) and not logged, so that a few customers move the centres: "
            "{items}",
        ),
    ]  # fmt: skip


def _alike(features: pd.DataFrame, logged: set) -> list[tuple[str, str, float]]:
    """Pairs of columns that say the same, the closest first."""
    table = features.select_dtypes("number").head(_ROWS)
    x = table.to_numpy(float, na_value=np.nan)
    x = np.where(table.columns.isin(list(logged)), np.sign(x) * np.log1p(np.abs(x)), x)
    x = np.nan_to_num(x - (np.nansum(x, axis=0) / np.maximum((~np.isnan(x)).sum(axis=0), 1)))
    length = np.sqrt((x**2).sum(axis=0))
    x /= np.where(length > 0, length, np.inf)
    r = np.triu(x.T @ x, k=1)
    pairs = np.argwhere(np.abs(r) > SAME_COLUMN)
    out = [(table.columns[i], table.columns[j], float(r[i, j])) for i, j in pairs]
    return sorted(out, key=lambda pair: -abs(pair[2]))


def _closest(profile: pd.DataFrame):
    """For each two segments the variable that parts them best, and by how many deviations."""
    k = profile["segment_id"].nunique()
    ids = profile["segment_id"].unique()
    n, mean, std = (profile[c].to_numpy(float).reshape(k, -1) for c in ("n", "mean", "std"))
    squares = np.nan_to_num((n - 1) * std**2)  # a single customer has no spread
    for i in range(k):
        for j in range(i + 1, k):
            with np.errstate(invalid="ignore", divide="ignore"):
                pooled = np.sqrt((squares[i] + squares[j]) / (n[i] + n[j] - 2))
                gap = np.abs(mean[i] - mean[j])
                apart = np.where(gap > 0, gap / pooled, 0.0)
            apart = np.nan_to_num(apart, posinf=np.inf)
            yield ids[i], ids[j], profile["variable"].iloc[apart.argmax()], float(apart.max())
