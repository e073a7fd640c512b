"""The rows of one SELECT, spooled once, so that they can be read again and again.

Nothing but a single SELECT is sent, and the session can only read: two walls, since the text of a
query is seen by us and by the database with different eyes. The third is an account that may only
read, which is for the bank to give.
"""

from __future__ import annotations

import hashlib
import os
import re
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet

from kequn_lab.contract._header import column_names
from kequn_lab.contract._parts import Part, numbered

PASSWORD = "KEQUN_DB_PASSWORD"
_CELLS = 2_000_000  # fetched at a time
_SECRET = re.compile(r"pass(word|wd|phrase)?$|pwd$|secret|token", re.IGNORECASE)
_BEGIN = {
    "postgresql": ("SET TRANSACTION READ ONLY",),
    "oracle": ("SET TRANSACTION READ ONLY",),
    # The session as well: CREATE and DROP end a transaction before they are refused.
    "mysql": ("SET SESSION TRANSACTION READ ONLY", "START TRANSACTION READ ONLY"),
    "mariadb": ("SET SESSION TRANSACTION READ ONLY", "START TRANSACTION READ ONLY"),
}
#: What databases read in different ways; text with any of it is searched as a whole.
_EXOTIC = re.compile(
    r"""\\|\#|\$|/\*[!M+]|/\*(?:(?!\*/).)*/\*|--(?!\s|$)|\[[^\]]*['"`]""", re.DOTALL
)
_PLAIN = re.compile(r"""--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`""", re.DOTALL)
_WRITES = re.compile(r"\b(INTO|INSERT|UPDATE|DELETE|MERGE)\b", re.IGNORECASE)


def open_query(address: str, query: str):
    """Name, columns, notes, the maker of parts, and the record of a query's rows."""
    require_select(query)
    url = _url(address)
    name = without_password(address)
    spool = _Spool()
    fetched = (
        _from_duckdb(url, query, name) if url.drivername == "duckdb" else _fetched(url, query, name)
    )
    for batch in fetched:
        spool.add(batch)
    schema = spool.finish()
    columns, notes = column_names(schema.names, f"{name}, the answer to the query")

    def parts(wanted: list[str], rows: int) -> Iterator[Part]:
        names = dict(zip(columns, schema.names))
        picked = pa.schema([schema.field(names[c]) for c in wanted])
        return numbered(t.rename_columns(wanted) for t in spool.tables(picked, rows))

    return name, columns, notes, parts, ({"file": name, "query": query, "sha256": spool.sha256},)


def require_select(query: str) -> None:
    """Refuse all but one SELECT, also one that begins with WITH.

    Examples
    --------
    >>> require_select("WITH a AS (SELECT 1) SELECT * FROM a WHERE kind = 'delete; it';")
    >>> require_select("WITH a AS (SELECT 1) DELETE FROM customers")
    Traceback (most recent call last):
        ...
    ValueError: the query may only read, and it says DELETE; give one SELECT (put names like ...
    """
    text = query if _EXOTIC.search(query) else _PLAIN.sub(" ", query)
    text = text.strip().removesuffix(";")
    first = re.match(r"[\s(]*(\w+)", text)
    found = _WRITES.search(text)
    if ";" in text:
        problem = "it holds several statements (;)"
    elif first is None or first.group(1).upper() not in ("SELECT", "WITH"):
        problem = f"it begins with {first.group(1) if first else text[:10]!r}"
    elif found:
        problem = f"it says {found.group(1).upper()}"
    else:
        return
    raise ValueError(
        f"the query may only read, and {problem}; give one SELECT (put names like that in quotes)"
    )


def without_password(address: str) -> str:
    """The address as a message or a record may show it.

    Examples
    --------
    >>> without_password("postgresql://ann:secret@db/bank?sslpassword=x&sslmode=require")
    'postgresql://ann:***@db/bank?sslmode=require&sslpassword=***'
    """
    url = _parsed(address)
    hidden = dict.fromkeys(_secrets(url), "***")
    return url.update_query_dict(hidden).render_as_string(hide_password=True).replace("%2A", "*")


def _sqlalchemy():
    try:
        import sqlalchemy
    except ImportError as error:
        raise ImportError(
            "reading from a database needs SQLAlchemy: pip install 'kequn_lab[sql]', and the "
            "driver of your database (psycopg, pymysql, oracledb, …)"
        ) from error
    return sqlalchemy


def _parsed(address: str):
    sqlalchemy = _sqlalchemy()
    try:
        return sqlalchemy.make_url(address)
    except (sqlalchemy.exc.ArgumentError, ValueError):  # which quotes what may be a password
        raise ValueError(
            "the address of the database cannot be read; write it as "
            "postgresql://user@host:5432/bank, sqlite:///bank.db or duckdb:///bank.duckdb"
        ) from None


def _secrets(url) -> list[str]:
    """Parameters of an address that hold a password."""
    odbc = [k for k, v in url.query.items() if "pwd=" in str(v).lower()]
    return odbc + [k for k in url.query if _SECRET.search(k)]


def _url(address: str):
    """The address with the password from the environment; one in the address is refused."""
    url = _parsed(address)
    if url.password is not None or _secrets(url):
        raise ValueError(
            f"{without_password(address)}: a password in the address ends in logs and shell "
            f"histories; leave it out and set {PASSWORD}, or use the database's service file"
        )
    if url.drivername.partition("+")[0] in ("sqlite", "duckdb"):
        path = Path((url.database or "").removeprefix("file:"))
        if not path.is_file():
            raise FileNotFoundError(
                f"{without_password(address)}: there is no file {str(path)!r}; check the path (now "
                f"in {Path.cwd()})"
            )
        if url.drivername != "duckdb":  # opened so that it can neither be written nor created
            query = {**url.query, "mode": "ro", "uri": "true"}
            return url.set(database=f"file:{quote(str(path.resolve()))}", query=query)
    if url.username and os.environ.get(PASSWORD):
        return url.set(password=os.environ[PASSWORD])
    return url


