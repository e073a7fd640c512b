"""Arrays of one part as the kit's tables, in Arrow."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
from scipy.special import expit

from kequn_lab.synth.ledger import COUNTERPARTIES, Events
from kequn_lab.synth.months import draw_months
from kequn_lab.synth.people import People
from kequn_lab.synth.population import CHANNELS, LATENTS, SEGMENTS, TYPES
from kequn_lab.synth.recipe import Part, Recipe

__all__ = ["NAMES", "draw_part", "to_pandas"]

NAMES = ("customers", "events", "holdings", "truth", "outcomes")
_TIERS = ("tier1", "tier2", "tier3_5", "county", "village")
_OPENINGS = ("branch", "app", "third_party", "agent")
_RISKS = ("R1", "R2", "R3", "R4", "R5")
_OTHERS = pa.array([f"SYNP{i:05d}" for i in range(COUNTERPARTIES)])
_DIGITAL = LATENTS.index("digital")


def draw_part(recipe: Recipe, part: Part) -> dict[str, pa.Table]:
    """Draw one part of a bank: customers, events, holdings, truth, outcomes."""
    months = draw_months(recipe, part)
    now = months.people
    here = np.flatnonzero(now.closes > recipe.elapsed)
    ids = _ids(part.first, part.size)
    products = pa.array(now.holdings.names)
    events = [_events(e, now, recipe.elapsed, ids, products) for e in months.events]
    now.holdings.assets[:, 0] = months.closing  # what the events left on the account
    own = ids.take(pa.array(here))
    return {
        "customers": _customers(now, here, own),
        "events": pa.concat_tables(events),
        "holdings": _holdings(now, here, ids, products),
        "truth": _truth(now, here, own),
        "outcomes": _outcomes(recipe, part, now, here, own),
    }


def _customers(people: People, here, ids):
    return pa.table(
        {
            "customer_id": ids,
            "customer_type": _coded(people.is_business[here], ("person", "business")),
            "age_years": np.floor(people.age[here]),
            "city_tier": _coded(people.tier[here], _TIERS),
            "opening_channel": _coded(people.opening[here], _OPENINGS),
            "opened_on": _dates(people.opened[here]),
            "cards_count": people.cards[here],
            "risk_class": _coded(people.risk[here], _RISKS),
        }
    )


def _truth(people, here, ids):
    return pa.table(
        {
            "customer_id": ids,
            "segment_id": _coded(people.segment[here], SEGMENTS),
            "second_segment_id": _coded(people.second[here], SEGMENTS),
            "primary_weight": people.weight[here],
        }
    )


def _holdings(people, here, ids, products):
    h = people.holdings
    balance = h.balance
    there = balance[here] > 0
    there[:, 0] = True
    row, slot = np.nonzero(there)
    who = here[row]
    n_assets = h.assets.shape[1]
    loan = slot >= n_assets
    limit = np.zeros(len(who))
    limit[loan] = h.limit[who[loan], slot[loan] - n_assets]
    due = h.due[who, slot]
    return pa.table(
        {
            "customer_id": ids.take(pa.array(who)),
            "product": _coded(slot, products),
            "balance_cny": balance[who, slot],
            "opened_on": _dates(h.bought[who, slot]),
            "matures_on": _dates(due, mask=due == 0),
            "limit_cny": pa.array(limit, mask=~loan),
        }
    )


def _outcomes(recipe, part, people, here, ids):
    """What happens next, with the probabilities it was drawn with."""
    c = recipe.population.constants
    u = recipe.rng(part, "offer").random((part.size, 2))
    called = u[:, 0] < 0.5
    call = c["offer_call"] + c["offer_call_digital"] * people.latents[:, _DIGITAL]
    if_not, if_called = expit(people.offer_logit), expit(people.offer_logit + call)
    accepted = u[:, 1] < np.where(called, if_called, if_not)
    owes = people.holdings.loans.sum(axis=1)[here] > 0
    p_default = expit(people.default_logit)[here]
    defaulted = recipe.rng(part, "default").random(part.size)[here] < p_default
    p_closes = -np.expm1(12 * np.log1p(-people.closing_per_month[here]))
    # The last digits of exp and log are the processor's; without them, a seed gives the same bytes.
    if_called, if_not, p_default, p_closes = (
        p.round(9) for p in (if_called[here], if_not[here], p_default, p_closes)
    )
    return pa.table(
        {
            "customer_id": ids,
            "called": called[here],
            "accepts_probability_called": if_called,
            "accepts_probability_not_called": if_not,
            "accepted": accepted[here],
            "default_probability": pa.array(p_default, mask=~owes),
            "defaulted": pa.array(defaulted, mask=~owes),
            "closes_probability": p_closes,
            "closes_within_year": people.closes[here] <= recipe.elapsed + 12,
            "activates": people.activates[here],
        }
    )


def _events(e: Events, people, elapsed, ids, products):
    away = np.isnan(e.minutes)
    table = pa.table(
        {
            "customer_id": _coded(e.customer.astype(np.int16), ids),
            "timestamp": pa.array(e.second).view(pa.timestamp("s")),
            "amount_cny": e.amount,
            "direction": _coded(e.into.view(np.int8), ("out", "in")),
            "channel": _coded(e.channel, CHANNELS),
            "type": _coded(e.type, TYPES),
            "product": _coded(e.product, products),
            "counterparty_id": _coded(e.counterparty, _OTHERS),
            "counter_minutes": pa.array(e.minutes, mask=away),
            "helped": pa.array(e.helped, mask=away),
        }
    )
    gone = people.closes <= elapsed
    return table.filter(pa.array(~gone[e.customer])) if gone.any() else table


def _ids(first: int, size: int) -> pa.Array:
    """``SYN`` and ten digits: no bank numbers its customers so."""
    digits = (np.arange(first, first + size)[:, None] // 10 ** np.arange(9, -1, -1)) % 10
    text = np.empty((size, 13), np.uint8)
    text[:, :3] = np.frombuffer(b"SYN", np.uint8)
    text[:, 3:] = digits + ord("0")
    ends = pa.py_buffer(np.arange(0, 13 * size + 1, 13, dtype=np.int32))
    return pa.StringArray.from_buffers(size, ends, pa.py_buffer(text.tobytes()))


def _coded(codes, values) -> pa.DictionaryArray:
    values = values if isinstance(values, pa.Array) else pa.array(list(values))
    codes = np.asarray(codes)
    if codes.dtype.itemsize > 2:
        codes = codes.astype(np.int8)
    none = codes < 0
    codes = pa.array(
        codes.view(np.int8) if codes.dtype == bool else codes, mask=none if none.any() else None
    )
    return pa.DictionaryArray.from_arrays(codes, values)


def _dates(day, mask=None):
    return pa.array(day.astype("datetime64[D]"), mask=mask)


_CODES = ("direction", "channel", "type", "product", "counterparty_id")


def to_pandas(name: str, table: pa.Table) -> pd.DataFrame:
    """A pandas table; among the events the columns with few values are categories."""
    for i, field in enumerate(table.schema):
        kept = name == "events" and field.name in _CODES
        if pa.types.is_dictionary(field.type) and not kept:
            table = table.set_column(i, field.name, table.column(i).cast(pa.string()))
        elif pa.types.is_date(field.type):
            table = table.set_column(i, field.name, table.column(i).cast(pa.timestamp("s")))
    frame = table.to_pandas()
    for column in ("helped", "defaulted"):
        if column in frame:
            frame[column] = frame[column].astype("boolean")
    return frame
