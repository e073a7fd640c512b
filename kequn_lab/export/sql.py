"""A scorecard as one SELECT in the bank's own database.

Executed and compared with ``Scorecard.predict`` by the tests: DuckDB, SQLite, PostgreSQL,
MariaDB (and Spark where it is installed). GaussDB's text is executed in PostgreSQL. MySQL, Hive,
Oracle and SQL Server: the text is parsed in their dialect but **not executed here**; verify it
with the golden rows before you rely on it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from kequn_lab.export._categories import code_sql
from kequn_lab.export._nearest import group_cards, offsets_of
from kequn_lab.export._records import fact, stamps

__all__ = ["DIALECTS", "Dialect", "scorecard_sql"]


@dataclass(frozen=True)
class Dialect:
    """What differs between engines.

    ``quotes`` enclose names; ``double`` is the type of 8-byte numbers.
    ``fence`` and ``limit`` make the engine compute a step once, where
    it would otherwise copy the step's text into every place that uses it. ``nan``: columns
    can hold NaN, which is taken as missing. ``upper``: plain names are kept in capitals.
    ``text``: a column as text without blanks around it, compared letter by letter; ``backslash``
    and ``dollar`` mean something in texts there; ``national`` is the prefix of texts.
    """

    quotes: str = '""'
    double: str = "DOUBLE"
    ln: str = "LN"
    fence: str = ""
    limit: str = ""
    nan: bool = False
    upper: bool = False
    text: str = "TRIM(CAST({} AS VARCHAR))"
    backslash: bool = False
    dollar: bool = False
    national: str = ""


_MYSQL = Dialect(
    quotes="``",
    limit="\n  LIMIT 18446744073709551615",
    text="CONVERT(TRIM({}) USING utf8mb4) COLLATE utf8mb4_bin",
    backslash=True,
)
_POSTGRES = Dialect(
    double="DOUBLE PRECISION", fence="MATERIALIZED ", nan=True, text="TRIM(CAST({} AS TEXT))"
)
_HIVE = Dialect(quotes="``", text="TRIM(CAST({} AS STRING))", backslash=True, dollar=True)
DIALECTS: dict[str, Dialect] = {
    "duckdb": Dialect(nan=True),
    # Not "…" in SQLite: there a name that does not exist would silently become a text.
    "sqlite": Dialect(
        quotes="``", double="REAL", fence="MATERIALIZED ", text="TRIM(CAST({} AS TEXT))"
    ),
    "postgresql": _POSTGRES,
    "postgres": _POSTGRES,
    # GaussDB and openGauss speak PostgreSQL 9.2, which has no MATERIALIZED.
    "gaussdb": replace(_POSTGRES, fence="", limit="\n  OFFSET 0"),
    "mysql": _MYSQL,
    "mariadb": _MYSQL,
    "spark": replace(_HIVE, nan=True),
    "hive": _HIVE,
    "oracle": Dialect(double="BINARY_DOUBLE", upper=True, text="TRIM(CAST({} AS VARCHAR2(4000)))"),
    "sqlserver": Dialect(
        quotes="[]",
        double="FLOAT",
        ln="LOG",
        text="LTRIM(RTRIM(CAST({} AS NVARCHAR(4000)))) COLLATE Latin1_General_100_BIN2",
        national="N",
    ),
}


#: Columns that a result may have beside the id.
_RESULT = ("cluster", "segment_id", "permanent_id", "run_id", "distance")


def scorecard_sql(
    card, dialect: str, *, table: str | tuple[str, ...], id_column: str = "customer_id"
) -> str:
    """One SELECT: id, ``cluster``, ``segment_id`` and ``distance`` of every row; by a scorecard of
    a registry ``permanent_id`` and ``run_id``, too.

    Parameters
    ----------
    card : Scorecard
    dialect : str
        A key of :data:`DIALECTS`.
    table : str or tuple of str
        The customer table: ``"customers"``, ``"dw.customers"``; a tuple takes names that
        contain dots.
    id_column : str
        The column that names the customer.

    Returns
    -------
    str
        A query that reads and changes nothing; put ``CREATE TABLE … AS`` before it as you
        like. A row that misses a value which the scorecard does not fill, or belongs to no group
        of it, gets NULL.

    Raises
    ------
    ValueError
        Unknown dialect, a name that no database takes, or an id column that is called like a
        column of the result.

    Notes
    -----
    Numbers carry 17 digits and an exponent, so that no engine reads them as DECIMAL. SQLite
    needs its mathematical functions (``LN``, since 3.35). In Oracle a plain name is written
    in capitals, as Oracle itself would read it.

    Examples
    --------
    >>> from kequn_lab.export._example import card
    >>> print(scorecard_sql(card, "duckdb", table="bank.customers"))
    WITH clipped AS (
      SELECT
        "customer_id" AS id,
        CASE WHEN "age" IS NULL OR "age" = CAST('NaN' AS DOUBLE) THEN 4.0E1
          WHEN "age" < 1.8E1 THEN 1.8E1 WHEN "age" > 9.0E1 THEN 9.0E1
          ELSE CAST("age" AS DOUBLE) END AS x0
      FROM "bank"."customers"
    ), standardised AS (
      SELECT
        id,
        (x0 - 4.4E1) / 1.5E1 AS z0
      FROM clipped
    ), squared AS (
      SELECT
        id,
        (z0 + 1.0E0) * (z0 + 1.0E0) AS d0,
        (z0 - 1.0E0) * (z0 - 1.0E0) AS d1
      FROM standardised
    ), nearest AS (
      SELECT
        id,
        CASE WHEN d0 IS NULL THEN NULL WHEN d0 <= d1 THEN 0 ELSE 1 END AS cluster,
        d0, d1
      FROM squared
    )
    SELECT
      id AS "customer_id",
      cluster AS "cluster",
      CASE cluster WHEN 0 THEN 'young_adult' WHEN 1 THEN 'elderly' END AS "segment_id",
      CASE cluster WHEN 0 THEN SQRT(d0) WHEN 1 THEN SQRT(d1) END AS "distance"
    FROM nearest
    """
    if dialect not in DIALECTS:
        raise ValueError(f"unknown dialect {dialect!r}; known: {', '.join(DIALECTS)}")
    d = DIALECTS[dialect]
    if id_column.lower() in _RESULT:
        raise ValueError(
            f"id_column {id_column!r} would be twice in the result, which may have "
            f"{', '.join(_RESULT)}; rename it in a view"
        )
    parts = table.split(".") if isinstance(table, str) else table
    if not parts:
        raise ValueError("table has no name")
    source = ".".join(_name(part, d) for part in parts)
    own_id = _name(id_column, d)
    steps, selects = [], []
    columns = ["cluster", "segment_id", *stamps(card), "distance"]
    for number, part in enumerate(group_cards(card) or [card]):
        where, mark = "", ""
        if card.groups:
            where, mark = f"\n  WHERE {_is(card.by, part.value, d)}", f"_{number}"
        own, last = _steps(part, d, own_id, source, where, mark, taken=parts[-1].lower())
        steps += own
        result = {name: _by_centre(_text(fact(card, s, name)) for s in part.segments)
                  for name in columns[1:-1]}  # fmt: skip
        result["distance"] = _by_centre(f"SQRT(d{i})" for i in range(len(part.segments)))
        result["cluster"] = "cluster"
        if card.groups:
            result["cluster"] = _by_centre(s.cluster for s in part.segments)
        selects.append(_select("id", {c: result[c] for c in columns}, own_id, last, d))
    if card.groups:  # customers of no group are named, without a segment
        others = " AND ".join(f"NOT {_is(card.by, g.value, d)}" for g in card.groups)
        name = _name(card.by, d)
        nobody = f"{source}\nWHERE {name} IS NULL OR ({others})"
        selects.append(_select(own_id, dict.fromkeys(columns, "NULL"), own_id, nobody, d))
    return f"WITH {', '.join(steps)}\n" + "\nUNION ALL\n".join(selects)


def standardised_sql(card, dialect: str, *, table: str, id_column: str = "customer_id") -> str:
    """The steps of :func:`scorecard_sql` up to ``standardised``: ``WITH`` and no ``SELECT``.

    Parameters
    ----------
    card : Scorecard
        Without groups or categories.
    dialect, table, id_column
        As :func:`scorecard_sql`.
    """
    d = DIALECTS[dialect]
    steps, _ = _steps(card, d, _name(id_column, d), _name(table, d), "", "", taken=table)
    return f"WITH {', '.join(steps[:2])}"


def _steps(
    card, d: Dialect, own_id: str, source: str, where: str, mark: str, taken: str
) -> tuple[list[str], str]:
    """The steps from the customer table to the nearest centre, and the name of the last."""
    clipped = [f"{own_id} AS id"] + [
        f"{_clipped(f, d)} AS x{j}" for j, f in enumerate(card.features)
    ]
    standard = ["id"] + [f"{_standard(f, f'x{j}', d)} AS z{j}" for j, f in enumerate(card.features)]
    for j, c in enumerate(card.categories):
        clipped.append(f"{code_sql(c, _name(c.name, d), d)} AS c{j}")
        standard.append(f"c{j}")
    squared = ["id"] + [f"{_squared(s.centre, card)} AS d{i}" for i, s in enumerate(card.segments)]
    k = len(card.segments)
    nearest = [
        "id",
        f"{_first_least(k, offsets_of(card))} AS cluster",
        ", ".join(f"d{i}" for i in range(k)),
    ]
    steps, before = [], f"{source}{where}"
    for name, columns, fence in (
        ("clipped", clipped, None),
        ("standardised", standard, d),
        ("squared", squared, d),
        ("nearest", nearest, None),
    ):
        step = f"{name}{mark}"
        step += "_" * (step == taken)  # called like the table, it would read itself
        steps.append(_step(step, columns, before, fence))
        before = step
    return steps, before


def _by_centre(values: Iterable) -> str:
    """A value for each centre, by its number."""
    return f"CASE cluster {' '.join(f'WHEN {i} THEN {v}' for i, v in enumerate(values))} END"


def _select(own: str, result: dict[str, str], own_id: str, source: str, d: Dialect) -> str:
    out = [f"{own} AS {own_id}", *(f"{v} AS {_name(n, d)}" for n, v in result.items())]
    columns = ",\n  ".join(out)
    return f"SELECT\n  {columns}\nFROM {source}"


def _is(name: str, value: float, d: Dialect) -> str:
    return f"(CAST({_name(name, d)} AS {d.double}) = {_literal(value)})"


def _step(name: str, columns: list[str], source: str, d: Dialect | None = None) -> str:
    d = d or Dialect()
    body = ",\n    ".join(columns)
    return f"{name} AS {d.fence}(\n  SELECT\n    {body}\n  FROM {source}{d.limit}\n)"


def _clipped(f, d: Dialect) -> str:
    name = _name(f.name, d)
    fill = f.fill
    if fill is not None and f.lower is not None:
        fill = max(fill, f.lower)
    if fill is not None and f.upper is not None:
        fill = min(fill, f.upper)
    missing = f"{name} IS NULL" + (f" OR {name} = CAST('NaN' AS {d.double})" if d.nan else "")
    lines = [f"CASE WHEN {missing} THEN {'NULL' if fill is None else _literal(fill)}"]
    clips = []
    if f.lower is not None:
        clips.append(f"WHEN {name} < {_literal(f.lower)} THEN {_literal(f.lower)}")
    if f.upper is not None:
        clips.append(f"WHEN {name} > {_literal(f.upper)} THEN {_literal(f.upper)}")
    lines += [" ".join(clips)] if clips else []
    lines.append(f"ELSE CAST({name} AS {d.double}) END")
    return "\n      ".join(lines)


def _standard(f, x: str, d: Dialect) -> str:
    if f.log:
        size = f"{d.ln}({_literal(1)} + ABS({x}))"
        x = size if f.lower is not None and f.lower >= 0 else f"SIGN({x}) * {size}"
    return f"({x}{_minus(f.mean)}) / {_literal(f.scale)}"


def _squared(centre: tuple[float, ...], card) -> str:
    """The squared distance to a centre: of the numbers, then of each category its level's."""
    axis = len(card.features)
    gaps = [f"(z{j}{_minus(c)})" for j, c in enumerate(centre[:axis])]
    terms = [f"{gap} * {gap}" for gap in gaps]
    for j, c in enumerate(card.categories):
        *own, mean = c.gaps(centre[axis : axis + len(c.axes)])
        axis += len(c.axes)
        levels = " ".join(f"WHEN {i} THEN {_literal(gap)}" for i, gap in enumerate(own))
        terms.append(f"CASE c{j} {levels} ELSE {_literal(mean)} END")
    return "\n      + ".join(terms)


