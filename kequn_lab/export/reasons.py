"""Why a customer is in a segment: what each column adds to the lead over the runner-up.

A customer is where the squared distance is least. The lead over the second nearest centre is a sum
over columns, (z − c₂)² − (z − c₁)² each: positive where the column pulls to the own centre,
negative where it pulls to the other. So the reasons are exact: they add up to the lead. Where
segments have a smallest size, the difference of their offsets is one more reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from numbers import Real

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kequn_lab._words import Words
from kequn_lab.export._nearest import (
    _columns,
    _ids,
    _offset,
    _squared,
    group_cards,
    offsets_of,
    space_of,
)

__all__ = ["reasons"]

_ROWS = 4_096  # customers at a time
#: The name of the offset of a smallest size among the variables.
SIZED = "(min_size)"
_SAID = {
    "zh": "最小规模：{0}的界线向{1}一侧外移",
    "en": "smallest size: the border of {0} is moved towards {1}",
}
_COLUMNS = ["customer_id", "segment_id", "runner_up", "variable", "pulls_to", "contribution"]
_COLUMNS += ["lead", "value", "centre", "runner_up_centre", "text_zh", "text_en"]


def reasons(card, table, *, most: int | None = None, words: Words | None = None) -> pd.DataFrame:
    """What each column says for the own segment, and for the second nearest.

    Parameters
    ----------
    card : Scorecard
    table : DataFrame or pyarrow Table
        As :meth:`Scorecard.label`.
    most : int, optional
        Reasons for each customer, the weightiest first; default all columns.
    words : Words, optional
        Names of the variables.

    Returns
    -------
    DataFrame
        One row per customer and reason: ``customer_id``, ``segment_id``, ``runner_up``,
        ``variable`` (``(min_size)``: the offset of a smallest size), ``pulls_to`` (one of the two),
        ``contribution`` (squared standard deviations; positive: to the own segment), ``lead`` (the
        sum over all columns: squared distance to the runner-up less that to the own centre, with
        the offsets), ``value``, ``centre``, ``runner_up_centre`` (in the
        column's unit; centres of categories are missing), ``text_zh``, ``text_en``. Customers
        without a segment are left out.

    Raises
    ------
    ValueError
        One segment only, or as :meth:`Scorecard.predict`.

    Examples
    --------
    >>> from kequn_lab.export.scorecard import Scorecard, ScorecardFeature, ScorecardSegment
    >>> age = ScorecardFeature("age", "years", 40, 18, 90, False, 44, 15, 0, (), (1,))
    >>> young = ScorecardSegment(0, "young_adult", "年轻人", "Young", "", None, 0.5, (-1.0,))
    >>> old = ScorecardSegment(1, "elderly", "老年人", "Elderly", "", None, 0.5, (1.0,))
    >>> card = Scorecard((age,), (young, old), trained_on="2024-12-31", customers=100)
    >>> found = reasons(card, pd.DataFrame({"customer_id": ["a"], "age": [59.0]}))
    >>> found["contribution"].tolist(), found["text_en"].tolist()
    ([4.0], ['age 59: nearer to Elderly (59) than to Young (29)'])
    """
    if len(card.segments) < 2:
        raise ValueError("there is one segment only: nothing decides between two")
    words = words or Words()
    columns, ids = _columns(card, table), _ids(table).to_pandas()
    raw = [np.asarray(pd.Series(np.asarray(table[name]), dtype=object)) for name in
           card.feature_names]  # fmt: skip
    parts = []
    for part, rows in _parts(card, columns):
        for start in range(0, len(rows), _ROWS):
            some = rows[start : start + _ROWS]
            parts.append(_reasons(part, [c[some] for c in columns], some, most))
    found = pd.concat(parts) if parts else pd.DataFrame(columns=list(_KEYS))
    found = found.sort_values("row", kind="stable", ignore_index=True)
    return _told(card, found, ids, raw, words)


_KEYS = ("row", "own", "other", "column", "contribution", "lead", "centre", "runner_up_centre")


def _parts(card, columns: list[NDArray]) -> Iterator[tuple]:
    """What labels each group, with the positions of its customers."""
    if not card.groups:
        yield card, np.arange(len(columns[0]))
        return
    values = columns[card.feature_names.index(card.by)]
    for part in group_cards(card):
        if len(part.segments) > 1:
            yield part, np.flatnonzero(values == part.value)


def _reasons(part, columns: list[NDArray], rows: NDArray, most: int | None) -> pd.DataFrame:
    """The reasons of some customers as numbers: positions of rows, segments and columns."""
    z, squared = space_of(part, columns), _offset(part, _squared(part, columns))
    known = ~np.isnan(squared[0])
    z, rows = z[known], rows[known]
    own, other = np.argsort(squared[:, known], axis=0, kind="stable")[:2]  # ties to the lowest
    centres = np.array([s.centre for s in part.segments])
    by_axis = (z - centres[other]) ** 2 - (z - centres[own]) ** 2
    starts = np.cumsum([0, *([1] * len(part.features)), *(len(c.axes) for c in part.categories)])
    pull = np.add.reduceat(by_axis, starts[:-1], axis=1)
    if offsets_of(part):
        offsets = np.array(offsets_of(part))
        pull = np.column_stack([pull, offsets[other] - offsets[own]])
    n = pull.shape[1] if most is None else min(most, pull.shape[1])
    order = np.argsort(-np.abs(pull), axis=1, kind="stable")[:, :n]
    units = np.full((len(centres), pull.shape[1]), np.nan)
    for j, f in enumerate(part.features):
        x = centres[:, j] * f.scale + f.mean
        units[:, j] = np.sign(x) * np.expm1(np.abs(x)) if f.log else x
    at = order.ravel()
    numbers = np.array([s.cluster for s in part.segments])
    own, other = np.repeat(own, n), np.repeat(other, n)
    values = (
        np.repeat(rows, n), numbers[own], numbers[other], at,
        np.take_along_axis(pull, order, axis=1).ravel(), np.repeat(pull.sum(axis=1), n),
        units[own, at], units[other, at],
    )  # fmt: skip
    return pd.DataFrame(dict(zip(_KEYS, values)))


def _told(card, found: pd.DataFrame, ids, raw: list[NDArray], words: Words) -> pd.DataFrame:
    """The reasons in words."""
    out = []
    for r in found.itertuples(index=False):
        own, other = card.segments[r.own], card.segments[r.other]
        sized = r.column == len(card.feature_names)
        name = SIZED if sized else card.feature_names[r.column]
        near, far = (own, other) if r.contribution >= 0 else (other, own)
        here, there = r.centre, r.runner_up_centre
        if r.contribution < 0:
            here, there = there, here
        value, text = None if sized else raw[r.column][r.row], {}
        for language, told in (("zh", "{0} {1}：更接近{2}{3}，而不是{4}{5}"),
                               ("en", "{0} {1}: nearer to {2}{3} than to {4}{5}")):  # fmt: skip
            if sized:
                names = (getattr(s, f"name_{language}") for s in (near, far))
                text[language] = _SAID[language].format(*names)
                continue
            shown = _shown(value, name, language, words)
            mean = [
                "" if np.isnan(x) else
                (f"（{words.value(x, name, language)}）" if language == "zh" else
                 f" ({words.value(x, name, language)})")
                for x in (here, there)
            ]  # fmt: skip
            text[language] = told.format(
                words.variable(name, language), shown, getattr(near, f"name_{language}"), mean[0],
                getattr(far, f"name_{language}"), mean[1],
            )  # fmt: skip
        out.append((
            ids[r.row], own.segment_id, other.segment_id, name, near.segment_id, r.contribution,
            r.lead, "" if pd.isna(value) else str(value), r.centre, r.runner_up_centre,
            text["zh"], text["en"],
        ))  # fmt: skip
    return pd.DataFrame(out, columns=_COLUMNS)


def _shown(value, name: str, language: str, words: Words) -> str:
    if pd.isna(value):
        return "未填" if language == "zh" else "missing"
    return words.value(float(value), name, language) if isinstance(value, Real) else str(value)
