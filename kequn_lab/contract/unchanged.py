"""A Parquet file whose types are ours already: is there nothing to convert and nothing wrong?

The usual way in looks at every cell in pandas. Here DuckDB reads the file once and gives the
extremes of its numbers and the distinct texts of its other columns, which go through the same
rules (:mod:`kequn_lab.contract._texts`). Only a file without any doubt passes; whatever
else there is goes the usual way, which says what is wrong.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet
from numpy.typing import NDArray

from kequn_lab._duckdb import MEMORY_LIMIT, scan
from kequn_lab.contract._counting import MOST_CODES
from kequn_lab.contract._texts import MISSING_TEXT, alike, clean, is_missing, nothing_to_do
from kequn_lab.contract.keys import Known, hashes
from kequn_lab.contract.tables import Column, Contract

__all__ = ["Unchanged", "unchanged"]

_WHOLE = 2**53  # above it neighbouring integers are the same float
_LONG_ID = 15  # digits; a longer id may have lost some in a spreadsheet
#: More distinct remarks than these go the usual way.
_MOST_TEXTS = 10_000


class Unchanged(NamedTuple):
    """Rows of the file, those of its columns that are read, the hashes of its customers in
    order."""

    rows: int
    columns: tuple[str, ...]
    customers: NDArray[np.uint64]


def unchanged(path, contract: Contract, *, known: Known | None = None) -> Unchanged | None:
    """What a file holds that meets its contract as it is; None where there is any doubt.

    Parameters
    ----------
    path : path
        Of a Parquet file whose columns have the contract's names.
    contract : Contract
    known : Known, optional
        The customers there are.
    """
    import duckdb

    try:
        with Path(path).open("rb") as file:
            schema = pa.parquet.ParquetFile(file).schema_arrow
    except (pa.ArrowException, OSError):
        return None
    names = [name.lower() for name in schema.names]  # DuckDB does not tell Id from id
    own = [c for c in contract.columns if c.name in schema.names]
    required = {c.name for c in contract.columns if c.required}
    if len(set(names)) < len(names) or required - {c.name for c in own}:
        return None
    if not all(_typed(schema.field(c.name).type, c) for c in own):
        return None
    with TemporaryDirectory(prefix="kequn_") as spill:
        config: dict[str, Any] = {"memory_limit": MEMORY_LIMIT, "temp_directory": spill}
        try:
            with duckdb.connect(config=config) as con:
                return _proved(con, scan(path), contract, own, known)
        except duckdb.Error:  # a damaged file: the usual way says so
            return None


def _typed(kind: pa.DataType, column: Column) -> bool:
    """Is it a type that is read without a change of any cell?"""
    if column.dtype in ("id", "text"):
        kind = kind.value_type if pa.types.is_dictionary(kind) else kind
        return pa.types.is_string(kind) or pa.types.is_large_string(kind)
    if column.dtype == "number":
        return pa.types.is_float64(kind) or pa.types.is_float32(kind) or pa.types.is_integer(kind)
    if column.dtype == "timestamp":
        fine = pa.types.is_timestamp(kind) and kind.tz is None and kind.unit != "ns"
        return fine or pa.types.is_date32(kind)
    return column.dtype == "boolean" and pa.types.is_boolean(kind)


def _proved(con, table: str, contract: Contract, own: list[Column], known: Known | None):
    """The rules of the contract, each by the cheapest query that settles it."""
    numbers = [c for c in own if c.dtype == "number"]
    extremes = [f', min("{c.name}"), max("{c.name}")' for c in numbers]
    counts = "".join(f', count("{c.name}")' for c in own if not c.nullable)
    query = f"SELECT count(*){''.join(extremes)}{counts} FROM {table}"
    ((rows, *found),) = con.execute(query).fetchall()
    least_most, there = found[: 2 * len(numbers)], found[2 * len(numbers) :]
    if not rows or any(n != rows for n in there):
        return None
    if not all(map(_in_range, numbers, least_most[::2], least_most[1::2])):
        return None
    customers = np.array([], dtype=np.uint64)
    for c in own:
        if c.dtype not in ("id", "text"):
            continue
        query = f'SELECT DISTINCT "{c.name}" AS x FROM {table} WHERE "{c.name}" IS NOT NULL'
        texts = con.sql(query).to_arrow_table()["x"].combine_chunks().cast(pa.large_string())
        if not _written_well(texts, c):
            return None
        if c.name == "customer_id":
            customers = np.sort(hashes(pd.Series(texts.to_pandas(), dtype="str")))
            if contract.key == (c.name,) and len(customers) != rows:
                return None
    if known is not None and not _all_known(customers, known):
        return None
    if len(contract.key) > 1:
        key = ", ".join(f'"{name}"' for name in contract.key)
        query = f"SELECT count(*) FROM (SELECT DISTINCT {key} FROM {table})"
        if con.execute(query).fetchall() != [(rows,)]:
            return None
    return Unchanged(rows, tuple(c.name for c in own), customers)


def _in_range(column: Column, least, most) -> bool:
    """Finite numbers within the bounds; in DuckDB NaN is above all others. Whole numbers are
    small enough to be the same as floats."""
    if least is None:
        return True
    if isinstance(least, int) and max(-least, most) > _WHOLE:
        return False
    low = -np.inf if column.ge is None else column.ge
    high = np.inf if column.le is None else column.le
    return bool(np.isfinite([least, most]).all() and low <= least and most <= high)


def _written_well(texts: pa.Array, column: Column) -> bool:
    """Would no cell be changed, and nothing be said of it?"""
    if column.dtype == "id":
        longest = pc.max(pc.utf8_length(texts)).as_py() or 0
        return longest <= _LONG_ID and nothing_to_do(texts)
    if column.isin:
        return nothing_to_do(texts, column.isin)
    if len(texts) > _MOST_TEXTS or is_missing(texts, MISSING_TEXT).any():
        return False
    if not pc.all(pc.equal(clean(texts, width=False), texts), min_count=0).as_py():
        return False
    return len(texts) < MOST_CODES and not alike(texts.to_pylist())


def _all_known(customers: NDArray[np.uint64], known: Known) -> bool:
    if not len(known.hashes):
        return False
    place = np.minimum(np.searchsorted(known.hashes, customers), len(known.hashes) - 1)
    return bool((known.hashes[place] == customers).all())
