"""Labels for many customers: a scorecard run chunk by chunk into a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from kequn_lab._files import ENCODINGS
from kequn_lab._folder import result_folder
from kequn_lab._notes import Note, notes_table
from kequn_lab._words import Words
from kequn_lab.contract._unused import unused_tables
from kequn_lab.contract.mapping import CategoryMapping, Mapping
from kequn_lab.contract.skipping import Skipped
from kequn_lab.export._nearest import labelled
from kequn_lab.export.labels import csv_sink, escape_formulas, write_record, write_table
from kequn_lab.export.reasons import reasons
from kequn_lab.export.scorecard import Scorecard
from kequn_lab.features.customers import feature_query
from kequn_lab.features.definitions import DEFINITIONS, feature_dictionary
from kequn_lab.features.window import window_notes
from kequn_lab.monitor.drift import Spread, level_notes, unit_notes
from kequn_lab.run.columns import describe_columns
from kequn_lab.run.entrance import Entered, Given, raw_tables, ready_table, words_of

__all__ = ["explained", "score_files"]

_TABLES = ("customers", "events", "holdings", "features")
_REFUSED = tuple(f"refused_{name}.csv" for name in _TABLES)
#: What a call may write, beside the record of the labels.
FILES = ("labels.csv", "drift.csv", "levels.csv", "warnings.csv", "columns.csv", *_REFUSED)
_ROWS = 100_000  # of a chunk of features


def score_files(
    card: Scorecard,
    out: str | Path | None,
    given: Given,
    *,
    skip_bad_rows: bool = False,
    accept_units: bool = False,
    encoding: str = ENCODINGS[0],
) -> dict[str, Any]:
    """Label the customers of a ready table, of a bank's raw tables, or of a database.

    Parameters
    ----------
    card : Scorecard
    out : path or None
        A folder, made if need be, which gets ``labels.csv`` with its record, ``drift.csv``,
        ``columns.csv`` (what the columns mean) and, if there are any, ``levels.csv`` (the drift of
        each level of a category), ``warnings.csv`` and the rows set aside (``refused_….csv``), in
        place of those of an earlier call. None is a dry run: all is read, nothing written.
    given : Given
        A ready customer table, or raw tables with ``as_of``; ``months`` only where the scorecard
        was trained on a ready table. All is checked as in a run, chunk by chunk.
    skip_bad_rows : bool
        Set broken rows aside instead of stopping at them.
    accept_units : bool
        True labels also money that lies a factor 100 or 10,000 off the training's nearly
        everywhere, because it is right.
    encoding : str
        Of the CSV files.

    Returns
    -------
    dict
        The record: ``rows``, ``unlabelled`` rows, ``segments`` (customers per segment),
        ``inputs`` (per table its file, SHA-256, rows, rows refused), ``refused`` (rows),
        ``window`` (events and customers inside and outside), ``drift`` (per feature, against
        the training: see :mod:`kequn_lab.monitor.drift`), ``notes`` (what a reader must know;
        those of level ``warning`` make the labels doubtful), ….

    Raises
    ------
    ContractError
        A table breaks its contract.
    ValueError
        Neither or both kinds of input; no ``as_of`` with raw tables; another window, currency
        or time zone, or other definitions of the features, than the scorecard's; no event in
        the window; a feature is lacking; nearly all money is in another unit than the
        training's. Nothing is written then.
    """
    _require_one_kind(given)
    with ExitStack() as stack:
        stage = None
        if out is not None:
            stage = stack.enter_context(result_folder(out, kind="score", names=FILES))
        source = stack.enter_context(_source(given, card, skip=skip_bad_rows))
        path = None if stage is None else stage / "labels.csv"
        counts, spread, columns = _label(card, source.chunks, path, encoding=encoding)
        drift = spread.table()
        # Everything is read now, so everything that was found is known.
        notes = [
            *source.notes,
            *source.entered.notes,
            *level_notes(spread),
            *_units(drift, accept_units),
            *_no_group(card, counts["unlabelled"]),
        ]
        record = {
            **counts,
            "drift": drift.to_dict("records"),
            "levels": (levels := spread.levels()).to_dict("records"),
            **source.window,
            "inputs": source.entered.files,
            "refused": sum(map(len, source.entered.refused.values())),
            "notes": [asdict(note) for note in notes],
        }
        if path is None:
            return record
        warnings = notes_table([note for note in notes if note.level == "warning"])
        tables = {f"refused_{name}": table for name, table in source.entered.refused.items()}
        shown = {"drift": drift, "levels": levels, "warnings": warnings, **tables}
        shown = {name: table for name, table in shown.items() if len(table)}
        own = ("table", "column", "unit", "meaning_zh", "meaning_en")
        shown["columns"] = describe_columns({"labels": columns, **shown, "columns": own})
        for name, table in shown.items():
            write_table(table, path.with_name(f"{name}.csv"), encoding=encoding)
        rows = record.pop("rows")
        return write_record(path, rows=rows, columns=columns, encoding=encoding, meta=record)


def explained(result, customer, features: pd.DataFrame | None, most: int | None) -> pd.DataFrame:
    """Why customers are in their segments, see :meth:`kequn_lab.run.Result.explain`.

    Parameters
    ----------
    result : Result
    customer : id or list of ids
        None: all customers.
    features : DataFrame or None
        The customer table; None: that of the result.
    most : int or None

    Raises
    ------
    KeyError
        No such customer.
    ValueError
        The result holds no customer table and none is given.
    """
    table = result.features if features is None else features
    if table is None:
        raise ValueError("a result from a folder holds no customer table: give it (features)")
    table = table.set_axis(table.index.astype("str"))
    if customer is not None:
        several = isinstance(customer, list | tuple | pd.Index | pd.Series | np.ndarray)
        ids = [str(c) for c in (customer if several else [customer])]
        if lost := [c for c in ids if c not in table.index]:
            raise KeyError(f"no customer {', '.join(lost[:5])} in the table")
        table = table.loc[ids]
    words = Words.of(variables=feature_dictionary(), currency=result.card.currency)
    return reasons(result.card, table, most=most, words=words)


def _require_one_kind(given: Given) -> None:
    if (given.features is None) == (given.events is None):
        raise ValueError("give either a ready customer table (features) or raw tables (events)")
    if given.features is None and given.as_of is None:
        raise ValueError("raw tables need as_of: the last day to look at (YYYY-MM-DD)")


@dataclass(frozen=True)
class _Source:
    """Customers on their way in, chunk by chunk, and what is known of where they come from.

    ``entered`` is filled by the time that the last chunk is read.
    """

    chunks: Iterable
    entered: Entered
    window: dict[str, Any]
    notes: list[Note]


@contextmanager
def _source(given: Given, card: Scorecard, *, skip: bool) -> Iterator[_Source]:
    """Customers in the scorecard's columns: those of a ready table, or made of raw tables."""
    words = words_of(given.mapping)
    if given.features is not None:
        if given.mapping is not None:
            _require_same({"currency": (words.currency, card.currency)})
        entered = Entered(notes=unused_tables(words, ["features"]))
        how = {"id_column": given.id_column, "query": given.query}
        chunks = _ready_chunks(given.features, card, entered, skip=skip, mapping=words, **how)
        yield _Source(chunks, entered, {"window": {}}, [])
        return
    window = {"as_of": given.as_of, "months": _months(card, given.months, words)}
    with (
        raw_tables(given.raw, words, skip=skip) as entered,
        feature_query(**{**entered.tables, **window}) as (con, sql, _, found),
    ):
        told = {"as_of": f"{pd.Timestamp(given.as_of):%Y-%m-%d}", "window": found}
        yield _Source(_made_chunks(con, sql, card), entered, told, window_notes(found))


