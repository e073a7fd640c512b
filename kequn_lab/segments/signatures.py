"""How like a description a cluster is, whether its essentials agree, and what chance reaches."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning

from kequn_lab._words import Words
from kequn_lab.segments.grouped import GroupedKMeans
from kequn_lab.segments.seeded import SeededKMeans

__all__ = [
    "chance_likeness",
    "essentials_agree",
    "expected_levels",
    "least_similarity",
    "nameless_segments",
    "similarities",
]

#: A signature is compared only if the table has this many of its features, and among them
#: those that carry this share of it (of the sum of squared levels): a name must not rest on
#: the little that a poor table happens to share with a segment.
MIN_FEATURES, MIN_COVERAGE = 3, 0.5
#: No cluster gets a name of the catalogue with less similarity, whatever shuffled columns reach.
MIN_SIMILARITY = 0.5
#: An essential feature agrees when the cluster lies this part of the expected level away from
#: the average, on the expected side.
ESSENTIAL_SHARE = 0.5


def expected_levels(signatures: pd.DataFrame, columns: Iterable[str]) -> pd.DataFrame:
    """Where each segment is expected, in standard deviations; the start of the k-means that
    looks for the segments described (:class:`~kequn_lab.segments.SeededKMeans`).

    Parameters
    ----------
    signatures : DataFrame
        Columns ``segment_id``, ``feature``, ``level_sd``.
    columns : iterable of str
        Model columns, in the order of the result.

    Returns
    -------
    DataFrame
        Segments × columns, NaN where a signature says nothing. ``attrs["told"]``: the segments
        of which enough is known to give their name.

    Examples
    --------
    >>> signatures = pd.DataFrame({"segment_id": ["old", "young"], "feature": ["age", "age"],
    ...                            "level_sd": [1.5, -1.4]})
    >>> expected_levels(signatures, ["age", "web"]).to_numpy().tolist()
    [[1.5, nan], [-1.4, nan]]
    """
    columns = list(columns)
    levels = signatures.pivot_table("level_sd", "segment_id", "feature")
    levels = levels.reindex(index=signatures["segment_id"].unique(), columns=columns)
    levels.attrs["told"] = list(_parts(signatures, columns))
    return levels


def similarities(centres: pd.DataFrame, signatures: pd.DataFrame) -> pd.DataFrame:
    """Clusters × segments; a segment of whose signature too little is known is left out."""
    parts, x = _parts(signatures, centres.columns), centres.to_numpy(float)
    columns = {segment: _compared(x, *part)[0] for segment, part in parts.items()}
    return pd.DataFrame(columns, index=centres.index, dtype=float)


def essentials_agree(centres: pd.DataFrame, signatures: pd.DataFrame) -> pd.DataFrame:
    """As :func:`similarities`: does every essential feature lie on its side?"""
    parts, x = _parts(signatures, centres.columns), centres.to_numpy(float)
    columns = {segment: _compared(x, *part)[1] for segment, part in parts.items()}
    return pd.DataFrame(columns, index=centres.index, dtype=bool)


def _parts(signatures: pd.DataFrame, columns) -> dict[str, tuple]:
    """Of segments that can be told here: positions of features, levels, which are essential."""
    out = {}
    for segment, signature in signatures.groupby("segment_id", sort=False):
        if _why_unusable(signature, columns) is None:
            here = signature[signature["feature"].isin(columns)]
            positions = pd.Index(columns).get_indexer(here["feature"])
            out[segment] = positions, here["level_sd"].to_numpy(), _essential(here).to_numpy()
    return out


def _compared(x: np.ndarray, positions, levels, essential) -> tuple[np.ndarray, np.ndarray]:
    """Similarity of each cluster to one signature, and whether the essentials agree."""
    own = x[:, positions]
    similarity = 1 - ((own - levels) ** 2).sum(axis=1) / (levels**2).sum()
    agree = own * np.sign(levels) >= ESSENTIAL_SHARE * np.abs(levels)
    return similarity, agree[:, essential].all(axis=1)


def _why_unusable(signature: pd.DataFrame, columns) -> str | None:
    here = signature["feature"].isin(columns)
    square = signature["level_sd"] ** 2
    enough = square[here].sum() >= MIN_COVERAGE * square.sum() > 0
    if here.sum() < MIN_FEATURES or not enough:
        return "too_few_features"
    return None if here[_essential(signature)].all() else "essential_missing"


def _essential(signatures: pd.DataFrame) -> pd.Series:
    if "essential" in signatures:
        return signatures["essential"].astype(bool)
    return pd.Series(False, signatures.index)


def nameless_segments(
    centres: pd.DataFrame,
    signatures: pd.DataFrame,
    names: pd.DataFrame,
    *,
    minimum: float = MIN_SIMILARITY,
    segments: pd.DataFrame | None = None,
    variables: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Segments of the catalogue that no cluster is named after, and why.

    Parameters
    ----------
    centres, signatures, minimum, segments
        As :func:`~kequn_lab.segments.name_clusters`.
    names : DataFrame
        Its result.
    variables : DataFrame, optional
        ``feature``, ``meaning_zh``, ``meaning_en``.

    Returns
    -------
    DataFrame
        ``segment_id``; ``reason``: ``too_few_features`` or ``essential_missing`` (the table
        cannot tell), ``essential_differs`` or ``not_similar`` (no cluster is like it),
        ``taken`` (the cluster that is most like it has another name); ``nearest`` (segment id
        of that cluster), ``similarity`` to it, ``text_zh``, ``text_en``.

    Examples
    --------
    >>> centres = pd.DataFrame({"web_share": [0.0, 1.2]})
    >>> old = pd.DataFrame({"segment_id": "elderly", "feature": ["age_years"], "level_sd": [1.5]})
    >>> from kequn_lab.segments.naming import name_clusters
    >>> table = nameless_segments(centres, old, name_clusters(centres, old))
    >>> table[["segment_id", "text_en"]].to_numpy().tolist()
    [['elderly', 'too few of its features are in the table: 0 of 1']]
    """
    words = Words.of(segments=segments, variables=variables)
    shown = Words.of(segments=names)
    similarity, agree = similarities(centres, signatures), essentials_agree(centres, signatures)
    ids, out = names.set_index("cluster")["segment_id"], []
    for segment, signature in signatures.groupby("segment_id", sort=False):
        if segment in set(ids):
            continue
        nearest, value = None, np.nan
        features = signature["feature"]
        if (reason := _why_unusable(signature, centres.columns)) is None:
            cluster = similarity[segment].idxmax()
            nearest, value = ids[cluster], similarity.loc[cluster, segment]
            reason = "taken" if value >= minimum else "not_similar"
            if not agree.loc[cluster, segment]:
                reason = "essential_differs"
        if reason == "too_few_features":
            features = features[features.isin(centres.columns)]
        else:
            features = features[_essential(signature)]
        if reason == "essential_missing":
            features = features[~features.isin(centres.columns)]
        texts = []
        for language, joint in (("zh", "、"), ("en", ", ")):
            said = joint.join(words.variable(f, language) for f in features)
            facts = {
                "n": len(features), "all": len(signature), "features": said, "value": value,
                "nearest": shown.segment(nearest, language), "minimum": minimum,
                "brackets": f"（{said}）" if language == "zh" else f" ({said})",
            }  # fmt: skip
            facts["brackets"] *= bool(said)
            texts.append(_WHY[reason][language == "en"].format(**facts))
        out.append((segment, reason, nearest, value, *texts))
    columns = ["segment_id", "reason", "nearest", "similarity", "text_zh", "text_en"]
    return pd.DataFrame(out, columns=columns)


