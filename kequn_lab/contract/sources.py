"""Anything that holds a table, as one kind of source: raw cells, in chunks, again and again.

Nothing is converted here; what the cells mean is decided by the contract
(:mod:`kequn_lab.contract.cells`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from kequn_lab._files import sha256
from kequn_lab._notes import Note
from kequn_lab.contract._databases import open_query
from kequn_lab.contract._frames import open_frame, open_parquet
from kequn_lab.contract._kinds import kind_of, reading
from kequn_lab.contract._parts import Part, Torn, sized
from kequn_lab.contract._sheets import open_sheet
from kequn_lab.contract._text import open_text
from kequn_lab.contract.tables import ContractError, violations_frame

__all__ = ["Refused", "Source", "open_source"]

ROWS = 100_000
_CELLS = 20_000_000  # of one chunk, whatever its rows


@dataclass(frozen=True)
class Refused:
    """A row that was not taken: its line in the file, the reason, and its original text."""

    line: int
    reason: str
    text: str


@dataclass(frozen=True)
class Source:
    """A table that can be read in chunks of raw cells, as often as needed.

    Attributes
    ----------
    name : str
        As messages call it: the file (and sheet), ``DataFrame``, an address without password.
    row_name : str
        ``line`` of a text file; ``row`` otherwise, counted from 1 (in Excel, the sheet's own).
    columns : tuple of str
    notes : tuple of Note
        What was assumed or skipped on the way in.
    files : tuple of dict
        ``file`` (as it was given) and ``sha256``.
    """

    name: str
    row_name: str
    columns: tuple[str, ...]
    notes: tuple[Note, ...]
    _parts: Callable[[list[str], int], Iterator[Part]] = field(repr=False)
    files: tuple[dict, ...] = ()

    def chunks(
        self,
        columns=None,
        *,
        rows: int = ROWS,
        on_refused: Callable[[Refused], None] | None = None,
    ) -> Iterator[pd.DataFrame]:
        """The rows, a chunk at a time.

        Parameters
        ----------
        columns : sequence of str, optional
            Only these, in this order.
        rows : int
            Per chunk, at most.
        on_refused : callable, optional
            Takes every line that is no row of the table. Without it they are an error, which
            counts all of them.

        Yields
        ------
        DataFrame
            Cells of text files are text, others are as they are. The index is the line or
            row of each.

        Raises
        ------
        ContractError
            Torn lines; no rows.
        ValueError, OSError
            A column that is not there; a file that cannot be read.
        """
        wanted = list(self.columns if columns is None else columns)
        known = set(self.columns)
        lacking = [c for c in wanted if c not in known]
        if lacking:
            raise ValueError(
                f"{self.name}: no column {', '.join(lacking)}; its columns: {_listed(self.columns)}"
            )
        rows = max(min(rows, _CELLS // max(len(wanted), 1)), 1)
        taken, torn, refused, first = 0, [], 0, None
        for part in sized(self._read(wanted, rows), rows):
            refused += len(part.torn)
            first = first or next(iter(part.torn), None)
            if on_refused is None:
                torn += part.torn
            else:
                for line in part.torn:
                    on_refused(Refused(*line))
            if len(part.numbers) and not torn:  # otherwise only count the torn lines to the end
                taken += len(part.numbers)
                yield part.frame(self.row_name)
        if torn:
            raise self._torn(torn)
        if not taken:
            found = "an empty table"
            if first:
                found = f"{refused:,} torn lines only, first in line {first.line}: {first.reason}"
            v = violations_frame([pd.NA], "all", "no rows", [found], self.row_name)
            asked = any("query" in f for f in self.files)
            todo = "look at the query" if asked else "export the table again, with its rows"
            raise ContractError(v, table=self.name, todo=todo)

    def _read(self, wanted: list[str], rows: int) -> Iterator[Part]:
        parts = self._parts(wanted, rows)
        while True:
            with reading(self.name):
                part = next(parts, None)
            if part is None:
                return
            yield part

    def _torn(self, torn: list[Torn]) -> ContractError:
        lines, reasons, texts = zip(*torn)
        found = [t if len(t) <= 80 else t[:80] + " …" for t in texts]
        violations = violations_frame(lines, "all", list(reasons), found, self.row_name)
        aside = "set them aside (--skip-bad-rows of kequn run, score)"
        todo = f"correct these lines in the file, or {aside}"
        return ContractError(violations, table=self.name, todo=todo)


def open_source(data, *, encoding=None, sheet=None, query=None) -> Source:
    """Open anything that holds a table.

    Parameters
    ----------
    data : path or table
        A text file (CSV and its kin, of any common separator; also packed, ``.gz`` or a
        ``.zip`` of one file), an Excel workbook (``.xlsx``), a Parquet file; a table of pandas,
        polars, pyarrow, or of anything that narwhals or the Arrow PyCapsule interface takes; the
        address of a database, without a password (that comes from ``KEQUN_DB_PASSWORD``).
    encoding : str, optional
        Of a text file, where it cannot be told.
    sheet : str or int, optional
        Of a workbook, by its name or its place (1 is the first); if not given, the first that is
        not empty.
    query : str, optional
        One SELECT, for a database; its rows are fetched once, in a session that only reads.

    Raises
    ------
    FileNotFoundError, IsADirectoryError, OSError
        The path is not a file that can be read; the database does not answer.
    ValueError, TypeError
        What is found there is no table; a query that is not one SELECT.
    ImportError
        A database's driver is not installed.

    Examples
    --------
    >>> source = open_source(pd.DataFrame({"customer_id": ["001"], "age_years": [41]}))
    >>> source.columns
    ('customer_id', 'age_years')
    >>> next(source.chunks())
        customer_id  age_years
    row
    1           001         41
    """
    if not isinstance(data, str | os.PathLike):
        name = type(data).__name__
        return Source(name, "row", *open_frame(data, name))
    if isinstance(data, str) and re.match(r"\w[\w+.-]*://", data):
        return _query_source(data, query)
    if query is not None:
        raise ValueError("a query is for a database, such as postgresql://user@host/bank")
    path = Path(data)
    name = shown(path.name)
    if path.is_dir():
        raise IsADirectoryError(f"{shown(path)} is a folder; name the file in it (CSV or Parquet)")
    if not path.exists():
        raise FileNotFoundError(
            f"{shown(path)} does not exist; check the path (now in {shown(Path.cwd())})"
        )
    if not path.is_file():
        raise ValueError(f"{shown(path)} can be read once only; save it to a file first")
    if path.stat().st_size == 0:
        empty = violations_frame([pd.NA], "all", "empty file", ["0 bytes"])
        raise ContractError(empty, table=name, todo="export the table again, with its header")
    with reading(name):
        files = ({"file": shown(data), "sha256": sha256(path)},)
        kind, opened = kind_of(path, name)
        if encoding is not None and kind != "text":
            raise ValueError(f"{name} is no text file; leave the encoding {encoding!r} out")
        if sheet is not None and kind != "excel":
            raise ValueError(f"{name} is no Excel workbook; leave the sheet {sheet!r} out")
        if kind == "parquet":
            columns, notes, parts = open_parquet(path, name)
            return Source(name, "row", columns, notes, parts, files)
        if kind == "excel":
            name, columns, notes, parts = open_sheet(opened, name, sheet)
            return Source(name, "row", columns, notes, parts, files)
        text = open_text(opened, name, encoding)
        parts = lambda wanted, _: text.parts(wanted)  # noqa: E731
        return Source(name, "line", text.columns, text.notes, parts, files)


def _query_source(address: str, query: str | None) -> Source:
    scheme = address.partition(":")[0]
    if scheme.lower() in ("http", "https", "ftp", "s3", "s3a", "gs", "abfs", "hdfs", "oss", "file"):
        raise ValueError(f"an address {scheme}://… is not read; copy the file here, give its path")
    if query is None:
        raise ValueError("a database needs a query: one SELECT (--query)")
    name, *rest = open_query(address, query)
    return Source(name, "row", *rest)


def shown(path) -> str:
    """A path as it can be printed, whatever bytes its name has."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _listed(names, most: int = 40) -> str:
    return ", ".join(names[:most]) + (f" … ({len(names)} in all)" if len(names) > most else "")
