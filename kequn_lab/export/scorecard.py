"""The model as a fact that can be reviewed: one JSON page that labels customers anywhere.

A :class:`Scorecard` holds what a fitted pipeline learned and nothing of its customers. For
each feature: fill a missing value, clip, take the logarithm or not, standardise. Then the
nearest centre is the segment (with a smallest size: that of the least squared distance plus
offset); where two are equally near, the lower cluster number. Where groups
of customers were clustered separately, the group says by what to standardise and which
centres there are.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from kequn_lab._chunks import chunks
from kequn_lab._files import replacing, versions
from kequn_lab._json import parse_json, read_json
from kequn_lab.export._card_json import read_card, write_card
from kequn_lab.export._categories import ScorecardCategory, categories_of, category_record
from kequn_lab.export._checked import check
from kequn_lab.export._learned import groups_of, learned, names_of, spread
from kequn_lab.export._nearest import labelled, nearest, offsets_of
from kequn_lab.export._records import short_record
from kequn_lab.export.dbt import write_dbt
from kequn_lab.export.golden import golden_rows
from kequn_lab.export.pmml import scorecard_pmml
from kequn_lab.export.sas import scorecard_sas
from kequn_lab.export.sql import scorecard_sql
from kequn_lab.features.definitions import DEFINITIONS, FEATURES

__all__ = [
    "Scorecard", "ScorecardCentre", "ScorecardFeature", "ScorecardGroup", "ScorecardSegment",
]  # fmt: skip


@dataclass(frozen=True)
class ScorecardFeature:
    """How one column of the customer table becomes one coordinate.

    ``fill`` replaces a missing value, ``lower`` and ``upper`` are the clips (all in ``unit``,
    None for no such step); then sign(x)·ln(1+|x|) if ``log``; then (x − ``mean``) / ``scale``.

    ``weight`` is that of the column; ``scale`` has been divided by its root already.

    ``cuts`` and ``shares`` say how the customers of the training spread: their shares below
    the first cut, between cuts, above the last. With ``missing_share`` they show drift later.
    """

    name: str
    unit: str
    fill: float | None
    lower: float | None
    upper: float | None
    log: bool
    mean: float
    scale: float
    missing_share: float
    cuts: tuple[float, ...]
    shares: tuple[float, ...]
    weight: float = 1.0


@dataclass(frozen=True)
class ScorecardSegment:
    """One cluster: its names, its share of the training's customers, its centre.

    ``similarity`` to the segment's signature (None: named by hand, or by its marks); ``centre``
    in standard deviations, in the order of the features; ``permanent_id`` that of the registry.
    ``offset`` is added to the squared distance before the least is taken: above 0 only where a
    smallest size was asked for, and 0 for the segment that had to grow most.
    """

    cluster: int
    segment_id: str
    name_zh: str
    name_en: str
    target_group: str
    similarity: float | None
    share: float
    centre: tuple[float, ...]
    permanent_id: str = ""
    offset: float = 0.0


@dataclass(frozen=True)
class ScorecardCentre:
    """A centre of one group: the cluster that it belongs to, its share of the group's customers,
    and where it lies, in standard deviations of the group, in the order of the features."""

    cluster: int
    share: float
    centre: tuple[float, ...]


@dataclass(frozen=True)
class ScorecardGroup:
    """Customers that were clustered separately: those whose column ``by`` has this ``value``.

    ``mean`` and ``scale`` take the place of the features' own; then, for each axis of a category,
    0 and what the points of the levels are divided by.
    """

    value: float
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    centres: tuple[ScorecardCentre, ...]


@dataclass(frozen=True)
class Scorecard:
    """Everything needed to label a customer.

    Parameters
    ----------
    features : tuple of ScorecardFeature
    segments : tuple of ScorecardSegment
        In the order of cluster 0, 1, ….
    trained_on : str
        The ``as_of`` date of the training, ``YYYY-MM-DD``.
    customers : int
        How many customers it was trained on.
    months : int, optional
        Length of the window that its features were computed from; None when they came as a
        ready table.
    definitions : str, optional
        Which :data:`~kequn_lab.features.definitions.DEFINITIONS` made its features; None with
        ``months``.
    currency : str
        Of the columns of money.
    timezone : str, optional
        To which instants with a zone were converted; None when times had no zone.
    synthetic : bool, optional
        Were they invented? None when nobody said.
    random_state : int, optional
    unmatched_below : float, optional
        Clusters less similar to any signature got no name of the catalogue.
    inputs : mapping of str to str
        SHA-256 of the input files by name.
    versions : mapping of str to str
        Of the packages that made it.
    run_id : str, optional
        The run in a registry of segments that made it; labels by it then have the columns
        ``permanent_id`` and ``run_id``.
    categories : tuple of ScorecardCategory
        Columns of text; their axes come after the features in the centres.
    by : str, optional
        The feature whose groups were clustered separately.
    groups : tuple of ScorecardGroup
        They label the customers; the centres of ``segments`` are then the means of all their
        customers. A customer of no group, or without a value, gets no segment.

    Raises
    ------
    ValueError
        A number is not finite, shapes do not fit, a name comes twice.

    Examples
    --------
    >>> from kequn_lab.segments.pipeline import fit_segments
    >>> table = pd.DataFrame({"age_years": [20.0, 21, 60, 61], "cards_count": [1.0, 2, 2, 1]})
    >>> pipeline = fit_segments(table, n_clusters=2, random_state=0)
    >>> card = Scorecard.from_pipeline(pipeline, table, as_of="2024-12-31")
    >>> card.predict(pd.DataFrame({"age_years": [19.0, 70], "cards_count": [1.0, None]})).tolist()
    [1, 0]
    >>> Scorecard.from_json(card.to_json()) == card
    True
    """

    features: tuple[ScorecardFeature, ...]
    segments: tuple[ScorecardSegment, ...]
    trained_on: str
    customers: int
    months: int | None = None
    definitions: str | None = None
    currency: str = "CNY"
    timezone: str | None = None
    synthetic: bool | None = None
    random_state: int | None = None
    unmatched_below: float | None = None
    inputs: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=versions)
    by: str | None = None
    groups: tuple[ScorecardGroup, ...] = ()
    categories: tuple[ScorecardCategory, ...] = ()
    run_id: str | None = None

    def __post_init__(self):
        check(self)

    @property
    def feature_names(self) -> list[str]:
        """Columns that a table must have: numbers, then categories."""
        return [f.name for f in self.features] + [c.name for c in self.categories]

    @property
    def axes(self) -> list[str]:
        """Coordinates of the centres: a feature each, and for a category one per level."""
        return [f.name for f in self.features] + [a for c in self.categories for a in c.axes]

    @property
    def offsets(self) -> tuple[float, ...]:
        """What is added to the squared distances; empty where nothing is."""
        return offsets_of(self)

    @property
    def model_id(self) -> str:
        """Twelve digits that change with any number or name that decides a label."""
        window = self.months, self.definitions, self.currency, self.timezone
        numbers = [[short_record(x) for x in part] for part in (self.features, self.segments)]
        groups = (self.by, [dataclasses.asdict(g) for g in self.groups]) if self.groups else ()
        if self.categories:
            groups = (*groups, [category_record(c) for c in self.categories])
        text = json.dumps(
            (*numbers, window, *groups), ensure_ascii=True, sort_keys=True, allow_nan=False
        )
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @classmethod
    def from_pipeline(
        cls,
        pipeline: Pipeline,
        features: pd.DataFrame,
        labels: pd.DataFrame | None = None,
        *,
        as_of,
        names: pd.DataFrame | None = None,
        units: Mapping[str, str] | None = None,
        **facts,
    ) -> Scorecard:
        """Read a fitted pipeline.

        Parameters
        ----------
        pipeline : Pipeline
            Fitted, as :func:`~kequn_lab.segments.segment_pipeline` builds it.
        features : DataFrame
            The customer table of the training, for the population's summary.
        labels : DataFrame, optional
            As :func:`~kequn_lab.segments.label_table`: the clusters' names.
        as_of : date-like
            Day of the training data.
        names : DataFrame, optional
            As :func:`~kequn_lab.segments.name_clusters`: the similarities.
        units : mapping, optional
            Of columns that :data:`~kequn_lab.features.definitions.FEATURES` does not know.
        **facts
            ``months``, ``currency``, ``timezone``, ``synthetic``, ``random_state``,
            ``unmatched_below``, ``inputs``. With ``months`` go this version's ``definitions``.

        Raises
        ------
        TypeError
            A step of the pipeline that a scorecard cannot express.
        """
        steps, categories = learned(pipeline), categories_of(pipeline, features)
        columns = [c for c in features.columns if str(c) not in {x.name for x in categories}]
        known = {f.name: f.unit for f in FEATURES} | dict(units or {})
        if labels is None:
            clusters = np.concatenate([pipeline.predict(some) for some in chunks(features)])
        else:
            clusters = labels["cluster"].to_numpy()
        centres, offsets = steps.pop("centre"), steps.pop("offset")
        share = np.bincount(clusters, minlength=len(centres)) / len(clusters)
        return cls(
            features=tuple(
                ScorecardFeature(
                    name=str(column),
                    unit=known.get(column, ""),
                    **{name: values[i] for name, values in steps.items()},
                    **spread(features[column].to_numpy(dtype=np.float64, na_value=np.nan)),
                )
                for i, column in enumerate(columns)
            ),
            segments=tuple(
                ScorecardSegment(
                    cluster=k,
                    **names_of(k, labels, names),
                    share=float(share[k]),
                    centre=tuple(centre),
                    offset=offsets[k],
                )
                for k, centre in enumerate(centres)
            ),
            trained_on=f"{pd.Timestamp(as_of):%Y-%m-%d}",
            customers=len(features),
            categories=categories,
            **_groups(pipeline, features, steps),
            **{**({"definitions": DEFINITIONS} if facts.get("months") else {}), **facts},
        )

    def to_json(self) -> str:
        """The scorecard as text: keys in a fixed order, every number exact (shortest form)."""
        return write_card(self)

    @classmethod
    def from_json(cls, text: str, *, edited: bool = False) -> Scorecard:
        """Read what :meth:`to_json` wrote, strictly.

        Parameters
        ----------
        text : str
            JSON text.
        edited : bool
            True accepts numbers and names changed by hand since (``model_id`` differs).

        Raises
        ------
        ValueError
            Another schema, an unknown or missing field, a value of the wrong kind, NaN, a
            centre that lacks a feature, or a ``model_id`` that does not fit the content.
        """
        return read_card(cls, parse_json(text, what="scorecard"), "scorecard", edited)

    def save(self, path: str | Path) -> None:
        """Write :meth:`to_json` to a file, whole or not at all."""
        with replacing(path) as file:
            file.write(self.to_json().encode())

    @classmethod
    def load(cls, path: str | Path, *, edited: bool = False) -> Scorecard:
        """Read the file that :meth:`save` wrote, as :meth:`from_json`; errors name the file."""
        return read_card(cls, read_json(path), Path(path).name, edited)

    def predict(self, table) -> pd.Series:
        """The cluster of each row: the pipeline's labels.

        Parameters
        ----------
        table : DataFrame or pyarrow Table
            Columns :attr:`feature_names` in any order; others are left alone.

        Returns
        -------
        Series of int
            Indexed as the table. A row that misses a value which no ``fill`` replaces, or that
            belongs to none of the groups, has no cluster (``<NA>``, dtype Int32).

        Raises
        ------
        ValueError
            A feature is lacking, or is not a number.
        """
        clusters = nearest(self, table)
        index = table.index if isinstance(table, pd.DataFrame) else None
        out = pd.Series(clusters, index=index, name="cluster")
        return out.astype("Int32").mask(out < 0) if (clusters < 0).any() else out

    def label(self, table) -> pd.DataFrame:
        """Labels with names, distance and margin, as :func:`~kequn_lab.segments.label_table`.

        Parameters
        ----------
        table : DataFrame or pyarrow Table
            As :meth:`predict`; ``customer_id`` is a column, or the index of a DataFrame.
        """
        return labelled(self, table).to_pandas()

    def golden_rows(self, n_rows: int | None = None) -> pd.DataFrame:
        """Made-up customers with their labels, by which a copy of the model is verified; see
        :func:`kequn_lab.export.golden.golden_rows`."""
        return golden_rows(self, n_rows)

    def to_sql(self, dialect: str, *, table: str, id_column: str = "customer_id") -> str:
        """The scorecard as one SELECT; see :func:`kequn_lab.export.sql.scorecard_sql`."""
        return scorecard_sql(self, dialect, table=table, id_column=id_column)

    def to_sas(self, *, table: str, id_column: str = "customer_id") -> str:
        """The scorecard as a SAS DATA step; see :func:`kequn_lab.export.sas.scorecard_sas`."""
        return scorecard_sas(self, table=table, id_column=id_column)

    def to_pmml(self) -> str:
        """The scorecard as PMML 4.4; see :func:`kequn_lab.export.pmml.scorecard_pmml`."""
        return scorecard_pmml(self)

    def to_dbt(
        self, folder: str | Path, dialect: str, *, table: str, id_column: str = "customer_id"
    ) -> None:
        """The scorecard as a dbt project; see :func:`kequn_lab.export.dbt.write_dbt`."""
        write_dbt(self, folder, dialect, table=table, id_column=id_column)


def _groups(pipeline, features, steps) -> dict[str, Any]:
    by, rows = groups_of(pipeline, features, steps)
    groups = [
        ScorecardGroup(**row | {"centres": tuple(ScorecardCentre(**c) for c in row["centres"])})
        for row in rows
    ]
    return {"by": by, "groups": tuple(groups)}
