"""Delimited text cut into records: header found, lines numbered truly, torn lines set aside.

The records are cut here, with NumPy, so that every one keeps its line in the file and its own
text; pyarrow then only takes the cells out of records that are known to be whole.
"""

from __future__ import annotations

import codecs
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import IO, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.csv

from kequn_lab._notes import Note
from kequn_lab.contract._encodings import BLOCK, encoding_of
from kequn_lab.contract._header import Header, column_names, find_header
from kequn_lab.contract._parts import Part, Torn

_SEPARATORS = ",;\t|"
_HEAD = 1 << 20  # bytes in which the header is looked for
_LONGEST = 1 << 24  # bytes of one record; beyond, a quote was never closed
_QUOTE, _NEWLINE, _RETURN = b'"\n\r'


@dataclass(frozen=True)
class Text:
    """A text file that was looked at: how it is read, and where its rows begin."""

    opened: Callable[[], IO[bytes]] = field(repr=False)
    name: str
    codec: str
    separator: str
    columns: tuple[str, ...]
    notes: tuple[Note, ...]
    start: int  # bytes of the UTF-8 text before the first row
    line: int  # of the first row
    mac: bool  # lines end in a carriage return only

    def parts(self, columns: list[str]) -> Iterator[Part]:
        """The rows in pieces, each column asked for as text."""
        cutter = _Cutter(self.name, self.separator, len(self.columns), self.line)
        for piece in cutter.pieces(_skipping(self.blocks(), self.start)):
            yield self._parsed(piece, columns)

    def blocks(self) -> Iterator[bytes]:
        return _utf8_blocks(self.opened, self.codec, self.mac)

    def _parsed(self, piece: _Piece, columns: list[str]) -> Part:
        if not len(piece.numbers):
            empty = pa.table({c: pa.array([], pa.string()) for c in columns})
            return Part(empty, piece.numbers, piece.torn)
        names = self.columns
        try:
            table = pa.csv.read_csv(
                pa.BufferReader(piece.data),
                read_options=pa.csv.ReadOptions(
                    use_threads=False, column_names=names, block_size=len(piece.data) + 1
                ),
                parse_options=pa.csv.ParseOptions(
                    delimiter=self.separator, newlines_in_values=True, ignore_empty_lines=False
                ),
                convert_options=pa.csv.ConvertOptions(
                    include_columns=columns,
                    column_types=dict.fromkeys(columns, pa.string()),
                    strings_can_be_null=False,
                    check_utf8=False,
                ),
            )
        except pa.ArrowInvalid as error:
            first, last = piece.numbers[[0, -1]]
            raise ValueError(
                f"{self.name}, lines {first} to {last}: no table of text ({error}); look for a "
                "quote that is not closed"
            ) from error
        return Part(table, piece.numbers, piece.torn)


def open_text(opened: Callable[[], IO[bytes]], name: str, encoding: str | None = None) -> Text:
    """Find encoding, separator and header of a text file; ``opened`` opens its bytes."""
    codec, notes = encoding_of(opened, name, encoding)
    head = _head(opened, codec)
    mac = b"\n" not in head and b"\r" in head
    head = head.replace(b"\r", b"\n") if mac else head
    head = head if head.endswith((b"\n", b"\r")) else head + b"\n"
    if 0 in head:
        line = head[: head.index(0)].count(b"\n") + 1
        raise ValueError(f"{name}, line {line}: a zero byte; this is no text (save it as CSV)")
    declared = re.match(rb"(?i)sep=(.)\r?\n", head)  # a line that Excel understands
    separator = declared.group(1).decode() if declared else _separator(head)
    offset, line = (declared.end(), 2) if declared else (0, 1)
    rows = list(_records(head, separator, offset, line, limit=100))
    header: Header = find_header([r.cells for r in rows], [r.line for r in rows], name, "line")
    found = rows[header.place]
    where = f"{name}, line {found.line}"
    columns, more = column_names(found.cells, where)
    return Text(
        opened, name, codec, separator, columns, (*notes, *header.notes, *more),
        found.end, found.line + head[found.start : found.end].count(b"\n"), mac,
    )  # fmt: skip


class _Record(NamedTuple):
    start: int
    end: int
    line: int
    cells: list[str]


def _head(opened, codec: str) -> bytes:
    """The beginning of the text, whole lines if there is an end of line in it."""
    head = b""
    for block in _utf8_blocks(opened, codec, False):
        head += block
        if len(head) >= _HEAD and (b"\n" in head or b"\r" in head or len(head) > _LONGEST):
            return head[: max(head.rfind(b"\n"), head.rfind(b"\r")) + 1] or head
    return head


