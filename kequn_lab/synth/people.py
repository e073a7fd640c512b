"""Ten thousand customers at a time: who they are, what they hold, how they will behave."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, ndtr, ndtri

from kequn_lab.synth.population import CHANNELS, LATENTS, LOANS, TYPES, Population, transformed

__all__ = ["BLOCK", "People", "draw_people", "stream"]

#: Customers are drawn in blocks of this size, whatever the chunk or the number of workers.
BLOCK = 10_000

#: One stream per block of columns. Add at the end only: a new stream changes no old column.
STREAMS = (
    "segment", "latent", "age", "legal_form", "place", "opening", "tenure", "cards", "inflow",
    "aum", "events", "loans", "limits", "risk", "channel", "type", "habits", "holds", "split",
    "life", "ledger", "outcomes",
)  # fmt: skip
MONTH_DAYS = 365.25 / 12


def stream(seed: int, block: int, column: str, *more: int) -> np.random.Generator:
    """The random numbers of one block of columns for one block of customers."""
    key = (block, STREAMS.index(column), *more)
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence(seed, spawn_key=key)))


@dataclass(frozen=True)
class People:
    """Customers of one block as arrays of length n; days count from 1970-01-01."""

    segment: np.ndarray
    second: np.ndarray  # -1 when of one segment only
    weight: np.ndarray
    latents: np.ndarray
    is_business: np.ndarray
    age: np.ndarray
    tier: np.ndarray
    opening: np.ndarray
    opened: np.ndarray
    cards: np.ndarray
    risk: np.ndarray  # -1 when missing
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
    balance: np.ndarray  # (n, products)
    bought: np.ndarray  # (n, products), day
    due: np.ndarray  # (n, products), day
    principal: np.ndarray  # (n, 2)
    limit: np.ndarray  # (n, 2)

    def __len__(self) -> int:
        return len(self.segment)


def _softmax(x):
    x = np.exp(x - x.max(axis=1, keepdims=True))
    return x / x.sum(axis=1, keepdims=True)


def _choose(rng, p):
    """One category per row of probabilities."""
    u = rng.random((len(p), 1))
    return (u > np.cumsum(p, axis=1)[:, :-1]).sum(axis=1).astype(np.int8)


def draw_people(
    population: Population,
    *,
    seed: int,
    block: int,
    size: int,
    as_of: np.datetime64,
    preset: str,
    profile: str,
) -> People:
    """Draw one block of customers as they are on ``as_of``."""
    c = population.constants
    ids = list(population.segments.columns)
    column = {name: i for i, name in enumerate(population.segments.index)}
    dial = population.presets[preset]
    noise = dial["noise"]
    bank = population.profiles[profile]

    def rng(name):
        return stream(seed, block, name)

    # 1. a segment, perhaps a second one, and all parameters between the two
    weights = bank[ids].to_numpy() * dial[[f"tilt_{s}" for s in ids]].to_numpy()
    r = rng("segment")
    segment = np.searchsorted(np.cumsum(weights / weights.sum())[:-1], r.random(size), "right")
    hybrid = r.random(size) < dial["hybrid_share"]
    pair = (
        population.hybrids.pivot(index="segment_id", columns="second_segment_id", values="share")
        .reindex(index=ids, columns=ids)
        .fillna(0)
        .to_numpy()
    )
    second = np.where(hybrid, _choose(r, pair[segment]), -1)
    weight = np.where(hybrid, r.uniform(c["second_weight_min"], c["second_weight_max"], size), 1.0)
    table = transformed(population)
    theta = weight[:, None] * table[segment] + (1 - weight)[:, None] * table[second]

    def own(name):
        return theta[:, column[name]]

    def group(prefix):
        return theta[:, [column[name] for name in population.group(prefix)]]

    # 2. age, then four correlated latents
    bound = {b: population.segments.loc[f"age_{b}"].to_numpy()[segment] for b in ("min", "max")}
    mean, sd = own("age_mean"), own("age_sd") * noise
    low, high = ndtr((bound["min"] - mean) / sd), ndtr((bound["max"] + 1 - mean) / sd)
    age = mean + sd * ndtri(low + (high - low) * rng("age").random(size))
    age = np.clip(age, bound["min"], bound["max"] + 0.999)
    corr = population.loadings.loc[[f"corr_{x}" for x in LATENTS], list(LATENTS)].to_numpy()
    latents = rng("latent").standard_normal((size, 4)) @ np.linalg.cholesky(corr).T
    latents[:, LATENTS.index("digital")] += c["digital_per_year"] * (age - c["digital_age"])

    def deviation(name, r, shape=()):
        """Standard normal, partly from the latents, the rest its own."""
        loading = population.loadings.loc[name, list(LATENTS)].to_numpy(float)
        rest = np.sqrt(1 - loading @ corr @ loading)
        common = latents @ loading
        return (common[:, None] if shape else common) + rest * r.standard_normal((size, *shape))

    def tilt(prefix):
        rows = population.loadings.loc[population.group(prefix), list(LATENTS)]
        return latents @ rows.to_numpy(float).T

    # 3. columns of the customer table
    is_business = rng("legal_form").random(size) < expit(own("is_business"))
    tier = _choose(rng("place"), _softmax(group("tier")))
    bank_has = bank[[f"has_{x}" for x in CHANNELS]].to_numpy(float)
    offline = bank["has_counter"]
    opening_has = np.array([offline, 1, bank["has_third_party"], bank["has_agent"]], float)
    opening = _choose(rng("opening"), _mask(_softmax(group("opening")), opening_has))
    z = rng("tenure").standard_normal(size) * c["tenure_sd"] * noise
    months = np.minimum(np.exp(own("tenure_median") + z), (age - 15) * 12)
    today = as_of.astype("datetime64[D]").astype(int)
    opened = today - np.floor(months * MONTH_DAYS).astype(int)
    cards = 1 + rng("cards").poisson(np.exp(own("extra_cards_mean")))

    # 4. money and activity
    inflow = np.exp(
        own("inflow_median") + own("inflow_sd") * noise * deviation("inflow", rng("inflow"))
    )
    aum = np.exp(own("aum_median") + own("aum_sd") * noise * deviation("aum", rng("aum")))
    aum = np.round(aum, 2)
    events = np.exp(
        own("events_median") + own("events_sd") * noise * deviation("events", rng("events"))
    )

    # 5. what they hold
    held_names = population.group("holds")
    ramp = (today - opened) / MONTH_DAYS / c["ramp_months"]
    shift = latents @ population.loadings.loc["holds", list(LATENTS)].to_numpy(float)
    p_holds = expit(group("holds") + shift[:, None])
    u = rng("holds").random((size, len(held_names)))
    holds = u < p_holds * (1 - np.exp(-ramp))[:, None]
    split = group("split") + c["split_sd"] * noise * rng("split").standard_normal((size, 10))
    products = population.products
    asset = ["current", *(n.removeprefix("holds_") for n in held_names)]
    minimum = np.where(
        is_business[:, None],
        products.loc[asset, "minimum_business_cny"].to_numpy(),
        products.loc[asset, "minimum_cny"].to_numpy(),
    )
    holds = np.column_stack([np.ones(size, bool), holds])
    balance = _split(aum, holds, split, minimum, products.loc[asset, "step_cny"].to_numpy(float))
    wait = -np.log1p(-np.minimum(u / p_holds, 1 - 1e-9)) * c["ramp_months"] * MONTH_DAYS

    r = rng("loans")
    loan_u = r.random((size, 2))
    loan_p = expit(np.column_stack([own(x) for x in LOANS]))
    z = deviation("loan", r, (2,)) * np.array([c[f"{x}_sd"] for x in LOANS]) * noise
    principal = np.exp(np.column_stack([own(f"{x}_principal") for x in LOANS]) + z)
    has_loan = loan_u < loan_p * (1 - np.exp(-ramp))[:, None]
    principal = np.where(has_loan, np.ceil(principal / 100) * 100, 0)
    drawn = rng("limits").beta(c["limit_a"], c["limit_b"], (size, 2))
    limit = np.ceil(principal / np.maximum(drawn, 0.05) / 1000) * 1000
    loan_wait = -np.log1p(-np.minimum(loan_u / loan_p, 1 - 1e-9)) * c["ramp_months"] * MONTH_DAYS

    term = products.loc[[*asset, *LOANS], "term_months"].to_numpy() * MONTH_DAYS
    start = opened[:, None] + np.column_stack([np.zeros(size), wait, loan_wait])
    with np.errstate(divide="ignore", invalid="ignore"):
        rounds = np.where(term > 0, np.floor((today - start) / term), 0)
    bought = np.floor(start + np.maximum(rounds, 0) * term).astype(int)
    due = np.where(products.loc[[*asset, *LOANS], "matures"].to_numpy() > 0,
                   np.ceil(bought + term).astype(int), 0)  # fmt: skip
    paid = np.floor((today - bought[:, -2:]) / MONTH_DAYS)
    left = 1 - np.clip(paid / products.loc[list(LOANS), "term_months"].to_numpy(), 0, 1)
    balance = np.column_stack([balance, np.round(principal * left, 2)])

    # 6. risk class: never for a business, often missing for persons without investments
    r = rng("risk")
    steps = np.arange(5) - 2
    tilted = group("risk") + np.outer(
        latents @ population.loadings.loc["risk", list(LATENTS)].to_numpy(float), steps
    )
    risk = _choose(r, _softmax(tilted))
    invests = ["structured_deposit_product", "money_fund", "wealth_product", "bancassurance"]
    invested = (balance[:, [asset.index(x) for x in invests]] > 0).any(axis=1)
    unknown = is_business | (~invested & (r.random(size) < c["risk_missing"]))
    risk = np.where(unknown, -1, risk)

    # 7. habits
    z = rng("channel").standard_normal((size, 6)) * c["channel_sd"] * noise
    channel = _mask(_softmax(group("channel") + tilt("channel") + z), bank_has)
    z = rng("type").standard_normal((size, 7)) * c["type_sd"] * noise
    type_ = np.zeros((size, 8))
    names = [n.removeprefix("type_") for n in population.group("type")]
    type_[:, [TYPES.index(n) for n in names]] = _softmax(group("type") + z)
    type_[:, TYPES.index("invest")] *= (balance[:, 1:-2] > 0).any(axis=1)
    type_[:, TYPES.index("cash")] *= bank_has[2:5].any()
    type_ /= type_.sum(axis=1, keepdims=True)
    r = rng("habits")
    night = expit(own("night") + c["night_sd"] * noise * r.standard_normal(size))
    weekend = expit(own("weekend") + c["weekend_sd"] * noise * r.standard_normal(size))
    ratio = np.exp(own("counterparties") + c["counterparties_sd"] * noise * r.standard_normal(size))
    month_weight = np.exp(group("month"))

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
        night=night,
        weekend=weekend,
        minutes=np.exp(own("counter_minutes_median")),
        helped=expit(own("helped")),
        circle=np.maximum(1, np.round(_circle(ratio) * events)).astype(np.int64),
        amount=_amounts(c, inflow, events, type_),
        balance=balance,
        bought=bought,
        due=due,
        principal=principal,
        limit=limit,
    )


def _mask(p, allowed):
    p = p * allowed
    return p / p.sum(axis=1, keepdims=True)


def _split(aum, holds, split, minimum, step):
    """Balances that add up to ``aum``: large CDs first, the others by weight, rest on account."""
    cd = 4
    weight = np.where(holds, np.exp(split), 0)
    weight /= weight.sum(axis=1, keepdims=True)
    large = np.maximum(weight[:, cd] * aum, minimum[:, cd])
    large = np.where(holds[:, cd] & (aum >= 1.25 * minimum[:, cd]), large, 0)
    large = np.floor(large / step[cd]) * step[cd]
    weight[:, cd] = 0
    weight /= weight.sum(axis=1, keepdims=True)
    cents = np.round(step * 100).astype(np.int64)
    money = ((aum - large)[:, None] * weight * 100).astype(np.int64) // cents * cents
    money[:, cd] = np.round(large * 100)
    money[money < minimum * 100] = 0
    money[:, 0] = np.round(aum * 100).astype(np.int64) - money[:, 1:].sum(axis=1)
    return money / 100


_RATIO = np.geomspace(1e-3, 50, 400)
_SEEN = _RATIO * -np.expm1(-1 / _RATIO)


def _circle(seen):
    """Circle of counterparties over yearly events, so that ``seen`` of the events differ."""
    return np.interp(seen, _SEEN, _RATIO)


def _amounts(c, inflow, events, type_):
    """Mean amount of each type: in-events share the inflow, out-events what is spent of it."""
    amount = np.zeros_like(type_)
    into = [TYPES.index("income_in"), TYPES.index("merchant_in")]
    amount[:, into] = (inflow / events / type_[:, into].sum(axis=1))[:, None]
    out = ["consume", "transfer_out", "cash", "tax_payroll"]
    code = [TYPES.index(x) for x in out]
    size = np.array([c[f"amount_{x}"] for x in out])
    per_event = c["spent"] * inflow / events / (type_[:, code] @ size)
    amount[:, code] = per_event[:, None] * size
    return amount
