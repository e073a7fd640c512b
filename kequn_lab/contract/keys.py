"""Ids that come twice, and ids that nobody knows: found while a table passes by."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kequn_lab.contract.cells import Format, Options, read_column
from kequn_lab.contract.tables import Contract
from kequn_lab.contract.violations import violations_frame

__all__ = ["Keys", "Known", "hashes"]


def hashes(ids: pd.Series) -> NDArray[np.uint64]:
    """Eight bytes represent an id of any length; twelve million rows fit in 100 MB."""
    table = pa.table({"id": pa.array(ids, from_pandas=True)})  # DuckDB's hash costs a tenth
    with _database().cursor() as con:
        con.register("ids", table)
        return con.execute("SELECT hash(id) AS hash FROM ids").fetchnumpy()["hash"]


@cache
def _database():
    """One for all chunks: to open it costs more than to hash 100,000 ids."""
    import duckdb

    return duckdb.connect()


@dataclass(frozen=True)
class Known:
    """The ids of the customers there are, eight bytes each, in order."""

    hashes: NDArray[np.uint64]

    def strangers(self, table: pd.DataFrame) -> pd.DataFrame:
        """Rows of customers that are not known (violations, as ``check``)."""
        codes, ids = pd.factorize(table["customer_id"])
        found = hashes(pd.Series(ids, dtype="str"))
        place = np.minimum(np.searchsorted(self.hashes, found), len(self.hashes) - 1)
        strange = np.append(self.hashes[place] != found, False)  # -1: no id at all
        lost = table.loc[strange[codes], "customer_id"]
        return violations_frame(lost.index, "customer_id", "not in the customer table", lost)


class Keys:
    """Rows whose key comes again, found while a table passes by.

    Keys that ascend from row to row cannot come again. Only from the chunk on in which they do
    not is each key hashed; ``again`` then reads the rows before it once more.
    """

    def __init__(
        self, contract: Contract, options: Options, again: Callable[[], Iterable[pd.DataFrame]]
    ):
        self._key = [contract[k] for k in contract.key]
        self._options = options
        self._again = again
        self._largest: str | None = ""  # None: they do not ascend
        self._unhashed = 0  # rows
        self._hashes: list[NDArray] = []
        self._rows: list[NDArray] = []

    def watching(self, chunks: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for chunk in chunks:
            if self._key and all(c.name in chunk for c in self._key):
                self._add(chunk)
            yield chunk

    def _add(self, chunk: pd.DataFrame) -> None:
        if self._largest is not None and self._ascends(self._keys(chunk)):
            self._unhashed += len(chunk)
        else:
            self._largest = None
            self._hash(chunk)

    def _keys(self, chunk: pd.DataFrame) -> pd.Series:
        """The key of each row that has one."""
        parts = [
            read_column(
                chunk[c.name], Format(c.dtype, real_ids=self._options.real_ids, codes=c.isin or ())
            )[0]
            for c in self._key
        ]
        there = np.logical_and.reduce([p.notna() for p in parts])
        key = parts[0] if len(parts) == 1 else parts[0].str.cat(parts[1:], sep="\x1f")
        return key[there]

    def _ascends(self, key: pd.Series) -> bool:
        ids = pa.array(key, from_pandas=True)
        if not len(ids):
            return True
        before, self._largest = self._largest, ids[-1].as_py()
        return before < ids[0].as_py() and pc.all(pc.less(ids[:-1], ids[1:]), min_count=0).as_py()

    def _hash(self, chunk: pd.DataFrame) -> None:
        key = self._keys(chunk)
        self._hashes.append(hashes(key))
        self._rows.append(key.index.to_numpy())

    def twice(self) -> NDArray:
        if self._largest is None:
            for chunk in self._again():
                if not self._unhashed:
                    break
                self._hash(chunk[: self._unhashed])
                self._unhashed -= min(len(chunk), self._unhashed)
        found = np.concatenate([np.array([], dtype=np.uint64), *self._hashes])
        if len(found) < 2:
            return np.array([], dtype=np.int64)
        ordered = np.sort(found)
        again = ordered[1:][ordered[1:] == ordered[:-1]]
        return np.sort(np.concatenate(self._rows)[np.isin(found, again)] if len(again) else again)
