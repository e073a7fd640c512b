"""How a run grows with its events: CPU seconds, clock and memory from Parquet files to labels.

    python benchmarks/growth.py                        # all sizes
    python benchmarks/growth.py --customers 5000000    # this size; the others keep their rows
    python benchmarks/growth.py --texts                # writes the texts again from growth.json

For each size ``kequn sample`` writes a bank with two months of events, about 26 events for each
customer. ``kequn run`` goes from its three files to labels and report; of the largest bank,
``kequn score`` then labels the same customers by the scorecard of that run. Memory is the largest
sum of the resident memory of the command and of all processes that it started, looked at five
times a second. A command that takes more than ``--limit`` seconds, or fails, is a row that says so.
The rows go to ``growth.json``, and from there to ``growth.md`` and both READMEs.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import psutil
import pyarrow.parquet as pq

HERE = Path(__file__).resolve().parent
ROWS, TEXT = HERE / "growth.json", HERE / "growth.md"
READMES = {"en": HERE.parent / "README.md", "zh": HERE.parent / "README.zh-CN.md"}
BLOCK = re.compile(r"(<!-- growth: python benchmarks/growth.py -->\n).*?(<!-- /growth -->)", re.S)
KEQUN = (sys.executable, "-m", "kequn_lab")
TABLES = ("events", "customers", "holdings")
HEADS = {
    "en": ("command", "events", "customers", "CPU s", "clock s", "peak MB", "note", "measured"),
    "zh": ("命令", "流水（条）", "客户", "CPU 秒", "时钟秒", "内存峰值 MB", "备注", "测于"),
}


# What is measured ------------------------------------------------------------------------------


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


def measured(bank: Path, limit: float, *, score: bool) -> list[dict]:
    """The rows of a bank that is there: its run and, where asked for, its score."""
    rows = {t: pq.ParquetFile(bank / f"{t}.parquet").metadata.num_rows for t in TABLES}
    given = [word for t in TABLES for word in (f"--{t}", bank / f"{t}.parquet")]
    given += ["--as-of", "2024-12-31"]
    facts = {"events": rows["events"], "customers": rows["customers"], "measured": where()}
    with tempfile.TemporaryDirectory() as folder:
        result, labels = Path(folder, "result"), Path(folder, "labels")
        command = [*KEQUN, "run", *given, "--months", "2", "--quiet", "--out", result]
        out = [{"command": "run", **facts, **run(command, limit)}]
        if score and not out[0]["note"]:
            card = result / "scorecard.json"
            command = [*KEQUN, "score", "--scorecard", card, *given, "--out", labels]
            out.append({"command": "score", **facts, **run(command, limit)})
    return out


def where() -> str:
    """The day and the machine."""
    memory = psutil.virtual_memory().total / 2**30
    return f"{date.today()}, {os.cpu_count()} cores of {platform.machine()}, {memory:.0f} GiB"


# What is written -------------------------------------------------------------------------------


def merged(old: list[dict], new: list[dict]) -> list[dict]:
    """All rows by command and size; a new one takes the place of an old one."""
    rows = {(r["command"], r["customers"]): r for r in [*old, *new]}
    return [rows[key] for key in sorted(rows)]


def table(rows: list[dict], language: str) -> str:
    """The rows as a Markdown table."""
    lines = ["| " + " | ".join(HEADS[language]) + " |", "|---|" + "---:|" * 5 + "---|---|"]
    lines += [
        f"| `kequn {r['command']}` | {r['events']:,} | {r['customers']:,} | {r['cpu_s']:,.0f} "
        f"| {r['clock_s']:,.0f} | {r['peak_mb']:,} | {r['note']} | {r['measured']} |"
        for r in rows
    ]
    return "\n".join(lines) + "\n"


def write_texts(rows: list[dict]) -> None:
    """growth.json, growth.md, and the block of both READMEs."""
    ROWS.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    head = "# Growth of a run with its events\n\nMade by `python benchmarks/growth.py`; what it "
    TEXT.write_text(f"{head}measures is said there.\n\n{table(rows, 'en')}", encoding="utf-8")
    for language, readme in READMES.items():
        block = table(rows, language)
        text = readme.read_text(encoding="utf-8")
        new = BLOCK.sub(lambda m, b=block: f"{m[1]}{b}{m[2]}", text)
        readme.write_text(new, encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, nargs="+", default=[42_000, 420_000, 5_000_000])
    parser.add_argument("--bank", type=Path, nargs="+", help="folders that kequn sample wrote")
    parser.add_argument("--folder", type=Path, help="where banks are written (default: temporary)")
    parser.add_argument("--limit", type=float, default=7_200, help="seconds for one command")
    parser.add_argument("--quick", action="store_true", help="small banks; nothing is written")
    parser.add_argument("--texts", action="store_true", help="only write the texts from the rows")
    args = parser.parse_args()
    rows: list[dict] = []
    sizes = args.bank or ([10_000, 40_000] if args.quick else sorted(args.customers))
    for size in () if args.texts else sizes:
        with tempfile.TemporaryDirectory(dir=args.folder) as made:
            bank = size if args.bank else Path(made, "bank")
            if not args.bank:
                sample = ["sample", "--customers", size, "--months", 2, "--out", bank]
                subprocess.run([*KEQUN, *map(str, sample)], check=True, capture_output=True)
            new = measured(bank, args.limit, score=size == sizes[-1])
            print(*new, sep="\n", flush=True)
            rows += new
    if not args.quick:
        old = json.loads(ROWS.read_text(encoding="utf-8")) if ROWS.exists() else []
        write_texts(merged(old, rows))


if __name__ == "__main__":
    main()
