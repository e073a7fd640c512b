"""How long the controls of the chapters take to answer, at 2,000 customers: median of each, in ms.

``python benchmarks/widgets.py`` (about a minute). The goal is 300 ms on an idle core.
"""

from __future__ import annotations

import statistics
import time

import IPython.display

import kequn_lab as kq
from kequn_lab.workshop import sample, widgets
from kequn_lab.workshop.explorers import EXPLORERS, OF_EVIDENCE

MOVES = 4


def main() -> None:
    """Move every control to some of its values; print the median and the longest answer."""
    IPython.display.update_display = lambda *args, **kwargs: None  # drawn, not shown
    result = kq.segment(**sample(), stability=0, quiet=True)
    print(f"{'controls':10}{'median ms':>12}{'longest ms':>12}{'CPU ms':>12}")
    for name in EXPLORERS:
        panel = widgets.panel(name, None if name in OF_EVIDENCE else result, language="zh")
        panel.picture()
        wall, cpu = [], []
        for control in panel.controls.values():
            values = [v for _, v in control.options if v != control.value]
            for value in values[:: max(1, len(values) // MOVES)][:MOVES]:
                before = time.perf_counter(), time.process_time()
                control.value = value
                wall.append(time.perf_counter() - before[0])
                cpu.append(time.process_time() - before[1])
        figures = statistics.median(wall), max(wall), statistics.median(cpu)
        ms = "".join(f"{1000 * f:12.0f}" for f in figures)
        print(f"{name:10}{ms}")


if __name__ == "__main__":
    main()
