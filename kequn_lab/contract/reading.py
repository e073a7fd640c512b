"""A bank's table in the contract's types: read, translated, checked."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from kequn_lab.contract.sources import Refused, open_source
from kequn_lab.contract.tables import Contract, ContractError, convert, require

__all__ = ["read_table"]


def read_table(
    data,
    contract: Contract | None = None,
    *,
    mapping=None,
    on_refused: Callable[[Refused], None] | None = None,
    encoding: str | None = None,
    sheet: str | None = None,
    query: str | None = None,
) -> pd.DataFrame:
    """Read anything that holds a table; ids stay text.

    Parameters
    ----------
    data : path, address or table
        As :func:`~kequn_lab.contract.sources.open_source`, with ``encoding``, ``sheet`` and
        ``query``.
    contract : Contract, optional
        Convert and check; without it every column of a text file is text.
    mapping : TableMapping, optional
        The bank's words translated to ours before the check (:mod:`kequn_lab.contract.mapping`).
    on_refused : callable, optional
        Called with a :class:`Refused` for each line that cannot be taken, which is then left
        out. Without it such a line is an error.

    Returns
    -------
    DataFrame
        Its index is the line in the file (the header is line 1), so that every message
        can name the line.

    Raises
    ------
    FileNotFoundError, IsADirectoryError
        The path is not a file.
    ContractError
        Torn lines, or cells that break the contract.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from kequn_lab.contract.tables import CUSTOMERS
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder, "客户.csv")
    ...     _ = file.write_bytes("customer_id,age_years\\n001,41\\n".encode("gb18030"))
    ...     read_table(file, CUSTOMERS)
         customer_id  age_years
    line
    2            001       41.0
    """
    source = open_source(data, encoding=encoding, sheet=sheet, query=query)
    table = pd.concat(list(source.chunks(on_refused=on_refused)))
    if mapping is not None:
        table = mapping.translate(table, contract=contract, source=source.name)
    if contract is None:
        return table
    typed, violations = convert(table, contract, options=mapping)
    whole = violations["row"].isna()
    none_left = violations["row"].nunique() == len(table)
    if len(violations) and (on_refused is None or whole.any() or none_left):
        raise ContractError(violations, table=source.name)
    if len(violations):
        for row, found in violations.groupby("row", sort=True):
            reason = "; ".join(f"{v.column}: {v.rule}" for v in found.itertuples())
            on_refused(Refused(int(row), reason, ",".join(map(str, table.loc[row].tolist()))))
        typed = require(typed.drop(index=violations["row"].unique()), contract, source=source.name)
    return typed
