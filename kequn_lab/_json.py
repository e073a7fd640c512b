"""JSON that was written by this package, read strictly; an error names file, place and value."""

from __future__ import annotations

import codecs
import difflib
import reprlib
from pathlib import Path
from typing import Any, Literal

import pydantic_core
from pydantic import TypeAdapter, ValidationError


def read_json(path: str | Path) -> Any:
    """The content of a JSON file.

    Raises
    ------
    FileNotFoundError, IsADirectoryError
        No such file.
    ValueError
        Not JSON.
    """
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; name the file in it")
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist; check the path")
    return parse_json(path.read_bytes().removeprefix(codecs.BOM_UTF8), what=path.name)


def parse_json(text: str | bytes, *, what: str) -> Any:
    """JSON text as Python values."""
    try:
        return pydantic_core.from_json(text)
    except ValueError as error:
        raise ValueError(f"{what}: not JSON ({error}); take the file as written") from None


def as_kind(
    kind: type, record: Any, *, what: str, extra: Literal["forbid", "ignore"] = "forbid"
) -> Any:
    """The dataclass ``kind`` of parsed JSON: every field there, each of its kind, none unknown.

    Parameters
    ----------
    kind : dataclass
    record : parsed JSON
    what : str
        The file, for the message.
    extra : {"forbid", "ignore"}
        What becomes of unknown fields.

    Raises
    ------
    ValueError
        Naming the place, what belongs there and what was found.

    Examples
    --------
    >>> from dataclasses import make_dataclass
    >>> Cluster = make_dataclass("Cluster", [("cluster", int), ("segment_id", str)])
    >>> as_kind(Cluster, {"cluster": 0, "segmnt_id": "elderly"}, what="card.json")
    Traceback (most recent call last):
    ValueError: card.json: it lacks segment_id (and 1 more faults)
    >>> as_kind(Cluster, {"cluster": "0", "segment_id": "elderly"}, what="card.json")
    Traceback (most recent call last):
    ValueError: card.json: cluster must be a valid integer, found '0'
    """
    try:
        return TypeAdapter(kind).validate_json(
            pydantic_core.to_json(record), strict=True, extra=extra
        )
    except ValidationError as error:
        faults = error.errors(include_url=False)
    more = f" (and {len(faults) - 1} more faults)" if len(faults) > 1 else ""
    raise ValueError(f"{what}: {_told(faults[0], record)}{more}")


def _told(fault: pydantic_core.ErrorDetails, record: Any) -> str:
    """One fault that pydantic found, in words."""
    if fault["type"] == "value_error":
        return str(fault["ctx"]["error"])
    *place, name = fault["loc"] or ("it",)
    around = record
    for part in place:
        around = around[part]
    where = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in place).lstrip(".")
    if fault["type"] == "missing":
        return f"{where or 'it'} lacks {name}"
    if fault["type"] == "unexpected_keyword_argument":
        near = difflib.get_close_matches(name, [n for n in around if n != name], n=1)
        hint = f"did you mean {near[0]!r}?" if near else "remove it"
        return f"{where or 'it'} has an unknown field {name!r}; {hint}"
    where += f"[{name}]" if isinstance(name, int) else f".{name}"
    wanted = fault["msg"].removeprefix("Input should be ")
    return f"{where.lstrip('.')} must be {wanted}, found {reprlib.repr(fault['input'])}"
