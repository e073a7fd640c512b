"""What a cluster is called: a catalogue's name where it fits, else a working name from its marks.

A name is a statement about the data, so it is given only where the data carry it: the features
that make a segment what it is must be there and agree, and the likeness must be larger than
shuffled columns reach.
"""

from __future__ import annotations

import difflib
import re

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

from kequn_lab._words import Words
from kequn_lab.segments.signatures import MIN_SIMILARITY, essentials_agree, similarities

__all__ = ["name_clusters"]

#: A name less ahead of the next one than this is called unclear.
CLEAR_MARGIN = 0.15
#: A feature marks a cluster in its working name from this many standard deviations on.
MARK_SD = 0.3
#: Of two marks that are correlated more than this the weaker one is not said.
SAME_MARK = 0.5


def name_clusters(
    centres: pd.DataFrame,
    signatures: pd.DataFrame,
    *,
    minimum: float = MIN_SIMILARITY,
    overrides: dict[int, str | tuple[str, str]] | None = None,
    previous: pd.DataFrame | None = None,
    segments: pd.DataFrame | None = None,
    words: pd.DataFrame | None = None,
    model: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Name every cluster: by a person, as last time, by a signature, or by its own marks.

    A signature says where the centre of a segment is expected. The similarity of a cluster to it is
    1 − Σ(centre − expected)² / Σ expected²: 1 when the cluster is exactly there, 0 when it
    is as near as the average customer, below 0 when it is farther off. All clusters are named
    at once so that the sum of similarities is largest (Hungarian method). A cluster that no
    signature fits gets a working name from the features that mark it most.

    Parameters
    ----------
    centres : DataFrame
        As :func:`~kequn_lab.segments.centre_table`.
    signatures : DataFrame
        Columns ``segment_id``, ``feature``, ``level_sd`` (standard deviations) and, if some
        features are essential, ``essential`` (bool): without them, or with them on the other
        side, no cluster gets the segment's name.
    minimum : float
        Least similarity for a name, see :func:`least_similarity`.
    overrides : dict of int to str, optional
        Cluster to a segment id, a name, or a pair of names (Chinese, English), by a person who
        looked; these come first.
    previous : DataFrame, optional
        Segments of an earlier run: ``segment_id``, ``name_zh``, ``name_en`` and ``cluster``, the
        cluster of now that holds the same customers (missing: none does). Such a cluster keeps
        id and names; no other cluster gets an id that was in use.
    segments : DataFrame, optional
        Names of the catalogue: ``segment_id``, ``name_zh``, ``name_en``.
    words : DataFrame, optional
        For working names: ``feature``, ``high_zh``, ``low_zh``, ``high_en``, ``low_en``.
    model : DataFrame, optional
        Model columns of the customers, so that a working name does not say one thing twice.

    Returns
    -------
    DataFrame
        One row per cluster: ``cluster``, ``segment_id``, ``name_zh``, ``name_en``,
        ``similarity``, ``margin`` (ahead of the best other segment), ``runner_up``, ``matched``
        (False: a working name), ``by`` (``override``, ``previous``, ``signature`` or ``marks``),
        ``mark`` (``unnamed``; ``unclear``: a margin below 0.15, or a name kept that fits no
        more; else empty).

    Raises
    ------
    ValueError
        An override names an unknown cluster, one segment twice, or an id that is nearly one of
        the catalogue's.

    Examples
    --------
    >>> centres = pd.DataFrame({"age_years": [1.5, -1.0], "web_share": [0.0, 1.2],
    ...                         "aum_cny": [0.5, 0.0]})
    >>> old = pd.DataFrame({"segment_id": "elderly", "feature": centres.columns,
    ...                     "level_sd": [1.5, -0.5, 0.5]})
    >>> name_clusters(centres, old)[["cluster", "segment_id", "name_en", "similarity"]].round(2)
       cluster segment_id                         name_en  similarity
    0        0    elderly                         elderly        0.91
    1        1  cluster_1  high web_share · low age_years         NaN
    """
    similarity = similarities(centres, signatures)
    known = Words.of(segments=segments)
    given = _given(list(centres.index), overrides or {}, previous, known)
    taken = {segment for segment, *_ in given.values()}
    free = [c for c in centres.index if c not in given]
    possible = similarity.where(essentials_agree(centres, signatures)[similarity.columns])
    chosen = _assigned(possible.loc[free, [s for s in similarity if s not in taken]], minimum)
    given |= {c: (s, known.segment(s, "zh"), known.segment(s, "en"), "signature")
              for c, s in chosen.items()}  # fmt: skip
    used = set() if previous is None else set(previous["segment_id"])
    used |= {segment for segment, *_ in given.values()}
    spoken = {name for _, *names, _ in given.values() for name in names}
    out = []
    for cluster, centre in centres.iterrows():
        if cluster not in given:
            names = _working_name(_marks(centre, model), words, spoken)
            spoken |= set(names)
            given[cluster] = (free_id("cluster", cluster, used), *names, "marks")
            used.add(given[cluster][0])
        segment, zh, en, by = given[cluster]
        row = similarity.loc[cluster]
        others = row.drop(segment, errors="ignore").dropna()
        value = row.get(segment, np.nan)
        margin = value - others.max() if len(others) else np.nan
        runner_up = others.idxmax() if len(others) else None
        weak = margin < CLEAR_MARGIN or (by == "previous" and value < minimum)
        unclear = weak and by != "override"
        mark = "unnamed" if is_working(segment) else "unclear" if unclear else ""
        out.append(
            (cluster, segment, zh, en, value, margin, runner_up, mark != "unnamed", by, mark)
        )
    columns = ["cluster", "segment_id", "name_zh", "name_en", "similarity", "margin"]
    return pd.DataFrame(out, columns=[*columns, "runner_up", "matched", "by", "mark"])


def is_working(segment_id: str) -> bool:
    """Whether an id belongs to a working name."""
    return re.fullmatch(r"cluster_\d+", str(segment_id)) is not None


def _assigned(gain: pd.DataFrame, minimum: float) -> dict:
    """Cluster to segment, so that the sum of similarities is largest."""
    # One spare column per cluster: no name is worth `minimum`.
    spare = np.full((len(gain), len(gain)), float(minimum))
    worth = np.hstack([gain.fillna(-1e6).to_numpy(), spare])
    rows, columns = linear_sum_assignment(worth, maximize=True)
    return {gain.index[r]: gain.columns[c] for r, c in zip(rows, columns) if c < gain.shape[1]}


# Names that are given -------------------------------------------------------------------------


def _given(clusters, overrides, previous, known: Words) -> dict[int, tuple[str, str, str, str]]:
    """Cluster to id, names and source: those of a person, then those of last time."""
    if unknown := sorted(set(overrides) - set(clusters)):
        raise ValueError(f"overrides name clusters {unknown}; there are {clusters}")
    used = set() if previous is None else set(previous["segment_id"])
    out = {}
    for cluster, name in overrides.items():
        out[cluster] = (*_by_hand(cluster, name, known, used), "override")
        used.add(out[cluster][0])
    ids = [segment for segment, *_ in out.values()]
    if len(set(ids)) < len(ids):
        raise ValueError(f"overrides give one segment to two clusters: {overrides}")
    if previous is not None:
        for row in previous.dropna(subset="cluster").itertuples():
            if row.cluster not in out and row.segment_id not in ids:
                out[int(row.cluster)] = (row.segment_id, row.name_zh, row.name_en, "previous")
    return out


def _by_hand(cluster, name, known: Words, used) -> tuple[str, str, str]:
    """Id and names of what a person wrote: an id, a name, or a pair of names."""
    zh, en = (name, name) if isinstance(name, str) else name
    for segment, names in known.segments.items():
        if {zh, en} & {segment, *names.values()}:
            return segment, names["zh"], names["en"]
    if re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", zh):
        if near := difflib.get_close_matches(zh, known.segments, n=1, cutoff=0.8):
            raise ValueError(f"no segment {zh!r} in the catalogue; did you mean {near[0]!r}?")
        return zh, zh, en
    return free_id("own", cluster, used), zh, en


def free_id(prefix: str, number: int, used) -> str:
    """An id that is not in use, such as ``own_5``."""
    while f"{prefix}_{number}" in used:
        number += 1
    return f"{prefix}_{number}"


# Working names --------------------------------------------------------------------------------


def _marks(centre: pd.Series, model: pd.DataFrame | None) -> pd.Series:
    """The features that mark a cluster most, without those that go along with one before."""
    marks = centre[centre.abs() >= MARK_SD]
    marks = marks.iloc[np.argsort(-marks.abs().to_numpy(), kind="stable")].head(12)
    if model is None or len(marks) < 2:
        return marks
    alike = model[marks.index].corr().abs() > SAME_MARK
    kept: list = []
    for feature in marks.index:
        if not alike.loc[feature, kept].any():
            kept.append(feature)
    return marks[kept]


def _working_name(marks: pd.Series, words: pd.DataFrame | None, spoken) -> tuple[str, str]:
    """The first two marks; more, or a number, where a name is taken."""
    known = {} if words is None else words.set_index("feature").to_dict("index")
    zh, en = [], []
    for feature, value in marks.items():
        side = "high" if value > 0 else "low"
        own = {"high_zh": f"{feature}高", "low_zh": f"{feature}低",
               "high_en": f"high {feature}", "low_en": f"low {feature}"}  # fmt: skip
        said = known.get(feature, own)
        zh.append(said[f"{side}_zh"])
        en.append(said[f"{side}_en"])
    if not zh:
        zh, en = ["接近平均"], ["near the average"]
    for n in range(min(2, len(zh)), min(5, len(zh)) + 1):
        names = "·".join(zh[:n]), " · ".join(en[:n])
        if not spoken & set(names):
            return names
    number = 2
    while spoken & {f"{name} ({number})" for name in names}:
        number += 1
    return f"{names[0]} ({number})", f"{names[1]} ({number})"
