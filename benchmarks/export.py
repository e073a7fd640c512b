"""Labels to CSV against pandas, and a scorecard against scikit-learn's predict.

    python benchmarks/export.py                                # 1,000,000 labels; 1,000,000 x 24
    python benchmarks/export.py --customers 10000000           # the way from Parquet to CSV at 10 M

Each part is repeated five times in turn with its peer; medians of the CPU seconds of all threads,
which a busy machine changes little, and the range of the ratio. The first part printed breaks the
way from a Parquet table to a label file into its steps; memory is the peak of the process.
"""

import argparse
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
from sklearn.cluster import KMeans

from kequn_lab import export
from kequn_lab._files import replacing
from kequn_lab.export._nearest import coordinates, labelled, nearest
from kequn_lab.export.labels import escape_formulas
from kequn_lab.export.scorecard import Scorecard
from kequn_lab.features.definitions import FEATURES
from kequn_lab.run.entrance import Given, ready_table
from kequn_lab.run.scoring import score_files
from kequn_lab.segments import fit_segments

NAMES = [f.name for f in FEATURES][:24]
LOGS = {f.name for f in FEATURES if f.log}


def side_by_side(*works, times: int = 5) -> tuple[float, float, str]:
    """Median CPU seconds of two works that take turns, and the ratio with its range."""
    seconds = np.empty((times, len(works)))
    for turn in seconds:
        for j, work in enumerate(works):
            start = time.process_time()
            work()
            turn[j] = time.process_time() - start
    ratio = seconds[:, 1] / seconds[:, 0]
    said = f"{np.median(ratio):.2f} ({ratio.min():.2f} to {ratio.max():.2f})"
    return *np.median(seconds, axis=0), said


def customers(n: int, seed: int, first: int = 0) -> pd.DataFrame:
    """Eight kinds of customers, 24 features, skewed money, 2 % missing."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, 8, n)
    place = np.random.default_rng(9).normal(size=(8, len(NAMES))) * 2
    columns = {}
    for j, name in enumerate(NAMES):
        x = place[kind, j] + rng.normal(size=n)
        columns[name] = np.expm1(2 * np.abs(x)) if name in LOGS else x
        columns[name][rng.random(n) < 0.02] = np.nan
    ids = pd.Index([f"{i:018d}" for i in range(first, first + n)], name="customer_id")
    return pd.DataFrame(columns, index=ids)


def writing(labels: pd.DataFrame, folder: Path) -> None:
    ours, theirs = folder / "labels.csv", folder / "pandas.csv"
    pandas, kit, ratio = side_by_side(
        lambda: labels.to_csv(theirs, index=False, encoding="utf-8-sig"),
        lambda: export.write_labels(labels, ours),
    )
    pd.testing.assert_frame_equal(export.read_labels(ours), labels)
    print(f"write {len(labels):,} labels: pandas {pandas:.2f} CPU s, write_labels {kit:.2f} s "
          f"(with sync, SHA-256 and record), {ratio} of it; read back equal")  # fmt: skip


def scoring(card: Scorecard, pipeline, table: pd.DataFrame) -> None:
    ready = coordinates(card, table).astype(np.float32)
    centres = np.array([s.centre for s in card.segments], dtype=np.float32)
    model = KMeans(len(centres), init=centres, n_init=1, max_iter=1).fit(ready[:1000])
    model.cluster_centers_ = centres
    plain = Scorecard(tuple(_as_it_is(f) for f in card.features), card.segments,
                      card.trained_on, card.customers)  # fmt: skip
    matrix = pd.DataFrame({n: ready[:, j].copy() for j, n in enumerate(card.feature_names)})
    same, kit, ratio = side_by_side(lambda: model.predict(ready), lambda: nearest(plain, matrix))
    print(f"score {len(table):,} x {len(card.features)}, ready matrix: scikit-learn's float32 "
          f"predict {same:.2f} s, scorecard {kit:.2f} s, {ratio} of it")  # fmt: skip
    whole, raw, ratio = side_by_side(lambda: pipeline.predict(table), lambda: nearest(card, table))
    print(f"  raw table (fill, clip, logarithm, scale too): the pipeline {whole:.2f} s, scorecard "
          f"{raw:.2f} s, {ratio} of it; {raw / same:.2f} of predict alone")  # fmt: skip


def _as_it_is(f):
    import dataclasses

    return dataclasses.replace(f, fill=0.0, lower=-50.0, upper=50.0, log=False, mean=0.0, scale=1.0)


def whole_way(card: Scorecard, n: int, folder: Path) -> None:
    path, step = folder / "features.parquet", 500_000
    writer = None
    for first in range(0, n, step):
        chunk = customers(min(step, n - first), first, first).reset_index()
        arrow = pa.Table.from_pandas(chunk, preserve_index=False)
        writer = writer or pa.parquet.ParquetWriter(path, arrow.schema)
        writer.write_table(arrow)
    writer.close()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    wall, start = time.perf_counter(), time.process_time()
    score_files(card, folder / "out", Given(features=path))
    total, wall = time.process_time() - start, time.perf_counter() - wall
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"Parquet to CSV, {n:,} customers: {total:.1f} CPU s ({wall:.1f} s by the clock), "
          f"peak {peak / 2**20:.2f} GB ({before / 2**20:.2f} before)")  # fmt: skip
    start = time.process_time()
    chunks = ready_table(path, card.feature_names).chunks()
    spent = {"read": time.process_time() - start, "label": 0.0, "write": 0.0}
    sink = None
    with replacing(folder / "steps.csv") as file:
        while True:
            start = time.process_time()
            chunk = next(chunks, None)
            spent["read"] += time.process_time() - start
            if chunk is None:
                break
            start = time.process_time()
            labels = labelled(card, chunk)
            spent["label"] += time.process_time() - start
            start = time.process_time()
            labels = escape_formulas(labels)
            sink = sink or pa.csv.CSVWriter(file, labels.schema)
            sink.write_table(labels)
            spent["write"] += time.process_time() - start
        sink.close()
    rest = total - sum(spent.values())
    parts = ", ".join(f"{k} {v:.1f} s" for k, v in spent.items())
    print(f"  of it: {parts}, hashes, drift and record {rest:.1f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, default=1_000_000)
    args = parser.parse_args()
    train = customers(5_000, 1)
    pipeline = fit_segments(train, n_clusters=8, n_starts=5, random_state=0)
    card = Scorecard.from_pipeline(pipeline, train, as_of="2024-12-31", synthetic=True)
    table = customers(1_000_000, 2)
    with tempfile.TemporaryDirectory() as folder:
        whole_way(card, args.customers, Path(folder))
        writing(card.label(table).astype({"cluster": "int64"}), Path(folder))
    scoring(card, pipeline, table)


if __name__ == "__main__":
    main()
