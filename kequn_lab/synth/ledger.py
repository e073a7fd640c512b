"""The events of ten thousand customers, a month at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kequn_lab.synth.people import People
from kequn_lab.synth.population import CHANNELS, TYPES, Population
from kequn_lab.synth.recipe import MONTH_DAYS

__all__ = ["COUNTERPARTIES", "Events", "Ledger"]

COUNTERPARTIES = 1 << 14
_T = {name: code for code, name in enumerate(TYPES)}
_COUNTER = CHANNELS.index("counter")
_PLACES = np.array([x in ("counter", "atm", "agent") for x in CHANNELS])
_DAY = 86_400
# An event before sorting is one whole number: customer, second, channel, type, slot.
# The slot is the product of a planned event; unplanned ones have none.
_NO_SLOT, _FIRST_LOAN = 15, 10
# Uniform numbers are whole, 0 to 65534, so that an edge of 1 is never reached.
_ONE = (1 << 16) - 1


@dataclass(frozen=True)
class Events:
    """Events as arrays of one length, ordered by customer and time; -1 stands for none."""

    customer: np.ndarray  # position in the part
    second: np.ndarray  # since 1970-01-01, local time
    amount: np.ndarray  # CNY
    into: np.ndarray  # money comes in
    channel: np.ndarray
    type: np.ndarray
    product: np.ndarray
    counterparty: np.ndarray
    minutes: np.ndarray  # NaN when not at the counter
    helped: np.ndarray

    def __len__(self) -> int:
        return len(self.customer)


class Ledger:
    """Draws the events of one part of the customers.

    Parameters
    ----------
    people : People
        The customers as they are in the months to be drawn.
    population : Population
    first : int
        Number of the part's first customer.
    """

    def __init__(self, people: People, population: Population, first: int):
        c = population.constants
        self.people, self.population, self.first = people, population, first
        at_places, elsewhere = _cash_channels(people.channel, people.type[:, _T["cash"]])
        self._type = _edges(people.type)
        self._at_places, self._elsewhere = _edges(at_places), _edges(elsewhere)
        sd = np.full(len(TYPES), c["amount_sd"], np.float32)
        sd[_T["income_in"]] = c["income_sd"]
        self._sd = sd
        self._per_cny = 1 / c[[f"step_{x}" for x in TYPES]].to_numpy(float)
        log_mean = np.log(np.maximum(people.amount, 0.01)) - sd**2 / 2
        self._log_mean = log_mean.astype(np.float32).ravel()
        by_day = np.maximum(1 - elsewhere[:, _COUNTER], 0.05)
        self._night = _u16(people.night / by_day)
        self._weekend = _u16(people.weekend)
        self._circle = people.circle.astype(np.uint32)
        turnover = population.products["turnover"].to_numpy(float)[:_FIRST_LOAN]
        self._invest = _edges(_rows((people.holdings.assets > 0) * turnover))

    def month(self, rng: np.random.Generator, elapsed: int, first_day: int, days: int) -> Events:
        """Draw the events of ``days`` days from ``first_day`` (days since 1970-01-01)."""
        key = self._when_and_what(rng, elapsed, first_day, days)
        key.sort()
        who = (key >> 32).astype(np.int32)
        second = (key >> 10) & 0x3FFFFF
        not_yet = second < (self.people.opened[who] - first_day) * _DAY
        if not_yet.any():
            key, who, second = key[~not_yet], who[~not_yet], second[~not_yet]
        channel = (key >> 7).astype(np.int8) & np.int8(7)
        kind = (key >> 4).astype(np.int8) & np.int8(7)
        slot = key.astype(np.int8) & np.int8(15)
        amount, into, product = self._amounts(rng, who, second // _DAY + first_day, kind, slot)

        alone = (kind == _T["cash"]) | (kind == _T["loan"]) | (kind == _T["invest"])
        turn = (rng.integers(0, _ONE, len(key), np.uint16) * self._circle[who]) >> np.uint32(16)
        home = (np.arange(len(self.people)) + self.first).astype(np.uint32) * np.uint32(2654435761)
        other = (home[who] >> np.uint32(8)) + turn * np.uint32(40503)
        other = (other & np.uint32(COUNTERPARTIES - 1)).astype(np.int16)
        other[alone] = -1

        at_counter = np.flatnonzero(channel == _COUNTER)
        there = who[at_counter]
        minutes = np.full(len(key), np.nan, np.float32)
        z = rng.standard_normal(len(there)) * self.population.constants["minutes_sd"]
        minutes[at_counter] = np.maximum(np.round(self.people.minutes[there] * np.exp(z), 1), 0.1)
        helped = np.zeros(len(key), bool)
        helped[at_counter] = rng.random(len(there)) < self.people.helped[there]
        second += first_day * _DAY
        return Events(who, second, amount, into, channel, kind, product, other, minutes, helped)

    def _rate(self, elapsed, first_day, days):
        """Expected number of ordinary events of each customer in the month."""
        people, c = self.people, self.population.constants
        calendar = np.arange(first_day, first_day + days).astype("datetime64[D]")
        month = calendar.astype("datetime64[M]").astype(int) % 12
        share = np.bincount(month, minlength=12) / 365.25
        rate = people.events_per_year * (people.month_weight @ share)
        rate[people.opened >= first_day + days] = 0
        rate[~people.activates & (people.opened < first_day)] *= c["dormant"]
        rate[people.closes - elapsed <= c["fading_months"]] *= c["fading"]
        rate[people.closes <= elapsed - 1] = 0
        return rate

    def _when_and_what(self, rng, elapsed, first_day, days):
        """Customer, second, channel, type and slot of every event, packed and unsorted."""
        people = self.people
        counts = rng.poisson(self._rate(elapsed, first_day, days))
        planned, planned_slot, planned_day = self._planned(first_day, days)
        who = np.concatenate([np.repeat(np.arange(len(people)), counts), planned])
        n, ordinary = len(who), len(who) - len(planned)

        def uniform():
            return rng.integers(0, _ONE, n, np.uint16)

        kind = _pick(uniform(), self._type, who)
        kind[ordinary:] = np.where(planned_slot >= _FIRST_LOAN, _T["loan"], _T["invest"])
        channel = _pick(uniform(), self._elsewhere, who)
        cash = np.flatnonzero(kind == _T["cash"])
        channel[cash] = _pick(uniform()[: len(cash)], self._at_places, who[cash])

        weekday = (np.arange(first_day, first_day + days) + 3) % 7
        week, rest = np.flatnonzero(weekday < 5), np.flatnonzero(weekday >= 5)
        at_rest = uniform() < self._weekend[who]
        turn = uniform().astype(np.uint32)
        day = week[(turn * len(week)) >> 16]
        day = np.where(at_rest, rest[(turn * len(rest)) >> 16], day)
        day[ordinary:] = planned_day - first_day
        bell = (uniform().astype(np.float32) + uniform()) / np.float32(2 * _ONE)
        at_counter = channel == _COUNTER
        late = uniform() < self._night[who]
        hour = np.where(late, 20 + 4 * bell, 7 + 13 * bell)
        hour = np.where(at_counter, 9 + 8 * bell, hour)

        key = (who << 22) | (day * _DAY + (hour * 3600).astype(np.int64))
        key = (key << 3) | channel
        key = (key << 3) | kind
        key <<= 4
        key[:ordinary] |= _NO_SLOT
        key[ordinary:] |= planned_slot
        return key

    def _planned(self, first_day, days):
        """Purchases of what is held, loans paid out, instalments: customer, slot, day."""
        h, last = self.people.holdings, first_day + days
        mine = np.hstack([h.assets, h.principal]) > 0
        mine[:, 0] = False
        bought = h.latest(last - 1)
        who, slot = np.nonzero(mine & (bought >= first_day) & (bought < last))
        parts = [(who, slot, bought[who, slot])]
        months = self.population.products["term_months"].to_numpy(int)
        for loan in range(_FIRST_LOAN, h.begun.shape[1]):
            one = slice(loan, loan + 1)
            for start in (h.latest(first_day - 1, slot=one)[:, 0], bought[:, loan]):
                again = np.floor(start + h.term[loan]).astype(np.int64)
                nth = np.ceil((first_day - start) / MONTH_DAYS)
                for k in (nth - 1, nth, nth + 1):
                    due = start + np.ceil(k * MONTH_DAYS).astype(np.int64)
                    due = np.minimum(due, again - 1)  # paid back before the next is paid out
                    owes = mine[:, loan] & (due >= first_day) & (due < last)
                    owes &= (k >= 1) & (k <= months[loan])
                    who = np.flatnonzero(owes)
                    parts.append((who, np.full(len(who), loan), due[who]))
                mine[:, loan] &= bought[:, loan] != start  # else both are one loan
        return tuple(np.concatenate(x) for x in zip(*parts))

    def _amounts(self, rng, who, day, kind, slot):
        """CNY, whether it comes in, and the product of each event."""
        h, c, n = self.people.holdings, self.population.constants, len(who)
        amount = rng.standard_normal(n, np.float32) * self._sd[kind]
        amount += self._log_mean[who * np.int32(len(TYPES)) + kind]
        amount = np.exp(amount).astype(np.float64)
        product = np.where(slot == _NO_SLOT, np.int8(-1), slot)
        u = rng.integers(0, _ONE, n, np.uint16)
        into = (kind == _T["income_in"]) | (kind == _T["merchant_in"])
        into |= (kind == _T["cash"]) & (u < c["cash_in"] * _ONE)

        invest = np.flatnonzero((kind == _T["invest"]) & (slot == _NO_SLOT))
        investor = who[invest]
        bought = _pick(rng.integers(0, _ONE, len(invest), np.uint16), self._invest, investor)
        product[invest] = bought
        amount[invest] = h.assets[investor, bought] * rng.uniform(0.1, 1.0, len(invest))
        into[invest] = u[invest] < _ONE // 2

        purchase = np.flatnonzero(slot < _FIRST_LOAN)
        amount[purchase] = h.assets[who[purchase], slot[purchase]]
        loan = np.flatnonzero((slot >= _FIRST_LOAN) & (slot != _NO_SLOT))
        owner, which = who[loan], slot[loan] - _FIRST_LOAN
        months = self.population.products["term_months"].to_numpy(float)[slot[loan]]
        principal = h.principal[owner, which]
        age = day[loan] - h.latest(day[loan], owner, slot[loan])
        nth = np.floor(age / MONTH_DAYS)
        debt = principal * (1 - np.maximum(nth - 1, 0) / months)
        instalment = principal / months + debt * c["interest"] / 12
        amount[loan] = np.where(age == 0, principal, instalment)
        into[loan] = age == 0
        per_cny = self._per_cny[kind]
        return np.maximum(np.rint(amount * per_cny), 1) / per_cny, into, product


def _u16(p):
    return np.rint(np.minimum(p, 1) * _ONE).astype(np.uint16)


def _edges(p):
    """Upper edges of the categories as 16-bit numbers; (categories - 1, n), row by row."""
    return np.ascontiguousarray(_u16(np.cumsum(p, axis=1)[:, :-1]).T)


def _pick(u, edges, who):
    """A category for each event from its customer's edges."""
    out = np.zeros(len(who), np.int8)
    for edge in edges:
        out += u >= edge[who]
    return out


def _rows(weight):
    """Rows that add up to 1; rows of zeros stay."""
    total = weight.sum(axis=1, keepdims=True)
    return np.divide(weight, total, out=np.zeros_like(weight), where=total > 0)


def _cash_channels(channel, cash):
    """Where cash events and where all others happen, so that together they keep the mix.

    Cash needs a counter, a machine or an agent; the other events give up what it takes there.
    """
    at_places = _rows(channel * _PLACES)
    return at_places, _rows(np.maximum(channel - cash[:, None] * at_places, 0))
