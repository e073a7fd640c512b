"""Features from events against the same columns written by hand; CPU seconds and peak memory.

    python benchmarks/features.py [--customers 200000] [--repeat 5] [--quick] [--json FILE]

A synthetic bank with twelve months of events is written to a temporary folder. Every way runs in a
process of its own with one thread, in turns: ``customer_features`` of the kit (which also counts
the window), one query for DuckDB and one for polars (streaming) that give the same 29 columns of
the events, and a plain scan that only adds up every column that these need. The best peer runs in
every round, the other two in the first two. Before anything is timed the columns of the peers are
compared with the kit's, for the first tenth of the events.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path

import timing

KEQUN = (sys.executable, "-m", "kequn_lab")
CHANNELS = ("mobile", "web", "counter", "atm", "agent", "third_party")
TYPES = {
    "consume": "consume_share", "income_in": "income_share",
    "transfer_out": "transfer_out_share", "merchant_in": "merchant_in_share",
    "cash": "cash_share", "loan": "loan_event_share",
    "tax_payroll": "tax_payroll_share", "invest": "invest_share",
}  # fmt: skip


def kit(folder: Path):
    from kequn_lab.features import customer_features

    return customer_features(folder / "events.parquet", as_of="2024-12-31")


def duckdb_by_hand(folder: Path):
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
    with duckdb.connect(config={"threads": 1}) as con:
        return con.execute(query).df().set_index("customer_id")


def polars_streaming(folder: Path):
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


def plain_scan(folder: Path):
    """Every column read once and added up or counted; no customer."""
    import duckdb

    query = f"""SELECT max(timestamp), sum(amount_cny), sum(counter_minutes), count(helped),
        min(customer_id), min(direction), min(channel), min(type), min(counterparty_id)
        FROM read_parquet('{folder / "events.parquet"}')"""
    with duckdb.connect(config={"threads": 1}) as con:
        return con.execute(query).df()


WAYS = {
    "kit": kit,
    "DuckDB by hand": duckdb_by_hand,
    "polars streaming": polars_streaming,
    "plain scan": plain_scan,
}
#: Runs of the peers that are not the best one: each takes longer than ours, or does less.
FEW = dict.fromkeys(("polars streaming", "plain scan"), 2)


def measured(way: str, folder: Path) -> tuple[float, float]:
    """CPU seconds of a process and its peak memory in MB."""
    one = dict.fromkeys(("OMP_NUM_THREADS", "POLARS_MAX_THREADS"), "1")
    used = timing.run(
        [sys.executable, __file__, "--way", way, "--bank", folder], env=os.environ | one
    )
    return used.cpu_s, used.peak_mb


def require_equal(folder: Path) -> None:
    """The queries by hand give the kit's columns, or there is nothing to compare."""
    import duckdb
    import pandas as pd

    file, part = folder / "events.parquet", folder / "part"
    part.mkdir(exist_ok=True)
    some = f"SELECT * FROM read_parquet('{file}') LIMIT"
    with duckdb.connect() as con:
        n = con.execute(f"SELECT count(*) // 10 FROM read_parquet('{file}')").fetchone()[0]
        con.execute(f"COPY ({some} {n}) TO '{part / 'events.parquet'}'")
    ours = kit(part)
    for way in ("DuckDB by hand", "polars streaming"):
        theirs = WAYS[way](part)
        pd.testing.assert_frame_equal(
            theirs[list(ours)].astype(float), ours, rtol=1e-9, check_index_type=False,
            check_names=False, obj=way,
        )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, default=200_000)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="10,000 customers")
    parser.add_argument("--json", type=Path, help="write the rows to this file")
    parser.add_argument("--bank", type=Path, help="a folder that kequn sample wrote")
    parser.add_argument("--way", choices=[*WAYS, "check"], help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.way:
        (WAYS | {"check": require_equal})[args.way](args.bank)
        return
    n = 10_000 if args.quick else args.customers
    with tempfile.TemporaryDirectory() as folder:
        bank = args.bank or Path(folder)
        if args.bank is None:
            timing.run([*KEQUN, "sample", "--customers", str(n), "--out", folder])
        timing.run([sys.executable, __file__, "--way", "check", "--bank", bank])
        found = [
            {way: measured(way, bank) for way in WAYS if i < FEW.get(way, args.repeat)}
            for i in range(args.repeat)
        ]
    rows = compared(found, "features from events" + f", {n:,} customers" * (args.bank is None))
    say(rows)
    if args.json:
        args.json.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


def compared(found: list[dict[str, tuple[float, float]]], task: str) -> list[dict]:
    """One row for each peer: the kit's CPU seconds over its, round by round."""
    ours, *peers = found[0]
    rows = []
    for peer in peers:
        both = [f for f in found if peer in f]
        ratios = sorted(f[ours][0] / f[peer][0] for f in both)
        row = {
            "task": task, "ours": ours, "peer": peer,
            "ratio_median": statistics.median(ratios),
            "ratio_min": ratios[0], "ratio_max": ratios[-1],
            "pairs": len(both), "same_work": peer != "plain scan",
            "note": f"{len(both)} interleaved rounds, one thread, whole processes with imports",
        }  # fmt: skip
        for side, way in (("ours", ours), ("peer", peer)):
            row[f"cpu_{side}"] = statistics.median(f[way][0] for f in both)
            row[f"peak_mb_{side}"] = statistics.median(f[way][1] for f in both)
        rows.append(row)
    return rows


def say(rows: list[dict]) -> None:
    """One line for each peer."""
    for row in rows:
        sides = (
            f"{row[side]} {row[f'cpu_{side}']:.2f} CPU-s, {row[f'peak_mb_{side}']:.0f} MB"
            for side in ("ours", "peer")
        )
        ratio = f"{row['ratio_median']:.2f} ({row['ratio_min']:.2f} to {row['ratio_max']:.2f})"
        print(f"{row['task']}: {'; '.join(sides)}; ratio {ratio}")


if __name__ == "__main__":
    main()
