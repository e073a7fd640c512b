"""Ctrl-C and its like: every request to end is one, and none comes at a bad moment."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["asked_to_end", "stoppable", "undisturbed"]

_SIGNALS = [getattr(signal, s) for s in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, s)]


_asked: list[int] = []  # requests that came in the block of `stoppable`


@contextmanager
def stoppable() -> Iterator[None]:
    """Treat the request to end (SIGTERM, a closed terminal) as Ctrl-C while the block runs.

    An error that comes after the request is taken for it, too: a library that is interrupted may
    raise one of its own (DuckDB: "Query interrupted").
    """

    def end(signum, frame):
        _asked.append(signum)
        signal.default_int_handler(signum, frame)

    try:
        with _handling(end, _SIGNALS):
            yield
    except Exception:
        if _asked:
            raise KeyboardInterrupt from None
        raise
    finally:
        _asked.clear()


def asked_to_end() -> bool:
    """Whether a request came, even one that was lost: Python drops what a destructor raises."""
    return bool(_asked)


@contextmanager
def _handling(handler, signals) -> Iterator[None]:
    """Other handlers for a while, where this thread may set them."""
    before = {}
    if threading.current_thread() is threading.main_thread():
        before = {s: h for s in signals if (h := signal.getsignal(s)) is not None}
        before = {s: h for s, h in before.items() if h is not signal.SIG_IGN}
    for signum in before:
        signal.signal(signum, handler)
    try:
        yield
    finally:
        for signum, old in before.items():
            signal.signal(signum, old)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Let Ctrl-C and its like wait until the block is done."""
    came: list[int] = []
    with _handling(lambda signum, frame: came.append(signum), _SIGNALS):
        yield
    for signum in came[:1]:
        signal.raise_signal(signum)