def _first_least(n: int, offsets: tuple[float, ...] = ()) -> str:
    """The first of n squared distances that none after it undercuts, each with its offset added:
    ties to the lowest."""
    d = [f"d{i}" for i in range(n)]
    for i, offset in enumerate(offsets):
        d[i] += f" + {_literal(offset)}" if offset else ""
    whens = [
        f"WHEN {' AND '.join(f'{d[i]} <= {d[j]}' for j in range(i + 1, n))} THEN {i}"
        for i in range(n - 1)
    ]
    return f"CASE WHEN d0 IS NULL THEN NULL {' '.join([*whens, f'ELSE {n - 1}'])} END"


def _literal(value: float) -> str:
    """17 digits and an exponent: read back as the same double everywhere."""
    mantissa, exponent = f"{value:.16e}".split("e")
    whole, digits = mantissa.split(".")
    return f"{whole}.{digits.rstrip('0') or '0'}E{int(exponent)}"


def _minus(value: float) -> str:
    return f" {'+' if value < 0 else '-'} {_literal(abs(value))}"


def _name(name: str, d: Dialect) -> str:
    """A quoted identifier: whatever it holds stays a name."""
    if not isinstance(name, str) or not name or not name.isprintable() or len(name.encode()) > 63:
        raise ValueError(
            f"{name!r} cannot name a table or column: 1 to 63 bytes without control characters"
        )
    if d.upper and re.fullmatch("[a-z][a-z0-9_]*", name):
        name = name.upper()
    start, end = d.quotes[0], d.quotes[1]
    return f"{start}{name.replace(end, end * 2)}{end}"


def _text(value: str) -> str:
    if not re.fullmatch(r"[\w.\- ]+", value):
        raise ValueError(f"segment_id {value!r}: letters, digits, _ . - and spaces only, for SQL")
    return f"'{value}'"
