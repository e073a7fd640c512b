"""From a bank's events to labels and a report, against a script without a report; CPU seconds.

    python benchmarks/whole_job.py [--customers 100000] [--repeat 5] [--quick] [--json FILE]

Both start from the same three Parquet files of a synthetic bank and end with a CSV of labels. The
script is what an analyst writes by hand: a DuckDB query for the features, pandas for logarithms
and gaps, scikit-learn's StandardScaler and KMeans (8 clusters, 10 starts). It checks nothing,
names nothing and draws nothing. ``kequn run`` does all of that, with its 20 pairs of draws for
stability and its report. Every run is a process of its own with one thread, in turns.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

import features as by_hand
import timing

_HOLDINGS = """
    SELECT customer_id, sum(balance_cny) FILTER (WHERE NOT product IN
        ('micro_loan', 'consumer_loan')) AS aum_cny, count(*) AS products_count,
      sum(balance_cny) FILTER (WHERE product LIKE '%loan') AS loan_cny,
      sum(balance_cny) FILTER (WHERE product = 'current') / aum_cny AS current_share,
      sum(balance_cny) FILTER (WHERE product LIKE 'term_deposit%') / aum_cny AS term_share,
      sum(balance_cny) FILTER (WHERE product IN ('wealth_product', 'guaranteed_wealth'))
        / aum_cny AS wealth_share
    FROM read_parquet('{}') GROUP BY customer_id"""
_CUSTOMERS = """
    SELECT customer_id, age_years, (customer_type = 'business')::INT AS is_business,
      date_diff('day', opened_on, DATE '2024-12-31') / 365.25 AS tenure_years, cards_count,
      (opening_channel IN ('app', 'third_party'))::INT AS opened_online
    FROM read_parquet('{}')"""
_ONE = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "LOKY_MAX_CPU_COUNT"), "1")


def script(bank: Path, out: Path) -> None:
    """The job by hand: features, scaling, k-means, labels.csv."""
    import duckdb
    import numpy as np
    from sklearn.cluster import KMeans
    from sklearn.preprocessing import StandardScaler

    table = by_hand.duckdb_by_hand(bank)
    with duckdb.connect(config={"threads": 1}) as con:
        for query, name in ((_CUSTOMERS, "customers"), (_HOLDINGS, "holdings")):
            more = con.execute(query.format(bank / f"{name}.parquet")).df()
            table = table.join(more.set_index("customer_id"), how="outer")
    money = [c for c in table if c.endswith(("_cny", "_cny_per_month", "_per_month", "_count"))]
    table[money] = np.log1p(table[money])
    X = StandardScaler().fit_transform(table.fillna(table.median()))
    kmeans = KMeans(8, n_init=10, random_state=0).fit(X)
    table.assign(cluster=kmeans.labels_)[["cluster"]].to_csv(out / "labels.csv")


def measured(side: str, bank: Path) -> tuple[float, float]:
    """CPU seconds and peak memory in MB of one way to do the job."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, "--script", folder, "--bank", bank]
        if side == "kequn run":
            tables = ("events", "customers", "holdings")
            given = [w for t in tables for w in (f"--{t}", bank / f"{t}.parquet")]
            command = [*by_hand.KEQUN, "run", *given, "--as-of", "2024-12-31", "--quiet"]
            command += ["--out", f"{folder}/result"]
        used = timing.run(command, env=os.environ | _ONE, limit_s=1_200)
    return used.cpu_s, used.peak_mb


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="10,000 customers")
    parser.add_argument("--json", type=Path, help="write the rows to this file")
    parser.add_argument("--bank", type=Path, help="a folder that kequn sample wrote")
    parser.add_argument("--script", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.script:
        script(args.bank, args.script)
        return
    n = 10_000 if args.quick else args.customers
    sides = ("kequn run", "DuckDB, pandas and scikit-learn by hand")
    with tempfile.TemporaryDirectory() as folder:
        bank = args.bank or Path(folder)
        if args.bank is None:
            timing.run([*by_hand.KEQUN, "sample", "--customers", str(n), "--out", folder])
        found = [{side: measured(side, bank) for side in sides} for _ in range(args.repeat)]
    rows = by_hand.compared(found, "events to labels" + f", {n:,} customers" * (not args.bank))
    by_hand.say(rows)
    if args.json:
        args.json.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
