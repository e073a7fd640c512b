"""From model columns to named segments: the k-means pipeline, names for clusters, labels."""

from __future__ import annotations

import warnings
from collections.abc import Iterable

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import Pipeline

from kequn_lab.features.preprocessing import preprocessor
from kequn_lab.segments.kmeans import KMeansSearch

__all__ = ["centre_table", "fit_segments", "label_table", "name_clusters", "segment_pipeline"]

#: A signature is compared only if the table has this many of its features, and among them
#: those that carry this share of it (of the sum of squared levels): a name must not rest on
#: the little that a poor table happens to share with a segment.
MIN_FEATURES, MIN_COVERAGE = 3, 0.5

LARGEST = 1e18  # no bank's figure is larger, and single precision can still square it


def segment_pipeline(
    columns: Iterable[str],
    *,
    n_clusters: int = 8,
    n_starts: int = 25,
    random_state: int | None = None,
    log_columns: Iterable[str] | None = None,
) -> Pipeline:
    """The unfitted pipeline: preprocess, then the search for the best k-means solution.

    Parameters
    ----------
    columns : iterable of str
        Columns of the customer table.
    n_clusters : int
        8 is the article's number of segments; no index finds it.
    n_starts : int
        Starts of the search. On the synthetic bank one start in three finds the best optimum.
    random_state : int, optional
    log_columns : iterable of str, optional
        See :func:`~kequn_lab.features.preprocessing.preprocessor`.

    Examples
    --------
    >>> list(segment_pipeline(["age_years", "aum_cny"], n_clusters=2).named_steps)
    ['preprocess', 'kmeans']
    """
    preprocess = preprocessor(columns, log_columns=log_columns)
    kmeans = KMeansSearch(n_clusters, n_starts=n_starts, random_state=random_state)
    return Pipeline([("preprocess", preprocess), ("kmeans", kmeans)])


def fit_segments(features: pd.DataFrame, **options) -> Pipeline:
    """Check a customer table, then fit :func:`segment_pipeline` to it.

    Parameters
    ----------
    features : DataFrame
        One row per customer, numeric; missing values are imputed.
    **options
        Passed to :func:`segment_pipeline`.

    Raises
    ------
    TypeError
        A column is not numeric.
    ValueError
        Fewer customers, or fewer that differ, than clusters; a constant column, or one with
        infinite values or values beyond 1e18.

    Examples
    --------
    >>> table = pd.DataFrame({"age_years": [20.0, 21, 60, 61]})
    >>> fit_segments(table, n_clusters=2, random_state=0)["kmeans"].labels_.tolist()
    [0, 0, 1, 1]
    """
    n_clusters = options.get("n_clusters", 8)
    text = [str(c) for c in features if not pd.api.types.is_numeric_dtype(features[c])]
    if text:
        raise TypeError(
            f"columns are not numbers: {', '.join(text)}; leave them out (--drop) or encode them"
        )
    if len(features) < n_clusters:
        raise ValueError(
            f"{len(features)} customers cannot form {n_clusters} clusters; "
            "ask for fewer clusters (--k) or bring more customers"
        )
    constant = [str(c) for c in features if features[c].nunique() < 2]
    if constant:
        raise ValueError(
            f"constant columns tell no customers apart: {', '.join(constant)}; "
            "leave them out (--drop, or preprocessing.model_columns)"
        )
    wild = [str(c) for c in features if (features[c].abs() > LARGEST).any()]
    if wild:
        raise ValueError(
            f"columns hold infinite values or values beyond {LARGEST:.0e}: {', '.join(wild)}; "
            "correct them"
        )
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        try:
            return segment_pipeline(features.columns, **options).fit(features)
        except ConvergenceWarning as few:  # fewer distinct customers than clusters
            raise ValueError(str(few)) from None


def centre_table(pipeline: Pipeline) -> pd.DataFrame:
    """Cluster centres in standard deviations of the model columns (0 is the average customer).

    Returns
    -------
    DataFrame
        Indexed by ``cluster``, one column per feature.
    """
    names = pipeline["preprocess"].get_feature_names_out()
    centres = pd.DataFrame(pipeline["kmeans"].cluster_centers_, columns=names)
    return centres.rename_axis("cluster")


