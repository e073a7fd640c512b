"""Next month: who moved between segments, which names are kept, what a refit changed.

Segments of two months are compared on the customers whom both months have; where these are few,
by the centres of the two models. Whether a refit is due at all is the question of
:mod:`kequn_lab.monitor.watch`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from sklearn.pipeline import Pipeline

from kequn_lab._statistics import jaccard, wilson
from kequn_lab.export.scorecard import Scorecard
from kequn_lab.segments.pipeline import fit_again

__all__ = [
    "Refit", "match_centres", "match_labels", "match_segments", "migration_table", "refit_like",
]  # fmt: skip

#: Two segments are one if they share at least this part of their union (Jaccard).
SAME = 1 / 3
#: A segment went into another, or came out of it, if at least this part of it did.
MOST = 0.5
#: Customers in common per earlier segment, on average, below which overlap says too little about
#: which segment is which, and centres are matched (:func:`match_centres`). With 20 the 95 %
#: interval of a Jaccard index is about 0.4 wide.
LEAST_COMMON = 20
#: A centre is that of an earlier segment if it moved less than this part of the way to the nearest
#: other centre of the earlier model.
MOVED = 0.5
_COLUMNS = ["before", "after", "customers_before", "customers_after", "common", "jaccard"]
_COLUMNS += ["jaccard_low", "jaccard_high", "distance", "rule", "event", "partner"]


def match_labels(before: pd.Series, after: pd.Series) -> pd.DataFrame:
    """Which segment of today is which of last month: one assignment problem.

    Parameters
    ----------
    before, after : Series
        Labels indexed by customer id; missing labels are left out.

    Returns
    -------
    DataFrame
        One row per segment of either month: ``before``, ``after``, ``customers_before``,
        ``customers_after`` (all of them), ``common`` (customers in both), ``jaccard`` (of the
        customers whom both months have) with its 95 % interval ``jaccard_low``,
        ``jaccard_high`` (Wilson: customers in both, of those in either), ``distance`` (missing:
        centres are not looked at), ``rule`` (``customers``), ``event`` and ``partner``:

        - ``kept``: the pair that shares the most, at least a third of its union;
        - ``merged`` / ``split``: most of it, customers who left or came included, went into, or
          came out of, one ``partner``;
        - ``gone`` / ``born``: the rest.

    Raises
    ------
    ValueError
        A customer has two labels, or no customer is in both months.

    Examples
    --------
    >>> before = pd.Series(list("aaabbbcc"), index=list("12345678"))
    >>> after = pd.Series([0, 0, 0, 1, 1, 1, 1, 1, 2, 2], index=list("1234567890"))
    >>> match_labels(before, after)[["before", "after", "event", "partner"]]
      before after   event partner
    0      a     0    kept
    1      b     1    kept
    2      c        merged       1
    3            2    born
    """
    before, after = _labels(before, "before"), _labels(after, "after")
    common = before.index.intersection(after.index)
    if not len(common):
        raise ValueError(
            "no customer is in both months; are the ids of one kind (text, with leading zeros)?"
        )
    table = pd.crosstab(before[common], after[common])
    table = table.reindex(
        index=sorted(before.unique()), columns=sorted(after.unique()), fill_value=0
    )
    counts = table.to_numpy()
    likeness = jaccard(counts)
    best = zip(*linear_sum_assignment(likeness, maximize=True))
    pairs = [(i, j) for i, j in best if likeness[i, j] >= SAME]
    rows = [(*pair, *pair, "kept", "") for pair in pairs]
    sizes = {"before": before.value_counts(), "after": after.value_counts()}
    for i in sorted(set(range(len(counts))) - {i for i, _ in pairs}):
        j = int(counts[i].argmax())
        merged = counts[i, j] >= MOST * sizes["before"][table.index[i]]
        event, partner = ("merged", table.columns[j]) if merged else ("gone", "")
        rows.append((i, None, i, j, event, partner))
    for j in sorted(set(range(counts.shape[1])) - {j for _, j in pairs}):
        i = int(counts[:, j].argmax())
        split = counts[i, j] >= MOST * sizes["after"][table.columns[j]]
        event, partner = ("split", table.index[i]) if split else ("born", "")
        rows.append((None, j, i, j, event, partner))
    either = counts.sum(axis=1, keepdims=True) + counts.sum(axis=0, keepdims=True) - counts
    low, high = wilson(counts, either)
    of = tuple(zip(*((i, j) for _, _, i, j, *_ in rows)))  # the pair whose overlap a row tells
    facts = {
        "common": counts[of], "jaccard": likeness[of], "jaccard_low": low[of],
        "jaccard_high": high[of], "distance": np.nan, "rule": "customers",
    }  # fmt: skip
    return _matching(rows, table.index, table.columns, sizes, facts)


def match_segments(
    before: pd.Series,
    after: pd.Series,
    cards: Callable[[], tuple[Scorecard, Scorecard]] | None = None,
) -> pd.DataFrame:
    """Which segment of today is which of an earlier run, by what tells it best.

    Parameters
    ----------
    before, after : Series
        As :func:`match_labels`.
    cards : callable, optional
        Gives the scorecards of both runs. Where fewer than 20 customers per earlier segment
        (:data:`LEAST_COMMON`), and not most of the earlier ones, are in both, centres decide.

    Returns
    -------
    DataFrame
        As :func:`match_labels` or :func:`match_centres`; ``rule`` says which.
    """
    common = int(before.index.isin(after.index).sum())
    few = common < min(LEAST_COMMON * before.nunique(), MOST * len(before))
    if not few or cards is None:
        return match_labels(before, after)
    sizes = {"before": before.value_counts(), "after": after.value_counts()}
    return match_centres(*cards(), sizes)


def match_centres(
    before: Scorecard, after: Scorecard, sizes: dict[str, pd.Series] | None = None
) -> pd.DataFrame:
    """Which segment of today is which of an earlier model, by their centres alone.

    Parameters
    ----------
    before, after : Scorecard
        Centres are compared in the units of ``before``, by the features that both have.
    sizes : dict of str to Series, optional
        Customers by segment, under ``before`` and ``after``. Segments of ``before`` that are not
        there are left out.

    Returns
    -------
    DataFrame
        As :func:`match_labels`: ``before`` are segment ids, ``after`` clusters. ``distance`` is
        that of the centres, in standard deviations of the earlier model; the overlap is missing,
        ``rule`` is ``centres``. Segments are ``kept``, ``gone`` or ``born``: without customers in
        common nobody can say which were split or merged.

    Raises
    ------
    ValueError
        The two have no feature in common.
    """
    later = {f.name: (i, f) for i, f in enumerate(after.features)}
    both = [
        (i, f, *later[f.name]) for i, f in enumerate(before.features)
        if f.name in later and later[f.name][1].log == f.log
    ]  # fmt: skip
    if not both:
        raise ValueError("the two models have no feature in common: nothing tells their segments")
    counts = sizes or {}
    earlier = [
        s for s in before.segments if "before" not in counts or s.segment_id in counts["before"]
    ]
    old = np.array([[s.centre[i] for i, *_ in both] for s in earlier])
    new = np.array([
        [(s.centre[j] * g.scale + g.mean - f.mean) / f.scale for _, f, j, g in both]
        for s in after.segments
    ])  # fmt: skip
    far, own = cdist(old, new), cdist(old, old)
    np.fill_diagonal(own, np.inf)
    pairs = [
        (i, j) for i, j in zip(*linear_sum_assignment(far**2)) if far[i, j] < MOVED * own[i].min()
    ]
    rows = [(i, j, i, j, "kept", "") for i, j in pairs]
    rows += [(i, None, i, int(far[i].argmin()), "gone", "") for i in range(len(old))
             if i not in {i for i, _ in pairs}]  # fmt: skip
    rows += [(None, j, int(far[:, j].argmin()), j, "born", "") for j in range(len(new))
             if j not in {j for _, j in pairs}]  # fmt: skip
    of = tuple(zip(*((i, j) for _, _, i, j, *_ in rows)))
    facts = {
        "common": 0, "jaccard": np.nan, "jaccard_low": np.nan, "jaccard_high": np.nan,
        "distance": far[of], "rule": "centres",
    }  # fmt: skip
    ids = pd.Index([s.segment_id for s in earlier])
    return _matching(rows, ids, pd.Index([s.cluster for s in after.segments]), counts, facts)


def _matching(rows, before: pd.Index, after: pd.Index, sizes, facts) -> pd.DataFrame:
    """The table of a matching; a row without a segment on one side is empty there."""
    out = pd.DataFrame(facts, index=range(len(rows)))
    for name, ids, place in (("before", before, 0), ("after", after, 1)):
        label = ["" if row[place] is None else ids[row[place]] for row in rows]
        out[name] = pd.Series(label, dtype=object)
        found = out[name].map(sizes.get(name, pd.Series(dtype=int)))
        out[f"customers_{name}"] = pd.to_numeric(found).fillna(0).astype(int)
    for name, place in (("event", 4), ("partner", 5)):
        out[name] = pd.Series([row[place] for row in rows], dtype=object)
    return out[_COLUMNS]


def migration_table(before: pd.Series, after: pd.Series) -> pd.DataFrame:
    """Where the customers of each segment are a month later.

    Parameters
    ----------
    before, after : Series
        Segment ids indexed by customer id.

    Returns
    -------
    DataFrame
        One row per pair that occurs: ``segment_before`` (``(new)`` for newcomers),
        ``segment_after`` (``(left)`` for those gone), ``customers``, ``share`` of
        ``segment_before``, ``low``, ``high`` (95 %, Wilson).

    Examples
    --------
    >>> before = pd.Series(["a", "a", "b"], index=["1", "2", "3"])
    >>> after = pd.Series(["a", "b", "b"], index=["1", "2", "4"])
    >>> migration_table(before, after)[["segment_before", "segment_after", "customers", "share"]]
      segment_before segment_after  customers  share
    0          (new)             b          1    1.0
    1              a             a          1    0.5
    2              a             b          1    0.5
    3              b        (left)          1    1.0
    """
    before, after = _labels(before, "before"), _labels(after, "after")
    both = pd.DataFrame({"segment_before": before, "segment_after": after}).astype(object)
    both = both.fillna({"segment_before": "(new)", "segment_after": "(left)"})
    out = both.value_counts().rename("customers").reset_index()
    out = out.sort_values(["segment_before", "segment_after"], ignore_index=True)
    total = out.groupby("segment_before")["customers"].transform("sum")
    low, high = wilson(out["customers"], total)
    return out.assign(share=out["customers"] / total, low=low, high=high)


@dataclass(frozen=True)
class Refit:
    """A new model under the old names.

    Attributes
    ----------
    pipeline : Pipeline
        Fitted to the new month.
    scorecard : Scorecard
        Of it; segments carry last month's names where they are the same.
    matching : DataFrame
        As :func:`match_labels`, the old model against the new on the new month's customers.
    moved : DataFrame
        ``reason``, ``customers``, ``share`` of the customers in both months: ``stayed``;
        ``behaviour`` (the old model, too, puts them elsewhere now); ``model`` (their behaviour
        is as before, the new model cuts differently); ``both``.
    labels : DataFrame
        Indexed by customer id: ``before`` (old model, old month), ``old_model``, ``new_model``
        (both on the new month).
    """

    pipeline: Pipeline
    scorecard: Scorecard
    matching: pd.DataFrame
    moved: pd.DataFrame
    labels: pd.DataFrame


def refit_like(
    card: Scorecard,
    pipeline: Pipeline,
    before: pd.DataFrame,
    now: pd.DataFrame,
    *,
    as_of,
    **facts,
) -> Refit:
    """Fit the same pipeline to the new month and carry the names over.

    Parameters
    ----------
    card : Scorecard
        Last month's, with its names.
    pipeline : Pipeline
        Its parameters are used; fitted or not.
    before, now : DataFrame
        The customer tables of the two months, indexed by customer id.
    as_of : date-like
        Day of ``now``.
    **facts
        For the new scorecard, as :meth:`Scorecard.from_pipeline`.

    Returns
    -------
    Refit

    Raises
    ------
    ValueError
        A feature of the scorecard is lacking in a table, or groups were clustered separately:
        which clusters are one segment is then seen by their names
        (:func:`kequn_lab.segment` with ``by`` and ``previous``).
    """
    if card.groups:
        raise ValueError(
            f"the groups of {card.by} were clustered separately; to fit the new month and "
            "carry the names over, run again with by and previous (kequn run --by --previous)"
        )
    known = np.array([s.segment_id for s in card.segments])
    old_before = _named(card.predict(before), known)
    old_now = _named(card.predict(now), known)
    fresh = fit_again(pipeline, now[card.feature_names])
    clusters = pd.Series(fresh.predict(now[card.feature_names]), index=now.index)
    matching = match_labels(old_now, clusters)
    new_card = Scorecard.from_pipeline(fresh, now[card.feature_names], as_of=as_of, **facts)
    new_card = _carried_over(new_card, card, matching)
    new_now = clusters.map({s.cluster: s.segment_id for s in new_card.segments})
    names = {s.cluster: s.segment_id for s in new_card.segments}
    matching = matching.assign(
        after=matching["after"].map(lambda a: names.get(a, a)),
        partner=matching["partner"].map(lambda a: names.get(a, a)),
    )
    labels = pd.DataFrame({"before": old_before, "old_model": old_now, "new_model": new_now})
    common = labels.dropna()
    behaviour = common["before"] != common["old_model"]
    model = common["old_model"] != common["new_model"]
    counts = {
        "stayed": ~behaviour & ~model,
        "behaviour": behaviour & ~model,
        "model": ~behaviour & model,
        "both": behaviour & model,
    }
    moved = pd.DataFrame({"reason": list(counts), "customers": [int(c.sum()) for c in counts.values()]})  # fmt: skip  # noqa: E501
    moved["share"] = moved["customers"] / len(common)
    return Refit(fresh, new_card, matching, moved, labels)


def _carried_over(new: Scorecard, old: Scorecard, matching: pd.DataFrame) -> Scorecard:
    """The new scorecard with the old names where a segment was kept; the others are numbered."""
    by_id = {s.segment_id: s for s in old.segments}
    kept = matching[matching["event"] == "kept"].set_index("after")["before"]
    number, segments = 0, []
    for s in new.segments:
        if s.cluster in kept.index:
            named = by_id[kept[s.cluster]]
        else:
            number += 1
            while f"new_{number}" in by_id:
                number += 1
            named = replace(
                s, segment_id=f"new_{number}", name_zh=f"新客群{number}",
                name_en=f"New segment {number}", target_group="",
            )  # fmt: skip
        names = ("segment_id", "name_zh", "name_en", "target_group", "similarity")
        segments.append(replace(s, **{n: getattr(named, n) for n in names}))
    return replace(new, segments=tuple(segments))


def _named(clusters: pd.Series, names: np.ndarray) -> pd.Series:
    known = clusters.dropna().astype(int)
    return pd.Series(names[known], index=known.index, dtype="str")


def _labels(labels: pd.Series, which: str) -> pd.Series:
    if not labels.index.is_unique:
        first = labels.index[labels.index.duplicated()][0]
        raise ValueError(f"{which}: customer {first!r} has two labels; keep one")
    return labels.dropna()
