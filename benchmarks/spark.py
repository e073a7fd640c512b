"""DuckDB here and Spark on ``local[N]``: are features and labels the same, and what do they cost?

    python benchmarks/spark.py [--customers 20000 100000] [--months 12] [--cores 2] [--json FILE]

Each engine runs in a process of its own: events → one row per customer → labels by one scorecard
of eight segments, written as Parquet. CPU seconds are user and system time of all processors, the
JVM's too; the peak is resident memory, Python and JVM added. A fixed part of Spark's figures is
its start. It needs Linux (``/proc``), Java and the extra ``spark``.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from kequn_lab.export.scorecard import Scorecard
from kequn_lab.features.customers import customer_features
from kequn_lab.features.preprocessing import model_columns
from kequn_lab.segments.pipeline import fit_segments
from kequn_lab.synth import write_bank

AS_OF = "2024-12-31"
NAMES = ("events", "customers", "holdings")
#: Relative difference of two features that is none.
SAME = 1e-9


def paths_of(bank: Path) -> dict[str, Path]:
    return {name: bank / f"{name}.parquet" for name in NAMES}


def by_duckdb(bank: Path, out: Path, card: Path, months: int, cores: int) -> None:
    """The features, and the labels of a scorecard that is fitted first where there is none."""
    features = customer_features(**paths_of(bank), as_of=AS_OF, months=months)
    features.reset_index().to_parquet(out / "features.parquet", index=False)
    spent = cost()
    if not card.exists():
        columns = model_columns(features)
        pipeline = fit_segments(columns, n_clusters=8, n_starts=2, random_state=0)
        Scorecard.from_pipeline(pipeline, columns, as_of=AS_OF).save(card)
    again = cost()
    labels = Scorecard.load(card).predict(features)
    labels.reset_index().to_parquet(out / "labels.parquet", index=False)
    end = cost()
    print(
        json.dumps(
            {n: end[n] - (again[n] - spent[n]) for n in ("cpu", "clock")}
            | {"peak_mb": end["peak_mb"]}
        )
    )


def by_spark(bank: Path, out: Path, card: Path, months: int, cores: int) -> None:
    from pyspark.sql import SparkSession

    from kequn_lab.spark import customer_features, label

    session = (
        SparkSession.builder.master(f"local[{cores}]")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.driver.memory", "4g")
        .config("spark.sql.shuffle.partitions", str(4 * cores))
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    tables = {name: session.read.parquet(str(path)) for name, path in paths_of(bank).items()}
    features = customer_features(**tables, as_of=AS_OF, months=months)
    features.write.parquet(str(out / "features.parquet"))
    there = session.read.parquet(str(out / "features.parquet"))
    label(Scorecard.load(card), there).write.parquet(str(out / "labels.parquet"))
    print(json.dumps(cost(session.sparkContext._gateway.proc.pid)))
    session.stop()


def cost(jvm: int | None = None) -> dict[str, float]:
    """CPU seconds, seconds by the clock and the peak so far, of this process and a JVM."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    cpu, peak = own.ru_utime + own.ru_stime, own.ru_maxrss / 1024
    if jvm is not None:
        fields = Path(f"/proc/{jvm}/stat").read_text().rpartition(")")[2].split()
        cpu += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        status = Path(f"/proc/{jvm}/status").read_text().split("VmHWM:")[1]
        peak += int(status.split()[0]) / 1024
    return {"cpu": cpu, "clock": time.perf_counter() - START, "peak_mb": peak}


def differences(one: Path, two: Path) -> tuple[float, int]:
    """The largest relative difference of a feature, and the number of labels that differ."""
    a, b = (read(folder / "features.parquet") for folder in (one, two))
    if not a.index.equals(b.index) or not (a.isna() == b[a.columns].isna()).all(axis=None):
        raise AssertionError("other customers, or other missing values")
    x, y = (t[a.columns].to_numpy(float, na_value=np.nan) for t in (a, b))
    gap = np.abs(x - y) / np.maximum(np.maximum(np.abs(x), np.abs(y)), 1e-300)
    a, b = (read(folder / "labels.parquet")["cluster"] for folder in (one, two))
    return float(np.nanmax(np.where(x == y, 0, gap))), int((a != b).sum())


