"""The record of a result: which files it names, and whether they are there as it says."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from kequn_lab._files import sha256

#: The record of each kind of result, named by the command that writes it.
RECORDS = {
    "run": "run.json", "sample": "bank.json", "score": "labels.meta.json",
    "registry": "registry.json",
}  # fmt: skip


def read_record(folder: str | Path) -> dict[str, Any]:
    """Read the record of a result: ``run.json``, ``bank.json`` or ``labels.meta.json``.

    Raises
    ------
    FileNotFoundError
        There is none: the folder holds no result.
    ValueError
        It is not JSON, or not a record.
    """
    for kind, name in RECORDS.items():
        if Path(folder, name).is_file():
            return _record(Path(folder, name), kind)
    raise FileNotFoundError(
        f"{folder} holds no result of kequn: none of {', '.join(RECORDS.values())} is there"
    )


def verify_folder(folder: str | Path) -> pd.DataFrame:
    """Compare the files of a result with its record.

    Returns
    -------
    DataFrame
        One row per file that does not fit: ``file``, ``problem`` (``missing``, ``changed``).
        Empty when the result is whole.

    Raises
    ------
    FileNotFoundError, ValueError
        As :func:`read_record`.
    """
    found = []
    for file in read_record(folder)["files"]:
        path = Path(folder, file["file"])
        if not path.is_file():
            found.append((file["file"], "missing"))
        elif not same(path, file):
            found.append((file["file"], "changed"))
    return pd.DataFrame(found, columns=["file", "problem"])


def require_whole(folder: str | Path) -> dict[str, Any]:
    """Return the record of a result, or raise if its files are not those it describes."""
    wrong = verify_folder(folder)
    if len(wrong):
        raise ValueError(
            f"{folder} is not one whole result: {listed(wrong['file'])} differ from the record. "
            "A run stopped half-way, or files were edited; run it again into this folder"
        )
    return read_record(folder)


def _record(path: Path, kind: str) -> dict[str, Any]:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        if all(_inside(f["file"]) and f["bytes"] >= 0 and f["sha256"] for f in record["files"]):
            return record
    except (ValueError, TypeError, KeyError, RecursionError):
        pass
    raise ValueError(
        f"{path} is not a record of kequn {kind}: it does not list its files; "
        "move it away, or choose another folder"
    )


def _inside(name: str) -> bool:
    path = PurePosixPath(name)
    strange = path.is_absolute() or ".." in path.parts or set(name) & set("\\:\0")
    return bool(path.parts) and not strange


def entries(path: Path, kind: str) -> dict[str, dict]:
    """The files that a record lists, and the record itself; none where there is no record."""
    if path.is_symlink() or not path.exists():
        return {}
    files = _record(path, kind)["files"]
    return {f["file"]: f for f in [*files, described(path, path.name)]}


def described(path: Path, name: str, known: str | None = None) -> dict[str, Any]:
    """A file as a record lists it; ``known`` is its SHA-256 where that was taken before."""
    return {"file": name, "bytes": path.stat().st_size, "sha256": known or sha256(path)}


def same(path: Path, file: dict) -> bool:
    """Whether a file is the one that a record lists."""
    return path.stat().st_size == file["bytes"] and sha256(path) == file["sha256"]


def listed(names: Iterable[str], show: int = 3) -> str:
    """The first names, and how many more there are."""
    names = list(names)
    more = f" and {len(names) - show} more" if len(names) > show else ""
    return ", ".join(names[:show]) + more
