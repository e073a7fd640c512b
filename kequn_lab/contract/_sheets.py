"""A sheet of an Excel workbook, each column in the type that all its cells have."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import IO, Any, NamedTuple
from xml.etree import ElementTree

import numpy as np
import pandas as pd

from kequn_lab._notes import Note
from kequn_lab.contract._header import column_names, find_header
from kequn_lab.contract._parts import Part

_EXACT = 1e15  # Excel keeps fifteen digits
_MOST = 40_000_000  # cells that are read


def open_sheet(opened: Callable[[], IO[bytes]], name: str, sheet: str | int | None):
    """Name, columns, notes and the maker of parts of a sheet; the workbook is read once."""
    import python_calamine as calamine

    with opened() as file:
        contents = _contents(file, name)
    sheet, notes = _chosen(contents, name, sheet)
    name = f"{name} [{sheet}]"
    if contents[sheet].cells > _MOST:
        raise ValueError(
            f"{name}: a cell far out makes it {contents[sheet].cells:,} cells large; delete the "
            "rows and columns beyond the table, or export it as CSV"
        )
    try:
        with opened() as file:
            chosen = calamine.CalamineWorkbook.from_filelike(file).get_sheet_by_name(sheet)
            cells, merged = chosen.to_python(skip_empty_area=False), chosen.merged_cell_ranges or []
    except calamine.CalamineError as error:
        raise ValueError(
            f"{name}: it cannot be read, or is damaged ({error}); save the workbook again"
        ) from error
    used = [j for j, column in enumerate(zip(*cells)) if any(c != "" for c in column)]
    numbers = np.array([i for i, row in enumerate(cells, 1) if any(c != "" for c in row)], int)
    rows = [[cells[i - 1][j] for j in used] for i in numbers]
    words = [[_text(c) for c in row] for row in rows[:100]]
    header = find_header(words, numbers[:100].tolist(), name, "row")
    top, numbers = numbers[header.place], numbers[header.place + 1 :]
    columns, unnamed = column_names(words[header.place], f"{name}, row {top}")
    values = zip(*rows[header.place + 1 :])
    frame = pd.DataFrame({c: _column(v) for c, v in zip(columns, values)}, columns=list(columns))

    def parts(wanted: list[str], size: int) -> Iterator[Part]:
        for i in range(0, len(frame), size):
            yield Part(frame[wanted].iloc[i : i + size], numbers[i : i + size], [])

    merged = sum(end[0] >= top for _, end in merged)
    lost = _lost_by_excel(frame, name, contents[sheet], merged)
    return name, columns, (*notes, *header.notes, *unnamed, *lost), parts


class _Content(NamedTuple):
    """What a sheet holds, as its XML says before it is read."""

    visible: bool
    columns: int  # of the rectangle that reaches to the last cell; 0 of an empty sheet
    rows: int
    errors: int
    uncomputed: int

    @property
    def cells(self) -> int:
        return self.columns * self.rows

    @property
    def table(self) -> bool:
        """Whether it may hold a table: a heading and a row, an id and a variable."""
        return self.columns > 1 and self.rows > 1


def _contents(file: IO, name: str) -> dict[str, _Content]:
    """Every worksheet by name, in order."""
    found = {}
    with zipfile.ZipFile(file) as archive:
        try:
            book = ElementTree.fromstring(archive.read("xl/workbook.xml"))
            links = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
        except (KeyError, ElementTree.ParseError) as error:
            raise ValueError(
                f"{name} is no Excel workbook that can be read ({error}); save it again"
            ) from error
        targets = {e.get("Id"): e.get("Target", "") for e in links}
        for e in book.iterfind(".//{*}sheet"):
            link = next((v for k, v in e.items() if k.endswith("}id")), None)
            target = targets.get(link, "")
            member = target[1:] if target.startswith("/") else f"xl/{target}"
            if "worksheets/" in member and member in archive.namelist():
                visible = e.get("state", "visible") == "visible"
                found[e.get("name", "")] = _Content(visible, *_counted(archive, member))
    return found


def _counted(archive: zipfile.ZipFile, member: str) -> tuple[int, int, int, int]:
    """Columns and rows of a sheet's rectangle, error values, formulas without a result."""
    some, errors, uncomputed, said = False, 0, 0, None
    for xml in _pieces(archive, member):
        some = some or _VALUE.search(xml) is not None
        errors += xml.count(b' t="e"')
        uncomputed += len(_UNCOMPUTED.findall(xml))
        said = said or _DIMENSION.search(xml)
    if not some:
        return 0, 0, errors, uncomputed
    columns, rows = _corner(*said.groups()) if said else (1, _MOST + 1)
    # Formats may reach far beyond the values, which count alone; some writers say "A1" always.
    if columns * rows > _MOST or 1 in (columns, rows):
        corner, row = {b"A"}, 1
        for xml in _pieces(archive, member):
            if found := _VALUED.findall(xml):
                corner, row = corner | {letters for letters, _ in found}, int(found[-1][1])
        columns, rows = _corner(max(corner, key=lambda c: (len(c), c)), row)
    return columns, rows, errors, uncomputed


