"""From model columns to labels: the k-means pipeline and what it says of each customer."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import Pipeline

from kequn_lab._chunks import chunks
from kequn_lab._statistics import margin
from kequn_lab.contract.wide import LARGEST
from kequn_lab.features.preprocessing import category_encoder, preprocessor
from kequn_lab.features.weights import ColumnWeights
from kequn_lab.segments.grouped import GroupedKMeans, clusters_by_group
from kequn_lab.segments.kmeans import N_CLUSTERS, KMeansSearch
from kequn_lab.segments.seeded import GivenKMeans, SeededKMeans

__all__ = [
    "centre_table",
    "column_factors",
    "fit_again",
    "fit_segments",
    "label_table",
    "segment_pipeline",
    "with_centres",
]

SIZE_BY_GROUP = (
    "a smallest size (--min-size) does not go with groups (--by): clusters of several groups "
    "become one segment afterwards. Leave one of the two out"
)


def segment_pipeline(
    columns: Iterable[str],
    *,
    n_clusters: int | list[int] = N_CLUSTERS,
    n_starts: int = 25,
    random_state: int | None = None,
    log_columns: Iterable[str] | None = None,
    levels: pd.DataFrame | None = None,
    pull: float = 0.0,
    by: str | None = None,
    weights: Mapping[str, float] | None = None,
    categories: Mapping[str, Sequence[str]] | None = None,
    missing_levels: Collection[str] = (),
    min_size: int | None = None,
) -> Pipeline:
    """The unfitted pipeline: preprocess, then k-means, by a search or from a given start.

    Parameters
    ----------
    columns : iterable of str
        Columns of the customer table.
    n_clusters : int or list of int
        8 is the article's number of segments; no index finds it. A list: of each group.
    n_starts : int
        Starts of the search. On the synthetic bank one start in three finds the best optimum.
    random_state : int, optional
    log_columns : iterable of str, optional
        See :func:`~kequn_lab.features.preprocessing.preprocessor`.
    levels : DataFrame, optional
        One row per cluster, as :func:`~kequn_lab.segments.expected_levels`: k-means starts there
        (:class:`~kequn_lab.segments.SeededKMeans`) in place of the search. With ``categories`` it
        has a column for each of their coordinates, too, last and in their order;
        :func:`fit_segments` adds those that are lacking.
    pull : float
        As :class:`~kequn_lab.segments.SeededKMeans`; 0 is plain k-means.
    by : str, optional
        A column whose groups are clustered separately, by a search
        (:class:`~kequn_lab.segments.grouped.GroupedKMeans`).
    weights : mapping of str to float, optional
        Of columns, as :func:`~kequn_lab.features.weights.resolve_weights` gives them; there is
        then a step ``weigh`` before k-means.
    categories, missing_levels
        Columns of categories, as :func:`~kequn_lab.features.preprocessing.preprocessor`.
    min_size : int, optional
        Customers of the smallest cluster at least, as :class:`~kequn_lab.segments.KMeansSearch`.

    Raises
    ------
    ValueError
        ``by`` with ``levels``, ``weights`` or ``min_size``.

    Examples
    --------
    >>> list(segment_pipeline(["age_years", "aum_cny"], n_clusters=2).named_steps)
    ['preprocess', 'kmeans']
    """
    columns = list(columns)
    preprocess = preprocessor(
        columns, log_columns=log_columns, categories=categories, missing_levels=missing_levels
    )
    if levels is not None and by is not None:
        raise ValueError("groups (by) are clustered by a search, not from given levels")
    if weights and by is not None:
        raise ValueError(
            "weights do not go with groups (by): each group is standardised separately, which "
            "would undo them. Leave one of the two out"
        )
    if min_size is not None and by is not None:
        raise ValueError(SIZE_BY_GROUP)
    if by is not None:
        kmeans = GroupedKMeans(
            by,
            n_clusters,
            n_starts=n_starts,
            random_state=random_state,
            blocks=list(categories or ()),
        )
    elif levels is None:
        kmeans = KMeansSearch(
            n_clusters, n_starts=n_starts, min_size=min_size, random_state=random_state
        )
    else:
        start = _start(columns, levels, weights or {}, categories or {})
        kmeans = SeededKMeans(start, pull=pull, min_size=min_size)
    steps: list[tuple] = [("preprocess", preprocess)]
    if weights:
        steps.append(("weigh", ColumnWeights(weights=weights).set_output(transform="pandas")))
    return Pipeline([*steps, ("kmeans", kmeans)])


def fit_segments(features: pd.DataFrame, **options) -> Pipeline:
    """Check a customer table, then fit :func:`segment_pipeline` to it.

    Parameters
    ----------
    features : DataFrame
        One row per customer, numeric but for ``categories``; missing values are imputed.
    **options
        Passed to :func:`segment_pipeline`; with ``by``, ``n_clusters`` may map the values of that
        column to numbers of clusters. ``levels`` that say nothing of categories start at the mean
        of their coordinates.

    Raises
    ------
    TypeError
        A column is not numeric.
    ValueError
        Fewer customers, or fewer that differ, than clusters, or than clusters of ``min_size``
        need; a constant column, or one with
        infinite values or values beyond 1e18; with ``by`` as
        :func:`~kequn_lab.segments.grouped.clusters_by_group`.

    Examples
    --------
    >>> table = pd.DataFrame({"age_years": [20.0, 21, 60, 61]})
    >>> fit_segments(table, n_clusters=2, random_state=0)["kmeans"].labels_.tolist()
    [0, 0, 1, 1]
    """
    n_clusters, by = options.get("n_clusters", N_CLUSTERS), options.get("by")
    features = pd.DataFrame(features)  # without attrs: each column that is looked at copies them
    numbers = features.drop(columns=list(options.get("categories") or ()))
    text = [str(c) for c in numbers if not pd.api.types.is_numeric_dtype(numbers[c])]
    if text:
        raise TypeError(
            f"columns are not numbers: {', '.join(text)}; leave them out (--drop), or "
            "declare them (--categories)"
        )
    if by is not None:
        if by not in features:
            there = ", ".join(map(str, features))
            raise ValueError(f"no column {by!r} to group by; there are {there}")
        groups = list(clusters_by_group(features[by], n_clusters).values())
        options["n_clusters"], n_clusters = groups, sum(groups)
    if len(features) < n_clusters:
        raise ValueError(
            f"{len(features)} customers cannot form {n_clusters} clusters; "
            "ask for fewer clusters (--k) or bring more customers"
        )
    require_customers(len(features), n_clusters, options.get("min_size"))
    constant = [str(c) for c in features if features[c].nunique() < 2]
    if constant:
        raise ValueError(
            f"constant columns do not distinguish customers: {', '.join(constant)}; "
            "leave them out (--drop, or preprocessing.model_columns)"
        )
    wild = [str(c) for c in numbers if (numbers[c].abs() > LARGEST).any()]
    if wild:
        raise ValueError(
            f"columns hold infinite values or values beyond {LARGEST:.0e}: {', '.join(wild)}; "
            "correct them"
        )
    if options.get("levels") is not None and options.get("categories"):
        options["levels"] = _with_coordinates(features, **options)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        try:
            return segment_pipeline(features.columns, **options).fit(features)
        except ConvergenceWarning as few:  # fewer distinct customers than clusters, or like one
            raise ValueError(str(few)) from None


def require_customers(there: int, n_clusters: int, min_size: int | None) -> None:
    """Raise where so many customers cannot form so many clusters of the smallest size."""
    if min_size is None:
        return
    if min_size < 1:
        raise ValueError(f"the smallest size (--min-size) is {min_size}; give a number from 1 on")
    if there < n_clusters * min_size:
        raise ValueError(
            f"{n_clusters} clusters of at least {min_size:,} customers need "
            f"{n_clusters * min_size:,} customers, there are {there:,}; ask for a smaller size "
            "(--min-size) or fewer clusters (--k)"
        )


def with_centres(pipeline: Pipeline, features: pd.DataFrame, centres) -> Pipeline:
    """A fitted pipeline with other centres, found elsewhere from the same model columns.

    Parameters
    ----------
    pipeline : Pipeline
        As :func:`fit_segments` gives it; it stays as it is.
    features : DataFrame
        The customers that are to be labelled by the new centres.
    centres : array-like of shape (n_clusters, n_model_columns)
    """
    steps = pipeline.steps[:-1]
    kmeans = GivenKMeans(np.asarray(centres).tolist()).fit(pipeline[:-1].transform(features))
    return Pipeline([*steps, ("kmeans", kmeans)])


def _start(columns: list, levels: pd.DataFrame, weights: Mapping, categories: Mapping):
    """The levels in the order of the model columns, weighted as these are."""
    model = [c for c in columns if c not in categories]
    if categories:
        model += [c for c in levels if c not in model]
    of = {c: [n for n in weights if c == n or str(c).startswith(f"{n}:")] for c in model}
    roots = [np.sqrt(weights[max(names, key=len)]) if names else 1.0 for names in of.values()]
    return levels[model].to_numpy(float) * roots


def _with_coordinates(
    features: pd.DataFrame, *, levels, categories, missing_levels=(), **_
) -> pd.DataFrame:
    """The levels with a column for each coordinate of the categories, NaN: at the mean."""
    names = [c for c in features if c in categories]
    encoder = category_encoder(categories, missing_levels).fit(features[names])
    numbers = [c for c in features if c not in categories]
    return levels.reindex(columns=[*numbers, *encoder.get_feature_names_out()])


def fit_again(pipeline: Pipeline, features: pd.DataFrame) -> Pipeline:
    """The same pipeline, fitted to other customers.

    Categories may have other levels there: a given start, of another number of coordinates then,
    says nothing of them.

    Parameters
    ----------
    pipeline : Pipeline
        As :func:`segment_pipeline`, fitted or not.
    features : DataFrame
        The same columns.
    """
    fresh = clone(pipeline)
    start = fresh[-1]
    if isinstance(start, SeededKMeans) and isinstance(fresh[0], ColumnTransformer):
        model, levels = clone(fresh[0]).fit_transform(features), np.asarray(start.levels)
        if model.shape[1] != levels.shape[1]:
            n = sum(len(columns) for name, _, columns in fresh[0].transformers if name == "numbers")
            anew = np.full((len(levels), model.shape[1]), np.nan)
            anew[:, :n] = levels[:, :n]
            start.set_params(levels=anew)
    return fresh.fit(features)


def column_factors(pipeline: Pipeline) -> np.ndarray:
    """By how much each model column is multiplied before k-means: roots of the weights."""
    weigh = pipeline.named_steps.get("weigh")
    n = len(pipeline["preprocess"].get_feature_names_out())
    return np.ones(n) if weigh is None else weigh.factor_


def centre_table(pipeline: Pipeline) -> pd.DataFrame:
    """Cluster centres in standard deviations of the model columns (0 is the average customer).

    Weights are taken out again: a centre is where its customers are.

    Returns
    -------
    DataFrame
        Indexed by ``cluster``, one column per feature.
    """
    names = pipeline["preprocess"].get_feature_names_out()
    centres = pipeline["kmeans"].cluster_centers_ / column_factors(pipeline)
    centres = pd.DataFrame(centres, columns=names)
    return centres.rename_axis("cluster")


def label_table(
    pipeline: Pipeline,
    features: pd.DataFrame,
    names: pd.DataFrame,
    *,
    target_groups: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """One row per customer: which segment, how near its centre, how clear the choice.

    Parameters
    ----------
    pipeline : fitted Pipeline
    features : DataFrame
        Indexed by customer id, columns as in the fit.
    names : DataFrame
        As :func:`~kequn_lab.segments.name_clusters`.
    target_groups : DataFrame, optional
        ``group_id``, ``segment_id``; a segment in two groups gets both, joined by ``|``.

    Returns
    -------
    DataFrame
        ``customer_id``, ``cluster``, ``segment_id``, ``name_zh``, ``name_en``,
        ``target_group``, ``distance`` (to the own centre, in standard deviations,
        weighted),
        ``margin`` ((d2 − d1) / (d1 + d2) of the two nearest centres: 0 on the border; with a
        smallest size the offsets are added to the squared distances first).
    """
    parts = [_nearness(pipeline, some) for some in chunks(features)]
    clusters, own, clear = (np.concatenate(part) for part in zip(*parts))
    facts = names.set_index("cluster")[["segment_id", "name_zh", "name_en"]]
    joined = {}
    if target_groups is not None:
        joined = target_groups.groupby("segment_id")["group_id"].agg("|".join)
    group = [joined.get(segment, "") for segment in facts["segment_id"]]
    facts = facts.assign(target_group=pd.array(group, dtype="str"))
    facts = facts.loc[clusters]
    return pd.DataFrame(
        {
            "customer_id": features.index.astype("str"),
            "cluster": facts.index.to_numpy(),
            **{c: facts[c].array for c in facts},
            "distance": own,
            "margin": clear,
        }
    )


def _nearness(pipeline: Pipeline, features: pd.DataFrame) -> tuple[np.ndarray, ...]:
    """The cluster of each customer, the distance to its centre, and the margin."""
    model, kmeans = pipeline[:-1].transform(features), pipeline["kmeans"]
    distances, clusters = kmeans.transform(model), kmeans.predict(model)
    offsets = getattr(kmeans, "offsets_", None)
    own = distances[np.arange(len(distances)), clusters]
    if offsets is not None and offsets.any():
        distances = np.sqrt(distances**2 + offsets)
    distances = np.sort(distances, axis=1)
    nearest, second = distances[:, 0], distances[:, min(1, distances.shape[1] - 1)]
    return clusters, own, margin(nearest, second)
