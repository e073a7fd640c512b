"""The console: text that every terminal can show, and errors as sentences, not as tracebacks."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from kequn_lab._rules import rule_text
from kequn_lab._signals import stoppable

__all__ = ["console", "guarded", "sentence"]

WRONG_INPUT, FAULT, INTERRUPTED = 1, 70, 130  # 70: EX_SOFTWARE of sysexits.h
_DEBUG = "KEQUN_DEBUG"
_SYSTEM = {
    FileNotFoundError: "does not exist",
    IsADirectoryError: "is a folder; name a file",
    NotADirectoryError: "is a file, or is inside one; name a folder",
    PermissionError: "may not be read or written by you",
    FileExistsError: "is there already",
}


class _Stream:
    """A stream whose reader may leave (``| head -1``): the rest is dropped, the work goes on."""

    def __init__(self, stream):
        self._stream = stream

    def write(self, text: str) -> int:
        self._try(self._stream.write, text)
        return len(text)

    def flush(self) -> None:
        self._try(self._stream.flush)

    def _try(self, do: Callable, *args) -> None:
        try:
            do(*args)
        except BrokenPipeError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)

    def __getattr__(self, name):
        return getattr(self._stream, name)


@contextmanager
def console() -> Iterator[None]:
    """Within the block, no character and no closed pipe stops a command that prints.

    A terminal without Chinese letters gets ``\\u5ba2`` for 客.
    """
    own = sys.stdout, sys.stderr
    for stream in filter(None, own):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    sys.stdout, sys.stderr = (stream and _Stream(stream) for stream in own)
    try:
        yield
    finally:
        for stream in filter(None, (sys.stdout, sys.stderr)):
            stream.flush()
        sys.stdout, sys.stderr = own


def guarded(
    command: Callable[[], int], *, name: str, debug: bool = False, language: str = "en"
) -> int:
    """Run a command; whatever goes wrong becomes one sentence on stderr and an exit code.

    Parameters
    ----------
    command : callable
        Gives the exit code.
    name : str
        As messages call the command.
    debug : bool
        Show the traceback of an error, too; so does the environment variable ``KEQUN_DEBUG``.
    language : str
        ``zh`` or ``en``; sentences without a Chinese form stay English.

    Returns
    -------
    int
        What the command gave; 1 for wrong input; 70 for a fault of ours; 130 where Ctrl-C or a
        kill stopped it.

    Examples
    --------
    >>> guarded(lambda: 0, name="kequn run")
    0
    """
    debug = debug or os.environ.get(_DEBUG, "") not in ("", "0")
    try:
        with stoppable(), warnings.catch_warnings():
            if not debug:  # a sentence, without the line of code that it was said in
                warnings.showwarning = lambda said, *_: print(f"- {said}", file=sys.stderr)
                warnings.filterwarnings("ignore", "constrained_layout")  # of matplotlib's margins
            return command()
    except KeyboardInterrupt as stop:  # whoever writes says what was written
        said = str(stop) or "interrupted: nothing was written"
        print(rule_text(said, language), file=sys.stderr)
        return INTERRUPTED
    except (ValueError, OSError, ImportError, MemoryError) as error:
        told = getattr(error, "text", None)  # a ContractError has its message in both languages
        _say(name, told(language) if told else rule_text(sentence(error), language), debug)
        return WRONG_INPUT
    except Exception as error:  # the last net: nobody at a console should read a traceback
        again = "" if debug else f"; to see where, run it again with --debug (or {_DEBUG}=1)"
        said = f"unexpected {type(error).__name__}: {error}. This is a fault of kequn{again}"
        _say(name, said, debug)
        return FAULT


def _say(name: str, text: str, debug: bool) -> None:
    if debug:
        import traceback

        traceback.print_exc()
    print(f"{name}: {text}", file=sys.stderr)


def sentence(error: BaseException) -> str:
    """What went wrong, without the words of Python or of the operating system.

    Examples
    --------
    >>> sentence(FileNotFoundError(2, "No such file or directory", "bank.toml"))
    'bank.toml does not exist'
    >>> sentence(ValueError("k is 1; give 2 or more"))
    'k is 1; give 2 or more'
    """
    if isinstance(error, MemoryError):
        return "not enough memory; take fewer rows or columns, or a larger machine"
    if isinstance(error, OSError) and error.strerror:
        what = _SYSTEM.get(type(error), error.strerror[0].lower() + error.strerror[1:])
        return error.strerror if error.filename is None else f"{os.fsdecode(error.filename)} {what}"
    return str(error) or type(error).__name__
