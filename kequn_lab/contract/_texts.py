"""A column's cells as clean texts, and counts of what was found in them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

__all__ = [
    "MISSING",
    "MISSING_TEXT",
    "MOST_SEEN",
    "Tally",
    "clean",
    "is_missing",
    "is_total",
    "matches",
    "plain",
    "texts",
]

#: What databases and spreadsheets write for an empty cell; compared without case and blanks.
MISSING = (
    "", "-", "--", "—", "–", "na", "n/a", "#n/a", "<na>", "nan", "null", "none", "nil", "nat",
    "\\n", "(blank)", "(null)", "(空白)", "空", "缺失",
)  # fmt: skip
#: Those that can be no product and no code.
MISSING_TEXT = ("", "nan", "null", "#n/a", "<na>", "nat", "\\n", "(blank)", "(null)", "(空白)")
TOTAL_ROW = "a total row, not a customer"
_TOTALS = (
    "合计", "总计", "小计", "累计", "汇总", "总和",
    "total", "totals", "subtotal", "sub-total", "grandtotal", "sum",
)  # fmt: skip
_RAISED = "[²³¹⁰-₎½¼¾①-⓿㈠-㋿]"
MOST_SEEN = 30
_WHOLE = 2**53  # above it neighbouring integers are the same float


def plain(values: pd.Series) -> pd.Series:
    """The column as text, numbers, booleans or dates; objects of several kinds become text."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(values.cat.categories.dtype)
    if isinstance(values.dtype, pd.ArrowDtype):
        whole = {"i": "Int64", "u": "UInt64", "b": "boolean"}.get(values.dtype.kind)
        python = pa.array(values.array).to_pandas().array if whole is None else values.array
        values = pd.Series(python, index=values.index, dtype=whole)
    if pd.api.types.is_float_dtype(values.dtype):
        return values.astype("float64")
    if pd.api.types.is_string_dtype(values.dtype) and values.dtype != object:
        return values.astype("str")
    if values.dtype != object:
        return _as_text(values) if values.dtype.kind == "c" else values
    kind = pd.api.types.infer_dtype(values, skipna=True)
    if kind in ("string", "empty"):
        return values.astype("str")
    if kind in ("integer", "boolean") and not values.isna().any():
        return values.infer_objects()
    if kind in ("date", "datetime64", "datetime") and _one_zone(values):
        return pd.to_datetime(values, errors="coerce")
    return _as_text(values)


def _one_zone(values: pd.Series) -> bool:
    return len({getattr(v, "tzinfo", None) for v in values if not pd.isna(v)}) == 1


def _as_text(values: pd.Series) -> pd.Series:
    return pd.Series([text_of(v) for v in values], index=values.index, dtype="str")


def text_of(value: Any) -> str | None:
    """A cell as text; None where there is nothing."""
    if isinstance(value, str):
        return value
    if not pd.api.types.is_scalar(value):
        return str(value)
    if pd.isna(value):
        return None
    if isinstance(value, bool | np.bool_):
        return str(bool(value)).lower()
    if isinstance(value, int | np.integer):
        return str(int(value))
    if isinstance(value, Decimal) and value.is_finite():
        short = value.normalize()
        return f"{short:f}" if short == short.to_integral_value() else f"{short:f}e0"
    if isinstance(value, float | np.floating):
        number = float(value)
        if number.is_integer() and abs(number) < _WHOLE:
            return str(int(number))
        # With an exponent, so that nobody takes the point for a thousands separator.
        text = repr(number)
        return text if "e" in text or "n" in text else text + "e0"
    if isinstance(value, dt.timedelta):
        return str(pd.Timedelta(value))
    if isinstance(value, np.datetime64):
        value = pd.Timestamp(value)
    if isinstance(value, dt.date):
        # With the T that tells a typed time from a text.
        return value.isoformat() + ("" if isinstance(value, dt.datetime) else "T00:00:00")
    return str(value)


def texts(values: pd.Series) -> pa.Array:
    """The cells of a `plain` column as text, missing where there is none."""
    kind = values.dtype.kind
    if kind == "f":
        whole = (values % 1 == 0) & (values.abs() < _WHOLE)
        out = values.where(whole, 0).astype("int64").astype("str")
        out[~whole] = _as_text(values[~whole])
    elif kind in "iu" or pd.api.types.is_string_dtype(values.dtype):
        out = values.astype("str")
    else:
        out = _as_text(values)
    return pa.array(out, from_pandas=True, type=pa.large_string())


