"""Customer tables too large for memory, in chunks: a file, a bank's raw tables, a database.

Every function yields pyarrow Tables with ``customer_id`` as text and the features as numbers,
for :func:`kequn_lab.run.scoring.score_chunks`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from kequn_lab.contract.sources import Refused, open_source
from kequn_lab.features.customers import feature_query

__all__ = ["from_database", "from_feature_table", "from_raw_tables", "without_password"]

ROWS = 250_000
PASSWORD = "KEQUN_DB_PASSWORD"
_NUMBER = r"^\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*$"
_MISSING = ("", "NA", "N/A", "NULL", "null", "NaN", "nan", "None", "\\N")


def from_feature_table(
    path: str | Path,
    columns: Sequence[str],
    *,
    id_column: str = "customer_id",
    on_refused: Callable[[Refused], None] | None = None,
    rows: int = ROWS,
) -> Iterator[pa.Table]:
    """A ready customer table from Parquet or CSV.

    Parameters
    ----------
    path : path
        ``.parquet``, or text of any encoding and separator that
        :func:`~kequn_lab.contract.sources.open_source` knows.
    columns : sequence of str
        The features (``Scorecard.feature_names``); other columns are not read.
    id_column : str
    on_refused : callable, optional
        Takes rows of a CSV that are torn or hold text where a number belongs; without it the
        first of them is an error.
    rows : int
        Per chunk, about.

    Raises
    ------
    ValueError
        A column is lacking; a broken row.
    FileNotFoundError
        No such file.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder, "features.csv")
    ...     _ = file.write_text("customer_id,age_years\\n001,41\\n002,\\n")
    ...     [chunk.to_pydict() for chunk in from_feature_table(file, ["age_years"])]
    [{'customer_id': ['001', '002'], 'age_years': [41.0, None]}]
    """
    source = open_source(path)
    wanted = [id_column, *columns]
    _require(wanted, source.columns, source.name)
    for chunk in source.chunks(wanted, rows=rows, on_refused=on_refused):
        yield _typed(pa.Table.from_pandas(chunk, preserve_index=False), id_column, on_refused)


@contextmanager
def from_raw_tables(*, as_of, columns: Sequence[str], months: int = 12, rows: int = ROWS, **tables):
    """A bank's own tables, turned into features by DuckDB, which spills to disk.

    Parameters
    ----------
    as_of, months : the window
    columns : sequence of str
        The features wanted.
    **tables : DataFrame or path of a Parquet file
        ``events`` and, if there are any, ``holdings`` and ``customers``.

    Yields
    ------
    tuple
        The chunks, and what :func:`~kequn_lab.features.window.count_window` counted.

    Raises
    ------
    ValueError
        A feature that these tables do not allow; no event in the window.
    """
    with feature_query(as_of=as_of, months=months, **tables) as (con, query, _, window):
        _require(columns, {r[0] for r in con.execute(f"DESCRIBE {query}").fetchall()},
                 "the tables given")  # fmt: skip
        wanted = ", ".join(f'"{c}"' for c in ["customer_id", *columns])
        batches = con.sql(f"SELECT {wanted} FROM ({query})").to_arrow_reader(rows)
        yield (_typed(pa.Table.from_batches([b]), "customer_id", None) for b in batches), window


def from_database(
    url: str,
    query: str,
    columns: Sequence[str],
    *,
    id_column: str = "customer_id",
    rows: int = ROWS,
) -> Iterator[pa.Table]:
    """The rows of a query, through SQLAlchemy (extra ``sql``).

    Parameters
    ----------
    url : str
        ``postgresql://user@host/bank``, without a password: that comes from the environment
        (``KEQUN_DB_PASSWORD``) or from the database's own file (``~/.pgpass``,
        ``?service=…``), so that it never stands in a command, a log or a record.
    query : str
        A SELECT that gives the id and the features.
    columns : sequence of str
        The features.

    Raises
    ------
    ValueError
        A password in the URL; a column that the query does not give.
    OSError
        The database does not answer, or refuses the query.
    ImportError
        SQLAlchemy is not installed.
    """
    sqlalchemy = _sqlalchemy()
    address = sqlalchemy.make_url(url)
    if address.password is not None:
        raise ValueError(
            f"{without_password(url)}: a password in the address ends in logs and shell "
            f"histories; leave it out and set {PASSWORD}, or use the database's service file"
        )
    if address.username and os.environ.get(PASSWORD):
        address = address.set(password=os.environ[PASSWORD])
    engine = sqlalchemy.create_engine(address, hide_parameters=True)
    try:
        with engine.connect().execution_options(stream_results=True) as connection:
            chunks = pd.read_sql_query(sqlalchemy.text(query), connection, chunksize=rows)
            for chunk in chunks:
                _require([id_column, *columns], chunk.columns, "the query's answer")
                table = pa.Table.from_pandas(chunk[[id_column, *columns]], preserve_index=False)
                yield _typed(table, id_column, None)
    except (sqlalchemy.exc.SQLAlchemyError, pd.errors.DatabaseError) as error:
        cause = error.__cause__ if isinstance(error, pd.errors.DatabaseError) else error
        reason = str(getattr(cause, "orig", None) or error).strip()
        raise OSError(f"{without_password(url)}: {reason}; check the address and query") from None
    finally:
        engine.dispose()


def without_password(url: str) -> str:
    """The address as a record may show it.

    Examples
    --------
    >>> without_password("postgresql://ann:secret@db/bank")
    'postgresql://ann:***@db/bank'
    """
    return _sqlalchemy().make_url(url).render_as_string(hide_password=True)


def _sqlalchemy():
    try:
        import sqlalchemy
    except ImportError as error:
        raise ImportError(
            "reading from a database needs SQLAlchemy: pip install 'kequn_lab[sql]', and the "
            "driver of your database (psycopg, pymysql, oracledb, …)"
        ) from error
    return sqlalchemy


def _require(wanted: Sequence[str], names, source: str) -> None:
    lacking = [c for c in wanted if c not in set(names)]
    if lacking:
        raise ValueError(
            f"{source}: no column {', '.join(lacking)}; the scorecard needs it: bring the column, "
            "or train a scorecard without it"
        )


def _typed(table: pa.Table, id_column: str, on_refused) -> pa.Table:
    """The id as text, the rest as numbers; a cell that is no number refuses its row."""
    ids = table.column(id_column)
    if pa.types.is_floating(ids.type):
        raise ValueError(f"{id_column} holds numbers with decimals; an id must be text")
    out, bad, why = {"customer_id": ids.cast(pa.string())}, None, []
    for name in (n for n in table.column_names if n != id_column):
        column = table.column(name)
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            column = pc.utf8_trim_whitespace(column)
            missing = pc.is_in(column, pa.array(_MISSING, column.type))
            column = pc.if_else(missing, pa.scalar(None, column.type), column)
            wrong = pc.fill_null(pc.invert(pc.match_substring_regex(column, _NUMBER)), False)
            if pc.any(wrong).as_py():
                why.append((name, column, wrong))
                bad = wrong if bad is None else pc.or_(bad, wrong)
                column = pc.if_else(wrong, pa.scalar(None, column.type), column)
        out[name] = column.cast(pa.float64(), safe=False)
    result = pa.table(out)
    if bad is None:
        return result
    for name, column, wrong in why:
        for i in pc.indices_nonzero(wrong).to_pylist():
            reason = f"customer {out['customer_id'][i]}: {name} is not a number"
            _refuse(Refused(0, reason, column[i].as_py()), on_refused)
    return result.filter(pc.invert(bad))


def _refuse(row: Refused, on_refused) -> None:
    if on_refused is None:
        where = f"line {row.line}: " if row.line else ""
        raise ValueError(
            f"{where}{row.reason}; found {row.text!r}; mend the row, or set such rows aside "
            "(--skip-bad-rows)"
        )
    on_refused(row)