def name_clusters(
    centres: pd.DataFrame,
    signatures: pd.DataFrame,
    *,
    minimum: float = 0.1,
    overrides: dict[int, str] | None = None,
) -> pd.DataFrame:
    """Give clusters the names of segments: one assignment problem, and "unmatched" is allowed.

    A signature says where a segment is expected to stand. The similarity of a cluster to it is
    1 − Σ(centre − expected)² / Σ expected²: 1 when the cluster stands exactly there, 0 when it
    is as near as the average customer, below 0 when it is farther off. All clusters are named
    at once so that the sum of similarities is largest (Hungarian method).

    Parameters
    ----------
    centres : DataFrame
        As :func:`centre_table`.
    signatures : DataFrame
        Columns ``segment_id``, ``feature``, ``level_sd`` (standard deviations).
    minimum : float
        A cluster is left unmatched rather than named with less similarity.
    overrides : dict of int to str, optional
        Cluster to segment id, by a person who looked; these come first.

    Returns
    -------
    DataFrame
        One row per cluster: ``cluster``, ``segment_id``, ``similarity``, ``margin`` (ahead of
        the best other segment), ``runner_up``, ``matched``, ``by`` (``signature``,
        ``override`` or ``nobody``).

    Raises
    ------
    ValueError
        An override names an unknown cluster, or one segment twice.

    Examples
    --------
    >>> centres = pd.DataFrame({"age_years": [1.5, -1.0], "web_share": [0.0, 1.0],
    ...                         "aum_cny": [0.5, 0.0]})
    >>> old = pd.DataFrame({"segment_id": "elderly", "feature": centres.columns,
    ...                     "level_sd": [1.5, -0.5, 0.5]})
    >>> name_clusters(centres, old)[["cluster", "segment_id", "similarity"]].round(2)
       cluster   segment_id  similarity
    0        0      elderly        0.91
    1        1  unmatched_1         NaN
    """
    similarity = _similarities(centres, signatures)
    overrides = dict(overrides or {})
    unknown = sorted(set(overrides) - set(centres.index))
    if unknown:
        raise ValueError(f"overrides name clusters {unknown}; there are {list(centres.index)}")
    if len(set(overrides.values())) < len(overrides):
        raise ValueError(f"overrides give one segment to two clusters: {overrides}")
    free_clusters = [c for c in centres.index if c not in overrides]
    free_segments = [s for s in similarity if s not in overrides.values()]
    gain = similarity.loc[free_clusters, free_segments].to_numpy()
    # One spare column per cluster: staying unmatched is worth `minimum`.
    spare = np.full((len(free_clusters), len(free_clusters)), float(minimum))
    rows, columns = linear_sum_assignment(np.hstack([gain, spare]), maximize=True)
    chosen = {
        free_clusters[r]: free_segments[c]
        for r, c in zip(rows, columns, strict=True)
        if c < len(free_segments)
    }
    out, n_unmatched = [], 0
    for cluster in centres.index:
        by = "override" if cluster in overrides else "signature" if cluster in chosen else "nobody"
        name = overrides.get(cluster, chosen.get(cluster))
        row = similarity.loc[cluster]
        others = row[row.index != name].dropna()
        runner_up = others.idxmax() if len(others) else None
        value = row.get(name, np.nan) if name else np.nan
        if name is None:
            n_unmatched += 1
            name = f"unmatched_{n_unmatched}"
        margin = value - others.max() if len(others) else np.nan
        out.append((cluster, name, value, margin, runner_up, by != "nobody", by))
    names = ["cluster", "segment_id", "similarity", "margin", "runner_up", "matched", "by"]
    return pd.DataFrame(out, columns=names)


def _similarities(centres: pd.DataFrame, signatures: pd.DataFrame) -> pd.DataFrame:
    """Clusters × segments; a segment of whose signature too little is known is left out."""
    columns = {}
    for segment, signature in signatures.groupby("segment_id", sort=False):
        whole = signature.set_index("feature")["level_sd"]
        expected = whole[whole.index.isin(centres.columns)]
        covered = (expected**2).sum() >= MIN_COVERAGE * (whole**2).sum() > 0
        if len(expected) >= MIN_FEATURES and covered:
            missed = ((centres[expected.index] - expected) ** 2).sum(axis=1)
            columns[segment] = 1 - missed / (expected**2).sum()
    return pd.DataFrame(columns, index=centres.index, dtype=float)


def label_table(
    pipeline: Pipeline,
    features: pd.DataFrame,
    names: pd.DataFrame,
    *,
    segments: pd.DataFrame | None = None,
    target_groups: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """One row per customer: which segment, how near its centre, how clear the choice.

    Parameters
    ----------
    pipeline : fitted Pipeline
    features : DataFrame
        Indexed by customer id, columns as in the fit.
    names : DataFrame
        As :func:`name_clusters`.
    segments : DataFrame, optional
        ``segment_id``, ``name_zh``, ``name_en`` of the catalogue.
    target_groups : DataFrame, optional
        ``group_id``, ``segment_id``; a segment in two groups gets both, joined by ``|``.

    Returns
    -------
    DataFrame
        ``customer_id``, ``cluster``, ``segment_id``, ``name_zh``, ``name_en``,
        ``target_group``, ``distance`` (to the own centre, in standard deviations),
        ``margin`` ((d2 − d1) / (d1 + d2) of the two nearest centres: 0 on the border).
    """
    distances = np.sort(pipeline.transform(features), axis=1)
    nearest, second = distances[:, 0], distances[:, min(1, distances.shape[1] - 1)]
    both = nearest + second
    facts = _segment_facts(names, segments, target_groups).loc[pipeline.predict(features)]
    return pd.DataFrame(
        {
            "customer_id": features.index.astype("str"),
            "cluster": facts.index.to_numpy(),
            **{c: facts[c].to_numpy() for c in facts},
            "distance": nearest,
            "margin": np.divide(second - nearest, both, out=np.zeros_like(both), where=both > 0),
        }
    )


def _segment_facts(names, segments, target_groups) -> pd.DataFrame:
    facts = names.set_index("cluster")[["segment_id"]]
    known = {} if segments is None else segments.set_index("segment_id")
    number = facts["segment_id"].str.removeprefix("unmatched_")
    unmatched = facts["segment_id"].str.startswith("unmatched_")
    for column, word in (("name_zh", "未命名"), ("name_en", "Unmatched ")):
        own = facts["segment_id"].map(known[column]) if len(known) else facts["segment_id"]
        facts[column] = own.fillna(facts["segment_id"]).mask(unmatched, word + number)
    groups = pd.Series("", index=facts.index, dtype="str")
    if target_groups is not None:
        joined = target_groups.groupby("segment_id")["group_id"].agg("|".join)
        groups = facts["segment_id"].map(joined).fillna("").astype("str")
    return facts.assign(target_group=groups)
