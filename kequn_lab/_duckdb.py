"""What every connection to DuckDB has in common: its memory, and how a file is named in a query."""

from __future__ import annotations

import re
from pathlib import Path

#: DuckDB spills to disk above it.
MEMORY_LIMIT = "2GB"


def scan(path: str | Path) -> str:
    """Return a Parquet file as a query names it.

    The path is taken letter by letter: no pattern, and no column from ``name=value`` in it.

    Examples
    --------
    >>> scan("it's.parquet")
    "read_parquet('it''s.parquet', hive_partitioning = false)"
    """
    letters = re.sub(r"[*?[]", r"[\g<0>]", str(Path(path))).replace("'", "''")
    return f"read_parquet('{letters}', hive_partitioning = false)"
