"""Groups of customers that are clustered separately: how many clusters, and how sure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from kequn_lab._notes import Note
from kequn_lab._words import Words
from kequn_lab.features.definitions import feature_dictionary
from kequn_lab.run.findings import mean_silhouette
from kequn_lab.segments.grouped import GroupedKMeans, clusters_by_group
from kequn_lab.segments.kmeans import N_CLUSTERS
from kequn_lab.segments.naming import is_working, name_clusters
from kequn_lab.validation.decisions import stability_summary
from kequn_lab.validation.null_model import null_separation
from kequn_lab.validation.segmentwise import segment_stability

__all__ = [
    "group_clusters", "group_names", "group_note", "group_silhouette", "group_stability",
    "group_table", "sides_of",
]  # fmt: skip

#: The column that says the side of a customer in the catalogue (``side`` of a segment).
SIDE = "is_business"


def group_clusters(
    features: pd.DataFrame,
    by: str,
    n_clusters: int | Mapping[float, int] | None,
    book: dict[str, pd.DataFrame],
) -> dict[float, int]:
    """How many clusters each group gets.

    Parameters
    ----------
    features : DataFrame
        Indexed by customer id.
    by : str
        The column that says the group.
    n_clusters : int, mapping of value to int, or None
        A number is for each group. None: eight for each; for ``is_business`` as many as the
        catalogue has segments on each side.
    book : dict of DataFrame
        The catalogue, as :func:`kequn_lab.catalogue.book`.

    Raises
    ------
    ValueError
        No such column, or as :func:`~kequn_lab.segments.grouped.clusters_by_group`.
    """
    if by not in features:
        left_out = features.attrs.get("left_out", {})
        why = f" ({left_out[by]})" if by in left_out else ""
        raise ValueError(
            f"no column {by!r} to group customers by{why}; it takes a column of the model, of "
            f"numbers or yes/no: {', '.join(map(str, features))}"
        )
    if n_clusters is None:
        sides = sides_of(features[by], book)
        n_clusters = (
            N_CLUSTERS if sides is None else {value: len(ids) for value, ids in sides.items()}
        )
    return clusters_by_group(features[by], n_clusters)


def sides_of(column: pd.Series, book: dict[str, pd.DataFrame]) -> dict[float, list[str]] | None:
    """The segments of the catalogue that personal (0) and business customers (1) can be in.

    A segment of the business side is one of persons, too, where being a business is not
    essential to it: some sole proprietors bank as persons.

    Parameters
    ----------
    column : Series
        The value of each customer.
    book : dict of DataFrame
        The catalogue, as :func:`kequn_lab.catalogue.book`.

    Returns
    -------
    dict of float to list of str, or None
        None: the column says no side.
    """
    if column.name != SIDE or not set(column.dropna().unique()) <= {0, 1}:
        return None
    segments, signatures = book["segments"], book["signatures"]
    business = segments.loc[segments["side"] == "business", "segment_id"]
    of_side = signatures[signatures["feature"] == SIDE]
    must = of_side.loc[of_side["essential"].astype(bool), "segment_id"]
    persons = segments.loc[~segments["segment_id"].isin(set(business) & set(must)), "segment_id"]
    out = {0.0: list(persons), 1.0: list(business)}
    return out if min(map(len, out.values())) >= 2 else None


def group_names(
    kmeans: GroupedKMeans,
    features: pd.DataFrame,
    columns: pd.Index,
    book: dict[str, pd.DataFrame],
    minimum: float,
) -> list[str]:
    """The segment of each centre by the signatures of its side; one without a name is its own.

    Parameters
    ----------
    kmeans : GroupedKMeans
    features : DataFrame
        Indexed by customer id.
    columns : Index
        Model columns, in the order of the centres.
    book : dict of DataFrame
    minimum : float
        As :func:`~kequn_lab.segments.name_clusters`.
    """
    signatures, sides = book["signatures"], sides_of(features[kmeans.by], book)
    # In a group all customers have the same value of this column, which distinguishes none of them.
    signatures = signatures[signatures["feature"] != kmeans.by]
    out = []
    for g, value in enumerate(np.unique(features[kmeans.by].to_numpy(float))):
        own = signatures
        if sides is not None:
            own = signatures[signatures["segment_id"].isin(sides[value])]
        centres = pd.DataFrame(kmeans.centres_[kmeans.centre_groups_ == g], columns=columns)
        names = name_clusters(centres, own, minimum=minimum)["segment_id"]
        out += [f"{g} {name}" if is_working(name) else name for name in names]
    return out


def group_table(kmeans: GroupedKMeans, features: pd.DataFrame, names: pd.DataFrame) -> pd.DataFrame:
    """One row per group and segment of it.

    Parameters
    ----------
    kmeans : GroupedKMeans
    features : DataFrame
        Indexed by customer id.
    names : DataFrame
        As :func:`~kequn_lab.segments.name_clusters`.

    Returns
    -------
    DataFrame
        ``group_value`` (of the column), ``segment_id``, ``customers``, ``share`` (of the group).
    """
    ids = names.set_index("cluster")["segment_id"]
    column = features[kmeans.by].to_numpy(float)
    table = pd.DataFrame({"group_value": column, "cluster": kmeans.labels_})
    table = table.value_counts(sort=False).sort_index().rename("customers").reset_index()
    total = table.groupby("group_value")["customers"].transform("sum")
    table["segment_id"], table["share"] = table["cluster"].map(ids), table["customers"] / total
    return table[["group_value", "segment_id", "customers", "share"]]


def group_note(
    table: pd.DataFrame, by: str, names: pd.DataFrame, variables: pd.DataFrame | None = None
) -> Note:
    """The groups in one line.

    Parameters
    ----------
    table : DataFrame
        As :func:`group_table`.
    by : str
    names : DataFrame
        ``segment_id``, ``name_zh``, ``name_en``.
    variables : DataFrame, optional
        What columns are called; the kit's features by default.
    """
    variables = feature_dictionary() if variables is None else variables
    words = Words.of(segments=names, variables=variables)
    sizes = table.groupby("group_value")["customers"].agg(["size", "sum"])
    zh = "；".join(f"{v:g}：{r.size} 个簇、{r.sum:,} 位客户" for v, r in _rows(sizes))
    en = "; ".join(f"{v:g}: {r.size} clusters of {r.sum:,} customers" for v, r in _rows(sizes))
    text_zh = f"按“{words.variable(by, 'zh')}”分组，各组单独标准化、单独聚类（{zh}）"
    text_en = (
        f"Customers of each value of “{words.variable(by, 'en')}” are clustered separately, "
        f"in their own scale ({en})"
    )
    both = table["segment_id"].value_counts()
    both = [s for s in names["segment_id"] if both.get(s, 0) > 1]
    if both:
        text_zh += "；不止一组中有的客群：" + "、".join(words.segment(s, "zh") for s in both)
        text_en += "; in more than one group: " + ", ".join(words.segment(s, "en") for s in both)
    return Note("reading_groups", text_zh, text_en, float(len(sizes)), variable=by, level="note")


def _rows(sizes: pd.DataFrame):
    return zip(sizes.index, sizes.itertuples(index=False, name="Row"))


def group_silhouette(kmeans: GroupedKMeans, model: pd.DataFrame, *, random_state=0) -> float | None:
    """The mean silhouette width within the groups, each in its own scale.

    Parameters
    ----------
    kmeans : GroupedKMeans
    model : DataFrame
        Model columns.
    random_state : int
    """
    widths, sizes = [], []
    for rows, x, *_ in kmeans.parts(model):
        labels = kmeans.labels_[rows]
        widths.append(mean_silhouette(pd.DataFrame(x), labels, random_state=random_state))
        sizes.append(len(rows))
    return None if None in widths else float(np.average(widths, weights=sizes))


def group_stability(
    kmeans: GroupedKMeans,
    model: pd.DataFrame,
    ids: pd.Series,
    *,
    n_boot: int,
    variables: Mapping[str, str] | None = None,
    **run: Any,
) -> dict[str, pd.DataFrame]:
    """Whether each segment comes back in its own group; in several, the group where it does least.

    Parameters
    ----------
    kmeans : GroupedKMeans
    model : DataFrame
        Model columns.
    ids : Series
        The segment of each cluster.
    n_boot : int
    variables : mapping of str to str, optional
        Of coordinates of categories, as :func:`~kequn_lab.validation.null_separation`.
    **run
        As :func:`~kequn_lab.validation.segment_stability`.

    Returns
    -------
    dict of DataFrame
        ``slsw`` and ``segment_stability``; ``rows`` and ``share`` of a segment are of all groups.
    """
    draws, summaries = [], []
    for g, (rows, x, centres, clusters) in enumerate(kmeans.parts(model)):
        own = ids.loc[clusters].to_numpy()
        labels = ids.loc[kmeans.labels_[rows]].to_numpy()
        slsw = segment_stability(x, labels=labels, n_boot=n_boot, **run)
        table = pd.DataFrame(x, columns=model.columns)
        chance = null_separation(table, n_clusters=len(clusters), variables=variables, **run)
        table = pd.DataFrame(centres, pd.Index(own, name="segment_id"))
        summary = stability_summary(x, centres=table, slsw=slsw, chance=chance)
        draws.append(slsw.assign(group=g))
        summaries.append(summary.assign(group=g))
    table = pd.concat(summaries, ignore_index=True)
    size = table.groupby("segment_id")["rows"].sum()
    table = table.sort_values(["slsw_low", "slsw_median"], kind="stable")
    table = table.drop_duplicates("segment_id").set_index("segment_id").loc[list(ids)].reset_index()
    table["rows"] = table["segment_id"].map(size)
    table["share"] = table["rows"] / len(model)
    kept = pd.concat(draws, ignore_index=True).merge(table[["segment_id", "group"]])
    place = {segment: i for i, segment in enumerate(ids)}
    kept = kept.sort_values("segment_id", key=lambda s: s.map(place), kind="stable")
    drop = {"columns": "group"}
    return {
        "slsw": kept.drop(**drop).reset_index(drop=True),
        "segment_stability": table.drop(**drop),
    }
