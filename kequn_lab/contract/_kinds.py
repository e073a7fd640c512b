"""What a file is, told by its first bytes: text, Parquet, Excel, packed, or to be exported."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any

_OURS = (
    (b"PAR1", "parquet"),
    (b"\x1f\x8b", "gzip"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
)
_FOREIGN = (
    (b"\xd0\xcf\x11\xe0", "an Excel file of the old kind (.xls), or one with a password"),
    (b"$FL", "an SPSS file"),
    (b"<stata_dta", "a Stata file"),
    (b"\x80\x04", "a Python pickle"),
    (b"\x80\x05", "a Python pickle"),
    (b"ARROW1", "an Arrow (Feather) file"),
    (b"ORC", "an ORC file"),
    (b"\x89HDF", "an HDF5 file"),
    (b"SQLite format 3\0", "a SQLite database (give its address, sqlite:///…, and a query)"),
    (b"%PDF", "a PDF"),
    (b"7z\xbc\xaf", "a packed file (7z)"),
    (b"Rar!", "a packed file (rar)"),
    (b"BZh", "a packed file (bz2)"),
    (b"\xfd7zXZ", "a packed file (xz)"),
    (b"\x28\xb5\x2f\xfd", "a packed file (zst)"),
    (b"{", "a JSON file"),
    (b"[{", "a JSON file"),
    *(
        (mark, "a page of HTML or XML, whatever its name")
        for mark in (b"<html", b"<!doc", b"<?xml", b"<table", b"<meta")
    ),
)
#: Where the first bytes do not tell.
_ENDINGS = {
    ".sas7bdat": "a SAS file", ".xpt": "a SAS file", ".dta": "a Stata file",
    ".sav": "an SPSS file", ".zsav": "an SPSS file", ".por": "an SPSS file",
    ".rds": "an R file", ".rdata": "an R file", ".rda": "an R file", ".dbf": "a dBase file",
    ".pkl": "a Python pickle", ".pickle": "a Python pickle", ".json": "a JSON file",
    ".jsonl": "a JSON file", ".ods": "an OpenDocument sheet", ".xlsb": "a binary Excel file",
    ".mdb": "an Access database", ".accdb": "an Access database", ".avro": "an Avro file",
}  # fmt: skip


def kind_of(path: Path, name: str) -> tuple[str, Callable[[], IO[bytes]]]:
    """``text``, ``parquet`` or ``excel``, and what opens its bytes (unpacked).

    Raises
    ------
    ValueError
        Another program's file; a packed file that does not hold just one text.
    """
    opened: Any = partial(path.open, "rb")
    if foreign := _ENDINGS.get(path.suffix.lower()):
        raise ValueError(_export(name, foreign))
    kind = _kind_of_bytes(opened, name)
    if kind == "zip":
        member = _only_member(path, name)
        if member is None:
            return "excel", opened
        opened = partial(_open_member, path, member)
    elif kind == "gzip":
        opened = partial(gzip.open, path, "rb")
    if kind in ("zip", "gzip") and _kind_of_bytes(opened, f"{name} (unpacked)") != "text":
        raise ValueError(f"{name} holds no text; unpack it first, and give what is in it")
    return ("text" if kind in ("zip", "gzip") else kind), opened


def _export(name: str, foreign: str) -> str:
    return f"{name} is {foreign}; export the table as .xlsx, CSV or Parquet and give that"


def _kind_of_bytes(opened: Callable[[], IO[bytes]], name: str) -> str:
    with opened() as file:
        start = file.read(512)
    for mark, kind in _OURS:
        if start.startswith(mark):
            return kind
    plain = start.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n")
    for mark, foreign in _FOREIGN:
        if plain.startswith(mark) or plain.lower().startswith(mark):
            raise ValueError(_export(name, foreign))
    if start[257:262] == b"ustar":
        raise ValueError(_export(name, "a packed folder (tar)"))
    return "text"


def _open_member(path: Path, member: str) -> IO[bytes]:
    with zipfile.ZipFile(path) as archive:  # the member stays readable
        return archive.open(member)


def _only_member(path: Path, name: str) -> str | None:
    """The one file in a zip; None for an Excel workbook, which is a zip as well."""
    with zipfile.ZipFile(path) as archive:
        members = [i.filename for i in archive.infolist() if not i.is_dir()]
    if "xl/workbook.xml" in members:
        return None
    if "xl/workbook.bin" in members or "content.xml" in members:
        raise ValueError(_export(name, "a sheet of another kind than .xlsx"))
    files = [m for m in members if not m.startswith("__MACOSX/") and not m.endswith(".DS_Store")]
    if len(files) != 1:
        shown = ", ".join(files[:5]) + (" …" if len(files) > 5 else "")
        raise ValueError(
            f"{name} holds {len(files)} files ({shown or 'none'}); unpack the one meant"
        )
    return files[0]


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Errors of the operating system and of packed files, in words and with the file's name."""
    try:
        yield
    except (zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise ValueError(f"{name} is cut off or damaged ({error}); copy it again") from error
    except (NotImplementedError, RuntimeError) as error:  # of zipfile: its method, a password
        raise ValueError(f"{name} cannot be unpacked ({error}); unpack it first") from error
    except OSError as error:
        if error.strerror is None:
            raise
        raise type(error)(f"{name} cannot be read: {error.strerror}") from error
