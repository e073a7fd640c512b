"""What has no effect in a mapping: it may have been meant for another table, so it is named."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields
from typing import TYPE_CHECKING

from kequn_lab._notes import Note

if TYPE_CHECKING:
    from kequn_lab.contract.cells import Options
    from kequn_lab.contract.mapping import Mapping


def unused_tables(mapping: Mapping, given: Collection[str]) -> list[Note]:
    """Tables of a mapping for which no table was given, so that what they say has no effect.

    Parameters
    ----------
    mapping : Mapping
    given : collection of str
        Of ``customers``, ``events``, ``holdings`` and ``features``: those that are read.

    Examples
    --------
    >>> from kequn_lab.contract.mapping import Mapping, TableMapping
    >>> mapping = Mapping(customers=TableMapping(thousands=","))
    >>> [note.text_en for note in unused_tables(mapping, ["features"])]
    ['[customers] of the mapping has no effect (thousands): a ready table is read by [features]']
    """
    notes = []
    for name in ("customers", "events", "holdings", "features"):
        own = getattr(mapping, name)
        keys = [f.name for f in fields(own) if getattr(own, f.name) != getattr(type(own)(), f.name)]
        if not keys or name in given:
            continue
        why = ("没有给出该表", "no such table is given")
        if "features" in given:
            why = ("现成的客户表按 [features] 读取", "a ready table is read by [features]")
        notes.append(_no_effect(
            f"映射中的 [{name}] 不起作用（{'、'.join(keys)}）：{why[0]}",
            f"[{name}] of the mapping has no effect ({', '.join(keys)}): {why[1]}",
        ))  # fmt: skip
    return notes


def unused_columns(options: Options, there: Collection[str], source: str) -> list[Note]:
    """Columns for which a mapping has codes or a factor, and which the table does not have.

    Parameters
    ----------
    options : TableMapping or Options
    there : collection of str
        The table's columns, in our words.
    source : str
        The file's name.

    Examples
    --------
    >>> from kequn_lab.contract.mapping import TableMapping
    >>> words = TableMapping(scale={"age_years": 0.1})
    >>> [note.text_en for note in unused_columns(words, ["customer_id"], "customers.csv")]
    ['customers.csv: scale of the mapping has no effect on age_years, which is not there']
    """
    notes = []
    for key in ("codes", "scale"):
        if lacking := [name for name in getattr(options, key, {}) if name not in there]:
            notes.append(_no_effect(
                f"{source}：映射中的 {key} 对 {'、'.join(lacking)} 不起作用，因为没有该列",
                f"{source}: {key} of the mapping has no effect on {', '.join(lacking)}, which is "
                "not there",
            ))  # fmt: skip
    return notes


def _no_effect(zh: str, en: str) -> Note:
    return Note("mapping_unused", zh, en, level="note")
