"""The registry of segments: permanent ids, and what became of each segment, run after run.

A folder of plain files. ``segments.csv``: each segment that ever was, with its permanent id, names,
the day it was born and the day it ended. ``runs.csv``: which segment each cluster of each run was.
``events.csv``: what happened, when, how many customers it concerns, by which rule, and why.
``members.csv`` and ``scorecard.json``: the customers and the model of the last run, with which the
next is compared. A permanent id is never given twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from kequn_lab._files import write_json
from kequn_lab._folder import result_folder
from kequn_lab._record import RECORDS, require_whole
from kequn_lab.export.labels import write_table
from kequn_lab.export.scorecard import Scorecard
from kequn_lab.monitor._registered import SHARES, TABLES, damaged, is_day, read_file, typed

__all__ = ["Registry", "open_registry", "read_registry"]

#: How a matching calls what happens.
_CALLED = {"kept": "carried", "born": "new", "gone": "gone", "split": "split", "merged": "merged"}
_SCHEMA = "kequn_lab.registry/1"
_DIGITS = 4  # of an overlap: to be read in a diff


#: The reasons that a matching gives, without a person.
_WHY = {
    "carried": "the pair that shares the most of all pairs together",
    "new": "most of its customers belong to no one earlier segment",
    "gone": "its customers are in no one segment of this run, or left",
    "split": "most of its customers came out of this segment",
    "merged": "most of its customers went into this segment",
}
_BY_CENTRES = {
    "carried": "few customers in common: the nearest centres of all pairs together",
    "new": "few customers in common: no earlier centre is near",
    "gone": "few customers in common: no centre of this run is near",
}


@dataclass(frozen=True)
class Registry:
    """Segments with permanent ids. A change gives another registry; this one stays as it is.

    Attributes
    ----------
    segments : DataFrame
        ``permanent_id`` (S0001, …), ``segment_id``, ``name_zh``, ``name_en``, ``born``, ``ended``
        (empty while it lives).
    runs : DataFrame
        ``run_id``, ``date``, ``model_id``, ``cluster``, ``permanent_id``, ``customers``.
    events : DataFrame
        ``date``, ``run_id``, ``kind``, ``before``, ``after`` (permanent ids), ``customers`` (of
        the segment that it happened to), ``common``, ``jaccard``, ``jaccard_low``,
        ``jaccard_high``, ``rule`` (``first run``, ``customers``, ``centres``, ``person``),
        ``reason``.
    members : DataFrame
        ``customer_id``, ``permanent_id`` of the last run.
    card : Scorecard or None
        Of the last run.

    Examples
    --------
    >>> labels = pd.DataFrame({"customer_id": ["1", "2", "3"], "cluster": [0, 0, 1],
    ...     "segment_id": ["a", "a", "b"], "name_zh": ["甲", "甲", "乙"],
    ...     "name_en": ["A", "A", "B"]})
    >>> registry = Registry.empty().with_run(labels, run_id="r1", date="2024-01-31")
    >>> registry = registry.retired("S0002", date="2024-02-01", reason="too small")
    >>> registry.segments[["permanent_id", "name_en", "born", "ended"]].values.tolist()
    [['S0001', 'A', '2024-01-31', ''], ['S0002', 'B', '2024-01-31', '2024-02-01']]
    """

    segments: pd.DataFrame
    runs: pd.DataFrame
    events: pd.DataFrame
    members: pd.DataFrame
    card: Scorecard | None = None

    @classmethod
    def empty(cls) -> Registry:
        """A registry without a run."""
        return cls(**{name: pd.DataFrame(columns=list(c)) for name, c in TABLES.items()})

    @property
    def living(self) -> pd.DataFrame:
        """The segments that have not ended."""
        return self.segments[self.segments["ended"] == ""]

    @property
    def labels(self) -> pd.DataFrame:
        """Customers of the last run whose segments live, with the names of these."""
        return self.members.merge(self.living, on="permanent_id")

    @property
    def last(self) -> str:
        """The day of the last run; empty before the first."""
        return "" if self.runs.empty else str(self.runs["date"].iloc[-1])

    def require_in_order(self, date: str) -> None:
        """Refuse a run of a day before that of the last run."""
        if date < self.last:
            raise ValueError(
                f"the last run in the registry is of {self.last}, this one of {date}: months are "
                "run in their order (or name another registry)"
            )

    # A run ---------------------------------------------------------------------------------------

    def with_run(
        self,
        labels: pd.DataFrame,
        matching: pd.DataFrame | None = None,
        *,
        run_id: str,
        date: str,
        card: Scorecard | None = None,
    ) -> Registry:
        """Enter a run: segments found again keep their permanent ids, others get new ones.

        Parameters
        ----------
        labels : DataFrame
            ``customer_id``, ``cluster``, ``segment_id``, ``name_zh``, ``name_en``.
        matching : DataFrame, optional
            As :func:`~kequn_lab.monitor.matching.match_labels`, from the segments of
            :attr:`labels` to those of the run, by ``segment_id``. None: there were none.
        run_id, date : str
            A run that is in the registry already changes nothing.
        card : Scorecard, optional

        Raises
        ------
        ValueError
            The run is of a day before the last run.
        """
        if run_id in set(self.runs["run_id"]):
            return self
        self.require_in_order(date)
        facts = labels.drop_duplicates("segment_id").sort_values("cluster")
        facts = facts[["cluster", "segment_id", "name_zh", "name_en"]]
        count = labels["segment_id"].value_counts()
        facts = facts.assign(customers=facts["segment_id"].map(count))
        matching = _first(facts) if matching is None else matching
        known = dict(zip(self.living["segment_id"], self.living["permanent_id"]))
        ids = self._ids(facts["segment_id"], matching, known)
        if card is not None:
            card = stamped(card, dict(zip(facts["cluster"], facts["segment_id"].map(ids))), run_id)
        events = [_event(row, known, ids, date, run_id) for row in matching.itertuples()]
        fresh = facts.assign(permanent_id=facts["segment_id"].map(ids), born=date, ended="")
        segments, renamed = self._carried(fresh, date, run_id)
        model = "none" if card is None else card.model_id
        run = fresh.assign(run_id=run_id, date=date, model_id=model)
        members = labels[["customer_id"]].assign(permanent_id=labels["segment_id"].map(ids))
        return Registry(
            segments,
            _with(self.runs, run, "runs"),
            _with(self.events, pd.DataFrame(events + renamed), "events"),
            members.sort_values("customer_id", ignore_index=True),
            card,
        )

    def _ids(self, segments: pd.Series, matching: pd.DataFrame, known: dict) -> dict[str, str]:
        """The permanent id of each segment of a run: that of the one it was, or a new one."""
        kept = matching[matching["event"] == "kept"]
        ids = dict(zip(kept["after"], kept["before"].map(known)))
        numbers = self.segments["permanent_id"].str[1:].astype(int)
        number = numbers.max() if len(numbers) else 0
        for i, segment in enumerate((s for s in segments if s not in ids), start=1):
            ids[segment] = f"S{number + i:04d}"
        return ids

    def _carried(self, fresh: pd.DataFrame, date: str, run_id: str):
        """The segments after a run, and what was renamed in it."""
        old, renamed = self.segments.set_index("permanent_id"), []
        for row in fresh[fresh["permanent_id"].isin(old.index)].itertuples():
            was = old.loc[row.permanent_id]
            if (was["name_zh"], was["name_en"]) != (row.name_zh, row.name_en):
                why = "named in the run"
                renamed.append(_renaming(row.permanent_id, was, row, date, run_id, why))
            now = [row.segment_id, row.name_zh, row.name_en]
            old.loc[row.permanent_id, ["segment_id", "name_zh", "name_en"]] = now
        old.loc[(old["ended"] == "") & ~old.index.isin(fresh["permanent_id"]), "ended"] = date
        new = fresh[~fresh["permanent_id"].isin(old.index)]
        return _with(old.reset_index(), new, "segments"), renamed

    def ids_of(self, run_id: str) -> dict[int, str]:
        """The permanent id of each cluster of a run."""
        run = self.runs[self.runs["run_id"] == run_id]
        return dict(zip(run["cluster"], run["permanent_id"]))

    # By a person ---------------------------------------------------------------------------------

    def renamed(self, segment: str, name_zh: str, name_en: str, *, date: str, reason: str):
        """Give a living segment other names, which later runs take."""
        row = self._living(segment)
        for name in (name_zh, name_en):
            if not (name.strip() and name.isprintable()):
                raise ValueError(f"{name!r} is no name: letters, digits, signs and blanks")
        for other in self.living.drop(index=row.name).itertuples():
            if name_zh == other.name_zh or name_en == other.name_en:
                name = name_zh if name_zh == other.name_zh else name_en
                raise ValueError(
                    f"{name} is the name of {other.permanent_id}; give each segment its own, or "
                    "merge the two"
                )
        table = self.segments.copy()
        table.loc[row.name, ["name_zh", "name_en"]] = [name_zh, name_en]
        now = table.loc[row.name]
        event = _renaming(segment, row, now, date, "", f"{_required(reason)}", rule="person")
        return self._changed(table, event)

    def merged(self, segment: str, into: str, *, date: str, reason: str) -> Registry:
        """End a segment; its customers count as those of another in the next carry-over."""
        row, other = self._living(segment), self._living(into)
        if segment == into:
            raise ValueError(f"{segment} cannot be merged with itself")
        members = self.members.replace({"permanent_id": {segment: other["permanent_id"]}})
        event = self._ending(segment, into, "merged", date, reason)
        return replace(self._changed(self._ended(row, date), event), members=members)

    def retired(self, segment: str, *, date: str, reason: str) -> Registry:
        """End a segment; no later cluster gets its id, whoever its customers are."""
        row = self._living(segment)
        return self._changed(
            self._ended(row, date), self._ending(segment, "", "retired", date, reason)
        )

    def _living(self, segment: str) -> pd.Series:
        found = self.living[self.living["permanent_id"] == segment]
        if found.empty:
            there = ", ".join(self.living["permanent_id"]) or "none"
            ended = "has ended" if segment in set(self.segments["permanent_id"]) else "is unknown"
            raise ValueError(f"segment {segment} {ended}; those that live: {there}")
        return found.iloc[0]

    def _ended(self, row: pd.Series, date: str) -> pd.DataFrame:
        table = self.segments.copy()
        table.loc[row.name, "ended"] = date
        return table

    def _ending(self, segment: str, into: str, kind: str, date: str, reason: str) -> dict:
        n = int((self.members["permanent_id"] == segment).sum())
        return {"date": date, "run_id": "", "kind": kind, "before": segment, "after": into,
                "customers": n, "common": n if into else 0, "rule": "person",
                "reason": _required(reason)}  # fmt: skip

    def _changed(self, segments: pd.DataFrame, event: dict) -> Registry:
        if not is_day(event["date"]):
            raise ValueError(f"date is {event['date']!r}; write YYYY-MM-DD")
        if event["date"] < self.last:
            raise ValueError(f"{event['date']} lies before the last run, of {self.last}")
        events = _with(self.events, pd.DataFrame([event]), "events")
        return replace(self, segments=segments, events=events)

    # Files ---------------------------------------------------------------------------------------

    def write(self, folder: Path) -> None:
        """Write the files into a folder that :func:`open_registry` gave."""
        for name, columns in TABLES.items():
            write_table(getattr(self, name)[list(columns)], folder / f"{name}.csv")
        if self.card is not None:
            self.card.save(folder / "scorecard.json")
        record = {"schema": _SCHEMA, "last_run": "", "segments": len(self.segments)}
        if len(self.runs):
            record["last_run"] = self.runs["run_id"].iloc[-1]
        write_json(record, folder / RECORDS["registry"])


def stamped(card: Scorecard, ids: Mapping[int, str], run_id: str) -> Scorecard:
    """A scorecard whose labels carry the permanent id of each cluster, and the run."""
    segments = tuple(replace(s, permanent_id=ids[s.cluster]) for s in card.segments)
    return replace(card, segments=segments, run_id=run_id)


def _first(facts: pd.DataFrame) -> pd.DataFrame:
    """The matching of a first run: every segment is new."""
    return pd.DataFrame({
        "before": "", "after": facts["segment_id"], "event": "born", "partner": "",
        "customers_after": facts["customers"], "customers_before": 0, "common": 0,
        "rule": "first run", **dict.fromkeys(SHARES, np.nan),
    })  # fmt: skip


def _event(row, known: dict, ids: dict, date: str, run_id: str) -> dict:
    """What a row of a matching means for the registry."""
    kind = _CALLED[row.event]
    before, after = known.get(row.before, ""), ids.get(row.after, "")
    if kind == "split":
        before = known.get(row.partner, "")
    if kind == "merged":
        after = ids.get(row.partner, "")
    ended = kind in ("gone", "merged")
    why = {"centres": _BY_CENTRES, "first run": {"new": "the first run"}}.get(row.rule, _WHY)[kind]
    if row.rule == "centres":
        why += f" ({row.distance:.2f} standard deviations)"
    return {
        "date": date, "run_id": run_id, "kind": kind, "before": before, "after": after,
        "customers": row.customers_before if ended else row.customers_after, "common": row.common,
        **{name: round(getattr(row, name), _DIGITS) for name in SHARES},
        "rule": row.rule, "reason": why,
    }  # fmt: skip


def _renaming(segment, was, now, date, run_id, reason, rule="person") -> dict:
    names = f"{was['name_zh']}/{was['name_en']} -> {now.name_zh}/{now.name_en}"
    return {"date": date, "run_id": run_id, "kind": "renamed", "before": segment, "after": segment,
            "customers": 0, "common": 0, "rule": rule, "reason": f"{reason}: {names}"}  # fmt: skip


def _required(reason: str) -> str:
    if not reason.strip():
        raise ValueError("a change in the registry needs a reason")
    return " ".join(reason.split())


def _with(table: pd.DataFrame, rows: pd.DataFrame, name: str) -> pd.DataFrame:
    """A table with more rows, in the registry's columns and types."""
    columns = list(TABLES[name])
    rows = rows.reindex(columns=columns)
    out = pd.concat([t for t in (table[columns], rows) if len(t)] or [rows], ignore_index=True)
    return typed(out)


