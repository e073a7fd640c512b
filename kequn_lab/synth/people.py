"""Ten thousand customers at a time: who they are, what they earn, how they will behave."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, ndtr, ndtri

from kequn_lab._words import ONLINE
from kequn_lab.synth.habits import Habits, draw_habits
from kequn_lab.synth.population import CHANNELS, LATENTS, LOANS, SEGMENTS, TYPES
from kequn_lab.synth.recipe import MONTH_DAYS, Part, Recipe, day_number
from kequn_lab.synth.wealth import Draws, Holdings, draw_holdings

__all__ = ["People", "draw_people"]

_ONLINE = [CHANNELS.index(x) for x in ONLINE]
_DIGITAL = LATENTS.index("digital")
_INVESTMENTS = ("structured_deposit_product", "money_fund", "wealth_product", "bancassurance")
_INTO = ("income_in", "merchant_in")
_OUT = ("consume", "transfer_out", "cash", "tax_payroll")


@dataclass(frozen=True)
class People:
    """Customers of one part at the end of one month, as arrays of length n.

    Days count from 1970-01-01; -1 means "none" in codes.
    """

    segment: np.ndarray
    second: np.ndarray
    weight: np.ndarray
    latents: np.ndarray  # (n, 4) size, activity, digital, safety
    is_business: np.ndarray
    age: np.ndarray
    tier: np.ndarray
    opening: np.ndarray
    opened: np.ndarray
    cards: np.ndarray
    risk: np.ndarray
    events_per_year: np.ndarray
    month_weight: np.ndarray  # (n, 12), mean 1
    channel: np.ndarray  # (n, 6)
    type: np.ndarray  # (n, 8)
    night: np.ndarray
    weekend: np.ndarray
    minutes: np.ndarray
    helped: np.ndarray
    circle: np.ndarray  # how many counterparties the customer has
    amount: np.ndarray  # (n, 8) mean CNY of an event of each type
    holdings: Holdings
    habits: Habits
    activates: np.ndarray  # newcomers: uses the account after its first month
    closing_per_month: np.ndarray
    closes: np.ndarray  # months after the first bank
    offer_logit: np.ndarray
    default_logit: np.ndarray

    def __len__(self) -> int:
        return len(self.segment)


class _Mixed:
    """Parameters of each customer, mixed between the two segments of a hybrid."""

    def __init__(self, recipe: Recipe, segment, second, weight):
        table = recipe.population.mixable
        self._theta = table[segment]
        self._theta *= weight[:, None]
        hybrid = np.flatnonzero(second >= 0)
        self._theta[hybrid] += (1 - weight[hybrid])[:, None] * table[second[hybrid]]
        self._row = {name: i for i, name in enumerate(recipe.population.segments.index)}
        self._population = recipe.population

    def __getitem__(self, name: str) -> np.ndarray:
        return self._theta[:, self._row[name]]

    def group(self, prefix: str) -> np.ndarray:
        names = self._population.group(prefix)
        first = self._row[names[0]]
        return self._theta[:, first : first + len(names)]


def draw_people(recipe: Recipe, part: Part, elapsed: int) -> People:
    """Draw the customers of one part as they are ``elapsed`` months after the first bank.

    What a customer *is* (birth, place, latents, habits) comes from the same random numbers in
    every month; only what time changes differs.
    """
    draw = _Draw(recipe, part)
    c = recipe.population.constants
    fixed = _for_life(draw)
    born = fixed.pop("born")
    at_start = fixed["age"]
    now = {**fixed, **_time(draw, fixed, born, elapsed)}
    own, latents = now.pop("own"), now["latents"]
    inflow, events = (np.exp(_median(draw, own, latents, x)) for x in ("inflow", "events"))
    now["holdings"] = holdings = _wealth(draw, own, latents, now, elapsed)
    now["risk"] = _risk(draw, own, latents, now["is_business"], holdings)
    now["channel"] = channel = _channels(draw, own, latents)
    z = draw.noise * c["type_sd"] * draw.normal("type", 7)
    now["type"] = type_ = _types(recipe.population, own, z, holdings, draw.has)
    now["habits"] = draw_habits(
        c, draw.rng, own=own, is_business=now["is_business"], age=at_start, inflow=inflow,
        rate=events[:, None] * type_, channel=channel,
    )  # fmt: skip
    return People(
        **now,
        **_ways(draw, own, events),
        **_logits(draw, own, latents, holdings),
        events_per_year=events,
        amount=_amounts(c, inflow, events, type_),
    )


class _Draw:
    """What every step of :func:`draw_people` needs: the recipe, and the part's random numbers."""

    def __init__(self, recipe: Recipe, part: Part):
        self.recipe, self.part, self.population = recipe, part, recipe.population
        self.noise = recipe.population.presets.loc["noise", recipe.preset]
        rows = [f"has_{x}" for x in CHANNELS]
        self.has = recipe.population.profiles.loc[rows, recipe.profile].to_numpy(float)

    def rng(self, column, *more):
        return self.recipe.rng(self.part, column, *more)

    def normal(self, column, *shape):
        return self.rng(column).standard_normal((self.part.size, *shape))

    def deviation(self, name, latents, *shape):
        """Standard normal: a part from the latents, the rest the customer's own."""
        loading, correlation = _row(self.population, name), self.population.correlation
        rest = np.sqrt(1 - loading @ correlation @ loading)
        common = latents @ loading
        return (common[:, None] if shape else common) + rest * self.normal(_STREAM[name], *shape)


