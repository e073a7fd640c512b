"""A bank in memory, and the same bank a month later."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa

from kequn_lab.synth.population import Population
from kequn_lab.synth.recipe import Recipe, make_recipe
from kequn_lab.synth.tables import NAMES, draw_part, to_pandas

__all__ = ["Bank", "make_bank", "next_month"]


@dataclass(frozen=True)
class Bank:
    """A synthetic bank on one day.

    ``customers``, ``events`` and ``holdings`` are what a bank has. ``truth`` (the segments) and
    ``outcomes`` (what happens next, with its probabilities) are what no bank has.
    """

    customers: pd.DataFrame
    events: pd.DataFrame
    holdings: pd.DataFrame
    truth: pd.DataFrame
    outcomes: pd.DataFrame
    recipe: Recipe

    @property
    def as_of(self) -> pd.Timestamp:
        """The last day of the events."""
        return self.recipe.as_of


def make_bank(
    n_customers: int = 2000,
    *,
    random_state: int,
    as_of="2024-12-31",
    months: int = 12,
    preset: str = "standard",
    bank_kind: str = "state_big",
    population: str | Path | Population | None = None,
    workers: int = 1,
) -> Bank:
    """Draw a synthetic bank: customers, their events and holdings, and the true segments.

    Parameters
    ----------
    n_customers : int
        1 to 100 million; a million customers with twelve months need about 15 GB in memory,
        :func:`~kequn_lab.synth.write_bank` needs little for any number.
    random_state : int
        The seed. A larger bank has the same whole blocks of 10,000 customers as a smaller one.
    as_of : date-like
        Last day of the events.
    months : int
        Months of events that end on ``as_of``, 1 to 60.
    preset : {"easy", "standard", "hard", "sealed"}
        How far customers stray from their segment. ``sealed`` is for one last check: nothing in
        the kit is tuned on it.
    bank_kind : {"state_big", "internet_retail", "internet_corp", "direct_bank"}
        Which segments the bank has and which channels it runs.
    population : path or Population, optional
        An edited copy of ``data/catalogue/population``.
    workers : int
        Threads; the result does not depend on them.

    Returns
    -------
    Bank

    Raises
    ------
    ValueError, TypeError
        An argument is out of its range.
    ContractError
        The edited population is wrong; each cell is named.

    Notes
    -----
    *customers* (one row per customer): ``customer_id`` (SYN and ten digits), ``customer_type``
    (person, business), ``age_years``, ``city_tier``, ``opening_channel``, ``opened_on``,
    ``cards_count``, ``risk_class`` (missing for every business, and for persons never assessed).

    *events* (ordered by customer and time within a month): ``customer_id``, ``timestamp``,
    ``amount_cny``, ``direction``, ``channel``, ``type``, ``product`` (of investing and loans),
    ``counterparty_id``, ``counter_minutes`` and ``helped`` (at the counter only).

    *holdings* (customer × product): ``balance_cny`` (the assets add up to the fen; debt for a
    loan), ``opened_on``, ``matures_on``, ``limit_cny``.

    *truth*: ``segment_id``, ``second_segment_id`` of hybrids, ``primary_weight``.

    *outcomes*: ``called`` (a random half), ``accepted`` an offer of a deposit and the probability
    with and without the call; ``defaulted`` within a year, of those with a loan;
    ``closes_within_year``; ``activates`` (newcomers); each with its true probability.

    The numbers behind it are in ``data/catalogue/population``; see ``data/README.md`` for what is
    the article's, what is calibrated and what is invented. A score reached on this bank says
    nothing about a real one: generator and features have the same author.

    Examples
    --------
    >>> bank = make_bank(50, random_state=0, months=1)
    >>> bank.customers["customer_id"].iloc[0], len(bank.truth)
    ('SYN0000000001', 50)
    """
    recipe = make_recipe(n_customers, random_state=random_state, as_of=as_of, months=months,
                         preset=preset, profile=bank_kind, population=population)  # fmt: skip
    return draw_bank(recipe, workers=workers)


def next_month(bank: Bank, *, drift: str | None = None, workers: int = 1) -> Bank:
    """The same bank a month later: older customers, newcomers, closed accounts, a new month.

    Events of months that both banks have are the same, but for customers who closed.

    Parameters
    ----------
    bank : Bank
    drift : {"none", "mild", "new_segment", "segment_leaving"}, optional
        ``mild``: customers turn digital; ``new_segment``: most newcomers belong to a ninth
        segment, ``gig_worker``; ``segment_leaving``: structured-deposit customers close their
        accounts. Chosen for the first later month and kept; ``none`` by default.

    Returns
    -------
    Bank
        ``truth`` holds who moved to another segment by growing older.

    Examples
    --------
    >>> bank = make_bank(50, random_state=0, months=1)
    >>> str(next_month(bank).as_of.date())
    '2025-01-31'
    """
    if bank.recipe.elapsed and drift not in (None, bank.recipe.drift):
        raise ValueError(
            f"this bank has drifted by {bank.recipe.drift!r} for {bank.recipe.elapsed} months; "
            "start from the first bank to drift another way"
        )
    if drift is not None and drift not in bank.recipe.population.drift:
        known = ", ".join(bank.recipe.population.drift)
        raise ValueError(f"unknown drift {drift!r}; known: {known}")
    return draw_bank(bank.recipe.later(drift), workers=workers)


def draw_bank(recipe: Recipe, *, workers: int = 1) -> Bank:
    """Draw every part of a recipe and put them together."""
    with ThreadPoolExecutor(max(workers, 1)) as pool:
        drawn = list(pool.map(lambda part: draw_part(recipe, part), recipe.parts))
    tables = {}
    for name in NAMES:
        table = pa.concat_tables([d.pop(name) for d in drawn])
        tables[name] = to_pandas(name, table)
    return Bank(**tables, recipe=recipe)
