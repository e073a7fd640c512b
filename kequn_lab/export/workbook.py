"""Tables as the sheets of one Excel workbook; text stays text, ids keep every digit."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from kequn_lab._files import replacing
from kequn_lab.export.living import Plain, living_sheets

if TYPE_CHECKING:
    from xlsxwriter.worksheet import Worksheet

    from kequn_lab.export.scorecard import Scorecard

__all__ = ["EXCEL_ROWS", "write_workbook"]

#: Rows of a sheet, its heading included.
EXCEL_ROWS = 1_048_576
_LONGEST = 32_767  # characters of a cell
#: Up to so many rows a workbook is held in memory until it is written, which takes less processor
#: time; more rows are written one by one.
_HELD = 200_000
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


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
    from xlsxwriter import Workbook
    from xlsxwriter.worksheet import Worksheet

    class Formulas(Worksheet):
        """Formulas as they are given: each of ours is looked through 29 times otherwise, for
        functions that are new in Excel, and has none."""

        def _prepare_formula(self, formula, expand_future_functions=False):
            return formula.removeprefix("=")

    for name, table in sheets.items():
        if len(table) >= EXCEL_ROWS:
            raise ValueError(
                f"{name}: {len(table):,} rows, and a sheet of Excel has {EXCEL_ROWS:,} with its "
                "heading; write a CSV file, or fewer customers"
            )
    many = sum(map(len, sheets.values())) > _HELD
    options = {"constant_memory": many, "default_date_format": "yyyy-mm-dd h:mm:ss"}
    with replacing(path) as file, Workbook(file, options) as book:
        text = book.add_format({"num_format": "@"})
        for name, table in sheets.items():
            sheet = book.add_worksheet(name)
            sheet.freeze_panes(1, 0)
            for j, column in enumerate(table):
                wide = not pd.api.types.is_numeric_dtype(table[column].dtype)
                sheet.set_column(j, j, 24 if wide else 12)
            _write(sheet, 0, [str(column) for column in table], [None] * len(table.columns))
            formats = [text if c in ids else None for c in table]
            for i, row in enumerate(zip(*(_values(table[c]) for c in table)), start=1):
                _write(sheet, i, row, formats)
        for name, rows in living_sheets(card).items() if card else ():
            sheet = book.add_worksheet(name, Formulas)
            sheet.set_column(0, 0, 28)
            sheet.set_column(1, 1, 36)
            sheet.freeze_panes(6, 2)
            for i, line in enumerate(rows):
                _write(sheet, i, line, [None] * len(line), formulas=True)


def _values(column: pd.Series) -> pd.Series:
    return column.astype(object).where(column.notna(), None)


def _write(
    sheet: Worksheet, i: int, row: Sequence[Any], formats: Sequence[Any], *, formulas: bool = False
) -> None:
    """Cells of a row: a text is a formula only where it is asked for."""
    for j, (value, shape) in enumerate(zip(row, formats)):
        if isinstance(value, bool):
            sheet.write_boolean(i, j, value)
        elif isinstance(value, int | float) and math.isfinite(value):
            sheet.write_number(i, j, value)
        elif isinstance(value, pd.Timestamp):
            sheet.write_datetime(i, j, value.tz_localize(None).to_pydatetime())
        elif formulas and str(value).startswith("=") and not isinstance(value, Plain):
            sheet.write_formula(i, j, value, value="")  # computed when the file is opened
        elif value is not None and value != "":
            sheet.write_string(i, j, _ILLEGAL.sub("\ufffd", str(value))[:_LONGEST], shape)
