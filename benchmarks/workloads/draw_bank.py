"""A synthetic bank: customers and holdings, events, and writing all of it, one thread a core."""

import json
import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import timing

MONTHS = 12


def _recipe(customers):
    from kequn_lab.synth.recipe import make_recipe

    return make_recipe(customers, months=MONTHS, random_state=0, as_of="2024-12-31",
                       preset="standard", profile="state_big")  # fmt: skip


def _side_by_side(work, items):
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(work, items))


def _customers(customers):
    from kequn_lab.synth.people import draw_people

    recipe = _recipe(customers)
    return recipe, lambda: _side_by_side(lambda p: draw_people(recipe, p, 0), recipe.parts)


def _tables(customers):
    from kequn_lab.synth.tables import draw_part

    recipe = _recipe(customers)
    draw_part(recipe, recipe.parts[0])  # imports and lookups are not what is measured
    return recipe, lambda: _side_by_side(lambda p: draw_part(recipe, p), recipe.parts)


def prepare_customers(folder, customers):
    """How many cells the peers draw, and a flat table for SDV."""
    from kequn_lab.synth import make_bank

    bank = make_bank(5_000, random_state=0, months=1)
    held = bank.holdings.pivot_table(index="customer_id", columns="product", values="balance_cny")
    flat = bank.customers.drop(columns="customer_id").join(held.fillna(0).reset_index(drop=True))
    flat.iloc[:, :15].to_csv(folder / "flat.csv", index=False)
    cells = (bank.customers.size + bank.holdings.size) / len(bank.customers) * customers
    (folder / "cells.json").write_text(json.dumps(int(cells)))


def prepare_events(folder, customers):
    """How many cells the peer draws."""
    _, draw = _tables(customers)
    events = [part["events"] for part in draw()]
    cells = sum(t.num_rows * t.num_columns for t in events)
    (folder / "cells.json").write_text(json.dumps(cells))


def prepare_write(folder, customers):
    """The tables as Arrow files, and how the kit writes them, for the writer alone."""
    import pyarrow as pa

    from kequn_lab.synth import files

    _, draw = _tables(customers)
    how = {}
    for number, part in enumerate(draw()):
        for name, table in part.items():
            path = folder / f"{name}-{number:04}.arrow"
            with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as out:
                out.write_table(table)
            kinds = [(f.name, f.type) for f in table.schema]
            delta = {n: "DELTA_BINARY_PACKED" for n, _ in kinds if n in files._DELTA}
            how[name] = {
                "compression": "zstd", "compression_level": 1, "store_schema": False,
                "use_dictionary": [n for n, t in kinds if pa.types.is_dictionary(t)],
                "write_statistics": [n for n, _ in kinds if n in files._SORTED],
                "column_encoding": delta
                | {n: "BYTE_STREAM_SPLIT" for n, t in kinds if pa.types.is_floating(t)},
            }  # fmt: skip
    (folder / "writer.json").write_text(json.dumps(how))


def customers(folder, customers):
    _, draw = _customers(customers)
    _customers(100)[1]()
    with timing.measured() as facts:
        start = time.perf_counter()
        draw()
        facts["per_s"] = customers / (time.perf_counter() - start)


def events(folder, customers):
    _, draw = _tables(customers)
    with timing.measured() as facts:
        start = time.perf_counter()
        parts = draw()
        seconds = time.perf_counter() - start
        facts["per_s"] = sum(part["events"].num_rows for part in parts) / seconds


def write(folder, customers):
    from kequn_lab.synth import write_bank

    _tables(100)
    with tempfile.TemporaryDirectory(dir=folder) as out, timing.measured():
        write_bank(out, n_customers=customers, months=MONTHS, random_state=0, progress=False)


def numpy(folder, customers):
    """One double a cell, drawn on all cores: less cannot be done."""
    import numpy as np

    cells, cores = json.loads((folder / "cells.json").read_text()), os.cpu_count() or 1

    def draw(seed):
        rng, left = np.random.default_rng(seed), cells // cores
        while left > 0:
            rng.random(min(left, 1 << 20))
            left -= 1 << 20

    with timing.measured():
        _side_by_side(draw, range(cores))


def sdv(folder, customers):
    """Sampling alone, of 50,000 customers at most; the model was fitted to 5,000."""
    import pandas as pd
    from sdv.metadata import Metadata
    from sdv.single_table import GaussianCopulaSynthesizer

    data = {"customers": pd.read_csv(folder / "flat.csv")}
    found = Metadata.detect_from_dataframes(data)
    model = GaussianCopulaSynthesizer(found)
    model.fit(data)
    drawn = min(customers, 50_000)
    start = timing.cpu_seconds(), time.perf_counter()
    model.sample(drawn)
    cpu, clock = timing.cpu_seconds() - start[0], time.perf_counter() - start[1]
    times = customers / drawn
    more = {} if times == 1 else {"extrapolated": f"{drawn:,} of {customers:,} customers measured"}
    timing.report(cpu_s=times * cpu, clock_s=times * clock, **more)


def pyarrow(folder, customers):
    """Tables that lie in memory, written with the encodings that the kit chooses."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    how, tables = json.loads((folder / "writer.json").read_text()), {}
    for path in sorted(folder.glob("*.arrow")):
        with pa.OSFile(str(path), "rb") as file:
            tables.setdefault(path.stem[:-5], []).append(pa.ipc.open_file(file).read_all())
    with tempfile.TemporaryDirectory(dir=folder) as out, timing.measured(), ExitStack() as stack:
        sinks = {
            name: stack.enter_context(
                pq.ParquetWriter(Path(out, f"{name}.parquet"), parts[0].schema, **how[name])
            )
            for name, parts in tables.items()
        }
        for name, parts in tables.items():
            for part in parts:
                sinks[name].write_table(part, row_group_size=part.num_rows or 1)


if __name__ == "__main__":
    timing.parts(
        prepare_customers=prepare_customers, prepare_events=prepare_events,
        prepare_write=prepare_write, customers=customers, events=events, write=write,
        numpy=numpy, sdv=sdv, pyarrow=pyarrow,
    )  # fmt: skip
