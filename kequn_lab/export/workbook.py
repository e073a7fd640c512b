"""Tables as the sheets of one Excel workbook; text stays text, ids keep every digit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from kequn_lab._files import replacing
from kequn_lab.export.living import Plain, living_sheets

if TYPE_CHECKING:
    from kequn_lab.export.scorecard import Scorecard

__all__ = ["EXCEL_ROWS", "write_workbook"]

#: Rows of a sheet, its heading included.
EXCEL_ROWS = 1_048_576
_LONGEST = 32_767  # characters of a cell


def write_workbook(
    sheets: Mapping[str, pd.DataFrame],
    path: str | Path,
    *,
    ids: Sequence[str] = ("customer_id",),
    card: Scorecard | None = None,
) -> None:
    """Write tables as an ``.xlsx`` file, whole or not at all.

    Parameters
    ----------
    sheets : mapping of str to DataFrame
        By the name of the sheet, 31 characters at most. An index is left out.
    path : path
        ``….xlsx``
    ids : sequence of str
        Columns whose cells are marked as text, so that Excel leaves them alone when edited.
    card : Scorecard, optional
        Adds sheets that label a customer by formulas: ``label``, ``golden``, ``model``.

    Raises
    ------
    ValueError
        A table with more rows than a sheet has.
    OSError
        As :func:`~kequn_lab.export.labels.write_table`.

    Notes
    -----
    What Excel cannot hold is replaced: control characters in text by ``�``, infinite numbers by
    text. Text is never run as a formula, whatever it starts with.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> labels = pd.DataFrame({"customer_id": ["001"], "name": ["=1+1"], "share": [0.5]})
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder, "labels.xlsx")
    ...     write_workbook({"labels": labels}, file)
    ...     print(pd.read_excel(file, dtype={"customer_id": str}, engine="calamine"))
      customer_id  name  share
    0         001  =1+1    0.5
    """
    from openpyxl import Workbook
    from openpyxl.utils import get_column_letter

    for name, table in sheets.items():
        if len(table) >= EXCEL_ROWS:
            raise ValueError(
                f"{name}: {len(table):,} rows, and a sheet of Excel has {EXCEL_ROWS:,} with its "
                "heading; write a CSV file, or fewer customers"
            )
    book = Workbook(write_only=True)
    for name, table in sheets.items():
        sheet = book.create_sheet(name)
        sheet.freeze_panes = "A2"
        for i, column in enumerate(table, start=1):
            wide = not pd.api.types.is_numeric_dtype(table[column].dtype)
            sheet.column_dimensions[get_column_letter(i)].width = 24 if wide else 12
        sheet.append([_text(sheet, str(column)) for column in table])
        for row in zip(*(_cells(sheet, table[c], c in ids) for c in table)):
            sheet.append(row)
    for name, rows in living_sheets(card).items() if card else ():
        sheet = book.create_sheet(name)
        sheet.column_dimensions["A"].width, sheet.column_dimensions["B"].width = 28, 36
        sheet.freeze_panes = "C7"
        for line in rows:
            sheet.append([_text(sheet, v) if isinstance(v, Plain) else v for v in line])
    with replacing(path) as file:
        book.save(file)


def _cells(sheet, column: pd.Series, is_id: bool) -> Iterator[Any]:
    """The values of a column as openpyxl takes them."""
    for value in column.astype(object).where(column.notna(), None):
        if isinstance(value, float) and np.isinf(value):
            yield str(value)
        elif value is None or isinstance(value, bool | int | float):
            yield value
        elif isinstance(value, pd.Timestamp):
            yield value.tz_localize(None).to_pydatetime()
        else:
            yield _text(sheet, str(value), is_id)


def _text(sheet, text: str, is_id: bool = False) -> Any:
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    text = ILLEGAL_CHARACTERS_RE.sub("\ufffd", text)[:_LONGEST]
    if not is_id and not text.startswith(("=", "#")):  # a formula, an error such as #REF!
        return text
    cell = WriteOnlyCell(sheet, text)
    cell.data_type = "s"
    if is_id:
        cell.number_format = "@"
    return cell
