"""Labels for many customers: a scorecard run chunk by chunk into a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kequn_lab import export
from kequn_lab._nearest import labelled
from kequn_lab.drift import Spread
from kequn_lab.scorecard import Scorecard

__all__ = ["score_chunks"]


def score_chunks(
    card: Scorecard,
    chunks: Iterable[pa.Table],
    path: str | Path | None,
    *,
    encoding: str = "utf-8-sig",
    meta: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Label chunk after chunk into one CSV with its record; memory does not grow with rows.

    Parameters
    ----------
    card : Scorecard
    chunks : iterable of pyarrow Table
        ``customer_id`` and the features, as :mod:`kequn_lab.streams` reads them.
    path : path or None
        ``labels.csv``; the record lies beside it, as :func:`~kequn_lab.export.write_labels`
        says, but rows keep the order of the input. None scores and writes nothing (dry run).
    encoding, meta : see :func:`~kequn_lab.export.write_labels`

    Returns
    -------
    dict
        The record: ``rows``, ``unlabelled`` rows, ``segments`` (customers per segment),
        ``drift`` (per feature, against the training: see :mod:`kequn_lab.drift`), ….

    Raises
    ------
    ValueError
        A feature is lacking, a customer comes twice (also in two chunks), an id is missing.
        Nothing is written then.
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
                    sink = stack.enter_context(
                        export.csv_sink(path, safe.schema, encoding=encoding)
                    )
                sink.write_table(safe)
        if not seen:
            raise ValueError("no customers to score; the input has no rows")
        _check_unique(seen)
    own = {
        "model_id": card.model_id,
        "trained_on": card.trained_on,
        "unlabelled": int(counts[-1]),
        "segments": {s.segment_id: int(n) for s, n in zip(card.segments, counts)},
        "drift": spread.table().to_dict("records"),
        **dict(meta or {}),
    }
    rows = int(counts.sum())
    if path is None:
        return {"rows": rows, **own}
    return export.write_record(path, rows=rows, columns=columns, encoding=encoding, meta=own)


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
    order = np.argsort(hashes, kind="stable")
    again = np.flatnonzero(hashes[order][1:] == hashes[order][:-1])
    if len(again):
        first, second = sorted(order[[again[0], again[0] + 1]] + 1)
        raise ValueError(
            f"{len(again)} customers come twice, for example rows {first:,} and {second:,} of the "
            "input; keep one row for each"
        )
