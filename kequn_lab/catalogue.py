"""The article as tables: segments, traits, banks, products, the savings ladder.

Every ``quote_zh`` is the article's own text, ``…`` marks words left out. What the article does
not say is marked in its place: ``basis`` (``reading``, ``assumption``, ``calibrated``),
``origin`` (``kit``), or the tables ``rules`` and ``signatures``.
"""

from __future__ import annotations

import difflib
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path

import pandas as pd

from kequn_lab._words import require_language
from kequn_lab.contract.reading import read_table
from kequn_lab.contract.tables import Column, Contract, ContractError, convert, violations_frame

__all__ = [
    "names", "path", "products", "quote", "read", "segments", "signatures", "target_groups",
    "traits",
]  # fmt: skip

# A column of this name points to the key of that table.
_PARENTS = {
    "segment_id": "segments",
    "bank_id": "banks",
    "channel_id": "channels",
    "product_id": "products",
    "replaced_by": "products",
    "rung_id": "ladder",
    "minimum_rule": "rules",
    "status_rule": "rules",
    "criterion_id": "criteria",
}
#: A catalogue of your own may say it shorter.
_SHORT = {
    "segment_id": ("id", "segment"),
    "name_zh": ("zh",),
    "name_en": ("en",),
    "level_sd": ("level",),
}
#: What a catalogue of your own needs, and what else a run takes from it.
_NEEDED = ("segments", "signatures")
_OF_A_RUN = (*_NEEDED, "traits", "target_groups", "feature_words", "criteria", "weights")


def path() -> Path:
    """The folder of the tables: inside an installed package, or ``data/`` of a checkout.

    Raises
    ------
    FileNotFoundError
        Neither is there.

    Examples
    --------
    >>> (path() / "segments.csv").exists()
    True
    """
    package = Path(str(files("kequn_lab")))
    folders = (package / "_catalogue", package.parent / "data" / "catalogue")
    for folder in folders:
        if folder.is_dir():
            return folder
    raise FileNotFoundError(
        f"the catalogue is missing: looked in {' and '.join(map(str, folders))}; "
        "install kequn_lab again, or run from a complete checkout"
    )


@cache
def contracts() -> dict[str, Contract]:
    """The contract of each table, from ``columns.csv``, the catalogue's data dictionary.

    Examples
    --------
    >>> contracts()["funnel"].describe()[["column", "dtype", "unit"]]
            column   dtype   unit
    0     stage_id      id
    1  stage_order  number  count
    2      name_zh    text
    3      name_en    text
    4     quote_zh    text
    5  measured_as    text
    """
    dictionary = read_table(path() / "columns.csv")
    out = {}
    for name, rows in dictionary.groupby("table", sort=False):
        key = rows.loc[rows["key"] == "true", "column"]
        columns = tuple(_column(row) for row in rows.itertuples())
        out[name] = Contract(f"catalogue/{name}.csv", columns, tuple(key))
    return out


def _column(row) -> Column:
    return Column(
        row.column,
        row.dtype,
        row.meaning,
        row.unit,
        required=not row.default,
        nullable=row.nullable == "true",
        ge=float(row.ge) if row.ge else None,
        le=float(row.le) if row.le else None,
        isin=tuple(row.isin.split("|")) if row.isin else None,
    )


def read(name: str, *, folder: str | Path | None = None) -> pd.DataFrame:
    """One table, checked by its contract and against the tables that it points to.

    Parameters
    ----------
    name : str
        A table of :func:`contracts`.
    folder : path, optional
        A catalogue of your own; default :func:`path`. It needs ``segments`` (id, zh, en) and
        ``signatures`` (segment, feature, level); other columns may be absent and get the
        default of the data dictionary, other tables may be absent and are then empty
        (``feature_words``: the kit's).

    Returns
    -------
    DataFrame
        Columns as ``contracts()[name].describe()``; a new frame at each call.

    Raises
    ------
    KeyError
        There is no such table.
    FileNotFoundError
        The folder lacks the table, or one that it points to.
    ContractError
        A cell breaks the contract, an id is unknown, or what is called the article's has no
        quote.

    Examples
    --------
    >>> read("ladder")[["rung_id", "name_zh", "term_max_months"]]
      rung_id name_zh  term_max_months
    0      L0    随用随取              0.0
    1      L1    一年以内             12.0
    2      L2     一年期             12.0
    3      L3     三年期             36.0
    4      L4     五年期             60.0
    """
    if name not in contracts():
        raise KeyError(f"no table {name!r} in the catalogue; there are {', '.join(contracts())}")
    if folder is not None and not (Path(folder) / f"{name}.csv").exists():
        return _absent(Path(folder), name)
    folder = path() if folder is None else Path(folder)
    table, violations = _typed(folder, name)
    found = [violations, _unquoted(table)]
    for column, parent in _PARENTS.items():
        if column in table:
            found.append(_unknown(table, column, _typed(folder, parent)[0], parent))
    broken = [f for f in found if len(f)]
    if broken:
        violations = pd.concat(broken, ignore_index=True)
        violations.attrs["row_name"] = "line"
        todo = f"correct these cells of {folder / name}.csv"
        raise ContractError(violations, table=f"catalogue/{name}.csv", todo=todo)
    return table.reset_index(drop=True)


def _typed(folder: Path, name: str):
    file = folder / f"{name}.csv"
    return _typed_once(file, name, file.stat().st_mtime_ns if file.exists() else 0)


