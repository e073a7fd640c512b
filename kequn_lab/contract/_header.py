"""Which row of a table is its header, and what its columns are called."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from kequn_lab._notes import Note

_NUMBER = re.compile(r"[-+(¥$€]*\d[\d.,:/\-+年月日时分秒T Ee%)]*")
_SHOWN = 30


class Header(NamedTuple):
    """The place of the header among the rows that were looked at, and what was skipped."""

    place: int
    notes: tuple[Note, ...]


def find_header(
    rows: Sequence[Sequence[str]], numbers: Sequence[int], name: str, row_name: str
) -> Header:
    """Find the header below blank rows and titles.

    The header is the first row with a name for most columns of the table. Rows above it that
    fill at most half of the columns are titles, and are said.

    Parameters
    ----------
    rows : sequence of rows of text
        The first hundred or so.
    numbers : sequence of int
        The line or row of each, in the file.
    name, row_name : str
        For messages.

    Raises
    ------
    ValueError
        No row holds anything; two rows could both be the header.
    """
    filled = [sum(bool(c.strip()) for c in row) for row in rows]
    top = next((i for i, n in enumerate(filled) if n), None)
    if top is None:
        raise ValueError(f"{name}: nothing but blank {row_name}s; export it again with its header")
    widths = Counter(len(row) for row, n in zip(rows, filled) if n and len(row) > 1)
    width = max(widths.items(), key=lambda item: (item[1], item[0]), default=(len(rows[top]), 0))[0]
    whole = len(rows[top]) == width and filled[top] >= max(width - 1, width / 2 + 0.5)
    # Names may be years; but in a narrow table such a row may be a title with its date.
    if whole and (_names(rows[top]) or (width > 3 and not _all_numbers(rows[top]))):
        return Header(top, _skipped(rows, numbers, filled, top, name, row_name))
    below = next(
        (
            i
            for i in range(top + 1, min(len(rows) - 1, 50))
            if len(rows[i]) == width and filled[i] > width / 2 and _names(rows[i])
        ),
        None,
    )
    if below is None and _all_numbers(rows[top]):
        raise ValueError(
            f"{name}: {row_name} {numbers[top]} holds numbers ({', '.join(rows[top])[:_SHOWN]}) "
            "and there is no header above it; put a row with the names of the columns there"
        )
    if below is None or width == 1:
        return Header(top, _skipped(rows, numbers, filled, top, name, row_name))
    if max(filled[top:below]) > width / 2:
        first, second = (
            f"{row_name} {numbers[i]} ({', '.join(rows[i])[:_SHOWN]!r}, {len(rows[i])} fields)"
            for i in (top, below)
        )
        raise ValueError(
            f"{name}: {first} and {second} could both be the header; leave one header, with a "
            "name for every column, and nothing above it"
        )
    return Header(below, _skipped(rows, numbers, filled, below, name, row_name))


def _names(row: Sequence[str]) -> bool:
    """Whether the cells read as names: none is a number or a date."""
    return not any(_NUMBER.fullmatch(c.strip()) for c in row)


def _all_numbers(row: Sequence[str]) -> bool:
    return all(_NUMBER.fullmatch(c.strip()) for c in row if c.strip())


def _skipped(rows, numbers, filled, index: int, name: str, row_name: str) -> tuple[Note, ...]:
    """The lines above the header, and whether the header may be data."""
    line, notes = numbers[index], []
    titles = [" ".join(rows[i]).strip()[:_SHOWN] for i in range(index) if filled[i]][:3]
    if index:
        zh = f"；其上为：{'；'.join(titles)}" if titles else "，其上为空行"
        en = f"above it: {'; '.join(titles)}" if titles else f"the {row_name}s above it are blank"
        zh = f"{name}：表头在第 {line} 行{zh}"
        en = f"{name}: the header is {row_name} {line}; {en}"
        notes.append(Note("header_below_top", zh, en, line, level="note"))
    cells = [c.strip() for c in rows[index] if c.strip()]
    odd = [c for c in cells if _NUMBER.fullmatch(c)]
    if len(odd) > len(cells) / 2 and len(cells) > 2:
        zh = f"{name}：表头（第 {line} 行）多为数字或日期（{odd[0]} 等）；若文件没有表头，请加上"
        en = (
            f"{name}: most names in the header ({row_name} {line}) are numbers or dates, such as "
            f"{odd[0]}; if the file has no header, add one"
        )
        notes.append(Note("header_of_numbers", zh, en, len(odd)))
    return tuple(notes)


def column_names(cells: Sequence[object], where: str) -> tuple[tuple[str, ...], tuple[Note, ...]]:
    """Names of columns as messages and options use them; a name given twice is an error.

    Blanks around a name go, a line break in it becomes a blank, and a column without a name is
    called by its place.

    Examples
    --------
    >>> column_names([" id", "annual\\nincome", ""], "a.csv")[0]
    ('id', 'annual income', 'unnamed_3')
    >>> column_names(["id", "age", "age"], "a.csv, line 1")
    Traceback (most recent call last):
        ...
    ValueError: a.csv, line 1: column named twice: age; rename one
    """
    names = [re.sub(r"\s*[\r\n]+\s*", " ", str(c).strip("\ufeff \t\r\n　")) for c in cells]
    empty = [i for i, n in enumerate(names, 1) if not n]
    names = [n or f"unnamed_{i}" for i, n in enumerate(names, 1)]
    twice = [n for n, count in Counter(names).items() if count > 1]
    if twice:
        raise ValueError(f"{where}: column named twice: {', '.join(twice[:10])}; rename one")
    if not empty:
        return tuple(names), ()
    shown = ", ".join(f"unnamed_{i}" for i in empty[:5]) + (" …" if len(empty) > 5 else "")
    note = Note(
        "columns_without_name",
        f"{where}：{len(empty)} 列没有列名，按位置称为 {shown}",
        f"{where}: {len(empty)} columns have no name; they are called {shown}",
        value=len(empty),
        level="note",
    )
    return tuple(names), (note,)
