"""A synthetic bank of any size as files: streamed in order, whole or not at all."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from tqdm.auto import tqdm

from kequn_lab._files import write_json
from kequn_lab._folder import result_folder
from kequn_lab.synth.datasheet import datasheet
from kequn_lab.synth.population import Population
from kequn_lab.synth.recipe import BLOCK, GENERATOR, Recipe, make_recipe
from kequn_lab.synth.tables import NAMES, draw_part

__all__ = ["write_bank"]

#: File format of each table. ``mixed``: what people open in a spreadsheet as CSV.
FORMATS = {
    "parquet": dict.fromkeys(NAMES, "parquet"),
    "csv": dict.fromkeys(NAMES, "csv"),
    "mixed": {**dict.fromkeys(NAMES, "csv"), "events": "parquet", "holdings": "parquet"},
}
#: Small tables go to a row group of this many parts; it is fixed, so that files are equal
#: byte by byte whatever the chunk and the number of workers.
_PARTS_PER_GROUP = 10
_DELTA = ("timestamp", "opened_on", "matures_on")
#: Columns in whose order rows lie: statistics let a reader skip row groups. On the others they
#: cost as much as all the rest of the writing.
_SORTED = ("customer_id", "timestamp")


def write_bank(
    out: str | Path,
    *,
    n_customers: int,
    random_state: int,
    months: int = 12,
    as_of="2024-12-31",
    preset: str = "standard",
    bank_kind: str = "state_big",
    population: str | Path | Population | None = None,
    format: str = "parquet",
    chunk: int = BLOCK,
    workers: int | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """Draw a bank and write it, a chunk at a time; memory does not grow with the bank.

    Parameters
    ----------
    out : path
        A bank of an earlier call in it is replaced; other files are left alone.
    n_customers, random_state, months, as_of, preset, bank_kind, population
        As :func:`~kequn_lab.synth.make_bank`; the same values give the same customers.
    format : {"parquet", "csv", "mixed"}
        ``mixed``: events and holdings as Parquet, the others as CSV.
    chunk : int
        Customers that a worker draws at a time, rounded up to whole blocks of 10,000. A block
        with twelve months needs about 150 MB. The files do not depend on it.
    workers : int, optional
        Threads that draw; the number of processors, at most 4, when None. The files do not
        depend on it.
    progress : bool
        Whether to show a bar.

    Returns
    -------
    DataFrame
        One row per file: ``file``, ``rows``, ``bytes``.

    Raises
    ------
    FileExistsError
        The folder holds files of these names that no earlier call wrote.
    OSError
        The disk is full or cannot be written, or another process writes there; nothing is left
        behind.

    Notes
    -----
    Parquet files say ``synthetic = true``, the generator's version and the recipe in their
    metadata; ``datasheet.md`` and ``bank.json`` beside the files say so for CSV.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     files = write_bank(folder, n_customers=20, random_state=0, months=1, progress=False)
    >>> files["file"].tolist()[:2]
    ['customers.parquet', 'events.parquet']
    """
    if format not in FORMATS:
        raise ValueError(f"unknown format {format!r}; known: {', '.join(FORMATS)}")
    if chunk < 1:
        raise ValueError(f"chunk is {chunk}; give the customers to draw at a time, 10000 or more")
    recipe = make_recipe(n_customers, random_state=random_state, as_of=as_of, months=months,
                         preset=preset, profile=bank_kind, population=population)  # fmt: skip
    workers = min(os.cpu_count() or 1, 4) if workers is None else max(int(workers), 1)
    names = [f"{name}.{ending}" for name, ending in FORMATS[format].items()]
    with result_folder(out, kind="sample", names=[*names, "datasheet.md"]) as folder:
        rows = _write(recipe, folder, FORMATS[format], -(-chunk // BLOCK), workers, progress)
        text = datasheet(recipe)
        (folder / "datasheet.md").write_text(text, encoding="utf-8")
        rows["datasheet.md"] = text.count("\n")
        record = {"schema": "kequn_lab.bank/1", **metadata(recipe), "synthetic": True}
        write_json(record, folder / "bank.json")
        size = {name: (folder / name).stat().st_size for name in rows}
    return pd.DataFrame({"file": list(rows), "rows": list(rows.values()), "bytes": size.values()})


def metadata(recipe: Recipe) -> dict[str, str]:
    """What a file says about itself."""
    return {
        "synthetic": "true",
        "generator": f"kequn_lab {version('kequn_lab')}, generator {GENERATOR}",
        "n_customers": str(recipe.n_customers),
        "random_state": str(recipe.seed),
        "as_of": str(recipe.as_of.date()),
        "months": str(recipe.months),
        "preset": recipe.preset,
        "profile": recipe.profile,
    }


def _write(recipe, folder, formats, parts_per_chunk, workers, progress):
    rows = {}
    with (
        ExitStack() as stack,
        tqdm(total=recipe.n_customers, unit=" customers", disable=not progress) as bar,
    ):
        sinks = {}
        for tables in _drawn(recipe, parts_per_chunk, workers):
            for name, table in tables.items():
                if name not in sinks:
                    sink = _Sink(folder / f"{name}.{formats[name]}", table.schema, recipe)
                    sinks[name] = stack.enter_context(sink)
                sinks[name].write(table)
            bar.update(tables["customers"].num_rows)
    for sink in sinks.values():
        rows[sink.path.name] = sink.rows
    return rows


def _drawn(recipe: Recipe, parts_per_chunk: int, workers: int) -> Iterator[dict[str, pa.Table]]:
    """The parts in order, drawn by threads that are never far ahead of the writer."""
    parts = recipe.parts
    chunks = [parts[i : i + parts_per_chunk] for i in range(0, len(parts), parts_per_chunk)]
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque = deque()
        try:
            for chunk in chunks:
                waiting.append(pool.submit(lambda c: [draw_part(recipe, p) for p in c], chunk))
                if len(waiting) > workers:
                    yield from waiting.popleft().result()
            while waiting:
                yield from waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


class _Sink:
    """One file: Parquet with the encodings that suit the columns, or CSV."""

    def __init__(self, path: Path, schema: pa.Schema, recipe: Recipe):
        self.path, self.rows = path, 0
        self._buffer: list[pa.Table] = []
        self._parts_per_group = 1 if path.stem == "events" else _PARTS_PER_GROUP
        if path.suffix == ".csv":
            self._writer = pa.csv.CSVWriter(path, _plain(schema), write_options=_CSV)
            return
        coded = [f.name for f in schema if pa.types.is_dictionary(f.type)]
        split = [f.name for f in schema if pa.types.is_floating(f.type)]
        encoding = dict.fromkeys(split, "BYTE_STREAM_SPLIT")
        encoding |= {f.name: "DELTA_BINARY_PACKED" for f in schema if f.name in _DELTA}
        self._writer = pq.ParquetWriter(
            path,
            schema,
            compression="zstd",
            compression_level=1,
            use_dictionary=coded,
            column_encoding=encoding,
            write_statistics=[f.name for f in schema if f.name in _SORTED],
            store_schema=False,
        )
        self._writer.add_key_value_metadata(metadata(recipe))

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self._flush()
        self._writer.close()

    def write(self, table: pa.Table) -> None:
        self.rows += table.num_rows
        self._buffer.append(table)
        if len(self._buffer) == self._parts_per_group:
            self._flush()

    def _flush(self):
        if not self._buffer:
            return
        table = pa.concat_tables(self._buffer)
        self._buffer = []
        if self.path.suffix == ".csv":
            self._writer.write_table(table.cast(_plain(table.schema)))
        else:
            self._writer.write_table(table.unify_dictionaries(), row_group_size=table.num_rows or 1)


_CSV = pa.csv.WriteOptions(quoting_style="needed")


def _plain(schema):
    """Codes as text."""
    return pa.schema([
        pa.field(f.name, pa.string() if pa.types.is_dictionary(f.type) else f.type) for f in schema
    ])  # fmt: skip
