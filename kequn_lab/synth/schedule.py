"""Events that have a day of their own: wages, standing orders, products, loans."""

from __future__ import annotations

import numpy as np

from kequn_lab.synth.drafts import (
    COUNTER,
    TYPE_CODES,
    Draft,
    edges,
    fixed,
    in_month,
    join,
    pick,
    rows_of,
    uniform,
    when_open,
)
from kequn_lab.synth.habits import ORDERS
from kequn_lab.synth.holidays import closed, preceding_working_day, spring_festival
from kequn_lab.synth.people import People
from kequn_lab.synth.population import CHANNELS, Population
from kequn_lab.synth.recipe import MONTH_DAYS

__all__ = ["Schedule"]

_FIRST_LOAN = 10


class Schedule:
    """Draws what is due in a month.

    Parameters
    ----------
    people : People
    population : Population
    start : int
        Day of the first bank: the amounts of :class:`~kequn_lab.synth.habits.Habits` are those of
        its month.
    elsewhere : ndarray
        Edges of each customer's channels, cash left out.
    """

    def __init__(self, people: People, population: Population, start: int, elsewhere):
        self.people, self.population, self.start = people, population, start
        self._elsewhere = elsewhere
        turnover = population.products["turnover"].to_numpy(float)[:_FIRST_LOAN]
        held = people.holdings.assets > 0
        self._invest = edges(rows_of(held * turnover))
        self._held = np.nonzero(held & (np.arange(_FIRST_LOAN) > 0))  # but for the account
        remote = people.channel.copy()
        remote[:, COUNTER] = 0
        atm = CHANNELS.index("atm")
        self._instead = np.where(remote.any(axis=1), remote.argmax(axis=1), atm).astype(np.int8)

    def month(self, rng, scale, elapsed: int, first_day: int, days: int) -> Draft:
        """Events of ``days`` days; ``scale`` is the customers' activity, of a year."""
        drafts = [
            self._tranches(rng, scale, first_day, days),
            *self._wages(rng, elapsed, first_day, days),
            *self._orders(rng, elapsed, first_day, days),
            *self._products(rng, first_day, days),
            self._loans(rng, first_day, days),
        ]
        return join(drafts)

    def _regular(self, elapsed, first_day, days):
        """Who uses the account as usual: neither dormant nor about to close it."""
        people, c = self.people, self.population.constants
        usual = (people.opened < first_day + days) & (people.closes - elapsed > c["fading_months"])
        return usual & (people.activates | (people.opened >= first_day))

    def _wages(self, rng, elapsed, first_day, days):
        """Wage or pension on its day; where that is none of work, on the last one before."""
        habits, usual = self.people.habits, self._regular(elapsed, first_day, days)
        who = np.flatnonzero(usual & (habits.wage > 0))
        day = np.maximum(
            preceding_working_day(in_month(first_day, days, self.people.habits.payday[who])),
            first_day,
        )
        calendar = (np.datetime64(int(x), "D").astype("datetime64[M]").astype(int)
                    for x in (self.start, first_day + days - 1))  # fmt: skip
        then, now = calendar
        month = habits.rise_month[who]
        years = (now - month) // 12 - (then - month) // 12
        rise = (1 + habits.rise[who]) ** years
        channel = pick(uniform(rng, len(who)), self._elsewhere, who)
        day = when_open(day, channel, first_day, days)
        fen = np.rint(habits.wage[who] * rise * 100).astype(np.int64)
        yield fixed(rng, who, day, channel, "income_in", fen, True, payee=0)
        year = 1970 + now // 12
        extra = preceding_working_day(spring_festival(year) - habits.bonus_days)
        who = np.flatnonzero(usual & (habits.bonus > 0))
        who = who[(extra[who] >= first_day) & (extra[who] < first_day + days)]
        channel = pick(uniform(rng, len(who)), self._elsewhere, who)
        day = when_open(extra[who], channel, first_day, days)
        fen = np.rint(habits.bonus[who] * 100).astype(np.int64)
        yield fixed(rng, who, day, channel, "income_in", fen, True, payee=0)

    def _orders(self, rng, elapsed, first_day, days):
        """Standing orders, run by the bank in the small hours."""
        habits, usual = self.people.habits, self._regular(elapsed, first_day, days)
        for k, name in enumerate(ORDERS.values()):
            who = np.flatnonzero(usual & (habits.order[:, k] > 0))
            day = in_month(first_day, days, habits.order_day[who, k])
            fen = np.rint(habits.order[who, k] * 100).astype(np.int64)
            yield fixed(rng, who, day, habits.order_channel[who], name, fen, False,
                              payee=k + 1, hour=(1, 6))  # fmt: skip

    def _products(self, rng, first_day, days):
        """What is held is bought, credited at maturity, and bought again the same day."""
        h, last = self.people.holdings, first_day + days
        who, slot = self._held
        day = h.latest(last - 1, who, slot)
        now = (day >= first_day) & (day < last)
        who, slot, day = who[now], slot[now], day[now]
        begun = h.begun[who, slot]
        channel = self.channel(rng, who, day)
        fen = np.rint(h.assets[who, slot] * 100).astype(np.int64)
        again = day > begun
        for rows, into, hour in ((again, True, (9, 10)), (day >= begun, False, (10, 17))):
            yield fixed(rng, who[rows], day[rows], channel[rows], "invest", fen[rows], into,
                              product=slot[rows], hour=hour)  # fmt: skip

    def channel(self, rng, who, day):
        """A channel for what cannot wait: another one when counters are closed."""
        channel = pick(uniform(rng, len(who)), self._elsewhere, who)
        return np.where((channel == COUNTER) & closed(day), self._instead[who], channel)

    def _loans(self, rng, first_day, days):
        """Loans paid out, and instalments: principal in equal parts and interest on the rest."""
        h, c = self.people.holdings, self.population.constants
        who, loan, day = self._loan_days(first_day, days)
        months = self.population.products["term_months"].to_numpy(float)[loan]
        principal = h.principal[who, loan - _FIRST_LOAN]
        age = day - h.latest(day, who, loan)
        nth = np.floor(age / MONTH_DAYS)
        debt = principal * (1 - np.maximum(nth - 1, 0) / months)
        amount = np.where(age == 0, principal, principal / months + debt * c["interest"] / 12)
        fen = np.maximum(np.rint(amount * 100), 1).astype(np.int64)
        channel = self.channel(rng, who, day)
        return fixed(rng, who, day, channel, "loan", fen, age == 0, product=loan)

    def _loan_days(self, first_day, days):
        """Customer, slot and day of every pay-out and instalment."""
        h, last = self.people.holdings, first_day + days
        months = self.population.products["term_months"].to_numpy(int)
        parts = []
        for loan in range(_FIRST_LOAN, h.begun.shape[1]):
            who = np.flatnonzero(h.principal[:, loan - _FIRST_LOAN])
            bought, before = (h.latest(day, who, loan) for day in (last - 1, first_day - 1))
            now = (bought >= first_day) & (bought < last)
            parts.append((who[now], np.full(now.sum(), loan), bought[now]))
            # where no other was paid out since the month before, both are one loan
            for start, owes in ((before, True), (bought, bought != before)):
                again = np.floor(start + h.term[loan]).astype(np.int64)
                nth = np.ceil((first_day - start) / MONTH_DAYS)
                for k in (nth - 1, nth, nth + 1):
                    due = start + np.ceil(k * MONTH_DAYS).astype(np.int64)
                    due = np.minimum(due, again - 1)  # paid back before the next is paid out
                    now = owes & (due >= first_day) & (due < last) & (k >= 1) & (k <= months[loan])
                    parts.append((who[now], np.full(now.sum(), loan), due[now]))
        return tuple(np.concatenate(x) for x in zip(*parts))

    def _tranches(self, rng, scale, first_day, days):
        """Parts of what is held that mature and are bought again within days."""
        people, h = self.people, self.people.holdings
        per_year = people.events_per_year * people.type[:, TYPE_CODES["invest"]] / 2
        who = np.repeat(np.arange(len(people)), rng.poisson(per_year * scale))
        n, last = len(who), first_day + days - 1
        slot = pick(uniform(rng, n), self._invest, who)
        out = first_day + np.floor(rng.random(n) * (days - 1)).astype(np.int64)
        back = np.minimum(out + 1 + np.floor(3 * rng.random(n)).astype(np.int64), last)
        channel = pick(uniform(rng, n), self._elsewhere, who)
        step = np.rint(self.population.products["step_cny"].to_numpy(float) * 100).astype(int)
        held = np.rint(h.assets[who, slot] * 100).astype(np.int64)
        part = np.maximum((held * rng.uniform(0.1, 1, n)).astype(np.int64) // step[slot], 1)
        part *= step[slot]
        days_ = [when_open(x, channel, first_day, days) for x in (out, back)]
        kept = (out > h.begun[who, slot]) & (days_[0] < days_[1]) & (part <= held)
        pairs = [
            fixed(rng, who[kept], day[kept], channel[kept], "invest", part[kept], into,
                        product=slot[kept])
            for day, into in zip(days_, (True, False))
        ]  # fmt: skip
        return join(pairs)
