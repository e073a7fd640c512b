"""What a valid table is: columns, units, ranges, keys.

A contract is a fact about a table (:data:`CUSTOMERS`, :data:`EVENTS`, :data:`HOLDINGS`).
:func:`check` lists every violation as a table, :func:`require` returns the typed table or raises.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kequn_lab._words import CHANNELS
from kequn_lab.contract._texts import TOTAL_ROW, is_total, plain, texts
from kequn_lab.contract.cells import Format, Options, Survey, read_column, survey
from kequn_lab.contract.violations import ContractError, join_violations, violations_frame

__all__ = [
    "CUSTOMERS",
    "EVENTS",
    "HOLDINGS",
    "Column",
    "Contract",
    "ContractError",
    "check",
    "convert",
    "join_violations",
    "problems",
    "require",
    "violations_frame",
]


@dataclass(frozen=True)
class Column:
    """One column of a contract.

    ``dtype`` is one of ``id``, ``text``, ``number``, ``boolean``, ``timestamp``, or ``feature``
    (a number, or yes/no as 1 and 0).
    ``isin``, ``ge`` and ``le`` bound the values; ``unit`` and ``meaning`` explain them.
    """

    name: str
    dtype: str
    meaning: str = ""
    unit: str = ""
    required: bool = False
    nullable: bool = False
    ge: float | None = None
    le: float | None = None
    isin: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Contract:
    """What a table must look like: its name, its columns and the key that is unique in it."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> Column:
        return next(c for c in self.columns if c.name == name)

    def describe(self) -> pd.DataFrame:
        """One row per column: name, dtype, unit, required, nullable, allowed, meaning."""
        rows = [
            {
                "column": c.name,
                "dtype": c.dtype,
                "unit": c.unit,
                "required": c.required,
                "nullable": c.nullable,
                "allowed": ", ".join(c.isin or ()) or _bounds(c),
                "meaning": c.meaning,
            }
            for c in self.columns
        ]
        return pd.DataFrame(rows)


def _bounds(c: Column) -> str:
    parts = [f">= {c.ge:g}"] if c.ge is not None else []
    return ", ".join(parts + ([f"<= {c.le:g}"] if c.le is not None else []))


_ID = Column("customer_id", "id", "the bank's own number, kept as text", required=True)

CUSTOMERS = Contract(
    "customers",
    (
        _ID,
        Column("customer_type", "text", "how registered", isin=("person", "business")),
        Column("age_years", "number", "age (of the owner)", "years", False, True, 0, 120),
        Column(
            "city_tier",
            "text",
            "where the customer lives",
            isin=("tier1", "tier2", "tier3_5", "county", "village"),
            nullable=True,
        ),
        Column(
            "opening_channel",
            "text",
            "where the first account was opened",
            isin=("branch", "app", "third_party", "agent"),
            nullable=True,
        ),
        Column("opened_on", "timestamp", "first account opened", "date", nullable=True),
        Column("cards_count", "number", "cards at this bank", "count", False, True, 0),
        Column(
            "risk_class",
            "text",
            "R1 (cautious) to R5; missing when never assessed, and for every business",
            isin=("R1", "R2", "R3", "R4", "R5"),
            nullable=True,
        ),
    ),
    key=("customer_id",),
)

EVENTS = Contract(
    "events",
    (
        _ID,
        Column("timestamp", "timestamp", "local time of the event", "local time", True),
        Column("amount_cny", "number", "size of the event, never negative", "CNY", True, ge=0),
        Column("direction", "text", "money in or out", isin=("in", "out"), nullable=True),
        Column("channel", "text", "where it happened", isin=tuple(CHANNELS), nullable=True),
        Column(
            "type",
            "text",
            "what happened",
            isin=(
                "consume",
                "income_in",
                "transfer_out",
                "merchant_in",
                "cash",
                "loan",
                "tax_payroll",
                "invest",
            ),
            nullable=True,
        ),
        Column("product", "text", "product id of the catalogue", nullable=True),
        Column("counterparty_id", "id", "who was on the other side", nullable=True),
        Column("counter_minutes", "number", "time at the counter", "minutes", False, True, 0),
        Column("helped", "boolean", "helped with a form at the counter", nullable=True),
        Column("balance_cny", "number", "account balance after the event", "CNY", nullable=True),
    ),
)

HOLDINGS = Contract(
    "holdings",
    (
        _ID,
        Column("product", "text", "product id of the catalogue", required=True),
        Column("balance_cny", "number", "balance, or debt of a loan", "CNY", True, ge=0),
        Column("opened_on", "timestamp", "bought or lent on", "date", nullable=True),
        Column("matures_on", "timestamp", "due on", "date", nullable=True),
        Column("limit_cny", "number", "credit line of a loan", "CNY", False, True, 0),
    ),
    key=("customer_id", "product"),
)


def check(df: pd.DataFrame, contract: Contract) -> pd.DataFrame:
    """List every cell of a table that breaks its contract.

    Parameters
    ----------
    df : DataFrame
        Any table; columns that the contract does not know are left alone.
    contract : Contract
        For example :data:`EVENTS`.

    Returns
    -------
    DataFrame
        One row per violation: ``row`` (index label, missing when a whole column is meant),
        ``column``, ``rule``, ``found``. Empty when the table is valid.

    Examples
    --------
    >>> import pandas as pd
    >>> customers = pd.DataFrame({"customer_id": ["a", "a"], "age_years": [41, -3]})
    >>> check(customers, CUSTOMERS)
      row       column          rule found
    0   1    age_years  must be >= 0    -3
    1   0  customer_id    not unique     a
    2   1  customer_id    not unique     a
    """
    return convert(df, contract)[1]


