"""A synthetic bank whose true segments are known."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from kequn_lab.synth.ledger import COUNTERPARTIES, draw_month
from kequn_lab.synth.people import BLOCK, draw_people, stream
from kequn_lab.synth.population import CHANNELS, TYPES, read_population

__all__ = ["Bank", "make_bank"]


@dataclass(frozen=True)
class Bank:
    """A synthetic bank on one day: its tables, and the truth, kept apart."""

    customers: pd.DataFrame
    events: pd.DataFrame
    holdings: pd.DataFrame
    truth: pd.DataFrame
    as_of: pd.Timestamp
    months: int
    seed: int
    preset: str
    profile: str


TIERS = ("tier1", "tier2", "tier3_5", "county", "village")
OPENINGS = ("branch", "app", "third_party", "agent")
RISKS = ("R1", "R2", "R3", "R4", "R5")


def make_bank(
    n_customers: int = 2000,
    *,
    random_state: int,
    as_of="2024-12-31",
    months: int = 12,
    preset: str = "standard",
    profile: str = "state_big",
    population: str | Path | None = None,
    workers: int = 1,
) -> Bank:
    """Draw a bank: customers, twelve months of events, holdings, and the true segments.

    Examples
    --------
    >>> bank = make_bank(50, random_state=0, months=1)
    >>> bank.customers["customer_id"].iloc[0]
    'SYN0000000001'
    """
    parameters = read_population(population)
    as_of = pd.Timestamp(as_of).normalize()
    blocks = [(b, min(BLOCK, n_customers - b * BLOCK)) for b in range(-(-n_customers // BLOCK))]

    def one(task):
        block, size = task
        return block_tables(parameters, seed=random_state, block=block, size=size, as_of=as_of,
                            months=months, preset=preset, profile=profile)  # fmt: skip

    if workers > 1 and len(blocks) > 1:
        with ThreadPoolExecutor(workers) as pool:
            parts = list(pool.map(one, blocks))
    else:
        parts = [one(b) for b in blocks]
    tables = {name: _pandas(pa.concat_tables([p[name] for p in parts])) for name in parts[0]}
    return Bank(**tables, as_of=as_of, months=months, seed=random_state, preset=preset,
                profile=profile)  # fmt: skip


def periods(as_of: pd.Timestamp, months: int) -> list[tuple[int, int]]:
    """First day and number of days of each month of the window, oldest first."""
    end = as_of + pd.Timedelta(days=1)
    edges = [end - pd.DateOffset(months=m) for m in range(months, -1, -1)]
    day = [int(e.to_datetime64().astype("datetime64[D]").astype(int)) for e in edges]
    return [(a, b - a) for a, b in zip(day[:-1], day[1:])]


def _ids(first: int, size: int) -> pa.Array:
    number = np.arange(first + 1, first + 1 + size)
    digits = (number[:, None] // 10 ** np.arange(9, -1, -1)) % 10 + ord("0")
    text = np.column_stack([np.tile(np.frombuffer(b"SYN", np.uint8), (size, 1)), digits])
    offsets = np.arange(0, 13 * (size + 1), 13, dtype=np.int32)
    return pa.StringArray.from_buffers(
        size, pa.py_buffer(offsets), pa.py_buffer(text.astype(np.uint8).tobytes())
    )


_OTHERS = pa.array([f"CP{i:05d}" for i in range(COUNTERPARTIES)])


def _coded(codes, values) -> pa.DictionaryArray:
    values = values if isinstance(values, pa.Array) else pa.array(list(values))
    codes = np.asarray(codes)
    return pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes < 0), values)


def block_tables(population, *, seed, block, size, as_of, months, preset, profile) -> dict:
    """The tables of one block of customers, in Arrow."""
    today = np.datetime64(as_of, "D")
    people = draw_people(population, seed=seed, block=block, size=size, as_of=today,
                         preset=preset, profile=profile)  # fmt: skip
    ids = _ids(block * BLOCK, size)
    date = lambda day: pa.array(day.astype("datetime64[D]").astype("datetime64[s]"))  # noqa: E731
    segment_ids = list(population.segments.columns)
    customers = pa.table(
        {
            "customer_id": ids,
            "customer_type": _coded(people.is_business.astype(np.int8), ("person", "business")),
            "age_years": np.floor(people.age),
            "city_tier": _coded(people.tier, TIERS),
            "opening_channel": _coded(people.opening, OPENINGS),
            "opened_on": date(people.opened),
            "cards_count": people.cards.astype(np.int64),
            "risk_class": _coded(people.risk.astype(np.int8), RISKS),
        }
    )
    truth = pa.table(
        {
            "customer_id": ids,
            "segment_id": _coded(people.segment.astype(np.int8), segment_ids),
            "second_segment_id": _coded(people.second.astype(np.int8), segment_ids),
            "primary_weight": people.weight,
        }
    )
    names = list(population.products.index)
    who, slot = np.nonzero(people.balance > 0)
    due = people.due[who, slot]
    limit = np.full(len(who), np.nan)
    loan = slot >= 10
    limit[loan] = people.limit[who[loan], slot[loan] - 10]
    holdings = pa.table(
        {
            "customer_id": ids.take(pa.array(who)),
            "product": _coded(slot.astype(np.int8), names),
            "balance_cny": people.balance[who, slot],
            "opened_on": date(people.bought[who, slot]),
            "matures_on": pa.array(
                due.astype("datetime64[D]").astype("datetime64[s]"), mask=due == 0
            ),
            "limit_cny": pa.array(limit, mask=~loan),
        }
    )
    parts = []
    for first_day, days in periods(as_of, months):
        rng = stream(seed, block, "ledger", first_day)
        e = draw_month(people, population, rng, first_day=first_day, days=days,
                       number=block * BLOCK)  # fmt: skip
        parts.append(_events(e, ids, names))
    return {
        "customers": customers,
        "events": pa.concat_tables(parts),
        "holdings": holdings,
        "truth": truth,
    }


def _events(e, ids, products) -> pa.Table:
    away = np.isnan(e.minutes)
    return pa.table(
        {
            "customer_id": _coded(e.customer.astype(np.int16), ids),
            "timestamp": pa.array(e.second.astype("datetime64[s]")),
            "amount_cny": e.amount,
            "direction": _coded(e.into.astype(np.int8), ("out", "in")),
            "channel": _coded(e.channel, CHANNELS),
            "type": _coded(e.type, TYPES),
            "product": _coded(e.product, products),
            "counterparty_id": _coded(e.counterparty, _OTHERS),
            "counter_minutes": pa.array(e.minutes, mask=away),
            "helped": pa.array(e.helped, mask=away),
        }
    )


_KEPT_AS_CODES = ("direction", "channel", "type", "product", "counterparty_id")


def _pandas(table: pa.Table) -> pd.DataFrame:
    for i, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type) and (
            "amount_cny" not in table.column_names or field.name not in _KEPT_AS_CODES
        ):
            table = table.set_column(i, field.name, table.column(i).cast(pa.string()))
    frame = table.to_pandas()
    if "helped" in frame:
        frame["helped"] = frame["helped"].astype("boolean")
    return frame
