"""The whole way: a customer table in; named segments, their tables and a record out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from kequn_lab import catalogue
from kequn_lab._files import versions
from kequn_lab._notes import Note
from kequn_lab._processes import beside
from kequn_lab.compare.criteria import Criteria, require_known
from kequn_lab.export.scorecard import Scorecard
from kequn_lab.features.definitions import feature_dictionary
from kequn_lab.features.weights import resolve_weights
from kequn_lab.run import steps
from kequn_lab.run.categories import category_axes, naming_words, with_levels
from kequn_lab.run.findings import mean_silhouette
from kequn_lab.run.grouping import group_silhouette
from kequn_lab.run.inputs import Inputs
from kequn_lab.run.on_cluster import fit_on_cluster
from kequn_lab.run.options import Options
from kequn_lab.run.readings import Reading, price, take_reading
from kequn_lab.run.registering import earlier_run, run_day, run_id
from kequn_lab.run.result import Result, records
from kequn_lab.run.scoring import explained
from kequn_lab.run.sizing import size_price
from kequn_lab.run.steps import Segmented, Tables
from kequn_lab.segments.pipeline import segment_pipeline
from kequn_lab.segments.search import one_thread_each
from kequn_lab.segments.signatures import least_similarity
from kequn_lab.spark.tables import MOST_COLLECTED
from kequn_lab.validation.decisions import Choice, choose_k, read_k
from kequn_lab.validation.scores import score_k
from kequn_lab.validation.stability import global_stability, stability_by_k

__all__ = ["analyse"]


def analyse(inputs: Inputs, options: Options | None = None) -> Result:
    """Cluster, name, profile and compare.

    Parameters
    ----------
    inputs : Inputs
    options : Options, optional
        Default: eight clusters, and all else as :class:`~kequn_lab.run.options.Options` has it.

    Examples
    --------
    >>> from kequn_lab.run.inputs import from_synthetic_bank
    >>> bank = from_synthetic_bank(300, random_state=1)
    >>> analysis = analyse(bank, Options(n_boot=100, n_stability=0, quiet=True))
    >>> len(analysis.labels), analysis.labels["segment_id"].nunique()
    (300, 8)
    """
    with one_thread_each(), one_thread_each("openmp"):
        return _analyse(inputs, options or Options())


def _analyse(inputs: Inputs, options: Options) -> Result:
    weights = resolve_weights(inputs.features.columns, options.weights or {})
    book = catalogue.book(folder=options.catalogue_folder)
    book["feature_words"] = naming_words(book["feature_words"], inputs.called)
    # Criteria are read before any segment is known, so that they cannot follow from it.
    criteria = _declared(book, inputs.features)
    earlier = earlier_run(options.previous, options.registry)
    choice, tables = None, dict[str, pd.DataFrame]()
    first = ["cluster"] if options.ks is None else ["compare k", "cluster"]
    with tqdm(total=4 + len(first), desc=first[0], disable=options.quiet) as bar:

        def then(step: str) -> None:
            bar.update()
            bar.set_description(step)

        rows, notes = fitted_to(inputs, options)
        fitted = replace(inputs, features=inputs.features.iloc[rows])
        inputs = replace(inputs, notes=(*inputs.notes, *notes))
        if options.ks is not None:
            choice, tables = _weigh(fitted, weights, options.ks, options)
            options = replace(options, n_clusters=choice.k)
            then("cluster")
        reading = _reading(fitted, book, weights, options)
        del fitted
        then("name")
        found = steps.name_segments(inputs, options, book, reading, earlier, rows)
        tables |= steps.naming_tables(found, earlier)
        found = _in_levels(found)
        then("stability")
        with beside(partial(steps.describe, found)) as described:
            stability = steps.stability_tables(found)  # here, for it says how far it is
            then("profile and compare")
            refits, more = described()
        tables |= more | stability
        then("decide")
        measures = _measures(found, tables["chance_likeness"])
        decided, said = _decide(found, tables, criteria, refits, measures)
        tables |= decided
        bar.update()
    result = Result(
        found.labels,
        found.names,
        tables | _known(book, inputs.called),
        _record(found, said, _parameters(found, choice, criteria), measures),
        _card(found),
        refused=inputs.refused,
        features=inputs.features,
        pipeline=reading.pipeline,
    )
    if options.n_reasons and len(found.names) > 1:  # one segment: nothing decides between two
        result.tables["reasons"] = explained(result, None, None, options.n_reasons)
    return result


def _decide(
    found: Segmented, tables: Tables, criteria: Criteria | None, refits, measures: dict[str, Any]
) -> tuple[Tables, pd.DataFrame]:
    """The decision, what the reading costs and the warnings; and all that is to be said."""
    notes = steps.doubts(found, tables, measures["silhouette"])
    decision, undecided = steps.decision_tables(found, criteria, tables, refits, notes)
    readings, costs = steps.price_tables(found, measures)
    more = {**decision, **readings}
    notes = [*notes, *undecided, *costs]
    if found.options.n_reasons and len(found.names) == 1:
        notes.append(_NO_REASONS)
    said = steps.cautions(found, {**tables, **more}, notes, measures["silhouette"])
    return {**more, "warnings": said[said["level"] == "warning"]}, said


_NO_REASONS = Note(
    "no_reasons",
    "只有一个客群，没有次近的客群可比，因此没有原因表（reasons）",
    "There is one segment only, and none to be second nearest: no reasons are given",
    level="note",
)

# Before any segment is known ---------------------------------------------------------------------


def fitted_to(inputs: Inputs, options: Options) -> tuple[slice | np.ndarray, list[Note]]:
    """Which customers k-means is fitted to; a note where it is a sample of them.

    Groups may be small, a smallest size is a number of all customers, and what came from a cluster
    is a sample already: there it is all.
    """
    n, most = len(inputs.features), MOST_COLLECTED["sample"]
    asked = options.by is not None or options.min_size is not None
    if n <= most or asked or inputs.facts.get("engine") == "spark":
        return slice(None), []
    rng = np.random.default_rng(options.random_state)
    return np.sort(rng.choice(n, most, replace=False)), [Note(
        "fitted_to_sample",
        f"客户共 {n:,} 位：分群的拟合、稳定性以及与随机情形的比较只用其中随机抽取的 {most:,} 位；"
        "标签、客户数、画像和比较包括全部客户",
        f"Of {n:,} customers a random sample of {most:,} is behind the fit, its stability and what "
        "chance would give; labels, counts, profiles and comparison are of all customers",
        float(most), level="note",
    )]  # fmt: skip


def _in_levels(found: Segmented) -> Segmented:
    """With a column for each level of a category."""
    features = found.inputs.features
    levels = pd.DataFrame(with_levels(features, found.reading.pipeline["preprocess"]))
    # Not all attrs: every column that a later step looks at copies them.
    levels.attrs["left_out"] = features.attrs.get("left_out", {})
    return replace(found, inputs=replace(found.inputs, features=levels))


def _declared(book: Tables, features: pd.DataFrame) -> Criteria | None:
    """The criteria of the catalogue; None where it has none."""
    if not len(book["criteria"]) and not len(book["weights"]):
        return None
    left_out = features.attrs.get("left_out", {})
    known = [*features, *left_out, *feature_dictionary()["feature"]]
    require_known(book["criteria"], known)
    return Criteria(book["criteria"], book["weights"])


def _weigh(
    inputs: Inputs, weights: dict[str, float], ks: Sequence[int], options: Options
) -> tuple[Choice, Tables]:
    """What the stated rule makes of the evidence on the number of clusters, and the evidence."""
    columns, log = inputs.features.columns, inputs.log_columns
    pipeline = segment_pipeline(
        columns,
        log_columns=log,
        weights=weights,
        categories=inputs.categories,
        missing_levels=inputs.missing_levels,
    )
    model = pipeline[:-1].fit_transform(inputs.features)
    seed: dict[str, Any] = {"random_state": options.random_state, "progress": not options.quiet}
    axes = category_axes(pipeline["preprocess"])
    scores = score_k(model, ks=ks, n_starts=options.n_starts, variables=axes, **seed)
    pairs = global_stability(model, ks=ks, n_boot=max(options.n_stability, 2), **seed)
    by_k = stability_by_k(pairs)
    reading = read_k(scores, stability=by_k)
    tables = {"scores": scores, "pairs": pairs, "stability": by_k, "k_reading": reading}
    return choose_k(scores, by_k), tables


def _reading(inputs: Inputs, book: Tables, weights: dict[str, float], options: Options) -> Reading:
    """The k-means that was asked for; numbers of clusters were compared by the search."""
    weighed = options.ks is not None and options.start == "auto" and not options.pull
    take = take_reading
    if inputs.on_cluster is not None:
        take = partial(fit_on_cluster, table=inputs.on_cluster)
    return take(
        inputs.features,
        book=book,
        n_clusters=options.n_clusters,
        by=options.by,
        start="search" if weighed else options.start,
        pull=options.pull,
        min_size=options.min_size,
        n_starts=options.n_starts,
        random_state=options.random_state,
        log_columns=inputs.log_columns,
        weights=weights,
        categories=inputs.categories,
        missing_levels=inputs.missing_levels,
    )


# What goes into the record -----------------------------------------------------------------------


def _measures(found: Segmented, chance: pd.DataFrame) -> dict[str, Any]:
    """How good the fit is, in numbers."""
    groups, seed = found.reading.groups, {"random_state": found.options.random_state}
    if groups is None:
        clusters = found.segment.cat.codes.iloc[found.rows]
        silhouette = mean_silhouette(found.model, clusters, **seed)
    else:
        silhouette = group_silhouette(groups, found.model, **seed)
    return {
        **price(found.reading),
        **size_price(found.reading, found.model, found.options.min_size),
        "silhouette": silhouette,
        "least_similarity": least_similarity(chance),
    }


def _known(book: Tables, called: pd.DataFrame | None) -> Tables:
    """Names of the catalogue, and of the bank's own columns, that pictures and report need."""
    groups = book["target_groups"][["group_id", "group_zh", "group_en"]]
    known = {
        "known_segments": book["segments"][["segment_id", "name_zh", "name_en"]],
        "target_groups": groups.drop_duplicates(),
    }
    return known if called is None or called.empty else {**known, "called": called}


