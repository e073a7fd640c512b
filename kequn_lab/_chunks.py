"""A large table, a few rows at a time: memory does not grow with all of them."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

#: Rows looked at together.
ROWS = 65_536


def chunks(table: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """The rows of a table in order, part by part; of an empty one itself.

    Examples
    --------
    >>> [len(part) for part in chunks(pd.DataFrame({"a": range(70_000)}))]
    [65536, 4464]
    """
    table = pd.DataFrame(table)  # without attrs, which every part would copy
    for start in range(0, max(len(table), 1), ROWS):
        yield table.iloc[start : start + ROWS]
