"""How one column is written (:class:`Format`), and its cells read in that way."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pydantic import Field, StrictBool, StrictInt, StrictStr

from kequn_lab.contract import _dates, _numbers
from kequn_lab.contract._texts import (
    MISSING,
    MISSING_TEXT,
    TOTAL_ROW,
    clean,
    is_missing,
    is_total,
    matches,
    nothing_to_do,
    plain,
    series,
    texts,
)

__all__ = ["BOOLEANS", "Format", "Options", "read_column"]

BOOLEANS = {
    **dict.fromkeys(("true", "yes", "y", "t", "1", "1.0", "是", "有", "真"), True),
    **dict.fromkeys(("false", "no", "n", "f", "0", "0.0", "否", "无", "假"), False),
}
_RUINED = r"^\d(\.\d+)?[eE]\+\d+$|^\d\.\d+[eE]\d+$"
_DECIMAL_ID = r"^-?\d*\.\d+e0$"


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a table's cells cannot say themselves.

    Attributes
    ----------
    decimal, thousands : str, optional
        The decimal separator (``.`` or ``,``) and the thousands separator.
    dayfirst : bool, optional
        Whether 03/04/2024 is 3 April.
    date_format : str, or dict of column to str, optional
        Python's strptime codes.
    timezone : str
        Local time of times that come with a time zone.
    real_ids : tuple of str
        Ids that look like an empty cell but are real, such as ``NA``.
    scale : dict of column to float
        What numbers are multiplied by.
    signed_amounts : bool
        The sign of ``amount_cny`` is its direction.
    encoding, sheet : str, optional
        How the file is encoded; which sheet of a workbook to read.
    """

    decimal: Literal[".", ","] | None = None
    thousands: Literal[",", ".", " ", "'", ""] | None = None
    dayfirst: StrictBool | None = None
    date_format: StrictStr | dict[str, StrictStr] | None = None
    timezone: StrictStr = "Asia/Shanghai"
    real_ids: tuple[StrictStr, ...] = ()
    scale: dict[str, Annotated[float, Field(strict=True, allow_inf_nan=False)]] = field(
        default_factory=dict
    )
    signed_amounts: StrictBool = False
    encoding: StrictStr | None = None
    sheet: StrictStr | StrictInt | None = None

    def __post_init__(self) -> None:
        if self.decimal and self.decimal == self.thousands:
            raise ValueError(f"decimal and thousands are both {self.decimal!r}; give two signs")
        declared = self.date_format or {}
        for text in declared.values() if isinstance(declared, dict) else [declared]:
            if "%" not in text:
                raise ValueError(f"date_format {text!r} has no codes such as %Y-%m-%d")
        try:
            ZoneInfo(self.timezone)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(
                f"unknown timezone {self.timezone!r}; write it as 'Asia/Shanghai' or 'UTC'"
            ) from error


@dataclass(frozen=True)
class Format:
    """How the cells of one column are read.

    Attributes
    ----------
    kind : str
        ``id``, ``text``, ``number``, ``boolean`` or ``timestamp``.
    decimal, ways, percent, currency
        Of numbers: the decimal separator, the ways of writing that are taken, whether they
        are per cent, and their currency where one is written.
    order : str
        Of dates: ``year``, ``day`` or ``month`` comes first, or ``serial`` (Excel's numbers).
    date_format, timezone, real_ids : see :class:`Options`
    as_number : bool
        Yes and no become 1 and 0.
    key : bool
        The id names whoever the table is about: a total row is no customer.
    codes : tuple of str
        Of text: the codes that are allowed, where they are listed.
    scale : float
        What numbers are multiplied by.
    signed : bool
        The sign is the direction of the money.
    undecided : bool
        The column can be read in two ways; nothing is read.
    """

    kind: str
    decimal: str = "."
    ways: tuple[str, ...] = ()
    percent: bool = False
    currency: str | None = None
    order: str = "year"
    date_format: str | None = None
    timezone: str = "Asia/Shanghai"
    real_ids: tuple[str, ...] = ()
    as_number: bool = False
    key: bool = False
    codes: tuple[str, ...] = ()
    scale: float = 1.0
    signed: bool = False
    undecided: bool = False


def read_column(values: pd.Series, fmt: Format) -> tuple[pd.Series, list[tuple[str, NDArray]]]:
    """The column in its type, and per reason the cells that could not be read.

    Examples
    --------
    >>> read_column(pd.Series(["是", "否", "?"]), Format("boolean", as_number=True))
    (0    1.0
    1    0.0
    2    NaN
    dtype: float64, [('not yes or no', array([False, False,  True]))])
    """
    values = plain(values)
    if fmt.undecided:
        return pd.Series(np.nan, index=values.index), []
    return _READERS[fmt.kind](values, fmt)


_NO_PERCENT = "with % where other cells have none, or without where they have it"


def is_whole(values: pd.Series) -> NDArray:
    """Numbers such as 12, which beside 12 % can be either; a cell of 0.12 is a share."""
    return ((values != 0) & (values % 1 == 0)).to_numpy(dtype=bool, na_value=False)


def _is_typed(values: pd.Series) -> bool:
    return not pd.api.types.is_string_dtype(values.dtype)