def _utf8_blocks(opened, codec: str, mac: bool) -> Iterator[bytes]:
    """The file as UTF-8 without a mark, in blocks cut anywhere."""
    decoder = None if codec == "utf-8" else codecs.getincrementaldecoder(codec)()
    with opened() as file:
        while block := file.read(BLOCK):
            if decoder is not None:
                block = decoder.decode(block).encode("utf-8", "surrogatepass")
            yield block.replace(b"\r", b"\n") if mac else block


def _skipping(blocks: Iterator[bytes], start: int) -> Iterator[bytes]:
    for block in blocks:
        if start < len(block):
            yield block[start:]
        start = max(start - len(block), 0)


def _separator(head: bytes) -> str:
    """The separator by which most lines have the same number of fields, more than one."""

    def agreement(separator: str) -> tuple[int, int]:
        widths = Counter(len(r.cells) for r in _records(head, separator, 0, 1, limit=100))
        return max(((n, width) for width, n in widths.items() if width > 1), default=(0, 0))

    return max(_SEPARATORS, key=agreement)


def _field(separator: bytes) -> re.Pattern[bytes]:
    """One cell; a quote counts only at its start, and a doubled one inside is a quote."""
    s = re.escape(separator)
    return re.compile(rb'"([^"]*+(?:""[^"]*+)*+)"([^%b\r\n]*+)|((?!")[^%b\r\n]*+)' % (s, s))


def _records(head: bytes, separator: str, pos: int, line: int, *, limit: int) -> Iterator[_Record]:
    """The first records, cell by cell; a line with a quote that never closes is taken alone."""
    sep, pattern, far = separator.encode(), _field(separator.encode()), pos + (1 << 18)
    while pos < len(head) and limit and (pos < far or limit > 95):
        start, cells = pos, list[str]()
        end = head.find(b"\n", pos)
        special = b'"' in head[start:end]
        while special:
            m = pattern.match(head, pos)
            if m is None:
                cells = []
                break
            quoted, rest, plain = m.groups()
            cell = plain if quoted is None else quoted.replace(b'""', b'"') + rest
            cells.append(cell.decode("utf-8", "replace"))
            pos = m.end()
            if head[pos : pos + 1] != sep:
                break
            pos += 1
        if not cells:
            pos = end - head.startswith(b"\r", max(end - 1, start))
            cells = head[start:pos].decode("utf-8", "replace").split(separator)
        pos += 2 if head[pos : pos + 2] == b"\r\n" else 1
        yield _Record(start, pos, line, cells)
        line += head[start:pos].count(b"\n")
        limit -= 1


class _Piece(NamedTuple):
    """Bytes of whole records, their lines, and the lines that are none."""

    data: bytes
    numbers: np.ndarray
    torn: list[Torn]


