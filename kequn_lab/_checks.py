"""Checks that every room makes, and their words."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

import pandas as pd


def meant(word, known: Iterable) -> str:
    """What a mistyped word may mean, in brackets; nothing where no known word is near.

    Examples
    --------
    >>> meant("aum_cyn", ["aum_cny", "age_years"]), meant("x", ["aum_cny"])
    (" (did you mean 'aum_cny'?)", '')
    """
    near = difflib.get_close_matches(str(word), [str(k) for k in known], n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""


def require_columns(table: pd.DataFrame, columns: Iterable[str], name: str) -> None:
    """Refuse a table that lacks a column; say what it has, and what may be meant.

    Examples
    --------
    >>> require_columns(pd.DataFrame({"segment": ["a"]}), ["segment_id"], "labels")
    Traceback (most recent call last):
    ValueError: labels lacks segment_id (did you mean 'segment'?); it has segment
    """
    if lacking := [f"{c}{meant(c, table.columns)}" for c in columns if c not in table.columns]:
        held = ", ".join(map(str, table.columns)) or "no column"
        raise ValueError(f"{name} lacks {', '.join(lacking)}; it has {held}")
