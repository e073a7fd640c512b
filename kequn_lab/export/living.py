"""Sheets of a workbook that label customers by formulas alone: no macros, nothing to install.

``model`` holds the scorecard's numbers, ``label`` labels the one customer that is typed there, and
``golden`` labels the golden rows by the same formulas and counts how many agree.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import pandas as pd
from xlsxwriter.utility import xl_col_to_name

from kequn_lab._words import Words
from kequn_lab.export._nearest import group_cards, offsets_of
from kequn_lab.export._records import fact, stamps
from kequn_lab.export.golden import golden_rows
from kequn_lab.features._levels import NO_LEVEL, WIDE_BLANK
from kequn_lab.features.definitions import feature_dictionary

__all__ = ["Plain", "living_sheets"]

_HEAD = 6  # rows above the values of a customer
#: What labels say, beside what only a registry knows.
_FACTS = ("cluster", "segment_id", "name_zh", "name_en")
_TITLES = {
    "label": (
        "从第 7 行起在 C 列填写一位客户的数值（空白 = 缺失），结果在第 3 行。",
        "Type one customer's values in column C from row 7 (blank = missing); row 3 is the result.",
    ),
    "golden": (
        "验证数据：公式给出的客群应与预期一致。一致的行数：",
        "Golden rows: the formulas should give the expected cluster. Rows that agree:",
    ),
    "model": (
        "评分卡的全部数值；改动任何一个都会改变结果。",
        "All numbers of the scorecard; a change of any changes the result.",
    ),
}


@dataclass(frozen=True)
class _Places:
    """Where the numbers of the model are, as absolute references of the sheet ``model``."""

    card: Any
    parts: Sequence[Any]

    steps = ("fill", "lower", "upper", "log")

    @cached_property
    def facts(self) -> tuple[str, ...]:
        """What the first rows of the sheet ``model`` say of each centre."""
        return *self.said, *(("offset",) if offsets_of(self.card) else ())

    @cached_property
    def said(self) -> tuple[str, ...]:
        """Of these, what the sheet ``label`` says of a customer."""
        return *_FACTS, *stamps(self.card)

    @cached_property
    def first(self) -> int:
        """Row of the first feature."""
        return len(self.facts) + 2

    @property
    def n(self) -> int:
        return len(self.card.features)

    @cached_property
    def centres(self) -> list[tuple[int, Any]]:
        """The group and the segment of each centre."""
        return [(g, s) for g, part in enumerate(self.parts) for s in part.segments]

    def row(self, j: int) -> int:
        return self.first + j

    def step(self, name: str, j: int) -> str:
        return f"model!${letter(3 + self.steps.index(name))}${self.row(j)}"

    def of_group(self, name: str, j: int, group: str) -> str:
        """The mean or scale of a feature in the customer's group."""
        start = 7 + (name == "scale") * len(self.parts)
        row = self.row(j)
        if len(self.parts) == 1:
            return f"model!${letter(start)}${row}"
        end = letter(start + len(self.parts) - 1)
        return f"INDEX(model!${letter(start)}${row}:${end}${row},1,{group})"

    def column(self, i: int) -> str:
        """Of a centre."""
        return letter(7 + 2 * len(self.parts) + i)

    def centre(self, i: int) -> str:
        c = self.column(i)
        return f"model!${c}${self.row(0)}:${c}${self.row(self.n - 1)}"

    def fact(self, name: str) -> str:
        """The row of a fact of all centres."""
        row = self.facts.index(name) + 1
        first, last = self.column(0), self.column(len(self.centres) - 1)
        return f"model!${first}${row}:${last}${row}"

    def levels(self, j: int) -> int:
        """The row of the first text of a category; above it the mean."""
        row = self.row(self.n) + 2
        for c in self.card.categories[:j]:
            row += sum(len(x.spellings) for x in c.levels) + len(c.levels) + 5
        return row


def living_sheets(card) -> dict[str, Iterator[list[Any]]]:
    """The rows of the sheets ``label``, ``golden`` and ``model``.

    Parameters
    ----------
    card : Scorecard

    Returns
    -------
    dict of str to iterator of list
        A text that starts with ``=`` is a formula.

    Notes
    -----
    Excel compares texts without regard to case; levels are therefore found by ``EXACT``.
    """
    places = _Places(card, group_cards(card) or [card])
    golden = golden_rows(card)
    return {
        "label": _customers(places, None),
        "golden": _customers(places, golden),
        "model": _model(places),
    }


