"""Files written whole or not at all, their SHA-256, and JSON without surprises."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

#: How CSV files are written, the usual way first: Excel reads it without being asked.
ENCODINGS = ("utf-8-sig", "utf-8", "gb18030")
#: What starts a formula in a spreadsheet: = + - @, their full-width and small forms, after
#: blanks that it trims; and a leading tab or line break. An apostrophe before them is doubled,
#: so that taking one off is exact.
_BLANK = r"[ \x{00a0}\x{200b}\x{3000}\x{feff}]*"
FORMULA = rf"'*(?:[\t\r\n]|{_BLANK}[=+\-@＝＋－＠﹦﹢﹣﹫])"


@contextmanager
def replacing(path: str | Path) -> Iterator[BinaryIO]:
    """Open a new file beside ``path`` and, if all goes well, put it in its place.

    Parameters
    ----------
    path : path
        The target. Its folder must exist.

    Yields
    ------
    binary file
        Synced to the disk and renamed to ``path`` at the end of the block; removed if the
        block raises. A killed process leaves at most a hidden ``.NAME.….part``.

    Raises
    ------
    FileNotFoundError, NotADirectoryError, PermissionError
        The folder cannot take the file.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     with replacing(Path(folder, "note.txt")) as file:
    ...         _ = file.write(b"whole")
    ...     Path(folder, "note.txt").read_text()
    'whole'
    """
    path = Path(os.path.realpath(path))
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; name a file in it")
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        file = part.open("xb")
    except OSError as error:
        todo = "choose another folder" if path.parent.exists() else "create the folder first"
        message = f"cannot write in {path.parent}: {error.strerror}; {todo}"
        raise type(error)(error.errno, message) from error
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    sync(path.parent)


def sync(path: Path) -> None:
    """Put a file, or the names in a folder, on the disk (Windows has no call for folders)."""
    folder = path.is_dir()
    if folder and os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY if folder else os.O_RDWR)
    try:
        os.fsync(handle)
    except OSError:
        if not folder:  # some network disks cannot sync folders
            raise
    finally:
        os.close(handle)


def sha256(path: str | Path) -> str:
    """Return the SHA-256 of a file, as 64 hexadecimal digits."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def versions() -> dict[str, str]:
    """Return the versions that a result depends on, by package."""
    from importlib.metadata import version

    names = ("kequn_lab", "scikit-learn", "numpy", "pandas", "pyarrow", "duckdb")
    return {"python": platform.python_version(), **{name: version(name) for name in names}}


def write_json(record: Any, path: str | Path) -> None:
    """Write a record as UTF-8 JSON, whole or not at all; NaN is refused.

    Parameters
    ----------
    record : object
        What :mod:`json` takes.
    path : str or Path

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write_json({"名": "年轻人"}, Path(folder, "run.json"))
    ...     print(Path(folder, "run.json").read_text(encoding="utf-8"))
    {
      "名": "年轻人"
    }
    """
    text = json.dumps(record, ensure_ascii=False, indent=2, allow_nan=False, default=_plain)
    with replacing(path) as file:
        file.write(text.encode() + b"\n")


def _plain(value: Any) -> Any:
    """Numpy scalars and arrays as numbers and lists; dates and paths as text."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, Path) or hasattr(value, "isoformat"):
        return str(value)
    raise TypeError(f"{type(value).__name__} {value!r} has no place in JSON")
