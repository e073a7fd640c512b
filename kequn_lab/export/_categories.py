"""Columns of categories in a scorecard: their levels, the place of each, and in SQL."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline

from kequn_lab.features._levels import MISSING, NO_LEVEL, OTHER, WIDE_BLANK, level_text


@dataclass(frozen=True)
class ScorecardLevel:
    """One level: the texts that mean it, its customers' share of all at the training, and its
    place on the category's axes, in standard deviations and with the column's weight."""

    level: str
    spellings: tuple[str, ...]
    share: float
    point: tuple[float, ...]


@dataclass(frozen=True)
class ScorecardCategory:
    """How a text column of the customer table becomes coordinates: a table of levels.

    A text that no level lists is at level ``unseen``, a missing value (NULL or blanks) at level
    ``missing``; where that is None, at the column's mean, which is 0 on all ``axes``.
    ``missing_share`` is that of the training; ``rare`` are texts that it had, at no level.
    """

    name: str
    ordered: bool
    axes: tuple[str, ...]
    levels: tuple[ScorecardLevel, ...]
    unseen: str | None
    missing: str | None
    missing_share: float
    weight: float = 1.0
    rare: tuple[str, ...] = ()

    def position(self, level: str | None) -> int:
        """The place of a level among ``levels``; −1, the mean, for None."""
        return [None, *(x.level for x in self.levels)].index(level) - 1

    def codes(self, column) -> NDArray[np.float64]:
        """The place of each customer's level; −1 for the mean. Column: pandas or pyarrow."""
        values = column if isinstance(column, pd.Series) else column.to_pandas()
        numbers, distinct = pd.factorize(values)
        texts = {t: float(i) for i, x in enumerate(self.levels) for t in x.spellings}
        unseen, none = float(self.position(self.unseen)), float(self.position(self.missing))
        place = [texts.get(text, unseen) if text else none for text in map(level_text, distinct)]
        return np.array([*place, none])[numbers]

    def gaps(self, centre) -> NDArray[np.float64]:
        """Squared distance of each level, and last of the mean, to a centre on these axes."""
        points = np.array([*(x.point for x in self.levels), (0.0,) * len(self.axes)])
        return ((points - np.asarray(centre)) ** 2).sum(axis=1)

    def counts(self, column) -> tuple[NDArray[np.int64], dict[str, int]]:
        """Customers by level, then at no level, then missing; and those of each new text."""
        values = column if isinstance(column, pd.Series) else column.to_pandas()
        known = {t: i for i, x in enumerate(self.levels) for t in x.spellings}
        out = np.zeros(len(self.levels) + 2, dtype=np.int64)
        new: dict[str, int] = {}
        found = values.value_counts(dropna=False)
        for value, n in zip(found.index, found.to_numpy()):
            text = level_text(value)
            if text and text not in known and text not in self.rare:
                new[text] = new.get(text, 0) + int(n)
            place = known.get(text, self.position(self.unseen)) if text else -1
            if not text:
                place = self.position(self.missing)
                place = len(out) - 1 if place < 0 else place
            out[place if place >= 0 else len(out) - 2] += n
        return out, new


def categories_of(pipeline: Pipeline, features: pd.DataFrame) -> tuple[ScorecardCategory, ...]:
    """The categories of a fitted pipeline; none where it takes numbers only."""
    both = pipeline.steps[0][1]
    if not isinstance(both, ColumnTransformer):
        return ()
    encoder = both.named_transformers_["categories"]
    weigh = pipeline.named_steps.get("weigh")
    n_axes = sum(len(c.axes) for c in encoder.codings_)
    factors = np.ones(n_axes) if weigh is None else weigh.factor_[-n_axes:]
    out, start = [], 0
    for name, c in zip(encoder.feature_names_in_, encoder.codings_):
        factor = factors[start : start + len(c.axes)]
        start += len(c.axes)
        points = (c.points * factor).tolist()
        present = features[name].map(level_text).astype(bool).mean()
        out.append(
            ScorecardCategory(
                name=str(name),
                ordered=c.ordered,
                axes=tuple(c.coordinates(str(name))),
                levels=tuple(
                    ScorecardLevel(level, spellings, n / len(features), tuple(point))
                    for level, spellings, n, point in zip(c.levels, c.spellings, c.counts, points)
                ),
                unseen=OTHER if OTHER in c.levels else None,
                missing=MISSING if MISSING in c.levels else None,
                missing_share=float(1 - present),
                weight=round(float(factor[0] ** 2), 12),
                rare=() if OTHER in c.levels else tuple(c.pooled),
            )
        )
    return tuple(out)


def category_record(c: ScorecardCategory) -> dict:
    """A category as JSON writes it."""
    return dataclasses.asdict(c)


def check_category(c: ScorecardCategory, require) -> None:
    """What no category of a scorecard may break."""
    where, levels = f"category {c.name}", [x.level for x in c.levels]
    require(levels and len(set(levels)) == len(levels), f"{where}: levels {levels}, each once")
    require(0 < c.weight < math.inf, f"{where}: weight must be above 0, found {c.weight}")
    for given in (c.unseen, c.missing):
        require(given is None or given in levels, f"{where}: {given!r} is none of its levels")
    texts = [t for x in c.levels for t in x.spellings]
    require(len(set(texts)) == len(texts), f"{where}: a text means two levels")
    for x in c.levels:
        found = len(x.point)
        require(found == len(c.axes), f"{where}: {x.level}: {found} numbers, {len(c.axes)} axes")
        require(all(map(math.isfinite, (x.share, *x.point))),
                f"{where}: {x.level}: a number is not finite: {x.point}")  # fmt: skip


# SQL -------------------------------------------------------------------------------------------


def code_sql(c: ScorecardCategory, column: str, d) -> str:
    """The place of the level of a quoted ``column``, −1 for the mean; ``d`` is the dialect."""
    text = f"LTRIM(RTRIM(REPLACE({d.text.format(column)}, {sql_text(WIDE_BLANK, d)}, ' ')))"
    none = ", ".join(sql_text(t, d) for t in NO_LEVEL if t)
    lines = [f"CASE WHEN {text} IS NULL OR {text} = '' OR {text} IN ({none})"
             f" THEN {c.position(c.missing)}"]  # fmt: skip
    for i, x in enumerate(c.levels):
        if x.spellings:
            lines.append(f"WHEN {text} IN ({', '.join(sql_text(t, d) for t in x.spellings)})"
                         f" THEN {i}")  # fmt: skip
    lines.append(f"ELSE {c.position(c.unseen)} END")
    return "\n      ".join(lines)


def sql_text(text: str, d) -> str:
    """A text as a literal: whatever it holds stays text."""
    if "\0" in text:
        raise ValueError(f"level {text!r} holds a NUL character, which no database takes; clean it")
    if d.backslash:
        text = text.replace("\\", "\\\\")
    # In Spark and Hive ${…} would be replaced by a variable, and a doubled quote is no quote.
    quote = "\\'" if d.dollar else "''"
    text = text.replace("'", quote)
    text = text.replace("$", "\\u0024") if d.dollar else text
    return f"{d.national}'{text}'"