# From a folder -----------------------------------------------------------------------------------


def read_registry(folder: str | Path) -> Registry:
    """Read a registry.

    Parameters
    ----------
    folder : path
        One that ``kequn run --registry`` wrote.

    Raises
    ------
    FileNotFoundError
        No registry in this folder.
    ValueError
        A file is damaged: which, in what row and column, and what was found.
    """
    folder = Path(folder)
    if not (folder / RECORDS["registry"]).is_file():
        raise FileNotFoundError(f"{folder} holds no registry: no {RECORDS['registry']} in it")
    tables = {name: read_file(folder, name) for name in TABLES}
    ids = tables["segments"]["permanent_id"]
    if (twice := ids.duplicated()).any():
        damaged("segments", twice, "permanent_id", tables["segments"], "each id once")
    for name, columns in (
        ("runs", ["permanent_id"]),
        ("members", ["permanent_id"]),
        ("events", ["before", "after"]),
    ):
        for column in columns:
            lost = ~tables[name][column].isin({*ids, ""})
            damaged(name, lost, column, tables[name], "an id of segments.csv")
    require_whole(folder)  # whatever was changed by hand since
    card = folder / "scorecard.json"
    return Registry(
        **{name: typed(table.replace({c: {"": None} for c in SHARES if c in table}))
           for name, table in tables.items()},
        card=Scorecard.load(card) if card.exists() else None,
    )  # fmt: skip


@contextmanager
def open_registry(folder: str | Path) -> Iterator[Opened]:
    """Read a registry to change it; at the end of the block the files are replaced, all or none.

    The folder is locked meanwhile, so that no two processes lose each other's events. A folder
    without a registry gets a new one.

    Parameters
    ----------
    folder : path

    Yields
    ------
    Opened
        Put the changed registry into its attribute ``registry``.

    Raises
    ------
    OSError
        Another process has it open; the disk is full.
    ValueError
        As :func:`read_registry`.
    """
    names = (*(f"{name}.csv" for name in TABLES), "scorecard.json")
    with ExitStack() as stack:
        try:
            stage = stack.enter_context(result_folder(folder, kind="registry", names=names))
        except FileExistsError:  # a file is not as it was written: where it was changed is said
            read_registry(folder)
            raise
        there = (Path(folder) / RECORDS["registry"]).exists()
        opened = Opened(read_registry(folder) if there else Registry.empty())
        yield opened
        opened.registry.write(stage)


@dataclass
class Opened:
    """A registry that is being changed: what it holds now."""

    registry: Registry
