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
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from tqdm.auto import tqdm

from kequn_lab._signals import undisturbed

__all__ = ["beside", "two_processes"]

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
    process, however that ends.

    Examples
    --------
    >>> with beside(lambda: 1 + 1) as two:
    ...     two()
    2
    """
    if not _allowed.get():
        yield task
        return
    fork = multiprocessing.get_context("fork")
    mine, theirs = fork.Pipe(duplex=False)
    process = fork.Process(target=_run, args=(task, theirs))
    try:
        with undisturbed():
            process.start()
        theirs.close()
        yield lambda: _answer(mine)
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


def _answer(pipe) -> Any:
    try:
        value, error, said = pipe.recv()
    except EOFError:
        raise MemoryError("a process of this command was ended from outside") from None
    for warning in said:
        warnings.warn_explicit(*warning)
    if error is not None:
        raise error
    return value
