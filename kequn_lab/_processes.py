"""Work in a second process, where a command has a second core."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits
from tqdm.auto import tqdm

from kequn_lab._signals import undisturbed

__all__ = ["beside", "two_processes"]

#: A process above this size does its tasks one by one: a second one would need as much again.
MOST_BYTES = 1 << 30
#: A second process that uses no processor time for so long is given up.
IDLE_S = 10.0

_allowed: ContextVar[bool] = ContextVar("kequn_lab_processes", default=False)


@contextmanager
def two_processes() -> Iterator[None]:
    """Let `beside` start processes while the block runs.

    For commands only: they know which threads and signal handlers there are, a notebook does not.
    """
    token = _allowed.set(_cores() > 1 and sys.platform == "linux")
    try:
        yield
    finally:
        _allowed.reset(token)


def _cores() -> int:
    """Those that this process may use; of those, what joblib is told to use."""
    most = os.environ.get("LOKY_MAX_CPU_COUNT", "")
    here = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    return min(here, int(most)) if most.isdigit() else here


@contextmanager
def beside(task: Callable[[], Any]) -> Iterator[Callable[[], Any]]:
    """Start a task in a second process; the call that is given waits for its value.

    The process is a fork: it has all modules and tables at once, where a new process would take
    seconds of processor time to import them. Outside `two_processes`, on one core and where
    processes cannot be forked safely (macOS, Windows), the task runs when its value is asked for.

    Its errors and warnings come with the value. The process ends with the block, and with this
    process, however that ends. Where it cannot be started, is ended from outside or stops
    computing, and where this process holds much memory, the task runs here.

    Examples
    --------
    >>> with beside(lambda: 1 + 1) as two:
    ...     two()
    2
    """
    if not _allowed.get() or _resident() > MOST_BYTES:
        yield task
        return
    fork = multiprocessing.get_context("fork")
    mine, theirs = fork.Pipe(duplex=False)
    process = fork.Process(target=_run, args=(task, theirs))
    try:
        with undisturbed(), suppress(OSError):  # there may be no further process to be had
            process.start()
        theirs.close()
        yield task if process.pid is None else lambda: _answer(process, mine, task)
    finally:
        if process.pid is not None:
            process.kill()
            process.join()
        mine.close()


def _run(task: Callable[[], Any], pipe) -> None:
    """The task, in the second process: nothing is printed there, and only its parent ends it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    gc.freeze()  # what the parent left is its own to take away
    tqdm.set_lock(threading.RLock())  # a thread of the parent may have held the old one
    threadpool_limits(1)  # OpenMP's threads do not come along: a loop on several would not end
    _allowed.set(False)
    with open(os.devnull, "w") as sys.stderr, warnings.catch_warnings(record=True) as said:
        try:
            value, error = task(), None
        except Exception as raised:
            value, error = None, raised
    pipe.send((value, error, [(w.message, w.category, w.filename, w.lineno) for w in said]))


def _end_with_parent() -> None:
    multiprocessing.parent_process().join()  # type: ignore[union-attr]
    os._exit(1)


def _answer(process, pipe, task: Callable[[], Any]) -> Any:
    used = -1.0
    while not pipe.poll(IDLE_S):
        before, used = used, _processor_time(process.pid)
        if used == before:
            return task()
    try:
        value, error, said = pipe.recv()
    except EOFError:
        return task()
    for warning in said:
        warnings.warn_explicit(*warning)
    if error is not None:
        raise error
    return value


def _resident() -> int:
    """Bytes of memory that this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _processor_time(pid: int) -> float:
    """Ticks of the processor's clock that a process has used."""
    user, kernel = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return int(user) + int(kernel)
