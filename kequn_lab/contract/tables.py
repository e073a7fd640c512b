"""What a valid table is: columns, units, ranges, keys.

A contract is a fact about a table (:data:`CUSTOMERS`, :data:`EVENTS`, :data:`HOLDINGS`).
:func:`check` lists every violation as a table, :func:`require` returns the typed table or raises.
"""

from __future__ import annotations

import difflib
import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd

__all__ = [
    "CUSTOMERS",
    "EVENTS",
    "HOLDINGS",
    "Column",
    "Contract",
    "ContractError",
    "check",
    "check_references",
    "convert",
    "require",
    "require_references",
]

#: Year-first formats only: 03/04/2024 is two different days in two countries.
DATE_FORMATS = (
    "ISO8601",
    "%Y/%m/%d",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d %H:%M:%S",
    "%Y年%m月%d日",
    "%Y%m%d",
)
MISSING_TEXT = ("", "NA", "N/A", "NULL", "null", "NaN", "nan", "None", "\\N")
BOOLEANS = {"true": True, "false": False, "1": True, "0": False, "1.0": True, "0.0": False}
_SHOWN = 10


@dataclass(frozen=True)
class Column:
    """One column of a contract.

    ``dtype`` is one of ``id``, ``text``, ``number``, ``boolean``, ``timestamp``.
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
_CHANNELS = ("mobile", "web", "counter", "atm", "agent", "third_party")

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
        Column("channel", "text", "where it happened", isin=_CHANNELS, nullable=True),
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


class ContractError(ValueError):
    """A table breaks its contract; ``violations`` has one row per finding.

    Columns of ``violations``: ``row`` (index label; the line for a text file), ``column``,
    ``rule``, ``found``.
    """

    def __init__(self, violations: pd.DataFrame, *, table: str, todo: str = ""):
        self.violations = violations
        self.table = table
        n = len(violations)
        lines = [f"{table}: {n} violation{'s' if n != 1 else ''} of the contract"]
        for v in violations.head(_SHOWN).itertuples():
            where = "" if pd.isna(v.row) else f"{violations.attrs.get('row_name', 'row')} {v.row}, "
            lines.append(f"  {where}column {v.column!r}: {v.rule}; found {v.found}")
        if n > _SHOWN:
            lines.append(f"  … and {n - _SHOWN} more (all in .violations)")
        lines.append(f"What to do: {todo or _todo(violations)}.")
        super().__init__("\n".join(lines))


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
       row       column        rule found
    0    1    age_years  must be >= 0  -3.0
    1    0  customer_id  not unique     a
    2    1  customer_id  not unique     a
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
        With ``violations``; the message shows the first ten and the count.

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


def check_references(child: pd.DataFrame, parent: pd.DataFrame, *, key="customer_id"):
    """List the rows of ``child`` whose key the ``parent`` table lacks (violations, as `check`)."""
    lost = child.loc[~child[key].isin(parent[key]), key].drop_duplicates()
    return violations_frame(lost.index, key, "not in the customer table", lost, child.index.name)


def require_references(child: pd.DataFrame, parent: pd.DataFrame, *, table: str) -> None:
    """Raise :class:`ContractError` if ``child`` speaks of customers that ``parent`` lacks."""
    lost = check_references(child, parent)
    if len(lost):
        todo = "add these customers to the customer table, or leave their rows out"
        raise ContractError(lost, table=table, todo=todo)


def _todo(violations: pd.DataFrame) -> str:
    if violations["rule"].str.startswith("missing column").any():
        return "name the column as the contract does, or translate it in a mapping file"
    if violations["rule"].str.startswith("not a date").any():
        return "write year-month-day, or give date_format in a mapping file"
    if violations["rule"].str.startswith("not one of").any():
        return "use these codes, or translate yours in a mapping file"
    return "correct these cells, or leave the rows out (kequn run --skip-bad-rows)"


def violations_frame(rows, column, rule, found, row_name=None) -> pd.DataFrame:
    """Findings in the form of :func:`check`; ``row_name`` is what a row is called (line)."""
    found = [repr(f) if isinstance(f, str) and f != f.strip() else f for f in found]
    out = pd.DataFrame({"row": pd.Series(list(rows), dtype=object), "column": column})
    out["rule"] = rule
    out["found"] = pd.Series([str(f) for f in found], dtype="str")
    out.attrs["row_name"] = row_name or "row"
    return out


def convert(df: pd.DataFrame, contract: Contract) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The table in the contract's types, and the violations as :func:`check` lists them."""
    out, found = {}, []
    name = df.index.name
    for column in contract.columns:
        if column.name not in df.columns:
            if column.required:
                near = difflib.get_close_matches(column.name, map(str, df.columns), n=1)
                hint = f" (did you mean {near[0]!r}?)" if near else ""
                listing = f"columns {', '.join(map(str, df.columns))}"
                found.append(
                    violations_frame([pd.NA], column.name, f"missing column{hint}", [listing])
                )
            continue
        if isinstance(df[column.name], pd.DataFrame):
            found.append(
                violations_frame([pd.NA], column.name, "column given twice", ["two or more"])
            )
            continue
        values, bad, rule = _typed(df[column.name], column)
        out[column.name] = values
        if bad.any():
            original = df.loc[bad, column.name]
            found.append(violations_frame(original.index, column.name, rule, original, name))
        found.append(_broken_rules(values[~bad], column, name))
    key = [k for k in contract.key if k in out]
    if key and len(key) == len(contract.key):
        keys = pd.DataFrame({k: out[k] for k in key})
        twice = keys[keys.duplicated(keep=False) & keys.notna().all(axis=1)]
        shown = twice.astype(str).agg(" × ".join, axis=1) if len(twice) else []
        found.append(violations_frame(twice.index, ", ".join(key), "not unique", shown, name))
    if not len(df):
        found.append(violations_frame([pd.NA], "all", "no rows", ["an empty table"], name))
    typed = df.assign(**out) if out else df.copy()
    found = [f for f in found if len(f)]
    violations = pd.concat(found, ignore_index=True) if found else violations_frame([], "", "", [])
    violations.attrs["row_name"] = name or "row"
    return typed, violations


