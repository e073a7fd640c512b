"""A bank's file to a table: encoding and separator recognised, torn lines named, ids text."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.csv

from kequn_lab.contract.tables import Contract, ContractError, convert, require, violations_frame

__all__ = ["Refused", "detect_encoding", "detect_separator", "read_table"]

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


def _read_text(path: Path, refuse: Callable[[int, str, str], None]) -> pd.DataFrame:
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


@dataclass(frozen=True)
class Refused:
    """A line of a file that was not taken: its number, why, and its text."""

    line: int
    reason: str
    text: str


def read_table(
    path: str | Path,
    contract: Contract | None = None,
    *,
    mapping=None,
    on_refused: Callable[[Refused], None] | None = None,
) -> pd.DataFrame:
    """Read a CSV of any common encoding, or a Parquet file; ids stay text.

    Parameters
    ----------
    path : path
        ``.parquet``, or a text file whose encoding (UTF-8 with or without BOM, UTF-16,
        GB18030) and separator (comma, semicolon, tab, bar) are recognised.
    contract : Contract, optional
        Convert and check; without it every column of a text file is text.
    mapping : TableMapping, optional
        The bank's words translated to ours before the check (:mod:`kequn_lab.contract.mapping`).
    on_refused : callable, optional
        Called with a :class:`Refused` for each line that cannot be taken, which is then left
        out. Without it such a line is an error.

    Returns
    -------
    DataFrame
        Its index is the line in the file (the header is line 1), so that every message
        can name the line.

    Raises
    ------
    FileNotFoundError, IsADirectoryError
        The path is not a file.
    ContractError
        Torn lines, or cells that break the contract.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from kequn_lab.contract.tables import CUSTOMERS
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder, "客户.csv")
    ...     _ = file.write_bytes("customer_id,age_years\\n001,41\\n".encode("gb18030"))
    ...     read_table(file, CUSTOMERS)
         customer_id  age_years
    line
    2            001       41.0
    """
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; name the file in it (CSV or Parquet)")
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist; check the path (now in {Path.cwd()})")
    if path.stat().st_size == 0:
        empty = violations_frame([pd.NA], "all", "empty file", ["0 bytes"])
        raise ContractError(empty, table=path.name, todo="export the table again, with its header")
    if path.suffix.lower() in (".parquet", ".pq"):
        table = pd.read_parquet(path)
        table.index = pd.RangeIndex(1, len(table) + 1, name="row")
    else:
        refused: list[Refused] = []
        table = _read_text(path, lambda *row: refused.append(Refused(*row)))
        _refuse(refused, path.name, on_refused)
    if mapping is not None:
        table = mapping.translate(table, contract=contract, source=path.name)
    if contract is None:
        return table
    typed, violations = convert(table, contract)
    whole = violations["row"].isna()
    if len(violations) and (on_refused is None or whole.any()):
        raise ContractError(violations, table=path.name)
    if len(violations):
        for row, found in violations.groupby("row", sort=True):
            reason = "; ".join(f"{v.column}: {v.rule}" for v in found.itertuples())
            on_refused(Refused(int(row), reason, ",".join(map(str, table.loc[row].tolist()))))
        typed = require(typed.drop(index=violations["row"].unique()), contract, source=path.name)
    return typed


def _refuse(refused: list[Refused], table: str, on_refused) -> None:
    if refused and on_refused is None:
        v = violations_frame([r.line for r in refused], "all", [r.reason for r in refused],
                        [r.text for r in refused], "line")  # fmt: skip
        todo = "mend these lines in the file, or set them aside (kequn run --skip-bad-rows)"
        raise ContractError(v, table=table, todo=todo)
    for r in refused:
        on_refused(r)
