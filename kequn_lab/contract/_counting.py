"""What a chunk of a column shows, added to its :class:`Tally`; nothing is decided yet."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kequn_lab.contract import _dates, _numbers
from kequn_lab.contract._formats import BOOLEANS, Options, is_whole
from kequn_lab.contract._texts import (
    MISSING,
    MISSING_TEXT,
    Tally,
    clean,
    is_missing,
    mask,
    matches,
    nothing_to_do,
    texts,
)

__all__ = ["MOST_CODES", "count_cells"]

#: Distinct texts of a column; one with more holds names or remarks, not codes.
MOST_CODES = 1000
_DAYS = (19000101, 20991231)


def count_cells(values: pd.Series, column, options: Options, tally: Tally) -> None:
    """Add one chunk of a column to what was counted."""
    kind = column.dtype
    if kind == "timestamp" and pd.api.types.is_datetime64_any_dtype(values.dtype):
        aware = getattr(values.dtype, "tz", None) is not None
        tally.add("cells", values.notna().to_numpy(), values)
        tally.add("aware" if aware else "naive", values.notna().to_numpy(), values)
        return
    if kind in ("number", "feature") and pd.api.types.is_numeric_dtype(values.dtype):
        tally.add("cells", values.notna().to_numpy(), values)
        is_bool = pd.api.types.is_bool_dtype(values.dtype)
        tally.add("yes_no" if is_bool else "number", values.notna().to_numpy(), values)
        if not is_bool:
            tally.add("no %", is_whole(values), values)
        if kind == "feature" and not is_bool and values.dropna().between(*_DAYS).all():
            tally.add("date", _is_date(texts(values), values.notna().to_numpy()), values)
        return
    if kind == "feature" and pd.api.types.is_datetime64_any_dtype(values.dtype):
        tally.add("cells", values.notna().to_numpy(), values)
        tally.add("date", values.notna().to_numpy(), values)
        return
    raw = texts(values)
    codes = column.isin if kind == "text" else None
    whole = kind == "id" and not pd.api.types.is_float_dtype(values.dtype)
    if (codes or whole) and nothing_to_do(raw, codes):
        tally.add("cells", mask(pc.is_valid(raw)), values)
        if whole and (pc.max(pc.utf8_length(raw)).as_py() or 0) > 15:
            _count_ids(raw, values, tally)
        return
    array = clean(raw, width=kind != "text" or column.isin is not None)
    words, keep = MISSING, ()
    if kind == "text":
        words, keep = (MISSING, column.isin) if column.isin else (MISSING_TEXT, ())
    elif kind == "id":
        keep = options.real_ids
    gone = is_missing(array, words, keep)
    tally.add("missing", gone & matches(array, r"\S"), values)
    tally.add("cells", ~gone, values)
    if pc.all(pc.string_is_ascii(raw)).as_py() is False and kind != "text":
        tally.add("width", mask(pc.not_equal(pc.utf8_trim_whitespace(raw), array)) & ~gone, values)
    if kind == "id":
        tally.add("blanks", mask(pc.not_equal(pc.utf8_trim_whitespace(raw), raw)) & ~gone, values)
    array = pc.if_else(pa.array(gone), None, array)
    _COUNTERS[kind](array, values, tally)


def _count_numbers(array: pa.Array, values: pd.Series, tally: Tally):
    numbers = _numbers.read_numbers(array)
    names = list(_numbers.WAYS)
    for i in np.unique(numbers.way[numbers.way >= 0]):
        tally.add(names[i], numbers.way == i, values)
    for mark, cells in numbers.marks.items():
        tally.add(mark, cells & (numbers.way >= 0), values)
    readable = numbers.way >= 0
    tally.add("number", readable, values)
    bare = ~numbers.percent & ~numbers.is_way("exp") & matches(numbers.core, "[1-9]")
    tally.add("no %", readable & bare, values)
    return readable


def _count_features(array: pa.Array, values: pd.Series, tally: Tally) -> None:
    readable = _count_numbers(array, values, tally)
    _count_booleans(array, values, tally)
    tally.add("zero_led", matches(array, r"^0\d+$"), values)
    tally.see("number", array.filter(pa.array(readable)))
    tally.see("other", array.filter(pa.array(~readable)))
    tally.add("date", _is_date(array, readable), values)


def _is_date(array: pa.Array, number: NDArray) -> NDArray:
    """Cells that are a date, also one such as 20240305."""
    digits = matches(array, r"^(19|20)\d{6}$")
    if number.all() and not digits.all():
        return np.zeros(len(array), dtype=bool)
    dates = _dates.read_dates(pc.if_else(pa.array(~number | digits), array, None))
    valid = [dates.values(order, "UTC") for order in ("year", "day", "month")]
    return ~np.isnat(valid[0]) | ~np.isnat(valid[1]) | ~np.isnat(valid[2])


def _count_booleans(array: pa.Array, values: pd.Series, tally: Tally) -> None:
    words = pc.utf8_lower(array)
    known = mask(pc.is_in(words, pa.array(list(BOOLEANS), words.type)))
    tally.add("yes_no", known, values)
    plain_words = pa.array(["true", "false", "1", "0", "1.0", "0.0"], words.type)
    tally.add("words", known & ~mask(pc.is_in(words, plain_words)), values)


def _count_dates(array: pa.Array, values: pd.Series, tally: Tally) -> None:
    dates = _dates.read_dates(array)
    small = dates.shape == "small"
    tally.add("year", np.isin(dates.shape, ["year", "digits", "chinese"]), values)
    tally.add("small", small, values)
    tally.add("day", small & (dates.a > 12), values)
    tally.add("month", small & (dates.b > 12), values)
    tally.add("aware", dates.aware, values)
    tally.add("naive", (dates.shape != "") & ~dates.aware, values)
    tally.add("serial", _dates.is_serial(dates.serial), values)


def _count_ids(array: pa.Array, values: pd.Series, tally: Tally) -> None:
    digits = mask(pc.ascii_is_decimal(array))
    if not digits.all():
        tally.add(".0", matches(array, r"^\d+\.0+$"), values)
    tally.add("long", digits & _longer(array), values)
    tally.add("rounded", digits & _longer(array) & ~_longer(pc.ascii_rtrim(array, "0")), values)


def _longer(array: pa.Array) -> NDArray:
    """Ids of more than 15 letters, which a spreadsheet does not keep."""
    return mask(pc.greater(pc.binary_length(array), 15))


def _count_codes(array: pa.Array, values: pd.Series, tally: Tally) -> None:
    tally.see("codes", array, MOST_CODES)


_COUNTERS = {
    "number": _count_numbers,
    "feature": _count_features,
    "boolean": _count_booleans,
    "timestamp": _count_dates,
    "id": _count_ids,
    "text": _count_codes,
}