_VALUE = re.compile(rb"<(?:\w+:)?(?:v|is)>")
_VALUED = re.compile(rb'<(?:\w+:)?c r="([A-Z]+)(\d+)"[^>]*(?<!/)><(?:\w+:)?(?:v|is|f)')
_UNCOMPUTED = re.compile(rb"</(?:\w+:)?f>(?:<(?:\w+:)?v ?/>|<v></v>)?</(?:\w+:)?c>")
_DIMENSION = re.compile(rb'<(?:\w+:)?dimension ref="(?:[A-Z]+\d+:)?([A-Z]+)(\d+)"')


def _pieces(archive: zipfile.ZipFile, member: str) -> Iterator[bytes]:
    """The XML of a sheet in pieces that end with a cell."""
    rest = b""
    with archive.open(member) as sheet:
        while block := sheet.read(1 << 20):
            whole, end, rest = (rest + block).rpartition(b"c>")
            yield whole + end
    yield rest


def _corner(letters: bytes, row: bytes | int) -> tuple[int, int]:
    """Column and row of the last cell, as numbers."""
    column = 0
    for letter in letters:
        column = 26 * column + letter - 64
    return column, int(row)


def _chosen(contents: dict[str, _Content], name: str, sheet: str | int | None):
    """The sheet that is named, or the first that may hold a table; others are said."""
    listing = ", ".join(contents)
    if sheet is not None:
        places = {str(i): n for i, n in enumerate(contents, 1)}
        chosen = sheet if sheet in contents else places.get(str(sheet))
        if chosen is None:
            raise ValueError(f"{name} has no sheet {sheet!r}; its sheets: {listing}")
        if not contents[chosen].cells:
            raise ValueError(f"{name}: the sheet {chosen!r} is empty; name another: {listing}")
        return chosen, ()
    full = [n for n, content in contents.items() if content.visible and content.cells]
    if not full:
        raise ValueError(f"{name}: every sheet is empty or hidden ({listing})")
    if len(full) == 1:
        return full[0], ()
    chosen = next((n for n in full if contents[n].table), full[0])
    others = [n for n in full if n != chosen]
    zh = f"{name}：读取工作表 {chosen}；另有 {'、'.join(others)}（用 --sheet 指定）"
    en = f"{name}: the sheet {chosen} is read; there are also {', '.join(others)} (--sheet)"
    return chosen, (Note("sheet_chosen", zh, en, len(full), level="note"),)


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


def _lost_by_excel(frame: pd.DataFrame, name: str, content: _Content, merged: int) -> list[Note]:
    """Values that Excel did not keep."""
    notes = []
    if n := content.errors:
        zh = f"{name}：有 {n} 个错误值单元格（如 #N/A），按缺失处理"
        en = f"{name}: {n} cells hold an error such as #N/A; they count as missing"
        notes.append(Note("sheet_errors", zh, en, n))
    if n := content.uncomputed:
        zh = f"{name}：有 {n} 个公式没有结果，按缺失处理；请在 Excel 中打开并保存后再读"
        en = (
            f"{name}: {n} formulas have no result and count as missing; open the workbook in "
            "Excel, save it, and read it again"
        )
        notes.append(Note("sheet_formulas", zh, en, n))
    if merged:
        zh = f"{name}：表中有 {merged} 处合并单元格，只有左上角一格有值，其余为缺失"
        en = f"{name}: {merged} merged cells in the table; all but the first of each are missing"
        notes.append(Note("sheet_merged_cells", zh, en, merged))
    for c in frame:
        if frame[c].dtype == "float64" and (frame[c].abs() >= _EXACT).any():
            zh = f"{name}：列 {c} 有超过 15 位的数字，Excel 只保留 15 位；若为编号，请以文本导出"
            en = (
                f"{name}: column {c} has numbers of more than 15 digits, of which Excel keeps 15; "
                "if they are ids, export them as text"
            )
            notes.append(Note("sheet_digits_lost", zh, en, variable=c))
    return notes
