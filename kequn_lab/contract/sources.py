"""Anything that holds a table, as one kind of source: raw cells, in chunks, again and again.

Nothing is converted here; what the cells mean is decided by the contract
(:mod:`kequn_lab.contract.cells`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from kequn_lab._files import sha256
from kequn_lab._notes import Note
from kequn_lab.contract._header import column_names
from kequn_lab.contract._text import Part, Torn, open_text
from kequn_lab.contract.tables import ContractError, violations_frame

__all__ = ["Refused", "Source", "open_source"]

ROWS = 250_000
_CELLS = 20_000_000  # of one chunk, whatever its rows
_PARQUET = (".parquet", ".pq")


@dataclass(frozen=True)
class Refused:
    """A row that was not taken: its line in the file, why, and its text as it stands there."""

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
    notes: tuple[Note, ...] = ()
    files: tuple[dict, ...] = ()
    _parts: Callable[[list[str], int], Iterator[Part]] = field(default=None, repr=False)

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
            Cells of text files are text, others are as they are. The index bears the line or
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
        for part in _sized(self._parts(wanted, rows), rows):
            refused += len(part.torn)
            first = first or next(iter(part.torn), None)
            if on_refused is None:
                torn += part.torn
            for line in part.torn if on_refused is not None else ():
                on_refused(Refused(*line))
            if len(part.numbers) and not torn:  # otherwise only count the torn lines to the end
                taken += len(part.numbers)
                yield self._frame(part)
        if torn:
            raise self._torn(torn)
        if not taken:
            found = "an empty table"
            if first:
                found = f"{refused:,} torn lines only, first in line {first.line}: {first.reason}"
            v = violations_frame([pd.NA], "all", "no rows", [found], self.row_name)
            raise ContractError(v, table=self.name, todo="export the table again, with its rows")

    def _frame(self, part: Part) -> pd.DataFrame:
        table = part.table
        df = _to_pandas(table) if isinstance(table, pa.Table) else table.copy(deep=False)
        df.index = pd.Index(part.numbers, name=self.row_name)
        return df

    def _torn(self, torn: list[Torn]) -> ContractError:
        lines, reasons, texts = zip(*torn)
        found = [t if len(t) <= 80 else t[:80] + " …" for t in texts]
        violations = violations_frame(lines, "all", list(reasons), found, self.row_name)
        todo = "mend these lines in the file, or set them aside (kequn run --skip-bad-rows)"
        return ContractError(violations, table=self.name, todo=todo)


def open_source(data, *, encoding=None, sheet=None, query=None) -> Source:
    """Open anything that holds a table.

    Parameters
    ----------
    data : path or table
        A text file (CSV and its kin, of any common separator), a Parquet file; a table of
        pandas, polars, pyarrow, or of anything that narwhals or the Arrow PyCapsule interface
        takes.
    encoding : str, optional
        Of a text file, where it cannot be told.

    Raises
    ------
    FileNotFoundError, IsADirectoryError, OSError
        The path is not a file that can be read.
    ValueError
        What is found there is no table.

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
        return _frame_source(data)
    path = Path(data)
    name = shown(path.name)
    if path.is_dir():
        raise IsADirectoryError(f"{shown(path)} is a folder; name the file in it (CSV or Parquet)")
    if not path.exists():
        raise FileNotFoundError(
            f"{shown(path)} does not exist; check the path (now in {shown(Path.cwd())})"
        )
    if path.stat().st_size == 0:
        empty = violations_frame([pd.NA], "all", "empty file", ["0 bytes"])
        raise ContractError(empty, table=name, todo="export the table again, with its header")
    files = ({"file": shown(data), "sha256": sha256(path)},)
    if path.suffix.lower() in _PARQUET:
        return _parquet_source(path, name, files)
    text = open_text(partial(path.open, "rb"), name, encoding)
    return Source(name, "line", text.columns, text.notes, files, lambda c, _: text.parts(c))


