"""What a run owes to earlier ones: names that are kept, and permanent ids."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from kequn_lab import export
from kequn_lab._chunks import chunks
from kequn_lab._record import require_whole
from kequn_lab.export.scorecard import Scorecard
from kequn_lab.monitor.matching import match_segments
from kequn_lab.monitor.registry import Opened, Registry, stamped
from kequn_lab.run.result import Result, records

__all__ = ["Earlier", "earlier_run", "enter", "run_day", "run_id"]


@dataclass(frozen=True)
class Earlier:
    """The segments of an earlier run: ``labels`` (``customer_id``, ``segment_id``, names), and
    its scorecard, where there is one."""

    labels: pd.DataFrame
    card: Scorecard | None = None

    def matching(self, clusters: pd.Series, card: Callable[[], Scorecard]) -> pd.DataFrame:
        """Which of its segments each cluster is; ``card`` makes the scorecard of the clusters."""
        before = self.labels.set_index("customer_id")["segment_id"]
        own = self.card
        return match_segments(before, clusters, None if own is None else lambda: (own, card()))


def earlier_run(previous: str | Path | None, registry: Registry | None) -> Earlier | None:
    """The run from which names are kept: the last of a registry, or a result; None without one.

    Raises
    ------
    ValueError
        Both are given.
    """
    if previous is not None and registry is not None:
        raise ValueError("names are kept from a registry or from a previous result; give one")
    if registry is not None:
        return None if registry.runs.empty else Earlier(registry.labels, registry.card)
    if previous is None:
        return None
    folder, card = Path(previous), None
    if (folder / "run.json").exists():  # labels alone carry their own hash
        require_whole(folder)
        card = Scorecard.load(folder / "scorecard.json")
    return Earlier(export.read_labels(folder / "labels.csv"), card)


def run_day(record: dict[str, Any]) -> str:
    """The day of a run: the last day that it looks at, else that on which it was made."""
    return record["as_of"] or record["created_at"][:10]


def run_id(labels: pd.DataFrame, date: str) -> str:
    """The id of a run: its day, and six digits that change with any customer's cluster.

    Examples
    --------
    >>> labels = pd.DataFrame({"customer_id": ["1", "2"], "cluster": [0, 1]})
    >>> run_id(labels, "2024-12-31")
    '20241231-589091'
    """
    rows = labels[["customer_id", "cluster"]].sort_values("customer_id")
    digest = hashlib.sha256()
    for number, some in enumerate(chunks(rows)):
        text = (some["customer_id"] + "\t" + some["cluster"].astype("str")).str.cat(sep="\n")
        digest.update(f"\n{text}".encode() if number else text.encode())
    return f"{date.replace('-', '')}-{digest.hexdigest()[:6]}"


def enter(result: Result, opened: Opened) -> Result:
    """Enter a run into a registry; the result with the permanent ids of its segments."""
    number, date = result.record["run_id"], run_day(result.record)
    opened.registry = opened.registry.with_run(
        result.labels, result.tables.get("matching"), run_id=number, date=date, card=result.card
    )
    clusters = opened.registry.ids_of(number)
    ids = {n.segment_id: clusters[n.cluster] for n in result.names.itertuples()}
    events = opened.registry.events
    events = events[events["run_id"] == number].reset_index(drop=True)
    names = _with_id(result.names, ids)
    tables = {name: _with_id(result.tables[name], ids) for name in ("sizes", "cards")}
    return replace(
        result,
        labels=_with_id(result.labels, ids).assign(run_id=number),
        names=names,
        card=stamped(result.card, clusters, number),
        tables=result.tables | tables | {"registry_events": events},
        record=result.record | {"names": records(names)},
    )


def _with_id(table: pd.DataFrame, ids: dict[str, str]) -> pd.DataFrame:
    out = table.copy()
    place = out.columns.get_loc("segment_id") + 1
    out.insert(place, "permanent_id", out["segment_id"].astype("str").map(ids))
    return out
