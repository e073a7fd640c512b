"""Are these tables what a run needs? Every finding, grouped and counted; nothing is made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kequn_lab._notes import Note
from kequn_lab.contract._unused import unused_tables
from kequn_lab.contract.keys import Known, hashes
from kequn_lab.contract.mapping import Mapping
from kequn_lab.contract.reading import MOST_FINDINGS, Opened, open_table
from kequn_lab.contract.tables import (
    CUSTOMERS,
    EVENTS,
    HOLDINGS,
    ContractError,
    join_violations,
    violations_frame,
)
from kequn_lab.run.entrance import Entered, Given, ready_table, usable_columns, words_of

__all__ = ["Checked", "check_tables"]


@dataclass(frozen=True)
class Checked:
    """What was found in one table.

    Attributes
    ----------
    table : str
        ``customers``, ``events``, ``holdings`` or ``features``.
    name : str
        The file's, or as messages call it.
    rows, valid : int
        Rows that were read (reading stops after half a million findings), and those of them
        that keep to the contract.
    notes : tuple of Note
        What was assumed and converted.
    absent : tuple of str
        Columns of the contract that the table does not have.
    error : ContractError or None
        All findings: its message groups and counts them, its ``violations`` list them.
    """

    table: str
    name: str
    rows: int = 0
    valid: int = 0
    notes: tuple[Note, ...] = ()
    absent: tuple[str, ...] = ()
    error: ContractError | None = None


def check_tables(given: Given) -> Iterator[Checked]:
    """Check tables as a run and a score would, one after the other.

    Parameters
    ----------
    given : Given
        The tables there are; those that are ready and those that are raw may come together.

    Yields
    ------
    Checked

    Raises
    ------
    ValueError, OSError
        What holds no table, or cannot be read.

    Examples
    --------
    >>> events = pd.DataFrame({"customer_id": ["a", "b"], "timestamp": "2024-03-05",
    ...     "amount_cny": [5.0, -1.0]})
    >>> for found in check_tables(Given(events=events)):
    ...     print(found.table, found.rows, found.valid)
    ...     print(found.error)
    events 2 1
    DataFrame: 1 violation of the contract in 1 of 2 rows
      row 2, column 'amount_cny': must be >= 0; found -1.0
    What to do: correct these cells; or set the rows aside (--skip-bad-rows of kequn run, score).
    """
    words = words_of(given.mapping)
    tables = [name for name in (*given.raw, "features") if getattr(given, name) is not None]
    notes = tuple(unused_tables(words, tables))
    for found in _each(given, words):
        yield replace(found, notes=(*notes, *found.notes))
        notes = ()


def _each(given: Given, words: Mapping) -> Iterator[Checked]:
    known = None
    for contract in (CUSTOMERS, EVENTS, HOLDINGS):
        if (data := given.raw[contract.name]) is None:
            continue
        own = getattr(words, contract.name)
        opening = partial(open_table, data, contract, mapping=own, skip=True)
        found, ids = _checked(contract.name, data, known, opening)
        yield found
        if contract is CUSTOMERS and ids:
            known = Known(np.sort(np.concatenate(ids)))
    if given.features is not None:
        how: dict[str, Any] = {"id_column": given.id_column, "mapping": words, "query": given.query}
        opening = partial(ready_table, given.features, **how, skip=True)
        yield _checked("features", given.features, None, opening)[0]


def _checked(table: str, data, known: Known | None, opening) -> tuple[Checked, list]:
    name = Path(data).name if isinstance(data, str | Path) else type(data).__name__
    try:
        opened: Opened = opening()
    except ContractError as error:
        return Checked(table, name, error=error), []
    torn = opened.torn
    found = [violations_frame([r.line for r in torn], "all", [r.reason for r in torn],
                              [r.text[:80] for r in torn])]  # fmt: skip
    absent = {c.name for c in opened.contract.columns} - set(opened.names)
    ids, error, rows, ready, entered = [], None, len(torn), [], Entered()
    try:
        for _, typed, violations in opened.checked(known=known):
            rows += len(typed)
            found.append(violations)
            valid = typed[~typed.index.isin(violations["row"])]
            if table == "customers":
                ids.append(hashes(valid["customer_id"]))
            if table == "features":
                ready.append(valid)
            if sum(map(len, found)) > MOST_FINDINGS:
                break
        every = join_violations(found, rows=rows, row_name=opened.source.row_name)
        bad = every["row"].nunique()
        if len(every):
            error = ContractError(every, table=opened.source.name)
    except ContractError as whole:
        rows = bad = opened.rows
        error = whole
    if ready:
        try:
            columns = [c.name for c in opened.contract.columns[1:]]
            usable_columns(pd.concat(ready)[columns], entered, opened.source.name)
        except ContractError as nothing:
            error = error or nothing
    notes, lacking = (*opened.notes, *entered.notes), tuple(sorted(absent))
    return Checked(table, opened.source.name, rows, rows - bad, notes, lacking, error), ids
