"""What the steps of an analysis make of named segments: a table, or a few, for each question."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from kequn_lab import compare, profiles
from kequn_lab._chunks import chunks
from kequn_lab._notes import Note
from kequn_lab._refits import Refits
from kequn_lab.compare.attractiveness import attractiveness_matrix, recommend
from kequn_lab.compare.criteria import Criteria, segment_values
from kequn_lab.compare.groups import compared_groups, group_sizes
from kequn_lab.export.scorecard import Scorecard
from kequn_lab.features.weights import resolve_weights
from kequn_lab.monitor.matching import migration_table
from kequn_lab.profiles.cards import segment_cards
from kequn_lab.profiles.cautions import warnings_table
from kequn_lab.profiles.plane import segment_pca
from kequn_lab.profiles.rules import segment_rules
from kequn_lab.profiles.tables import marker_table, size_table, variable_order
from kequn_lab.profiles.variance import variance_table
from kequn_lab.run.categories import category_axes, variable_words
from kequn_lab.run.findings import findings, no_decision, segment_marks
from kequn_lab.run.grouping import group_note, group_stability, group_table
from kequn_lab.run.inputs import Inputs
from kequn_lab.run.on_cluster import ClusterReading, cluster_notes
from kequn_lab.run.options import Options
from kequn_lab.run.readings import Reading, compare_readings, price_note
from kequn_lab.run.registering import Earlier
from kequn_lab.run.sizing import size_changes, size_note
from kequn_lab.segments.naming import name_clusters
from kequn_lab.segments.pipeline import centre_table, column_factors, label_table
from kequn_lab.segments.refits import DRAWS, effective_min_size, refit
from kequn_lab.segments.signatures import least_similarity, nameless_segments
from kequn_lab.validation.agreement import truth_table
from kequn_lab.validation.decisions import stability_summary
from kequn_lab.validation.null_model import null_separation
from kequn_lab.validation.segmentwise import segment_stability

__all__ = [
    "Segmented",
    "cautions",
    "comparison_tables",
    "decision_tables",
    "describe",
    "doubts",
    "draw_again",
    "name_segments",
    "naming_tables",
    "plane_tables",
    "price_tables",
    "profile_tables",
    "stability_tables",
]

Tables = dict[str, pd.DataFrame]


@dataclass(frozen=True)
class Segmented:
    """Customers with named segments, which every later step looks at.

    Attributes
    ----------
    inputs : Inputs
    options : Options
    book : dict of DataFrame
        The catalogue, as :func:`kequn_lab.catalogue.book`.
    reading : Reading
        The k-means that was fitted.
    rows : slice or ndarray of int
        Positions of the customers that k-means was fitted to.
    model : DataFrame
        The columns that k-means sees, of these customers.
    names, labels : DataFrame
        As :func:`~kequn_lab.segments.name_clusters` and :func:`~kequn_lab.segments.label_table`.
    matching : DataFrame or None
        What became of the segments of an earlier run.
    """

    inputs: Inputs
    options: Options
    book: Tables
    reading: Reading
    rows: slice | np.ndarray
    model: pd.DataFrame
    names: pd.DataFrame
    labels: pd.DataFrame
    matching: pd.DataFrame | None = None

    @property
    def variables(self) -> pd.DataFrame:
        """What columns and levels are called."""
        return variable_words(self.inputs.called)

    @cached_property
    def segment(self) -> pd.Series:
        """The segment of each customer, a category in the order of the clusters."""
        looks = self.labels.drop_duplicates("cluster").sort_values("cluster")
        codes = pd.Index(looks["cluster"]).get_indexer(self.labels["cluster"])
        segment = pd.Categorical.from_codes(codes, looks["segment_id"])
        return pd.Series(segment, self.inputs.features.index, name="segment_id")


def name_segments(
    inputs: Inputs,
    options: Options,
    book: Tables,
    reading: Reading,
    earlier: Earlier | None,
    rows: slice | np.ndarray,
) -> Segmented:
    """Name the clusters of the customers at ``rows``, to whom k-means was fitted, and label all.

    A group of customers keeps the id and the names that it had in ``earlier``, whatever they were.
    """
    previous = matching = None
    if earlier is not None:
        ids = inputs.features.index.astype("str")
        found = [reading.pipeline.predict(some) for some in chunks(inputs.features)]
        clusters = pd.Series(np.concatenate(found), index=ids)
        matching = earlier.matching(clusters, lambda: Scorecard.from_pipeline(
            reading.pipeline, inputs.features, as_of=inputs.as_of or "2000-01-01"
        ))  # fmt: skip
        kept = matching[matching["event"] == "kept"].set_index("before")["after"]
        previous = earlier.labels.drop_duplicates("segment_id")
        previous = previous.assign(cluster=previous["segment_id"].map(kept))
    fitted = inputs.features.iloc[rows]
    model = reading.pipeline[:-1].transform(fitted).set_axis(fitted.index)
    names = name_clusters(
        reading.means, book["signatures"], minimum=least_similarity(reading.chance),
        overrides=options.overrides, previous=previous, segments=book["segments"],
        words=book["feature_words"], model=model / column_factors(reading.pipeline),
    )  # fmt: skip
    if matching is not None:
        now = dict(zip(names["cluster"], names["segment_id"]))
        matching = matching.replace({"after": now, "partner": now})
    labels = label_table(
        reading.pipeline, inputs.features, names, target_groups=book["target_groups"]
    )
    return Segmented(inputs, options, book, reading, rows, model, names, labels, matching)


def naming_tables(found: Segmented, earlier: Earlier | None) -> Tables:
    """Evidence for the names, segments without a cluster, and earlier and true segments."""
    tables = {
        "chance_likeness": found.reading.chance,
        "nameless_segments": nameless_segments(
            found.reading.means, found.book["signatures"], found.names,
            minimum=least_similarity(found.reading.chance), segments=found.book["segments"],
            variables=found.variables,
        ),
    }  # fmt: skip
    if earlier is not None and found.matching is not None:
        before = earlier.labels.set_index("customer_id")["segment_id"]
        tables["matching"] = found.matching
        tables["migration"] = migration_table(before, found.segment.astype("str"))
    if found.inputs.truth is not None:
        truth = found.inputs.truth.set_index("customer_id")["segment_id"]
        tables["truth_table"] = truth_table(found.segment, truth)
    return tables


def draw_again(found: Segmented) -> Refits:
    """The segments of customers drawn again, under the ids that the clusters have here."""
    ids = found.names.set_index("cluster")["segment_id"].sort_index()
    return refit(
        found.reading.pipeline["kmeans"],
        found.model,
        found.model.index,
        segments=pd.Index(ids),
        n_draws=min(found.options.n_boot, DRAWS) or DRAWS,
        random_state=found.options.random_state,
    )


def describe(found: Segmented) -> tuple[Refits, Tables]:
    """Customers drawn again, and who is in each segment and target group."""
    refits = draw_again(found)
    shown = refits if found.options.n_boot else None
    tables = profile_tables(found, shown) | plane_tables(found)
    return refits, tables | comparison_tables(found, shown)


def profile_tables(found: Segmented, refits: Refits | None) -> Tables:
    """Who is in each segment; with intervals where there are draws."""
    features, segment, book = found.inputs.features, found.segment, found.book
    currency = found.inputs.currency
    sizes = size_table(segment)
    profile = profiles.profile_table(features, segment, n_boot=0, refits=refits)
    markers = marker_table(profile)
    show = {"segments": found.names, "variables": found.variables}
    seed = {"random_state": found.options.random_state}
    known = found.model.columns.intersection(book["signatures"]["feature"])
    expected = None
    if len(known):
        factors = column_factors(found.reading.pipeline)[found.model.columns.get_indexer(known)]
        standard, own = found.model[known] / factors, segment.iloc[found.rows]
        expected = profiles.profile_table(standard, own, n_boot=0)
        del standard
    order = _order(features.iloc[found.rows], found.inputs.categories)
    return {
        "sizes": sizes,
        "profile": profile,
        "markers": markers,
        "variance": _variance(found),
        "order": pd.DataFrame({"variable": order}),
        "rules": segment_rules(features, segment, currency=currency, **seed, **show),
        "cards": segment_cards(
            profile,
            markers,
            sizes=sizes,
            traits=book["traits"],
            signatures=book["signatures"],
            model_profile=expected,
            currency=currency,
            **show,
        ),
    }


def _order(features: pd.DataFrame, categories) -> list[str]:
    """Numbers, similar ones next to each other, then categories."""
    numbers = features.drop(columns=list(categories))
    return [*(variable_order(numbers) if len(numbers.columns) else ()), *categories]


def _variance(found: Segmented) -> pd.DataFrame:
    """What decides: by variable, and by block where a pattern gave one a weight."""
    given = found.options.weights or {}
    return variance_table(
        found.model,
        found.reading.labels,
        variables=category_axes(found.reading.pipeline["preprocess"]),
        weights=resolve_weights(found.inputs.features.columns, given),
        blocks=[key.removesuffix(":*") for key in given if key.endswith(":*")],
    )


def plane_tables(found: Segmented) -> Tables:
    """Principal components of the segments; none for one variable or customer."""
    if min(found.model.shape) < 2:
        return {}
    plane, two = segment_pca(found.model, found.segment.iloc[found.rows]), ["PC1", "PC2"]
    return {
        "plane_scores": plane.scores.rename_axis("customer_id").reset_index(),
        "plane_hulls": plane.hulls.rename_axis("customer_id").reset_index(),
        "plane_centres": plane.centres[two].reset_index(),
        "plane_axes": plane.axes[two].rename_axis("variable").reset_index(),
        "plane_explained": plane.explained,
    }


def comparison_tables(found: Segmented, refits: Refits | None) -> Tables:
    """How the two target groups differ. Where there is nobody to compare the table is empty."""
    features, target_groups = found.inputs.features, found.book["target_groups"]
    tables = {"comparison": pd.DataFrame(columns=["variable", "group_a", "group_b", "effect"])}
    groups = compared_groups(target_groups)
    if groups is None:
        return tables
    segment = found.segment.astype("str")
    group = compare.assign_groups(segment, target_groups, groups=groups)
    if group.notna().any():
        tables["groups"] = group_sizes(segment, target_groups, groups=groups)
    if group.nunique() == 2:
        tables["comparison"] = compare.compare_groups(
            features, group, clustered_on=features.columns, refits=refits, n_boot=0
        )
    return tables


def stability_tables(found: Segmented) -> Tables:
    """Whether each segment is found again with other customers, and what to do with it."""
    options, reading = found.options, found.reading
    if not options.n_stability or len(found.names) < 2:
        return {}
    run: dict[str, Any] = {
        "random_state": options.random_state, "progress": not options.quiet,
    }  # fmt: skip
    ids = found.names.set_index("cluster")["segment_id"]
    axes = category_axes(reading.pipeline["preprocess"])
    if reading.groups is not None:
        run |= {"n_boot": options.n_stability, "variables": axes}
        return group_stability(reading.groups, found.model, ids, **run)
    slsw = segment_stability(
        found.model,
        labels=ids.loc[reading.labels].to_numpy(),
        start=reading.start,
        min_share=(effective_min_size(reading.pipeline["kmeans"]) or 0) / len(found.model),
        n_boot=options.n_stability,
        **run,
    )
    chance = null_separation(found.model, n_clusters=len(ids), variables=axes, **run)
    centres = centre_table(reading.pipeline) * column_factors(reading.pipeline)
    centres = centres.set_axis(pd.Index(ids, name="segment_id"))
    model, offsets = found.model, reading.pipeline["kmeans"].offsets_
    if offsets.any():  # an offset is the square of one more coordinate, 0 for every customer
        model, centres = (
            model.assign(**{"(offset)": 0.0}),
            centres.assign(**{"(offset)": np.sqrt(offsets)}),
        )
    place = {segment: i for i, segment in enumerate(ids)}
    slsw = slsw.sort_values("segment_id", key=lambda s: s.map(place), kind="stable")
    summary = stability_summary(model, centres=centres, slsw=slsw, chance=chance)
    return {"slsw": slsw, "segment_stability": summary}


def doubts(found: Segmented, tables: Tables, silhouette: float | None) -> list[Note]:
    """What names and stability leave in doubt."""
    return findings(
        found.names,
        tables["nameless_segments"],
        tables["chance_likeness"],
        stability=tables.get("segment_stability"),
        silhouette=silhouette,
        segments=found.book["segments"],
    )


def decision_tables(
    found: Segmented, criteria: Criteria | None, tables: Tables, refits: Refits, notes: list[Note]
) -> tuple[Tables, list[Note]]:
    """Whom to serve; or a note that says why that cannot be said."""
    if criteria is None:
        return {}, []
    features = found.inputs.features
    values = segment_values(features, found.segment, criteria.table, refits=refits)
    known = values.dropna(subset="value")["criterion_id"].unique()
    without = criteria.table[~criteria.table["criterion_id"].isin(known)]
    if len(without):
        return {}, [no_decision(without, features, found.variables)]
    matrix = attractiveness_matrix(
        values,
        criteria,
        n_targets=min(3, len(found.names)),
        declared_sha256=criteria.sha256,
        random_state=found.options.random_state,
    )
    marks = segment_marks(found.names, tables.get("segment_stability"))
    none = any(note.warning == "no_segments" for note in notes)
    decision = recommend(matrix, marks, no_segments=none)
    return {"criteria": criteria.table, "decision": decision}, []


def price_tables(found: Segmented, measures: dict[str, Any]) -> tuple[Tables, list[Note]]:
    """Where each segment is in the reading of the lowest inertia, and the price in one line; or
    the groups that were clustered separately; and what a smallest size changed."""
    reading, least = found.reading, found.options.min_size
    if least is not None:
        table = size_changes(reading, found.model, found.names, least)
        tables, notes = _reading_tables(found, measures)
        return {**tables, "by_size": table}, [
            *notes, size_note(table, measures, found.names, least)
        ]  # fmt: skip
    return _reading_tables(found, measures)


def _reading_tables(found: Segmented, measures: dict[str, Any]) -> tuple[Tables, list[Note]]:
    reading = found.reading
    if reading.groups is not None:
        table = group_table(reading.groups, found.inputs.features, found.names)
        return {"by_group": table}, [
            group_note(table, reading.groups.by, found.names, found.variables)
        ]
    if reading.lowest is None:
        return {}, []
    readings = compare_readings(
        reading.labels, reading.lowest.labels, names=found.names, other_names=reading.lowest.names
    )
    if isinstance(reading, ClusterReading) and reading.fit is not None:
        return {"readings": readings}, cluster_notes(reading.fit, readings, measures)
    return {"readings": readings}, [price_note(readings, measures, found.names)]


def cautions(
    found: Segmented, tables: Tables, notes: list[Note], silhouette: float | None
) -> pd.DataFrame:
    """All that a reader must know, of the inputs too, most important first."""
    if found.options.catalogue_folder is not None:  # who brings one must know what is not used
        lost = ("names_not_possible", "no_decision")
        notes = [replace(n, level="warning") if n.warning in lost else n for n in notes]
    return warnings_table(
        tables["profile"],
        sizes=tables["sizes"],
        features=found.inputs.features,
        logged=found.inputs.log_columns,
        silhouette=silhouette,
        segments=found.names,
        variables=found.variables,
        notes=(*found.inputs.notes, *notes),
    )
