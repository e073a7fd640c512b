"""Pieces of a source on their way to chunks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa


class Torn(NamedTuple):
    """A line that is no record: its number, why, and its text."""

    line: int
    reason: str
    text: str


class Part(NamedTuple):
    """Some rows of a source, the line or row number of each, and the torn lines among them."""

    table: pa.Table | pd.DataFrame
    numbers: np.ndarray
    torn: list[Torn]

    def frame(self, row_name: str) -> pd.DataFrame:
        """As pandas holds the cells without loss; the caller's own data are not shared."""
        table = self.table
        df = _to_pandas(table) if isinstance(table, pa.Table) else table.copy(deep=False)
        df.index = pd.Index(self.numbers, name=row_name)
        return df


def numbered(tables: Iterable) -> Iterator[Part]:
    """Tables as parts, their rows counted from 1."""
    start = 1
    for table in tables:
        yield Part(table, np.arange(start, start + len(table)), [])
        start += len(table)


def sized(parts: Iterator[Part], rows: int) -> Iterator[Part]:
    """Arrow parts put together, or cut, to ``rows`` each; frames have that size already."""
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
    tables, numbers, torn = zip(*parts)
    return Part(pa.concat_tables(tables), np.concatenate(numbers), [t for ts in torn for t in ts])


#: Arrow's types and those of pandas that may have gaps.
_NULLABLE = {
    pa.int8(): pd.Int8Dtype(),
    pa.int16(): pd.Int16Dtype(),
    pa.int32(): pd.Int32Dtype(),
    pa.int64(): pd.Int64Dtype(),
    pa.uint8(): pd.UInt8Dtype(),
    pa.uint16(): pd.UInt16Dtype(),
    pa.uint32(): pd.UInt32Dtype(),
    pa.uint64(): pd.UInt64Dtype(),
    pa.bool_(): pd.BooleanDtype(),
}


def _to_pandas(table: pa.Table) -> pd.DataFrame:
    """Integers stay integers, also with a gap; dates are dates; UUIDs and bytes are text."""
    for i, column in enumerate(table.columns):
        if isinstance(column.type, pa.BaseExtensionType):
            text = pa.array([None if v is None else str(v) for v in column.to_pylist()])
            table = table.set_column(i, table.column_names[i], text.cast(pa.string()))
        elif pa.types.is_binary(column.type) or pa.types.is_fixed_size_binary(column.type):
            table = table.set_column(i, table.column_names[i], _words(column))
    holed = {c.type for c in table.columns if c.null_count}
    return table.to_pandas(
        date_as_object=False,
        split_blocks=True,  # no copy of columns without gaps
        ignore_metadata=True,
        types_mapper=lambda t: _NULLABLE.get(t) if t in holed else None,
    )


def _words(column: pa.ChunkedArray) -> pa.Array:
    """Bytes as the text they are, as many engines write it, or else as hexadecimal digits."""
    try:
        if not pa.types.is_fixed_size_binary(column.type):  # of which most are no text
            return column.cast(pa.string())
    except pa.ArrowInvalid:
        pass
    return pa.array([None if v is None else v.hex() for v in column.to_pylist()], pa.string())
