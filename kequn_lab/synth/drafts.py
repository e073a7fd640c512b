"""Events before they are in order, and the draws that all of them share."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from kequn_lab.synth.holidays import closed, following_open_day, preceding_working_day
from kequn_lab.synth.population import CHANNELS, TYPES

__all__ = ["Draft", "edges", "fixed", "in_month", "join", "pick",
           "rows_of", "u16", "uniform", "when_open"]  # fmt: skip

TYPE_CODES = {name: code for code, name in enumerate(TYPES)}
COUNTER = CHANNELS.index("counter")
# Uniform numbers are whole, 0 to 65534, so that an edge of 1 is never reached.
ONE = (1 << 16) - 1


@dataclass(frozen=True)
class Draft:
    """Events that are not yet in order."""

    who: np.ndarray
    day: np.ndarray  # since 1970-01-01
    hour: np.ndarray
    channel: np.ndarray
    type: np.ndarray
    fen: np.ndarray
    into: np.ndarray
    product: np.ndarray
    payee: np.ndarray  # which of the customer's counterparties; -1 for any
    step: np.ndarray  # fen; the amount is a multiple
    free: np.ndarray  # spending that the account's balance can change

    def take(self, rows, names=()) -> Draft:
        """Some of the events; of the columns only these, if any are named."""
        wanted = names or [f.name for f in fields(self)]
        return replace(self, **{name: getattr(self, name).take(rows) for name in wanted})


def join(drafts) -> Draft:
    """Several drafts as one."""
    names = [f.name for f in fields(Draft)]
    return Draft(*(np.concatenate([getattr(d, x) for d in drafts]) for x in names))


def fixed(rng, who, day, channel, kind, fen, into, *, product=-1, payee=-1, hour=None):
    """Events whose amount stays what it is."""
    n = len(who)
    bell = (rng.random(n) + rng.random(n)) / 2
    hour = 9 + 8 * bell if hour is None else hour[0] + (hour[1] - hour[0]) * bell
    if isinstance(kind, str):
        kind = np.full(n, TYPE_CODES[kind], np.int8)
    product, payee = (np.full(n, x, np.int8) for x in (product, payee))
    return Draft(who, day, hour, channel, kind, fen, np.full(n, into), product, payee,
                  np.ones(n, np.int64), np.zeros(n, bool))  # fmt: skip


def when_open(day, channel, first_day, days):
    """Counters are closed on the days of Spring Festival and of 1 October."""
    shut = np.flatnonzero(channel == COUNTER)
    shut = shut[closed(day[shut])]
    later, last = following_open_day(day[shut]), first_day + days - 1
    day = day.copy()
    day[shut] = np.where(later > last, preceding_working_day(last), later)
    return day


def in_month(first_day, days, day_of_month):
    """That day of the month in the drawn days; the last one where the month is shorter."""
    calendar = np.arange(first_day, first_day + days).astype("datetime64[D]")
    number = (calendar - calendar.astype("datetime64[M]")).astype(int) + 1
    at = np.full(32, first_day + days - 1)
    at[number[::-1]] = calendar.astype(int)[::-1]
    return at[day_of_month]


def uniform(rng, n):
    """Whole numbers from 0 to 65534."""
    return rng.integers(0, ONE, n, np.uint16)


def u16(p):
    """Probabilities on the scale of :func:`uniform`."""
    return np.rint(np.minimum(p, 1) * ONE).astype(np.uint16)


def edges(p):
    """Upper edges of the categories as 16-bit numbers; (categories - 1, n), row by row."""
    return np.ascontiguousarray(u16(np.cumsum(p, axis=1)[:, :-1]).T)


def pick(u, upper, who):
    """A category for each event from its customer's edges."""
    out = np.zeros(len(who), np.int8)
    for edge in upper:
        out += u >= edge.take(who)
    return out


def rows_of(weight):
    """Rows that add up to 1; rows of zeros stay."""
    total = weight.sum(axis=1, keepdims=True)
    return np.divide(weight, total, out=np.zeros_like(weight), where=total > 0)