def _for_life(draw):
    """What stays for life."""
    recipe, part, c = draw.recipe, draw.part, draw.population.constants
    segment, second, weight = _segments(recipe, part)
    born = _Mixed(recipe, segment, second, weight)
    age = _ages(born, draw.population, segment, draw.noise, draw.rng("age"))
    latents = draw.normal("latents", 4) @ np.linalg.cholesky(draw.population.correlation).T
    latents[:, _DIGITAL] += c["digital_per_year"] * (age - c["digital_age"])
    ways_in = np.array([draw.has[2], 1, draw.has[5], draw.has[4]])  # branch, app, third, agent
    return {
        "born": born,
        "segment": segment,
        "second": second,
        "weight": weight,
        "age": age,
        "latents": latents,
        "is_business": draw.rng("legal_form").random(part.size) < expit(born["is_business"]),
        "tier": _choose(draw.rng("place"), _softmax(born.group("tier"))),
        "opening": _choose(draw.rng("opening"), _softmax(born.group("opening")) * ways_in),
        "cards": 1 + draw.rng("cards").poisson(np.exp(born["extra_cards_mean"])),
        "opened": _opening_days(recipe, part, born, age, draw.noise),
    }


def _time(draw, fixed, born, elapsed):
    """What time changes: age, segment, latents; and who leaves."""
    recipe, part = draw.recipe, draw.part
    drift = draw.population.drift[recipe.drift]
    names = ("segment", "second", "weight", "age", "latents")
    segment, second, weight, age, latents = (fixed[x] for x in names)
    own = born
    if elapsed:
        age = age + elapsed / 12
        segment, second, weight = _grown_up(recipe, segment, second, weight, age)
        own = _Mixed(recipe, segment, second, weight)
        latents[:, _DIGITAL] += drift["digital_per_month"] * elapsed
    life = draw.rng("life").random((part.size, 2))
    factor = np.where(elapsed, drift[[f"closing_{s}" for s in SEGMENTS]].to_numpy()[segment], 1)
    closing = expit(born["closing_per_month"]) * factor
    changed = dict(zip(names, (segment, second, weight, age, latents)))
    return changed | {
        "own": own,
        "closing_per_month": expit(own["closing_per_month"]),
        "closes": part.cohort - np.log1p(-life[:, 0]) / closing,
        "activates": (part.cohort == 0) | (life[:, 1] < expit(own["activates"])),
    }


def _median(draw, own, latents, name):
    """Log of a lognormal quantity of each customer."""
    sd = own[f"{name}_sd"] * draw.noise
    return own[f"{name}_median"] + sd * draw.deviation(name, latents)