def _fetched(url, query: str, name: str) -> Iterator[pa.Table]:
    sqlalchemy = _sqlalchemy()
    kind = url.get_backend_name()
    try:
        engine = sqlalchemy.create_engine(url, hide_parameters=True)
    except (ImportError, sqlalchemy.exc.NoSuchModuleError) as error:
        raise ImportError(
            f"{name}: no driver for this kind of database ({error}); install it (pip install "
            "psycopg, pymysql, oracledb, …) and name it: postgresql+psycopg://…, mysql+pymysql://…"
        ) from None
    try:
        with engine.connect() as connection:
            if kind == "sqlite":
                connection.connection.driver_connection.set_authorizer(_only_reading)
            for statement in _BEGIN.get(kind, ()):
                connection.exec_driver_sql(statement)
            options = {"stream_results": True, "no_parameters": True}
            result = connection.exec_driver_sql(query, execution_options=options)
            names = list(result.keys())
            yield _table(names, [])
            while rows := result.fetchmany(max(_CELLS // len(names), 1)):
                yield _table(names, rows)
    except sqlalchemy.exc.SQLAlchemyError as error:
        raise OSError(_refused(name, getattr(error, "orig", None) or error)) from None
    finally:
        engine.dispose()


def _only_reading(action: int, *_) -> int:
    """What SQLite asks before every step: also ATTACH and VACUUM would create files."""
    allowed = (
        sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION,
        sqlite3.SQLITE_RECURSIVE,
    )  # fmt: skip
    return sqlite3.SQLITE_OK if action in allowed else sqlite3.SQLITE_DENY


def _from_duckdb(url, query: str, name: str) -> Iterator[pa.Table]:
    import duckdb

    try:
        statements = duckdb.extract_statements(query)
        if [s.type for s in statements] != [duckdb.StatementType.SELECT]:
            raise ValueError("the query may only read; give one SELECT")
        with closing(duckdb.connect(url.database, read_only=True)) as con:
            reader = con.sql(query).to_arrow_reader(100_000)
            yield reader.schema.empty_table()
            for batch in reader:
                yield pa.Table.from_batches([batch])
    except duckdb.Error as error:
        raise OSError(_refused(name, error)) from None


def _refused(name: str, error) -> str:
    reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
    if password := os.environ.get(PASSWORD):
        reason = reason.replace(password, "***")
    return f"{name}: {reason}; check the address and query"


def _table(names: list[str], rows: list) -> pa.Table:
    columns = zip(*rows) if rows else [()] * len(names)
    return pa.Table.from_arrays([_array(list(c)) for c in columns], names)


def _array(values: list) -> pa.Array:
    """Values of a database in the type they have; as text if they have none in common."""
    some = next((v for v in values if v is not None), None)
    if isinstance(some, memoryview):
        values = [None if v is None else bytes(v) for v in values]
    if not isinstance(some, UUID | dict | list):
        for kind in (None, pa.uint64()):
            try:
                return pa.array(values, kind)
            except (pa.ArrowException, OverflowError, TypeError):
                continue
    return pa.array([None if v is None else str(v) for v in values], pa.string())


class _Spool:
    """Rows in temporary Parquet files that have no name, so that none is ever left behind.

    Types are seen only as rows come: a column that changes its type begins a new file, and
    reading brings all files to what their types have in common.
    """

    def __init__(self):
        self.files: list = []
        self.schemas: list[pa.Schema] = []
        self.writer: Any = None
        self.sha256 = ""

    def add(self, table: pa.Table) -> None:
        if self.schemas:
            known = self.schemas[-1]
            kinds = [
                k.type if pa.types.is_null(t.type) else t.type for k, t in zip(known, table.schema)
            ]
            table = table.cast(pa.schema(list(zip(table.column_names, kinds))))
        if not self.schemas or table.schema != self.schemas[-1]:
            self._close()
            self.files.append(tempfile.TemporaryFile(prefix="kequn_"))  # noqa: SIM115
            self.schemas.append(table.schema)
            self.writer = pa.parquet.ParquetWriter(self.files[-1], table.schema)
        self.writer.write_table(table)

    def _close(self) -> None:
        if self.writer is not None:
            self.writer.close()

    def finish(self) -> pa.Schema:
        """The schema that all rows can be given."""
        self._close()
        digest = hashlib.sha256()
        for file in self.files:
            file.seek(0)
            while block := file.read(1 << 20):
                digest.update(block)
        self.sha256 = digest.hexdigest()
        fields = zip(*self.schemas)
        return pa.schema([(f[0].name, _common([x.type for x in f])) for f in fields])

    def tables(self, schema: pa.Schema, rows: int) -> Iterator[pa.Table]:
        for file in self.files:
            reader = pa.parquet.ParquetFile(file, pre_buffer=False)
            for batch in reader.iter_batches(batch_size=rows, columns=schema.names):
                yield pa.Table.from_batches([batch]).select(schema.names).cast(schema)


def _common(types: list[pa.DataType]) -> pa.DataType:
    types = [t for t in types if not pa.types.is_null(t)]
    if not types:
        return pa.string()
    try:
        schemas = [pa.schema([("x", t)]) for t in types]
        return pa.unify_schemas(schemas, promote_options="permissive").field("x").type
    except pa.ArrowException:
        return pa.string()
