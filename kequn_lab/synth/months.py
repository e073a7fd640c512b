"""The months of a part, so that balances follow from events."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kequn_lab.synth.ledger import Events, Ledger
from kequn_lab.synth.people import People, draw_people
from kequn_lab.synth.recipe import Part, Recipe, day_number

__all__ = ["Months", "draw_months"]


@dataclass(frozen=True)
class Months:
    """The window's events by month, and the accounts at both ends, CNY of shape (n,)."""

    events: list[Events]
    opening: np.ndarray
    closing: np.ndarray
    people: People  # at the end of the window


def draw_months(recipe: Recipe, part: Part) -> Months:
    """Draw the events of a part's window.

    On the day of the first bank (of newcomers: at the end of their first month) the account is
    what :class:`~kequn_lab.synth.wealth.Holdings` says. Months before are drawn back from there,
    later ones onwards; so neither depends on the window.
    """
    base = part.cohort
    oldest = recipe.elapsed - recipe.months + 1
    events = {}
    people = draw_people(recipe, part, base)
    ledger = Ledger(people, recipe.population, part.first, day_number(recipe.start))
    account = np.rint(people.holdings.assets[:, 0] * 100).astype(np.int64)
    opening = closing = account
    for month in range(base, max(oldest, base if part.cohort else oldest) - 1, -1):
        events[month], opening = _month(recipe, part, ledger, month, end=opening)
    for month in range(base + 1, recipe.elapsed + 1):
        if month == oldest:
            opening = closing
        people = draw_people(recipe, part, month)
        ledger = Ledger(people, recipe.population, part.first, day_number(recipe.start))
        events[month], closing = _month(recipe, part, ledger, month, start=closing)
    kept = [events[m] for m in sorted(events) if m >= oldest]
    return Months(kept, opening / 100, closing / 100, people)


def _month(recipe, part, ledger, month, **account):
    first = day_number(recipe.day(month - 1)) + 1
    days = day_number(recipe.day(month)) + 1 - first
    return ledger.month(recipe.rng(part, "ledger", first), month, first, days, **account)