_WHY = {
    "too_few_features": (
        "表中只有它 {all} 个特征中的 {n} 个{brackets}",
        "too few of its features are in the table: {n} of {all}{brackets}",
    ),
    "essential_missing": ("表中没有{features}", "the table lacks {features}"),
    "essential_differs": (
        "最接近{nearest}，相似度 {value:.2f}，但{features}不符",
        "nearest: {nearest}, similarity {value:.2f}, but {features} does not agree",
    ),
    "not_similar": (
        "最接近{nearest}，相似度 {value:.2f}，不足 {minimum:.2f}",
        "nearest: {nearest}, similarity {value:.2f}, below {minimum:.2f}",
    ),
    "taken": (
        "最接近{nearest}，相似度 {value:.2f}，它另有名称",
        "nearest: {nearest}, similarity {value:.2f}, which has another name",
    ),
}


# Chance ----------------------------------------------------------------------------------------


def chance_likeness(
    model: pd.DataFrame,
    centres: pd.DataFrame,
    signatures: pd.DataFrame,
    *,
    n_copies: int = 20,
    n_renamed: int = 200,
    n_sample: int = 3000,
    start: SeededKMeans | GroupedKMeans | None = None,
    factors: np.ndarray | None = None,
    variables: Mapping[str, str] | None = None,
    random_state: int = 0,
) -> pd.DataFrame:
    """How like a signature clusters become where there is nothing to name.

    Two ways to take the meaning out of a table. *values*: each column is shuffled separately; its
    values stay, whatever ties them to other columns is gone. A start of k-means on each copy says
    how similar to a signature a cluster gets by chance, and how much of the variance k-means
    explains anyway. *meanings*: the columns change names; the groups stay, but they are no longer
    what the signatures speak of.

    Parameters
    ----------
    model : DataFrame
        Model columns.
    centres, signatures : DataFrame
        As :func:`~kequn_lab.segments.name_clusters`.
    n_copies, n_renamed : int
        Tables whose values, and whose meanings, are shuffled.
    n_sample : int
        Rows used of a larger table.
    start : SeededKMeans or GroupedKMeans, optional
        The k-means that found the centres, where it started at the signatures or clustered groups
        separately: the copies are treated likewise, since it may end nearer to a signature by
        chance, too.
    factors : ndarray, optional
        By what k-means multiplies each column, where columns have weights.
    variables : mapping of str to str, optional
        The category of each column that is a coordinate of one: these are shuffled together, and
        keep their names.
    random_state : int

    Returns
    -------
    DataFrame
        One row per look: ``kind`` (``found``: the centres given; ``table``: a start of k-means on
        the table itself; ``values``; ``meanings``), ``similarity`` (the largest of any cluster to
        a signature whose essential features agree; missing where there is none), ``unexplained``
        (inertia as a share of the whole variance, of what was fitted here).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> model = pd.DataFrame(rng.normal(size=(300, 3)), columns=["age_years", "aum_cny", "x"])
    >>> old = pd.DataFrame({"segment_id": "old", "feature": list(model), "level_sd": 2})
    >>> table = chance_likeness(model, model.head(3), old)
    >>> table["kind"].value_counts(sort=False).to_dict(), least_similarity(table)
    ({'found': 1, 'table': 5, 'values': 20}, 0.5)
    """
    rng = np.random.default_rng(random_state)
    x = model.to_numpy(np.float32)
    if len(x) > n_sample and isinstance(start, GroupedKMeans):
        x = x[start.sample(x, n_sample, rng)]
    elif len(x) > n_sample:
        x = x[rng.choice(len(x), n_sample, replace=False)]
    factor = np.ones(x.shape[1]) if factors is None else np.asarray(factors)
    x = x * factor.astype(np.float32)
    of = variables or {}
    numbers = np.array([c not in of for c in model.columns])
    blocks = [[of.get(c) == name for c in model.columns] for name in dict.fromkeys(of.values())]
    total = float(((x - x.mean(axis=0)) ** 2).sum())
    parts, found = _parts(signatures, model.columns), centres[model.columns].to_numpy(float)
    out = [("found", _likeness(found, parts), np.nan)]
    looks = 1 if isinstance(start, SeededKMeans) else 5  # nothing is random about a given start
    for kind in ["table"] * looks + ["values"] * n_copies:
        copy = x
        if kind == "values":
            copy = rng.permuted(x, axis=0)
            for block in blocks:
                copy[:, block] = rng.permutation(x[:, block])
        kmeans = _one_start(start, len(centres), rng)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # fewer distinct rows than k
            kmeans.fit(copy)
        means = getattr(kmeans, "means_", kmeans.cluster_centers_) / factor
        likeness = _likeness(means, parts)
        out.append((kind, likeness, kmeans.inertia_ / total if total else np.nan))
    # Where most columns belong to one signature, changing their names changes little.
    longest = max((len(positions) for positions, *_ in parts.values()), default=numbers.sum())
    if numbers.sum() >= 3 * longest:
        renamed = found.copy()
        for _ in range(n_renamed):
            renamed[:, numbers] = found[:, rng.permutation(np.flatnonzero(numbers))]
            out.append(("meanings", _likeness(renamed, parts), np.nan))
    return pd.DataFrame(out, columns=["kind", "similarity", "unexplained"])


