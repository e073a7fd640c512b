"""Tables on their way in: what a run, a check and a score let pass, count and set aside."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from kequn_lab._notes import Note
from kequn_lab._rules import rule_text
from kequn_lab._words import Words, as_option
from kequn_lab.contract._unused import unused_tables
from kequn_lab.contract.cells import Options, read_column
from kequn_lab.contract.keys import Known, hashes
from kequn_lab.contract.mapping import Mapping, TableMapping, read_mapping
from kequn_lab.contract.reading import Opened, open_table
from kequn_lab.contract.skipping import REFUSED_COLUMNS, Skipped
from kequn_lab.contract.sources import open_source
from kequn_lab.contract.tables import CUSTOMERS, EVENTS, HOLDINGS, Column, Contract
from kequn_lab.contract.unchanged import unchanged
from kequn_lab.contract.violations import ContractError, violations_frame
from kequn_lab.contract.wide import LARGEST, doubtful_columns, infer_contract
from kequn_lab.features.definitions import feature_dictionary
from kequn_lab.features.preprocessing import model_columns

__all__ = [
    "Entered", "Given", "kind_of_table", "raw_tables", "ready_table", "usable_columns", "words_of",
]  # fmt: skip


@dataclass(frozen=True)
class Given:
    """Tables that somebody brings, and how they are to be read.

    Attributes
    ----------
    features : path or table
        A ready customer table: a file, a frame, or the address of a database with ``query``.
    query : str, optional
        A SELECT that gives the customer table: the id and the features.
    id_column : str, optional
        Of a ready table.
    events, customers, holdings : path or table
        Raw tables.
    as_of : date-like, optional
        Last day of the window of the raw tables.
    months : int, optional
        Its length.
    mapping : Mapping or path, optional
        The bank's words in ours, see :mod:`kequn_lab.contract.mapping`.
    """

    features: Any = None
    query: str | None = None
    id_column: str | None = None
    events: Any = None
    customers: Any = None
    holdings: Any = None
    as_of: Any = None
    months: int | None = None
    mapping: Mapping | str | Path | None = None

    @property
    def raw(self) -> dict[str, Any]:
        """The raw tables by name; None where there is none."""
        return {name: getattr(self, name) for name in ("customers", "events", "holdings")}


@dataclass(frozen=True)
class Entered:
    """What came in: per table where it lies, its file, its notes, the rows set aside.

    Attributes
    ----------
    tables : dict of str to Path
        Parquet files that meet their contracts.
    files : list of dict
        Per table: ``table``, ``file``, ``sha256``, ``rows``, ``refused``.
    notes : list of Note
    refused : dict of str to DataFrame
        Rows set aside, as they are in the file, with line and reason.
    ids : list of Series
        Ids that were no text: as they were given, by their text.
    """

    tables: dict[str, Path] = field(default_factory=dict)
    files: list[dict] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    refused: dict[str, pd.DataFrame] = field(default_factory=dict)
    ids: list[pd.Series] = field(default_factory=list)

    def add(self, table: str, opened: Opened, rows: int, skipped: Skipped | None) -> None:
        """Take note of a table that was read to its end."""
        self.notes.extend(opened.notes)
        n = 0 if skipped is None else len(opened.torn) + len(skipped.rows)
        if skipped is not None and (note := skipped.note(opened)) is not None:
            self.notes.append(note)
            self.refused[table] = skipped.table(opened)
        for file in opened.source.files or ({"file": opened.source.name, "sha256": None},):
            self.files.append({"table": table, **file, "rows": rows, "refused": n})
        ids = original_ids(opened)
        if ids is not None:
            self.ids.append(ids)


def words_of(mapping: Mapping | str | Path | None) -> Mapping:
    """A mapping, read if it is a file, empty if there is none."""
    if isinstance(mapping, Mapping):
        return mapping
    return Mapping() if mapping is None else read_mapping(mapping)


@contextmanager
def raw_tables(given: dict[str, Any], mapping: Mapping, *, skip: bool = False) -> Iterator[Entered]:
    """A bank's own tables as Parquet files that meet their contracts.

    A Parquet file in which nothing has to be converted is taken where it lies; anything else
    is written anew, to a folder that goes at the end. Memory does not grow with the rows.

    Parameters
    ----------
    given : dict of str to path or table
        ``events``, ``customers``, ``holdings``; None is left out.
    mapping : Mapping
    skip : bool
        Rows that break a contract are set aside, not an error.

    Raises
    ------
    ContractError, ValueError, OSError
        As :func:`~kequn_lab.contract.reading.open_table`; rows of customers that the customer
        table lacks.
    """
    entered, known = Entered(), None
    entered.notes.extend(
        unused_tables(mapping, [n for n, data in given.items() if data is not None])
    )
    with TemporaryDirectory(prefix="kequn_") as folder:
        for contract in (CUSTOMERS, EVENTS, HOLDINGS):
            if (data := given.get(name := contract.name)) is None:
                continue
            words = getattr(mapping, name)
            if found := _as_it_is(data, contract, words, known):
                opened, sound = found
                entered.tables[name] = Path(data)
                entered.add(name, opened, sound.rows, None)
                known = Known(sound.customers) if contract is CUSTOMERS else known
                continue
            opened = open_table(data, contract, mapping=words, skip=skip)
            skipped = Skipped() if skip else None
            spool = _Spool(opened, known, skipped, Path(folder) / f"{name}.parquet")
            entered.tables[name] = spool.path_of(data)
            entered.add(name, opened, spool.rows, skipped)
            if contract is CUSTOMERS:
                known = Known(np.sort(np.concatenate(spool.ids)))
        yield entered


def _as_it_is(data, contract: Contract, words: TableMapping, known: Known | None):
    """A Parquet file that may be taken where it lies; None: it has to be read cell by cell."""
    if not is_parquet(data) or words != TableMapping():
        return None
    if (sound := unchanged(data, contract, known=known)) is None:
        return None
    opened = Opened.unchanged(open_source(data), contract, sound.rows)
    if REFUSED_COLUMNS[0] in opened.source.columns or {*opened.columns} != {*sound.columns}:
        return None
    return opened, sound


class _Spool:
    """One table as a Parquet file: its own where nothing is to be changed, or a new one."""

    def __init__(self, opened: Opened, known: Known | None, skipped: Skipped | None, target: Path):
        self.opened, self.known, self.skipped, self.target = opened, known, skipped, target
        self.rows, self.ids = 0, list[pd.Series]()

    def path_of(self, data) -> Path:
        if is_parquet(data) and self._is_as_it_should():
            return Path(data)
        self._write()
        return self.target

    def _is_as_it_should(self) -> bool:
        if self.opened.translated:
            return False
        for raw, typed, violations in self.opened.checked(known=self.known):
            if len(violations) or not _same_cells(raw, typed):
                self.rows, self.ids = 0, []
                return False
            self._count(typed)
        return True

    def _write(self) -> None:
        writer = None
        try:
            for typed in self.opened.chunks(known=self.known, skipped=self.skipped):
                self._count(typed)
                schema = None if writer is None else writer.schema
                table = pa.Table.from_pandas(typed, schema=schema, preserve_index=False)
                if writer is None:
                    writer = pa.parquet.ParquetWriter(self.target, table.schema)
                writer.write_table(table)
        finally:
            if writer is not None:
                writer.close()

    def _count(self, typed: pd.DataFrame) -> None:
        self.rows += len(typed)
        if self.opened.contract is CUSTOMERS:
            self.ids.append(hashes(typed["customer_id"]))


def is_parquet(data) -> bool:
    return isinstance(data, str | Path) and str(data).lower().endswith((".parquet", ".pq"))


def _same_cells(raw: pd.DataFrame, typed: pd.DataFrame) -> bool:
    """Did the conversion leave every cell as it was?"""
    for name in typed:
        a, b = raw[name], typed[name]
        if pd.api.types.is_string_dtype(b.dtype) and not pd.api.types.is_string_dtype(a.dtype):
            return False
        if a.dtype != b.dtype and a.dtype.kind != b.dtype.kind and a.dtype.kind not in "iu":
            return False
        same = (a == b) | (a.isna() & b.isna())
        if not same.fillna(False).all():
            return False
    return True


def ready_table(
    data,
    columns: Sequence[str] | None = None,
    *,
    id_column: str | None = None,
    mapping: Mapping | None = None,
    query: str | None = None,
    drop: Sequence[str] = (),
    skip: bool = False,
) -> Opened:
    """Open a ready customer table: an id, and a number, yes/no or declared category per column.

    Parameters
    ----------
    data : path, table, or address of a database with ``query``
    columns : sequence of str, optional
        The features that are wanted; all columns when None.
    id_column : str, optional
        Default ``[features] id`` of the mapping, else ``customer_id``; a DataFrame without
        either has the customers in its index.
    drop : sequence of str
        Columns to leave out.

    Raises
    ------
    ValueError
        A column that is named is not there, or is left out although it names the customer or
        is declared as a category; and as
        :func:`~kequn_lab.contract.reading.open_table`.
    """
    words = (mapping or Mapping()).features
    key = id_column or words.id or "customer_id"
    unnamed = isinstance(data, pd.DataFrame) and id_column is words.id is None
    if unnamed and data.index.nlevels == 1 and key not in data.columns:  # they are in the index
        data = data.rename_axis(data.index.name or key)
        key = data.index.name
    source = open_source(data, encoding=words.encoding, sheet=words.sheet, query=query)
    theirs = {ours: column for ours, column in words.columns.items() if column in source.columns}
    ours = {column: name for name, column in theirs.items()}
    there = [ours.get(c, c) for c in source.columns if c not in REFUSED_COLUMNS]
    named = [key, *drop, *words.drop, *words.categories, *words.names, *(columns or ())]
    if columns is None:
        named += [theirs for ours, theirs in words.columns.items() if ours not in there]
    if lacking := [c for c in dict.fromkeys(named) if c not in there]:
        shown = as_option(there[:40]) + (f" … ({len(there)} in all)" if len(there) > 40 else "")
        todo = "Name the customer's column with --id" if key in lacking else "Correct the name"
        raise ValueError(
            f"{source.name} has no column {', '.join(lacking)}; its columns: {shown}. {todo}"
        )
    left_out = {*drop, *words.drop}
    if key in left_out:
        raise ValueError(f"{key} names the customer; it cannot be left out (--drop)")
    if both := [c for c in words.categories if c in left_out]:
        raise ValueError(
            f"{', '.join(both)} is declared as a category and left out (--drop); choose one"
        )
    wanted = [c for c in columns or there if c not in {key, *left_out}]
    contract = _ready_contract(key, wanted, words.categories)
    options = {f.name: getattr(words, f.name) for f in fields(Options)}
    renamed = TableMapping(columns={**theirs}, **options)
    opened = open_table(source, contract, mapping=renamed, skip=skip)
    if columns is None:
        kept, seen = infer_contract(contract, opened.survey)
        opened = replace(opened, contract=kept, survey=seen)
    return opened


def _ready_contract(key: str, wanted: Sequence[str], categories: Collection[str]) -> Contract:
    """An id, and a number, yes/no or declared category for each column."""
    columns = [Column(key, "id", "the customer", required=True)]
    for name in wanted:
        column = Column(name, "text", "", nullable=True, required=True)
        if name not in categories:
            column = replace(column, dtype="feature", ge=-LARGEST, le=LARGEST)
        columns.append(column)
    return Contract("features", tuple(columns), key=(key,))


def usable_columns(features: pd.DataFrame, entered: Entered, table: str) -> pd.DataFrame:
    """The features in which customers differ; ``entered`` notes the others and what is doubtful.

    Raises
    ------
    ContractError
        No such column; ``table`` is its name.
    """
    out = model_columns(features)
    left_out = {n: why for n, why in out.attrs["left_out"].items() if n in features}
    if not len(out.columns):
        found = "; ".join(f"{n}: {why}" for n, why in left_out.items()) or "no column of numbers"
        v = violations_frame([pd.NA], "all", "no column in which customers differ", [found])
        todo = "bring columns of numbers, or name the categories among the columns (--categories)"
        raise ContractError(v, table=table, todo=todo)
    chosen = "window" not in features.attrs  # by a person, not by the kit's list of features
    if left_out:
        words = Words.of(variables=feature_dictionary())
        shown = ", ".join(f"{words.variable(n, 'en')} ({why})" for n, why in left_out.items())
        zh = "、".join(
            f"{words.variable(n, 'zh')}（{rule_text(why, 'zh')}）" for n, why in left_out.items()
        )
        entered.notes.append(Note(
            "features_left_out",
            f"以下变量不进入模型：{zh}",
            f"Left out of the model: {shown}",
            value=float(len(left_out)),
            level="warning" if chosen and {*left_out.values()} != {"constant"} else "note",
        ))  # fmt: skip
    if chosen:
        entered.notes.extend(doubtful_columns(out))
    return out


def original_ids(opened: Opened) -> pd.Series | None:
    """Ids that are no text, as they were given, by their text; None where they are text."""
    if opened.translated or opened.source.files:
        return None
    key = opened.contract.columns[0].name
    if key not in opened.source.columns:
        return None
    parts = []
    for raw in opened.source.chunks([key]):
        ids = raw[key].dropna().drop_duplicates()
        if pd.api.types.is_string_dtype(ids.dtype):
            return None
        text = read_column(ids, opened.survey.formats[key])[0]
        parts.append(pd.Series(ids.to_numpy(), index=pd.Index(text, name="customer_id")))
    out = pd.concat(parts)
    return out[~out.index.duplicated()]


def kind_of_table(columns: Sequence[str], mapping: Mapping | str | Path | None = None) -> str:
    """What a table holds, from its columns: ``events``, ``holdings`` or, if neither,
    ``features`` (a ready customer table).

    Parameters
    ----------
    columns : sequence of str
        Of the raw table.
    mapping : Mapping or path, optional
        Its words may be the bank's.

    Examples
    --------
    >>> kind_of_table(["customer_id", "timestamp", "amount_cny"])
    'events'
    >>> kind_of_table(["客户编号", "年龄", "余额"])
    'features'
    """
    words = words_of(mapping)
    for contract in (EVENTS, HOLDINGS):
        own = getattr(words, contract.name)
        names = {*own.wanted(contract, columns)}
        have = {c.name for c in contract.columns if c.name in names} | set(own.constants)
        for ours, theirs in own.columns.items():
            if names >= {theirs} if isinstance(theirs, str) else names >= set(theirs):
                have.add(ours)
        if have >= {c.name for c in contract.columns if c.required}:
            return contract.name
    return "features"
