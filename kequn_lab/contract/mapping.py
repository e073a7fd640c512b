"""A bank's own words translated to ours: column names, codes, date formats, units.

The translation is a small TOML file that the analyst writes once for his bank::

    currency = "CZK"                    # shown wherever amounts are shown; default "CNY"

    [events]
    date_format = "%y%m%d"              # Python's strptime codes; default year-month-day
    signed_amounts = false              # true: the sign of the amount is its direction

    [events.columns]                    # ours = "theirs"; two are joined by a blank
    customer_id = "account_id"
    timestamp = ["date", "time"]
    amount_cny = "amount"
    direction = "type"

    [events.codes.direction]            # "theirs" = "ours"; "" is missing, "*" is any other
    credit = "in"
    withdrawal = "out"

    [events.scale]                      # theirs × factor = ours
    amount_cny = 0.01

    [events.constants]                  # the same for every row
    type = "consume"
"""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path

import pandas as pd

from kequn_lab.contract.tables import CUSTOMERS, EVENTS, HOLDINGS, Contract

__all__ = ["Mapping", "TableMapping", "read_mapping"]

_CONTRACTS = {c.name: c for c in (CUSTOMERS, EVENTS, HOLDINGS)}


@dataclass(frozen=True)
class TableMapping:
    """How one table of the bank becomes one of ours; see the module's example."""

    columns: dict = field(default_factory=dict)
    codes: dict = field(default_factory=dict)
    constants: dict = field(default_factory=dict)
    scale: dict = field(default_factory=dict)
    date_format: str | None = None
    signed_amounts: bool = False

    def translate(
        self, table: pd.DataFrame, *, contract: Contract | None = None, source: str = "table"
    ) -> pd.DataFrame:
        """Translate a raw table; columns that nobody asked for are left out.

        Parameters
        ----------
        table : DataFrame
            As the bank exports it.
        contract : Contract, optional
            Columns that already bear its names are kept without being listed.
        source : str
            The file's name, for messages.

        Raises
        ------
        ValueError
            A column that the mapping names is not in the table.

        Examples
        --------
        >>> import pandas as pd
        >>> raw = pd.DataFrame({"acct": ["7"], "d": ["930101"], "amt": ["-5"]})
        >>> words = {"customer_id": "acct", "timestamp": "d", "amount_cny": "amt"}
        >>> m = TableMapping(columns=words, date_format="%y%m%d", signed_amounts=True)
        >>> m.translate(raw, contract=EVENTS)
          customer_id            timestamp  amount_cny direction
        0           7  1993-01-01 00:00:00           5       out
        """
        names = dict(self.columns)
        if contract is not None:
            ours = [c.name for c in contract.columns if c.name in table.columns]
            names = {**{n: n for n in ours if n not in self.constants}, **names}
        out = pd.DataFrame(index=table.index)
        for name, theirs in names.items():
            parts = [theirs] if isinstance(theirs, str) else list(theirs)
            for part in parts:
                if part not in table.columns:
                    raise ValueError(_no_column(part, name, table, source))
            column = table[parts[0]]
            for part in parts[1:]:
                column = column.astype("str").str.strip() + " " + table[part].astype("str")
            out[name] = column
        for name, codes in self.codes.items():
            if name in out:
                out[name] = _decoded(out[name], codes)
        for name, value in self.constants.items():
            out[name] = value
        for name, factor in self.scale.items():
            if name in out:
                out[name] = _times(out[name], factor)
        if self.signed_amounts and "amount_cny" in out:
            out_of_account = pd.to_numeric(out["amount_cny"], errors="coerce") < 0
            out["amount_cny"] = _times(out["amount_cny"], (1 - 2 * out_of_account))
            out["direction"] = pd.Series("in", index=out.index).mask(out_of_account, "out")
        if self.date_format and contract is not None:
            for column in contract.columns:
                if column.dtype == "timestamp" and column.name in out:
                    out[column.name] = _dates(out[column.name], self.date_format)
        return out


