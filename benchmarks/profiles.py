"""profile_table against pandas' groupby().agg of the same statistics, and the report of such a run.

    python benchmarks/profiles.py                # 1,000,000 customers x 30 variables, 8 segments
    python benchmarks/profiles.py --customers 50000

Both sides give n, mean, standard deviation, quartiles and missing share by segment and variable;
profile_table also gives the effects. Best of the repeats, taken in turns. Memory is the peak of
what is allocated during the call, over the size of the table's numbers.
"""

import argparse
import tempfile
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd

from kequn_lab.cards import segment_cards, warnings_table
from kequn_lab.components import components
from kequn_lab.profiles import marker_table, profile_table, size_table, variable_order
from kequn_lab.report import write_report
from kequn_lab.rules import segment_rules


def table(n: int, variables: int, segments: int, seed: int = 0):
    """Normal, heavy-tailed, share and count columns, a tenth of some missing; unequal segments."""
    rng = np.random.default_rng(seed)
    weight = np.arange(1, segments + 1)
    codes = rng.choice(segments, n, p=weight / weight.sum())
    columns = {}
    for j in range(variables):
        shift = 0.5 * np.cos(codes * (j + 1))
        columns[f"v{j}"] = (
            rng.normal(shift),
            np.exp(rng.normal(shift, 1.2)),
            rng.beta(2, 5, n),
            rng.poisson(2 + shift).astype(float),
        )[j % 4]
        if j % 3 == 0:
            columns[f"v{j}"][rng.random(n) < 0.1] = np.nan
    index = pd.Index(np.char.add("C", np.arange(n).astype(str)), dtype="str", name="customer_id")
    names = np.array([f"segment_{s}" for s in range(segments)])
    labels = pd.Series(names[codes], index, dtype="str")
    return pd.DataFrame(columns, index), labels


def plain(features: pd.DataFrame, labels: pd.Series) -> pd.DataFrame:
    """The same statistics the usual way."""
    groups = features.groupby(labels)
    quartiles = groups.quantile([0.25, 0.75]).unstack()  # noqa: PD010
    out = groups.agg(["count", "mean", "std", "median"]).join(quartiles)
    size = groups.size()
    for name in features:
        out[name, "missing_share"] = 1 - out[name, "count"] / size
    return out


def seconds(function) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def peak(function) -> int:
    """Most bytes allocated at once during the call."""
    tracemalloc.start()
    function()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--variables", type=int, default=30)
    parser.add_argument("--segments", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    features, labels = table(args.customers, args.variables, args.segments)

    sides = {
        "pandas groupby": lambda: plain(features, labels),
        "profile_table, no intervals": lambda: profile_table(features, labels, n_boot=0),
        "profile_table, 1,000 draws": lambda: profile_table(features, labels),
    }
    best = dict.fromkeys(sides, np.inf)
    for _ in range(args.repeats):
        for name, call in sides.items():
            best[name] = min(best[name], seconds(call))
    size = features.to_numpy().nbytes
    print(f"{args.customers:,} customers, {args.variables} variables, {args.segments} segments")
    for name, call in sides.items():
        ratio = best[name] / best["pandas groupby"]
        print(
            f"  {name:<28} {best[name]:6.2f} s  {ratio:5.2f}  peak {peak(call) / size:4.2f} x table"
        )

    profile, sizes = profile_table(features, labels), size_table(labels)
    markers = marker_table(profile)
    filled = features.fillna(features.mean())
    made = {}
    steps = {
        "variable_order": lambda: variable_order(features),
        "components": lambda: components(filled, labels),
        "segment_rules": lambda: made.update(rules=segment_rules(features, labels)),
        "warnings_table": lambda: made.update(
            warnings=warnings_table(profile, sizes=sizes, features=features)
        ),
        "segment_cards": lambda: made.update(cards=segment_cards(profile, markers, sizes=sizes)),
    }
    for name, call in steps.items():
        print(f"  {name:<28} {seconds(call):6.2f} s")
    tables = {"sizes": sizes, "profile": profile, "markers": markers, **made}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "report.html")
        write = seconds(lambda: write_report(file, tables=tables, run={"synthetic": True}))
        megabytes = file.stat().st_size / 1e6
        print(f"  {'write_report, no pictures':<28} {write:6.2f} s  {megabytes:.2f} MB")


if __name__ == "__main__":
    main()
