"""A label table of six columns as CSV with a byte order mark, as Excel reads it."""

import codecs
import os

import timing

COLUMNS = ("customer_id", "cluster", "segment_id", "name_zh", "name_en", "distance")


def prepare(folder, rows):
    """The table as Parquet, so that all begin with the same frame of theirs."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    from kequn_lab import catalogue

    rng, named = np.random.default_rng(0), catalogue.segments()
    cluster = rng.integers(0, len(named), rows)
    columns = [[f"{i:018d}" for i in range(rows)], cluster]
    columns += [pa.array(named[c]).take(pa.array(cluster)) for c in COLUMNS[2:5]]
    table = pa.table([*columns, rng.gamma(9, 0.3, rows)], names=COLUMNS)
    pq.write_table(table, folder / "labels.parquet")


def ours(folder, rows):
    import pandas as pd

    from kequn_lab.export.labels import write_labels

    labels = pd.read_parquet(folder / "labels.parquet")
    write_labels(labels.head(100), folder / "first.csv")
    with timing.measured():
        write_labels(labels, folder / "ours.csv")


def pandas(folder, rows):
    import pandas as pd

    labels = pd.read_parquet(folder / "labels.parquet")
    with timing.measured():
        labels.to_csv(folder / "pandas.csv", index=False, encoding="utf-8-sig")


def polars(folder, rows):
    import polars as pl

    labels = pl.read_parquet(folder / "labels.parquet")
    with timing.measured():
        labels.write_csv(folder / "polars.csv", include_bom=True)


def pyarrow(folder, rows):
    import pyarrow.csv
    import pyarrow.parquet as pq

    labels = pq.read_table(folder / "labels.parquet")
    with timing.measured(), open(folder / "pyarrow.csv", "wb") as file:
        file.write(codecs.BOM_UTF8)
        pyarrow.csv.write_csv(labels, file)
        os.fsync(file.fileno())


if __name__ == "__main__":
    timing.parts(prepare=prepare, ours=ours, pandas=pandas, polars=polars, pyarrow=pyarrow)
