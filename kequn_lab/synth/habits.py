"""What a person's account does every month: a wage or pension, standing orders."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from kequn_lab._words import ONLINE
from kequn_lab.synth.population import CHANNELS, TYPES

__all__ = ["ORDERS", "Habits", "draw_habits"]

#: Standing orders that a customer may have, and the type of their payments.
ORDERS = {"rent": "transfer_out", "utilities": "consume", "phone": "consume"}
_PAYDAYS = np.array([5, 5, 6, 8, 8, 10, 10, 10, 12, 15])
_PENSION_DAYS = np.array([5, 6, 8, 9, 10, 12, 13, 14])
_BY_HAND = [CHANNELS.index(x) for x in CHANNELS if x not in ONLINE]


@dataclass(frozen=True)
class Habits:
    """Arrays of length n; CNY are those of the month of the first bank."""

    payday: np.ndarray  # day of the month
    wage: np.ndarray  # CNY a month, 0 without
    rise: np.ndarray  # share a year
    rise_month: np.ndarray  # 0 to 11
    bonus: np.ndarray  # CNY a year, 0 without
    bonus_days: np.ndarray  # before Spring Festival
    order_day: np.ndarray  # (n, 3) day of the month, in the days after the payday
    order: np.ndarray  # (n, 3) CNY a month, 0 without
    order_channel: np.ndarray  # where the orders were given


def draw_habits(constants, rng, *, own, is_business, age, inflow, rate, channel) -> Habits:
    """Draw habits that stay for life.

    Parameters
    ----------
    constants : Series
        Of the population.
    rng : callable
        Gives a generator for the name of a stream.
    own : mapping
        The customers' parameters: ``payroll``, the log odds that income is a wage or pension.
    is_business, age, inflow : ndarray of shape (n,)
        Legal form, years, CNY per year.
    rate : ndarray of shape (n, types)
        Events per year. A standing order needs a type that would come twelve times a year.
    channel : ndarray of shape (n, channels)
        Shares. A standing order needs a channel that works without hands.
    """
    c, n = constants, len(age)
    u = rng("payroll").random((n, 6))
    paid = ~is_business & (u[:, 0] < expit(own["payroll"]))
    retired = age >= c["pension_age"]
    share = rate[:, TYPES.index("income_in")]
    share = share / np.maximum(share + rate[:, TYPES.index("merchant_in")], 1e-12)
    has_bonus = paid & ~retired & (u[:, 1] < c["bonus_share"])
    months = np.where(has_bonus, c["bonus_months"] * (0.5 + u[:, 2]), 0)
    wage = np.where(paid, inflow * share / (12 + months), 0)
    payday = _PAYDAYS[(u[:, 3] * len(_PAYDAYS)).astype(int)]

    v = rng("orders").random((n, 9))
    remote = channel.copy()
    remote[:, _BY_HAND] = 0
    often = rate[:, [TYPES.index(x) for x in ORDERS.values()]] - np.array([0, 0, 12])
    has = (
        (often >= 12 * c["order_least"]) & ~is_business[:, None] & (remote.sum(axis=1) > 0)[:, None]
    )
    has &= v[:, :3] < c[[f"order_{x}" for x in ORDERS]].to_numpy(float)
    size = c[[f"order_{x}_size" for x in ORDERS]].to_numpy(float) * (0.5 + v[:, 3:6])
    pension = _PENSION_DAYS[(u[:, 3] * len(_PENSION_DAYS)).astype(int)]
    payday = np.where(retired, pension, payday)
    return Habits(
        payday=payday,
        wage=np.round(wage, 2),
        rise=2 * c["rise"] * u[:, 4],
        rise_month=np.where(retired, 6, (12 * u[:, 5]).astype(np.int64)),
        bonus=np.round(wage * months, -2),
        bonus_days=5 + (15 * u[:, 1] / c["bonus_share"]).astype(np.int64),
        order_day=1 + (payday[:, None] + (5 * v[:, 6:]).astype(np.int64)) % 28,
        order=np.where(has, np.maximum(np.round(inflow[:, None] / 12 * size), 1), 0),
        order_channel=remote.argmax(axis=1).astype(np.int8),
    )
