"""Ways of writing a date: which one each cell shows, and its value under a chosen order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kequn_lab.contract._texts import mask, matches

__all__ = ["NOT_DATES", "Dates", "is_serial", "read_dates"]

_CLOCK = (
    r"(?P<hour>\d{1,2})[:时点](?P<minute>\d{1,2})"
    r"(?:[:分](?P<second>\d{1,2})(?:[.,](?P<fraction>\d{1,9}))?)?[分秒]?(?: ?(?P<half>[AaPp])[Mm])?"
)
_ZONE = r" ?(?P<zone>Z|UTC|GMT|[-+]\d{2}(?::?\d{2})?)"
_TIME = rf"(?:[T ]+{_CLOCK}(?:{_ZONE})?)?"
#: Year first; two small numbers first; no separators; Chinese.
_PATTERNS = {
    "year": rf"^(?P<year>\d{{4}})[-/.](?P<a>\d{{1,2}})[-/.](?P<b>\d{{1,2}}){_TIME}$",
    "small": rf"^(?P<a>\d{{1,2}})[-/.](?P<b>\d{{1,2}})[-/.](?P<year>\d{{4}}){_TIME}$",
    "digits": r"^(?P<year>(?:19|20|99)\d\d)(?P<a>\d\d)(?P<b>\d\d)"
    r"(?:[T ]?(?P<hour>\d\d):?(?P<minute>\d\d)(?::?(?P<second>\d\d))?" + f"(?:{_ZONE})?)?$",
    "chinese": rf"^(?P<year>\d{{4}})年(?P<a>\d{{1,2}})月(?P<b>\d{{1,2}})[日号]?(?: *{_CLOCK})?$",
}
#: What is often written where a date belongs, and why it is not one.
NOT_DATES = {
    "a month without a day": r"^(19|20)\d\d[-/.年]?(0?[1-9]|1[0-2])月?$",
    "a year without a day": r"^(19|20)\d\d年?$",
    "a word that means another day tomorrow": r"^(?i:now|today|yesterday|tomorrow|今天|现在|昨天)$",
    "a year of two digits (give date_format, as %d/%m/%y)": r"^\d{1,2}[-/.]\d{1,2}[-/.]\d{2}\b",
    "the name of a month (give date_format, as %d-%b-%Y)": r"^(\d{1,2}[- ])?[A-Za-z]{3,9}[- ]\d",
    "seconds since 1970": r"^\d{10}$|^\d{13}$",
    "a time without a day": r"^\d{1,2}:\d{2}",
    "a number": r"^[-+]?\d+(\.\d*)?(e0)?$",
}
_FIRST, _LAST = 18264, 73050  # Excel's day numbers of 1950 and 2099
_DAY = 86_400_000_000


@dataclass(frozen=True)
class Dates:
    """Per cell: the pattern it shows (or none), its parts, and its time zone if it has one."""

    shape: NDArray
    year: NDArray
    a: NDArray
    b: NDArray
    clock: NDArray
    offset: NDArray
    aware: NDArray
    serial: NDArray

    def values(self, order: str, zone: str) -> NDArray:
        """Local times; ``order`` is ``year``, ``day`` or ``month`` (first), or ``serial``."""
        if order == "serial":
            return _serial(self.serial)
        small = self.shape == "small"
        day_first = small & (order == "day")
        month, day = np.where(day_first, self.b, self.a), np.where(day_first, self.a, self.b)
        wanted = np.isin(self.shape, ["year", "digits", "chinese"]) if order == "year" else small
        first = (self.year - 1970).astype("datetime64[Y]").astype("datetime64[M]")
        month_start = first + np.clip(month - 1, 0, 11)
        date = month_start.astype("datetime64[D]") + (day - 1)
        valid = wanted & (month >= 1) & (month <= 12) & (day >= 1) & (self.clock >= 0)
        valid &= (date < (month_start + 1).astype("datetime64[D]")) & (self.year > 0)
        out = date.astype("datetime64[us]") + (self.clock - self.offset).astype("timedelta64[us]")
        out[~valid] = np.datetime64("NaT")
        if (self.aware & valid).any():
            utc = pd.DatetimeIndex(out[self.aware], tz="UTC")
            out[self.aware] = utc.tz_convert(zone).tz_localize(None).to_numpy()
        return out


def is_serial(days: NDArray) -> NDArray:
    """Numbers that Excel would show as a day between 1950 and 2099."""
    return (days >= _FIRST) & (days < _LAST)


def _serial(days: NDArray) -> NDArray:
    fine = is_serial(days)
    seconds = np.round(np.where(fine, days, 0) * 86_400).astype("timedelta64[s]")
    out = (np.datetime64("1899-12-30", "s") + seconds).astype("datetime64[us]")
    out[~fine] = np.datetime64("NaT")
    return out


def read_dates(array: pa.Array) -> Dates:
    """Split clean texts into their parts; nothing is decided yet."""
    n = len(array)
    shape = np.full(n, "", dtype="<U7")
    year, a, b, clock, offset = (np.zeros(n, dtype="int64") for _ in range(5))
    aware = np.zeros(n, dtype=bool)
    todo = ~mask(pc.is_null(array))
    for name, pattern in _PATTERNS.items():
        hit = matches(array, pattern) & todo
        if not hit.any():
            continue
        parts = pc.extract_regex(array.filter(pa.array(hit)), pattern)
        part = {f.name: pc.struct_field(parts, f.name) for f in parts.type}
        shape[hit], todo = name, todo & ~hit
        year[hit], a[hit], b[hit] = _int(part["year"]), _int(part["a"]), _int(part["b"])
        clock[hit] = _clock(part)
        if "zone" in part:
            offset[hit], aware[hit] = _offset(part["zone"])
    number = matches(array, r"^\d{5}(\.\d+)?(e0)?$") & todo
    serial = pc.cast(pc.if_else(pa.array(number), array, None), pa.float64())
    return Dates(shape, year, a, b, clock, offset, aware, serial.to_numpy(zero_copy_only=False))


def _int(texts: pa.Array) -> NDArray:
    digits = pc.if_else(pc.equal(pc.fill_null(texts, ""), ""), "0", texts)
    return pc.cast(digits, pa.int64()).to_numpy()


def _clock(part: dict) -> NDArray:
    """Microseconds since midnight; -1 where there is no such time."""
    zero = np.zeros(len(part["year"]), dtype="int64")
    if "hour" not in part:
        return zero
    hour, minute, second = (_int(part[p]) for p in ("hour", "minute", "second"))
    micro = zero
    if "fraction" in part:
        padded = pc.utf8_slice_codeunits(pc.utf8_rpad(part["fraction"], 6, "0"), 0, 6)
        micro = _int(padded)
        half = pc.utf8_lower(pc.fill_null(part["half"], ""))
        pm, am = mask(pc.equal(half, "p")), mask(pc.equal(half, "a"))
        hour = np.where((pm | am) & ((hour > 12) | (hour < 1)), 99, hour)
        hour = np.where(pm & (hour < 12), hour + 12, np.where(am & (hour == 12), 0, hour))
    out = ((hour * 60 + minute) * 60 + second) * 1_000_000 + micro
    return np.where((hour > 23) | (minute > 59) | (second > 59), -1, out)


def _offset(zone: pa.Array) -> tuple[NDArray, NDArray]:
    zone = pc.fill_null(zone, "")
    aware = mask(pc.not_equal(zone, ""))
    digits = pc.replace_substring_regex(zone, r"[^\d]", "")
    padded = pc.utf8_rpad(digits, 4, "0")
    hours, minutes = (_int(pc.utf8_slice_codeunits(padded, i, i + 2)) for i in (0, 2))
    sign = np.where(mask(pc.starts_with(zone, "-")), -1, 1)
    return sign * (hours * 60 + minutes) * 60_000_000, aware
