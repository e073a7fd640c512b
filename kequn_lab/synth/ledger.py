"""The events of ten thousand customers, a month at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from kequn_lab._words import ONLINE
from kequn_lab.synth.accounts import settle
from kequn_lab.synth.drafts import (
    COUNTER,
    ONE,
    TYPE_CODES,
    Draft,
    edges,
    fixed,
    in_month,
    join,
    pick,
    rows_of,
    u16,
    uniform,
    when_open,
)
from kequn_lab.synth.habits import ORDERS
from kequn_lab.synth.holidays import following_working_day, preceding_working_day, working
from kequn_lab.synth.people import People
from kequn_lab.synth.population import CHANNELS, TYPES, Population
from kequn_lab.synth.schedule import Schedule

__all__ = ["COUNTERPARTIES", "Events", "Ledger"]

COUNTERPARTIES = 1 << 14
_PLACES = np.array([x not in ONLINE for x in CHANNELS])
_REMOTE = np.array([x not in ("counter", "agent") for x in CHANNELS])
_DAY = 86_400


@dataclass(frozen=True)
class Events:
    """Events as arrays of one length, ordered by customer and time; -1 means none."""

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
    start : int
        Day of the first bank: the amounts of :class:`Habits` are those of its month.
    """

    def __init__(self, people: People, population: Population, first: int, start: int):
        c = population.constants
        self.people, self.population, self.first, self.start = people, population, first, start
        at_places, elsewhere = _cash_channels(people.channel, people.type[:, TYPE_CODES["cash"]])
        self._at_places, self._elsewhere = edges(at_places), edges(elsewhere)
        self._rate = self._ordinary_rates()
        total = self._rate.sum(axis=1)
        self._type = edges(rows_of(self._rate))
        self._per_year = total
        self._sd = np.full(len(TYPES), c["amount_sd"])
        self._sd[TYPE_CODES["income_in"]] = c["income_sd"]
        self._step = np.rint(c[[f"step_{x}" for x in TYPES]].to_numpy(float) * 100).astype(int)
        self._log_mean = np.log(np.maximum(people.amount, 0.01)) - self._sd**2 / 2
        by_day = np.maximum(1 - elsewhere[:, COUNTER], 0.05)
        self._night = u16(people.night / by_day)
        self._weekend = u16(people.weekend)
        self._circle = people.circle.astype(np.uint32)
        self._schedule = Schedule(people, population, start, self._elsewhere)

    def _ordinary_rates(self):
        """Events per year and type that come at random: without wages, orders, products."""
        people, habits = self.people, self.people.habits
        rate = people.events_per_year[:, None] * people.type
        rate[:, TYPE_CODES["income_in"]] *= habits.wage == 0
        for k, name in enumerate(ORDERS.values()):
            rate[:, TYPE_CODES[name]] -= np.minimum(
                12 * (habits.order[:, k] > 0), rate[:, TYPE_CODES[name]]
            )
        rate[:, TYPE_CODES["invest"]] = 0
        return rate

    def month(self, rng, elapsed: int, first_day: int, days: int, *, start=None, end=None):
        """Draw the events of ``days`` days from ``first_day`` (days since 1970-01-01).

        Parameters
        ----------
        start, end : ndarray of shape (n,)
            Fen on the accounts at the month's start or end; one of them.

        Returns
        -------
        (Events, ndarray of shape (n,))
            The events, and the fen at the other end of the month.
        """
        scale = self._activity(elapsed, first_day, days)
        drafts = [
            self._ordinary(rng, scale, first_day, days),
            self._schedule.month(rng, scale, elapsed, first_day, days),
        ]
        draft = join(drafts)
        opened = draft.day >= self.people.opened[draft.who]
        draft = draft if opened.all() else draft.take(np.flatnonzero(opened))
        fen, missing, other = self._settled(draft, first_day, start, end)
        transfers = self._own_transfers(rng, missing, first_day, days)
        draft = join([replace(draft, fen=fen), transfers])
        return self._events(rng, draft), other

    def _activity(self, elapsed, first_day, days):
        """Events of the month for each event a year."""
        people, c = self.people, self.population.constants
        calendar = np.arange(first_day, first_day + days).astype("datetime64[D]")
        month = calendar.astype("datetime64[M]").astype(int) % 12
        scale = people.month_weight @ (np.bincount(month, minlength=12) / 365.25)
        scale[people.opened >= first_day + days] = 0
        scale[~people.activates & (people.opened < first_day)] *= c["dormant"]
        scale[people.closes - elapsed <= c["fading_months"]] *= c["fading"]
        scale[people.closes <= elapsed - 1] = 0
        return scale

    def _ordinary(self, rng, scale, first_day, days):
        """Events that come at random: time, type, channel and amount by the customer's own mix."""
        counts = rng.poisson(self._per_year * scale)
        who = np.repeat(np.arange(len(self.people)), counts)
        n, c = len(who), self.population.constants
        kind = pick(uniform(rng, n), self._type, who)
        channel = pick(uniform(rng, n), self._elsewhere, who)
        cash = np.flatnonzero(kind == TYPE_CODES["cash"])
        channel[cash] = pick(uniform(rng, len(cash)), self._at_places, who[cash])
        u = uniform(rng, n)
        into = (kind == TYPE_CODES["income_in"]) | (kind == TYPE_CODES["merchant_in"])
        into |= (kind == TYPE_CODES["cash"]) & (u < c["cash_in"] * ONE)
        day = self._days(rng, who, kind, channel, first_day, days)
        amount = np.exp(rng.standard_normal(n) * self._sd[kind] + self._log_mean[who, kind])
        step = self._step[kind]
        round_ = np.flatnonzero(
            (kind == TYPE_CODES["transfer_out"])
            & (u < c["transfer_round"] * ONE) & (amount > 100)
        )  # fmt: skip
        step[round_[~self.people.is_business[who[round_]]]] = 10_000
        fen = np.maximum(np.rint(amount * 100 / step), 1).astype(np.int64) * step
        none = np.full(n, -1, np.int8)
        return Draft(who, day, self._hours(rng, who, channel), channel, kind, fen, into, none,
                      none, step, ~into)  # fmt: skip

    def _days(self, rng, who, kind, channel, first_day, days):
        """Rest days as often as the customer likes; taxes by the 15th; counters when open."""
        calendar = np.arange(first_day, first_day + days)
        week = calendar[working(calendar)]
        rest = calendar[~working(calendar)]
        at_rest = np.flatnonzero(uniform(rng, len(who)) < self._weekend[who])
        turn = uniform(rng, len(who)).astype(np.int64)
        day = week[(turn * len(week)) >> 16]
        day[at_rest] = rest[(turn[at_rest] * len(rest)) >> 16]
        firm = np.flatnonzero(kind == TYPE_CODES["tax_payroll"])
        u = rng.random((2, len(firm)))
        due = following_working_day(in_month(first_day, days, 15))
        tax = due - np.floor(-3 * np.log1p(-u[1])).astype(np.int64)
        pay = preceding_working_day(in_month(first_day, days, self.people.habits.payday[who[firm]]))
        due = np.where(u[0] < self.population.constants["tax_share"], tax, pay)
        day[firm] = np.clip(due, first_day, first_day + days - 1)
        return when_open(day, channel, first_day, days)

    def _hours(self, rng, who, channel):
        """Hour of day: a bell by day or by night, a few at dawn; counters open 9 to 17."""
        n, c = len(who), self.population.constants
        bell = (uniform(rng, n).astype(np.float32) + uniform(rng, n)) / np.float32(2 * ONE)
        late = uniform(rng, n) < self._night[who]
        hour = np.where(late, 20 + 4 * bell, 7 + 13 * bell)
        dawn = np.flatnonzero(~late & (uniform(rng, n) < c["dawn"] * ONE))
        dawn = dawn[_REMOTE[channel[dawn]]]
        hour[dawn] = 7 * bell[dawn] ** 2
        at_counter = np.flatnonzero(channel == COUNTER)
        hour[at_counter] = 9 + 8 * bell[at_counter]
        return hour

    def _settled(self, draft, first_day, start, end):
        """Spending that the accounts can pay; see :func:`~kequn_lab.synth.accounts.settle`."""
        c, h = self.population.constants, self.people.holdings
        backward = start is None
        usual = h.assets[:, 0] + (h.unspent(first_day) if backward else 0)
        aim = np.outer([1, c["account_least"], c["account_most"]], usual * 100).astype(np.int64)
        rest = draft.type != TYPE_CODES["consume"]
        return settle(draft, rest, aim=aim, keep=c["account_keep"], start=start, end=end)

    def _own_transfers(self, rng, missing, first_day, days):
        """To and from the customer's account at another bank: what the month does not explain."""
        who = np.flatnonzero(missing)
        day = np.where(missing[who] > 0, first_day, first_day + days - 1)
        day = np.maximum(day, self.people.opened[who])
        channel = self._schedule.channel(rng, who, day)
        into = missing[who] > 0
        kind = np.where(into, TYPE_CODES["income_in"], TYPE_CODES["transfer_out"]).astype(np.int8)
        return fixed(rng, who, day, channel, kind, np.abs(missing[who]), into, payee=3)

    def _events(self, rng, draft):
        """The events in order, with whom and how long they were."""
        second = draft.day * _DAY + (draft.hour * 3600).astype(np.int64)
        order = np.argsort((draft.who << 40) | second, kind="stable")
        used = ("who", "fen", "into", "channel", "type", "product", "payee")
        d, second = draft.take(order, used), second.take(order)
        n = len(order)
        alone = (
            (d.type == TYPE_CODES["cash"])
            | (d.type == TYPE_CODES["loan"])
            | (d.type == TYPE_CODES["invest"])
        )
        turn = (uniform(rng, n) * self._circle[d.who]) >> np.uint32(16)
        turn = np.where(d.payee >= 0, d.payee, turn).astype(np.uint32)
        home = (np.arange(len(self.people)) + self.first).astype(np.uint32) * np.uint32(2654435761)
        other = (home[d.who] >> np.uint32(8)) + turn * np.uint32(40503)
        other = np.where(alone, -1, (other & np.uint32(COUNTERPARTIES - 1)).astype(np.int16))

        at_counter = np.flatnonzero(d.channel == COUNTER)
        there = d.who[at_counter]
        minutes = np.full(n, np.nan, np.float32)
        z = rng.standard_normal(len(there)) * self.population.constants["minutes_sd"]
        minutes[at_counter] = np.maximum(np.round(self.people.minutes[there] * np.exp(z), 1), 0.1)
        helped = np.zeros(n, bool)
        helped[at_counter] = rng.random(len(there)) < self.people.helped[there]
        return Events(
            d.who.astype(np.int32), second, d.fen / 100, d.into, d.channel,
            d.type, d.product, other, minutes, helped,
        )  # fmt: skip


def _cash_channels(channel, cash):
    """Where cash events and where all others happen, so that together they keep the mix.

    Cash needs a counter, a machine or an agent; the other events give up what it takes there.
    """
    at_places = rows_of(channel * _PLACES)
    return at_places, rows_of(np.maximum(channel - cash[:, None] * at_places, 0))
