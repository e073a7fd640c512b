"""Rows of a long sheet as XML, many at a time: cell by cell they cost most of a large run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import IO
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["append_rows", "can_append"]

LONGEST = 32_767  # characters of a cell
_ROWS = 65_536
#: What XML cannot hold, and what Excel would decode: _x0041_ is A.
_TEXT = (
    ("[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x{fffe}\\x{ffff}]", "\ufffd"),
    ("(_x[0-9a-fA-F]{4}_)", "_x005F\\1"), ("\r", "_x000D_"),
    ("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"),
)  # fmt: skip


def can_append(table: pd.DataFrame) -> bool:
    """Whether every column is one of text or of finite numbers, missing cells aside."""
    return all(_is_text(column.dtype) or _is_number(column) for _, column in table.items())


def _is_text(dtype) -> bool:
    kind = dtype.categories.dtype if isinstance(dtype, pd.CategoricalDtype) else dtype
    return isinstance(kind, pd.StringDtype)


def _is_number(column: pd.Series) -> bool:
    return column.dtype.kind in "iu" or (
        isinstance(column.dtype, np.dtype)
        and column.dtype.kind == "f"
        and not np.isinf(column.to_numpy()).any()
    )


def append_rows(book: IO[bytes], long: dict[int, pd.DataFrame], file: IO[bytes]) -> None:
    """Copy a workbook and append rows to sheets that end with the first row of their table.

    Parameters
    ----------
    book : binary file
        The workbook, heading and first row of each long table written.
    long : dict of int to DataFrame
        By the number of the sheet (from 1) the whole table, as :func:`can_append` takes it.
    file : binary file
        The workbook with all rows.
    """
    with ZipFile(book) as old, ZipFile(file, "w", ZIP_DEFLATED) as new:
        sheets = {f"xl/worksheets/sheet{number}.xml": table for number, table in long.items()}
        for member in old.infolist():
            content = old.read(member)
            if (table := sheets.get(member.filename)) is None:
                new.writestr(member, content)
                continue
            head, tail = content.split(b"</sheetData>")
            last = f"{_letters(len(table.columns) - 1)}{len(table) + 1}"
            size = f'<dimension ref="A1:{last}"/>'.encode()
            with new.open(member, "w") as out:
                out.write(re.sub(rb'<dimension ref="[^"]*"/>', size, head, count=1))
                for rows in _rows(table, head.decode()):
                    out.write(rows)
                out.write(b"</sheetData>" + tail)


def _letters(column: int) -> str:
    from xlsxwriter.utility import xl_col_to_name

    return xl_col_to_name(column)


def _rows(table: pd.DataFrame, head: str) -> Iterator[bytes]:
    """Rows from the second on; a cell has the format of the one above it."""
    cells = [_cell(column) for _, column in table.items()]
    for start in range(1, len(table), _ROWS):
        stop = min(start + _ROWS, len(table))
        number = pc.cast(pa.array(np.arange(start + 2, stop + 2)), pa.string())
        row = ['<row r="', number, '">']
        for j, (values, kind, end) in enumerate(cells):
            first = re.search(rf'<c r="{_letters(j)}2"( s="\d+")', head)
            begin = f'"{first[1] if first else ""}{kind}'
            parts = f'<c r="{_letters(j)}', number, begin, values.slice(start, stop - start), end
            row.append(pc.fill_null(pc.binary_join_element_wise(*parts, ""), ""))
        joined = pc.binary_join_element_wise(*row, "</row>", "")
        yield "".join(joined.to_pylist()).encode()


def _cell(column: pd.Series) -> tuple[pa.Array, str, str]:
    """The values as they stand in a sheet, null for a cell that is left out, and what is around."""
    values = pa.array(column, from_pandas=True)
    if not _is_text(column.dtype):
        return pc.cast(values, pa.string()), "><v>", "</v></c>"
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    coded = values if pa.types.is_dictionary(values.type) else pc.dictionary_encode(values)
    text = pc.utf8_slice_codeunits(coded.dictionary, 0, LONGEST)
    text = pc.if_else(pc.equal(text, ""), None, text)
    for pattern, instead in _TEXT:
        text = pc.replace_substring_regex(text, pattern, instead)
    around = ' t="inlineStr"><is><t xml:space="preserve">', "</t></is></c>"
    return pc.cast(text, pa.string()).take(coded.indices), *around
