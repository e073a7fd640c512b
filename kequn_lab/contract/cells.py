"""Raw cells to numbers, dates, yes/no and ids: how a column is written is decided once.

:func:`survey` looks at the whole column, in as many chunks as there are, and decides how its
cells are written (:class:`Format`); :func:`read_column` then reads any chunk in that way. A
column is read only in a way that its cells agree on: 1,234 alone can be 1234 or 1.234, and
03/04/2024 can be in March or in April, so such a column is refused with the option that
settles it.

An id is taken without surrounding blanks, with full-width characters as plain ones, and a
number such as ``17850.0`` without its ``.0``; leading zeros stay.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import pandas as pd

from kequn_lab._notes import Note
from kequn_lab.contract import _numbers
from kequn_lab.contract._counting import MOST_CODES, count_cells
from kequn_lab.contract._formats import Format, Options, read_column
from kequn_lab.contract._texts import Tally, alike, plain

__all__ = ["Format", "Options", "Survey", "read_column", "survey"]


@dataclass(frozen=True)
class Survey:
    """How a table's columns are written: formats by column, what was found, what is wrong.

    Attributes
    ----------
    formats : dict of str to Format
    notes : tuple of Note
        Every conversion, with how many cells and an example; level ``note``.
    problems : tuple of (column, rule, found)
        Columns that are lacking, given twice, or can be read in two ways.
    rows : int
    row_name : str
        What a row is called: ``line`` or ``row``.
    tallies : dict of str to Tally
        The counts behind the decisions.
    """

    formats: dict[str, Format] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()
    problems: tuple[tuple[str, str, str], ...] = ()
    rows: int = 0
    row_name: str = "row"
    tallies: dict[str, Tally] = field(default_factory=dict)


def survey(chunks: Iterable[pd.DataFrame], contract, mapping: Options | None = None) -> Survey:
    """Look at every cell of a table once and decide how each column is written.

    Parameters
    ----------
    chunks : iterable of DataFrame
        The table in pieces, in our names (:meth:`TableMapping.translate`); the result does
        not depend on their size.
    contract : Contract
    mapping : TableMapping or Options, optional
        Settles what the cells leave open.

    Examples
    --------
    >>> from kequn_lab.contract.tables import EVENTS
    >>> cells = {"amount_cny": ["1,234.50", "¥99"], "timestamp": ["13/04/2024", "01/04/2024"]}
    >>> found = survey([pd.DataFrame({"customer_id": ["a", "b"], **cells})], EVENTS)
    >>> [note.warning for note in found.notes]
    ['day_first', 'thousands', 'currency']
    >>> found.notes[0].text_en
    "timestamp: read as day/month/year in 2 of 2 cells, for example '13/04/2024' in row 0"
    """
    options = mapping or Options()
    tallies: dict[str, Tally] = {}
    names: pd.Index | None = None
    rows, row_name = 0, "row"
    for chunk in chunks:
        if names is None:
            names, row_name = chunk.columns, chunk.index.name or "row"
        rows += len(chunk)
        for column in contract.columns:
            if column.name in chunk.columns and not isinstance(chunk[column.name], pd.DataFrame):
                tally = tallies.setdefault(column.name, Tally())
                count_cells(plain(chunk[column.name]), column, options, tally)
    formats, notes, problems = {}, [], []
    for column in contract.columns:
        if column.name in tallies:
            said = _Said(column.name, tallies[column.name], row_name)
            formats[column.name] = _decided(column, options, said)
            notes += said.notes
            problems += said.problems
        elif names is not None and (names == column.name).sum() > 1:
            problems.append((column.name, "column given twice", "two or more"))
    return Survey(formats, tuple(notes), tuple(problems), rows, row_name, tallies)


class _Said:
    """Notes and problems of one column, worded from its tally."""

    def __init__(self, column: str, tally: Tally, row_name: str):
        self.column, self.tally, self.row_name = column, tally, row_name
        self.notes: list[Note] = []
        self.problems: list[tuple[str, str, str]] = []

    def note(self, code: str, en: str, zh: str, *names: str, level: str = "note") -> None:
        """Say a conversion, if any cell among these names was converted."""
        n, cells = self.tally.count(*names), self.tally.count("cells") + self.tally.count("missing")
        if not n:
            return
        row, text = self.tally.example(*names)
        row_zh = f"第 {row} 行" if self.row_name in ("line", "row") else f"{row}"
        self.notes.append(
            Note(
                code,
                f"{self.column}：{zh}，{cells:,} 个单元格中有 {n:,} 个，例如{row_zh}的 {text!r}",
                f"{self.column}: {en} in {n:,} of {cells:,} cells, for example {text!r} "
                f"in {self.row_name} {row}",
                value=float(n),
                variable=self.column,
                level=level,
            )
        )

    def alike_codes(self) -> None:
        """Name codes that differ by writing only; each would count as one of its own."""
        codes = self.tally.seen.get("codes", set())
        groups = alike(codes) if len(codes) < MOST_CODES else []
        if groups:
            shown = "; ".join(" = ".join(map(repr, group)) for group in groups[:3])
            self.notes.append(
                Note(
                    "alike_codes",
                    f"{self.column}：有些代码只是写法不同：{shown}；请统一写法",
                    f"{self.column}: codes that differ by writing only: {shown}; choose one",
                    value=float(len(groups)),
                    variable=self.column,
                )
            )

    def problem(self, rule: str, *names: str) -> None:
        shown = []
        for name in names:
            row, text = self.tally.example(name)
            n = self.tally.count(name)
            shown.append(f"{text!r} in {self.row_name} {row} ({n:,} such cell{'s' * (n != 1)})")
        self.problems.append((self.column, rule, "; ".join(shown)))


def _decided(column, options: Options, said: _Said) -> Format:
    """The format of a column, after every cell was counted."""
    base = Format(column.dtype, timezone=options.timezone)
    if not (column.dtype == "id" and column.required):  # there it is a violation
        said.note("missing_words", "read as missing", "读作缺失", "missing")
    said.note("full_width", "full-width characters read as plain ones", "全角字符读作半角", "width")
    kind = column.dtype
    if kind == "feature":
        yes_no, number, cells = (said.tally.count(k) for k in ("yes_no", "number", "cells"))
        kind = "boolean" if yes_no == cells and number < cells else "number"
        base = replace(base, kind=kind, as_number=kind == "boolean")
    if kind == "number":
        return _decided_number(column, options, base, said)
    if kind == "timestamp":
        return _decided_date(column, options, base, said)
    if kind == "boolean":
        how = ("yes and no read as 1 and 0", "是/否读作 1/0")
        if not base.as_number:
            how = ("read as true or false", "读作是或否")
        said.note("yes_no", *how, "words" if said.tally.count("words") else "")
        return base
    if kind == "id":
        said.note("id_blanks", "blanks around the id dropped", "去掉编号两端的空格", "blanks")
        said.note("id_point_zero", "ids without their .0", "编号去掉 .0", ".0")
        long, rounded = said.tally.count("long"), said.tally.count("rounded")
        if long >= 5 and long == rounded:
            said.note(
                "ids_rounded",
                "all digits after the 15th are 0, as a spreadsheet leaves them; export the ids "
                "again as text:",
                "第 15 位以后全是 0，是电子表格丢失位数的痕迹，请以文本重新导出编号",
                "rounded",
                level="warning",
            )
        return replace(base, key=column.required, real_ids=tuple(options.real_ids))
    if not column.isin:
        said.alike_codes()
    return replace(base, codes=tuple(column.isin or ()))


def _decided_number(column, options: Options, base: Format, said: _Said) -> Format:
    tally = said.tally
    counts = {way: tally.count(way) for way in _numbers.WAYS}
    decimal, ways = _numbers.allowed(counts, options.decimal, options.thousands)
    if decimal is None:
        rule = (
            '1,234 can be 1234 or 1.234; say which with thousands = "," or decimal = "," '
            "in the mapping file"
        )
        said.problem(rule, *(way for way in ("1,234", "1,5") if counts[way]))
        return replace(base, undecided=True)
    comma = decimal == ","
    taken = {w for w in ways if counts.get(w)}
    grouped = [w for w in _numbers.GROUPED[decimal] if w in taken]
    said.note("thousands", "thousands separators dropped", "去掉千位分隔符", *grouped)
    if comma:
        names = [w for w in _numbers.WITH_COMMA if w in taken]
        said.note("decimal_comma", "a comma read as the decimal point", "逗号读作小数点", *names)
    elif counts["1.234"] and not counts["1.5"] and not options.decimal:
        said.note("decimal_point", "1.234 read with a decimal point, not as 1234",
                  "1.234 读作小数而不是 1234", "1.234")  # fmt: skip
    money = {c: tally.count(c) for c in _numbers.CURRENCIES if tally.count(c)}
    percent = tally.count("%") > tally.count("no %")
    said.note("percent", "12 % read as 0.12", "12% 读作 0.12", "%" if percent else "")
    said.note("currency", "currency signs dropped", "去掉货币符号", *money)
    said.note("brackets", "(500) read as -500", "(500) 读作 -500", "(500)")
    said.note("trailing_minus", "500- read as -500", "500- 读作 -500", "500-")
    said.note("unit_wan", "万 read as × 10,000", "万读作 × 10,000", "万")
    said.note("unit_yi", "亿 read as × 100,000,000", "亿读作 × 100,000,000", "亿")
    return replace(
        base,
        decimal=decimal,
        ways=ways,
        percent=percent,
        currency=max(money, key=lambda sign: money[sign]) if money else None,
        scale=options.scale.get(column.name, 1.0),
        signed=options.signed_amounts and column.name == "amount_cny",
    )


def _decided_date(column, options: Options, base: Format, said: _Said) -> Format:
    tally = said.tally
    declared = options.date_format
    if isinstance(declared, Mapping):
        declared = declared.get(column.name)
    if declared:
        return replace(base, date_format=declared)
    aware = tally.count("aware")
    if aware and tally.count("naive"):
        said.problem(
            "some times have a time zone and some have none; write all of them one way",
            "aware",
            "naive",
        )
        return replace(base, undecided=True)
    said.note("time_zone", f"times with a time zone read as local time of {options.timezone}",
              f"带时区的时间换算为 {options.timezone} 的当地时间", "aware")  # fmt: skip
    year, small, serial = (tally.count(k) for k in ("year", "small", "serial"))
    typed = tally.count("naive", "aware") - year - small
    if serial and serial == tally.count("cells"):
        said.note(
            "excel_dates", "day numbers of Excel read as dates", "Excel 序号读作日期", "serial"
        )
        return replace(base, order="serial")
    if small <= max(year, typed):
        return base
    if options.dayfirst is None and tally.count("day") and tally.count("month"):
        rule = (
            "some dates have the day first and some the month; write them year-month-day, or "
            "give date_format or dayfirst in the mapping file"
        )
        said.problem(rule, "day", "month")
        return replace(base, undecided=True)
    if options.dayfirst is None and not tally.count("day", "month"):
        rule = (
            "the day or the month can come first; say which with dayfirst = true or "
            "dayfirst = false in the mapping file"
        )
        said.problem(rule, "small")
        return replace(base, undecided=True)
    day = bool(tally.count("day")) if options.dayfirst is None else options.dayfirst
    if day:
        said.note("day_first", "read as day/month/year", "读作 日/月/年", "small")
    else:
        said.note("month_first", "read as month/day/year", "读作 月/日/年", "small")
    return replace(base, order="day" if day else "month")
