"""The parts of an ``.xlsx`` file, written row by row (ECMA-376, SpreadsheetML).

Text stands in its cell, so there is no table of strings to hold in memory; openpyxl, which makes
an object of each cell, takes ten times as long.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from os import PathLike
from typing import Any, BinaryIO
from xml.sax.saxutils import escape, quoteattr
from zipfile import ZIP_DEFLATED, ZipFile

__all__ = ["Formula", "Id", "Sheet", "column_letter", "write_xlsx"]

LONGEST = 32_767  # characters of a cell
CHUNK = 2_000  # rows that are written at a time
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml"
#: The formats of a cell, by number: none, text, a moment.
_STYLES = f"""{_HEAD}<styleSheet xmlns="{_MAIN}">\
<numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy-mm-dd h:mm:ss"/></numFmts>\
<fonts count="1"><font><sz val="11"/><name val="Calibri"/><family val="2"/></font></fonts>\
<fills count="2"><fill><patternFill/></fill>\
<fill><patternFill patternType="gray125"/></fill></fills>\
<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>\
<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>\
<cellXfs count="3"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>\
<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>\
<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/></cellXfs>\
<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>"""


class Formula(str):
    """A cell that Excel computes; starts with ``=``."""


class Id(str):
    """A text that Excel leaves alone when the cell is edited."""


@dataclass(frozen=True)
class Sheet:
    """A sheet; rows are read once.

    Parameters
    ----------
    rows : iterable of sequence
        Cells: None, bool, int, finite float, datetime without a zone, Formula, Id, or text.
    widths : sequence of int
        Of the first columns, in characters.
    frozen : tuple of (int, int)
        Rows above and columns left that stay in view.
    """

    rows: Iterable[Sequence[Any]]
    widths: Sequence[int] = ()
    frozen: tuple[int, int] = (0, 0)


def write_xlsx(sheets: dict[str, Sheet], out: str | PathLike | BinaryIO) -> None:
    """Write sheets, by name, as a workbook; formulas are computed when it is opened."""
    numbers = range(1, len(sheets) + 1)
    files = [f"worksheets/sheet{i}.xml" for i in numbers]
    with ZipFile(out, "w", ZIP_DEFLATED) as book:
        book.writestr("[Content_Types].xml", _content_types(files))
        book.writestr("_rels/.rels", _links([("officeDocument", "xl/workbook.xml")]))
        book.writestr("xl/workbook.xml", _workbook(list(sheets)))
        links = [("worksheet", file) for file in files]
        book.writestr("xl/_rels/workbook.xml.rels", _links([*links, ("styles", "styles.xml")]))
        book.writestr("xl/styles.xml", _STYLES)
        for sheet, file in zip(sheets.values(), files):
            with book.open(f"xl/{file}", "w") as part:
                for text in _parts(sheet):
                    part.write(text.encode())


@cache
def column_letter(number: int) -> str:
    """A column's letters, counted from 1.

    Examples
    --------
    >>> column_letter(1), column_letter(27), column_letter(16_384)
    ('A', 'AA', 'XFD')
    """
    before, last = divmod(number - 1, 26)
    return (column_letter(before) if before else "") + chr(ord("A") + last)


def _parts(sheet: Sheet):
    """The text of a sheet, piece by piece."""
    yield f'{_HEAD}<worksheet xmlns="{_MAIN}">{_view(*sheet.frozen)}'
    cols = (f'<col min="{i}" max="{i}" width="{w}" customWidth="1"/>'
            for i, w in enumerate(sheet.widths, start=1))  # fmt: skip
    yield f"<cols>{''.join(cols)}</cols>" if sheet.widths else ""
    yield "<sheetData>"
    lines: list[str] = []
    for number, row in enumerate(sheet.rows, start=1):
        cells = "".join(
            _cell(f"{column_letter(i)}{number}", value)
            for i, value in enumerate(row, start=1)
            if value is not None and value != ""
        )
        lines.append(f'<row r="{number}">{cells}</row>')
        if len(lines) == CHUNK:
            yield "".join(lines)
            lines.clear()
    yield "".join(lines)
    yield "</sheetData></worksheet>"


def _cell(at: str, value: Any) -> str:
    if isinstance(value, str):
        text = escape(_ILLEGAL.sub("\ufffd", value[:LONGEST] if len(value) > LONGEST else value))
        if isinstance(value, Formula):
            return f'<c r="{at}"><f>{text[1:]}</f></c>'
        style = ' s="1"' if isinstance(value, Id) else ""
        space = ' xml:space="preserve"' if text != text.strip() or "\n" in text else ""
        return f'<c r="{at}"{style} t="inlineStr"><is><t{space}>{text}</t></is></c>'
    if isinstance(value, bool):
        return f'<c r="{at}" t="b"><v>{value:d}</v></c>'
    if isinstance(value, datetime):
        return f'<c r="{at}" s="2"><v>{_serial(value):.16g}</v></c>'
    return f'<c r="{at}"><v>{value if isinstance(value, int) else format(value, ".16g")}</v></c>'


def _serial(moment: datetime) -> float:
    """Days since the end of 1899, as Excel counts: it has a 29 February 1900."""
    gap = moment - datetime(1899, 12, 30)
    days = gap.days + (gap.seconds + gap.microseconds / 1e6) / 86_400
    return days - 1 if 0 < days <= 60 else days


def _view(rows: int, columns: int) -> str:
    if not rows and not columns:
        return ""
    split = (f' xSplit="{columns}"' if columns else "") + (f' ySplit="{rows}"' if rows else "")
    corner = f"{column_letter(columns + 1)}{rows + 1}"
    pane = "bottomRight" if rows and columns else "bottomLeft" if rows else "topRight"
    return (
        f'<sheetViews><sheetView workbookViewId="0"><pane{split} topLeftCell="{corner}" '
        f'activePane="{pane}" state="frozen"/><selection pane="{pane}"/></sheetView></sheetViews>'
    )


def _workbook(names: Sequence[str]) -> str:
    sheets = "".join(
        f'<sheet name={quoteattr(name)} sheetId="{i}" r:id="rId{i}"/>'
        for i, name in enumerate(names, start=1)
    )
    return (
        f'{_HEAD}<workbook xmlns="{_MAIN}" xmlns:r="{_LINKS}"><bookViews><workbookView/>'
        f'</bookViews><sheets>{sheets}</sheets><calcPr fullCalcOnLoad="1"/></workbook>'
    )


def _links(targets: Sequence[tuple[str, str]]) -> str:
    links = "".join(
        f'<Relationship Id="rId{i}" Type="{_LINKS}/{kind}" Target="{target}"/>'
        for i, (kind, target) in enumerate(targets, start=1)
    )
    return f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">{links}</Relationships>'


def _content_types(files: Sequence[str]) -> str:
    own = {f"xl/{file}": "worksheet" for file in files}
    own |= {"xl/workbook.xml": "sheet.main", "xl/styles.xml": "styles"}
    parts = "".join(
        f'<Override PartName="/{part}" ContentType="{_TYPES}.{kind}+xml"/>'
        for part, kind in own.items()
    )
    return (
        f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{parts}</Types>'
    )