def require(df: pd.DataFrame, contract: Contract, *, source: str | None = None) -> pd.DataFrame:
    """Return the table with the contract's types, or raise with all that is wrong.

    Parameters
    ----------
    df : DataFrame
        Left as it is.
    contract : Contract
        What the table must be.
    source : str, optional
        The file's name, for the message.

    Raises
    ------
    ContractError
        With ``violations``; the message groups and counts them.

    Examples
    --------
    >>> import pandas as pd
    >>> require(pd.DataFrame({"customer_id": ["a"], "age_years": ["41"]}), CUSTOMERS).dtypes
    customer_id        str
    age_years      float64
    dtype: object
    """
    typed, violations = convert(df, contract)
    if len(violations):
        raise ContractError(violations, table=source or contract.name)
    return typed


def convert(
    df: pd.DataFrame,
    contract: Contract,
    formats: dict[str, Format] | None = None,
    *,
    options: Options | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The table in the contract's types, and the violations as :func:`check` lists them.

    Parameters
    ----------
    df : DataFrame
        A table, or one chunk of it.
    contract : Contract
    formats : dict of str to Format, optional
        How each column is written, from :func:`~kequn_lab.contract.cells.survey` over all
        chunks. Then only cells are looked at; what concerns the whole table (columns that are
        lacking or undecided, keys that are not unique) is for the survey and the reader to say.
    options : TableMapping or Options, optional
        Settles what the cells leave open, when there are no formats yet.
    """
    found = []
    whole = formats is None
    if formats is None:
        seen = survey([df], contract, options)
        formats = seen.formats
        found.append(problems(seen, contract, df.columns))
    out: dict[str, pd.Series] = {}
    for column in contract.columns:
        if column.name not in formats or column.name not in df.columns:
            continue
        fmt = formats[column.name]
        values, bad = read_column(df[column.name], fmt)
        if fmt.signed:
            out["direction"] = pd.Series("in", index=df.index).mask(values < 0, "out")
            values = values.abs()
        out[column.name] = values
        if fmt.undecided:
            continue
        for rule, cells in [*bad, *_broken_rules(values, column, bad, df)]:
            if cells.any():
                original = df.loc[cells, column.name]
                found.append(violations_frame(original.index, column.name, rule, original))
    typed = df.assign(**out) if out else df.copy()
    if whole:
        found.append(_check_key(typed, contract))
    return typed, join_violations(found, rows=len(df), row_name=df.index.name)


def problems(seen: Survey, contract: Contract, columns) -> pd.DataFrame:
    """What is wrong with a table as a whole, as violations without a row."""
    names = list(map(str, columns))
    found = [violations_frame([pd.NA], *problem[:2], problem[2:]) for problem in seen.problems]
    for column in contract.columns:
        if column.required and column.name not in names:
            near = difflib.get_close_matches(column.name, names, n=1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            listing = f"columns {', '.join(names)}"
            rule = f"missing column{hint}"
            found.append(violations_frame([pd.NA], column.name, rule, [listing]))
    if not seen.rows:
        found.append(violations_frame([pd.NA], "all", "no rows", ["an empty table"]))
    return join_violations(found, rows=seen.rows, row_name=seen.row_name)


def _check_key(typed: pd.DataFrame, contract: Contract) -> pd.DataFrame:
    """List the rows of a typed table whose key is not unique (violations, as `check`)."""
    key = list(contract.key)
    if not key or not set(key) <= set(typed.columns):
        return violations_frame([], "", "", [])
    twice = typed[typed.duplicated(key, keep=False) & typed[key].notna().all(axis=1)]
    shown = twice[key].astype(str).agg(" × ".join, axis=1) if len(twice) else []
    return violations_frame(twice.index, ", ".join(key), "not unique", shown, typed.index.name)


def _totals(df: pd.DataFrame, rows: NDArray) -> NDArray:
    """Which of these rows, that have no id, say in another column that they are a total."""
    found = np.zeros(len(df), dtype=bool)
    text = df.loc[rows].select_dtypes(["str", "object"]) if rows.any() else df.iloc[:0, :0]
    for i in range(text.shape[1]):
        found[rows] |= is_total(texts(plain(text.iloc[:, i])))
    return found


def _broken_rules(values, column: Column, bad, df) -> list[tuple[str, NDArray]]:
    """Missing values, range and membership: per rule, the cells that break it."""
    if column.nullable and column.ge is column.le is column.isin is None:
        return []
    gone = values.isna().to_numpy()
    readable = ~np.logical_or.reduce([np.zeros(len(values), bool), *(cells for _, cells in bad)])
    broken = []
    if not column.nullable:
        lacking = gone & readable
        if column.dtype == "id":
            total = _totals(df, lacking)
            broken += [(TOTAL_ROW, total), ("missing id", lacking & ~total)]
        else:
            broken.append(("missing value", lacking))
    if column.ge is not None:
        broken.append((f"must be >= {column.ge:g}", (values < column.ge).to_numpy() & readable))
    if column.le is not None:
        broken.append((f"must be <= {column.le:g}", (values > column.le).to_numpy() & readable))
    if column.isin is not None:
        strange = ~values.isin(column.isin).to_numpy() & ~gone
        broken.append((f"not one of {', '.join(column.isin)}", strange))
    return broken
