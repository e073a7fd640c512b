"""Files that others read: labels and tables as CSV or Parquet, records as JSON.

Every file is written beside its target, flushed to the disk and renamed: whoever reads,
and whenever the machine stops, finds the old file or the new one, never half of either.

CSV is made for spreadsheets and campaign systems. A text cell that a spreadsheet would run
as a formula gets an apostrophe in front (:func:`read_labels` takes it off again). Numbers
are left alone. Excel still turns an 18-digit id into a rounded number when the file is
opened by double click: give it ``labels.xlsx``, or import the CSV with *Data > From Text/CSV*
and set ``customer_id`` to *Text* (数据 > 从文本/CSV, 列类型选"文本").
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from kequn_lab._files import ENCODINGS, replacing, sha256, versions, write_json
from kequn_lab._json import as_kind, read_json
from kequn_lab.export._formulas import escape_formulas, restore_formulas

__all__ = ["escape_formulas", "read_labels", "write_labels", "write_table"]

LABELS_SCHEMA = "kequn_lab.labels/1"


def write_table(
    df: pd.DataFrame, path: str | Path, *, encoding: str = ENCODINGS[0]
) -> dict[str, str]:
    """Write a table as CSV (or Parquet, by the name), whole or not at all.

    Parameters
    ----------
    df : DataFrame
        An index with a name, or of anything but row numbers, is written first.
    path : path
        ``….csv`` or ``….parquet``.
    encoding : {'utf-8-sig', 'utf-8', 'gb18030'}
        Of a CSV. The first opens right in Excel on any Windows.

    Returns
    -------
    dict of str to str
        The type of each column, for :func:`read_csv`.

    Raises
    ------
    ValueError
        Unknown encoding or ending.
    OSError
        The folder cannot take the file, or the disk is full; an older file is untouched.

    See Also
    --------
    write_labels : labels with their sidecar.
    """
    table = _arrow(df)
    _write(table, path, encoding)
    return {field.name: str(field.type) for field in table.schema}


def write_labels(
    labels: pd.DataFrame,
    path: str | Path,
    *,
    encoding: str = ENCODINGS[0],
    sort: bool = False,
    meta: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Write customer labels and, beside them, a record of what they are.

    Parameters
    ----------
    labels : DataFrame
        One row per customer; ``customer_id`` is a column (or the index) of text. Rows are
        written in the order given: pasted beside the table they came from, they fit.
    path : path
        ``labels.csv`` or ``labels.parquet``; the record becomes ``labels.meta.json``.
    encoding : {'utf-8-sig', 'utf-8', 'gb18030'}
        Of a CSV.
    sort : bool
        Write the rows in the order of ``customer_id`` as text: 1, 10, 100, 2.
    meta : mapping, optional
        What only the caller knows: ``model_id``, ``random_state``, ``inputs`` (name to
        SHA-256), ``synthetic`` (True, False; None when not said).

    Returns
    -------
    dict
        The record as written: schema, file, SHA-256, rows, columns, versions, and ``meta``.

    Raises
    ------
    ValueError
        No ``customer_id``, one that is missing or given twice, or an id that is not text.
    OSError
        As :func:`write_table`.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> labels = pd.DataFrame({"customer_id": ["b", "100000000000000019"], "cluster": [0, 1]})
    >>> with TemporaryDirectory() as folder:
    ...     record = write_labels(labels, Path(folder, "labels.csv"), meta={"synthetic": True})
    ...     print(Path(folder, "labels.csv").read_text(encoding="utf-8-sig"))
    "customer_id","cluster"
    "b",0
    "100000000000000019",1
    >>> record["rows"], record["synthetic"]
    (2, True)
    """
    path = Path(path)
    table = _arrow(labels)
    _require_customers(table, path.name)
    if sort:
        table = table.sort_by("customer_id")
    _write(table, path, encoding)
    columns = {field.name: str(field.type) for field in table.schema}
    return write_record(
        path, rows=table.num_rows, columns=columns, encoding=encoding, meta=dict(meta or {})
    )