def _ready_chunks(features, card: Scorecard, entered: Entered, *, skip: bool, **ask):
    """A ready table's rows in the scorecard's columns."""
    words = (ask.pop("mapping", None) or Mapping()).features
    declared = {c.name: CategoryMapping() for c in card.categories}
    mapping = Mapping(features=replace(words, categories=declared))
    opened = ready_table(features, card.feature_names, mapping=mapping, skip=skip, **ask)
    skipped, rows = Skipped() if skip else None, 0
    key = opened.contract.columns[0].name
    for chunk in opened.chunks(skipped=skipped):
        rows += len(chunk)
        yield chunk.rename(columns={key: "customer_id"})
    entered.add("features", opened, rows, skipped)


def _made_chunks(con, sql: str, card: Scorecard):
    """Features that DuckDB computes from raw tables."""
    there = {row[0] for row in con.execute(f"DESCRIBE {sql}").fetchall()}
    if lacking := [name for name in card.feature_names if name not in there]:
        raise ValueError(
            f"the tables given make no {', '.join(lacking)}, which the scorecard needs: bring the "
            "columns (see data/README.md), or train a scorecard without them"
        )
    wanted = ", ".join(f'"{name}"' for name in ["customer_id", *card.feature_names])
    for batch in con.sql(f"SELECT {wanted} FROM ({sql})").to_arrow_reader(_ROWS):
        yield pa.Table.from_batches([batch])


