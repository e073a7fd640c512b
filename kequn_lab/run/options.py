"""What a person decides about an analysis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kequn_lab.monitor.registry import Registry

__all__ = ["Options"]


@dataclass(frozen=True)
class Options:
    """What a person decides about an analysis.

    Attributes
    ----------
    n_clusters : int, mapping or None
        None: 8, the article's number. With ``by`` as
        :func:`~kequn_lab.run.grouping.group_clusters`.
    n_starts, random_state
        As :func:`~kequn_lab.segments.segment_pipeline`.
    by : str, optional
        A column whose groups are clustered separately.
    ks : sequence of int, optional
        Numbers of clusters to compare; the stated rule of
        :func:`~kequn_lab.validation.decisions.choose_k` then takes the place of ``n_clusters``.
    start, pull
        Whether k-means starts at the signatures, as
        :func:`~kequn_lab.run.readings.take_reading`. Numbers of clusters are compared by the
        search, so with ``ks`` "auto" is the search.
    overrides : dict of int to str, optional
        Names given by a person, see :func:`~kequn_lab.segments.name_clusters`.
    n_boot : int
        Draws of customers, each clustered anew, behind the intervals of profile and comparison;
        200 at most, 0: no intervals. The decision always has them.
    n_stability : int
        Bootstrap pairs behind the stability of k and of the segments; 0 leaves it out.
    catalogue_folder : path, optional
        Your own copy of the catalogue, with your criteria and weights.
    previous : path, optional
        Folder of an earlier run: clusters that hold its customers keep their names, and the
        tables ``matching`` and ``migration`` say what became of its segments.
    registry : Registry, optional
        The same with the last run of a registry of segments.
    weights : mapping of str to float, optional
        Of columns or blocks, as :func:`~kequn_lab.features.weights.resolve_weights`.
    min_size : int, optional
        Customers that each segment must have, as :class:`~kequn_lab.segments.KMeansSearch`;
        numbers of clusters (``ks``) are compared without it.
    quiet : bool
        No progress bar.

    Raises
    ------
    ValueError
        ``by`` and ``ks`` at once.

    Examples
    --------
    >>> Options(n_clusters=5).n_starts
    25
    """

    n_clusters: int | Mapping[float, int] | None = None
    ks: Sequence[int] | None = None
    by: str | None = None
    start: str = "auto"
    pull: float = 0.0
    n_starts: int = 25
    random_state: int = 0
    overrides: dict[int, Any] | None = None
    n_boot: int = 1000
    n_stability: int = 20
    catalogue_folder: str | Path | None = None
    previous: str | Path | None = None
    registry: Registry | None = None
    weights: Mapping[str, float] | None = None
    n_reasons: int = 0
    min_size: int | None = None
    quiet: bool = False

    def __post_init__(self):
        if self.by is not None and self.ks is not None:
            raise ValueError(
                "numbers of clusters are compared for all customers, not by group: give k for each "
                "group (such as 0=6,1=3), or compare them on the customers of one group"
            )