def _one_start(start, n_clusters: int, rng) -> KMeans | SeededKMeans | GroupedKMeans:
    """A k-means of one start, of the kind that found the centres."""
    plain = KMeans(n_clusters, n_init=1, max_iter=30, random_state=rng.integers(2**31))
    if isinstance(start, GroupedKMeans):
        return start.quick().set_params(random_state=rng.integers(2**31))
    return plain if start is None else clone(start)


def _likeness(x: np.ndarray, parts: dict) -> float:
    """The largest similarity for which a name could be given."""
    each = [_compared(x, *part) for part in parts.values()]
    possible = [similarity[agree].max() for similarity, agree in each if agree.any()]
    return max(possible, default=np.nan)


def least_similarity(chance: pd.DataFrame) -> float:
    """Least similarity for a name: 0.5, or the 95 % point over shuffled values if that is more.

    Where even the best likeness found is no larger than the 95 % point over shuffled meanings,
    it is that point, and nothing is named.

    Parameters
    ----------
    chance : DataFrame
        As :func:`chance_likeness`.

    Examples
    --------
    >>> chance = pd.DataFrame({"kind": ["found", "values", "values", "meanings"],
    ...                        "similarity": [0.9, 0.75, 0.75, 0.8]})
    >>> least_similarity(chance), least_similarity(chance.replace(0.9, 0.78))
    (0.75, 0.8)
    """
    points = chance.groupby("kind")["similarity"].quantile(0.95)
    least = np.fmax(MIN_SIMILARITY, points.get("values", np.nan))
    by_meaning = points.get("meanings", np.nan)
    return float(max(least, by_meaning) if points.get("found", np.nan) <= by_meaning else least)
