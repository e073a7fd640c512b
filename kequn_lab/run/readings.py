"""Two readings of the same customers, both k-means: which one a run takes, and its price.

*search*: the lowest inertia that is found, whatever its clusters mean. *signatures*: k-means
started where the catalogue expects its segments; it ends in the nearest local optimum. Neither
is truer than the other in general, so a run that takes the second says what it costs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import adjusted_rand_score
from sklearn.pipeline import Pipeline

from kequn_lab._notes import Note
from kequn_lab._processes import beside
from kequn_lab._statistics import jaccard
from kequn_lab._words import Words, percent
from kequn_lab.run.categories import category_axes
from kequn_lab.run.grouping import group_clusters, group_names
from kequn_lab.segments.grouped import GroupedKMeans
from kequn_lab.segments.kmeans import N_CLUSTERS
from kequn_lab.segments.naming import name_clusters
from kequn_lab.segments.pipeline import (
    SIZE_BY_GROUP,
    centre_table,
    column_factors,
    fit_segments,
)
from kequn_lab.segments.seeded import SeededKMeans
from kequn_lab.segments.signatures import chance_likeness, expected_levels, least_similarity

__all__ = ["STARTS", "Reading", "compare_readings", "price", "price_note",
           "read_clusters", "take_reading"]  # fmt: skip

STARTS = ("auto", "search", "signatures")
#: Two segments with this Jaccard index (customers in both over customers in either) are the same.
SAME = 0.75
#: Where nobody asked for the start at the signatures: share of them that the table can tell.
LEAST_TOLD = 0.8


@dataclass(frozen=True)
class Reading:
    """A fitted pipeline and what its clusters are like.

    ``chance``: what their names are compared with; ``names``: those that the data carry, before
    any person or earlier run names a cluster; ``lowest``: the reading of the lowest inertia, where
    this one has a price.
    """

    pipeline: Pipeline
    chance: pd.DataFrame
    names: pd.DataFrame
    lowest: Reading | None = None

    @property
    def start(self) -> SeededKMeans | None:
        """The k-means, where it started at the signatures."""
        kmeans = self.pipeline["kmeans"]
        return kmeans if isinstance(kmeans, SeededKMeans) else None

    @property
    def groups(self) -> GroupedKMeans | None:
        """The k-means, where it clustered groups of customers separately."""
        kmeans = self.pipeline["kmeans"]
        return kmeans if isinstance(kmeans, GroupedKMeans) else None

    @property
    def means(self) -> pd.DataFrame:
        """The mean of the customers of each cluster, as :func:`~kequn_lab.segments.centre_table`;
        centres that were pulled to a signature would prove nothing about its name."""
        centres = centre_table(self.pipeline)
        if self.start is None:
            return centres
        means = self.start.means_ / column_factors(self.pipeline)
        return pd.DataFrame(means, centres.index, centres.columns)

    @property
    def labels(self) -> np.ndarray:
        return self.pipeline["kmeans"].labels_


def take_reading(
    features: pd.DataFrame,
    book: dict[str, pd.DataFrame],
    *,
    n_clusters: int | Mapping[float, int] | None = None,
    by: str | None = None,
    start: str = "auto",
    pull: float = 0.0,
    random_state: int = 0,
    min_size: int | None = None,
    **fit: Any,
) -> Reading:
    """Fit the reading that is asked for, and the one that it is measured by.

    Parameters
    ----------
    features : DataFrame
        Indexed by customer id.
    book : dict of DataFrame
        The catalogue, as :func:`kequn_lab.catalogue.book`.
    n_clusters : int, mapping or None
        None: 8. With ``by`` as :func:`~kequn_lab.run.grouping.group_clusters`.
    by : str, optional
        A column whose groups are clustered separately, by a search.
    start : {"auto", "search", "signatures"}
        "auto" starts at the signatures where there are as many clusters as signatures, the table
        tells four of five of them, and at least half of the clusters get a name, and no fewer
        than by the search.
    pull : float
        As :class:`~kequn_lab.segments.SeededKMeans`; above 0 it is a start at the signatures.
    min_size : int, optional
        Customers of each cluster at least, of whatever reading.
    random_state, **fit
        As :func:`~kequn_lab.segments.fit_segments`.

    Raises
    ------
    ValueError
        The start at the signatures was asked for and is not possible; the groups (``by``) cannot
        be clustered.
    """
    if start not in STARTS or (start == "search" and pull):
        told = f"start is {start!r}; give one of {', '.join(STARTS)}"
        raise ValueError(told if start not in STARTS else "pull goes with a start at signatures")
    if by is not None:
        _require_search(start, pull)
        if min_size is not None:
            raise ValueError(SIZE_BY_GROUP)
        fit |= {"by": by, "n_clusters": group_clusters(features, by, n_clusters, book)}
        pipeline = fit_segments(features, random_state=random_state, **fit)
        return read_clusters(pipeline, features, book, random_state)
    n_clusters = N_CLUSTERS if n_clusters is None else n_clusters
    if isinstance(n_clusters, Mapping):
        raise ValueError("k by group needs the column that says the group (by)")
    numbers = [c for c in features if c not in (fit.get("categories") or ())]
    levels = expected_levels(book["signatures"], numbers)  # they say nothing of categories
    asked = start == "signatures" or pull > 0
    if asked:
        _require_start(levels, n_clusters)
    told = len(levels.attrs["told"]) >= LEAST_TOLD * len(levels)
    own = {"n_clusters": n_clusters, "random_state": random_state, "min_size": min_size, **fit}

    def read() -> Reading:
        return read_clusters(fit_segments(features, **own), features, book, random_state)

    if not asked and (start == "search" or n_clusters != len(levels) or not told):
        return read()

    def seeded_reading() -> Reading | None:
        try:
            pipeline = fit_segments(features, levels=levels, pull=pull, **own)
        except ValueError:  # nobody is like one of them
            if asked:
                raise
            return None
        return read_clusters(pipeline, features, book, random_state)

    with beside(seeded_reading) as other:
        lowest, found = read(), other()
    if found is None:
        return lowest
    seeded = replace(found, lowest=lowest)
    named, before = (int(r.names["matched"].sum()) for r in (seeded, lowest))
    return seeded if asked or named >= max(before, n_clusters / 2) else lowest


def _require_search(start: str, pull: float) -> None:
    if start == "signatures" or pull:
        raise ValueError(
            "groups (by) are clustered by a search: leave out start at the signatures and pull. "
            "A start at the signatures tells the groups as well without by, and both together "
            "found no more in the synthetic bank"
        )


def _require_start(levels: pd.DataFrame, n_clusters: int) -> None:
    if n_clusters != len(levels):
        raise ValueError(
            f"a start at the signatures makes {len(levels)} clusters, one for each segment of the "
            f"catalogue; k is {n_clusters}. Leave k out, or let a search find them (start: search)"
        )
    if unknown := list(levels.index[levels.isna().all(axis=1)]):
        raise ValueError(
            "a start at the signatures is not possible: the table has no feature of "
            f"{', '.join(unknown)}. Let a search find the clusters (start: search)"
        )


def read_clusters(pipeline, features, book, random_state, lowest=None) -> Reading:
    """What the clusters of a fitted pipeline are like, and the names that they carry."""
    bare = Reading(pipeline, pd.DataFrame(), pd.DataFrame(), lowest)
    means, model = bare.means, pipeline["preprocess"].transform(features)
    how = {"start": bare.start or bare.groups, "random_state": random_state}
    how["variables"] = category_axes(pipeline["preprocess"])
    factors = column_factors(pipeline)
    chance = chance_likeness(model, means, book["signatures"], factors=factors, **how)
    if bare.groups is not None:  # clusters of one name are one segment
        least = least_similarity(chance)
        bare.groups.join(group_names(bare.groups, features, model.columns, book, least))
        means = bare.means
    names = name_clusters(
        means, book["signatures"], minimum=least_similarity(chance), segments=book["segments"],
        words=book["feature_words"], model=model,
    )  # fmt: skip
    return replace(bare, chance=chance, names=names)


# The price -------------------------------------------------------------------------------------


def compare_readings(labels, other, *, names: pd.DataFrame, other_names: pd.DataFrame):
    """Where each segment of one reading is in another reading of the same customers.

    Parameters
    ----------
    labels, other : array-like of int
        Clusters of the two readings, customer by customer.
    names, other_names : DataFrame
        As :func:`~kequn_lab.segments.name_clusters`, of the two.

    Returns
    -------
    DataFrame
        One row per segment: ``segment_id``, ``jaccard`` with the cluster of the other reading
        that is most like it (``other_cluster``, its names ``other_zh``, ``other_en``), and
        ``verdict``: ``same`` (from 0.75 on), ``merged`` (most of it shares a cluster there with
        most of ``other_id``), ``cut`` (two clusters there are mostly of it), else ``moved``.

    Examples
    --------
    >>> one = pd.DataFrame({"cluster": [0, 1], "segment_id": ["a", "b"]})
    >>> two = pd.DataFrame({"cluster": [0, 1], "name_zh": ["甲", "乙"], "name_en": ["x", "y"]})
    >>> table = compare_readings([0] * 8 + [1] * 4, [0] * 11 + [1], names=one, other_names=two)
    >>> table[["segment_id", "jaccard", "other_en", "verdict", "other_id"]].round(2)
      segment_id  jaccard other_en verdict other_id
    0          a     0.73        x  merged        b
    1          b     0.25        x  merged        a
    """
    ids, theirs = names.set_index("cluster")["segment_id"], other_names.set_index("cluster")
    both = pd.crosstab(np.asarray(labels), np.asarray(other))
    both = both.reindex(index=ids.index, columns=theirs.index, fill_value=0).to_numpy()
    alike, mine, there = jaccard(both), both.sum(axis=1), both.sum(axis=0)
    nearest, home = alike.argmax(axis=1), both.argmax(axis=1)
    most = both.max(axis=1) > mine / 2
    rows = []
    for i, segment in enumerate(ids):
        beside = np.flatnonzero((home == home[i]) & most & most[i] & (np.arange(len(ids)) != i))
        verdict, partner = "moved", None
        if alike[i, nearest[i]] >= SAME:
            verdict = "same"
        elif len(beside):
            verdict, partner = "merged", ids.iloc[beside[both[beside, home[i]].argmax()]]
        elif (both[i] > there / 2).sum() > 1:
            verdict = "cut"
        other_name = theirs.iloc[nearest[i]]
        rows.append((
            segment, alike[i, nearest[i]], theirs.index[nearest[i]], other_name["name_zh"],
            other_name["name_en"], verdict, partner,
        ))  # fmt: skip
    columns = ["segment_id", "jaccard", "other_cluster", "other_zh", "other_en", "verdict"]
    return pd.DataFrame(rows, columns=[*columns, "other_id"])


def price(reading: Reading) -> dict[str, Any]:
    """What ``run.json`` says of the reading: its start, and how far it is from the lowest."""
    out: dict[str, Any] = {"start": "search" if reading.start is None else "signatures"}
    if (fit := getattr(reading, "fit", None)) is not None:
        out |= {"start": "cluster", "cluster_sizes": fit.sizes, "cluster_inertia": fit.inertia}
    if reading.lowest is not None:
        lowest = reading.lowest.pipeline["kmeans"].inertia_
        if reading.start is not None:
            out["pull"] = reading.start.pull
        out["inertia_lowest"] = lowest
        out["inertia_above"] = reading.pipeline["kmeans"].inertia_ / lowest - 1
        out["rand_with_lowest"] = adjusted_rand_score(reading.labels, reading.lowest.labels)
    return out


def price_note(readings: pd.DataFrame, facts: dict[str, Any], names: pd.DataFrame) -> Note:
    """The price in one line.

    Parameters
    ----------
    readings : DataFrame
        As :func:`compare_readings`.
    facts : dict
        As :func:`price`.
    names : DataFrame
        ``segment_id``, ``name_zh``, ``name_en``.
    """
    words = Words.of(segments=names)
    together = {
        tuple(sorted((r.segment_id, r.other_id), key=list(readings["segment_id"]).index))
        for r in readings.itertuples() if r.verdict == "merged"
    }  # fmt: skip
    cut = readings.loc[readings["verdict"] == "cut", "segment_id"]
    same, n = int((readings["verdict"] == "same").sum()), len(readings)
    above, rand = percent(facts["inertia_above"]), f"{facts['rand_with_lowest']:.2f}"
    say = lambda ids, language, joint: joint.join(words.segment(s, language) for s in ids)  # noqa: E731
    zh = [
        f"这种分法（从目录描述的客群出发）的代价：组内平方和比找到的最低值高 {above}",
        f"与平方和最低的分法相比，调整兰德指数为 {rand}，{n} 个客群中 {same} 个相同",
    ]
    en = [
        "The price of this reading (k-means started at the segments described): inertia "
        f"{above} above the lowest found",
        f"adjusted Rand index with that reading {rand}, {same} of {n} segments are the same",
    ]
    if facts["pull"]:
        zh.append(f"中心被拉向预期水平（{facts['pull']:g}），要求这些水平正确")
        en.append(f"centres are pulled to the levels expected ({facts['pull']:g}), which must be "
                  "right")  # fmt: skip
    would_zh, would_en = [], []
    if together:
        pairs = sorted(together)
        would_zh.append("合并：" + "、".join(say(p, "zh", " + ") for p in pairs))
        would_en.append("merge " + ", ".join(say(p, "en", " + ") for p in pairs))
    if len(cut):
        would_zh.append("拆开：" + say(cut, "zh", "、"))
        would_en.append("cut " + say(cut, "en", ", "))
    if would_zh:
        zh.append("平方和最低的分法会" + "，会".join(would_zh))
        en.append("the lowest would " + " and ".join(would_en))
    return Note("reading_price", "；".join(zh), "; ".join(en), facts["inertia_above"], level="note")