def read(path: Path) -> pd.DataFrame:
    return pd.read_parquet(path).set_index("customer_id").sort_index()


def measured(engine: str, bank: Path, out: Path, card: Path, args) -> dict[str, float]:
    out.mkdir(parents=True)
    argv = [bank, out, card, args.months, args.cores]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", __file__, "--engine", engine, "--at", *map(str, argv)],
        capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{engine}: {done.stderr[-2000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def row(customers: int, args, folder: Path) -> dict:
    """One size: pairs of runs, one engine after the other."""
    bank, card, pairs = folder / "bank", folder / "card.json", []
    size = {"n_customers": customers, "months": args.months}
    write_bank(bank, **size, format="parquet", as_of=AS_OF, random_state=0)
    events = pq.ParquetFile(bank / "events.parquet").metadata.num_rows
    for turn in range(args.repeat):
        outs = {e: folder / f"{e}{turn}" for e in ("duckdb", "spark")}
        pairs.append({e: measured(e, bank, out, card, args) for e, out in outs.items()})
    gap, wrong = differences(outs["duckdb"], outs["spark"])
    middle = lambda e, what: statistics.median(p[e][what] for p in pairs)  # noqa: E731
    ratios = sorted(p["spark"]["cpu"] / p["duckdb"]["cpu"] for p in pairs)
    return {
        "task": f"events to labels, {customers:,} customers, {events:,} events",
        "ours": f"Spark local[{args.cores}]",
        "peer": "DuckDB (the kit)",
        "ratio_median": statistics.median(ratios),
        "ratio_min": ratios[0],
        "ratio_max": ratios[-1],
        "cpu_ours": middle("spark", "cpu"),
        "cpu_peer": middle("duckdb", "cpu"),
        "clock_ours": middle("spark", "clock"),
        "clock_peer": middle("duckdb", "clock"),
        "peak_mb_ours": middle("spark", "peak_mb"),
        "peak_mb_peer": middle("duckdb", "peak_mb"),
        "customers": customers,
        "events": events,
        "largest_relative_difference": gap,
        "labels_that_differ": wrong,
        "note": f"features differ by {gap:.1e} at most (allowed {SAME:g}), labels: {wrong}",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, nargs="+", default=[20_000, 100_000])
    parser.add_argument("--months", type=int, default=12)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="2,000 customers once")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--engine", choices=("duckdb", "spark"), help=argparse.SUPPRESS)
    parser.add_argument("--at", nargs=5, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.engine:
        bank, out, card, months, cores = args.at
        work = by_duckdb if args.engine == "duckdb" else by_spark
        return work(Path(bank), Path(out), Path(card), int(months), int(cores))
    rows = []
    for customers in [2_000] if args.quick else args.customers:
        with tempfile.TemporaryDirectory() as folder:
            rows.append(found := row(customers, args, Path(folder)))
        print(
            f"{found['task']}: Spark {found['cpu_ours']:.0f} CPU-s, {found['clock_ours']:.0f} s, "
            f"{found['peak_mb_ours']:,.0f} MB; DuckDB {found['cpu_peer']:.0f} CPU-s, "
            f"{found['clock_peer']:.0f} s, {found['peak_mb_peer']:,.0f} MB; {found['note']}",
            flush=True,
        )
    if args.json:
        args.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    wrong = [r for r in rows if r["labels_that_differ"] or r["largest_relative_difference"] > SAME]
    sys.exit(f"not the same: {[r['task'] for r in wrong]}" if wrong else 0)


START = time.perf_counter()
if __name__ == "__main__":
    main()
