"""A bank's own words translated to ours: column names, codes, date formats, units.

The translation is a small TOML file that the analyst writes once for his bank::

    currency = "CZK"                    # shown wherever amounts are shown; default "CNY"

    [events]
    date_format = "%y%m%d"              # Python's strptime codes; default year-month-day
    dayfirst = true                     # 03/04/2024 is 3 April
    timezone = "Asia/Shanghai"          # local time of times that come with a time zone
    decimal = ","                       # 1.234,50; or thousands = "," for 1,234
    signed_amounts = false              # true: the sign of the amount is its direction
    real_ids = ["NA"]                   # ids that look like an empty cell but are real
    encoding = "gb18030"                # of a text file; sheet = "流水" of a workbook

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

    [features]                          # a ready customer table, one row per customer
    id = "客户编号"
    drop = ["备注"]                     # columns to leave out

    [features.names]                    # what tables, pictures and the report call a column
    age = {zh = "年龄", en = "Age"}

    [features.job]                      # a column of categories; text is left out otherwise
    nominal = true
    missing = "level"                   # or "mean", the default, for missing values
    labels.farmer = {zh = "农民", en = "Farmer"}

    [features."学历"]                   # an ordered one: its levels, from lowest to highest
    order = ["小学", "中学", "大学"]
"""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Literal

import pandas as pd
from pydantic import (
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    TypeAdapter,
    ValidationError,
)

from kequn_lab.contract._texts import plain, texts
from kequn_lab.contract.cells import Options
from kequn_lab.contract.tables import CUSTOMERS, EVENTS, HOLDINGS, Contract

__all__ = ["CategoryMapping", "FeatureMapping", "Mapping", "TableMapping", "read_mapping"]

_CONTRACTS = {c.name: c for c in (CUSTOMERS, EVENTS, HOLDINGS)}


#: What something is called in either language, or in both.
Called = Annotated[dict[Literal["zh", "en"], StrictStr], Field(min_length=1)]


