"""Ten thousand customers at a time: who they are, what they earn, how they will behave."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, ndtr, ndtri

from kequn_lab.synth.population import CHANNELS, LATENTS, LOANS, SEGMENTS, TYPES
from kequn_lab.synth.recipe import MONTH_DAYS, Part, Recipe, day_number
from kequn_lab.synth.wealth import Holdings, draw_holdings

__all__ = ["People", "draw_people"]

_ONLINE = [CHANNELS.index(x) for x in ("mobile", "web", "third_party")]
_DIGITAL = LATENTS.index("digital")
_INVESTMENTS = ("structured_deposit_product", "money_fund", "wealth_product", "bancassurance")
_INTO = ("income_in", "merchant_in")
_OUT = ("consume", "transfer_out", "cash", "tax_payroll")


@dataclass(frozen=True)
class People:
    """Customers of one part at the end of one month, as arrays of length n.

    Days count from 1970-01-01; -1 stands for "none" in codes.
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
        self._theta = weight[:, None] * table[segment]
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
    population, n = recipe.population, part.size
    c, noise = population.constants, population.presets.loc["noise", recipe.preset]
    drift = population.drift[recipe.drift]

    def rng(column, *more):
        return recipe.rng(part, column, *more)

    def normal(column, *shape):
        return rng(column).standard_normal((n, *shape))

    segment, second, weight = _segments(recipe, part)
    born = _Mixed(recipe, segment, second, weight)
    age = _ages(born, population, segment, noise, rng("age"))
    latents = normal("latents", 4) @ np.linalg.cholesky(population.correlation).T
    latents[:, _DIGITAL] += c["digital_per_year"] * (age - c["digital_age"])

    # what stays for life
    is_business = rng("legal_form").random(n) < expit(born["is_business"])
    tier = _choose(rng("place"), _softmax(born.group("tier")))
    has = population.profiles.loc[[f"has_{x}" for x in CHANNELS], recipe.profile].to_numpy(float)
    ways_in = np.array([has[2], 1, has[5], has[4]])  # branch, app, third party, agent
    opening = _choose(rng("opening"), _softmax(born.group("opening")) * ways_in)
    cards = 1 + rng("cards").poisson(np.exp(born["extra_cards_mean"]))
    opened = _opening_days(recipe, part, born, age, noise)

    # what time changes
    if elapsed:
        age = age + elapsed / 12
        segment, second, weight = _grown_up(recipe, segment, second, weight, age)
        latents[:, _DIGITAL] += drift["digital_per_month"] * elapsed
    own = _Mixed(recipe, segment, second, weight)
    life = rng("life").random((n, 2))
    closing = expit(own["closing_per_month"])
    factor = np.where(elapsed, drift[[f"closing_{s}" for s in SEGMENTS]].to_numpy()[segment], 1)
    closes = part.cohort - np.log1p(-life[:, 0]) / (expit(born["closing_per_month"]) * factor)

    def deviation(name, *shape):
        """Standard normal: a part from the latents, the rest the customer's own."""
        loading = population.loadings.loc[name].to_numpy(float)
        rest = np.sqrt(1 - loading @ population.correlation @ loading)
        common = latents @ loading
        return (common[:, None] if shape else common) + rest * normal(_STREAM[name], *shape)

    inflow = np.exp(own["inflow_median"] + own["inflow_sd"] * noise * deviation("inflow"))
    assets = own["aum_median"] + own["aum_sd"] * noise * deviation("aum")
    for month in range(part.cohort + 1, elapsed + 1):
        step = rng("months", month).standard_normal(n) * c["assets_sd"]
        assets = assets + drift["assets_per_month"] + step
    events = np.exp(own["events_median"] + own["events_sd"] * noise * deviation("events"))

    loan_sd = c[[f"{x}_sd" for x in LOANS]].to_numpy() * noise
    holdings = draw_holdings(
        population,
        today=day_number(recipe.day(elapsed)),
        opened=opened,
        assets=np.round(np.exp(assets), 2),
        is_business=is_business,
        chance=expit(own.group("holds") + (latents @ _row(population, "holds"))[:, None]),
        split=own.group("split") + c["split_sd"] * noise * normal("split", 10),
        loan_chance=expit(np.column_stack([own[x] for x in LOANS])),
        principal=np.exp(
            np.column_stack([own[f"{x}_principal"] for x in LOANS]) + deviation("loan", 2) * loan_sd
        ),
        uniform=rng("holds").random((n, 11)),
        drawn=rng("limits").beta(c["limit_a"], c["limit_b"], (n, 2)),
    )

    r = rng("risk")
    steps = np.outer(latents @ _row(population, "risk"), np.arange(-2, 3))
    risk = _choose(r, _softmax(own.group("risk") + steps))
    unassessed = ~holdings.any_of(_INVESTMENTS) & (r.random(n) < c["risk_missing"])
    risk[is_business | unassessed] = -1

    tilt = latents @ population.loadings.loc[population.group("channel")].to_numpy(float).T
    channel = _softmax(own.group("channel") + tilt + c["channel_sd"] * noise * normal("channel", 6))
    online = expit(own.group("uses") + (latents @ _row(population, "uses"))[:, None])
    uses = has * np.ones((n, 1))
    uses[:, _ONLINE] *= (rng("online").random((n, 1)) < online) | (not has[2:5].any())
    channel = channel * uses
    channel /= channel.sum(axis=1, keepdims=True)
    type_ = _types(population, own, noise * c["type_sd"] * normal("type", 7), holdings, has)
    habits = normal("habits", 3) * noise
    differ = np.exp(own["counterparties"] + c["counterparties_sd"] * habits[:, 2])
    month_weight = np.exp(own.group("month"))
    use = holdings.loans.sum(axis=1) / np.maximum(holdings.limit.sum(axis=1), 1)

    return People(
        segment=segment,
        second=second,
        weight=weight,
        latents=latents,
        is_business=is_business,
        age=age,
        tier=tier,
        opening=opening,
        opened=opened,
        cards=cards,
        risk=risk,
        events_per_year=events,
        month_weight=month_weight / month_weight.mean(axis=1, keepdims=True),
        channel=channel,
        type=type_,
        night=expit(own["night"] + c["night_sd"] * habits[:, 0]),
        weekend=expit(own["weekend"] + c["weekend_sd"] * habits[:, 1]),
        minutes=np.exp(own["counter_minutes_median"]),
        helped=expit(own["helped"]),
        circle=np.maximum(1, np.rint(_circle(differ) * events)),
        amount=_amounts(c, inflow, events, type_),
        holdings=holdings,
        activates=(part.cohort == 0) | (life[:, 1] < expit(own["activates"])),
        closing_per_month=closing,
        closes=closes,
        offer_logit=own["offer_logit"] + latents @ _row(population, "offer"),
        default_logit=own["default_logit"]
        + latents @ _row(population, "default")
        + c["default_use"] * (use - 0.3),
    )


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