def series(array: pa.Array, index: pd.Index) -> pd.Series:
    """Texts as a column."""
    return pd.Series(pd.array(array, dtype="str"), index=index)


def nothing_to_do(array: pa.Array, codes=None) -> bool:
    """Is every text one of the codes, or an id of letters and digits with a digit in it?

    Most columns are so, and none of their cells is a word for missing, a total or written in
    an odd way.
    """
    if codes:
        known = pc.or_(pc.is_null(array), pc.is_in(array, pa.array(codes, array.type)))
        return pc.all(known, min_count=0).as_py()
    plain = pc.and_not(pc.ascii_is_alnum(array), pc.ascii_is_alpha(array))
    return pc.all(plain, min_count=0).as_py()


def clean(array: pa.Array, *, width: bool = True) -> pa.Array:
    """Texts without surrounding blanks; ``width``: full-width characters become plain ones."""
    if width and pc.all(pc.string_is_ascii(array)).as_py() is False:
        plain_ones = pc.utf8_normalize(array, "NFKC")
        # 5² is not 52.
        array = pc.if_else(pc.match_substring_regex(array, _RAISED), array, plain_ones)
        for theirs, ours in (("−", "-"), ("‐", "-"), ("‑", "-"), ("’", "'"), ("′", "'")):
            array = pc.replace_substring(array, theirs, ours)
    return pc.utf8_trim_whitespace(array)


def is_missing(array: pa.Array, words=MISSING, keep: tuple[str, ...] = ()) -> NDArray:
    """Cells that hold nothing, or a word for nothing that is not among those to ``keep``."""
    lower = pc.utf8_lower(pc.replace_substring(array, " ", ""))
    found = pc.is_in(lower, pa.array(words, pa.large_string()))
    if keep:
        real = pc.is_in(array, pa.array(keep, pa.large_string()))
        found = pc.and_(found, pc.invert(real))
    return mask(found) | mask(pc.is_null(array))


def is_total(array: pa.Array) -> NDArray:
    """Cells that name a total row: 合计, Total, Grand total: …"""
    key = pc.utf8_lower(pc.replace_substring_regex(clean(array), r"[\s:]+", ""))
    return mask(pc.is_in(key, pa.array(_TOTALS, pa.large_string())))


def matches(array: pa.Array, pattern: str) -> NDArray:
    """Which texts match, as plain booleans; a missing text does not."""
    return mask(pc.match_substring_regex(array, pattern))


def mask(array: pa.Array) -> NDArray:
    return pc.fill_null(array, False).to_numpy(zero_copy_only=False)


def alike(codes: Iterable[str]) -> list[list[str]]:
    """Codes that differ only by case, width or blanks.

    Examples
    --------
    >>> alike(["fund A", "FundA", "bond"])
    [['FundA', 'fund A']]
    """
    codes = sorted(codes)
    key = clean(pa.array(codes, pa.large_string())).to_pandas().str.casefold()
    groups = pd.Series(codes, dtype=object).groupby(key.str.replace(r"\s+", "", regex=True))
    return [list(group) for _, group in groups if len(group) > 1]


class Tally(dict):
    """What was found in a column: by name, how many cells, and the first with its row.

    Chunks are counted one after the other, so that the sums do not depend on their size.
    ``seen`` keeps distinct texts by name, as long as there are few.
    """

    def __init__(self) -> None:
        super().__init__()
        self.seen: dict[str, set[str]] = {}

    def see(self, name: str, array: pa.Array, most: int = MOST_SEEN) -> None:
        """Remember distinct texts, as long as there are few."""
        known = self.seen.setdefault(name, set())
        if len(known) < most:
            known.update(pc.unique(array.drop_null()).slice(0, 2 * most).to_pylist())

    def add(self, name: str, cells: NDArray, raw: pd.Series, n: int | None = None) -> None:
        """Count the cells of a mask; ``raw`` gives the first as it was written."""
        n = int(np.count_nonzero(cells)) if n is None else n
        if not n:
            return
        if name in self:
            self[name] = (self[name][0] + n, *self[name][1:])
        else:
            i = int(np.argmax(cells))
            text = text_of(raw.iloc[i]) or ""
            self[name] = (n, raw.index[i], text.removesuffix("e0").removesuffix("T00:00:00"))

    def count(self, *names: str) -> int:
        return sum(self[n][0] for n in names if n in self)

    def example(self, *names: str) -> tuple[Any, str]:
        """Row and text of the first cell among these."""
        return next(self[n][1:] for n in names if n in self)
