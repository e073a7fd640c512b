"""What a reader of the result must know: one form for console, report and ``warnings.csv``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

#: Columns of a table of notes, in the order of ``warnings.csv``.
NOTE_COLUMNS = (
    "level", "warning", "segment_id", "other_id", "variable", "value", "bound",
    "text_zh", "text_en",
)  # fmt: skip

#: Notes that say how the customers were clustered; shown in a place of their own.
READING = ("reading_price", "reading_groups", "reading_min_size", "reading_cluster")


@dataclass(frozen=True)
class Note:
    """One thing to know about a result, worded in both languages.

    ``warning`` is an ASCII code such as ``window_drops_customers``. ``level`` is ``warning``
    for what makes a result doubtful, and ``note`` for what was only converted or assumed.
    ``value`` is what was found, ``bound`` the threshold it is compared with.
    """

    warning: str
    text_zh: str
    text_en: str
    value: float | None = None
    bound: float | None = None
    segment_id: str | None = None
    other_id: str | None = None
    variable: str | None = None
    level: str = "warning"

    def text(self, language: str = "en") -> str:
        return self.text_zh if language == "zh" else self.text_en


def notes_table(notes: Iterable[Note]) -> pd.DataFrame:
    """One row per note, columns :data:`NOTE_COLUMNS`.

    Examples
    --------
    >>> notes_table([Note("rows_skipped", "略过 3 行", "3 rows skipped", 3)])["warning"].tolist()
    ['rows_skipped']
    """
    return pd.DataFrame([asdict(n) for n in notes], columns=list(NOTE_COLUMNS))


def reading_price(record: Mapping[str, Any], language: str) -> str:
    """What the record of a run says of its reading: its price, or the groups that were clustered
    separately, and what a smallest size costs; a line each, empty where it says none.

    Examples
    --------
    >>> note = {"warning": "reading_price", "text_zh": "代价：…", "text_en": "The price: …"}
    >>> reading_price({"notes": [note]}, "en"), reading_price({}, "en")
    ('The price: …', '')
    """
    notes = [n for n in record.get("notes") or [] if n["warning"] in READING]
    return "\n".join(note[f"text_{language}"] for note in notes)
