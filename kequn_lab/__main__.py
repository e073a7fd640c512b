"""The command line: ``kequn run``, ``kequn check``, ``kequn score`` … (``kequn --help``).

Exit codes: 0 all is well, 1 the input is wrong (the message says where), 2 wrong usage, 70 a
fault of the kit, 130 stopped by Ctrl-C or a kill.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

from kequn_lab.commands.console import console, guarded
from kequn_lab.commands.parser import parser

__all__ = ["main"]

_ROOMS = {
    "running": ("run", "init", "check", "score", "sample"),
    "registering": ("registry",),
    "teaching": ("workshop",),
    "reworking": ("rename", "report", "plot", "sql", "sas", "pmml", "compare", "verify"),
}


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    with console(), _seldom_collected():
        given = " ".join(sys.argv[1:] if argv is None else argv).replace("=", " ")
        args = parser("zh" if "--language zh" in given else "en").parse_args(argv)
        how = {"debug": args.debug, "language": args.language or "en"}
        return guarded(lambda: _do(args), name=f"kequn {args.command}", **how)


@contextmanager
def _seldom_collected() -> Iterator[None]:
    """Look for cycles of dead objects seldom: a command makes many objects and few cycles, and
    looking through all of them again and again is 7 % of a run."""
    before = gc.get_threshold()
    gc.set_threshold(100_000, 50, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _do(args) -> int:
    room = next(room for room, commands in _ROOMS.items() if args.command in commands)
    return getattr(import_module(f"kequn_lab.commands.{room}"), args.command)(args)


if __name__ == "__main__":
    sys.exit(main())