def write_record(
    path: Path, *, rows: int, columns: Mapping[str, str], encoding: str, meta: Mapping[str, Any]
) -> dict[str, Any]:
    """Describe a label file that was just written, in ``….meta.json`` beside it."""
    path = Path(path)
    record = {
        "schema": LABELS_SCHEMA,
        "file": path.name,
        "sha256": sha256(path),
        "rows": rows,
        "encoding": encoding,
        "escaping": "an apostrophe is put before text that a spreadsheet would run",
        "columns": {n: "large_string" if t == "string" else t for n, t in columns.items()},
        "versions": versions(),
    }
    if _is_parquet(path):
        del record["encoding"], record["escaping"]
    clash = sorted(record.keys() & meta.keys())
    if clash:
        raise ValueError(f"meta: {', '.join(clash)} written by write_labels itself; leave it out")
    record |= {"synthetic": None, **meta}
    write_json(record, sidecar(path))
    return record


def sidecar(path: str | Path) -> Path:
    """Return the place of a label file's record: ``labels.csv`` -> ``labels.meta.json``."""
    return Path(path).with_suffix(".meta.json")


def read_labels(path: str | Path, *, verify: bool = True) -> pd.DataFrame:
    """Read what :func:`write_labels` wrote, cell for cell; ids are text.

    Parameters
    ----------
    path : path
        ``labels.csv`` or ``labels.parquet``.
    verify : bool
        Compare the file with the SHA-256 in its record. False reads a file that was edited,
        or that has no record.

    Returns
    -------
    DataFrame
        ``attrs["meta"]`` holds the record.

    Raises
    ------
    ValueError
        The file is not the one that the record describes.
    FileNotFoundError
        No such file, or no record beside it.
    """
    path = Path(path)
    record: dict[str, Any] = {}
    if verify:
        if not sidecar(path).exists():
            raise FileNotFoundError(
                f"{sidecar(path)} does not exist; it belongs beside {path.name} (verify=False "
                "reads the labels without it)"
            )
        record = read_json(sidecar(path))
        as_kind(_Record, record, what=sidecar(path).name, extra="ignore")
        if sha256(path) != record["sha256"]:
            raise ValueError(
                f"{path.name} is not the file that {sidecar(path).name} describes (SHA-256 "
                "differs): it was edited, or a run stopped between the two; write it again"
            )
    if _is_parquet(path):
        with path.open("rb") as file:  # the file of this name, whatever its folders are called
            table = pa.parquet.ParquetFile(file).read()
    else:
        columns = {"customer_id": "large_string", **record.get("columns", {})}
        table = read_csv(path, columns, encoding=record.get("encoding", "utf-8-sig"))
    df = table.to_pandas()
    df.attrs["meta"] = record
    return df


@dataclass(frozen=True)
class _Record:
    """What :func:`read_labels` needs of a record."""

    schema: Literal["kequn_lab.labels/1"]
    sha256: str
    columns: dict[str, str]
    encoding: str = ENCODINGS[0]


def read_csv(path: Path, columns: Mapping[str, str], *, encoding: str = ENCODINGS[0]) -> pa.Table:
    """A CSV that this kit wrote, cell for cell, by the types that its record names.

    Parameters
    ----------
    path : Path
    columns : mapping of str to str
        Arrow type of each column, as ``run.json`` names it.
    encoding : str

    Returns
    -------
    pyarrow.Table

    Raises
    ------
    ValueError
        The file does not fit its record.
    """
    try:
        options = pa.csv.ConvertOptions(
            column_types={name: _type(t) for name, t in columns.items()},
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            null_values=[""],
        )
        table = pa.csv.read_csv(
            path,
            read_options=pa.csv.ReadOptions(encoding=encoding.removesuffix("-sig")),
            parse_options=pa.csv.ParseOptions(newlines_in_values=True),
            convert_options=options,
        )
    except (pa.ArrowException, ValueError, LookupError) as error:
        raise ValueError(f"{path.name} does not fit its record: {error}") from error
    return restore_formulas(table)


def _type(name: str) -> pa.DataType:
    if name.startswith("timestamp"):
        return pa.timestamp(name.partition("[")[2][:2].strip("]"))
    return pa.large_string() if name == "string" else pa.type_for_alias(name.partition("[")[0])


