"""profile_table against pandas' groupby().agg of the same statistics, and the report of such a run.

    python benchmarks/profiles.py                # 1,000,000 customers x 30 variables, 8 segments
    python benchmarks/profiles.py --customers 50000

Both sides give n, mean, standard deviation, quartiles and missing share by segment and variable;
profile_table also gives the effects. Medians of the repeats, taken in turns, and their range.
Memory is the peak of what is allocated during the call, over the size of the table's numbers.
"""

import argparse
import tempfile
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd

from kequn_lab.profiles import profile_table
from kequn_lab.run import analysis, readings, results, steps
from kequn_lab.run.inputs import Inputs
from kequn_lab.run.options import Options


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
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    features, labels = table(args.customers, args.variables, args.segments)

    sides = {
        "pandas groupby": lambda: plain(features, labels),
        "profile_table, no intervals": lambda: profile_table(features, labels, n_boot=0),
        "profile_table, 1,000 draws": lambda: profile_table(features, labels),
    }
    times = {name: [] for name in sides}
    for _ in range(args.repeats):
        for name, call in sides.items():
            times[name].append(seconds(call))
    ratio = {name: np.divide(times[name], times["pandas groupby"]) for name in sides}
    size = features.to_numpy().nbytes
    print(f"{args.customers:,} customers, {args.variables} variables, {args.segments} segments")
    for name, call in sides.items():
        print(
            f"  {name:<28} {np.median(times[name]):6.2f} s  {np.median(ratio[name]):5.2f} "
            f"({ratio[name].min():.2f} to {ratio[name].max():.2f})  "
            f"peak {peak(call) / size:4.2f} x table"
        )

    report(features, args.segments)


def clocked(module, name: str) -> list[float]:
    """Seconds of every call of a step of a run, from now on."""
    call, spent = getattr(module, name), []

    def timed(*args, **more):
        start = time.perf_counter()
        try:
            return call(*args, **more)
        finally:
            spent.append(time.perf_counter() - start)

    setattr(module, name, timed)
    return spent


def report(features: pd.DataFrame, segments: int) -> None:
    """A whole run of these customers, and what of it is not the fit."""
    inputs = Inputs(features, synthetic=True)
    timed = [(readings, "fit_segments"), (steps, "stability_tables"), (steps, "label_table")]
    timed += [(results, "_write_tables")]
    spent = [clocked(*step) for step in timed]
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        found = analysis.analyse(inputs, Options(n_clusters=segments, quiet=True))
        results.write_results(found, Path(folder, "out"), quiet=True)
        total = time.perf_counter() - start
        megabytes = Path(folder, "out", "report.html").stat().st_size / 1e6
    fit, stability, *labels = map(sum, spent)
    rest = total - fit - stability - sum(labels)
    print(f"a whole run {total:.1f} s: fit {fit:.1f}, stability of the segments {stability:.1f},")
    print(f"  tables and workbook as files {sum(labels):.1f}, report {rest:.1f} s")
    print(f"  report with pictures {megabytes:.2f} MB")


if __name__ == "__main__":
    main()