def _broken_rules(values: pd.Series, column: Column, row_name) -> pd.DataFrame:
    """Range, membership and missing values, by pandera; all failures, not the first."""
    with warnings.catch_warnings():
        # Where PySpark is installed, pandera loads it, and it warns about pandas 3.
        warnings.simplefilter("ignore", FutureWarning)
        import pandera.pandas as pa

        checks = []
        if column.ge is not None:
            checks.append(pa.Check.ge(column.ge, error=f"must be >= {column.ge:g}"))
        if column.le is not None:
            checks.append(pa.Check.le(column.le, error=f"must be <= {column.le:g}"))
        if column.isin is not None:
            checks.append(pa.Check.isin(column.isin, error=f"not one of {', '.join(column.isin)}"))
        try:
            pa.SeriesSchema(checks=checks, nullable=column.nullable).validate(values, lazy=True)
        except pa.errors.SchemaErrors as errors:
            cases = errors.failure_cases
            rules = cases["check"].replace({"not_nullable": "missing value"})
            return violations_frame(
                cases["index"], column.name, rules, cases["failure_case"], row_name
            )
    return violations_frame([], "", "", [])


def _typed(values: pd.Series, column: Column):
    """The column in its type, which cells could not be converted, and why."""
    nothing = pd.Series(False, index=values.index)
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(values.cat.categories.dtype)
    is_text = pd.api.types.is_string_dtype(values.dtype) or values.dtype == object
    missing = values.isna()
    if is_text:
        text = values.astype("str").str.strip()
        tokens = ("",) if column.dtype in ("id", "text") else MISSING_TEXT
        missing = missing | text.isin(tokens)
        text = text.mask(missing)
    if column.dtype in ("id", "text"):
        if not is_text:
            if pd.api.types.is_float_dtype(values.dtype) and not missing.all():
                rule = "a number with decimals cannot be an id or a code; read the column as text"
                return values.astype("str").mask(missing), ~missing, rule
            return values.astype("Int64").astype("str").mask(missing), nothing, ""
        damaged = text.str.fullmatch(r"\d(\.\d+)?[eE]\+\d+").fillna(False).astype(bool)
        rule = "id ruined by a spreadsheet (digits lost)"
        return text, damaged if column.dtype == "id" else nothing, rule
    if column.dtype == "number":
        if is_text:
            numbers = pd.to_numeric(text, errors="coerce").astype("float64")
        else:
            numbers = values.astype("float64")
        bad = (numbers.isna() & ~missing) | np.isinf(numbers)
        return numbers, bad, "not a finite number"
    if column.dtype == "boolean":
        if pd.api.types.is_bool_dtype(values.dtype):
            return values.astype("boolean"), nothing, ""
        booleans = values.astype("str").str.strip().str.lower().map(BOOLEANS).astype("boolean")
        return booleans.mask(missing), booleans.isna() & ~missing, "not true or false"
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        aware = getattr(values.dtype, "tz", None)
        rule = "carries a time zone; convert to local time without one"
        return values, pd.Series(aware is not None, index=values.index), rule
    if not is_text:
        text = values.astype("Int64").astype("str").mask(missing)
    dates = pd.Series(pd.NaT, index=values.index, dtype="datetime64[us]")
    for date_format in DATE_FORMATS:
        todo = dates.isna() & ~missing
        if not todo.any():
            break
        parsed = pd.to_datetime(text[todo], format=date_format, errors="coerce", utc=False)
        dates = dates.fillna(parsed.astype("datetime64[us]"))
    return dates, dates.isna() & ~missing, "not a date written year-month-day"
