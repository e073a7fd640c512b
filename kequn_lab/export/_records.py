"""The parts of a scorecard as JSON writes them, and back in the order of the features."""

from __future__ import annotations

import dataclasses
from typing import Any


def record_of(value) -> dict[str, Any]:
    """The fields of a dataclass by name."""
    return {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}


def short_record(value) -> dict[str, Any]:
    """The record of a dataclass without what is at its default, such as a weight of 1."""
    defaults = {f.name: f.default for f in dataclasses.fields(value)}
    return {name: v for name, v in record_of(value).items() if v != defaults[name]}


def by_feature(value, names: list[str], *columns: str) -> dict[str, Any]:
    """The short record of a dataclass, its ``columns`` with the names of the features."""
    record = short_record(value)
    return record | {c: dict(zip(names, record[c], strict=True)) for c in columns}


def stamps(card) -> tuple[str, ...]:
    """The columns that only labels by a scorecard of a registry have."""
    return ("permanent_id", "run_id") if card.run_id is not None else ()


def fact(card, segment, column: str) -> str:
    """What a column of the labels says of the customers of a segment."""
    return card.run_id if column == "run_id" else getattr(segment, column)


def in_order(rows: list, names: list, where: str, *columns: str) -> list:
    """Rows whose ``columns`` name the features, with these in the order of the features."""
    out = []
    for i, row in enumerate(rows):
        for column in columns:
            given = row.get(column) if isinstance(row, dict) else None
            if not isinstance(given, dict):
                continue
            if lacking := [str(n) for n in names if n not in given]:
                raise ValueError(f"{where}[{i}].{column} lacks {', '.join(lacking)}")
            if extra := [n for n in given if n not in names]:
                raise ValueError(f"{where}[{i}].{column} has {', '.join(extra)}, no feature of it")
            row = row | {column: [given[n] for n in names]}
        out.append(row)
    return out
