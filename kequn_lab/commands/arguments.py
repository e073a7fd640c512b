"""Words typed on the command line, made into values or refused before any work is done."""

from __future__ import annotations

import argparse
import csv
import difflib
import io
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path

__all__ = [
    "check_catalogue", "check_names", "check_paths", "clusters", "columns", "day", "overrides",
    "renaming", "share", "table", "whole",
]  # fmt: skip


def whole(least: int, most: int | None = None) -> Callable[[str], int]:
    """A whole number within bounds.

    Examples
    --------
    >>> whole(1)("25")
    25
    """

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = None
        if value is None or value < least or (most is not None and value > most):
            bounds = f"from {least} on" if most is None else f"from {least} to {most}"
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number {bounds}")
        return value

    return read


def share(text: str) -> float:
    """A number from 0 to 1.

    Examples
    --------
    >>> share("0.3")
    0.3
    """
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 1")
    return value


def clusters(text: str) -> int | range | dict[float, int] | str:
    """A number of clusters, a range to weigh, a number by group, or auto.

    Examples
    --------
    >>> clusters("8"), clusters("auto"), clusters("2:4"), clusters("0=6,1=3")
    (8, 'auto', range(2, 5), {0.0: 6, 1.0: 3})
    """
    if text == "auto":
        return text
    if "=" in text:
        return _by_group(text)
    first, colon, last = text.partition(":")
    try:
        low, high = int(first), int(last if colon else first)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}; write 8, auto, 2:12 or 0=6,1=3") from None
    if not colon and low > 0:
        return low
    if min(low, high) < 2:
        least = "a range starts from 2" if colon else "at least 1"
        raise argparse.ArgumentTypeError(f"{text!r} clusters: {least}")
    if low >= high:
        instead = str(low) if low == high else f"{high}:{low}"
        raise argparse.ArgumentTypeError(f"{text!r} runs from low to high; write {instead}")
    return range(low, high + 1)


def _by_group(text: str) -> dict[float, int]:
    """A number of clusters for each value of the column of ``--by``."""
    out: dict[float, int] = {}
    for pair in columns(text):
        value, _, k = (part.strip() for part in pair.partition("="))
        try:
            group, number = float(value), int(k)
        except ValueError:
            number = 0
        if number < 1:
            raise argparse.ArgumentTypeError(
                f"{pair!r}; write 0=6,1=3, a number for each group (no is 0, yes is 1)"
            )
        if group in out:
            raise argparse.ArgumentTypeError(f"group {value} has two numbers in {text!r}")
        out[group] = number
    return out


def columns(text: str) -> tuple[str, ...]:
    """Names separated by commas; a name with a comma in it is quoted ("").

    Examples
    --------
    >>> columns('age, "Income, yearly"')
    ('age', 'Income, yearly')
    """
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), skipinitialspace=True, strict=True))
    except csv.Error:
        hint = "write a name that holds a comma or a quote as '\"Income, yearly\"'"
        raise argparse.ArgumentTypeError(f"{text!r}; {hint}") from None
    return tuple(name.strip() for row in rows for name in row if name.strip())


def table(text: str) -> Path | str:
    """A file, or the address of a database.

    Examples
    --------
    >>> table("sqlite:///bank.db")
    'sqlite:///bank.db'
    """
    return text if "://" in text else Path(text)


def overrides(text: str) -> dict[int, str | tuple[str, str]]:
    """Names of clusters, given by a person.

    Examples
    --------
    >>> overrides("0=elderly,3=高净值客户/High net worth")
    {0: 'elderly', 3: ('高净值客户', 'High net worth')}
    """
    out: dict[int, str | tuple[str, str]] = {}
    for pair in columns(text):
        cluster, _, segment = (part.strip() for part in pair.partition("="))
        if not (cluster.isdecimal() and segment):
            raise argparse.ArgumentTypeError(f"{pair!r}; write 0=elderly,3=young_adult")
        segment = _both_languages(segment)
        if int(cluster) in out:
            raise argparse.ArgumentTypeError(f"cluster {cluster} has two names in {text!r}")
        if segment in out.values():
            raise argparse.ArgumentTypeError(f"{segment} is given to two clusters in {text!r}")
        out[int(cluster)] = segment
    return out