def _wealth(draw, own, latents, now, elapsed):
    """What is held and owed at the end of the month."""
    population, n = draw.population, draw.part.size
    c, drift = population.constants, population.drift[draw.recipe.drift]
    first = last = _median(draw, own, latents, "aum")
    for month in range(draw.part.cohort + 1, elapsed + 1):
        step = draw.rng("months", month).standard_normal(n) * c["assets_sd"]
        last = last + drift["assets_per_month"] + step
    assets = np.round(np.exp(first), 2)
    loan_sd = c[[f"{x}_sd" for x in LOANS]].to_numpy() * draw.noise
    principal = np.column_stack([own[f"{x}_principal"] for x in LOANS])
    chance = own.group("holds") + (latents @ _row(population, "holds"))[:, None]
    draws = Draws(
        chance=expit(chance),
        split=own.group("split") + c["split_sd"] * draw.noise * draw.normal("split", 10),
        loan_chance=expit(np.column_stack([own[x] for x in LOANS])),
        principal=np.exp(principal + draw.deviation("loan", latents, 2) * loan_sd),
        uniform=draw.rng("holds").random((n, 11)),
        drawn=draw.rng("limits").beta(c["limit_a"], c["limit_b"], (n, 2)),
    )
    return draw_holdings(
        population,
        draws,
        today=day_number(draw.recipe.day(elapsed)),
        opened=now["opened"],
        assets=assets,
        change=np.round(np.exp(last), 2) - assets,
        is_business=now["is_business"],
    )


def _risk(draw, own, latents, is_business, holdings):
    """Risk class; -1 for businesses and for persons never assessed."""
    r = draw.rng("risk")
    steps = np.outer(latents @ _row(draw.population, "risk"), np.arange(-2, 3))
    risk = _choose(r, _softmax(own.group("risk") + steps))
    missing = r.random(draw.part.size) < draw.population.constants["risk_missing"]
    risk[is_business | (~holdings.any_of(_INVESTMENTS) & missing)] = -1
    return risk


def _channels(draw, own, latents):
    """Mix of channels: those that the bank has and the customer uses."""
    population, c = draw.population, draw.population.constants
    tilt = latents @ population.loadings.loc[population.group("channel")].to_numpy(float).T
    spread = c["channel_sd"] * draw.noise * draw.normal("channel", 6)
    channel = _softmax(own.group("channel") + tilt + spread)
    online = expit(own.group("uses") + (latents @ _row(population, "uses"))[:, None])
    uses = draw.has * np.ones((draw.part.size, 1))
    chosen = draw.rng("online").random((draw.part.size, 1)) < online
    uses[:, _ONLINE] *= chosen | (not draw.has[2:5].any())
    channel = channel * uses
    return channel / channel.sum(axis=1, keepdims=True)


def _ways(draw, own, events):
    """When, how long, with how many others."""
    c, habits = draw.population.constants, draw.normal("habits", 3) * draw.noise
    differ = np.exp(own["counterparties"] + c["counterparties_sd"] * habits[:, 2])
    month_weight = np.exp(own.group("month"))
    return {
        "month_weight": month_weight / month_weight.mean(axis=1, keepdims=True),
        "night": expit(own["night"] + c["night_sd"] * habits[:, 0]),
        "weekend": expit(own["weekend"] + c["weekend_sd"] * habits[:, 1]),
        "minutes": np.exp(own["counter_minutes_median"]),
        "helped": expit(own["helped"]),
        "circle": np.maximum(1, np.rint(_circle(differ) * events)),
    }


def _logits(draw, own, latents, holdings):
    """Log odds of accepting an offer, and of a default."""
    population = draw.population
    use = holdings.loans.sum(axis=1) / np.maximum(holdings.limit.sum(axis=1), 1)
    return {
        "offer_logit": own["offer_logit"] + latents @ _row(population, "offer"),
        "default_logit": own["default_logit"]
        + latents @ _row(population, "default")
        + population.constants["default_use"] * (use - 0.3),
    }


_STREAM = {"inflow": "inflow", "aum": "assets", "events": "activity", "loan": "loans"}


def _row(population, name):
    return population.loadings.loc[name].to_numpy(float)


def _softmax(x):
    x = np.exp(x - x.max(axis=1, keepdims=True))
    return x / x.sum(axis=1, keepdims=True)