def _months(card: Scorecard, months: int | None, words: Mapping) -> int:
    """The months to look at; what the events must have in common with those of the training."""
    if card.months is None:
        if months is None:
            raise ValueError(
                "the scorecard was trained on a ready table and does not know how long a window "
                "its features cover: name it (months, --months)"
            )
        return months
    _require_same({
        "window": (f"{months or card.months} months", f"{card.months} months"),
        "currency": (words.currency, card.currency),
        "time zone": (words.events.timezone, card.timezone),
        "definitions of the features": (DEFINITIONS, card.definitions),
    })  # fmt: skip
    return card.months


def _require_same(pairs: dict[str, tuple]) -> None:
    for what, (found, trained) in pairs.items():
        if found != trained:
            raise ValueError(
                f"the scorecard was trained with another {what}: {trained}, found {found}; score "
                "with the same, or train again (kequn run)"
            )


def _label(card: Scorecard, chunks: Iterable, path: Path | None, *, encoding: str):
    """Label chunk after chunk into one CSV; the counts, the spread, and the columns written."""
    counts = np.zeros(len(card.segments) + 1, dtype=np.int64)
    spread = Spread(card)
    columns: dict[str, str] = {}
    with ExitStack() as stack:
        sink = None
        for chunk in chunks:
            labels = labelled(card, chunk)
            cluster = labels["cluster"].fill_null(len(card.segments)).to_numpy()
            counts += np.bincount(cluster, minlength=len(counts))
            spread.add(chunk)
            if path is not None:
                safe = escape_formulas(labels)
                if sink is None:
                    columns = {f.name: str(f.type) for f in safe.schema}
                    sink = stack.enter_context(csv_sink(path, safe.schema, encoding=encoding))
                sink.write_table(safe)
        if not counts.any():
            raise ValueError("no customers to score; the input has no rows")
    record = {
        "model_id": card.model_id,
        "trained_on": card.trained_on,
        "rows": int(counts.sum()),
        "unlabelled": int(counts[-1]),
        "segments": {s.segment_id: int(n) for s, n in zip(card.segments, counts)},
    }
    return record, spread, columns


def _no_group(card: Scorecard, unlabelled: int) -> list[Note]:
    """Customers of none of the groups that were clustered separately."""
    if card.by is None or not unlabelled:
        return []
    words = Words.of(variables=feature_dictionary())
    zh, en = (words.variable(card.by, language) for language in ("zh", "en"))
    known = ", ".join(f"{g.value:g}" for g in card.groups)
    return [Note(
        "no_group",
        f"{unlabelled:,} 位客户没有“{zh}”的取值，或取值不在训练时的 {known} 之中：标签表中保留这些"
        "客户，但没有客群；请补上取值，或重新训练",
        f"{unlabelled:,} customers have no value of “{en}”, or one that was not in the training "
        f"({known}): they are in the labels without a segment. Fill it in, or train again",
        float(unlabelled), variable=card.by,
    )]  # fmt: skip


def _units(drift: pd.DataFrame, accepted: bool) -> list[Note]:
    notes, all_off = unit_notes(drift)
    if all_off and not accepted:
        raise ValueError(
            f"{notes[0].text_en}. Nearly all money is off by this factor: correct the unit (scale "
            "in a mapping file), or say that it is meant (--accept-units)"
        )
    return notes
