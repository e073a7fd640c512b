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

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kequn_lab._notes import Note
from kequn_lab.contract import _dates, _numbers
from kequn_lab.contract._formats import BOOLEANS, Format, Options, is_whole, read_column
from kequn_lab.contract._texts import (
    MISSING,
    MISSING_TEXT,
    Tally,
    clean,
    is_missing,
    mask,
    matches,
    nothing_to_do,
    plain,
    texts,
)

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
                _count(plain(chunk[column.name]), column, options, tally)
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


_DAYS = (19000101, 20991231)


# --- counting -------------------------------------------------------------------------------


def _count(values: pd.Series, column, options: Options, tally: Tally) -> None:
    """Add one chunk of a column to what was counted."""
    kind = column.dtype
    if kind == "timestamp" and pd.api.types.is_datetime64_any_dtype(values.dtype):
        aware = getattr(values.dtype, "tz", None) is not None
        tally.add("cells", values.notna().to_numpy(), values)
        tally.add("aware" if aware else "naive", values.notna().to_numpy(), values)
        return
    if kind in ("number", "feature") and pd.api.types.is_numeric_dtype(values.dtype):
        tally.add("cells", values.notna().to_numpy(), values)
        is_bool = pd.api.types.is_bool_dtype(values.dtype)
        tally.add("yes_no" if is_bool else "number", values.notna().to_numpy(), values)
        if not is_bool:
            tally.add("no %", is_whole(values), values)
        if kind == "feature" and not is_bool and values.dropna().between(*_DAYS).all():
            tally.add("date", _is_date(texts(values), values.notna().to_numpy()), values)
        return
    if kind == "feature" and pd.api.types.is_datetime64_any_dtype(values.dtype):
        tally.add("cells", values.notna().to_numpy(), values)
        tally.add("date", values.notna().to_numpy(), values)
        return
    raw = texts(values)
    codes = column.isin if kind == "text" else None
    whole = kind == "id" and not pd.api.types.is_float_dtype(values.dtype)
    if (codes or whole) and nothing_to_do(raw, codes):
        tally.add("cells", mask(pc.is_valid(raw)), values)
        if whole and (pc.max(pc.utf8_length(raw)).as_py() or 0) > 15:
            _count_ids(raw, raw, values, tally)
        return
    array = clean(raw, width=kind != "text" or column.isin is not None)
    words, keep = MISSING, ()
    if kind == "text":
        words, keep = (MISSING, column.isin) if column.isin else (MISSING_TEXT, ())
    elif kind == "id":
        keep = options.real_ids
    gone = is_missing(array, words, keep)
    tally.add("missing", gone & matches(array, r"\S"), values)
    tally.add("cells", ~gone, values)
    if pc.all(pc.string_is_ascii(raw)).as_py() is False and kind != "text":
        tally.add("width", mask(pc.not_equal(pc.utf8_trim_whitespace(raw), array)) & ~gone, values)
    array = pc.if_else(pa.array(gone), None, array)
    _COUNTERS[kind](array, raw, values, tally)


def _count_numbers(array: pa.Array, raw: pa.Array, values: pd.Series, tally: Tally):
    numbers = _numbers.read_numbers(array)
    names = list(_numbers.WAYS)
    for i in np.unique(numbers.way[numbers.way >= 0]):
        tally.add(names[i], numbers.way == i, values)
    for mark, cells in numbers.marks.items():
        tally.add(mark, cells & (numbers.way >= 0), values)
    readable = numbers.way >= 0
    tally.add("number", readable, values)
    bare = ~numbers.percent & ~numbers.is_way("exp") & matches(numbers.core, "[1-9]")
    tally.add("no %", readable & bare, values)
    return readable


def _count_features(array: pa.Array, raw: pa.Array, values: pd.Series, tally: Tally) -> None:
    readable = _count_numbers(array, raw, values, tally)
    _count_booleans(array, raw, values, tally)
    tally.add("zero_led", matches(array, r"^0\d+$"), values)
    tally.see("number", array.filter(pa.array(readable)))
    tally.see("other", array.filter(pa.array(~readable)))
    tally.add("date", _is_date(array, readable), values)


def _is_date(array: pa.Array, number: NDArray) -> NDArray:
    """Cells that are a date, also one such as 20240305."""
    digits = matches(array, r"^(19|20)\d{6}$")
    if number.all() and not digits.all():
        return np.zeros(len(array), dtype=bool)
    dates = _dates.read_dates(pc.if_else(pa.array(~number | digits), array, None))
    valid = [dates.values(order, "UTC") for order in ("year", "day", "month")]
    return ~np.isnat(valid[0]) | ~np.isnat(valid[1]) | ~np.isnat(valid[2])


def _count_booleans(array: pa.Array, raw: pa.Array, values: pd.Series, tally: Tally) -> None:
    words = pc.utf8_lower(array)
    known = mask(pc.is_in(words, pa.array(list(BOOLEANS), words.type)))
    tally.add("yes_no", known, values)
    plain_words = pa.array(["true", "false", "1", "0", "1.0", "0.0"], words.type)
    tally.add("words", known & ~mask(pc.is_in(words, plain_words)), values)


def _count_dates(array: pa.Array, raw: pa.Array, values: pd.Series, tally: Tally) -> None:
    dates = _dates.read_dates(array)
    small = dates.shape == "small"
    tally.add("year", np.isin(dates.shape, ["year", "digits", "chinese"]), values)
    tally.add("small", small, values)
    tally.add("day", small & (dates.a > 12), values)
    tally.add("month", small & (dates.b > 12), values)
    tally.add("aware", dates.aware, values)
    tally.add("naive", (dates.shape != "") & ~dates.aware, values)
    tally.add("serial", _dates.is_serial(dates.serial), values)


def _count_ids(array: pa.Array, raw: pa.Array, values: pd.Series, tally: Tally) -> None:
    tally.add("blanks", mask(pc.not_equal(pc.utf8_trim_whitespace(raw), raw)), values)
    tally.add(".0", matches(array, r"^\d+\.0+$"), values)
    tally.add("long", matches(array, r"^\d{16,}$"), values)
    tally.add("rounded", matches(array, r"^\d{15}0+$"), values)


def _count_nothing(array: pa.Array, raw: pa.Array, values: pd.Series, tally: Tally) -> None:
    """Free text is taken as it is."""


_COUNTERS = {
    "number": _count_numbers,
    "feature": _count_features,
    "boolean": _count_booleans,
    "timestamp": _count_dates,
    "id": _count_ids,
    "text": _count_nothing,
}


# --- deciding -------------------------------------------------------------------------------


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

    def problem(self, rule: str, *names: str) -> None:
        shown = []
        for name in names:
            row, text = self.tally.example(name)
            n = self.tally.count(name)
            shown.append(f"{text!r} in {self.row_name} {row} ({n:,} such cell{'s' * (n != 1)})")
        self.problems.append((self.column, rule, " and ".join(shown)))


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
        currency=max(money, key=money.get) if money else None,
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
