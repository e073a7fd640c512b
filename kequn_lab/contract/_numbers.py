"""Ways of writing a number: which one each cell shows, and its value under a chosen one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kequn_lab.contract._texts import mask, matches

__all__ = [
    "AMBIGUOUS",
    "CURRENCIES",
    "GROUPED",
    "WAYS",
    "WITH_COMMA",
    "Numbers",
    "allowed",
    "read_numbers",
]

#: How the digits are written, first match wins. ``exp`` and ``whole`` say nothing of the
#: separators, the next say which is the decimal one, and the last two may be either.
WAYS = {
    "whole": r"^\d+$",
    "exp": r"^(\d+\.?\d*|\.\d+)[eE][-+]?\d{1,3}$",
    "1.234": r"^[1-9]\d{0,2}\.\d{3}$",
    "1.5": r"^(\d+\.\d*|\.\d+)$",
    "1,234": r"^[1-9]\d{0,2},\d{3}$",
    "1,5": r"^(\d+,\d*|,\d+)$",
    "1,234,567": r"^\d{1,3}(,\d{3}){2,}$",
    "1,234.5": r"^\d{1,3}(,\d{3})+\.\d*$",
    "1.234.567": r"^\d{1,3}(\.\d{3}){2,}$",
    "1.234,5": r"^\d{1,3}(\.\d{3})+,\d*$",
    "1 234": r"^\d{1,3}( \d{3})+$|^\d{1,3}('\d{3})+$",
    "1 234.5": r"^\d{1,3}( \d{3})+\.\d*$|^\d{1,3}('\d{3})+\.\d*$",
    "1 234,5": r"^\d{1,3}( \d{3})+,\d*$|^\d{1,3}('\d{3})+,\d*$",
}
_NAMES = list(WAYS)
AMBIGUOUS = {".": "1,234", ",": "1.234"}  # by decimal separator: read as thousands
#: By decimal separator: the ways with thousands separators, and those with a decimal comma.
GROUPED = {
    ".": ("1,234,567", "1,234.5", "1,234", "1 234", "1 234.5"),
    ",": ("1.234.567", "1.234,5", "1.234", "1 234", "1 234,5"),
}
WITH_COMMA = ("1,5", "1,234", "1.234,5", "1 234,5")
_POINT = ("1.5", "1,234,567", "1,234.5", "1 234.5")
_COMMA = ("1,5", "1.234.567", "1.234,5", "1 234,5")
CURRENCIES = {
    "CNY": "¥|CN¥|CNY|RMB|元|圆|人民币", "USD": r"\$|US\$|USD|美元", "EUR": "€|EUR|欧元",
    "GBP": "£|GBP|英镑", "HKD": r"HK\$|HKD|港元|港币", "TWD": r"NT\$|TWD", "JPY": "JPY|円|日元",
    "KRW": "₩|KRW", "INR": "₹|INR", "RUB": "₽|RUB", "BRL": r"R\$|BRL", "CHF": "CHF",
    "CZK": "Kč|CZK", "PLN": "zł|PLN", "SGD": r"S\$|SGD", "AUD": r"A\$|AUD", "CAD": r"C\$|CAD",
}  # fmt: skip
_SIGN = "(?:" + "|".join(sorted("|".join(CURRENCIES.values()).split("|"), key=len)[::-1]) + ")"
_ODD = (
    rf"^(?P<minus>[-+]?) ?(?P<open>\(?)(?P<before>{_SIGN}?) ?(?P<inner>[-+]?)(?P<open2>\(?) ?"
    r"(?P<core>[\d.,][\d.,' ]*(?:[eE][-+]?\d{1,3})?)"
    rf" ?(?P<unit>[万亿]?)(?P<after>{_SIGN}?) ?(?P<percent>%?)(?P<trailing>-?)(?P<close>\)?)$"
)


@dataclass(frozen=True)
class Numbers:
    """Per cell: the way it is written (-1: no number, or missing), and what goes with it."""

    way: NDArray
    core: pa.Array
    negative: NDArray
    percent: NDArray
    unit: pa.Array
    marks: dict[str, NDArray]

    def is_way(self, *names: str) -> NDArray:
        return np.isin(self.way, [_NAMES.index(n) for n in names])

    def values(self, decimal: str) -> NDArray:
        """The values with this decimal separator; NaN where there is no number."""
        other = "[,' ]" if decimal == "." else "[.' ]"
        text = self.core
        machine = self.is_way("exp")
        grouped = pc.replace_substring_regex(text, other, "")
        if decimal == ",":
            grouped = pc.replace_substring(grouped, ",", ".")
        text = pc.if_else(pa.array(machine), text, grouped)
        power = pc.if_else(pc.equal(self.unit, "万"), "e4", pc.if_else(self.percent, "e-2", ""))
        power = pc.if_else(pc.equal(self.unit, "亿"), "e8", power)
        text = _glued(text, power)
        text = pc.if_else(pa.array(self.way >= 0), text, None)
        numbers = pc.cast(text, pa.float64()).to_numpy(zero_copy_only=False)
        return np.where(self.negative, -numbers, numbers)


def _glued(first: pa.Array, second: pa.Array) -> pa.Array:
    parts = (pc.cast(part, pa.large_string()) for part in (first, second))
    return pc.binary_join_element_wise(*parts, pa.scalar("", pa.large_string()))


def read_numbers(array: pa.Array) -> Numbers:
    """Split clean texts into sign, currency, digits, unit, per cent."""
    n = len(array)
    simple = matches(array, r"^[-+]?[\d.]+([eE][-+]?\d{1,3})?$")
    negative = matches(array, r"^-") & simple
    core = pc.replace_substring_regex(array, r"^[-+]", "")
    percent, marks = np.zeros(n, bool), {}
    unit = pa.nulls(n, pa.large_string()).fill_null("")
    odd = ~simple & ~mask(pc.is_null(array))
    bad = np.zeros(n, bool)
    if odd.any():
        parts = pc.extract_regex(pc.if_else(pa.array(odd), array, None), _ODD)
        part = {f.name: pc.struct_field(parts, f.name) for f in parts.type}
        full = {name: ~mask(pc.is_in(p, pa.array(["", None], p.type))) for name, p in part.items()}
        core = pc.if_else(pa.array(odd), pc.utf8_trim_whitespace(part["core"]), core)
        core = pc.cast(core, pa.large_string())
        brackets = full["open"] | full["open2"]
        minus = mask(pc.equal(part["minus"], "-")) | mask(pc.equal(part["inner"], "-"))
        signs = full["minus"].astype(int) + full["inner"] + full["trailing"] + brackets
        bad = odd & (
            mask(pc.is_null(part["core"])) | (signs > 1) | (brackets != full["close"])
            | (full["open"] & full["open2"]) | (full["before"] & full["after"])
            | (full["percent"] & (full["unit"] | full["before"] | full["after"]))
        )  # fmt: skip
        negative |= odd & (minus | full["trailing"] | brackets)
        percent = full["percent"] & ~bad
        unit = pc.cast(pc.fill_null(part["unit"], ""), pa.large_string())
        marks = {"(500)": brackets & ~bad, "500-": full["trailing"] & ~bad, "%": percent}
        sign = pc.fill_null(_glued(part["before"], part["after"]), "")
        for currency, signs_of in CURRENCIES.items():
            marks[currency] = matches(sign, f"^({signs_of})$") & ~bad
        marks |= {u: mask(pc.equal(unit, u)) & ~bad for u in "万亿"}
    way = np.full(n, -1, dtype="int8")
    todo = ~bad & ~mask(pc.is_null(core))
    for i, pattern in enumerate(WAYS.values()):
        if not todo.any():
            break
        hit = matches(core, pattern) & todo
        way[hit] = i
        todo &= ~hit
    # 1.2e5% or 1e3万 is nobody's way of writing.
    way[(way == _NAMES.index("exp")) & (percent | mask(pc.not_equal(unit, "")))] = -1
    return Numbers(way, core, negative, percent, unit, marks)


def allowed(counts: dict[str, int], decimal: str | None, thousands: str | None):
    """Decide how a column is written from how many cells show each way.

    Returns
    -------
    decimal : str or None
        None when nothing decides, and cells such as 1,234 can be 1234 or 1.234.
    ways : tuple of str
        The ways that are then read; cells of any other are wrong.
    """
    point, comma = (sum(counts.get(w, 0) for w in ways) for ways in (_POINT, _COMMA))
    if decimal is None and thousands is not None:
        free = comma + counts.get("1,234", 0) if thousands != "," else 0
        decimal = "," if thousands == "." or free > point else "."
    told = decimal is not None
    # A few cells such as 12,5 may be slips among thousands; they prove nothing.
    slips = counts.get("1,5", 0) == comma < 0.05 * counts.get("1,234", 0)
    if decimal is None:
        if not point and slips:
            return None, ()
        decimal = "," if comma > point else "."
    sure = _COMMA if decimal == "," else _POINT
    plain = {".": ("1.5", "1.234"), ",": ("1,5", "1,234")}[decimal]
    ways = ("whole", "exp", *plain, *sure, "1 234")
    # Where cells contradict each other, those that can be either are not taken.
    if thousands in (None, ",", ".") and (told or not (point and comma)):
        ways = (*ways, AMBIGUOUS[decimal])
    return decimal, ways