def _model(p: _Places) -> Iterator[list[Any]]:
    """Facts of the centres in the first rows, a row for each feature, then the levels."""
    blank = [None] * (6 + 2 * len(p.parts))
    for name, title in itertools.zip_longest(p.facts, _TITLES["model"]):
        facts = (fact(p.card, s, name) for _, s in p.centres)
        yield [title, *blank[2:], name, *(_plain(x) if isinstance(x, str) else x for x in facts)]
    means = [f"{what}{'' if len(p.parts) == 1 else f' {part.value:g}'}"
             for what in ("mean", "scale") for part in p.parts]  # fmt: skip
    yield ["feature", "unit", *p.steps, *means, *(f"centre {i}" for i in range(len(p.centres)))]
    for j, f in enumerate(p.card.features):
        own = [getattr(part.features[j], what) for what in ("mean", "scale") for part in p.parts]
        centres = [s.centre[j] for _, s in p.centres]
        steps = [f.fill, f.lower, f.upper, int(f.log)]
        yield [_plain(f.name), _plain(f.unit), *steps, *own, *centres]
    at = p.n
    for j, c in enumerate(p.card.categories):
        yield [None]
        yield [_plain(c.name), "text", "level"]
        own = [part.categories[j] for part in p.parts]
        gaps = [own[g].gaps(s.centre[at : at + len(c.axes)]) for g, s in p.centres]
        at += len(c.axes)
        texts = [(t, i) for i, x in enumerate(c.levels, start=1) for t in x.spellings]
        for text, i in texts:
            yield [None, _plain(text), i]
        yield [None, "(unseen)", c.position(c.unseen) + 1]
        yield [None, "(missing)", c.position(c.missing) + 1]
        for i, name in enumerate(["(mean)", *(x.level for x in c.levels)]):
            yield [None, _plain(name), *blank[2:], *(float(g[i - 1]) for g in gaps)]


def _customers(p: _Places, golden: pd.DataFrame | None) -> Iterator[list[Any]]:
    """One customer in each column: values, what the model counts, distances, the label."""
    n, k = p.n, len(p.centres)
    names = p.card.feature_names
    columns = [letter(3 + i) for i in range(1 if golden is None else len(golden))]
    last = _HEAD + 2 * len(names) + k + 4
    zh, en = _TITLES["label" if golden is None else "golden"]
    if golden is None:
        yield [zh]
        yield [en]
        at = last - 1  # segment_id, distance, name_zh, name_en
        yield ["→", f'=C{at + 2}&" · "&C{at + 3}', f"=C{at}"]
        ids: list[Any] = [None]
        expected: list[Any] = []
    else:
        score = f"=SUM({columns[0]}{last + 2}:{columns[-1]}{last + 2})"
        yield [zh, None, score, "/", len(golden)]
        yield [en]
        yield [None, None, *golden["golden_case"]]
        ids = list(golden["customer_id"])
        expected = [None if pd.isna(v) else int(v) for v in golden["expected_cluster"]]
    yield ["customer_id", None, *ids]
    group = [f"={_group(p, c)}" for c in columns] if p.card.groups else []
    yield ["group" if group else None, None, *group]
    yield ["feature", "meaning", "value"]
    words = Words.of(variables=feature_dictionary())
    for name in names:
        given = [] if golden is None else [_value(v) for v in golden[name]]
        said = dict.fromkeys(words.variable(name, language) for language in ("zh", "en"))
        yield [_plain(name), _plain(" · ".join(said)), *given]
    for j, name in enumerate(names):
        counted = _place if j < n else _level
        yield [_plain(f"{name} ="), None, *(f"={counted(p, c, j)}" for c in columns)]
    what = "d² + offset" if offsets_of(p.card) else "d²"
    for i, (g, s) in enumerate(p.centres):
        yield [
            _plain(f"{what} {s.segment_id}"),
            s.cluster,
            *(f"={_gap(p, c, i, g)}" for c in columns),
        ]
    near = [f"{c}{_HEAD + 1 + 2 * len(names)}:{c}{_HEAD + 2 * len(names) + k}" for c in columns]
    yield [None]
    best = [f"MATCH(MIN({d}),{d},0)" for d in near]
    where = [(f'=IF(COUNT({d})=0,"",', b) for d, b in zip(near, best)]
    for name in _FACTS[:2] if golden is not None else p.said:
        yield [name, None, *(f"{a}INDEX({p.fact(name)},1,{b}))" for a, b in where)]
        if name == "segment_id":
            d2 = [f"MIN({d})" for d in near]
            if offsets_of(p.card):
                d2 = [f"MAX(0,{d}-INDEX({p.fact('offset')},1,{b}))" for d, b in zip(d2, best)]
            yield ["distance", None, *(f"{a}SQRT({d}))" for (a, _), d in zip(where, d2))]
    if golden is not None:
        yield ["expected", None, *("" if v is None else v for v in expected)]
        row = last - 2
        yield ["agrees", None, *(f"=IF({c}{row}={c}{last + 1},1,0)" for c in columns)]


