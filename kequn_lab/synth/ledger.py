"""One month of events of ten thousand customers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kequn_lab.synth.people import MONTH_DAYS, People
from kequn_lab.synth.population import CHANNELS, TYPES, Population

__all__ = ["Events", "draw_month"]

COUNTERPARTIES = 1 << 14
_T = {name: code for code, name in enumerate(TYPES)}
_COUNTER = CHANNELS.index("counter")
_OFFLINE = [CHANNELS.index(x) for x in ("counter", "atm", "agent")]
_NO_SLOT = 15


@dataclass(frozen=True)
class Events:
    """Events as arrays, ordered by customer and time."""

    customer: np.ndarray  # position in the block
    second: np.ndarray  # seconds since 1970-01-01, local time
    amount: np.ndarray
    into: np.ndarray  # True when money comes in
    channel: np.ndarray
    type: np.ndarray
    product: np.ndarray  # position in the list of products, -1 when none
    counterparty: np.ndarray  # -1 when none
    minutes: np.ndarray  # NaN when not at the counter
    helped: np.ndarray

    def __len__(self) -> int:
        return len(self.customer)


def draw_month(
    people: People,
    population: Population,
    rng: np.random.Generator,
    *,
    first_day: int,
    days: int,
    number: int = 0,
) -> Events:
    """Draw the events of ``days`` days from ``first_day`` (days since 1970-01-01).

    ``number`` is the number of the block's first customer.
    """
    c = population.constants
    n = len(people)
    day = np.arange(first_day, first_day + days)
    calendar = day.astype("datetime64[D]")
    month = calendar.astype("datetime64[M]").astype(int) % 12
    is_weekend = (day + 3) % 7 >= 5
    rate = people.events_per_year * people.month_weight[:, month].mean(axis=1) * days / 365.25
    rate = np.where(people.opened < first_day + days, rate, 0.0)
    counts = rng.poisson(rate)

    planned, planned_slot, planned_day = _planned(people, first_day, days)
    who = np.concatenate([np.repeat(np.arange(n), counts), planned])
    ordinary = len(who) - len(planned)
    slot = np.full(len(who), _NO_SLOT, np.int64)
    slot[ordinary:] = planned_slot

    # what, where
    kind = _pick(rng, people.type, who)
    kind[ordinary:] = np.where(planned_slot >= 10, _T["loan"], _T["invest"])
    cash_share = people.type[:, _T["cash"]]
    at_places, elsewhere = _cash_channels(people.channel, cash_share)
    channel = _pick(rng, elsewhere, who)
    cash = np.flatnonzero(kind == _T["cash"])
    channel[cash] = _pick(rng, at_places, who[cash])

    # when
    week, rest = np.flatnonzero(~is_weekend), np.flatnonzero(is_weekend)
    u = rng.random(len(who), dtype=np.float32)
    on_rest = u < people.weekend.astype(np.float32)[who] if len(rest) else np.zeros(len(who), bool)
    v = rng.random(len(who), dtype=np.float32)
    offset = week[(v * len(week)).astype(np.int64)] if len(week) else 0
    if len(rest):
        offset = np.where(on_rest, rest[(v * len(rest)).astype(np.int64)], offset)
    offset[ordinary:] = planned_day - first_day
    at_counter = channel == _COUNTER
    by_day = 1 - elsewhere[:, _COUNTER]
    night = np.minimum(people.night / np.maximum(by_day, 0.05), 0.95).astype(np.float32)
    late = (rng.random(len(who), dtype=np.float32) < night[who]) & ~at_counter
    bell = rng.integers(0, 1 << 16, (2, len(who)), dtype=np.uint16).astype(np.float32)
    bell = (bell[0] + bell[1]) / np.float32(1 << 17)
    hour = np.where(late, 20 + 4 * bell, np.where(at_counter, 9 + 8 * bell, 7 + 13 * bell))
    second = offset * 86_400 + (hour * 3600).astype(np.int64)

    key = (who << 32) | (second << 10) | (channel.astype(np.int64) << 7)
    key |= (kind.astype(np.int64) << 4) | slot
    key.sort()
    who = key >> 32
    second = (key >> 10) & 0x3FFFFF
    late_enough = second // 86_400 + first_day >= people.opened[who]
    if not late_enough.all():
        key, who, second = key[late_enough], who[late_enough], second[late_enough]
    channel = ((key >> 7) & 7).astype(np.int8)
    kind = ((key >> 4) & 7).astype(np.int8)
    slot = (key & 15).astype(np.int8)
    size = len(key)

    # how much, which way
    sd = np.full(8, c["amount_sd"], np.float32)
    sd[_T["income_in"]] = c["income_sd"]
    log_mean = np.log(np.maximum(people.amount, 0.01)) - (sd**2) / 2
    amount = rng.standard_normal(size, dtype=np.float32) * sd[kind]
    amount = np.exp(amount + log_mean.astype(np.float32).ravel()[who * 8 + kind])
    amount = amount.astype(np.float64)
    into = (kind == _T["income_in"]) | (kind == _T["merchant_in"])
    product = np.where(slot < 12, slot, -1).astype(np.int8)
    u = rng.random(size, dtype=np.float32)
    into |= (kind == _T["cash"]) & (u < c["cash_in"])

    invest = np.flatnonzero((kind == _T["invest"]) & (slot == _NO_SLOT))
    turnover = population.products["turnover"].to_numpy(float)[:10]
    chosen = _pick(rng, _rows(people.balance[:, :10] > 0, turnover), who[invest])
    product[invest] = chosen
    part = rng.uniform(0.1, 1.0, len(invest))
    amount[invest] = people.balance[who[invest], chosen] * part
    into[invest] = u[invest] < 0.5

    fixed = np.flatnonzero(slot < 10)
    amount[fixed] = people.balance[who[fixed], slot[fixed]]
    loan = np.flatnonzero((slot >= 10) & (slot < 12))
    which = slot[loan] - 10
    borrower = who[loan]
    principal = people.principal[borrower, which]
    term = population.products["term_months"].to_numpy(float)[10:][which]
    start = people.bought[borrower, slot[loan]]
    age = np.maximum(second[loan] // 86_400 + first_day - start, 0) / MONTH_DAYS
    first = second[loan] // 86_400 + first_day == start
    rest_of_loan = np.maximum(principal * (1 - (np.round(age) - 1) / term), 0)
    instalment = principal / term + rest_of_loan * c["interest"] / 12
    amount[loan] = np.where(first, principal, instalment)
    into[loan] = first
    amount = np.maximum(np.rint(amount * 100) / 100, 0.01)

    # with whom; time and help at the counter
    has_other = (kind != _T["cash"]) & (kind != _T["loan"]) & (kind != _T["invest"])
    pick = (rng.random(size, dtype=np.float32) * people.circle[who]).astype(np.uint32)
    code = ((who + number).astype(np.uint32) * np.uint32(2654435761)) >> np.uint32(8)
    code = (code + pick * np.uint32(40503)) & np.uint32(COUNTERPARTIES - 1)
    counterparty = np.where(has_other, code.astype(np.int16), np.int16(-1))
    at_counter = np.flatnonzero(channel == _COUNTER)
    minutes = np.full(size, np.nan, np.float32)
    helped = np.zeros(size, bool)
    there = who[at_counter]
    z = rng.standard_normal(len(there))
    minutes[at_counter] = np.round(people.minutes[there] * np.exp(c["minutes_sd"] * z), 1)
    helped[at_counter] = rng.random(len(there)) < people.helped[there]
    return Events(who, second + first_day * 86_400, amount, into, channel, kind, product,
                  counterparty, minutes, helped)  # fmt: skip


def _pick(rng, p, who):
    """A category for each event from its customer's probabilities."""
    edge = np.cumsum(p, axis=1).astype(np.float32)
    u = rng.random(len(who), dtype=np.float32)
    out = np.zeros(len(who), np.int8)
    for j in range(p.shape[1] - 1):
        out += u >= edge[:, j][who]
    return out