def _is_parquet(path: str | Path) -> bool:
    return Path(path).suffix.lower() in (".parquet", ".pq")


def _arrow(df: pd.DataFrame) -> pa.Table:
    """The frame as columns that a CSV can hold."""
    if df.index.names != [None] or not pd.api.types.is_integer_dtype(df.index.dtype):
        df = df.reset_index()
    twice = df.columns[df.columns.duplicated()].tolist()
    if twice:
        raise ValueError(f"column given twice: {', '.join(map(str, twice))}; rename one")
    df = df.rename(columns=str)
    try:
        table = pa.Table.from_pandas(df, preserve_index=False)
    except (pa.ArrowInvalid, pa.ArrowTypeError):  # mixed kinds in one column
        mixed = {c: df[c].astype("str") for c in df.columns if df[c].dtype == object}
        table = pa.Table.from_pandas(df.assign(**mixed), preserve_index=False)
    table = table.replace_schema_metadata(None)
    for i, field in enumerate(table.schema):
        column = table.column(i)
        if pa.types.is_dictionary(field.type):
            column = column.cast(field.type.value_type)
        elif pa.types.is_nested(field.type) or isinstance(field.type, pa.BaseExtensionType):
            column = pa.chunked_array([pa.array(df.iloc[:, i].astype("str"))])
        elif pa.types.is_timestamp(field.type) and pc.all(_at_midnight(column)).as_py():
            column = column.cast(pa.date32())
        else:
            continue
        table = table.set_column(i, field.name, column)
    return table


def _at_midnight(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.equal(column, pc.floor_temporal(column, unit="day"))


def _require_customers(table: pa.Table, name: str) -> None:
    """A column ``customer_id`` of text, each customer once."""
    if "customer_id" not in table.column_names:
        found = ", ".join(table.column_names)
        raise ValueError(f"{name}: no column customer_id; found {found}; name the id column so")
    ids = table.column("customer_id")
    if not (pa.types.is_string(ids.type) or pa.types.is_large_string(ids.type)):
        raise ValueError(
            f"{name}: customer_id is {ids.type}, not text; convert it with astype(str)"
        )
    if missing := pc.sum(pc.equal(pc.fill_null(ids, ""), "")).as_py():
        raise ValueError(f"{name}: customer_id missing in {missing} rows; leave them out")
    if pc.all(pc.less(ids[:-1], ids[1:])).as_py():
        return  # in ascending order none can be there twice
    if count := len(ids) - pc.count_distinct(ids).as_py():
        counted = pc.value_counts(ids)
        first = counted.filter(pc.greater(counted.field("counts"), 1))[0]["values"].as_py()
        raise ValueError(f"{name}: {count} customers twice, first {first!r}; keep one row each")


@contextmanager
def csv_sink(path: str | Path, schema: pa.Schema, *, encoding: str) -> Iterator[pa.csv.CSVWriter]:
    """A CSV that takes table after table, for those who score chunk by chunk."""
    if encoding not in ENCODINGS:
        raise ValueError(f"encoding {encoding!r}; choose one of {', '.join(ENCODINGS)}")
    with replacing(path) as file:
        if encoding == "utf-8-sig":
            file.write(codecs.BOM_UTF8)
        text = codecs.EncodedFile(file, "utf-8", encoding) if encoding == "gb18030" else file
        # Few calls, and yet little enough text at a time to use the same memory again.
        options = pa.csv.WriteOptions(batch_size=1 << 14)
        with pa.csv.CSVWriter(text, schema, write_options=options) as writer:
            yield writer


def _write(table: pa.Table, path: str | Path, encoding: str) -> None:
    if _is_parquet(path):
        with replacing(path) as file:
            pa.parquet.write_table(table, file, compression="zstd")
    elif Path(path).suffix.lower() == ".csv":
        safe = escape_formulas(table)
        with csv_sink(path, safe.schema, encoding=encoding) as sink:
            sink.write_table(safe)
    else:
        raise ValueError(f"{Path(path).name}: the name must end in .csv or .parquet")
