"""Texts of levels: what is missing, which mean the same, and names that the kit gives."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

__all__ = [
    "MISSING",
    "NO_LEVEL",
    "OTHER",
    "WIDE_BLANK",
    "level_text",
    "require_one_kind",
    "same_level",
    "spellings_of",
]

#: Names of the level that holds rare ones, and of missing values that are a level of their own.
OTHER, MISSING = "(other)", "(missing)"
#: Texts, without blanks around them, that are no level but a missing value.
NO_LEVEL = ("", "nan", "NaN")
#: The blank of Chinese texts; it is one blank like another.
WIDE_BLANK = "\u3000"


def level_text(value) -> str:
    """A level as text without blanks around it; empty for a missing value.

    Examples
    --------
    >>> level_text(" farmer "), level_text(101.0), level_text(None)
    ('farmer', '101', '')
    """
    if value is None or value is pd.NA or value != value:
        return ""
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))  # a code with missing values beside it is read as a float
    text = str(value).replace(WIDE_BLANK, " ").strip(" ")
    return "" if text in NO_LEVEL else text


def same_level(text: str) -> str:
    """What levels have in common that differ in blanks, case or width alone.

    Examples
    --------
    >>> same_level(" Ｆarmer") == same_level("farmer")
    True
    """
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def spellings_of(key: str, texts: Iterable[str]) -> tuple[str, ...]:
    """The texts, and these in other case, as far as they mean the same level."""
    own = list(texts)
    more = [v for t in own for v in (t.lower(), t.upper(), t.capitalize()) if same_level(v) == key]
    more += [f"{t}.0" for t in own if t.isdecimal()]  # as a database writes a code in a float
    return tuple(dict.fromkeys([*own, *more]))


def require_one_kind(name: str, distinct, texts: Mapping[str, Mapping[str, int]]) -> None:
    """Words or numbers, not both: a wrong column, or a code that nobody explained."""
    numbers, words = [], []
    for own in texts.values():
        text = next(iter(own))
        try:
            float(text)
        except ValueError:
            words.append(text)
        else:
            numbers.append(text)
    if numbers and words and (len(numbers) > 1 or any(not isinstance(v, str) for v in distinct)):
        raise ValueError(
            f"{name} mixes numbers and words ({', '.join(map(repr, [*numbers[:3], *words[:3]]))}): "
            "write the numbers as missing or as words, or declare the order of all its levels"
        )
