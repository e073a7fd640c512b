"""The whole way: a customer table in; named segments, their tables and a record out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
from tqdm.auto import tqdm

from kequn_lab import catalogue, compare, export, profiles
from kequn_lab._folder import require_whole
from kequn_lab._notes import Note
from kequn_lab._refits import Refits
from kequn_lab.compare.attractiveness import attractiveness_matrix, recommend
from kequn_lab.compare.criteria import Criteria, require_known, segment_values
from kequn_lab.compare.groups import compared_groups
from kequn_lab.export.scorecard import Scorecard
from kequn_lab.features.definitions import feature_dictionary
from kequn_lab.features.preprocessing import preprocessor
from kequn_lab.monitor.matching import match_labels, migration_table
from kequn_lab.profiles.cards import segment_cards
from kequn_lab.profiles.cautions import warnings_table
from kequn_lab.profiles.plane import segment_pca
from kequn_lab.profiles.rules import segment_rules
from kequn_lab.run.findings import findings, mean_silhouette, no_decision, segment_marks
from kequn_lab.run.inputs import Inputs
from kequn_lab.run.readings import compare_readings, price, price_note, take_reading
from kequn_lab.run.result import Result, records
from kequn_lab.segments.naming import name_clusters
from kequn_lab.segments.pipeline import centre_table, label_table
from kequn_lab.segments.refits import DRAWS, refit
from kequn_lab.segments.signatures import least_similarity, nameless_segments
from kequn_lab.validation.agreement import truth_table
from kequn_lab.validation.decisions import Choice, choose_k, read_k, stability_summary
from kequn_lab.validation.null_model import null_separation
from kequn_lab.validation.scores import score_k
from kequn_lab.validation.segment_stability import segment_stability
from kequn_lab.validation.stability import global_stability, stability_by_k

__all__ = ["analyse"]


def analyse(
    inputs: Inputs,
    *,
    n_clusters: int = 8,
    ks: Sequence[int] | None = None,
    start: str = "auto",
    pull: float = 0.0,
    n_starts: int = 25,
    random_state: int = 0,
    overrides: Mapping[int, str] | None = None,
    n_boot: int = 1000,
    n_stability: int = 20,
    catalogue_folder: str | Path | None = None,
    previous: str | Path | None = None,
    quiet: bool = False,
) -> Result:
    """Cluster, name, profile and compare.

    Parameters
    ----------
    inputs : Inputs
    n_clusters, n_starts, random_state
        As :func:`~kequn_lab.segments.segment_pipeline`.
    ks : sequence of int, optional
        Numbers of clusters to weigh against each other; the stated rule of
        :func:`~kequn_lab.validation.decisions.choose_k` then takes the place of ``n_clusters``.
    start, pull
        Whether k-means starts at the signatures, as
        :func:`~kequn_lab.run.readings.take_reading`. Numbers of clusters are weighed by the
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
    quiet : bool
        No progress bar.

    Examples
    --------
    >>> from kequn_lab.run.inputs import from_synthetic_bank
    >>> bank = from_synthetic_bank(300, random_state=1)
    >>> analysis = analyse(bank, n_boot=100, n_stability=0, quiet=True)
    >>> len(analysis.labels), analysis.labels["segment_id"].nunique()
    (300, 8)
    """
    # Criteria are read before any segment is known, so that they cannot follow from it.
    book = catalogue.book(folder=catalogue_folder)
    criteria = _declared(book, inputs.features)
    fit: dict[str, Any] = {"n_starts": n_starts, "random_state": random_state}
    parameters: dict[str, Any] = {"n_clusters": n_clusters, **fit, "start": start, "pull": pull}
    parameters |= {"n_boot": n_boot, "n_stability": n_stability}
    parameters["criteria_sha256"] = None if criteria is None else criteria.sha256
    tables: dict[str, pd.DataFrame] = {}
    earlier = None
    if previous is not None:
        if Path(previous, "run.json").exists():  # labels alone carry their own hash
            require_whole(previous)
        earlier = export.read_labels(Path(previous) / "labels.csv")
    fit["log_columns"] = inputs.log_columns
    with tqdm(total=6 if ks is None else 7, desc="cluster", disable=quiet) as steps:

        def then(step: str) -> None:
            steps.update()
            steps.set_description(step)

        if ks is not None:
            steps.set_description("weigh k")
            chosen = _weigh(inputs.features, tables, ks, fit, n_stability, not quiet)
            n_clusters = parameters["n_clusters"] = chosen.k
            parameters |= {"ks": list(ks), "k_why_zh": chosen.why_zh}
            parameters["k_why_en"] = chosen.why_en
            start = "search" if start == "auto" and not pull else start
            then("cluster")
        how: dict[str, Any] = {"n_clusters": n_clusters, "start": start, "pull": pull}
        reading = take_reading(inputs.features, book, **how, **fit)
        pipeline = reading.pipeline
        then("name")
        model = pipeline["preprocess"].transform(inputs.features)
        model = model.set_axis(inputs.features.index)
        names = _name(reading, inputs, model, book, tables, earlier, overrides)
        labels = label_table(pipeline, inputs.features, names, target_groups=book["target_groups"])
        segment = labels.set_index("customer_id")["segment_id"]
        in_order = labels.sort_values("cluster")["segment_id"].unique()
        segment = segment.astype(pd.CategoricalDtype(in_order))
        if earlier is not None:
            before = earlier.set_index("customer_id")["segment_id"]
            tables["migration"] = migration_table(before, segment.astype("str"))
        if inputs.truth is not None:
            truth = inputs.truth.set_index("customer_id")["segment_id"]
            tables["truth_table"] = truth_table(segment, truth)
        then("profile")
        refits = _refits(reading, model, names, n_boot, random_state)
        shown = refits if n_boot else None
        tables |= _profile(inputs, segment, model, names, book, shown, random_state)
        tables |= _plane(model, segment)
        then("compare")
        tables |= _compare(inputs, segment, book["target_groups"], shown)
        then("stability")
        if n_stability and n_clusters > 1:
            tables |= _hold_still(reading, model, names, n_stability, random_state, not quiet)
        then("decide")
        silhouette = mean_silhouette(model, segment.cat.codes, random_state=random_state)
        found = findings(
            names,
            tables["nameless_segments"],
            tables["chance_likeness"],
            stability=tables.get("segment_stability"),
            silhouette=silhouette,
            segments=book["segments"],
        )
        if criteria is not None:
            none = any(note.warning == "no_segments" for note in found)
            found += _decide(inputs, segment, criteria, names, tables, none, refits, random_state)
        measures = price(reading)
        if reading.lowest is not None:
            tables["readings"] = compare_readings(
                reading.labels, reading.lowest.labels, names=names,
                other_names=reading.lowest.names,
            )  # fmt: skip
            found.append(price_note(tables["readings"], measures, names))
        if catalogue_folder is not None:  # who brings a catalogue must know what is not used of it
            lost = ("names_not_possible", "no_decision")
            found = [replace(n, level="warning") if n.warning in lost else n for n in found]
        notes = warnings_table(
            tables["profile"],
            sizes=tables["sizes"],
            features=inputs.features,
            logged=inputs.log_columns,
            silhouette=silhouette,
            segments=names,
            variables=feature_dictionary(),
            notes=(*inputs.notes, *found),
        )
        tables["warnings"] = notes[notes["level"] == "warning"]
        steps.update()
    measures["silhouette"] = silhouette
    measures["least_similarity"] = least_similarity(tables["chance_likeness"])
    tables["known_segments"] = book["segments"][["segment_id", "name_zh", "name_en"]]
    groups = book["target_groups"][["group_id", "group_zh", "group_en"]]
    tables["target_groups"] = groups.drop_duplicates()
    return Result(
        labels,
        names,
        tables,
        _record(inputs, names, notes, parameters, reading, measures),
        _card(pipeline, inputs, labels, names, random_state),
        refused=inputs.refused,
        features=inputs.features,
        pipeline=pipeline,
    )


def _record(inputs, names, notes, parameters, reading, measures) -> dict:
    """What ``run.json`` says: enough to repeat the run and to know what it used."""
    search = (reading.lowest or reading).pipeline["kmeans"]
    return {
        "schema": "kequn_lab.run/1",
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "synthetic": inputs.synthetic,
        "parameters": parameters,
        "as_of": inputs.as_of,
        "months": inputs.months,
        "window": inputs.window,
        "currency": inputs.currency,
        "notes": records(notes),
        "inputs": list(inputs.files),
        "facts": inputs.facts,
        "rows": {"customers": len(inputs.features)},
        "features": {
            "used": list(inputs.features),
            "left_out": inputs.features.attrs.get("left_out", {}),
        },
        "fit": {
            "inertia": reading.pipeline["kmeans"].inertia_,
            "agreement": None if pd.isna(search.agreement_) else search.agreement_,
            "starts": len(search.restart_inertias_),
            **measures,
        },
        "names": records(names),
        "versions": export.versions(),
    }


def _card(pipeline, inputs, labels, names, random_state) -> Scorecard:
    return Scorecard.from_pipeline(
        pipeline,
        inputs.features,
        labels=labels,
        names=names,
        as_of=inputs.as_of or datetime.now(UTC).date(),
        months=inputs.months,
        currency=inputs.currency,
        timezone=inputs.timezone,
        synthetic=inputs.synthetic,
        random_state=random_state,
        inputs={f"{f['table']}: {f['file']}": f["sha256"] or "" for f in inputs.files},
    )


def _plane(model, segment) -> dict[str, pd.DataFrame]:
    """Where the segments lie to each other; one variable or customer makes no plane."""
    if min(model.shape) < 2:
        return {}
    plane, two = segment_pca(model, segment), ["PC1", "PC2"]
    return {
        "plane_scores": plane.scores.rename_axis("customer_id").reset_index(),
        "plane_hulls": plane.hulls.rename_axis("customer_id").reset_index(),
        "plane_centres": plane.centres[two].reset_index(),
        "plane_axes": plane.axes[two].rename_axis("variable").reset_index(),
        "plane_explained": plane.explained,
    }


def _declared(book: dict[str, pd.DataFrame], features: pd.DataFrame) -> Criteria | None:
    """The criteria of the catalogue; None where it has none."""
    if not len(book["criteria"]) and not len(book["weights"]):
        return None
    left_out = features.attrs.get("left_out", {})
    known = [*features, *left_out, *feature_dictionary()["feature"]]
    require_known(book["criteria"], known)
    return Criteria(book["criteria"], book["weights"])


def _name(reading, inputs, model, book, tables, earlier, overrides) -> pd.DataFrame:
    """Names for the clusters; what they rest on, and what became of earlier ones, into ``tables``.

    A group of customers keeps the id and the names that it had, whatever they were.
    """
    centres, known = reading.means, book["segments"]
    least = least_similarity(reading.chance)
    previous = None
    if earlier is not None:
        ids = inputs.features.index.astype("str")
        clusters = pd.Series(reading.labels, index=ids)
        matching = match_labels(earlier.set_index("customer_id")["segment_id"], clusters)
        kept = matching[matching["event"] == "kept"].set_index("before")["after"]
        previous = earlier.drop_duplicates("segment_id")
        previous = previous.assign(cluster=previous["segment_id"].map(kept))
    names = name_clusters(
        centres, book["signatures"], minimum=least, overrides=overrides, previous=previous,
        segments=known, words=book["feature_words"], model=model,
    )  # fmt: skip
    tables["chance_likeness"] = reading.chance
    tables["nameless_segments"] = nameless_segments(
        centres, book["signatures"], names, minimum=least, segments=known,
        variables=feature_dictionary(),
    )  # fmt: skip
    if earlier is not None:
        now = dict(zip(names["cluster"], names["segment_id"]))
        tables["matching"] = matching.replace({"after": now, "partner": now})
    return names


def _weigh(features, tables, ks, fit, n_stability, progress) -> Choice:
    """The evidence on the number of clusters, into ``tables``; what the stated rule makes of it."""
    columns = {"log_columns": fit["log_columns"]}
    model = preprocessor(features.columns, **columns).fit_transform(features)
    seed = {"random_state": fit["random_state"], "progress": progress}
    scores = score_k(model, ks=ks, n_starts=fit["n_starts"], **seed)
    pairs = global_stability(model, ks=ks, n_boot=max(n_stability, 2), **seed)
    by_k = stability_by_k(pairs)
    reading = read_k(scores, stability=by_k)
    tables |= {"scores": scores, "pairs": pairs, "stability": by_k, "k_reading": reading}
    return choose_k(scores, by_k)


def _refits(reading, model, names, n_boot, random_state) -> Refits:
    """The segments of customers drawn again, under the ids that the clusters have here."""
    ids = names.set_index("cluster")["segment_id"].sort_index()
    how = {"n_draws": min(n_boot, DRAWS) or DRAWS, "random_state": random_state}
    return refit(reading.pipeline["kmeans"], model, model.index, segments=pd.Index(ids), **how)


def _profile(inputs, segment, model, names, book, refits, random_state) -> dict[str, pd.DataFrame]:
    features, words = inputs.features, feature_dictionary()
    sizes = profiles.size_table(segment)
    profile = profiles.profile_table(features, segment, n_boot=0, refits=refits)
    markers = profiles.marker_table(profile)
    show = {"segments": names, "variables": words}
    return {
        "sizes": sizes,
        "profile": profile,
        "markers": markers,
        "order": pd.DataFrame({"variable": profiles.variable_order(features)}),
        "rules": segment_rules(
            features, segment, currency=inputs.currency, random_state=random_state, **show
        ),
        "cards": segment_cards(
            profile,
            markers,
            sizes=sizes,
            traits=book["traits"],
            signatures=book["signatures"],
            model_profile=_expected_profile(model, segment, book),
            currency=inputs.currency,
            **show,
        ),
    }


def _decide(
    inputs, segment, criteria, names, tables, no_segments, refits, random_state
) -> list[Note]:
    """Whom to serve, into ``tables``; or a note that says why that cannot be said."""
    values = segment_values(inputs.features, segment, criteria.table, refits=refits)
    known = values.dropna(subset="value")["criterion_id"].unique()
    without = criteria.table[~criteria.table["criterion_id"].isin(known)]
    if len(without):
        return [no_decision(without, inputs.features, feature_dictionary())]
    matrix = attractiveness_matrix(
        values,
        criteria,
        n_targets=min(3, len(names)),
        declared_sha256=criteria.sha256,
        random_state=random_state,
    )
    tables["criteria"] = criteria.table
    marks = segment_marks(names, tables.get("segment_stability"))
    tables["decision"] = recommend(matrix, marks, no_segments=no_segments)
    return []


def _expected_profile(model, segment, book) -> pd.DataFrame | None:
    """The profile of the model columns that signatures speak of."""
    known = model.columns.intersection(book["signatures"]["feature"])
    return profiles.profile_table(model[known], segment, n_boot=0) if len(known) else None


def _compare(inputs, segment, target_groups, refits) -> dict[str, pd.DataFrame]:
    # Where there is nobody to compare the table is empty.
    out = {"comparison": pd.DataFrame(columns=["variable", "group_a", "group_b", "effect"])}
    groups = compared_groups(target_groups)
    if groups is None:
        return out
    group = compare.assign_groups(segment.astype("str"), target_groups, groups=groups)
    if group.notna().any():
        sizes = compare.group_sizes(segment.astype("str"), target_groups, groups=groups)
        out["groups"] = sizes
    if group.nunique() == 2:
        out["comparison"] = compare.compare_groups(
            inputs.features, group, clustered_on=inputs.features.columns, refits=refits, n_boot=0
        )
    return out


def _hold_still(
    reading, model, names, n_stability, random_state, progress
) -> dict[str, pd.DataFrame]:
    run = {"random_state": random_state, "progress": progress}
    ids = names.set_index("cluster")["segment_id"]
    slsw = segment_stability(
        model,
        labels=ids.loc[reading.labels].to_numpy(),
        start=reading.start,
        n_boot=n_stability,
        **run,
    )
    chance = null_separation(model, n_clusters=len(ids), **run)
    centres = centre_table(reading.pipeline).set_axis(pd.Index(ids, name="segment_id"))
    place = {segment: i for i, segment in enumerate(ids)}
    slsw = slsw.sort_values("segment_id", key=lambda s: s.map(place), kind="stable")
    summary = stability_summary(model, centres=centres, slsw=slsw, chance=chance)
    return {"slsw": slsw, "segment_stability": summary}
