"""How a run grows with its events: CPU seconds, clock and memory from Parquet files to labels.

    python benchmarks/growth.py [--customers 42000 420000 5000000] [--folder DIR] [--quick]

For each size ``kequn sample`` writes a bank with two months of events, about 26 events for each
customer, and ``kequn run`` goes from its three files to labels and report. Memory is the largest
sum of the resident memory of the run and of all processes that it started, looked at five times a
second. A size that runs past ``--limit`` seconds, or fails, is a row that says so. The table goes
to ``growth.md``; ``--json FILE`` writes the same rows.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import psutil
import pyarrow.parquet as pq

KEQUN = (sys.executable, "-m", "kequn_lab")
TABLES = ("events", "customers", "holdings")
HEAD = "| events | customers | CPU s | clock s | peak MB | note |\n|---:|---:|---:|---:|---:|---|\n"


def run(command: list, limit: float) -> dict:
    """CPU seconds, clock, peak memory in MB of a command and its children, and how it ended."""
    start, peak, note = time.perf_counter(), 0, ""
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen(list(map(str, command)), stdout=said, stderr=said)
        me = psutil.Process(child.pid)
        while True:
            ended, status, used = os.wait4(child.pid, os.WNOHANG)
            if ended:
                break
            peak = max(peak, resident(me))
            if time.perf_counter() - start > limit and not note:
                note = f"ended after {limit:.0f} s on the clock"
                for process in [*me.children(recursive=True), me]:
                    process.kill()
            time.sleep(0.2)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode and not note:
            said.seek(0)
            lines = said.read().decode(errors="replace").strip().splitlines()
            note = f"failed: {lines[-1] if lines else child.returncode}"
    return {
        "cpu_s": round(used.ru_utime + used.ru_stime, 1),
        "clock_s": round(time.perf_counter() - start, 1),
        "peak_mb": round(peak / 2**20),
        "note": note,
    }


def resident(process: psutil.Process) -> int:
    """Bytes of a process and of what it started, as far as these still run."""
    total = 0
    try:
        for one in [process, *process.children(recursive=True)]:
            total += one.memory_info().rss
    except psutil.NoSuchProcess:
        pass
    return total


def measured(bank: Path, limit: float) -> dict:
    """One row: the run of a bank that is there."""
    rows = {t: pq.ParquetFile(bank / f"{t}.parquet").metadata.num_rows for t in TABLES}
    given = [word for t in TABLES for word in (f"--{t}", bank / f"{t}.parquet")]
    with tempfile.TemporaryDirectory() as folder:
        command = [*KEQUN, "run", *given, "--as-of", "2024-12-31", "--months", "2", "--quiet"]
        used = run([*command, "--out", f"{folder}/result"], limit)
    return {"events": rows["events"], "customers": rows["customers"], **used}


def text(rows: list[dict]) -> str:
    """The table as Markdown, with the machine."""
    cores, memory = os.cpu_count(), psutil.virtual_memory().total / 2**30
    lines = [
        f"| {r['events']:,} | {r['customers']:,} | {r['cpu_s']:,.0f} | {r['clock_s']:,.0f} "
        f"| {r['peak_mb']:,} | {r['note']} |\n"
        for r in rows
    ]
    return (
        "# Growth of a run with its events\n\nMade by `python benchmarks/growth.py`; what it "
        f"measures is said there. Machine: {platform.machine()}, {cores} cores, {memory:.1f} GiB, "
        f"{date.today()}.\n\n{HEAD}{''.join(lines)}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, nargs="+", default=[42_000, 420_000, 5_000_000])
    parser.add_argument("--bank", type=Path, nargs="+", help="folders that kequn sample wrote")
    parser.add_argument("--folder", type=Path, help="where banks are written (default: temporary)")
    parser.add_argument("--limit", type=float, default=7_200, help="seconds for one run")
    parser.add_argument("--quick", action="store_true", help="10,000 and 40,000 customers")
    parser.add_argument("--json", type=Path, help="write the rows to this file")
    parser.add_argument("--out", type=Path, help="the table as Markdown (default: growth.md)")
    args = parser.parse_args()
    rows = []
    for size in args.bank or ([10_000, 40_000] if args.quick else args.customers):
        with tempfile.TemporaryDirectory(dir=args.folder) as made:
            bank = size if args.bank else Path(made, "bank")
            if not args.bank:
                sample = ["sample", "--customers", size, "--months", 2, "--out", bank]
                subprocess.run([*KEQUN, *map(str, sample)], check=True, capture_output=True)
            rows.append(measured(bank, args.limit))
            print(rows[-1], flush=True)
    if args.json:
        args.json.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    if args.out or not args.quick:
        out = args.out or Path(__file__).with_suffix(".md")
        out.write_text(text(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