@dataclass(frozen=True)
class Mapping:
    """The translation of a bank: one :class:`TableMapping` per table, and the currency."""

    customers: TableMapping = TableMapping()
    events: TableMapping = TableMapping()
    holdings: TableMapping = TableMapping()
    currency: str = "CNY"


def read_mapping(path: str | Path) -> Mapping:
    """Read and check a mapping file.

    Parameters
    ----------
    path : path
        A TOML file; the module's text shows one.

    Raises
    ------
    ValueError
        Not TOML, or a key, a column or a code that the contract does not know.

    Examples
    --------
    >>> from pathlib import Path; from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder, "bank.toml")
    ...     _ = file.write_text('[events.columns]\\ncustomer_id = "account_id"\\n')
    ...     read_mapping(file).events.columns
    {'customer_id': 'account_id'}
    """
    path = Path(path)
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path.name} is not a TOML file in UTF-8: {error}") from error
    currency = content.pop("currency", "CNY")
    tables = {}
    for name, entries in content.items():
        if name not in _CONTRACTS:
            raise ValueError(_unknown(path, "table", name, [*_CONTRACTS, "currency"]))
        tables[name] = _table_mapping(entries, _CONTRACTS[name], path)
    return Mapping(**tables, currency=currency)


def _table_mapping(entries, contract: Contract, path: Path) -> TableMapping:
    if not isinstance(entries, dict):
        raise ValueError(f"{path.name}: {contract.name} must be a table, found {entries!r}")
    known = [f.name for f in fields(TableMapping)]
    ours = {c.name: c for c in contract.columns}
    for key, value in entries.items():
        if key not in known:
            raise ValueError(_unknown(path, f"key in [{contract.name}]", key, known))
        for name in value if isinstance(value, dict) else ():
            if name not in ours:
                where = f"column in [{contract.name}.{key}]"
                raise ValueError(_unknown(path, where, name, list(ours)))
    for name, codes in entries.get("codes", {}).items():
        allowed = ours[name].isin
        for theirs, code in codes.items():
            if allowed and code not in (*allowed, ""):
                where = f"code for {theirs!r} in [{contract.name}.codes.{name}]"
                raise ValueError(_unknown(path, where, code, [*allowed, ""]))
    return TableMapping(**entries)


def _unknown(path: Path, what: str, found, known) -> str:
    near = difflib.get_close_matches(str(found), known, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"{path.name}: unknown {what}: {found!r}{hint} (known: {', '.join(known)})"


def _no_column(theirs: str, ours: str, table: pd.DataFrame, source: str) -> str:
    near = difflib.get_close_matches(theirs, map(str, table.columns), n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return (
        f"{source}: the mapping takes {ours} from column {theirs!r}, which is not there{hint} "
        f"(columns: {', '.join(map(str, table.columns))})"
    )


def _decoded(column: pd.Series, codes: dict) -> pd.Series:
    text = column.astype("str").str.strip().fillna("")
    known = text.map({k: v for k, v in codes.items() if k != "*"})
    # A code that the mapping does not list stays as it is, so that the contract can show it.
    other = pd.Series(codes["*"], index=text.index) if "*" in codes else text
    return known.where(text.isin(codes), other).replace("", pd.NA).astype("str")


def _times(column: pd.Series, factor: float) -> pd.Series:
    numbers = pd.to_numeric(column, errors="coerce")
    # What is no number stays as it is, so that the contract can show it.
    return (
        (numbers * factor).where(numbers.notna(), column) if numbers.hasnans else numbers * factor
    )


def _dates(column: pd.Series, date_format: str) -> pd.Series:
    parsed = pd.to_datetime(column.astype("str").str.strip(), format=date_format, errors="coerce")
    iso = parsed.dt.strftime("%Y-%m-%d %H:%M:%S")
    return iso.where(parsed.notna(), column.astype("str"))
