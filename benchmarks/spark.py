"""DuckDB here and Spark on ``local[N]``: are features and labels the same, and what do they cost?

    python benchmarks/spark.py [--sizes 20000x12 1000000x2] [--cores 2] [--memory 3g]

For each size (customers x months) each engine runs in a process of its own, Spark once per session
zone: events → one row per customer → labels by one scorecard of eight segments, written as
Parquet. CPU seconds are user and system time of all processors, the JVM's too; the peak is
resident memory, Python and JVM added. A fixed part of Spark's figures is its start; of several
zones the first is shown, and the worst comparison. Rows go to ``spark.md``, where other sizes stay,
and to the READMEs. It needs Linux (``/proc``), Java and the extra ``spark``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import resource
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from kequn_lab.export.scorecard import Scorecard
from kequn_lab.features.customers import customer_features
from kequn_lab.features.preprocessing import model_columns
from kequn_lab.segments.pipeline import fit_segments
from kequn_lab.synth import write_bank

HERE = Path(__file__).resolve().parent
TABLE = HERE / "spark.md"
READMES = {"en": HERE.parent / "README.md", "zh": HERE.parent / "README.zh-CN.md"}
BLOCK = re.compile(r"(<!-- spark: [^\n]*-->\n).*?(<!-- /spark -->)", re.DOTALL)
HEAD = {
    "en": "customers | months | events | DuckDB: CPU s | clock s | MB | Spark: CPU s | clock s "
    "| MB | features equal, largest relative difference | labels equal",
    "zh": "客户 | 月数 | 交易 | DuckDB：CPU 秒 | 时钟秒 | MB | Spark：CPU 秒 | 时钟秒 | MB "
    "| 特征相同，最大相对差 | 标签相同",
}
AS_OF = "2024-12-31"
NAMES = ("events", "customers", "holdings")
ZONES = ("UTC", "Asia/Shanghai")
#: Relative difference of two features that is none.
SAME = 1e-9


def paths_of(bank: Path) -> dict[str, Path]:
    return {name: bank / f"{name}.parquet" for name in NAMES}


def by_duckdb(bank: Path, out: Path, card: Path, months: int, **_) -> dict[str, float]:
    """The features, and the labels of a scorecard that is fitted first; that is not counted."""
    features = customer_features(**paths_of(bank), as_of=AS_OF, months=months)
    features.reset_index().to_parquet(out / "features.parquet", index=False)
    spent = cost()
    columns = model_columns(features.head(20_000))
    pipeline = fit_segments(columns, n_clusters=8, n_starts=2, random_state=0)
    Scorecard.from_pipeline(pipeline, columns, as_of=AS_OF).save(card)
    again = cost()
    labels = Scorecard.load(card).predict(features)
    labels.reset_index().to_parquet(out / "labels.parquet", index=False)
    end = cost()
    return end | {n: end[n] - (again[n] - spent[n]) for n in ("cpu", "clock")}


def by_spark(
    bank: Path, out: Path, card: Path, months: int, *, cores: int, memory: str, zone: str
) -> dict[str, float]:
    from pyspark.sql import SparkSession

    from kequn_lab.spark import customer_features, label

    session = (
        SparkSession.builder.master(f"local[{cores}]")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.driver.memory", memory)
        .config("spark.sql.shuffle.partitions", str(4 * cores))
        .config("spark.sql.session.timeZone", zone)
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    tables = {name: session.read.parquet(str(path)) for name, path in paths_of(bank).items()}
    features = customer_features(**tables, as_of=AS_OF, months=months)
    features.write.parquet(str(out / "features.parquet"))
    there = session.read.parquet(str(out / "features.parquet"))
    label(Scorecard.load(card), there).write.parquet(str(out / "labels.parquet"))
    used = cost(session.sparkContext._gateway.proc.pid)
    session.stop()
    return used


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


def measured(engine: str, bank: Path, out: Path, card: Path, months: int, **how) -> dict:
    """What an engine used, in a process of its own."""
    out.mkdir()
    given = json.dumps({"months": months, **how})
    done = subprocess.run(
        [sys.executable, "-W", "ignore", __file__, "--engine", engine, *map(str, (bank, out, card)),
         given], capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{engine}: {done.stderr[-2000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def row(customers: int, months: int, folder: Path, **how) -> tuple[str, bool]:
    """The line of one size, and whether the engines agree."""
    bank, card = folder / "bank", folder / "card.json"
    write_bank(bank, n_customers=customers, months=months, as_of=AS_OF, random_state=0)
    events = pq.ParquetFile(bank / "events.parquet").metadata.num_rows
    here = measured("duckdb", bank, folder / "duckdb", card, months)
    there, found = [], []
    for zone in ZONES:
        out = folder / zone.replace("/", "-")
        there.append(measured("spark", bank, out, card, months, zone=zone, **how))
        found.append(differences(folder / "duckdb", out))
    gap, wrong = (max(x) for x in zip(*found))
    used = [f"{x[n]:,.0f}" for x in (here, there[0]) for n in ("cpu", "clock", "peak_mb")]
    cells = [f"{customers:,}", str(months), f"{events:,}", *used,
             f"{'✗' if gap > SAME else '✓'} {gap:.1e}",
             f"{customers - wrong:,} / {customers:,}"]  # fmt: skip
    return f"| {' | '.join(cells)} |", gap <= SAME and not wrong


def write(lines: list[str], above: str) -> None:
    """The table with these lines instead of those of the same sizes, and in the READMEs."""
    old = TABLE.read_text(encoding="utf-8") if TABLE.exists() else ""
    rows = {tuple(line.split("|")[1:3]): line for line in [*rows_of(old), *lines]}
    order = sorted(rows.values(), key=lambda line: int(line.split("|")[3].replace(",", "")))
    TABLE.write_text(f"{above}\n{table(order, 'en')}", encoding="utf-8")
    for language, readme in READMES.items():
        text = readme.read_text(encoding="utf-8")
        block = table(order, language)
        readme.write_text(
            BLOCK.sub(lambda m, block=block: m[1] + block + m[2], text), encoding="utf-8"
        )


def rows_of(text: str) -> list[str]:
    return [line for line in text.splitlines() if re.match(r"\| \d", line)]


def table(lines: list[str], language: str) -> str:
    head = f"| {HEAD[language]} |"
    return "\n".join([head, "|" + "---:|" * (head.count("|") - 1), *lines, ""])


def said(cores: int, memory: str) -> str:
    machine = f"{platform.machine()}, {os.cpu_count()} cores, {date.today()}"
    return f"""# Spark beside DuckDB

Made by `python benchmarks/spark.py`; what it measures is said there. Synthetic customers; Spark on
`local[{cores}]` with {memory} of driver memory, in the session zones {" and ".join(ZONES)}.
Features (equal within {SAME:g}) and labels of all customers are compared in each zone.
Machine: {machine}, shared with other work: the clock says little.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--sizes", nargs="+", default=["20000x12", "1000000x2"], metavar="CUSTOMERSxMONTHS"
    )
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--memory", default="3g", help="of Spark's driver")
    parser.add_argument("--engine", nargs=5, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.engine:
        engine, *paths, how = args.engine
        work = {"duckdb": by_duckdb, "spark": by_spark}[engine]
        return print(json.dumps(work(*map(Path, paths), **json.loads(how))))
    how, differ = {"cores": args.cores, "memory": args.memory}, []
    for size in args.sizes:
        customers, months = map(int, size.split("x"))
        with tempfile.TemporaryDirectory() as folder:
            line, same = row(customers, months, Path(folder), **how)
        print(line, flush=True)
        write([line], said(**how))
        if not same:
            differ.append(size)
    sys.exit(f"not the same: {', '.join(differ)}" if differ else 0)


START = time.perf_counter()
if __name__ == "__main__":
    main()
