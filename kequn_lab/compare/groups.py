"""Internet bank against traditional bank: who is in each group, and how do the groups differ.

Differences are effect sizes with intervals, not p-values: with a million customers everything is
significant. Each variable has the measure that suits it, and all measures are also shown on one
scale, the standardised difference, so that they can be sorted and drawn together.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd
from scipy import stats

from kequn_lab._checks import require_columns
from kequn_lab._refits import Refits
from kequn_lab._statistics import skewness
from kequn_lab.compare.effects import RefitSample, Sample, effect_sizes

__all__ = ["assign_groups", "compare_groups", "compared_groups", "group_sizes"]

#: |skewness| above which a mean no longer says where most customers are.
_SKEWED = 2.0


def assign_groups(
    labels: pd.Series,
    target_groups: pd.DataFrame,
    *,
    groups: Sequence[str] = ("internet_bank", "traditional_bank"),
) -> pd.Series:
    """Give each customer the target group of the segment that it was put in.

    Parameters
    ----------
    labels : Series of str
        Segment id per customer; missing where there is none.
    target_groups : DataFrame
        One row per membership: ``group_id``, ``segment_id`` and, if a segment is in both groups,
        ``primary`` (bool), as in the catalogue: it counts where it is primary, and in neither
        group if that does not tell.
    groups : (str, str)
        The two groups to compare.

    Returns
    -------
    Series of category
        Named ``target_group``, index of ``labels``, categories in the order of ``groups``;
        missing for customers of neither group.

    Raises
    ------
    ValueError
        For a group that the table does not have, or a column that it lacks.

    Examples
    --------
    >>> labels = pd.Series(["elderly", "young", "micro"], index=["a", "b", "c"])
    >>> table = pd.DataFrame({"group_id": ["new", "new", "old", "old"],
    ...                       "segment_id": ["micro", "young", "young", "elderly"],
    ...                       "primary": [True, True, False, True]})
    >>> assign_groups(labels, table, groups=("new", "old")).tolist()
    ['old', 'new', 'new']
    """
    _, group_of = _memberships(target_groups, groups)
    return labels.map(group_of).astype(pd.CategoricalDtype(list(groups))).rename("target_group")


def compared_groups(target_groups: pd.DataFrame) -> tuple[str, str] | None:
    """The two groups to compare: internet and traditional bank, or else the first two listed.

    Examples
    --------
    >>> compared_groups(pd.DataFrame({"group_id": ["new", "new", "old"]}))
    ('new', 'old')
    >>> compared_groups(pd.DataFrame({"group_id": ["new"]}))
    """
    usual, there = ("internet_bank", "traditional_bank"), list(target_groups["group_id"].unique())
    if set(usual) <= set(there):
        return usual
    return tuple(there[:2]) if len(there) > 1 else None


def _memberships(target_groups: pd.DataFrame, groups) -> tuple[dict, dict]:
    """The segments of both groups, and the one group that each segment counts in."""
    require_columns(target_groups, ["group_id", "segment_id"], "target_groups")
    by_group = target_groups.groupby("group_id", sort=False)["segment_id"].agg(set)
    for group in groups:
        if group not in by_group:
            known = ", ".join(map(str, by_group.index))
            raise ValueError(f"target_groups has no group {group!r}; it has {known}")
    a, b = groups
    both = by_group[a] & by_group[b]
    counted = {g: by_group[g] - both for g in groups}
    if both:
        require_columns(target_groups, ["primary"], "target_groups (a segment is in both groups)")
        primary = target_groups[target_groups["primary"].astype(bool)]
        first = {g: set(primary.loc[primary["group_id"] == g, "segment_id"]) for g in groups}
        for group, other in ((a, b), (b, a)):
            counted[group] |= both & (first[group] - first[other])
    return {g: by_group[g] for g in groups}, {s: g for g in groups for s in counted[g]}


def group_sizes(
    labels: pd.Series,
    target_groups: pd.DataFrame,
    *,
    groups: Sequence[str] = ("internet_bank", "traditional_bank"),
) -> pd.DataFrame:
    """Count the customers of each target group, segment by segment.

    Parameters
    ----------
    labels, target_groups, groups
        As :func:`assign_groups`.

    Returns
    -------
    DataFrame
        One row per group and segment: ``target_group``, ``segment_id``, ``customers``,
        ``share_of_group``, ``share_of_customers`` (0 to 1), ``role`` (``own``, ``shared``, or
        ``shared, not compared``: a segment that both groups name has a row in each, and is
        compared in one at most). Segments of neither group, and customers without a label
        (``segment_id`` missing), come last under ``no group``.

    Examples
    --------
    >>> labels = pd.Series(["elderly", "young", "micro", "micro"])
    >>> table = pd.DataFrame({"group_id": ["new", "old", "old"],
    ...                       "segment_id": ["micro", "elderly", "poor"]})
    >>> group_sizes(labels, table, groups=("new", "old")).iloc[:, :3]
      target_group segment_id  customers
    0          new      micro          2
    1          old    elderly          1
    2          old       poor          0
    3     no group      young          1
    """
    a, b = groups
    counts = labels.value_counts()
    members, group_of = _memberships(target_groups, groups)
    both = members[a] & members[b]
    rows: list[tuple] = []
    for group in (a, b):
        of_group = {s: int(counts.get(s, 0)) for s in members[group]}
        total = sum(of_group.values())
        for segment, n in sorted(of_group.items(), key=lambda item: (-item[1], item[0])):
            compared = "shared" if group_of.get(segment) == group else "shared, not compared"
            role = compared if segment in both else "own"
            rows.append((group, segment, n, n / total if total else np.nan, role))
    for segment in counts.index.difference(list(members[a] | members[b])):
        rows.append(("no group", segment, int(counts[segment]), np.nan, "in neither"))
    if labels.isna().any():
        rows.append(("no group", None, int(labels.isna().sum()), np.nan, "no label"))
    names = ["target_group", "segment_id", "customers", "share_of_group", "role"]
    out = pd.DataFrame(rows, columns=names)
    out.insert(4, "share_of_customers", out["customers"] / len(labels) if len(labels) else np.nan)
    return out


def compare_groups(
    features: pd.DataFrame,
    group: pd.Series,
    *,
    groups: Sequence[str] | None = None,
    clustered_on: Collection[str] = (),
    refits: Refits | None = None,
    n_boot: int = 1000,
    random_state: int = 0,
) -> pd.DataFrame:
    """Set two groups of customers side by side, variable by variable, largest difference first.

    Parameters
    ----------
    features : DataFrame, shape (n_customers, n_variables)
        Indexed by customer. Missing values are left out variable by variable and counted.
    group : Series
        Group of each customer, aligned by index; missing: in neither group.
    groups : (str, str), optional
        The two groups; a positive difference means that the first has more. Default: the
        categories of ``group``, else its two values in sorted order.
    clustered_on : collection of str
        Variables that the groups were made from, where they are clusters or made of clusters.
        They have no p-value: groups that were made to differ in a variable differ in it, also
        where the customers are one crowd.
    refits : Refits, optional
        Draws of customers in which the segments were found anew
        (:func:`kequn_lab.segments.refit`), where each group is made of whole segments: intervals
        are made of them, in place of ``n_boot`` draws that keep the groups as they are.
    n_boot : int
        Bootstrap draws of customers within each group, for 95 % (percentile) intervals; 0: none.
    random_state : int
        Each variable draws from a stream of its own, so that adding one changes no other.

    Returns
    -------
    DataFrame
        One row per variable, sorted by ``abs(effect)``:

        - ``variable``, ``kind`` (``number``; ``skewed``, |skewness| > 2; ``share``, values 0 and 1
          only; ``category``, text), ``measure`` (the measure behind ``effect``), ``group_a``,
          ``group_b``, ``n_a``, ``n_b`` (customers with a value), ``missing_a_share``,
          ``missing_b_share``
        - ``mean_a``, ``mean_b`` (a share for 0/1), ``median_a``, ``median_b``
        - ``effect``, ``effect_low``, ``effect_high``: on the scale of standardised differences;
          a difference of two normals with equal spread that has the same ``measure``
        - ``smd``: (mean_a − mean_b) / √((var_a + var_b) / 2), with ``smd_low``, ``smd_high``
        - ``cliffs_delta``: P(a > b) − P(a < b), with its interval
        - ``cramers_v``, for categories; ``cramers_v_corrected`` without the part that chance
          alone gives, with its interval: ``effect`` is made of it, so that a column of many
          categories that says nothing does not come first
        - ``interval``: what the intervals are made of: ``refit`` (customers drawn, segments found
          anew), ``customers`` (groups kept as they are), ``chi-square`` (Cramér's V)
        - ``signs_differ``: whether ``smd`` and ``effect`` have opposite signs. The mean of a
          skewed variable follows a few large values, and Cliff's delta most customers: both are
          right, of different questions
        - ``clustered_on``; ``p_value`` (Welch; Mann–Whitney for skewed; chi-square) and
          ``p_adjusted`` (Benjamini–Hochberg over the rows that have one), missing where
          ``clustered_on``

    Raises
    ------
    ValueError
        For other than two groups, an empty group, infinite values, or duplicate customers.

    Notes
    -----
    Intervals that keep clusters as they are cover too rarely (`benchmarks/coverage.md`): with other
    customers the borders lie elsewhere. They are for groups that were known beforehand.

    The bootstrap draws histograms, not customers (:mod:`kequn_lab.compare.effects`): a million
    customers cost no more than a thousand. `benchmarks/compare.py` compares it with the plain loop.

    References
    ----------
    Austin (2009), Statistics in Medicine 28:3083 (standardised differences); Cliff (1993),
    Psychological Bulletin 114:494; Bergsma (2013), Journal of the Korean Statistical Society
    42:323 (Cramér's V).

    Examples
    --------
    >>> features = pd.DataFrame({"age": [60., 70, 20, 30]}, index=list("abcd"))
    >>> group = pd.Series(["old", "old", "new", "new"], index=list("abcd"))
    >>> row = compare_groups(features, group, n_boot=0).iloc[0]
    >>> print(row["group_a"], row["mean_a"], row["mean_b"], row["cliffs_delta"])
    new 25.0 65.0 -1.0
    """
    a, b, in_a, in_b = _two_groups(features, group, groups)
    clustered_on = set(clustered_on)
    if unknown := clustered_on - set(features.columns):
        raise ValueError(f"clustered_on names {sorted(unknown)}, which features lacks")
    sides = None if refits is None else _sides(refits, features.index, in_a, in_b)
    rows = []
    for name in features.columns:
        values, kind = _values(features[name])
        seed = np.random.SeedSequence([random_state, zlib.crc32(str(name).encode())])
        rng = np.random.default_rng(seed)
        samples = Sample.of(values[in_a]), Sample.of(values[in_b])
        again = None
        if refits is not None and sides is not None:
            again = RefitSample(refits, values[sides[0]], sides[1])
        found = effect_sizes(*samples, kind, n_boot=n_boot, rng=rng, again=again)
        if name in clustered_on:
            found["p_value"] = np.nan
        rows.append({"variable": name, "kind": kind, **found})
    out = pd.DataFrame(rows)
    out["group_a"], out["group_b"] = a, b
    out["clustered_on"] = out["variable"].isin(clustered_on)
    out["signs_differ"] = out["smd"] * out["effect"] < 0
    known = out["p_value"].notna()
    out["p_adjusted"] = np.nan
    if known.any():
        out.loc[known, "p_adjusted"] = stats.false_discovery_control(out.loc[known, "p_value"])
    order = out["effect"].abs().sort_values(ascending=False, kind="stable", na_position="last")
    return out.loc[order.index, _COLUMNS].reset_index(drop=True)


_MEASURES = ("smd", "cliffs_delta", "cramers_v_corrected")
_INTERVALS = [name + end for name in _MEASURES for end in ("", "_low", "_high")]
_COLUMNS = [
    *("variable", "kind", "group_a", "group_b", "n_a", "n_b", "mean_a", "mean_b"),
    *("measure", "effect", "effect_low", "effect_high", "interval", "signs_differ", *_INTERVALS),
    *("cramers_v", "median_a", "median_b", "missing_a_share", "missing_b_share", "clustered_on"),
    *("p_value", "p_adjusted"),
]


# What comes in ---------------------------------------------------------------------------------


def _two_groups(features: pd.DataFrame, group: pd.Series, groups):
    """Names of the two groups, and which rows of ``features`` belong to each."""
    for table, index in (("features", features.index), ("group", group.index)):
        if index.has_duplicates:
            twice = index[index.duplicated()][:3].tolist()
            raise ValueError(f"{table} has customers twice, for example {twice}; keep one row each")
    if not features.columns.is_unique or not len(features.columns):
        raise ValueError("features needs at least one column, and each name once")
    if groups is None:
        if isinstance(group.dtype, pd.CategoricalDtype):
            groups = list(group.cat.categories)
        else:
            groups = sorted(group.dropna().unique(), key=str)
    if len(groups) != 2 or groups[0] == groups[1]:
        raise ValueError(f"two groups are compared; found {list(groups)}. Name two with groups=")
    group = group.reindex(features.index)
    in_a, in_b = (group == groups[0]).fillna(False), (group == groups[1]).fillna(False)
    for name, rows in zip(groups, (in_a, in_b), strict=True):
        if not rows.any():
            raise ValueError(
                f"no customer of features is in group {name!r}: check that both tables use the "
                f"same customer ids (features starts with {features.index[:3].tolist()})"
            )
    return *groups, in_a.to_numpy(bool), in_b.to_numpy(bool)


def _sides(refits: Refits, index: pd.Index, in_a, in_b) -> tuple[np.ndarray, np.ndarray]:
    """Where the customers of ``refits`` are, and which segments make up each group."""
    where = refits.at(index)
    counts = refits.member[: len(refits.segments)]  # draw 0: the segments as they were found
    sizes = counts.sum(axis=1)
    inside = np.array([counts @ rows[where].astype(float) for rows in (in_a, in_b)])
    if not ((inside == 0) | (inside == sizes)).all():
        raise ValueError(
            "refits are of segments of which a part is in a group: make the groups of whole "
            "segments (compare.assign_groups), or leave refits out"
        )
    return where, (inside > 0)


def _values(column: pd.Series) -> tuple[np.ndarray, str]:
    """A variable as floats (categories as codes, missing as NaN), and its kind."""
    if not (pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column)):
        codes = pd.factorize(column, sort=False)[0].astype(float)
        codes[codes < 0] = np.nan
        return codes, "category"
    x = column.to_numpy(float, na_value=np.nan)
    if np.isinf(x).any():
        raise ValueError(
            f"{column.name} has {int(np.isinf(x).sum())} infinite values: correct them"
        )
    seen = x[~np.isnan(x)]
    if seen.size and np.isin(seen[:1000], (0, 1)).all() and np.isin(seen, (0, 1)).all():
        return x, "share"
    return x, "skewed" if abs(skewness(seen)) > _SKEWED else "number"
