"""Customers drawn again and clustered again: what an interval of a segment has to be made of.

An interval that draws customers and keeps their segments is too short: with other customers the
borders lie elsewhere. :func:`kequn_lab.segments.refits.refit` makes these draws; profiles,
comparison and decision all read them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

#: Share of the draws that may be without a value (a segment that nobody is in).
MOST_LOST = 0.1


@dataclass(frozen=True)
class Refits:
    """Draws of customers with the segments that k-means finds in each.

    Attributes
    ----------
    customers : Index, shape (m,)
        The customers that are drawn from: all, or a random sample of many.
    segments : Index, shape (k,)
    member : csr_array, shape ((draws + 1) * k, m)
        How often each customer counts in each segment, draw by draw. Draw 0: the segments as
        they were found, every customer once.
    scale : float
        √(m / n): intervals of n customers are this much shorter than those of m.
    """

    customers: pd.Index
    segments: pd.Index
    member: csr_array
    scale: float = 1.0

    @property
    def n_draws(self) -> int:
        return self.member.shape[0] // len(self.segments) - 1

    def at(self, index: pd.Index) -> NDArray:
        """Where these customers are in ``index``."""
        found = index.get_indexer(self.customers)
        if (found < 0).any():
            lost = self.customers[found < 0][:3].tolist()
            raise ValueError(f"refits have customers that the table lacks, for example {lost}")
        return found

    def sums(self, columns: ArrayLike) -> NDArray:
        """Sums by draw and segment, shape (draws + 1, k, c), of columns of shape (m, c)."""
        out = self.member @ np.asarray(columns, float)
        return out.reshape(-1, len(self.segments), out.shape[-1])

    def interval(self, drawn: NDArray, estimate: ArrayLike) -> NDArray:
        """95 % interval of each estimate, shape (2, …), from ``drawn`` of shape (draws + 1, …)."""
        again, there = drawn[1:], np.isfinite(drawn[1:])
        with np.errstate(invalid="ignore"):
            gap = np.where(there, again - drawn[0], np.nan)
        enough = np.atleast_1d(there.mean(axis=0) >= 1 - MOST_LOST)
        gap = gap.reshape(len(gap), -1)
        ends = np.full((2, gap.shape[1]), np.nan)
        ends[:, enough.ravel()] = np.nanquantile(gap[:, enough.ravel()], [0.025, 0.975], axis=0)
        return np.asarray(estimate) + self.scale * ends.reshape(2, *drawn.shape[1:])