def _read_number(values: pd.Series, fmt: Format):
    if pd.api.types.is_numeric_dtype(values.dtype) and values.dtype.kind != "b":
        out = values.astype("float64")
        bad = [("not a finite number", np.isinf(out.to_numpy()))]
        if fmt.percent:
            bad.append((_NO_PERCENT, is_whole(values)))
        return out if fmt.scale == 1 else out * fmt.scale, bad
    if _is_typed(values):
        return pd.Series(np.nan, index=values.index), [
            ("not a finite number", values.notna().to_numpy())
        ]
    array = clean(texts(values))
    gone = is_missing(array)
    numbers = _numbers.read_numbers(pc.if_else(pa.array(gone), None, array))
    out = numbers.values(fmt.decimal)
    readable = (numbers.way >= 0) & np.isfinite(out)
    taken = numbers.is_way(*fmt.ways)
    wrong = ~gone & ~readable
    total = is_total(array) & wrong if wrong.any() else wrong
    bad = {
        TOTAL_ROW: total,
        "not a finite number": wrong & ~total,
        f"written otherwise than the other cells, which have {_SEPARATOR[fmt.decimal]}": readable
        & ~taken,
    }
    bare = ~numbers.percent & (out != 0) & ~numbers.is_way("exp")
    bad[_NO_PERCENT] = readable & taken & (bare if fmt.percent else numbers.percent)
    if fmt.currency:
        foreign = np.zeros(len(values), dtype=bool)
        for currency in _numbers.CURRENCIES:
            if currency != fmt.currency and currency in numbers.marks:
                foreign |= numbers.marks[currency]
        bad["in another currency than the other cells"] = readable & taken & foreign
    out[np.logical_or.reduce([*bad.values(), gone])] = np.nan
    return pd.Series(out * fmt.scale, index=values.index), list(bad.items())


_SEPARATOR = {".": "a decimal point", ",": "a decimal comma"}


def _read_boolean(values: pd.Series, fmt: Format):
    if pd.api.types.is_bool_dtype(values.dtype):
        out, bad = values.astype("boolean"), np.zeros(len(values), dtype=bool)
    else:
        array = clean(texts(values))
        gone = is_missing(array)
        words = pc.utf8_lower(array).to_pandas().map(BOOLEANS)
        out = pd.Series(words.to_numpy(dtype=object), index=values.index).astype("boolean")
        bad = out.isna().to_numpy() & ~gone
    return out.astype("float64") if fmt.as_number else out, [("not yes or no", bad)]


def _read_id(values: pd.Series, fmt: Format):
    array = texts(values)
    if not pd.api.types.is_float_dtype(values.dtype) and nothing_to_do(array):
        return series(array, values.index), []
    out = clean(array)
    gone = is_missing(out, keep=fmt.real_ids)
    out = pc.replace_substring_regex(out, r"^(\d+)\.0+$", r"\1")
    bad = {
        "id ruined by a spreadsheet (digits lost)": matches(out, _RUINED),
        "a number with decimals cannot be an id": matches(out, _DECIMAL_ID),
    }
    if pd.api.types.is_float_dtype(values.dtype):
        lost = ~gone & (values.abs() >= 2**53).to_numpy(dtype=bool, na_value=False)
        bad["id ruined by a spreadsheet (digits lost)"] |= lost
    if fmt.key:
        bad[TOTAL_ROW] = is_total(out)
    out = pc.if_else(pa.array(gone), None, out)
    return series(out, values.index), list(bad.items())


def _read_text(values: pd.Series, fmt: Format):
    array = texts(values)
    if fmt.codes and nothing_to_do(array, fmt.codes):
        return series(array, values.index), []
    out = clean(array, width=bool(fmt.codes))
    gone = is_missing(out, MISSING if fmt.codes else MISSING_TEXT, keep=fmt.codes)
    out = pc.if_else(pa.array(gone), None, out)
    return series(out, values.index), []


def _read_timestamp(values: pd.Series, fmt: Format):
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        if getattr(values.dtype, "tz", None) is not None:
            values = values.dt.tz_convert(fmt.timezone).dt.tz_localize(None)
        return values.astype("datetime64[us]"), []
    array = clean(texts(values))
    gone = is_missing(array)
    array = pc.if_else(pa.array(gone), None, array)
    if fmt.date_format:
        out = _declared_dates(array, fmt)
        bad = [(f"not a date written {fmt.date_format}", np.isnat(out) & ~gone)]
        return pd.Series(out, index=values.index), bad
    out = _dates.read_dates(array).values(fmt.order, fmt.timezone)
    todo = np.isnat(out) & ~gone
    bad = []
    if todo.any():
        for reason, pattern in _dates.NOT_DATES.items():
            hit = todo & matches(array, pattern)
            bad.append((f"not a date but {reason}", hit))
            todo = todo & ~hit
        bad.append((f"not a date written {_ORDER[fmt.order]}", todo))
    return pd.Series(out, index=values.index), bad


def _declared_dates(array: pa.Array, fmt: Format) -> NDArray:
    # pandas takes now and today for dates whatever the format.
    text = pc.if_else(pc.match_substring_regex(array, r"\d"), array, None).to_pandas()
    form = str(fmt.date_format)
    zoned = "%z" in form
    out = pd.to_datetime(text, format=form, errors="coerce", utc=zoned)
    if re.search("%[YmdyHMS]%[YmdyHMS]", form):
        # 202411 is no day of January, though strptime takes %Y%m%d for 2024, 1 and 1.
        out = out.where(out.dt.strftime(form) == text)
    if zoned:
        out = out.dt.tz_convert(fmt.timezone).dt.tz_localize(None)
    out = out.to_numpy().astype("datetime64[us]")
    typed = pc.match_substring_regex(array, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
    of_typed = _dates.read_dates(pc.if_else(typed, array, None)).values("year", fmt.timezone)
    return np.where(np.isnat(out), of_typed, out)


_ORDER = {
    "year": "year-month-day",
    "day": "day/month/year, as the other cells are",
    "month": "month/day/year, as the other cells are",
    "serial": "as a day number of Excel, as the other cells are",
}
_READERS = {
    "number": _read_number,
    "boolean": _read_boolean,
    "id": _read_id,
    "text": _read_text,
    "timestamp": _read_timestamp,
}
