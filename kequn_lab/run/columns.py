"""What the columns of a result's tables mean: unit and words, for ``columns.csv``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache

import pandas as pd

from kequn_lab import catalogue
from kequn_lab._words import term
from kequn_lab.contract.reading import read_table
from kequn_lab.features.definitions import feature_dictionary

__all__ = ["describe_columns"]


@cache
def _meanings() -> dict[tuple[str, str], tuple[str, str, str]]:
    """By table (empty: any) and column: unit, meaning in Chinese and in English.

    A column whose heading says enough has no meaning of its own.
    """
    rows = read_table(catalogue.path() / "output_columns.csv")
    said = {c: (term(c, "zh"), term(c, "en")) for c in rows["column"]}
    return {
        (r.table, r.column): (
            r.unit, r.meaning_zh or said[r.column][0], r.meaning_en or said[r.column][1]
        )
        for r in rows.itertuples()
    }  # fmt: skip


#: Tables whose columns are features of customers.
_OF_CUSTOMERS = ("features", "golden_rows")


@cache
def _features() -> dict[str, tuple[str, str, str]]:
    """Unit and meaning of the features that the kit makes, by name."""
    rows = feature_dictionary()
    told = zip(rows["unit"], rows["meaning_zh"], rows["meaning_en"])
    return dict(zip(rows["feature"], told))


def describe_columns(tables: Mapping[str, Iterable[str]]) -> pd.DataFrame:
    """Say what every column of some tables means.

    Parameters
    ----------
    tables : mapping of str to DataFrame or column names
        By the name of the table.

    Returns
    -------
    DataFrame
        One row per column: ``table``, ``column``, ``unit``, ``meaning_zh``, ``meaning_en``. The
        words are empty for a column that ``output_columns.csv`` of the catalogue does not know.

    Examples
    --------
    >>> described = describe_columns({"sizes": ["share", "share_low"]})
    >>> described[["column", "unit", "meaning_en"]]
          column    unit                                         meaning_en
    0      share  0 to 1                             share of all customers
    1  share_low  0 to 1  share of all customers: lower end of its 95 % ...
    """
    rows = [(name, str(c), *_meaning(name, str(c))) for name, t in tables.items() for c in t]
    return pd.DataFrame(rows, columns=["table", "column", "unit", "meaning_zh", "meaning_en"])


def _meaning(table: str, column: str) -> tuple[str, str, str]:
    """The entry of this table, else of any table, else what the ending adds to the rest."""
    known = _meanings()
    kind = "refused" if table.startswith("refused_") else table
    if kind in _OF_CUSTOMERS and column in (ours := _features()):
        return ours[column]
    for key in ((kind, column), (kind, "*"), ("", column)):
        if key in known:
            return known[key]
    for (_, ending), (_, zh, en) in known.items():
        if len(ending) > 1 and ending[0] == "*" and column.endswith(ending[1:]):
            unit, base_zh, base_en = _meaning(table, column.removesuffix(ending[1:]))
            if base_en:
                return unit, zh.format(zh=base_zh), en.format(en=base_en)
    return "", "", ""
