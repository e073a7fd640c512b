"""Tables with types: Parquet files and frames of any library."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from kequn_lab.contract._header import column_names
from kequn_lab.contract._parts import Part, numbered


def open_parquet(path: Path, name: str):
    """Columns, notes and the maker of parts of a Parquet file.

    The file is opened by name, so that ``[ ] * ?`` and ``name=value`` in a path mean nothing.
    """

    def batches(wanted: list[str] | None, rows: int) -> Iterator:
        with path.open("rb") as raw:
            try:
                # Without pre_buffer, or what was read is kept; with buffers, or each column of
                # a row group is read whole.
                file = pa.parquet.ParquetFile(raw, pre_buffer=False, buffer_size=1 << 20)
                if wanted is None:
                    yield file.schema_arrow
                else:
                    yield from file.iter_batches(batch_size=rows, columns=wanted)
            except (pa.ArrowException, OSError) as error:
                why = " ".join(str(error).split())
                raise ValueError(
                    f"{name} is no Parquet file, or is damaged ({why}); write it again"
                ) from error

    schema = next(batches(None, 0))
    given = [n for n in schema.names if not n.startswith("__index_level_")]  # of pandas
    columns, notes = column_names(given, name)
    theirs = dict(zip(columns, given))

    def parts(wanted: list[str], rows: int) -> Iterator[Part]:
        names = [theirs[c] for c in wanted]
        tables = (pa.Table.from_batches([b]).select(names) for b in batches(names, rows))
        return numbered(t.rename_columns(wanted) for t in tables)

    return columns, notes, parts


def open_frame(data, name: str):
    """Columns, notes and the maker of parts of a frame, which is left as it is."""
    if isinstance(data, pd.DataFrame):
        table = _with_named_index(data)
        given = list(table.columns)
        if table.columns.nlevels > 1:
            raise ValueError(f"{name}: its columns have several levels; give each one name")
    else:
        table = _arrow_table(data, name)
        given = table.column_names
    columns, notes = column_names(given, name)
    place = {c: i for i, c in enumerate(columns)}

    def parts(wanted: list[str], rows: int) -> Iterator[Part]:
        places, starts = [place[c] for c in wanted], range(0, len(table), rows)
        if isinstance(table, pd.DataFrame):
            picked = table.iloc[:, places].set_axis(wanted, axis=1)
            return numbered(picked.iloc[i : i + rows] for i in starts)
        picked = table.select(places).rename_columns(wanted)
        return numbered(picked.slice(i, rows) for i in starts)

    return columns, notes, parts


def _with_named_index(df: pd.DataFrame) -> pd.DataFrame:
    """An index that has a name is a column; one without is only the order of the rows."""
    levels = [(i, n) for i, n in enumerate(df.index.names) if n is not None and n not in df.columns]
    table = df.copy(deep=False)
    table.attrs = {}
    for place, (level, n) in enumerate(levels):
        table.insert(place, n, df.index.get_level_values(level))
    return table


def _arrow_table(data, name: str) -> pa.Table:
    import narwhals as nw

    try:
        if hasattr(data, "__arrow_c_stream__") and not isinstance(data, pd.Series):
            return pa.table(data)
        frame = nw.from_native(data)
        return (frame.collect() if isinstance(frame, nw.LazyFrame) else frame).to_arrow()
    except TypeError:
        raise TypeError(
            f"{name} {data!r:.60} is no table; give a path, a DataFrame of pandas or polars, "
            "a pyarrow Table, or a database address with a query"
        ) from None
    except (pa.ArrowException, NotImplementedError) as error:
        raise ValueError(f"{name}: it cannot be read as a table ({error})") from error
