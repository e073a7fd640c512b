"""What to say of each segment, where article and data disagree, and what to be careful about."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from kequn_lab._words import Words, number, percent

__all__ = ["segment_cards", "warnings_table"]


def segment_cards(
    profile: pd.DataFrame,
    markers: pd.DataFrame,
    *,
    sizes: pd.DataFrame,
    segments: pd.DataFrame | None = None,
    traits: pd.DataFrame | None = None,
    signatures: pd.DataFrame | None = None,
    model_profile: pd.DataFrame | None = None,
    variables: pd.DataFrame | None = None,
    n_marks: int = 5,
    visible: float = 0.2,
    currency: str = "CNY",
) -> pd.DataFrame:
    """Write each segment's card: its marks, the article's words, and whether the data agree.

    Parameters
    ----------
    profile, markers, sizes : DataFrame
        As :func:`~kequn_lab.profiles.profile_table`, ``marker_table`` and ``size_table``.
    segments : DataFrame, optional
        Names: ``segment_id``, ``name_zh``, ``name_en``.
    traits : DataFrame, optional
        The article's words: ``segment_id``, ``trait_id``, ``quote_zh``, ``gloss_en``,
        ``inventory_id``.
    signatures : DataFrame, optional
        What is expected: ``segment_id``, ``feature``, ``level_sd`` (standard deviations from
        the average customer), ``basis`` (``article``, ``assumption``, …).
    model_profile : DataFrame, optional
        The profile of the model columns, to hold the expectations against: in logarithms a
        difference shows that a few very rich customers hide. Default ``profile``.
    variables : DataFrame, optional
        Names and units: ``feature``, ``meaning_zh``, ``meaning_en``, ``unit``.
    n_marks : int
        Marks on a card, at most.
    visible : float
        Expectations and effects smaller than this many standard deviations have no direction.
    currency : str
        Of amounts.

    Returns
    -------
    DataFrame
        One row per line of a card, cards in the order of ``sizes``: ``segment_id``,
        ``name_zh``, ``name_en``, ``customers``, ``share``, ``part``, ``item``, ``effect``,
        ``agrees``, ``basis``, ``quote_zh``, ``inventory_id``, ``text_zh``, ``text_en``.
        By ``part``:

        - ``mark``: a marker variable (``item``) and its ``effect``
        - ``article``: a trait (``item``) with the quote and where it stands in the article
        - ``check``: an expected direction (``item`` is the variable) held against the measured
          effect; ``agrees`` is ``yes``, ``no`` (the other direction), ``not visible`` or
          ``not measured``; ``basis`` says whose expectation it was

    Raises
    ------
    ValueError
        A table lacks a column.

    Examples
    --------
    >>> from kequn_lab.profiles.tables import marker_table, profile_table, size_table
    >>> labels = pd.Series(["elderly", "elderly", "young", "young"])
    >>> profile = profile_table(pd.DataFrame({"age_years": [60.0, 70, 20, 30]}), labels, n_boot=0)
    >>> expected = pd.DataFrame({"segment_id": ["elderly"], "feature": ["age_years"],
    ...                          "level_sd": [1.5], "basis": ["article"]})
    >>> cards = segment_cards(profile, marker_table(profile), sizes=size_table(labels),
    ...                       signatures=expected)
    >>> cards.loc[cards["segment_id"] == "elderly", "text_en"].tolist()
    ['age_years 65 (all: 45)', 'age_years: high expected, high found']
    """
    words = Words.of(segments=segments, variables=variables, currency=currency)
    parts = [_marks(profile, markers, n_marks, words)]
    if traits is not None:
        parts.append(_article(traits))
    if signatures is not None:
        measured = profile if model_profile is None else model_profile
        parts.append(_checks(measured, signatures, visible, words))
    lines = pd.concat([pd.DataFrame({"segment_id": []}, dtype=object), *parts])
    ids = sizes["segment_id"]
    heads = sizes[["segment_id", "customers", "share"]].assign(
        name_zh=[words.segment(s, "zh") for s in ids], name_en=[words.segment(s, "en") for s in ids]
    )
    # A segment without any line keeps its card.
    cards = heads.merge(lines, on="segment_id", how="left", sort=False)
    return cards.reindex(columns=_CARDS)


_CARDS = [
    *("segment_id", "name_zh", "name_en", "customers", "share", "part", "item", "effect"),
    *("agrees", "basis", "quote_zh", "inventory_id", "text_zh", "text_en"),
]


def _marks(profile, markers, n_marks: int, words: Words) -> pd.DataFrame:
    kinds = profile.drop_duplicates("variable").set_index("variable")["kind"]
    best = markers[markers["marker"]].groupby("segment_id", sort=False).head(n_marks)
    lines = []
    for mark in best.itertuples():
        name, share = mark.variable, kinds[mark.variable] != "number"
        zh, own_zh, all_zh, en, own_en, all_en = (
            text
            for language in ("zh", "en")
            for text in (
                words.variable(name, language, level=mark.level),
                words.value(mark.mean, name, language, share=share),
                words.value(mark.overall_mean, name, language, share=share),
            )
        )
        lines.append(
            {
                "segment_id": mark.segment_id,
                "part": "mark",
                "item": name,
                "effect": mark.effect,
                "text_zh": f"{zh} {own_zh}（全体 {all_zh}）",
                "text_en": f"{en} {own_en} (all: {all_en})",
            }
        )
    return pd.DataFrame(lines)


def _article(traits: pd.DataFrame) -> pd.DataFrame:
    lines = traits.loc[
        traits["quote_zh"].notna(),
        ["segment_id", "trait_id", "quote_zh", "gloss_en", "inventory_id"],
    ].rename(columns={"trait_id": "item", "gloss_en": "text_en"})
    return lines.assign(part="article", text_zh=lines["quote_zh"])


_DIRECTION = {1: ("偏高", "high"), -1: ("偏低", "low")}


def _checks(profile, signatures, visible: float, words: Words) -> pd.DataFrame:
    """Expected directions against measured ones."""
    found = profile[profile["level"].isna()].set_index(["segment_id", "variable"])["effect"]
    present = signatures["segment_id"].isin(profile["segment_id"].unique())
    lines = []
    for row in signatures[present & (signatures["level_sd"].abs() >= visible)].itertuples():
        effect = found.get((row.segment_id, row.feature), np.nan)
        zh, en = _DIRECTION[np.sign(row.level_sd)]
        if np.isnan(effect):
            agrees, seen_zh, seen_en = "not measured", "数据中没有", "not in the data"
        elif abs(effect) < visible:
            agrees, seen_zh, seen_en = "not visible", "看不出差别", "no difference found"
        else:
            agrees = "yes" if effect * row.level_sd > 0 else "no"
            seen_zh, seen_en = _DIRECTION[np.sign(effect)]
            seen_zh, seen_en = f"实测{seen_zh}", f"{seen_en} found"
        lines.append(
            {
                "segment_id": row.segment_id,
                "part": "check",
                "item": row.feature,
                "effect": effect,
                "agrees": agrees,
                "basis": row.basis,
                "quote_zh": getattr(row, "quote_zh", None),
                "text_zh": f"{words.variable(row.feature, 'zh')}：预期{zh}，{seen_zh}",
                "text_en": f"{words.variable(row.feature, 'en')}: {en} expected, {seen_en}",
            }
        )
    return pd.DataFrame(lines)


def warnings_table(
    profile: pd.DataFrame,
    *,
    sizes: pd.DataFrame,
    features: pd.DataFrame | None = None,
    logged: Iterable[str] = (),
    silhouette: float | None = None,
    segments: pd.DataFrame | None = None,
    variables: pd.DataFrame | None = None,
    largest: float = 0.6,
    smallest: float = 0.01,
    min_silhouette: float = 0.25,
    min_difference: float = 0.5,
    max_skewness: float = 2.0,
) -> pd.DataFrame:
    """Look for what makes a segmentation doubtful.

    Parameters
    ----------
    profile, sizes : DataFrame
        As :func:`~kequn_lab.profiles.profile_table` and ``size_table``.
    features : DataFrame, optional
        The customer table, to find skewed variables.
    logged : iterable of str
        Variables that the model takes the logarithm of.
    silhouette : float, optional
        Mean silhouette width, −1 to 1.
    segments, variables : DataFrame, optional
        Names, as :func:`segment_cards`.
    largest, smallest : float
        Shares of customers above or below which a segment is named.
    min_silhouette : float
        Kaufman and Rousseeuw found no structure to speak of below 0.25.
    min_difference : float
        Two segments need one variable (or level) whose means are this many pooled standard
        deviations apart.
    max_skewness : float
        Of a variable that is neither a share nor logged.

    Returns
    -------
    DataFrame
        One row per warning; none is good news: ``warning`` (``large_segment``,
        ``small_segment``, ``weak_silhouette``, ``skewed_unlogged``, ``not_separated``),
        ``segment_id``, ``other_id`` (the second of two segments), ``variable``, ``value``
        (what was found), ``bound``, ``text_zh``, ``text_en``.

    References
    ----------
    Kaufman and Rousseeuw (1990), Finding Groups in Data, section 2.2.

    Examples
    --------
    >>> from kequn_lab.profiles.tables import profile_table, size_table
    >>> labels = pd.Series(["a", "a", "a", "b"])
    >>> profile = profile_table(pd.DataFrame({"age_years": [20.0, 30, 40, 70]}), labels, n_boot=0)
    >>> warnings_table(profile, sizes=size_table(labels))[["warning", "segment_id", "value"]]
             warning segment_id  value
    0  large_segment          a   0.75
    """
    words = Words.of(segments=segments, variables=variables)
    found = []

    def warn(warning, value, bound, zh, en, *, segment=None, other=None, variable=None):
        found.append((warning, segment, other, variable, value, bound, zh, en))

    for row in sizes.itertuples():
        zh, en = words.segment(row.segment_id, "zh"), words.segment(row.segment_id, "en")
        share = percent(row.share)
        if row.share > largest:
            warn("large_segment", row.share, largest, f"{zh}占客户的 {share}，其余客群很小",
                 f"{en} holds {share} of all customers and leaves little to the others",
                 segment=row.segment_id)  # fmt: skip
        if row.share < smallest:
            warn("small_segment", row.share, smallest,
                 f"{zh}只有 {row.customers} 名客户（{share}），均值不可靠",
                 f"{en} has only {row.customers} customers ({share}); its means are not reliable",
                 segment=row.segment_id)  # fmt: skip
    if silhouette is not None and silhouette < min_silhouette:
        warn("weak_silhouette", silhouette, min_silhouette,
             f"平均轮廓系数 {silhouette:.2f} 低于 {min_silhouette}：客群之间没有空隙，"
             "界线是划出来的",
             f"Mean silhouette {silhouette:.2f} is below {min_silhouette}: there are no gaps "
             "between the segments, their borders are drawn, not found")  # fmt: skip
    if features is not None:
        numbers = set(profile.loc[profile["kind"] == "number", "variable"]) - set(logged)
        for name in (c for c in features if c in numbers):
            skewness = _skewness(features[name])
            if abs(skewness) > max_skewness:
                zh, en = words.variable(name, "zh"), words.variable(name, "en")
                warn("skewed_unlogged", skewness, max_skewness,
                     f"{zh}偏度为 {number(skewness)} 而未取对数，少数客户会左右中心",
                     f"{en} is skewed ({number(skewness)}) and not logged: a few customers "
                     "move the centres", variable=name)  # fmt: skip
    for a, b, variable, value in _closest(profile):
        if value < min_difference:
            names = [[words.segment(s, language) for s in (a, b)] for language in ("zh", "en")]
            best = [words.variable(variable, language) for language in ("zh", "en")]
            warn("not_separated", value, min_difference,
                 f"没有一个变量能分开{names[0][0]}与{names[0][1]}：差别最大的{best[0]}也只差 "
                 f"{value:.2f} 个标准差",
                 f"No variable separates {names[1][0]} from {names[1][1]}: {best[1]}, the best, "
                 f"differs by {value:.2f} sd",
                 segment=a, other=b, variable=variable)  # fmt: skip
    columns = ["warning", "segment_id", "other_id", "variable", "value", "bound"]
    return pd.DataFrame(found, columns=[*columns, "text_zh", "text_en"])


def _skewness(column: pd.Series) -> float:
    x = column.to_numpy(float, na_value=np.nan)
    x = x[~np.isnan(x)]
    spread = x.std() if len(x) else 0.0
    return float(np.mean(((x - x.mean()) / spread) ** 3)) if spread > 0 else 0.0


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