@lru_cache(maxsize=64)
def _typed_once(file: Path, name: str, _mtime: int):
    """The typed table and its violations, computed again only when the file has changed."""
    table, contract = read_table(file), contracts()[name]
    table = table.rename(columns={
        short: column.name
        for column in contract.columns if column.name not in table
        for short in _SHORT.get(column.name, ()) if short in table
    })  # fmt: skip
    typed, violations = convert(table, contract)
    for column, default in _defaults().get(name, {}).items():
        if column not in typed:
            value = default == "true" if default in ("true", "false") else default
            typed[column] = None if default == "-" else value
    known = [c.name for c in contract.columns if c.name in typed]
    return typed[[*known, *typed.columns.difference(known, sort=False)]], violations


@cache
def _defaults() -> dict[str, dict[str, str]]:
    """Of the columns that a table may lack."""
    dictionary = read_table(path() / "columns.csv").query("default != ''")
    groups = dictionary.groupby("table")
    return {name: dict(zip(rows["column"], rows["default"])) for name, rows in groups}


def _absent(folder: Path, name: str) -> pd.DataFrame:
    """The table used where a catalogue of your own lacks one."""
    if name == "feature_words":
        return read(name)
    if name in _NEEDED:
        held = ", ".join(sorted(f.name for f in folder.glob("*.csv"))) or "no CSV file"
        raise FileNotFoundError(
            f"{folder} has no {name}.csv; a catalogue needs segments.csv (id, zh, en) and "
            f"signatures.csv (segment, feature, level). It has {held}"
        )
    return _typed(path(), name)[0].head(0)


def book(*, folder=None) -> dict[str, pd.DataFrame]:
    """The tables that a run uses, by name.

    Raises
    ------
    ValueError
        A file of the folder is nearly called like a table: it would not be read.
    FileNotFoundError, ContractError
        As :func:`read`.

    Examples
    --------
    >>> list(book())
    ['segments', 'signatures', 'traits', 'target_groups', 'feature_words', 'criteria', 'weights']
    """
    known = (*contracts(), "columns")
    for file in sorted(Path(folder).glob("*.csv")) if folder is not None else ():
        near = difflib.get_close_matches(file.stem, known, n=1, cutoff=0.75)
        if file.stem not in known and near:
            raise ValueError(f"{file} is no table of a catalogue; did you mean {near[0]}.csv?")
    return {name: read(name, folder=folder) for name in _OF_A_RUN}


def _unquoted(table: pd.DataFrame) -> pd.DataFrame:
    """What is called the article's without the article's words."""
    claims = table.filter(["basis", "origin"]).isin(["article", "stated"]).any(axis=1)
    lost = table[claims & table.filter(["quote_zh"]).isna().any(axis=1)]
    rule = "missing, in a row that is called the article's"
    return violations_frame(lost.index, "quote_zh", rule, ["no quote"] * len(lost))


def _unknown(table, column, parent, parent_name) -> pd.DataFrame:
    """Ids that the parent table does not have."""
    key = contracts()[parent_name].key[0]
    lost = table.loc[table[column].notna() & ~table[column].isin(parent.get(key, [])), column]
    return violations_frame(lost.index, column, f"no such {key} in {parent_name}", lost)


def segments() -> pd.DataFrame:
    """The eight segments: id, side, names in two languages, the article's word for them."""
    return read("segments")


def traits() -> pd.DataFrame:
    """What the article states about each segment, one row per segment and trait."""
    return read("traits")


def target_groups() -> pd.DataFrame:
    """Segments of internet and traditional banks; ``primary`` rows make the groups disjoint."""
    return read("target_groups")


def products() -> pd.DataFrame:
    """Products with term, least purchase, liquidity, risk, and whether they are still sold."""
    return read("products")


def signatures() -> pd.DataFrame:
    """Where each segment's mean should lie, to name clusters by; every size is an assumption."""
    return read("signatures")


def names(table: str = "segments", *, language: str = "zh") -> pd.Series:
    """Names to show, indexed by id.

    Parameters
    ----------
    table : str
        A catalogue table that has names: ``"segments"``, ``"banks"``, ``"products"`` …
    language : {"zh", "en"}

    Returns
    -------
    Series of str
        In the order of the table.

    Raises
    ------
    ValueError
        An unknown table or language.

    Examples
    --------
    >>> names().head(2).to_dict()
    {'micro_enterprise': '小微企业', 'sole_proprietor': '个体户'}
    >>> names("products", language="en")["large_cd"]
    'Large-denomination CD'
    """
    require_language(language)
    return read(table).set_index(contracts()[table].key[0])[f"name_{language}"]


def quote(item: str) -> str:
    """The article's words for an id: a segment, trait, bank, product, rung, stage, figure …

    Raises
    ------
    KeyError
        The id is unknown, or the article has no words for it.

    Examples
    --------
    >>> quote("safety_first")
    '资金首先要本金安全,其次再是收益'
    """
    words: dict[str, str] = {}
    for name in ("segments", "banks", "products", "ladder", "funnel", "figures", "channels",
                 "operations", "traits"):  # fmt: skip
        words |= read(name).set_index(contracts()[name].key[-1])["quote_zh"].to_dict()
    if item not in words:
        near = difflib.get_close_matches(item, words, n=1)
        raise KeyError(f"no id {item!r} with a quote" + (f"; near: {near[0]}" if near else ""))
    if pd.isna(words[item]):
        raise KeyError(f"{item!r} is the kit's own; the article has no words for it")
    return words[item]
