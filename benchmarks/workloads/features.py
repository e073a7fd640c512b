"""Features from events: ``customer_features`` beside the same columns written by hand.

``customer_features`` also counts the window. The peers are one query for DuckDB and one for polars
(streaming) that give the same 29 columns of the events, and a plain scan that only adds up every
column that these need. Before anything is timed the columns of the peers are compared with the
kit's, for a tenth of the customers. Each side is a whole process with its imports.
"""

import tempfile
from pathlib import Path

import timing

CHANNELS = ("mobile", "web", "counter", "atm", "agent", "third_party")
TYPES = {
    "consume": "consume_share", "income_in": "income_share",
    "transfer_out": "transfer_out_share", "merchant_in": "merchant_in_share",
    "cash": "cash_share", "loan": "loan_event_share",
    "tax_payroll": "tax_payroll_share", "invest": "invest_share",
}  # fmt: skip


def prepare(folder, customers):
    """The bank; queries by hand that do not give the kit's columns of a smaller one are refused."""
    import pandas as pd

    from kequn_lab.synth import write_bank

    how = {"random_state": 0, "progress": False}
    with tempfile.TemporaryDirectory() as small:
        part = Path(small)
        write_bank(part, n_customers=customers // 10, **how)
        kit = ours(part, customers)
        for by_hand in (duckdb, polars):
            theirs = by_hand(part, customers)[list(kit)].astype(float)
            pd.testing.assert_frame_equal(
                theirs, kit, rtol=1e-9, check_index_type=False, check_names=False,
                obj=by_hand.__name__,
            )  # fmt: skip
    write_bank(folder, n_customers=customers, **how)


def ours(folder, customers):
    from kequn_lab.features import customer_features

    return customer_features(folder / "events.parquet", as_of="2024-12-31")


def duckdb(folder, customers):
    """One GROUP BY, as one would write it: counts under a condition, count(DISTINCT)."""
    import duckdb

    shares = [f"count(*) FILTER (WHERE channel = '{c}') / count(channel) AS {c}_share"
              for c in CHANNELS]  # fmt: skip
    shares += [f"count(*) FILTER (WHERE type = '{t}') / count(type) AS {name}"
               for t, name in TYPES.items()]  # fmt: skip
    query = f"""
        SELECT customer_id, count(*) / 12.0 AS tx_per_month,
          count(DISTINCT month(timestamp)) / 12.0 AS active_months_share,
          date_diff('day', max(timestamp)::DATE, DATE '2024-12-31') AS recency_days,
          avg(amount_cny) AS amount_mean_cny, stddev_samp(amount_cny) AS amount_std_cny,
          coalesce(sum(amount_cny) FILTER (WHERE direction = 'in'), 0) / 12
            AS inflow_cny_per_month,
          coalesce(sum(amount_cny) FILTER (WHERE direction = 'out'), 0) / 12
            AS outflow_cny_per_month,
          {", ".join(shares)},
          avg(counter_minutes) FILTER (WHERE channel = 'counter') AS counter_minutes_per_visit,
          avg(helped::INT) FILTER (WHERE channel = 'counter') AS helped_share,
          avg((hour(timestamp) >= 20)::INT) AS night_share,
          avg((isodow(timestamp) >= 6)::INT) AS weekend_share,
          avg((month(timestamp) IN (3, 6, 9, 12))::INT) AS quarter_end_share,
          avg((month(timestamp) IN (9, 10, 11))::INT) AS autumn_share,
          count(DISTINCT counterparty_id) / count(counterparty_id) AS counterparties_per_event
        FROM read_parquet('{folder / "events.parquet"}')
        WHERE timestamp >= DATE '2024-01-01' AND timestamp < DATE '2025-01-01'
        GROUP BY customer_id ORDER BY customer_id"""
    with duckdb.connect(config={"threads": 1}) as con:  # each side has one core
        return con.execute(query).df().set_index("customer_id")


def polars(folder, customers):
    """The same columns as one lazy query, collected by the streaming engine."""
    from datetime import datetime

    import polars as pl

    time, amount = pl.col("timestamp"), pl.col("amount_cny")
    counter, month = pl.col("channel") == "counter", time.dt.month()
    minutes = pl.col("counter_minutes").cast(pl.Float64)  # a mean of the file's floats is a float
    day = datetime(2024, 12, 31).date()
    query = (
        pl.scan_parquet(folder / "events.parquet")
        .filter(time >= datetime(2024, 1, 1), time < datetime(2025, 1, 1))
        .group_by("customer_id")
        .agg(
            (pl.len() / 12).alias("tx_per_month"),
            (month.n_unique() / 12).alias("active_months_share"),
            (pl.lit(day) - time.max().dt.date()).dt.total_days().alias("recency_days"),
            amount.mean().alias("amount_mean_cny"),
            amount.std().alias("amount_std_cny"),
            (amount.filter(pl.col("direction") == "in").sum() / 12).alias("inflow_cny_per_month"),
            (amount.filter(pl.col("direction") == "out").sum() / 12).alias("outflow_cny_per_month"),
            *((pl.col("channel") == c).mean().alias(f"{c}_share") for c in CHANNELS),
            *((pl.col("type") == t).mean().alias(name) for t, name in TYPES.items()),
            minutes.filter(counter).mean().alias("counter_minutes_per_visit"),
            pl.col("helped").filter(counter).mean().alias("helped_share"),
            (time.dt.hour() >= 20).mean().alias("night_share"),
            (time.dt.weekday() >= 6).mean().alias("weekend_share"),
            month.is_in([3, 6, 9, 12]).mean().alias("quarter_end_share"),
            month.is_in([9, 10, 11]).mean().alias("autumn_share"),
            (
                pl.col("counterparty_id").drop_nulls().n_unique()
                / pl.col("counterparty_id").count()
            ).alias("counterparties_per_event"),
        )
        .sort("customer_id")
    )
    return query.collect(engine="streaming").to_pandas().set_index("customer_id")


def plain(folder, customers):
    """Every column read once and added up or counted; no customer."""
    import duckdb

    query = f"""SELECT max(timestamp), sum(amount_cny), sum(counter_minutes), count(helped),
        min(customer_id), min(direction), min(channel), min(type), min(counterparty_id)
        FROM read_parquet('{folder / "events.parquet"}')"""
    with duckdb.connect(config={"threads": 1}) as con:
        return con.execute(query).df()


if __name__ == "__main__":
    timing.parts(prepare=prepare, ours=ours, duckdb=duckdb, polars=polars, plain=plain)
