"""Text files as banks export them: encoding, separator and torn lines recognised."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.csv

_CHUNK = 1 << 22


def detect_encoding(path: Path) -> str:
    """``utf-8``, ``utf-8-sig``, ``utf-16`` or ``gb18030``: the first that reads the whole file.

    UTF-8 is tried before GB18030 because text that is valid UTF-8 by chance is all but
    impossible, while GB18030 accepts nearly anything.
    """
    with path.open("rb") as file:
        start = file.read(4)
    if start.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    for encoding in ("utf-8", "gb18030"):
        if _reads(path, encoding):
            return encoding
    from charset_normalizer import from_path

    guess = from_path(path).best()
    if guess is None:
        raise ValueError(f"{path.name}: the encoding is not recognised; save the file as UTF-8")
    return guess.encoding


def _reads(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def detect_separator(header: str) -> str:
    """The separator that cuts the header into most fields (comma, semicolon, tab or bar)."""
    counts = {sep: len(next(csv.reader([header], delimiter=sep))) for sep in ",;\t|"}
    return max(counts, key=counts.get)


def read_text(path: Path, refuse: Callable[[int, str, str], None]) -> pd.DataFrame:
    """Every column as text, indexed by line; a line of the wrong width goes to ``refuse``."""
    encoding = detect_encoding(path)
    with path.open(encoding=encoding, newline="") as file:
        header = file.readline()
    torn: list[int] = []

    def on_invalid(row: pa.csv.InvalidRow) -> str:
        torn.append(row.number)
        reason = f"{row.actual_columns} fields where the header has {row.expected_columns}"
        refuse(row.number, reason, row.text)
        return "skip"

    separator = detect_separator(header)
    names = [n.strip() for n in next(csv.reader([header.rstrip("\r\n")], delimiter=separator))]
    names = [n or f"unnamed_{i}" for i, n in enumerate(names)]
    if len(set(names)) < len(names):
        twice = sorted({n for n in names if names.count(n) > 1})
        raise ValueError(f"{path.name}, line 1: column named twice: {', '.join(twice)}; rename one")
    try:
        table = pa.csv.read_csv(
            path,
            # One thread: only then does pyarrow number the lines it refuses.
            read_options=pa.csv.ReadOptions(
                use_threads=False,
                encoding="utf-8" if encoding == "utf-8-sig" else encoding,
                column_names=names,
                skip_rows=1,
                block_size=_CHUNK,
            ),
            parse_options=pa.csv.ParseOptions(
                delimiter=separator,
                newlines_in_values=True,
                ignore_empty_lines=False,
                invalid_row_handler=on_invalid,
            ),
            convert_options=pa.csv.ConvertOptions(
                column_types={n: pa.string() for n in names},
                strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid as error:
        raise ValueError(f"{path.name}: not a table of text: {error}") from error
    lines = pd.RangeIndex(2, 2 + table.num_rows + len(torn)).difference(torn)
    df = table.to_pandas()
    df.index = pd.Index(lines, name="line")
    blank = (df == "").all(axis=1) | df.isna().all(axis=1)
    return df[~blank]