def _input(p: _Places, column: str, j: int) -> str:
    return f"{column}${_HEAD + 1 + j}"


def _counted(p: _Places, column: str, j: int) -> str:
    return f"{column}{_HEAD + 1 + len(p.card.feature_names) + j}"


def _group(p: _Places, column: str) -> str:
    """The number of the customer's group; 0 for none."""
    x = _input(p, column, p.card.feature_names.index(p.card.by))
    tests = "".join(f"IF({x}={part.value!r},{g}," for g, part in enumerate(p.parts, start=1))
    return f'IF({x}="",0,{tests}0{")" * len(p.parts)})'


def _place(p: _Places, column: str, j: int) -> str:
    """A feature filled, clipped, logged and standardised; empty text where nothing fills it."""
    f, x = p.card.features[j], _input(p, column, j)
    filled = f'IF({x}="",{p.step("fill", j)},{x})'
    if f.lower is not None:
        filled = f"MAX({filled},{p.step('lower', j)})"
    if f.upper is not None:
        filled = f"MIN({filled},{p.step('upper', j)})"
    if f.log:
        filled = f"SIGN({filled})*LN(1+ABS({filled}))"
    group = f"{column}$5"
    z = f"({filled}-{p.of_group('mean', j, group)})/{p.of_group('scale', j, group)}"
    if f.fill is None:
        z = f'IF({x}="","",{z})'
    return f'IF({group}=0,"",{z})' if p.card.groups else z


def _level(p: _Places, column: str, j: int) -> str:
    """The number of a category's level; 0 for the mean."""
    c = p.card.categories[j - p.n]
    first = p.levels(j - p.n)
    n = sum(len(x.spellings) for x in c.levels)
    texts, codes = (f"model!${x}${first}:${x}${first + n - 1}" for x in "BC")
    unseen, missing = (f"model!$C${first + n + i}" for i in (0, 1))
    text = f'TRIM(SUBSTITUTE({_input(p, column, j)},"{WIDE_BLANK}"," "))'
    none = ",".join(f'EXACT({text},"{t}")' for t in NO_LEVEL)
    exact = f"--EXACT({text},{texts})"
    found = f"SUMPRODUCT({exact},{codes})"
    return f"IF(OR({none}),{missing},IF(SUMPRODUCT({exact})=0,{unseen},{found}))"


def _gap(p: _Places, column: str, i: int, group: int) -> str:
    """The squared distance to a centre; empty text where a value is missing or in another group."""
    first, last = _counted(p, column, 0), _counted(p, column, p.n - 1)
    total = f"SUMXMY2({first}:{last},{p.centre(i)})"
    for j, c in enumerate(p.card.categories):
        row = p.levels(j) + sum(len(x.spellings) for x in c.levels) + 2
        gaps = f"model!${p.column(i)}${row}:${p.column(i)}${row + len(c.levels)}"
        total += f"+INDEX({gaps},{_counted(p, column, p.n + j)}+1,1)"
    if offsets_of(p.card):
        total += f"+model!${p.column(i)}${p.facts.index('offset') + 1}"
    total = f'IF(COUNT({first}:{last})<{p.n},"",{total})'
    return f'IF({column}$5={group + 1},{total},"")' if p.card.groups else total


def _value(value: Any) -> Any:
    return None if pd.isna(value) else _plain(value) if isinstance(value, str) else float(value)


class Plain(str):
    """A text that is no formula, whatever it starts with."""


def _plain(text: str) -> Plain:
    return Plain(text)


@cache
def letter(number: int) -> str:
    """A column's letters, counted from 1."""
    return xl_col_to_name(number - 1)
