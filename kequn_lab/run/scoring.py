"""Labels for many customers: a scorecard run chunk by chunk into a file.

:func:`score_files` takes a bank's files or a database, :func:`score_chunks` any chunks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kequn_lab import export
from kequn_lab._folder import result_folder
from kequn_lab._notes import Note
from kequn_lab.contract.mapping import Mapping as Words
from kequn_lab.contract.mapping import read_mapping
from kequn_lab.contract.reading import read_table
from kequn_lab.contract.sources import Refused
from kequn_lab.contract.tables import CUSTOMERS, EVENTS, HOLDINGS
from kequn_lab.export._nearest import labelled
from kequn_lab.export.labels import csv_sink, write_record
from kequn_lab.export.scorecard import Scorecard
from kequn_lab.features.definitions import DEFINITIONS
from kequn_lab.features.window import window_notes
from kequn_lab.monitor.drift import Spread, unit_notes
from kequn_lab.run import streams

__all__ = ["score_chunks", "score_files"]

#: What a call may write, beside the record of the labels.
FILES = ("labels.csv", "drift.csv", "refused.csv")


def score_files(
    card: Scorecard,
    out: str | Path | None,
    *,
    features: str | Path | None = None,
    query: str | None = None,
    events: str | Path | None = None,
    customers: str | Path | None = None,
    holdings: str | Path | None = None,
    mapping: Words | str | Path | None = None,
    as_of=None,
    months: int | None = None,
    id_column: str = "customer_id",
    skip_bad_rows: bool = False,
    accept_units: bool = False,
    encoding: str = "utf-8-sig",
    synthetic: bool | None = None,
) -> dict[str, Any]:
    """Label the customers of a ready table, of a bank's raw tables, or of a database.

    Parameters
    ----------
    card : Scorecard
    out : path or None
        A folder, made if need be, which gets ``labels.csv`` with its record, ``drift.csv``
        and, if rows were set aside, ``refused.csv``, in place of those of an earlier call.
        None is a dry run: all is read, nothing written.
    features : path or str
        A ready customer table (CSV, Parquet), or the address of a database with ``query``.
    query : str, optional
        A SELECT that gives the customer table: the id and the features.
    events, customers, holdings : path
        Raw tables instead. Parquet is streamed; a CSV, or a table with a mapping, is read
        whole and checked against its contract.
    mapping : Mapping or path, optional
        See :mod:`kequn_lab.contract.mapping`.
    as_of : date-like
        Last day of the window of the raw tables.
    months : int, optional
        Its length: the scorecard knows it, unless it was trained on a ready table.
    id_column : str
        Of a ready table.
    skip_bad_rows : bool
        Set broken rows aside instead of stopping at the first.
    accept_units : bool
        As :func:`score_chunks`.
    encoding : str
        Of ``labels.csv``.
    synthetic : bool, optional
        For the record.

    Returns
    -------
    dict
        The record, as :func:`score_chunks`, with ``inputs`` (SHA-256 by file; a database by its
        address without password), ``window`` (events and customers inside and outside) and
        ``refused`` (rows).

    Raises
    ------
    ValueError
        Neither or both kinds of input; no ``as_of`` with raw tables; another window, currency
        or time zone, or other definitions of the features, than the scorecard's; no event in
        the window; and as :func:`score_chunks`.
    """
    if (features is None) == (events is None):
        raise ValueError("give either a ready customer table (features) or raw tables (events)")
    refused: list[Refused] = []
    aside = refused.append if skip_bad_rows else None
    meta: dict[str, Any] = {"synthetic": synthetic, "window": {}}
    names, notes = card.feature_names, []
    with ExitStack() as stack:
        stage = None
        if out is not None:
            stage = stack.enter_context(result_folder(out, kind="score", names=FILES))
        if query is not None:
            meta["inputs"] = {"database": streams.without_password(str(features))}
            chunks = streams.from_database(str(features), query, names, id_column=id_column)
        elif features is not None:
            meta["inputs"] = {Path(features).name: export.sha256(features)}
            chunks = streams.from_feature_table(
                features, names, id_column=id_column, on_refused=aside
            )
        else:
            if as_of is None:
                raise ValueError("raw tables need as_of: the last day to look at (YYYY-MM-DD)")
            words = mapping if isinstance(mapping, Words | None) else read_mapping(mapping)
            window = {"as_of": as_of, "months": _months(card, months, words or Words())}
            given = {"customers": customers, "events": events, "holdings": holdings}
            given = {name: Path(path) for name, path in given.items() if path is not None}
            meta["inputs"] = {path.name: export.sha256(path) for path in given.values()}
            tables = _raw_tables(given, words, aside)
            made = streams.from_raw_tables(columns=names, **window, **tables)
            chunks, meta["window"] = stack.enter_context(made)
            notes = window_notes(meta["window"])
            meta |= {"as_of": f"{pd.Timestamp(as_of):%Y-%m-%d}"}
        path = None if stage is None else stage / FILES[0]
        how = {"accept_units": accept_units, "encoding": encoding, "notes": notes, "meta": meta}
        record = score_chunks(card, chunks, path, **how)
        if stage is not None:
            export.write_table(pd.DataFrame(record["drift"]), stage / FILES[1])
        if stage is not None and refused:
            export.write_table(pd.DataFrame(map(vars, refused)), stage / FILES[2])
    return record | {"refused": len(refused)}


def _months(card: Scorecard, months: int | None, words: Words) -> int:
    """The months to look at; what the events must have in common with those of the training."""
    if card.months is None:
        if months is None:
            raise ValueError(
                "the scorecard was trained on a ready table and does not know how long a window "
                "its features cover: name it (months, --months)"
            )
        return months
    pairs = {
        "window": (months or card.months, card.months, "months"),
        "currency": (words.currency, card.currency, ""),
        "definitions of the features": (DEFINITIONS, card.definitions, ""),
    }
    for what, (found, trained, unit) in pairs.items():
        if found != trained:
            raise ValueError(
                f"the scorecard was trained with another {what}: {trained} {unit}".rstrip()
                + f", found {found}; score with the same, or train again (kequn run)"
            )
    return card.months


def _raw_tables(given: dict[str, Path], words, aside) -> dict[str, Path | pd.DataFrame]:
    out: dict[str, Path | pd.DataFrame] = {}
    for contract in (CUSTOMERS, EVENTS, HOLDINGS):
        path = given.get(contract.name)
        if path is None:
            continue
        if words is None and path.suffix.lower() in (".parquet", ".pq"):
            out[contract.name] = path
            continue
        own = None if words is None else getattr(words, contract.name)
        out[contract.name] = read_table(path, contract, mapping=own, on_refused=aside)
    return out


def score_chunks(
    card: Scorecard,
    chunks: Iterable[pa.Table],
    path: str | Path | None,
    *,
    accept_units: bool = False,
    encoding: str = "utf-8-sig",
    notes: Iterable[Note] = (),
    meta: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Label chunk after chunk into one CSV with its record; memory does not grow with rows.

    Parameters
    ----------
    card : Scorecard
    chunks : iterable of pyarrow Table
        ``customer_id`` and the features, as :mod:`kequn_lab.run.streams` reads them.
    path : path or None
        ``labels.csv``; the record lies beside it, as :func:`~kequn_lab.export.write_labels`
        says, but rows keep the order of the input. None scores and writes nothing (dry run).
    accept_units : bool
        True labels also money that lies a factor 100 or 10,000 off the training's nearly
        everywhere, because it is right.
    notes : iterable of Note
        What is known to be doubtful already.
    encoding, meta : see :func:`~kequn_lab.export.write_labels`

    Returns
    -------
    dict
        The record: ``rows``, ``unlabelled`` rows, ``segments`` (customers per segment),
        ``drift`` (per feature, against the training: see :mod:`kequn_lab.monitor.drift`),
        ``warnings`` (a list of what makes the labels doubtful), ….

    Raises
    ------
    ValueError
        A feature is lacking, a customer comes twice (also in two chunks), an id is missing;
        nearly all money is in another unit than the training's. Nothing is written then.
    """
    counts = np.zeros(len(card.segments) + 1, dtype=np.int64)
    seen: list[NDArray] = []
    spread = Spread(card)
    columns: dict[str, str] = {}
    with ExitStack() as stack:
        sink = None
        for chunk in chunks:
            labels = labelled(card, chunk)
            _check_ids(labels["customer_id"], sum(map(len, seen)))
            seen.append(_hashes(labels["customer_id"]))
            counts += np.bincount(
                labels["cluster"].fill_null(len(card.segments)).to_numpy(),
                minlength=len(counts),
            )
            spread.add(chunk)
            if path is not None:
                safe = export.neutralise(labels)
                if sink is None:
                    columns = {f.name: str(f.type) for f in safe.schema}
                    sink = stack.enter_context(csv_sink(path, safe.schema, encoding=encoding))
                sink.write_table(safe)
        if not counts.any():
            raise ValueError("no customers to score; the input has no rows")
        _check_unique(seen)
        drift = spread.table()
        units, all_off = unit_notes(drift)
        if all_off and not accept_units:
            raise ValueError(
                f"{units[0].text_en} Nearly all money is off by this factor: correct the unit "
                "(scale in a mapping file), or say that it is meant (--accept-units)"
            )
    own = {
        "model_id": card.model_id,
        "trained_on": card.trained_on,
        "unlabelled": int(counts[-1]),
        "segments": {s.segment_id: int(n) for s, n in zip(card.segments, counts)},
        "drift": drift.to_dict("records"),
        "warnings": [asdict(note) for note in (*notes, *units)],
        **dict(meta or {}),
    }
    rows = int(counts.sum())
    if path is None:
        return {"rows": rows, **own}
    return write_record(path, rows=rows, columns=columns, encoding=encoding, meta=own)


def _check_ids(ids: pa.ChunkedArray, before: int) -> None:
    empty = pc.equal(pc.fill_null(ids, ""), "")
    if pc.any(empty).as_py():
        row = before + 1 + pc.index(empty, True).as_py()
        raise ValueError(f"customer_id is missing in row {row} of the input; leave the row out")


def _hashes(ids: pa.ChunkedArray) -> NDArray[np.uint64]:
    """Eight bytes stand for an id of any length; twelve million rows fit in 100 MB."""
    return pd.util.hash_array(ids.to_pandas().to_numpy(dtype=object), categorize=False)


def _check_unique(seen: list[NDArray]) -> None:
    hashes = np.concatenate(seen)
    ordered = np.sort(hashes)
    twice = ordered[1:][ordered[1:] == ordered[:-1]]
    if len(twice):
        first, second = np.flatnonzero(hashes == twice[0])[:2] + 1
        raise ValueError(
            f"{len(twice)} customers come twice, for example rows {first:,} and {second:,} of the "
            "input; keep one row for each"
        )
