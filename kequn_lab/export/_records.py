"""The parts of a scorecard as JSON writes them, and back in the order of the features."""

from __future__ import annotations

import dataclasses
from typing import Any


def record_of(value) -> dict[str, Any]:
    """The fields of a dataclass by name."""
    return {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}


def by_feature(value, names: list[str], *columns: str) -> dict[str, Any]:
    """The record of a dataclass, its ``columns`` with the names of the features."""
    record = record_of(value)
    return record | {c: dict(zip(names, record[c], strict=True)) for c in columns}


def feature_record(f) -> dict[str, Any]:
    """The record of a feature; a weight of 1 is not written."""
    record = record_of(f)
    return record if f.weight != 1 else {k: v for k, v in record.items() if k != "weight"}


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
