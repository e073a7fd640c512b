"""Runs commands in turns and says what each used: the one place where benchmarks take the time.

Only the standard library, since workloads import it in environments of their own, and since the
peak memory of a child is at least that of the process that started it.

A workload is a command: ``python workloads/NAME.py PART FOLDER rows=1000``. It counts as a whole,
unless it says itself, on its last line, what its work alone used (`measured`), other facts
(`report`), or that a figure is extrapolated.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

MARK = "measured: "


class CommandFailed(RuntimeError):
    """A command of a benchmark that ended with an error, or ran past its limit."""


@dataclass(frozen=True)
class Run:
    """What one command used: seconds of all processors, seconds on the clock, peak memory."""

    cpu_s: float
    clock_s: float
    peak_mb: float
    facts: Mapping[str, object] = field(default_factory=dict)

    def value(self, measure: str) -> list[float]:
        """A figure, or the list of figures, by its name."""
        if measure in ("cpu_s", "clock_s", "peak_mb"):
            return [getattr(self, measure)]
        found = self.facts[measure]
        return list(found) if isinstance(found, list) else [float(found)]


# For workloads --------------------------------------------------------------------------------


def report(**facts) -> None:
    """Say what was found; ``cpu_s`` and ``clock_s`` take the place of the whole command's."""
    print(MARK + json.dumps(facts), flush=True)


@contextmanager
def measured(**facts) -> Iterator[dict]:
    """Count only what is inside; more facts can be put into the dict that is given."""
    start, clock = cpu_seconds(), time.perf_counter()
    yield facts
    report(clock_s=time.perf_counter() - clock, cpu_s=cpu_seconds() - start, **facts)


def cpu_seconds() -> float:
    """Of this process, all its threads, and of the processes that it started and waited for."""
    of = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(used.ru_utime + used.ru_stime for used in of)


def parts(**functions: Callable) -> None:
    """Run the part that the command line names: ``PART FOLDER key=number``."""
    part, folder, *given = sys.argv[1:]
    sizes = {key: int(value) for key, value in (item.split("=") for item in given)}
    functions[part.replace("-", "_")](Path(folder), **sizes)


# For the table --------------------------------------------------------------------------------


def run(
    command: Sequence[str | os.PathLike],
    *,
    env: Mapping[str, str] | None = None,
    cores: int | None = None,
    limit_s: float = 600,
) -> Run:
    """Run a command to its end and count it, with all processes that it started and waited for.

    Parameters
    ----------
    command : sequence of str
    env : mapping, optional
        The whole environment.
    cores : int, optional
        Processors that it may use (where the system can say so).
    limit_s : float
        Seconds on the clock after which it is ended.

    Raises
    ------
    CommandFailed
        It ended with an error or at the limit; the message has its last lines.
    """
    words = [os.fspath(word) for word in command]
    narrow = None
    if cores and hasattr(os, "sched_setaffinity"):
        allowed = set(sorted(os.sched_getaffinity(0))[:cores])
        narrow = lambda: os.sched_setaffinity(0, allowed)  # noqa: E731
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        clock = time.perf_counter()
        try:
            child = subprocess.Popen(words, stdout=out, stderr=err, env=env, preexec_fn=narrow)
        except OSError as error:
            raise CommandFailed(f"{words[0]} cannot be started: {error.strerror}") from error
        over = threading.Event()
        timer = threading.Timer(limit_s, lambda: (over.set(), child.kill()))
        timer.start()
        try:
            _, status, used = os.wait4(child.pid, 0)
        except BaseException:
            child.kill()
            raise
        finally:
            timer.cancel()
        clock = time.perf_counter() - clock
        child.returncode = os.waitstatus_to_exitcode(status)
        said = [_text(file) for file in (out, err)]
    name = " ".join(Path(word).name for word in words[:3])
    if over.is_set():
        raise CommandFailed(f"{name} was ended after {limit_s:.0f} s")
    if child.returncode:
        last = "\n".join((said[1] or said[0]).splitlines()[-5:])
        raise CommandFailed(f"{name} ended with exit code {child.returncode}: {last}")
    facts = {}
    for line in said[0].splitlines():
        if line.startswith(MARK):
            facts |= json.loads(line.removeprefix(MARK))
    unit = 2**20 if sys.platform == "darwin" else 2**10
    cpu = facts.pop("cpu_s", used.ru_utime + used.ru_stime)
    return Run(cpu, facts.pop("clock_s", clock), used.ru_maxrss / unit, facts)


def _text(file) -> str:
    file.seek(0)
    return file.read().decode(errors="replace").strip()


def in_turns(calls: Mapping[str, Callable[[int], Run]], rounds: int) -> dict[str, list[Run]]:
    """Call each once a round, every second round from the last to the first."""
    found: dict[str, list[Run]] = {name: [] for name in calls}
    for i in range(rounds):
        for name in list(calls)[:: 1 if i % 2 == 0 else -1]:
            found[name].append(calls[name](i))
    return found


def ratios(ours: Sequence[Run], theirs: Sequence[Run], measure: str) -> list[float]:
    """Ours over theirs, run by run of the same round."""
    pairs = zip(ours, theirs, strict=True)
    both = [(a.value(measure), b.value(measure)) for a, b in pairs]
    return [x / y for a, b in both for x, y in zip(a, b, strict=True)]


def noise(runs: Sequence[Run], measure: str) -> list[float]:
    """Ours over ours: each run over the one after it, the last over the first."""
    return ratios(runs, [*runs[1:], runs[0]], measure)


def spread(numbers: Sequence[float]) -> dict[str, float]:
    """Median, least and largest."""
    return {"median": statistics.median(numbers), "least": min(numbers), "largest": max(numbers)}
