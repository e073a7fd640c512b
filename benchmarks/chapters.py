"""What a class needs: CPU-seconds, memory and the longest cell of every chapter, with solutions.

``python benchmarks/chapters.py``        all chapters, in Chinese (about three minutes)
``python benchmarks/chapters.py 04 04b`` some of them

The figures are those of the kernel (Linux and macOS), on one thread. The goals are 60 CPU-seconds
for the path of three hours, 450 MB for a kernel, ten seconds for a cell.
``data/output/chapters.csv`` and the notes for instructors get the table.
"""

from __future__ import annotations

import json
import os
import re
import runpy
import sys
from pathlib import Path

import nbformat
import pandas as pd
from tqdm.auto import tqdm

from kequn_lab.workshop import building

ROOT = Path(__file__).resolve().parents[1]
#: Chapters of the two paths of ``notebooks/instructor.md``.
PATHS = {
    "three hours": ("00", "01", "03", "04", "04b", "05", "07", "10"),
    "ninety minutes": ("00", "03", "04", "04b", "07"),
}
#: Of the notes for instructors: head of the table, and the sentence below.
NOTES = {
    "instructor.md": (
        "| chapter | CPU-seconds | memory, MB | longest cell, s |",
        "Three hours: {:.0f} CPU-seconds a person; ninety minutes: {:.0f}. The largest kernel has "
        "{:.0f} MB.",
    ),
    "instructor.zh-CN.md": (
        "| 章 | CPU 秒 | 内存（MB） | 最长的一格（秒） |",
        "三小时：每人 {:.0f} CPU 秒；九十分钟：{:.0f}。最大的内核 {:.0f} MB。",
    ),
}
LAST = """
import json, resource, sys
used = resource.getrusage(resource.RUSAGE_SELF)
unit = 2**20 if sys.platform == "darwin" else 2**10
print(json.dumps([used.ru_utime + used.ru_stime, used.ru_maxrss / unit]))
"""


def measured(source: Path, execute) -> dict:
    """Run a chapter in a kernel of its own and ask the kernel what it used."""
    notebook = building.build(source, "zh", solutions=True)
    notebook.cells.append(nbformat.v4.new_code_cell(LAST))
    execute(notebook, ROOT / "notebooks" / "zh")
    cpu, peak = json.loads(notebook.cells[-1].outputs[0]["text"])
    times = [
        pd.to_datetime(cell.metadata["execution"][f"iopub.{end}"])
        for cell in notebook.cells[:-1] if cell.cell_type == "code"
        for end in ("execute_input", "status.idle")
    ]  # fmt: skip
    longest = max(b - a for a, b in zip(times[::2], times[1::2])).total_seconds()
    number = source.stem.partition("_")[0]
    return {"chapter": number, "cpu_s": cpu, "peak_mb": peak, "longest_cell_s": longest}


def main(wanted: list[str]) -> None:
    """Measure chapters and add up the paths."""
    os.environ["OMP_NUM_THREADS"] = "1"  # as kequn workshop start sets it
    execute = runpy.run_path(str(ROOT / "notebooks" / "build.py"), run_name="build")["execute"]
    sources = [s for s in building.sources() if not wanted or s.stem.partition("_")[0] in wanted]
    table = pd.DataFrame([measured(source, execute) for source in tqdm(sources)])
    print(table.round(1).to_string(index=False))
    cpu = table.set_index("chapter")["cpu_s"]
    for path, chapters in PATHS.items():
        if set(chapters) <= set(cpu.index):
            print(f"path of {path}: {cpu[list(chapters)].sum():.0f} CPU-seconds")
    print(f"largest kernel: {table['peak_mb'].max():.0f} MB")
    out = ROOT / "data" / "output"
    out.mkdir(parents=True, exist_ok=True)
    table.to_csv(out / "chapters.csv", index=False, float_format="%.1f")
    if len(sources) == len(building.sources()):
        write_notes(table)


def write_notes(table: pd.DataFrame) -> None:
    """Put the table into the notes for instructors."""
    for name, (heading, paths) in NOTES.items():
        notes = ROOT / "notebooks" / name
        lines = [heading, "|---|---|---|---|"]
        lines += [
            f"| {row.chapter} | {row.cpu_s:.0f} | {row.peak_mb:.0f} | {row.longest_cell_s:.0f} |"
            for row in table.itertuples()
        ]
        cpu = table.set_index("chapter")["cpu_s"]
        sums = [cpu[list(chapters)].sum() for chapters in PATHS.values()]
        text = "\n".join([*lines, "", paths.format(*sums, table["peak_mb"].max())])
        old = notes.read_text(encoding="utf-8")
        new = re.sub(r"(<!-- measured.*?-->\n).*?(<!-- /measured -->)", rf"\1{text}\n\2", old,
                     flags=re.DOTALL)  # fmt: skip
        notes.write_text(new, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(sys.argv[1:])
