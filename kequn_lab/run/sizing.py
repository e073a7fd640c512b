"""What a smallest size of the segments costs, and which customers it moves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kequn_lab._notes import Note
from kequn_lab._words import Words, listed, percent
from kequn_lab.run.readings import Reading
from kequn_lab.segments.summaries import nearest

__all__ = ["size_changes", "size_note", "size_price"]


def _free_labels(reading: Reading, model: pd.DataFrame) -> NDArray:
    """Where the same k-means puts each customer without the bound."""
    return nearest(model.to_numpy(), reading.pipeline["kmeans"].free_centers_)


def size_price(reading: Reading, model: pd.DataFrame, min_size: int | None) -> dict[str, Any]:
    """What ``run.json`` says of a smallest size; nothing where there is none.

    Parameters
    ----------
    reading : Reading
    model : DataFrame
        The columns that k-means sees.
    min_size : int or None
    """
    if min_size is None:
        return {}
    kmeans = reading.pipeline["kmeans"]
    free = kmeans.free_inertia_
    return {
        "inertia_free": free,
        "min_size_cost": kmeans.inertia_ / free - 1 if free else 0.0,
        "min_size_moved": int((_free_labels(reading, model) != reading.labels).sum()),
    }


def size_changes(
    reading: Reading, model: pd.DataFrame, names: pd.DataFrame, min_size: int
) -> pd.DataFrame:
    """The customers of each segment with a smallest size and without it.

    Parameters
    ----------
    reading : Reading
    model : DataFrame
        The columns that k-means sees.
    names : DataFrame
        As :func:`~kequn_lab.segments.name_clusters`.
    min_size : int

    Returns
    -------
    DataFrame
        One row per segment: ``segment_id``, ``customers``, ``customers_free`` (of the cluster of
        the solution without it that has most of them), ``came`` and ``went`` (customers),
        ``at_bound`` (it has no more than ``min_size`` and a lower offset than others), ``offset``
        (squared standard deviations, added to the squared distance).
    """
    labels, free, k = reading.labels, _free_labels(reading, model), len(names)
    offsets = reading.pipeline["kmeans"].offsets_
    sizes, before = (np.bincount(a, minlength=k) for a in (labels, free))
    stayed = np.bincount(labels[labels == free], minlength=k)
    table = pd.DataFrame({
        "customers": sizes, "customers_free": before, "came": sizes - stayed,
        "went": before - stayed, "at_bound": offsets < offsets.max(), "offset": offsets,
    })  # fmt: skip
    at = names["cluster"].to_numpy()
    table = table.iloc[at].reset_index(drop=True)
    table.insert(0, "segment_id", names["segment_id"].to_numpy())
    return table


def size_note(
    table: pd.DataFrame, facts: dict[str, Any], names: pd.DataFrame, min_size: int
) -> Note:
    """The price of a smallest size in one line.

    Parameters
    ----------
    table : DataFrame
        As :func:`size_changes`.
    facts : dict
        As :func:`size_price`.
    names : DataFrame
        ``segment_id``, ``name_zh``, ``name_en``.
    min_size : int
    """
    cost, moved = facts["min_size_cost"], facts["min_size_moved"]
    bound = table.loc[table["at_bound"], "segment_id"]
    if not moved:
        zh = f"最小规模 {min_size:,} 没有代价：不设它，最小的客群也有这么多客户"
        en = (
            f"A smallest size of {min_size:,} costs nothing: without it, too, every segment is as "
            "large"
        )
        return Note("reading_min_size", zh, en, cost, float(min_size), level="note")
    words = Words.of(segments=names)
    at_zh, at_en = (listed([words.segment(s, x) for s in bound], x, most=8) for x in ("zh", "en"))
    zh = f"最小规模 {min_size:,} 的代价：组内平方和增加 {percent(cost)}，移动 {moved:,} 名客户"
    customers = "customer" if moved == 1 else "customers"
    en = (
        f"A smallest size of {min_size:,} costs {percent(cost)} of inertia and moves {moved:,} "
        f"{customers}"
    )
    if len(bound):
        zh, en = f"{zh}；处于下限的客群：{at_zh}", f"{en}; at the bound: {at_en}"
    return Note("reading_min_size", zh, en, cost, float(min_size), level="note")
