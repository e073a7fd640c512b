"""JSON to a dataclass, strictly: every field there, none unknown, each of its kind."""

from __future__ import annotations

import dataclasses
import difflib
import json
import typing
from collections.abc import Mapping
from typing import Any


def parse(text: str, *, what: str) -> Any:
    """JSON text as Python values; NaN and Infinity are no numbers."""

    def refuse(token: str):
        raise ValueError(f"{what}: {token} is not a number to count with; correct it")

    try:
        return json.loads(text, parse_constant=refuse)
    except json.JSONDecodeError as error:
        raise ValueError(f"{what}: not JSON ({error}); take the file as written") from error


def build(kind, row, where: str):
    """The dataclass ``kind`` from a JSON object.

    Raises
    ------
    ValueError
        Naming the place, what was found there and what belongs there.

    Examples
    --------
    >>> from kequn_lab.export.scorecard import ScorecardSegment
    >>> build(ScorecardSegment, {"cluster": 0, "segmnt_id": "elderly"}, "segments[0]")
    Traceback (most recent call last):
    ValueError: segments[0] has an unknown field 'segmnt_id'; did you mean 'segment_id'?
    """
    if not isinstance(row, dict):
        raise ValueError(f"{where} must be an object, found {row!r}")
    hints = typing.get_type_hints(kind)
    for name in row:
        if name not in hints:
            near = difflib.get_close_matches(name, hints, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else "; remove it"
            raise ValueError(f"{where} has an unknown field {name!r}{hint}")
    if lacking := [name for name in hints if name not in row]:
        raise ValueError(f"{where} lacks {', '.join(lacking)}")
    return kind(**{n: typed(row[n], hints[n], f"{where}.{n}") for n in hints})


def typed(value, hint, where: str):
    """A JSON value as the type that a field declares; whole numbers pass as floats."""
    options = typing.get_args(hint) if type(None) in typing.get_args(hint) else (hint,)
    if value is None and type(None) in options:
        return None
    wanted = options[0]
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if wanted is float and number:
        return float(value)
    if wanted is int and number and value == int(value):
        return int(value)
    if wanted in (str, bool) and type(value) is wanted:
        return value
    if typing.get_origin(wanted) is tuple and isinstance(value, (list, tuple)):
        inner = typing.get_args(wanted)[0]
        if dataclasses.is_dataclass(inner):
            return tuple(value)
        return tuple(typed(v, inner, f"{where}[{i}]") for i, v in enumerate(value))
    if typing.get_origin(wanted) is Mapping and isinstance(value, dict):
        return {k: typed(v, str, f"{where}.{k}") for k, v in value.items()}
    raise ValueError(f"{where} must be {getattr(wanted, '__name__', wanted)}, found {value!r}")  # fmt: skip  # noqa: E501
