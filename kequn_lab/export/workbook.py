"""Tables as the sheets of one Excel workbook; text stays text, ids keep every digit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from kequn_lab._files import replacing
from kequn_lab.export._xlsx import Formula, Id, Sheet, write_xlsx
from kequn_lab.export.living import Plain, living_sheets

if TYPE_CHECKING:
    from kequn_lab.export.scorecard import Scorecard

__all__ = ["EXCEL_ROWS", "write_workbook"]

#: Rows of a sheet, its heading included.
EXCEL_ROWS = 1_048_576


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
    for name, table in sheets.items():
        if len(table) >= EXCEL_ROWS:
            raise ValueError(
                f"{name}: {len(table):,} rows, and a sheet of Excel has {EXCEL_ROWS:,} with its "
                "heading; write a CSV file, or fewer customers"
            )
    parts = {name: Sheet(*_rows(table, ids), frozen=(1, 0)) for name, table in sheets.items()}
    for name, rows in living_sheets(card).items() if card else ():
        cells = ([_formula(value) for value in line] for line in rows)
        parts[name] = Sheet(cells, widths=(28, 36), frozen=(6, 2))
    with replacing(path) as file:
        write_xlsx(parts, file)


def _rows(table: pd.DataFrame, ids: Sequence[str]) -> tuple[Iterator[Any], list[int]]:
    """The heading and the rows of a table, and the widths of its columns."""
    numbers = [pd.api.types.is_numeric_dtype(table[name].dtype) for name in table]
    columns = (_cells(table[name], name in ids) for name in table)
    return chain([[str(name) for name in table]], zip(*columns)), [24 - 12 * n for n in numbers]


def _cells(column: pd.Series, is_id: bool) -> Iterator[Any]:
    """The values of a column as a sheet takes them."""
    text = Id if is_id else str
    for value in column.astype(object).where(column.notna(), None):
        if isinstance(value, float) and np.isinf(value):
            yield str(value)
        elif value is None or isinstance(value, bool | int | float):
            yield value
        elif isinstance(value, pd.Timestamp):
            yield value.tz_localize(None).to_pydatetime()
        else:
            yield text(value)


def _formula(value: Any) -> Any:
    """A cell of the sheets that compute: a text that starts with ``=`` is a formula."""
    text = isinstance(value, str) and not isinstance(value, Plain)
    return Formula(value) if text and value.startswith("=") else value
