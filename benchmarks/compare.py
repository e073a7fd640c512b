"""compare_groups against the plain bootstrap loop: time, memory, and the same intervals.

    python benchmarks/compare.py                 # 1,000,000 customers x 30 variables, 1,000 draws
    python benchmarks/compare.py --customers 20000 --loop-draws 300

The loop redraws customers and computes both measures again, on a few draws of a few variables;
its time is scaled up. The ladder for as many customers, and the resampling behind the decision
matrix, are timed at the end. Memory is the peak of the whole process, the table included.
"""

import argparse
import resource
import time

import numpy as np
import pandas as pd

from kequn_lab.compare import compare_groups, segment_values
from kequn_lab.compare.effects import Sample, cliffs_delta, standardised_difference
from kequn_lab.products import allocation_ladder, ladder_products


def table(n: int, variables: int, seed: int = 0) -> tuple[pd.DataFrame, pd.Series]:
    """Normal, heavy-tailed, 0/1 and count columns, a tenth of one missing; 55 % in group A."""
    rng = np.random.default_rng(seed)
    group = rng.choice(["A", "B"], n, p=[0.55, 0.45])
    shift = 0.3 * (group == "A")
    columns = {}
    for j in range(variables):
        columns[f"v{j}"] = (
            rng.normal(0, 1, n) + shift,
            np.exp(rng.normal(0, 1.2, n) + shift),
            (rng.random(n) < 0.3 + 0.1 * shift).astype(float),
            rng.poisson(2 + shift, n).astype(float),
        )[j % 4]
    columns["v0"][rng.random(n) < 0.1] = np.nan
    index = pd.RangeIndex(n, name="customer_id")
    return pd.DataFrame(columns, index=index), pd.Series(group, index=index)


def plain_loop(x, in_a, draws: int, seed: int = 1) -> np.ndarray:
    """Redraw the customers of both groups and measure again: rows (smd, delta)."""
    rng, out = np.random.default_rng(seed), []
    a, b = x[in_a], x[~in_a]
    for _ in range(draws):
        drawn = [Sample.of(g[rng.integers(0, len(g), len(g))]) for g in (a, b)]
        out.append((standardised_difference(*drawn), cliffs_delta(*drawn)))
    return np.array(out)


def peak_gb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--variables", type=int, default=30)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--loop-draws", type=int, default=5)
    args = parser.parse_args()
    features, group = table(args.customers, args.variables)

    start = time.perf_counter()
    got = compare_groups(features, group, n_boot=args.draws).set_index("variable")
    ours = time.perf_counter() - start
    size = f"{args.customers:,} x {args.variables}, {args.draws:,} draws"
    print(f"compare_groups  {size}: {ours:.1f} s, peak {peak_gb():.2f} GB")

    start, looped = time.perf_counter(), {}
    in_a, names = (group == "A").to_numpy(), list(features)[: min(4, args.variables)]
    for name in names:
        looped[name] = plain_loop(features[name].to_numpy(), in_a, args.loop_draws)
    one = (time.perf_counter() - start) / (args.loop_draws * len(names))
    whole = one * args.draws * args.variables
    print(f"plain loop      {one:.3f} s a draw and variable: {whole / 60:.0f} min for the same")
    print(f"ratio           {whole / ours:.0f}")
    if args.loop_draws >= 100:
        print("\n2.5 % and 97.5 % points, loop | compare_groups")
        for name, draws in looped.items():
            for column, measure in enumerate(("smd", "cliffs_delta")):
                low, high = np.quantile(draws[:, column], [0.025, 0.975])
                ends = got.loc[name, [f"{measure}_low", f"{measure}_high"]].astype(float)
                ours = "  ".join(f"{e:+.4f}" for e in ends)
                print(f"{name:4} {measure:13} {low:+.4f}  {high:+.4f} | {ours}")

    rng = np.random.default_rng(2)
    n = args.customers
    savers = pd.DataFrame(
        {
            "money_cny": rng.lognormal(11, 1.3, n).round(2),
            "spending_cny_per_month": rng.lognormal(8, 0.5, n),
            "age_years": rng.integers(50, 95, n),
            "risk_class": rng.choice(["R1", "R2", "R3"], n),
        },
        index=pd.Index(np.arange(n).astype(str), name="customer_id"),
    )
    products = ladder_products(era="current")
    start = time.perf_counter()
    rungs = allocation_ladder(savers, products).rungs
    seconds = time.perf_counter() - start
    exact = rungs["amount_fen"].sum() == np.rint(savers["money_cny"] * 100).astype(int).sum()
    print(
        f"\nallocation_ladder  {n:,} customers, {len(rungs):,} rows: {seconds:.1f} s, exact {exact}"
    )

    labels = pd.Series(rng.choice(list("abcdefgh"), n), index=features.index)
    wanted = pd.DataFrame({"criterion_id": list(features)[:6], "columns": list(features)[:6]})
    start = time.perf_counter()
    segment_values(features, labels, wanted.assign(statistic="mean"), n_boot=200)
    print(f"segment_values  6 criteria, 200 resamples: {time.perf_counter() - start:.1f} s")
    print(f"peak {peak_gb():.2f} GB")


if __name__ == "__main__":
    main()
