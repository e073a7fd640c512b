"""Columns of categories in a run: declared, looked at, and what a reader must know of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

import pandas as pd

from kequn_lab import contract
from kequn_lab._notes import Note
from kequn_lab._words import listed
from kequn_lab.contract.mapping import CategoryMapping
from kequn_lab.features.categories import OTHER, CategoryEncoder
from kequn_lab.features.preprocessing import category_encoder

__all__ = ["Categories", "category_axes", "category_notes", "declaring", "with_levels"]

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
    features = replace(words.features, categories={**words.features.categories, **more})
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
        "categories_not_calibrated",
        f"{len(names)} 个类别变量（{listed(names, 'zh')}）参与分群：稳定性与间隙的判断标准"
        "是用数值变量检验的，用于类别变量时只供参考",
        f"{len(names)} column(s) of categories are in the model ({listed(names, 'en')}): the "
        "verdicts on stability and gaps were calibrated on numbers, not on categories; take them "
        "as a hint",
        value=float(len(names)),
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