class _Cutter:
    """Cuts blocks of text into records of ``width`` fields."""

    def __init__(self, name: str, separator: str, width: int, line: int):
        self.name, self.width, self.line = name, width, line
        self.separator = ord(separator)
        self.field = _field(separator.encode())

    def pieces(self, blocks: Iterator[bytes]) -> Iterator[_Piece]:
        rest = b""
        for block in blocks:
            piece, rest = self._cut(rest + block, last=False)
            yield piece
        if rest:
            yield self._cut(rest if rest[-1] in b"\n\r" else rest + b"\n", last=True)[0]

    def _cut(self, data: bytes, *, last: bool) -> tuple[_Piece, bytes]:
        """The whole records at the beginning of ``data``, and what is left of it."""
        if 0 in data:
            line = self.line + data.count(b"\n", 0, data.index(0))
            raise ValueError(f"{self.name}, line {line}: a zero byte, which no text has")
        if len(data) > 4 * _LONGEST:
            raise ValueError(f"{self.name}, line {self.line}: no end of the line in sight")
        text = np.frombuffer(data, np.uint8)
        ends = _ends_of_lines(text, last)
        starts = np.r_[0, ends + 1][: len(ends)]
        width, quotes, odd = self._fields(text, starts, ends)
        # A line that holds separators only, as spreadsheets export them, says nothing.
        returned = (ends > starts) & (text[ends - 1] == _RETURN)
        blank = ends - starts - returned == width - 1
        whole, head, why = (width == self.width) & ~blank, np.ones(len(ends), bool), {}
        stop, done, suspect = len(ends), 0, 0
        for i in np.flatnonzero(odd):
            if i < done:
                continue
            end, fields, proper = self._scan(data, int(starts[i]))
            if end < 0 or end > ends[-1]:
                end = -1
            if end < 0 and not last and len(data) - starts[i] < _LONGEST:
                stop = i  # the record goes on in the next block
                break
            j = len(ends) - 1 if end < 0 else int(np.searchsorted(ends, end))
            done, width[i] = i + 1, fields
            if end >= 0 and j == i:
                # After a quote that was not closed, a line with half a pair belongs to it.
                whole[i] = fields == self.width and (i >= suspect or quotes[i] % 2 == 0)
                if fields == self.width and not whole[i]:
                    why[i] = _CLOSED
            elif end >= 0 and fields == self.width and proper:
                whole[i : j + 1], head[i + 1 : j + 1], done = True, False, j + 1
            else:
                whole[i], suspect, why[i] = False, j + 1, _UNCLOSED
            blank[i] = False
        size = int(starts[stop]) if stop < len(ends) else int(ends[-1]) + 1 if len(ends) else 0
        newlines = np.cumsum(text[ends] == _NEWLINE)
        numbers = self.line + np.r_[0, newlines][: len(ends)]
        torn = []
        for i in np.flatnonzero(~(whole | blank)[:stop]):
            line = data[starts[i] : ends[i]].rstrip(b"\r").decode("utf-8", "replace")
            if line.strip(" \t\x1a"):  # blanks, or the mark by which DOS ends a file
                reason = why.get(i, f"{width[i]} fields where the header has {self.width}")
                torn.append(Torn(int(numbers[i]), reason, line))
        if whole[:stop].all():
            kept = data[:size]
        else:
            kept = text[:size][np.repeat(whole, ends - starts + 1)[:size]].tobytes()
        self.line += data.count(b"\n", 0, size)
        return _Piece(kept, numbers[:stop][(whole & head)[:stop]], torn), data[size:]

    def _fields(self, text, starts, ends):
        """Fields and quotes of every line, and which lines must be looked at one by one.

        A line is plain if its quotes come in pairs, and every first of a pair is at the
        start of a field or right after the second of another pair (a doubled quote).
        """
        separators, quotes = text == self.separator, text == _QUOTE
        count, odd = np.zeros(len(ends), np.int32), np.zeros(len(ends), bool)
        if quotes.any():
            total = np.cumsum(quotes, dtype=np.int32)[ends]
            count = np.diff(total, prepend=0)
            odd = count % 2 == 1
            inside = np.cumsum(quotes, dtype=np.uint8) & 1  # counted anew in every line
            earlier = np.repeat(((total - count) & 1).astype(np.uint8), ends - starts + 1)
            inside[: len(earlier)] ^= earlier
            separators &= inside == 0
            first = np.flatnonzero(quotes[: len(earlier)] & (inside[: len(earlier)] == 1))
            previous = np.where(first == 0, _NEWLINE, text[first - 1])
            strange = ~np.isin(previous, [self.separator, _QUOTE, _NEWLINE, _RETURN])
            odd[np.searchsorted(ends, first[strange])] = True
        fields = np.diff(np.cumsum(separators, dtype=np.int32)[ends], prepend=0) + 1
        return fields, count, odd

    def _scan(self, data: bytes, pos: int) -> tuple[int, int, bool]:
        """Where the record ends that starts at ``pos`` (-1: it does not), its fields, and
        whether every quote that closes is followed by a separator or the end."""
        fields, proper = 0, True
        while True:
            m, fields = self.field.match(data, pos), fields + 1
            if m is None or m.end() >= len(data):
                return -1, fields, False
            proper &= not m[2]
            pos = m.end() + 1
            if data[pos - 1] != self.separator:
                end = pos if data[pos - 1 : pos + 1] == b"\r\n" else pos - 1
                return end, fields, proper


_UNCLOSED = 'a quote (") opens here that is not closed in the same row'
_CLOSED = 'a quote (") closes here that did not open in the same row'


def _ends_of_lines(text: np.ndarray, last: bool) -> np.ndarray:
    """Where lines end: at every newline, and at a carriage return without one."""
    ends = np.flatnonzero(text == _NEWLINE)
    returns = np.flatnonzero(text == _RETURN)
    if not len(returns):
        return ends
    if len(returns) == len(ends) and (returns + 1 == ends).all():
        return ends
    if not last:
        returns = returns[returns < len(text) - 1]
    following = text[np.minimum(returns + 1, len(text) - 1)]
    return np.sort(np.r_[ends, returns[following != _NEWLINE]])
