"""Tables of a result under other names and ids of segments."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pandas as pd

from kequn_lab.segments.naming import free_id, is_working

__all__ = ["own_ids", "renamed", "with_ids"]


def own_ids(names: pd.DataFrame, new: Mapping) -> dict[str, str]:
    """Ids for clusters that had a working name and now have one of their own."""
    used, out = set(names["segment_id"]), {}
    for row in names[names["segment_id"].isin(new)].itertuples():
        if is_working(row.segment_id):
            out[row.segment_id] = free_id("own", row.cluster, used)
            used.add(out[row.segment_id])
    return out


def with_ids(table: pd.DataFrame, ids: Mapping[str, str]) -> pd.DataFrame:
    """A table in which segments have other ids."""
    out = table.copy()
    for column in out:
        if isinstance(out[column].dtype, pd.CategoricalDtype):
            fresh = {c: ids.get(c, c) for c in out[column].cat.categories}
            out[column] = out[column].cat.rename_categories(fresh)
        elif (rows := out[column].isin(list(ids))).any():
            out.loc[rows, column] = out.loc[rows, column].map(ids)
    return out


def renamed(table: pd.DataFrame, new: Mapping, said: Mapping) -> pd.DataFrame:
    """A table in which segments have new names, in columns of names and inside of texts."""
    out = table.copy()
    if "segment_id" in out and {"name_zh", "name_en"} <= set(out):
        ids = out["segment_id"].astype("str")
        for i, column in enumerate(("name_zh", "name_en")):
            fresh = ids.map({s: pair[i] for s, pair in new.items()})
            out[column] = fresh.fillna(out[column].astype("str"))
    for suffix, words in said.items():
        # All at once, the longest first: a name can be part of another, or its old name.
        old = re.compile("|".join(re.escape(w) for w in sorted(words, key=len, reverse=True)))
        for column in [c for c in out if str(c).endswith(suffix) and not c.startswith("name_")]:
            out[column] = out[column].map(
                lambda text, old=old, words=words: old.sub(lambda m: words[m[0]], text),
                na_action="ignore",
            )
    return out