def renaming(text: str) -> tuple[str, str | tuple[str, str]]:
    """A segment, by its cluster, id or name, and its new name.

    Examples
    --------
    >>> renaming("5=高净值客户/High net worth")
    ('5', ('高净值客户', 'High net worth'))
    """
    which, _, name = (part.strip() for part in text.partition("="))
    if not (which and name):
        raise argparse.ArgumentTypeError(f"{text!r}; write 5=高净值客户 or 5=中文/English")
    return which, _both_languages(name)


def _both_languages(name: str) -> str | tuple[str, str]:
    zh, slash, en = (part.strip() for part in name.partition("/"))
    if slash and not (zh and en):
        raise argparse.ArgumentTypeError(f"{name!r}; write a name, or both as 中文/English")
    return (zh, en) if slash else name


def day(text: str) -> str:
    """A date, as YYYY-MM-DD.

    Examples
    --------
    >>> day("2024-12-31")
    '2024-12-31'
    """
    try:
        value = date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a day; write YYYY-MM-DD") from None
    if not 1900 <= value.year <= 2200:
        raise argparse.ArgumentTypeError(f"{text!r} lies outside the years 1900 to 2200")
    return value.isoformat()


def check_paths(args: argparse.Namespace, files: Iterable[str], folders: Iterable[str]) -> None:
    """Options that name a file or a folder which must be there.

    Raises
    ------
    OSError
        One is absent, or the other kind.
    """
    for name in (*files, *folders):
        path = getattr(args, name, None)
        if not isinstance(path, Path):
            continue
        option = "" if name in ("file", "result", "other", "registry") else f"--{name} "
        if not path.exists():
            beside = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
            near = difflib.get_close_matches(path.name, beside, n=1)
            hint = f"; did you mean {path.with_name(near[0])}?" if near else ""
            raise FileNotFoundError(f"{option}{path} does not exist{hint}")
        if name in folders and not path.is_dir():
            raise NotADirectoryError(f"{option}{path} is a file; name a folder")
        if name in files and path.is_dir():
            raise IsADirectoryError(f"{option}{path} is a folder; name a file")
        if name == "previous" and not (path / "labels.csv").is_file():
            raise FileNotFoundError(f"--previous {path} is no result of a run: no labels.csv in it")


def check_catalogue(folder: Path | None) -> None:
    """A catalogue of the user's own can be read, before any customer is.

    Raises
    ------
    OSError, ContractError, ValueError
        A table is absent, or wrong in itself.
    """
    from kequn_lab import catalogue
    from kequn_lab.compare.criteria import Criteria

    if folder is not None:
        book = catalogue.book(folder=folder)
        if len(book["criteria"]) or len(book["weights"]):
            Criteria(book["criteria"], book["weights"])


def check_names(
    names: dict | None, k: int | range | dict | str, folder: Path | None, by: str | None = None
) -> None:
    """Names that a person gives belong to clusters and segments that there are.

    Parameters
    ----------
    names : dict or None
        By cluster.
    k : int, range, dict or "auto"
        As :func:`clusters`.
    folder : path or None
        Of the catalogue.
    by : str, optional
        With groups nobody knows before the run how many clusters there are.

    Raises
    ------
    ValueError
        A cluster beyond ``k``, or nearly a segment of the catalogue.
    """
    from kequn_lab import catalogue
    from kequn_lab.segments.kmeans import N_CLUSTERS

    most = k[-1] if isinstance(k, range) else k if isinstance(k, int) else N_CLUSTERS
    beyond = [str(c) for c in names or () if c >= most]
    if beyond and by is None:
        raise ValueError(f"--names: no cluster {', '.join(beyond)}; they are 0 to {most - 1}")
    known = list(catalogue.read("segments", folder=folder)["segment_id"])
    for name in (n for n in (names or {}).values() if isinstance(n, str)):
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.8)
        if near and name not in known:
            raise ValueError(
                f"--names: no segment {name!r}; did you mean {near[0]}? "
                f"(known: {', '.join(known)}; or a name of your own)"
            )
