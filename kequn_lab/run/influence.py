"""Which variable decides the segments of a result."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kequn_lab.features.definitions import feature_dictionary
from kequn_lab.segments.refits import effective_min_size
from kequn_lab.segments.seeded import SeededKMeans
from kequn_lab.validation.influence import STARTS, column_influence

__all__ = ["influence"]


def influence(result) -> pd.DataFrame:
    """The table of :meth:`kequn_lab.run.result.Result.column_influence`."""
    if result.features is None or result.pipeline is None:
        raise ValueError(
            "a result read from a folder holds no customer table; run kequn_lab.segment on it "
            "and ask that result"
        )
    if result.card.groups:
        raise ValueError(
            f"the groups of {result.card.by} were clustered separately; ask a result of one "
            "group alone"
        )
    book = feature_dictionary()
    axes = {a: c.name for c in result.card.categories for a in c.axes}
    values = np.asarray(result.pipeline[:-1].transform(result.features))
    seeded = isinstance(result.pipeline[-1], SeededKMeans)
    return column_influence(
        pd.DataFrame(values, columns=[*(f.name for f in result.card.features), *axes]),
        result.labels["segment_id"],
        variables=axes,
        blocks=dict(zip(book["feature"], book["block"])),
        n_starts=0 if seeded else STARTS,
        min_size=effective_min_size(result.pipeline[-1]),
        random_state=result.card.random_state or 0,
    )