def _parameters(
    found: Segmented, choice: Choice | None, criteria: Criteria | None
) -> dict[str, Any]:
    """What was decided about the run, by a person or by the stated rule for k."""
    options, groups = found.options, found.reading.groups
    names = ("n_starts", "random_state", "start", "pull", "n_boot", "n_stability")
    out: dict[str, Any] = {"n_clusters": len(found.names)}
    if groups is not None:
        values = np.unique(found.inputs.features[groups.by].to_numpy(float))
        counts = zip(values, np.bincount(groups.centre_groups_))
        out = {"n_clusters": {f"{v:g}": int(k) for v, k in counts}, "by": groups.by}
    out |= {name: getattr(options, name) for name in names}
    if options.n_clusters is None:  # neither given nor chosen
        out["k_assumed"] = True
    if options.min_size is not None:
        out["min_size"] = options.min_size
    if options.weights:
        out["weights"] = dict(options.weights)
    out["criteria_sha256"] = None if criteria is None else criteria.sha256
    if choice is not None and options.ks is not None:
        out |= {"ks": list(options.ks), "k_why_zh": choice.why_zh, "k_why_en": choice.why_en}
    return out


def _record(found: Segmented, notes: pd.DataFrame, parameters, measures) -> dict:
    """What ``run.json`` says: enough to repeat the run and to know what it used."""
    inputs, reading = found.inputs, found.reading
    search = (reading.lowest or reading).pipeline["kmeans"]
    made = {"created_at": datetime.now(UTC).isoformat(timespec="seconds"), "as_of": inputs.as_of}
    return {
        "schema": "kequn_lab.run/1",
        "run_id": run_id(found.labels, run_day(made)),
        **made,
        "synthetic": inputs.synthetic,
        "parameters": parameters,
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
        "names": records(found.names),
        "versions": versions(),
    }


def _card(found: Segmented) -> Scorecard:
    inputs = found.inputs
    return Scorecard.from_pipeline(
        found.reading.pipeline,
        inputs.features,
        labels=found.labels,
        names=found.names,
        as_of=inputs.as_of or datetime.now(UTC).date(),
        months=inputs.months,
        currency=inputs.currency,
        timezone=inputs.timezone,
        synthetic=inputs.synthetic,
        random_state=found.options.random_state,
        inputs={f"{f['table']}: {f['file']}": f["sha256"] or "" for f in inputs.files},
    )
