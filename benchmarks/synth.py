"""How fast a bank is drawn and written, in one run, with ratios.

    python benchmarks/synth.py [--customers 60000] [--repeat 5] [--workers 2]

The writer's yardstick is pyarrow alone: the same Arrow tables, drawn before, written with the
same encodings. SDV is the peer for one flat table; it is under the Business Source License and
never a dependency: to compare, ``python -m venv sdv && sdv/bin/pip install "sdv>=2"`` and give
``--sdv sdv/bin/python``.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pyarrow as pa

from kequn_lab.synth import make_bank, write_bank
from kequn_lab.synth.files import _Sink
from kequn_lab.synth.people import draw_people
from kequn_lab.synth.recipe import Recipe, make_recipe
from kequn_lab.synth.tables import draw_part

_SDV = """
import sys, time, statistics, pandas as pd
from sdv.metadata import Metadata
from sdv.single_table import GaussianCopulaSynthesizer
data = {"customers": pd.read_csv(sys.argv[1])}
model = GaussianCopulaSynthesizer(Metadata.detect_from_dataframes(data))
model.fit(data)
times = []
for _ in range(int(sys.argv[3])):
    start = time.perf_counter(); model.sample(int(sys.argv[2]))
    times.append(time.perf_counter() - start)
print(statistics.median(times))
"""


def timed(work, repeat: int = 1) -> list[tuple[float, float]]:
    """Seconds on the clock, and of all processors together."""
    out = []
    for _ in range(repeat):
        clock, processor = time.perf_counter(), time.process_time()
        work()
        out.append((time.perf_counter() - clock, time.process_time() - processor))
    return out


def say(name: str, rows: int, seconds: list[tuple[float, float]]) -> float:
    """Rows per second by the clock; processor time too, which a busy machine changes less."""
    clock, processor = (statistics.median(x) for x in zip(*seconds))
    spread = f"{min(seconds)[0]:.2f} to {max(seconds)[0]:.2f} s"
    print(
        f"{name:42s} {rows / clock / 1e6:6.2f} M/s by the clock ({spread}), "
        f"{processor / rows * 1e9:6.0f} CPU-ns a row"
    )
    return clock


def draw_all(recipe: Recipe, workers: int, draw) -> list:
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(draw, recipe.parts))


def write_only(tables: list[dict[str, pa.Table]], recipe: Recipe) -> None:
    """Only pyarrow: tables that are there already."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        sinks = {
            n: stack.enter_context(_Sink(Path(folder, f"{n}.parquet"), t.schema, recipe))
            for n, t in tables[0].items()
        }
        for part in tables:
            for name, table in part.items():
                sinks[name].write(table)


def draw_and_write(n: int, months: int, workers: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write_bank(folder, n_customers=n, months=months, random_state=0, workers=workers,
                   progress=False)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, default=60_000)
    parser.add_argument("--months", type=int, default=12)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--sdv", help="python of an environment that has SDV")
    args = parser.parse_args()
    settings = {"random_state": 0, "as_of": "2024-12-31", "preset": "standard",
                "profile": "state_big"}  # fmt: skip
    recipe = make_recipe(args.customers, months=args.months, **settings)
    draw_part(recipe, recipe.parts[0])  # imports and tables are not what is measured

    customers = timed(
        lambda: draw_all(recipe, args.workers, lambda p: draw_people(recipe, p, 0)), args.repeat
    )
    say("customers with holdings, in memory", args.customers, customers)
    tables = []

    def draw():
        tables[:] = draw_all(recipe, args.workers, lambda part: draw_part(recipe, part))

    events = timed(draw, args.repeat)
    n_events = sum(t["events"].num_rows for t in tables)
    say("the whole bank as Arrow tables: events", n_events, events)

    pairs = [
        (
            *timed(lambda: write_only(tables, recipe)),
            *timed(lambda: draw_and_write(args.customers, args.months, args.workers)),
        )
        for _ in range(args.repeat)
    ]
    say("pyarrow writes the same tables: events", n_events, [a for a, _ in pairs])
    say("write_bank, drawn and written: events", n_events, [b for _, b in pairs])
    ratios = sorted(b[0] / a[0] for a, b in pairs)
    print(f"  write_bank over pyarrow alone: {statistics.median(ratios):.2f} "
          f"({ratios[0]:.2f} to {ratios[-1]:.2f})")  # fmt: skip
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"largest memory of this run: {peak:.2f} GiB")
    if args.sdv:
        compare_sdv(args, statistics.median(c for c, _ in customers))


def compare_sdv(args, ours: float) -> None:
    """Rows of one flat table of 15 columns, after fitting SDV to 5,000 of ours."""
    bank = make_bank(5000, random_state=0, months=1)
    held = bank.holdings.pivot_table(index="customer_id", columns="product", values="balance_cny")
    flat = bank.customers.drop(columns="customer_id").join(held.fillna(0).reset_index(drop=True))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "flat.csv")  # a plain SDV environment has no pyarrow
        flat.iloc[:, :15].to_csv(path, index=False)
        run = [args.sdv, "-W", "ignore", "-c", _SDV, path, str(args.customers), str(args.repeat)]
        done = subprocess.run(run, stdout=subprocess.PIPE, text=True, check=True)
    theirs = float(done.stdout.split()[-1])
    say("SDV GaussianCopula, 15 columns", args.customers, [(theirs, theirs)])
    print(f"  SDV over ours: {theirs / ours:.1f}")


if __name__ == "__main__":
    main()
