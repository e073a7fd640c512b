"""Columns of categories in a run: declared, looked at, and what a reader must know of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from kequn_lab import contract
from kequn_lab._notes import Note
from kequn_lab._words import LANGUAGES, common_level, listed
from kequn_lab.contract.mapping import CategoryMapping
from kequn_lab.features._levels import OTHER, same_level
from kequn_lab.features.categories import CategoryEncoder
from kequn_lab.features.definitions import feature_dictionary
from kequn_lab.features.preprocessing import category_encoder

__all__ = [
    "Categories",
    "called",
    "category_axes",
    "category_notes",
    "declaring",
    "naming_words",
    "variable_words",
    "with_levels",
]

#: How categories are named: columns, or columns with the order of their levels.
Categories = Sequence[str] | Mapping[str, Sequence[str]]


def declaring(words: contract.mapping.Mapping, categories: Categories) -> contract.mapping.Mapping:
    """The words of a bank with more columns declared as categories.

    Parameters
    ----------
    words : Mapping
    categories : sequence of str, or mapping of str to sequence of str

    Examples
    --------
    >>> words = declaring(contract.mapping.Mapping(), {"education": ["low", "high"]})
    >>> words.features.categories["education"].order
    ('low', 'high')
    """
    orders = categories if isinstance(categories, Mapping) else dict.fromkeys(categories, ())
    more = {
        str(name): CategoryMapping(order=tuple(map(str, order or ())), nominal=not order)
        for name, order in orders.items()
    }
    declared = words.features.categories
    more = {n: replace(c, labels=declared[n].labels) if n in declared else c
            for n, c in more.items()}  # fmt: skip
    features = replace(words.features, categories={**declared, **more})
    return replace(words, features=features)


def category_notes(
    features: pd.DataFrame,
    categories: Mapping[str, Sequence[str]],
    missing_levels: Collection[str] = (),
) -> list[Note]:
    """What becomes of levels: rare ones, and those that are written in several ways.

    Parameters
    ----------
    features : DataFrame
    categories, missing_levels
        As :func:`~kequn_lab.features.preprocessing.preprocessor`.

    Raises
    ------
    ValueError
        As :class:`~kequn_lab.features.CategoryEncoder`.
    """
    if not categories:
        return []
    names = list(categories)
    encoder = category_encoder(categories, missing_levels).fit(features[names])
    notes = [Note(
        "categories_in_verdicts",
        f"{len(names)} 个类别变量（{listed(names, 'zh')}）参与分群：判断界线是否清楚时，用来比较的"
        "无客群数据保留了各类别的占比和相互关联；只靠类别区分的客群一般最多判为“可重复的划分”",
        f"{len(names)} column(s) of categories are in the model ({listed(names, 'en')}): whether a "
        "gap is clear is judged by data without segments that keep the shares of levels and their "
        "associations; segments that only categories tell are, as a rule, a repeatable cut at most",
        value=float(len(names)), level="note",
    )]  # fmt: skip
    for name, coding in zip(names, encoder.codings_):
        if coding.pooled:
            n, shown = sum(coding.pooled.values()), _some(coding.pooled)
            other = OTHER in coding.levels
            notes.append(Note(
                "rare_levels",
                f"{name}：罕见类别 {shown}，共 {n:,} 名客户，"
                + ("合并为一类" if other else "按该列的平均处理"),
                f"{name}: rare levels {shown}, {n:,} customers, "
                + ("are one level together" if other else "are taken as the column's mean"),
                value=float(n), variable=name, level="note",
            ))  # fmt: skip
        if coding.unified:
            shown = ", ".join(f"{text!r} = {level!r}" for text, level in
                              list(coding.unified.items())[:5])  # fmt: skip
            notes.append(Note(
                "unified_levels",
                f"{name}：只有空格、大小写或全半角不同的类别视为同一类：{shown}",
                f"{name}: levels that differ by blanks, case or width alone are one: {shown}",
                value=float(len(coding.unified)), variable=name, level="note",
            ))  # fmt: skip
    return notes


def called(
    features: pd.DataFrame,
    words: contract.mapping.FeatureMapping,
    missing_levels: Collection[str] = (),
) -> tuple[pd.DataFrame, list[Note]]:
    """What a bank's own columns and levels are called, and labels of levels that are not there.

    Parameters
    ----------
    features : DataFrame
    words : FeatureMapping
        Its ``names`` and the ``labels`` of its ``categories``.
    missing_levels
        As :func:`~kequn_lab.features.preprocessing.preprocessor`.

    Returns
    -------
    DataFrame
        ``feature``, ``level`` (missing for the column itself), ``meaning_zh``, ``meaning_en``;
        where a language lacks, the name in the data. Every level of the model has a row.
    list of Note
    """
    rows: list[tuple] = [(n, None, *_pair(given, n)) for n, given in words.names.items()]
    notes: list[Note] = []
    orders = {n: c.order for n, c in words.categories.items() if n in features}
    codings = []
    if orders:
        codings = category_encoder(orders, missing_levels).fit(features[list(orders)]).codings_
    for name, coding in zip(orders, codings):
        labels = words.categories[name].labels
        given = {same_level(text): label for text, label in labels.items()}
        levels = {same_level(level): level for level in (*coding.levels, *coding.pooled)}
        if lost := [text for text in labels if same_level(text) not in levels]:
            notes.append(_no_such_level(name, lost, levels.values()))
        rows += [(name, level, *_pair(given.get(key) or common_level(level), level))
                 for key, level in levels.items()]  # fmt: skip
    return pd.DataFrame(rows, columns=["feature", "level", "meaning_zh", "meaning_en"]), notes


def _pair(given: Mapping[Any, str], itself: str) -> tuple[str, str]:
    """The names in Chinese and in English; where one lacks, what the data say."""
    return given.get("zh") or itself, given.get("en") or itself


def _no_such_level(name: str, lost: list[str], there: Iterable[str]) -> Note:
    shown = _some(there)
    return Note(
        "label_without_level",
        f"{name}：映射文件为 {_some(lost)} 写了名称，但数据中没有这样的类别（有 {shown}）",
        f"{name}: the mapping has a label for {_some(lost)}, which is no level of the data "
        f"(there are {shown})",
        value=float(len(lost)), variable=name, level="note",
    )  # fmt: skip


def variable_words(own: pd.DataFrame | None) -> pd.DataFrame:
    """The kit's features and a bank's own columns and levels, as
    :class:`~kequn_lab._words.Words` and ``plots.style`` take them.

    Parameters
    ----------
    own : DataFrame or None
        As :func:`called` gives it.
    """
    known = feature_dictionary()
    if own is None or own.empty:
        return known
    known = known[~known["feature"].isin(own.loc[own["level"].isna(), "feature"])]
    axes = [(f"{r.feature}:{r.level}", f"{r.own_zh}：{r.meaning_zh}", f"{r.own_en}: {r.meaning_en}")
            for r in _levels(own).itertuples()]  # fmt: skip
    of_axes = pd.DataFrame(axes, columns=["feature", "meaning_zh", "meaning_en"])
    both = pd.concat([own, of_axes, known], ignore_index=True)
    texts = ["unit", "block"]
    return both.assign(**{c: both[c].fillna("") for c in texts}, level=both["level"].astype(object))


def _levels(own: pd.DataFrame) -> pd.DataFrame:
    """The levels, with what their column is called: ``own_zh``, ``own_en``."""
    columns = own[own["level"].isna()].set_index("feature")
    levels = own[own["level"].notna()]
    return levels.assign(**{
        f"own_{lang}": [columns[f"meaning_{lang}"].get(f, f) for f in levels["feature"]]
        for lang in LANGUAGES
    })  # fmt: skip


def naming_words(known: pd.DataFrame, own: pd.DataFrame | None) -> pd.DataFrame:
    """The words of working names, with those of a bank's own columns and levels.

    Parameters
    ----------
    known : DataFrame
        ``feature``, ``high_zh``, ``low_zh``, ``high_en``, ``low_en``.
    own : DataFrame or None
        As :func:`called` gives it.
    """
    if own is None or own.empty:
        return known
    rows = []
    for r in own[own["level"].isna()].itertuples():
        zh, en = r.meaning_zh, r.meaning_en
        rows.append((r.feature, f"{zh}高", f"{zh}低", f"high {en}", f"low {en}"))
    for r in _levels(own).itertuples():
        zh, en = f"{r.meaning_zh}（{r.own_zh}）", f"{r.meaning_en} ({r.own_en})"
        rows.append((f"{r.feature}:{r.level}", zh, f"少有{zh}", en, f"few {en}"))
    more = pd.DataFrame(rows, columns=["feature", "high_zh", "low_zh", "high_en", "low_en"])
    return pd.concat([more, known[~known["feature"].isin(more["feature"])]], ignore_index=True)


def _some(levels: Iterable[str]) -> str:
    levels = list(levels)
    return ", ".join(map(repr, levels[:5])) + (f" … ({len(levels)})" if len(levels) > 5 else "")


def category_axes(preprocess) -> dict[str, str]:
    """The category of each model column that is a coordinate of one.

    Parameters
    ----------
    preprocess : fitted preprocessor
    """
    encoder = _encoder(preprocess)
    if encoder is None:
        return {}
    columns = zip(encoder.feature_names_in_, encoder.codings_)
    return {a: str(c) for c, coding in columns for a in coding.coordinates(str(c))}


def with_levels(features: pd.DataFrame, preprocess) -> pd.DataFrame:
    """The customer table with one way of writing for each level, for tables and pictures.

    Parameters
    ----------
    features : DataFrame
        As the model was fitted to it.
    preprocess : fitted preprocessor
    """
    encoder = _encoder(preprocess)
    if encoder is None:
        return features
    return features.assign(**{str(c): column for c, column in encoder.named(features).items()})


def _encoder(preprocess) -> CategoryEncoder | None:
    encoder = getattr(preprocess, "named_transformers_", {}).get("categories")
    return encoder if isinstance(encoder, CategoryEncoder) else None
