"""A sheet of an Excel workbook, each column in the type that all its cells have."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Any, BinaryIO

import numpy as np
import pandas as pd

from kequn_lab._notes import Note
from kequn_lab.contract._header import column_names, find_header
from kequn_lab.contract._parts import Part

_EXACT = 1e15  # Excel keeps fifteen digits


def open_sheet(opened: Callable[[], BinaryIO], name: str, sheet: str | int | None):
    """Name, columns, notes and the maker of parts of a sheet; the workbook is read once."""
    import python_calamine as calamine

    try:
        with opened() as file:
            book = calamine.CalamineWorkbook.from_filelike(file)
            chosen, notes = _chosen(book, name, sheet)
            cells = chosen.to_python(skip_empty_area=False)
            merged = chosen.merged_cell_ranges or []
    except calamine.CalamineError as error:
        raise ValueError(
            f"{name} is no Excel workbook that can be read, or is damaged ({error}); save it again"
        ) from error
    name = f"{name}, sheet {chosen.name}"
    used = [j for j, column in enumerate(zip(*cells)) if any(c != "" for c in column)]
    numbers = np.array([i for i, row in enumerate(cells, 1) if any(c != "" for c in row)], int)
    rows = [[cells[i - 1][j] for j in used] for i in numbers]
    words = [[_text(c) for c in row] for row in rows[:100]]
    header = find_header(words, numbers[:100].tolist(), name, "row")
    below = header.index + 1
    columns, more = column_names(words[header.index], f"{name}, row {numbers[header.index]}")
    body = [m for m in merged if m[1][0] >= numbers[header.index]]
    if body:
        more += (_merged(name, len(body)),)
    values = {c: _column(v) for c, v in zip(columns, zip(*rows[below:]))}
    frame = pd.DataFrame(values, columns=list(columns))
    long = [c for c in frame if frame[c].dtype == "float64" and (frame[c].abs() >= _EXACT).any()]
    more += tuple(_digits_lost(name, c) for c in long)
    with opened() as file:
        more += _errors(file, name)
    numbers = numbers[below:]

    def parts(wanted: list[str], size: int) -> Iterator[Part]:
        for i in range(0, len(frame), size):
            yield Part(frame[wanted].iloc[i : i + size], numbers[i : i + size], [])

    return name, columns, (*notes, *header.notes, *more), parts


def _chosen(book, name: str, sheet: str | int | None):
    """The sheet that is named, or the first that is seen and not empty; others are said."""
    from python_calamine import SheetTypeEnum, SheetVisibleEnum

    kind = (SheetTypeEnum.WorkSheet, SheetVisibleEnum.Visible)
    seen = [m.name for m in book.sheets_metadata if (m.typ, m.visible) == kind]
    if sheet is not None:
        places = {str(i): n for i, n in enumerate(book.sheet_names, 1)}
        if sheet not in book.sheet_names:
            sheet = places.get(str(sheet), sheet)
        if sheet not in book.sheet_names:
            raise ValueError(
                f"{name} has no sheet {sheet!r}; its sheets: {', '.join(book.sheet_names)}"
            )
        if book.get_sheet_by_name(sheet).end is None:
            raise ValueError(f"{name}: the sheet {sheet!r} is empty; name another")
        return book.get_sheet_by_name(sheet), ()
    full = [s for s in seen if book.get_sheet_by_name(s).end is not None]
    if not full:
        raise ValueError(f"{name}: every sheet is empty ({', '.join(book.sheet_names)})")
    notes = ()
    if len(full) > 1:
        others = "、".join(full[1:]), ", ".join(full[1:])
        zh = f"{name}：读取第一张工作表 {full[0]}；另有 {others[0]}（用 --sheet 指定）"
        en = f"{name}: the first sheet is read, {full[0]}; there are also {others[1]} (--sheet)"
        notes = (Note("sheet_chosen", zh, en, len(full), level="note"),)
    return book.get_sheet_by_name(full[0]), notes


def _column(cells: tuple) -> Any:
    """Cells of one kind in the type of that kind; of several kinds, all as text."""
    kinds = {type(c) for c in cells if c != ""}
    if kinds and kinds <= {int, float}:
        numbers = np.array([np.nan if c == "" else c for c in cells], float)
        known = numbers[~np.isnan(numbers)]
        if (known == np.floor(known)).all() and (np.abs(known) < _EXACT).all():
            return pd.array(numbers, "int64" if len(known) == len(numbers) else "Int64")
        return numbers
    values = [None if c == "" else c for c in cells]
    if kinds == {bool}:
        return pd.array(values, "boolean")
    if kinds and kinds <= {date, datetime}:
        return pd.array(np.array(values, "datetime64[us]"))
    return pd.array([None if c is None else _text(c) for c in values], "str")


def _text(cell) -> str:
    """A cell as one would type it: a whole number without decimals, a day without a time."""
    if isinstance(cell, float) and cell == int(cell) and abs(cell) < _EXACT:
        return str(int(cell))
    return str(cell).upper() if isinstance(cell, bool) else str(cell)


def _errors(file: BinaryIO, name: str) -> tuple[Note, ...]:
    """Cells such as #N/A, which the reader gives as empty."""
    count = 0
    with zipfile.ZipFile(file) as archive:
        for member in archive.namelist():
            if re.fullmatch(r"xl/worksheets/[^/]+\.xml", member):
                with archive.open(member) as sheet:
                    while block := sheet.read(1 << 20):
                        count += block.count(b' t="e"')
    zh = f"{name}：工作簿中有 {count} 个错误值单元格（如 #N/A），按缺失处理"
    en = f"{name}: {count} cells of the workbook hold an error such as #N/A; they count as missing"
    return (Note("sheet_errors", zh, en, count),) if count else ()


def _merged(name: str, count: int) -> Note:
    zh = f"{name}：表中有 {count} 处合并单元格，只有左上角一格有值，其余为缺失"
    en = f"{name}: {count} merged cells in the table; all but the first cell of each are missing"
    return Note("sheet_merged_cells", zh, en, count)


def _digits_lost(name: str, column: str) -> Note:
    zh = f"{name}：列 {column} 有超过 15 位的数字，Excel 只保留 15 位；若为编号，请以文本导出"
    en = (
        f"{name}: column {column} has numbers of more than 15 digits, of which Excel keeps 15; "
        "if they are ids, export them as text"
    )
    return Note("sheet_digits_lost", zh, en, variable=column)
