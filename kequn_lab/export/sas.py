"""A scorecard as a SAS DATA step. SAS is not at hand where the tests run: they read the step with
a small interpreter of their own, so verify a copy with the golden rows before you rely on it."""

from __future__ import annotations

import re
import unicodedata

from kequn_lab.export._nearest import group_cards, offsets_of
from kequn_lab.export._records import fact, stamps
from kequn_lab.export.sql import _literal, _minus
from kequn_lab.features._levels import NO_LEVEL, WIDE_BLANK

__all__ = ["scorecard_sas"]

_PLAIN = re.compile("[A-Za-z_][A-Za-z0-9_]{0,31}")


def scorecard_sas(card, *, table: str, id_column: str = "customer_id") -> str:
    """One DATA step: id, ``cluster``, ``segment_id`` and ``distance`` of every row; by a scorecard
    of a registry ``permanent_id`` and ``run_id``, too.

    Parameters
    ----------
    card : Scorecard
    table : str
        The data set of the customer table: ``work.customers``.
    id_column : str
        The column that names the customer.

    Returns
    -------
    str
        A program that writes ``<table>_segments``. A row that misses a value which the scorecard
        does not fill, or belongs to no group of it, gets missing values.

    Raises
    ------
    ValueError
        A name that SAS does not take.

    Examples
    --------
    >>> from kequn_lab.export._example import card
    >>> print(scorecard_sas(card, table="work.customers"))
    options validvarname=any;
    data work.customers_segments (keep=customer_id cluster segment_id distance);
      set work.customers;
      length cluster 8 segment_id $ 11 distance 8;
      cluster = .; segment_id = ''; distance = .;
      _x0 = age; if missing(_x0) then _x0 = 4.0E1;
      if not missing(_x0) and _x0 < 1.8E1 then _x0 = 1.8E1;
      if _x0 > 9.0E1 then _x0 = 9.0E1;
      _z0 = (_x0 - 4.4E1) / 1.5E1;
      _d0 = (_z0 + 1.0E0)**2;
      _d1 = (_z0 - 1.0E0)**2;
      if not missing(_d0) then do;
        cluster = 0; segment_id = 'young_adult'; _least = _d0;
        if _d1 < _least then do; cluster = 1; segment_id = 'elderly'; _least = _d1; end;
        distance = sqrt(_least);
      end;
    run;
    """
    names = table.split(".")
    if len(names) > 2 or not all(map(_PLAIN.fullmatch, names)) or len(names[-1]) > 23:
        raise ValueError(
            f"table {table!r}: SAS takes library.name, letters, digits and _, 23 for the name"
        )
    own = _name(id_column)
    texts = ("segment_id", *stamps(card))
    longest = {n: max(len(fact(card, s, n).encode()) for s in card.segments) for n in texts}
    nothing = " ".join(f"{n} = '';" for n in texts)
    body = []
    parts = group_cards(card)
    for part in parts or [card]:
        lines = _labelled(part, card, texts)
        if parts:
            lines = [f"if {_name(card.by)} = {_literal(part.value)} then do;",
                     *(f"  {line}" for line in lines), "end;"]  # fmt: skip
        body += lines
    return "\n".join(
        [
            "options validvarname=any;",
            f"data {table}_segments (keep={own} cluster {' '.join(texts)} distance);",
            f"  set {table};",
            f"  length cluster 8 {' '.join(f'{n} $ {longest[n]}' for n in texts)} distance 8;",
            f"  cluster = .; {nothing} distance = .;",
            *(f"  {line}" for line in body),
            "run;",
        ]
    )


def _labelled(part, card, texts: tuple[str, ...]) -> list[str]:
    """The statements that label the customers of one group."""
    lines = []
    for j, f in enumerate(part.features):
        fill = "" if f.fill is None else f" if missing(_x{j}) then _x{j} = {_literal(f.fill)};"
        lines.append(f"_x{j} = {_name(f.name)};{fill}")
        if f.lower is not None:  # a missing value is less than every number
            low = _literal(f.lower)
            lines.append(f"if not missing(_x{j}) and _x{j} < {low} then _x{j} = {low};")
        if f.upper is not None:
            lines.append(f"if _x{j} > {_literal(f.upper)} then _x{j} = {_literal(f.upper)};")
        x = f"sign(_x{j}) * log(1 + abs(_x{j}))" if f.log else f"_x{j}"
        lines.append(f"_z{j} = ({x}{_minus(f.mean)}) / {_literal(f.scale)};")
    for j, c in enumerate(part.categories):
        lines += _level(c, j)
    for i, s in enumerate(part.segments):
        lines.append(f"_d{i} = {_squared(s.centre, part)};")
    lines.append("if not missing(_d0) then do;")
    offsets = offsets_of(part)
    for i, s in enumerate(part.segments):
        d = f"_d{i} + {_literal(offsets[i])}" if offsets else f"_d{i}"
        said = " ".join(f"{n} = {_text(fact(card, s, n))};" for n in texts)
        found = f"cluster = {s.cluster}; {said} _least = {d};"
        found += f" _own = _d{i};" if offsets else ""
        lines.append(f"  {found}" if i == 0 else f"  if {d} < _least then do; {found} end;")
    return [*lines, f"  distance = sqrt({'_own' if offsets else '_least'});", "end;"]


def _level(c, j: int) -> list[str]:
    """``_c`` is the place of the customer's level, 0 for the mean."""
    text = f"_t{j}"
    none = ", ".join(_text(t) for t in ("", *(t for t in NO_LEVEL if t)))
    longest = max((len(t.encode()) for x in c.levels for t in x.spellings), default=0)
    lines = [f"length {text} $ {longest + 8};",
             f"{text} = strip(tranwrd({_name(c.name)}, {_text(WIDE_BLANK)}, ' '));",
             f"_c{j} = {c.position(c.unseen) + 1};"]  # fmt: skip
    for i, x in enumerate(c.levels, start=1):
        if x.spellings:
            lines.append(f"if {text} in ({', '.join(map(_text, x.spellings))}) then _c{j} = {i};")
    return [*lines, f"if {text} in ({none}) then _c{j} = {c.position(c.missing) + 1};"]


def _squared(centre, part) -> str:
    """The squared distance to a centre: of the numbers, then of each category its level's."""
    axis = len(part.features)
    terms = [f"(_z{j}{_minus(c)})**2" for j, c in enumerate(centre[:axis])]
    for j, c in enumerate(part.categories):
        *own, mean = c.gaps(centre[axis : axis + len(c.axes)])
        axis += len(c.axes)
        terms.append(f"choosen(_c{j} + 1, {', '.join(map(_literal, [mean, *own]))})")
    return "\n    + ".join(terms)


def _name(name: str) -> str:
    if _PLAIN.fullmatch(name):
        return name
    if not name.isprintable() or not 0 < len(name.encode()) <= 32:
        raise ValueError(f"{name!r} cannot name a column in SAS: 1 to 32 bytes, printable")
    return _text(name) + "n"


def _text(value: str) -> str:
    """In single quotes SAS looks for no macro."""
    if any(unicodedata.category(c).startswith("C") for c in value):
        raise ValueError(f"level {value!r} holds a control character, which SAS does not take")
    doubled = value.replace("'", "''")
    return f"'{doubled}'"
