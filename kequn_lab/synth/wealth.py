"""What a customer holds and owes: products that add up to the assets, loans with a schedule."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from kequn_lab.synth.population import LOANS, Population
from kequn_lab.synth.recipe import MONTH_DAYS

__all__ = ["Draws", "Holdings", "draw_holdings"]

_CURRENT, _LARGE_CD = 0, 4
#: A large CD is bought only by who keeps a fifth of the assets out of it.
_CD_COVER = 1.25
_NEVER = 1e9
#: The account never falls below this part of what it was on the first day.
_KEPT = 0.2


@dataclass(frozen=True)
class Holdings:
    """Balances on one day; columns are the population's products, then the two loans."""

    names: tuple[str, ...]
    assets: np.ndarray  # (n, 10) CNY
    loans: np.ndarray  # (n, 2) CNY, what is left to pay
    begun: np.ndarray  # (n, 12) day of the first purchase or pay-out
    term: np.ndarray  # (12,) days from one purchase to the next; 0 for once and for all
    bought: np.ndarray  # (n, 12) day of the latest
    due: np.ndarray  # (n, 12) day; 0 when none
    principal: np.ndarray  # (n, 2) CNY, 0 without a loan
    limit: np.ndarray  # (n, 2) CNY

    def unspent(self, day: int) -> np.ndarray:
        """(n,) CNY that were on the account before a day and paid for products since."""
        return (self.assets[:, 1:] * (self.begun[:, 1:10] >= day)).sum(axis=1)

    @property
    def balance(self) -> np.ndarray:
        """Assets and loans side by side, (n, 12)."""
        return np.hstack([self.assets, self.loans])

    def latest(self, day: np.ndarray | int, who=slice(None), slot=slice(None)) -> np.ndarray:
        """The latest purchase or pay-out on or before a day; the first one if that is later."""
        return latest(self.begun[who, slot], self.term[slot], day)

    def any_of(self, products: Iterable[str]) -> np.ndarray:
        """Who holds at least one of the products."""
        return np.any(self.assets[:, [self.names.index(p) for p in products]] > 0, axis=1)


@dataclass(frozen=True)
class Draws:
    """What chance gives to each customer, the same on every day."""

    chance: np.ndarray  # (n, 9) to come to each product but the account
    split: np.ndarray  # (n, 10) log weights of the products
    loan_chance: np.ndarray  # (n, 2)
    principal: np.ndarray  # (n, 2) CNY of a loan, if there is one
    uniform: np.ndarray  # (n, 11) from 0 to 1
    drawn: np.ndarray  # (n, 2) share of the limit that is lent


def draw_holdings(
    population: Population,
    draws: Draws,
    *,
    today: int,
    opened: np.ndarray,
    assets: np.ndarray,
    change: np.ndarray,
    is_business: np.ndarray,
) -> Holdings:
    """Hurdle, split and minimums, as of one day.

    A customer comes to a product some time after opening: with constant intensity, so that the
    share that holds it rises to ``draws.chance``. From then on it is bought again at each maturity,
    for the same amount; until then its money is on the account. The same draws on a later
    day gives the same purchases and those since. ``change`` is what came to the ``assets`` since
    the first day; the account takes it up.
    """
    p, ramp = population.products, population.constants["ramp_months"] * MONTH_DAYS
    names = tuple(p.index)
    chance, uniform = np.hstack([draws.chance, draws.loan_chance]), draws.uniform
    wait = -np.log1p(-np.minimum(uniform / chance, 1 - 1e-12)) * ramp
    wait = np.where(uniform < chance, wait, np.inf)
    start = np.hstack([opened[:, None], np.minimum(np.ceil(opened[:, None] + wait), _NEVER)])
    held = start <= today

    term = p["term_months"].to_numpy(float) * MONTH_DAYS
    begun = start.astype(np.int64)
    bought = latest(begun, term, today)
    due = np.where(p["matures"].to_numpy(float) > 0, np.ceil(bought + term), 0)

    least = p[["minimum_cny", "minimum_business_cny"]].to_numpy(float).T[is_business.astype(int)]
    ever = start[:, :10] < _NEVER
    balance = _split(assets, ever, draws.split, least[:, :10], p["step_cny"].to_numpy(float)[:10])
    balance[:, 1:] *= held[:, 1:10]
    account = np.round(assets - balance[:, 1:].sum(axis=1), 2)
    balance[:, _CURRENT] = np.maximum(account + change, np.round(account * _KEPT, 2)).round(2)
    principal = np.where(held[:, 10:], np.ceil(draws.principal / 100) * 100, 0)
    paid = np.floor((today - bought[:, 10:]) / MONTH_DAYS)
    months = p.loc[list(LOANS), "term_months"].to_numpy(float)
    left = np.round(principal * (1 - np.clip(paid / months, 0, 1)), 2)
    limit = np.ceil(principal / np.maximum(draws.drawn, 0.05) / 1000) * 1000
    return Holdings(
        names, balance, left, begun, term, bought, due.astype(np.int64), principal, limit
    )


def latest(begun: np.ndarray, term: np.ndarray, day: np.ndarray | int) -> np.ndarray:
    """The latest of the days ``begun``, ``begun + term``, … that is not after a day."""
    with np.errstate(divide="ignore", invalid="ignore"):
        rounds = np.where(term > 0, np.ceil((day + 1 - begun) / term) - 1, 0)
    return np.floor(begun + np.maximum(rounds, 0) * term).astype(np.int64)


def _split(assets, held, split, least, step):
    """Balances that add up to the assets to the fen: large CDs, then the others, rest on account.

    Everything is counted in fen, in whole numbers.
    """
    total = np.rint(assets * 100).astype(np.int64)
    least = np.rint(least * 100).astype(np.int64)
    step = np.rint(step * 100).astype(np.int64)
    weight = np.where(held, np.exp(split), 0)
    weight /= weight.sum(axis=1, keepdims=True)
    large = np.maximum((weight[:, _LARGE_CD] * total).astype(np.int64), least[:, _LARGE_CD])
    large = large // step[_LARGE_CD] * step[_LARGE_CD]
    large[~held[:, _LARGE_CD] | (total < _CD_COVER * least[:, _LARGE_CD])] = 0
    weight[:, _LARGE_CD] = 0
    weight /= weight.sum(axis=1, keepdims=True)
    out = ((total - large)[:, None] * weight).astype(np.int64) // step * step
    out[:, _LARGE_CD] = large
    out[out < least] = 0
    out[:, _CURRENT] = total - out[:, 1:].sum(axis=1)
    return out / 100