def shown(path) -> str:
    """A path as it can be printed, whatever bytes its name has."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _parquet_source(path: Path, name: str, files) -> Source:
    def opened() -> pa.parquet.ParquetFile:
        try:
            # Opened by name, so that [ ] * ? and name=value in a path mean nothing; without
            # pre_buffer, or what was read is kept.
            return pa.parquet.ParquetFile(path.open("rb"), pre_buffer=False)
        except (pa.ArrowException, OSError) as error:
            raise ValueError(f"{name} is no Parquet file, or is damaged ({error})") from error

    with opened() as file:
        given = [n for n in file.schema_arrow.names if not n.startswith("__index_level_")]
    columns, notes = column_names(given, name)
    theirs = dict(zip(columns, given))

    def parts(wanted: list[str], rows: int) -> Iterator[Part]:
        with opened() as file:
            batches = file.iter_batches(batch_size=rows, columns=[theirs[c] for c in wanted])
            tables = (
                pa.Table.from_batches([b]).select([theirs[c] for c in wanted]) for b in batches
            )
            try:
                yield from _numbered(t.rename_columns(wanted) for t in tables)
            except (pa.ArrowException, OSError) as error:
                raise ValueError(f"{name} is damaged ({error}); write it again") from error

    return Source(name, "row", columns, notes, files, parts)


def _frame_source(data) -> Source:
    if isinstance(data, pd.DataFrame):
        name = "DataFrame"
        table = _with_named_index(data)
        if table.columns.nlevels > 1:
            raise ValueError("DataFrame: its columns have several levels; give each one name")
    else:
        name = type(data).__name__
        table = _arrow_table(data)
        if table is None:
            raise TypeError(
                f"{name} {data!r:.60} is no table; give a path, a DataFrame of pandas or polars, "
                "a pyarrow Table, or a database address with a query"
            )
    given = list(table.columns if isinstance(table, pd.DataFrame) else table.column_names)
    columns, notes = column_names(given, name)
    place = {c: i for i, c in enumerate(columns)}

    def parts(wanted: list[str], rows: int) -> Iterator[Part]:
        places = [place[c] for c in wanted]
        pieces = range(0, len(table), rows)
        if isinstance(table, pd.DataFrame):
            picked = table.iloc[:, places].set_axis(wanted, axis=1)
            return _numbered(picked.iloc[i : i + rows] for i in pieces)
        picked = table.select(places).rename_columns(wanted)
        return _numbered(picked.slice(i, rows) for i in pieces)

    return Source(name, "row", columns, notes, (), parts)


def _with_named_index(df: pd.DataFrame) -> pd.DataFrame:
    """An index that has a name is a column; one without is only the order of the rows."""
    levels = [(i, n) for i, n in enumerate(df.index.names) if n is not None and n not in df.columns]
    table = df.copy(deep=False)
    table.attrs = {}
    for place, (level, n) in enumerate(levels):
        table.insert(place, n, df.index.get_level_values(level))
    return table


def _arrow_table(data) -> pa.Table | None:
    import narwhals as nw

    try:
        if hasattr(data, "__arrow_c_stream__") and not isinstance(data, pd.Series):
            return pa.table(data)
        frame = nw.from_native(data)
        return (frame.collect() if isinstance(frame, nw.LazyFrame) else frame).to_arrow()
    except TypeError:
        return None
    except (pa.ArrowException, NotImplementedError) as error:
        raise ValueError(
            f"{type(data).__name__}: it cannot be read as a table ({error})"
        ) from error


def _numbered(tables) -> Iterator[Part]:
    start = 1
    for table in tables:
        yield Part(table, np.arange(start, start + len(table)), [])
        start += len(table)


def _sized(parts: Iterator[Part], rows: int) -> Iterator[Part]:
    """Parts of text put together to chunks of ``rows``; other parts have that size already."""
    waiting: list[Part] = []
    for part in parts:
        if not isinstance(part.table, pa.Table):
            yield part
            continue
        waiting.append(part)
        total = sum(len(p.numbers) for p in waiting)
        while total >= rows:
            whole = _joined(waiting)
            yield Part(whole.table[:rows], whole.numbers[:rows], whole.torn)
            waiting = [Part(whole.table[rows:], whole.numbers[rows:], [])]
            total -= rows
    if waiting:
        yield _joined(waiting)


def _joined(parts: list[Part]) -> Part:
    if len(parts) == 1:
        return parts[0]
    tables = pa.concat_tables([p.table for p in parts])
    return Part(
        tables, np.concatenate([p.numbers for p in parts]), [t for p in parts for t in p.torn]
    )


def _to_pandas(table: pa.Table) -> pd.DataFrame:
    """Cells as pandas holds them without loss: integers stay integers, also with a gap."""
    holed = {c.type for c in table.columns if c.null_count}
    nullable = {getattr(pa, t)(): getattr(pd, n + "Dtype")() for t, n in _NULLABLE.items()}
    for i, column in enumerate(table.columns):
        kind = column.type
        if isinstance(kind, pa.BaseExtensionType):  # such as UUID
            text = pa.array(
                [None if v is None else str(v) for v in column.to_pylist()], pa.string()
            )
            table = table.set_column(i, table.field(i).name, text)
    return table.to_pandas(
        date_as_object=False,
        types_mapper=lambda t: nullable.get(t) if t in holed else None,
    )


_NULLABLE = {
    "int8": "Int8", "int16": "Int16", "int32": "Int32", "int64": "Int64", "uint8": "UInt8",
    "uint16": "UInt16", "uint32": "UInt32", "uint64": "UInt64", "bool_": "Boolean",
}  # fmt: skip


def _listed(names, most: int = 40) -> str:
    return ", ".join(names[:most]) + (f" … ({len(names)} in all)" if len(names) > most else "")
