"""What to say of each segment, and where article and data disagree."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kequn_lab._words import Words

__all__ = ["segment_cards"]

MARKS = 5  # on a card, at most
VISIBLE = 0.2  # standard deviations: a smaller expectation or effect has no direction


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
        The profile of the model columns, which the expectations are compared with: in
        logarithms a difference shows that a few very rich customers hide. Default ``profile``.
    variables : DataFrame, optional
        Names and units: ``feature``, ``meaning_zh``, ``meaning_en``, ``unit``.
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
        - ``article``: a trait (``item``) with the quote and its place in the article
        - ``check``: an expected direction (``item`` is the variable) beside the measured
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
    parts = [_marks(profile, markers, words)]
    if traits is not None:
        parts.append(_article(traits))
    if signatures is not None:
        measured = profile if model_profile is None else model_profile
        parts.append(_checks(measured, signatures, words))
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


def _marks(profile, markers, words: Words) -> pd.DataFrame:
    kinds = profile.drop_duplicates("variable").set_index("variable")["kind"]
    best = markers[markers["marker"]].groupby("segment_id", sort=False).head(MARKS)
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


def _checks(profile, signatures, words: Words) -> pd.DataFrame:
    """Expected directions against measured ones."""
    found = profile[profile["level"].isna()].set_index(["segment_id", "variable"])["effect"]
    present = signatures["segment_id"].isin(profile["segment_id"].unique())
    lines = []
    for row in signatures[present & (signatures["level_sd"].abs() >= VISIBLE)].itertuples():
        effect = found.get((row.segment_id, row.feature), np.nan)
        zh, en = _DIRECTION[np.sign(row.level_sd)]
        if np.isnan(effect):
            agrees, seen_zh, seen_en = "not measured", "数据中没有", "not in the data"
        elif abs(effect) < VISIBLE:
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
