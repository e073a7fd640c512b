"""Text that a spreadsheet would run as a formula: an apostrophe is put before it, and taken off."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kequn_lab._files import FORMULA


def escape_formulas(table: pa.Table) -> pa.Table:
    """Put an apostrophe before every text cell that a spreadsheet would run as a formula.

    Examples
    --------
    >>> escape_formulas(pa.table({"note": ["=1+1", "plain", "-x"], "cny": [-1, 0, 1]})).to_pydict()
    {'note': ["'=1+1", 'plain', "'-x"], 'cny': [-1, 0, 1]}
    """
    return _on_text(table, rf"^{FORMULA}", rf"^({FORMULA})", r"'\1")


def restore_formulas(table: pa.Table) -> pa.Table:
    """Take off again what :func:`escape_formulas` put there."""
    return _on_text(table, rf"^'{FORMULA}", rf"^'({FORMULA})", r"\1")


def _on_text(table: pa.Table, found: str, pattern: str, replacement: str) -> pa.Table:
    for i, field in enumerate(table.schema):
        if pa.types.is_string(field.type) or pa.types.is_large_string(field.type):
            column = table.column(i)
            if _may_be(column) and pc.any(pc.match_substring_regex(column, found)).as_py():
                new = pc.replace_substring_regex(column, pattern, replacement, max_replacements=1)
                table = table.set_column(i, field, new)
    names = pa.array(table.column_names, pa.string())
    names = pc.replace_substring_regex(names, pattern, replacement, max_replacements=1)
    return table.rename_columns(names.to_pylist())


#: The first bytes, in UTF-8, of what a formula can begin with (`FORMULA`): blanks and signs of
#: other widths share theirs with other letters, so a cell that begins so is looked at in full.
_FIRST = np.isin(np.arange(256), list(b"'\t\r\n =+-@\xc2\xe2\xe3\xef"))


def _may_be(column: pa.ChunkedArray) -> bool:
    """Whether any cell begins with a byte that a formula can begin with."""
    for chunk in column.chunks:
        _, ends, text = chunk.buffers()
        if text is None:
            continue
        kind: Any = np.int64 if pa.types.is_large_string(chunk.type) else np.int32
        starts = np.frombuffer(ends, kind)[chunk.offset :][: len(chunk)]
        letters = np.frombuffer(text, np.uint8)
        if _FIRST[letters[starts[starts < len(letters)]]].any():
            return True
    return False
