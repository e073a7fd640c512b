"""The one door: a table of any kind comes in chunk by chunk, in the types of its contract.

:func:`open_table` looks at the whole table once and decides how its columns are written;
:meth:`Opened.chunks` then reads it, converts and checks every row. Run, check and score all
come in by it, so that the same table gets the same verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kequn_lab._notes import Note
from kequn_lab.contract._unused import unused_columns
from kequn_lab.contract.cells import Options, Survey, survey
from kequn_lab.contract.keys import Keys, Known
from kequn_lab.contract.skipping import REFUSED_COLUMNS, Skipped, restored
from kequn_lab.contract.sources import ROWS, Refused, Source, open_source
from kequn_lab.contract.tables import Contract, convert, problems
from kequn_lab.contract.violations import ContractError, join_violations, violations_frame

__all__ = ["Opened", "open_table", "read_table"]

#: Reading stops after so many findings, unless rows are skipped.
MOST_FINDINGS = 500_000


@dataclass(frozen=True)
class Opened:
    """A table that was looked at once and can be read.

    Attributes
    ----------
    source : Source
    contract : Contract
    columns : tuple of str
        The source's columns that are read.
    translate : callable
        From a raw chunk to one in the contract's names.
    survey : Survey
        How the columns are written.
    twice : ndarray
        Rows whose key another row has, too.
    torn : tuple of Refused
        Lines that are no rows, if they are set aside.
    """

    source: Source
    contract: Contract
    columns: tuple[str, ...]
    translate: Callable[[pd.DataFrame], pd.DataFrame] = field(repr=False)
    survey: Survey = field(repr=False)
    twice: NDArray = field(repr=False)
    torn: tuple[Refused, ...] = ()

    @classmethod
    def unchanged(cls, source: Source, contract: Contract, rows: int) -> Opened:
        """A table whose every cell is known to be as the contract wants it."""
        ours = tuple(c for c in source.columns if c in {column.name for column in contract.columns})
        return cls(source, contract, ours, _same, Survey(rows=rows), np.array([], dtype=np.int64))

    @property
    def notes(self) -> tuple[Note, ...]:
        return (*self.source.notes, *self.survey.notes)

    @property
    def rows(self) -> int:
        """Rows of the source, also those that will be refused."""
        return self.survey.rows + len(self.torn)

    def chunks(
        self, *, known: Known | None = None, skipped: Skipped | None = None, rows: int = ROWS
    ) -> Iterator[pd.DataFrame]:
        """The valid rows in the contract's types.

        Parameters
        ----------
        known : Known, optional
            The customers there are; rows of others are refused.
        skipped : Skipped, optional
            Takes rows that break the contract. Without it they are one error at the end of
            the table, which counts them all.
        rows : int
            Per chunk, at most.

        Raises
        ------
        ContractError
        """
        found, findings, kept, read = [], 0, 0, 0
        for raw, typed, violations in self.checked(known=known, rows=rows):
            read += len(raw)
            if len(violations) and (skipped is None or not kept):
                found.append(violations)
                findings += len(violations)
            if skipped is not None:
                typed = skipped.take(raw, typed, violations)
            if len(typed) and (skipped is not None or not found):
                kept += len(typed)
                yield typed
            if skipped is None and findings > MOST_FINDINGS:
                break
        if found and (skipped is None or not kept):
            every = join_violations(found, rows=read, row_name=self.source.row_name)
            raise ContractError(every, table=self.source.name)

    def checked(self, *, known: Known | None = None, rows: int = ROWS):
        """Chunk by chunk the raw rows, the rows in our types, and what is wrong with them."""
        whole = problems(self.survey, self.contract, self.names)
        if len(whole):
            raise ContractError(whole, table=self.source.name)
        for raw in self.source.chunks(self.columns, rows=rows, on_refused=_nothing):
            table = self.translate(raw)
            typed, violations = convert(table, self.contract, self.survey.formats)
            more = [self._not_unique(typed), *([] if known is None else [known.strangers(typed)])]
            if any(map(len, more)):
                name = self.source.row_name
                violations = join_violations([violations, *more], rows=len(raw), row_name=name)
            yield raw, typed, violations

    @property
    def translated(self) -> bool:
        """Are names or codes of the source others than ours?"""
        return self.translate is not _same

    @property
    def names(self) -> list[str]:
        """The table's columns in our words, or its own where nothing is translated."""
        if not self.translated:
            return list(self.source.columns)
        return list(self.translate(pd.DataFrame(columns=self.columns, dtype="str")).columns)

    def _not_unique(self, typed: pd.DataFrame) -> pd.DataFrame:
        again = typed[np.isin(typed.index, self.twice)] if len(self.twice) else typed[:0]
        key = list(self.contract.key)
        shown = again[key].astype("str").agg(" × ".join, axis=1) if len(again) else []
        return violations_frame(again.index, ", ".join(key), "not unique", shown)


