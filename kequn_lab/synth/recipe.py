"""All that determines a synthetic bank, and the random numbers it is drawn from."""

from __future__ import annotations

import operator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from kequn_lab.synth.population import SEGMENTS, Population, read_population

__all__ = ["BLOCK", "GENERATOR", "Part", "Recipe", "make_recipe", "stream"]

#: Version of the generator: the same version, recipe and numpy give the same bank.
GENERATOR = "3"

#: Customers are drawn in blocks of this size, whatever the chunk or the number of workers.
BLOCK = 10_000
MOST_CUSTOMERS = 100_000_000
MONTH_DAYS = 365.25 / 12

#: One stream per block of columns. Add at the end only: a new stream changes no old column.
STREAMS = (
    "segment", "latents", "age", "legal_form", "place", "opening", "tenure", "cards", "inflow",
    "assets", "activity", "loans", "limits", "risk", "channel", "type", "habits", "holds",
    "split", "life", "ledger", "offer", "default", "months", "online", "payroll",
    "orders",
)  # fmt: skip


def stream(seed: int, cohort: int, block: int, column: str, *more: int) -> np.random.Generator:
    """The random numbers of one block of columns for one block of customers.

    The key is the path of :meth:`numpy.random.SeedSequence.spawn` calls, so streams are
    independent and none depends on how many others were drawn.
    """
    key = (cohort, block, STREAMS.index(column), *more)
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence(seed, spawn_key=key)))


@dataclass(frozen=True)
class Part:
    """A block of customers: ``cohort`` 0 is the first bank, cohort m opened in later month m."""

    cohort: int
    block: int
    size: int
    first: int  # number of its first customer, from 1


@dataclass(frozen=True)
class Recipe:
    """Everything that determines a bank; made by :func:`make_recipe`.

    ``start`` is the day of the first bank; ``elapsed`` months have passed since.
    """

    n_customers: int
    seed: int
    start: pd.Timestamp
    months: int
    preset: str
    profile: str
    drift: str
    elapsed: int
    population: Population

    @property
    def as_of(self) -> pd.Timestamp:
        """The bank's day."""
        return self.day(self.elapsed)

    def day(self, elapsed: int) -> pd.Timestamp:
        """The last day of a month after ``start``; month ends stay month ends."""
        return (
            self.start + pd.Timedelta(days=1) + pd.DateOffset(months=elapsed) - pd.Timedelta(1, "D")
        )

    def later(self, drift: str | None = None) -> Recipe:
        """The same bank a month on."""
        return replace(self, elapsed=self.elapsed + 1, drift=drift or self.drift)

    @property
    def periods(self) -> list[tuple[int, int, int]]:
        """Months of the window, oldest first: elapsed, first day, number of days."""
        month = range(self.elapsed - self.months, self.elapsed + 1)
        end = [day_number(self.day(m)) + 1 for m in month]
        return [(m, a, b - a) for m, (a, b) in zip(month[1:], pairwise(end))]

    @cached_property
    def parts(self) -> list[Part]:
        """The blocks of customers that opened until now."""
        opening = self.population.drift.loc["opening_per_month", self.drift]
        sizes = [self.n_customers]
        sizes += [round(self.n_customers * opening)] * self.elapsed
        out, first = [], 1
        for cohort, size in enumerate(sizes):
            for block in range(-(-size // BLOCK)):
                rows = min(BLOCK, size - block * BLOCK)
                out.append(Part(cohort, block, rows, first + block * BLOCK))
            first += size
        return out

    @cached_property
    def weights(self) -> np.ndarray:
        """Share of each segment in the first bank, (segments,)."""
        bank = self.population.profiles.loc[list(SEGMENTS), self.profile].to_numpy(float)
        tilt = [f"tilt_{s}" for s in SEGMENTS]
        out = bank * self.population.presets.loc[tilt, self.preset].to_numpy(float)
        return out / out.sum()

    @cached_property
    def newcomer_weights(self) -> np.ndarray:
        """Share of each segment among newcomers, (segments,)."""
        drift = self.population.drift[self.drift]
        leaving = drift[[f"closing_{s}" for s in SEGMENTS]].to_numpy(float) > 1
        out = np.where(leaving, 0, self.weights)
        out = out / out.sum() * (1 - drift["new_segment_share"])
        out[SEGMENTS.index("gig_worker")] += drift["new_segment_share"]
        return out

    def rng(self, part: Part, column: str, *more: int) -> np.random.Generator:
        """:func:`stream` of one part."""
        return stream(self.seed, part.cohort, part.block, column, *more)


def day_number(day) -> int:
    """Days since 1970-01-01."""
    return int(np.datetime64(day, "D").astype(int))


def make_recipe(
    n_customers: int,
    *,
    random_state: int,
    as_of,
    months: int,
    preset: str,
    profile: str,
    drift: str = "none",
    population: str | Path | Population | None = None,
) -> Recipe:
    """Check what a bank is asked for; see :func:`~kequn_lab.synth.make_bank`."""
    n_customers = _whole("n_customers", n_customers, 1, MOST_CUSTOMERS)
    months = _whole("months", months, 1, 60)
    seed = _whole("random_state", random_state, 0, 2**63 - 1)
    if not isinstance(population, Population):
        population = read_population(population)
    for name, value in (("preset", preset), ("bank_kind", profile), ("drift", drift)):
        known = {"preset": population.presets, "bank_kind": population.profiles}
        settings = list(known.get(name, population.drift).columns)
        if value not in settings:
            raise ValueError(f"unknown {name} {value!r}; known: {', '.join(settings)}")
    try:
        start = pd.Timestamp(as_of)
    except (ValueError, TypeError) as error:
        raise ValueError(f"as_of is {as_of!r}; give a day as YYYY-MM-DD") from error
    if pd.isna(start) or start.tz is not None or not 1990 <= start.year <= 2100:
        raise ValueError(f"as_of is {as_of!r}; give a day from 1990 to 2100 without a time zone")
    start = start.normalize()
    return Recipe(n_customers, seed, start, months, preset, profile, drift, 0, population)


def _whole(name: str, value, low: int, high: int) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} is {value!r}; give a whole number") from None
    if not low <= number <= high:
        raise ValueError(f"{name} is {number:,}; give {low:,} to {high:,}")
    return number