def _choose(rng, p):
    """One category per row of weights."""
    edge = np.cumsum(p, axis=1)
    u = rng.random(len(p)) * edge[:, -1]
    return (u[:, None] > edge[:, :-1]).sum(axis=1)


def _segments(recipe, part):
    """Segment, second segment (-1 when of one only) and the weight of the first."""
    c, rng, n = recipe.population.constants, recipe.rng(part, "segment"), part.size
    weights = recipe.newcomer_weights if part.cohort else recipe.weights
    edge = np.cumsum(weights)[:-1]
    segment = np.searchsorted(edge, rng.random(n), "right")
    hybrid = rng.random(n) < recipe.population.presets.loc["hybrid_share", recipe.preset]
    second = np.where(hybrid, _choose(rng, recipe.population.pairs[segment]), -1)
    weight = rng.uniform(c["second_weight_min"], c["second_weight_max"], n)
    return segment, second, np.where(hybrid, weight, 1.0)


def _ages(own, population, segment, noise, rng):
    """Truncated normal; a limit of 35 lets in all who are 35 in whole years."""
    low = population.segments.loc["age_min"].to_numpy(float)[segment]
    high = population.segments.loc["age_max"].to_numpy(float)[segment] + 1
    mean, sd = own["age_mean"], own["age_sd"] * noise
    p_low, p_high = ndtr((low - mean) / sd), ndtr((high - mean) / sd)
    age = mean + sd * ndtri(p_low + (p_high - p_low) * rng.random(len(segment)))
    return np.clip(age, low, high - 1e-6)


def _opening_days(recipe, part, own, age, noise):
    """Day of the first account: long ago, or within the cohort's month."""
    rng = recipe.rng(part, "tenure")
    last = day_number(recipe.day(part.cohort))
    if part.cohort:
        days = last - day_number(recipe.day(part.cohort - 1))
        return last - rng.integers(0, days, part.size)
    sd = recipe.population.constants["tenure_sd"] * noise
    months = np.exp(own["tenure_median"] + sd * rng.standard_normal(part.size))
    return last - np.floor(np.minimum(months, (age - 15) * 12) * MONTH_DAYS).astype(np.int64)


def _grown_up(recipe, segment, second, weight, age):
    """Who has outgrown a segment's age limit moves to the one most often mixed with it."""
    limit = recipe.population.segments.loc["age_max"].to_numpy(float)[segment] + 1
    grown = age >= limit
    grown &= recipe.population.segments.loc["age_max"].to_numpy(float)[segment] < 60
    heir = recipe.population.pairs.argmax(axis=1)[segment]
    segment = np.where(grown, heir, segment)
    alone = grown & (second == heir)
    return segment, np.where(alone, -1, second), np.where(alone, 1.0, weight)


def _types(population, own, z, holdings, has):
    """Mix of event types: no investing without a product, no cash without a place for it."""
    out = np.zeros((len(z), len(TYPES)))
    names = [TYPES.index(n.removeprefix("type_")) for n in population.group("type")]
    out[:, names] = _softmax(own.group("type") + z)
    out[:, TYPES.index("invest")] *= (holdings.assets[:, 1:] > 0).any(axis=1)
    out[:, TYPES.index("cash")] *= has[2:5].any()
    return out / out.sum(axis=1, keepdims=True)


def _amounts(c, inflow, events, type_):
    """Mean amount of each type: in-events share the inflow, out-events what is spent of it."""
    out = np.zeros_like(type_)
    into = [TYPES.index(x) for x in _INTO]
    out[:, into] = (inflow / events / type_[:, into].sum(axis=1))[:, None]
    spent = [TYPES.index(x) for x in _OUT]
    size = np.array([c[f"amount_{x}"] for x in _OUT])
    out[:, spent] = (c["spent"] * inflow / events / (type_[:, spent] @ size))[:, None] * size
    return out


_RATIO = np.geomspace(1e-3, 50, 400)
_DIFFER = _RATIO * -np.expm1(-1 / _RATIO)


def _circle(differ):
    """Circle of counterparties over yearly events so that this share of a year's differ."""
    return np.interp(differ, _DIFFER, _RATIO)