def open_table(
    data,
    contract: Contract,
    *,
    mapping: Options | None = None,
    encoding: str | None = None,
    sheet: str | int | None = None,
    query: str | None = None,
    skip: bool = False,
) -> Opened:
    """Look at a table once: is it the contract's, and how are its columns written?

    Parameters
    ----------
    data : path, table, address of a database, or Source
        As :func:`~kequn_lab.contract.sources.open_source`, with ``encoding``, ``sheet`` and
        ``query``; what is not given comes from the mapping.
    contract : Contract
    mapping : TableMapping or Options, optional
        The bank's words, and what its cells leave open.
    skip : bool
        Lines that are no rows are set aside, not an error.

    Raises
    ------
    ContractError
        Lines that are no rows; no rows. What is wrong with cells, the reading finds.
    ValueError, OSError
        What holds no table, or cannot be read.

    Examples
    --------
    >>> from kequn_lab.contract.tables import CUSTOMERS
    >>> table = pd.DataFrame({"客户号": ["001"], "age_years": ["41"]})
    >>> from kequn_lab.contract.mapping import TableMapping
    >>> words = TableMapping(columns={"customer_id": "客户号"})
    >>> opened = open_table(table, CUSTOMERS, mapping=words)
    >>> next(opened.chunks()).to_dict("records")
    [{'age_years': 41.0, 'customer_id': '001'}]
    """
    options: Any = mapping or Options()
    source = data if isinstance(data, Source) else open_source(
        data,
        encoding=encoding or options.encoding,
        sheet=options.sheet if sheet is None else sheet,
        query=query,
    )  # fmt: skip
    translate = _same
    if any(getattr(options, words, None) for words in ("columns", "codes", "constants")):
        columns = options.wanted(contract, source.columns)
        translate = partial(options.translate, contract=contract, source=source.name)
    else:
        ours = {c.name for c in contract.columns}
        columns = [c for c in source.columns if c in ours]
    if not columns:  # nothing of ours: count the rows all the same
        columns = list(source.columns[:1])
    if REFUSED_COLUMNS[0] in source.columns:
        within = translate

        def translate(table: pd.DataFrame) -> pd.DataFrame:
            return within(restored(table))

    torn: list[Refused] = []
    wanted = contract.key if translate is _same else columns
    again = lambda: map(translate, source.chunks(wanted, on_refused=_nothing))  # noqa: E731
    keys = Keys(contract, options, again)
    chunks = _looked_at(source, columns, contract.key, translate, torn.append if skip else None)
    found = survey(keys.watching(chunks), contract, options)
    opened = Opened(source, contract, tuple(columns), translate, found, keys.twice(), tuple(torn))
    if unused := unused_columns(options, opened.names, source.name):
        opened = replace(opened, survey=replace(found, notes=(*found.notes, *unused)))
    return opened


def read_table(
    data,
    contract: Contract | None = None,
    *,
    mapping: Options | None = None,
    on_refused: Callable[[Refused], None] | None = None,
    encoding: str | None = None,
    sheet: str | int | None = None,
    query: str | None = None,
) -> pd.DataFrame:
    """Read anything that holds a table, whole; ids stay text.

    Parameters
    ----------
    data, mapping, encoding, sheet, query : as :func:`open_table`
    contract : Contract, optional
        Convert and check; without it every column is as it is, in a text file as text.
    on_refused : callable, optional
        Called with a :class:`Refused` for each row that cannot be taken, which is then left
        out. Without it such a row is an error.

    Returns
    -------
    DataFrame
        Its index is the line in the file (the header is line 1) or the row.

    Raises
    ------
    ContractError, ValueError, OSError
        As :func:`open_table`; cells that break the contract.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from kequn_lab.contract.tables import CUSTOMERS
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder, "customers.csv")
    ...     _ = file.write_text("customer_id,age_years\\n001,41\\n", encoding="gb18030")
    ...     read_table(file, CUSTOMERS)
         customer_id  age_years
    line
    2            001       41.0
    """
    if contract is None:
        source = open_source(data, encoding=encoding, sheet=sheet, query=query)
        return pd.concat(list(source.chunks(on_refused=on_refused)))
    how: dict[str, Any] = {"mapping": mapping, "encoding": encoding, "sheet": sheet, "query": query}
    if on_refused is None:
        return pd.concat(list(open_table(data, contract, **how).chunks()))
    opened, skipped = open_table(data, contract, **how, skip=True), Skipped()
    table = pd.concat(list(opened.chunks(skipped=skipped)))
    for row in sorted((*opened.torn, *skipped.rows), key=lambda r: r.line):
        on_refused(row)
    return table


def _looked_at(source: Source, columns, key, translate, on_refused) -> Iterator[pd.DataFrame]:
    """Chunks for the survey. Of numbers and times that are typed already one chunk says all,
    so that a large Parquet file is read once, not twice."""
    chunks = source.chunks(columns, on_refused=on_refused)
    first = next(chunks)
    yield translate(first)
    typed = [
        c for c in columns
        if first[c].dtype.kind in "biufM" and getattr(first[c].dtype, "tz", None) is None
    ]  # fmt: skip
    if translate is _same and typed:
        rest = [c for c in columns if c in key or c not in typed] or columns[:1]
        chunks = (c[c.index > first.index[-1]] for c in source.chunks(rest))
    for chunk in chunks:
        if len(chunk):
            yield translate(chunk)


def _same(table: pd.DataFrame) -> pd.DataFrame:
    return table


def _nothing(refused: Refused) -> None:
    """Torn lines were taken note of at the first look."""