def _rows(held, weight):
    p = held * weight
    total = p.sum(axis=1, keepdims=True)
    return np.divide(p, total, out=np.zeros_like(p), where=total > 0)


def _cash_channels(channel, cash):
    """Where cash events and where all others happen, so that together they keep the mix.

    Cash needs a place; what it takes from the counter, machines and agents the others give up.
    """
    places = np.zeros(len(CHANNELS))
    places[_OFFLINE] = 1
    at_places = channel * places
    total = at_places.sum(axis=1, keepdims=True)
    at_places = np.divide(at_places, total, out=np.zeros_like(at_places), where=total > 0)
    left = np.where(places > 0, channel - cash[:, None] * at_places, channel)
    left = np.maximum(left, 0)
    return at_places, left / left.sum(axis=1, keepdims=True)


def _planned(people, first_day, days):
    """Purchases of what is held, loans paid out, instalments: customer, slot, day."""
    last = first_day + days
    held = people.balance > 0
    held[:, 0] = False
    bought = held & (people.bought >= first_day) & (people.bought < last)
    who, slot = np.nonzero(bought)
    parts = [(who, slot, people.bought[who, slot])]
    for loan in (10, 11):
        start = people.bought[:, loan]
        j = np.maximum(np.ceil((first_day - start) / MONTH_DAYS), 1)
        for k in (j, j + 1):
            due = start + np.round(k * MONTH_DAYS).astype(int)
            owes = (people.principal[:, loan - 10] > 0) & (due >= first_day) & (due < last)
            who = np.flatnonzero(owes)
            parts.append((who, np.full(len(who), loan), due[who]))
    return tuple(np.concatenate(x) for x in zip(*parts))
