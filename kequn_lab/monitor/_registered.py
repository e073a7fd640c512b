"""The files of a registry: which columns they have, and what a cell of each may hold."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date as day
from pathlib import Path

import pandas as pd

from kequn_lab.export.labels import read_csv

#: What can happen to a segment.
KINDS = ("carried", "new", "gone", "split", "merged", "renamed", "retired")
_ID = re.compile(r"S\d{4,}")


def is_day(text: str) -> bool:
    """Whether a text is a day, as YYYY-MM-DD."""
    try:
        return day.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _share(text: str) -> bool:
    try:
        return not text or 0 <= float(text) <= 1
    except ValueError:
        return False


_id, _ids = _ID.fullmatch, lambda text: not text or _ID.fullmatch(text)
_count = str.isdecimal
_any = lambda text: True  # noqa: E731
#: Each file, its columns, and of each what a cell may hold and how a message calls that.
TABLES: dict[str, dict[str, tuple[Callable, str]]] = {
    "segments": {
        "permanent_id": (_id, "a permanent id (S0001)"), "segment_id": (bool, "a segment id"),
        "name_zh": (bool, "a name"), "name_en": (bool, "a name"), "born": (is_day, "YYYY-MM-DD"),
        "ended": (lambda t: not t or is_day(t), "YYYY-MM-DD, or empty"),
    },
    "runs": {
        "run_id": (bool, "the id of a run"), "date": (is_day, "YYYY-MM-DD"),
        "model_id": (bool, "the id of a model"), "cluster": (_count, "a whole number"),
        "permanent_id": (_id, "a permanent id (S0001)"), "customers": (_count, "a whole number"),
    },
    "events": {
        "date": (is_day, "YYYY-MM-DD"), "run_id": (_any, ""),
        "kind": (KINDS.__contains__, f"one of {', '.join(KINDS)}"),
        "before": (_ids, "a permanent id, or empty"), "after": (_ids, "a permanent id, or empty"),
        "customers": (_count, "a whole number"), "common": (_count, "a whole number"),
        "jaccard": (_share, "0 to 1, or empty"), "jaccard_low": (_share, "0 to 1, or empty"),
        "jaccard_high": (_share, "0 to 1, or empty"), "rule": (bool, "a rule"),
        "reason": (bool, "a reason"),
    },
    "members": {
        "customer_id": (bool, "a customer"), "permanent_id": (_id, "a permanent id (S0001)"),
    },
}  # fmt: skip
_NUMBERS: dict[str, type] = {"cluster": int, "customers": int, "common": int}
SHARES = ("jaccard", "jaccard_low", "jaccard_high")


def typed(table: pd.DataFrame) -> pd.DataFrame:
    """A table of the registry with its numbers as numbers."""
    kinds: dict[str, type] = {c: kind for c, kind in _NUMBERS.items() if c in table}
    kinds |= {c: float for c in SHARES if c in table}
    return table.astype(kinds)


def read_file(folder: Path, name: str) -> pd.DataFrame:
    """One file of a registry as text, every cell looked at."""
    columns = TABLES[name]
    path = folder / f"{name}.csv"
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist; the registry is not whole")
    table = read_csv(path, dict.fromkeys(columns, "large_string")).to_pandas()
    for column, (fits, called) in columns.items():
        if column not in table:
            raise ValueError(f"{path.name} lacks the column {column}; the registry is damaged")
        table[column] = table[column].astype(object).where(table[column].notna(), "")
        damaged(name, ~table[column].map(lambda c, f=fits: bool(f(c))), column, table, called)
    return table[list(columns)]


def damaged(name: str, wrong: pd.Series, column: str, table: pd.DataFrame, called: str) -> None:
    """Raise the first of the rows that are wrong."""
    rows = wrong.to_numpy(bool).nonzero()[0]
    if len(rows):
        raise ValueError(
            f"the registry is damaged: {name}.csv, line {rows[0] + 2}, column {column}: found "
            f"{table[column].iloc[rows[0]]!r}, expected {called}; restore the file"
        )