@dataclass(frozen=True)
class TableMapping(Options):
    """How one table of the bank becomes one of ours; see the module's example."""

    columns: dict[str, StrictStr | Annotated[list[StrictStr], Field(min_length=1)]] = field(
        default_factory=dict
    )
    codes: dict[str, dict[str, StrictStr]] = field(default_factory=dict)
    constants: dict[str, StrictStr | StrictInt | StrictFloat | StrictBool] = field(
        default_factory=dict
    )

    def wanted(self, contract: Contract, given) -> list[str]:
        """Those columns of a raw table that :meth:`translate` looks at."""
        ours = {c.name for c in contract.columns} - {*self.constants, *self.columns}
        theirs = {p for v in self.columns.values() for p in ([v] if isinstance(v, str) else v)}
        return [name for name in given if name in ours | theirs]

    def translate(
        self, table: pd.DataFrame, *, contract: Contract | None = None, source: str = "table"
    ) -> pd.DataFrame:
        """Translate names and codes of a raw table, or of a chunk of it.

        Columns that nobody asked for are left out. Dates, numbers and signs are translated
        by :func:`~kequn_lab.contract.tables.convert`, which sees the whole column.

        Parameters
        ----------
        table : DataFrame
            As the bank exports it.
        contract : Contract, optional
            Columns that already have its names are kept without being listed.
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
        >>> TableMapping(columns=words).translate(raw, contract=EVENTS)
          customer_id timestamp amount_cny
        0           7    930101         -5
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
                if isinstance(table[part], pd.DataFrame):
                    raise ValueError(f"{source}: column {part!r} is there twice; rename one")
            column = table[parts[0]]
            for part in parts[1:]:
                column = column.astype("str").str.strip() + " " + table[part].astype("str")
            out[name] = column
        for name, codes in self.codes.items():
            if name in out:
                out[name] = _decoded(out[name], codes)
        for name, value in self.constants.items():
            out[name] = value
        return out


@dataclass(frozen=True)
class CategoryMapping:
    """A column of categories: nominal, or in an ``order``, from lowest to highest level.

    ``missing``: whether a missing value is taken as the column's mean or is a level of its own.
    ``labels``: what levels are called in both languages; files and SQL keep the level itself.
    """

    order: tuple[StrictStr, ...] = ()
    missing: Literal["mean", "level"] = "mean"
    nominal: StrictBool = False
    labels: dict[StrictStr, Called] = field(default_factory=dict)


@dataclass(frozen=True)
class FeatureMapping(Options):
    """How a ready customer table is read: its id, its columns' names, those to leave out, and
    its columns of categories, by our name; ``names``: what columns are called in both languages."""

    id: StrictStr | None = None
    columns: dict[str, StrictStr] = field(default_factory=dict)
    names: dict[str, Called] = field(default_factory=dict)
    drop: tuple[StrictStr, ...] = ()
    categories: dict[str, CategoryMapping] = field(default_factory=dict)


@dataclass(frozen=True)
class Mapping:
    """The translation of a bank: how each table is read, and the currency."""

    customers: TableMapping = TableMapping()
    events: TableMapping = TableMapping()
    holdings: TableMapping = TableMapping()
    features: FeatureMapping = FeatureMapping()
    currency: StrictStr = "CNY"


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
    content = _toml(path)
    unknown = set(content) - {f.name for f in fields(Mapping)}
    for name in sorted(unknown):
        raise ValueError(_unknown(path, "table", name, [f.name for f in fields(Mapping)]))
    if isinstance(content.get("features"), dict):
        content["features"] = _with_categories(content["features"], path)
    for name, entries in content.items():
        if isinstance(entries, dict) and name != "currency":
            _check_names(entries, name, path)
    try:
        return TypeAdapter(Mapping).validate_python(content)
    except ValidationError as error:
        raise ValueError(_invalid(error, content, path)) from error


def _toml(path: Path) -> dict:
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; name the mapping file in it")
    if not path.exists():
        raise FileNotFoundError(f"mapping file {path} does not exist; check the path")
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(
            f"{path.name} is not a TOML file in UTF-8: {error}; a name with other letters than "
            'a-z, digits, _ and - needs quotes, as [features."职业"]'
        ) from error
    except RecursionError as error:
        raise ValueError(f"{path.name} is not a mapping file: nested too deep") from error
    except OSError as error:
        raise OSError(f"mapping file {path} cannot be read: {error.strerror}") from error


def _with_categories(entries: dict, path: Path) -> dict:
    """``[features]`` with the tables that declare a column gathered under ``categories``."""
    known = {f.name for f in fields(FeatureMapping)}
    own = {k: v for k, v in entries.items() if k not in known and isinstance(v, dict)}
    keys = [f.name for f in fields(CategoryMapping)]
    for name, given in own.items():
        for key in given:
            if key not in keys:
                raise ValueError(_unknown(path, f"key in [features.{name}]", key, keys))
        if bool(given.get("order")) == bool(given.get("nominal")):
            raise ValueError(
                f"{path.name}: [features.{name}] declares a column of categories: give either "
                'order = ["low", "high"] or nominal = true'
            )
        if given.get("order") and given.get("missing") == "level":
            raise ValueError(
                f"{path.name}: [features.{name}] has an order, in which a missing value has no "
                "place; leave missing out"
            )
    if not own:
        return entries
    rest = {k: v for k, v in entries.items() if k not in own}
    return rest | {"categories": {**rest.get("categories", {}), **own}}


def _check_names(entries: dict, table: str, path: Path) -> None:
    """Keys, columns and codes that nobody knows, with the nearest one that is known."""
    known = [f.name for f in fields(TableMapping if table in _CONTRACTS else FeatureMapping)]
    for key in entries:
        if key not in known:
            raise ValueError(_unknown(path, f"key in [{table}]", key, known))
    if table not in _CONTRACTS:
        return
    ours = {c.name: c for c in _CONTRACTS[table].columns}
    for key, value in entries.items():
        for name in value if isinstance(value, dict) else ():
            if name not in ours:
                where = f"column in [{table}.{key}]"
                raise ValueError(_unknown(path, where, name, list(ours)))
    codes = entries.get("codes")
    for name, translation in codes.items() if isinstance(codes, dict) else ():
        allowed = ours[name].isin
        for theirs, code in translation.items() if isinstance(translation, dict) else ():
            if allowed and code not in (*allowed, ""):
                where = f"code for {theirs!r} in [{table}.codes.{name}]"
                raise ValueError(_unknown(path, where, code, [*allowed, ""]))


#: What belongs at a key of a mapping file, for messages.
_EXPECTED = {
    "columns": "a column's name, or a list of names to join",
    "codes": 'a table of codes, "theirs" = "ours"',
    "constants": "one value",
    "scale": "a number",
    "decimal": '"." or ","',
    "thousands": '",", ".", " ", "\'" or ""',
    "dayfirst": "true or false",
    "signed_amounts": "true or false",
    "real_ids": "a list of ids in quotes",
    "drop": "a list of columns in quotes",
    "order": "a list of levels in quotes, from lowest to highest",
    "missing": '"mean" or "level"',
    "nominal": "true",
    "names": '{zh = "…", en = "…"}',
    "labels": '{zh = "…", en = "…"}',
}


def _invalid(error: ValidationError, content: dict, path: Path) -> str:
    """The first finding of pydantic, in words: where, what belongs there, what was found."""
    first = error.errors()[0]
    if first["type"] == "value_error":
        return f"{path.name}, [{first['loc'][0]}]: {first['ctx']['error']}"
    keys, found = [], content
    for part in first["loc"]:
        if not isinstance(found, dict) or part not in found:
            break
        keys.append(str(part))
        found = found[part]
    of_category = keys[:2] == ["features", "categories"] and len(keys) > 3
    keys = [keys[0], *keys[2:]] if of_category else keys
    table, key = ".".join(keys[:-1]), keys[-1]
    field_name = keys[min(2 if of_category else 1, len(keys) - 1)]
    expected = "a table" if len(keys) == 1 and key != "currency" else "text in quotes"
    expected = _EXPECTED.get(field_name, expected)
    if len(keys) == 2 and field_name in ("columns", "codes", "constants", "scale"):
        expected = f"a table, [{table}.{key}]"
    where = f"[{table}] {key}" if table else key
    return f"{path.name}: {where} must be {expected}; found {found!r}"


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
    text = pd.Series(texts(plain(column)).to_pandas().to_numpy(), index=column.index, dtype="str")
    text = text.str.strip().fillna("")
    known = text.map({k: v for k, v in codes.items() if k != "*"})
    # A code that the mapping does not list stays as it is, so that the contract can show it.
    other = pd.Series(codes["*"], index=text.index) if "*" in codes else text
    return known.where(text.isin(codes), other).replace("", pd.NA).astype("str")
