"""How large is a difference: standardised difference, Cliff's delta, Cramér's V, their intervals.

A bootstrap of a group is a bootstrap of its histogram: to resample n customers is to draw the
counts of the cells from one multinomial. Where a variable has few values that is exact; else the
cells are quantiles of both groups, and the largest and smallest values are cells of their own, so
that heavy tails count in full. Cost depends on cells and draws, not on customers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, stats
from scipy.sparse import csr_array

from kequn_lab._refits import Refits

__all__ = [
    "Sample",
    "cliffs_delta",
    "cramers_v",
    "cramers_v_corrected",
    "effect_sizes",
    "standardised_difference",
]

#: Cells per group: this many quantiles, and this many single values at each end.
QUANTILES, TAIL = 128, 48


@dataclass(frozen=True)
class Sample:
    """One variable in one group.

    Attributes
    ----------
    x : ndarray, shape (n,)
        The known values in rising order.
    n_rows : int
        Customers in the group, with and without a value.
    """

    x: NDArray
    n_rows: int

    @classmethod
    def of(cls, values: ArrayLike) -> Sample:
        """From values with NaN for missing."""
        x = np.asarray(values, float)
        return cls(np.sort(x[~np.isnan(x)]), len(x))

    @property
    def mean(self) -> float:
        return float(self.x.mean()) if len(self.x) else np.nan

    @property
    def median(self) -> float:
        return float(np.median(self.x)) if len(self.x) else np.nan

    @property
    def variance(self) -> float:
        return float(self.x.var(ddof=1)) if len(self.x) > 1 else np.nan


# Effects on full data --------------------------------------------------------------------------


def standardised_difference(a: Sample, b: Sample, *, share: bool = False) -> float:
    """(mean_a − mean_b) / √((var_a + var_b) / 2); p(1 − p) is the variance of a share.

    Examples
    --------
    >>> round(standardised_difference(Sample.of([3., 5]), Sample.of([1., 3])), 4)
    1.4142
    """
    variances = [s.mean * (1 - s.mean) if share else s.variance for s in (a, b)]
    return float(_ratio(a.mean - b.mean, np.sqrt(np.mean(variances))))


def cliffs_delta(a: Sample, b: Sample) -> float:
    """P(a > b) − P(a < b) for one customer drawn from each group, from −1 to 1.

    Examples
    --------
    >>> cliffs_delta(Sample.of([2., 3]), Sample.of([1., 2]))
    0.75
    """
    if not len(a.x) or not len(b.x):
        return np.nan
    below, up_to = np.searchsorted(b.x, a.x, "left"), np.searchsorted(b.x, a.x, "right")
    return float(np.mean(below / len(b.x) + up_to / len(b.x) - 1))


def cramers_v(a: Sample, b: Sample) -> float:
    """Cramér's V of group × category, categories given as numbers; 0 (alike) to 1.

    It is above 0 wherever two samples differ by chance, the more so the more categories there
    are: :func:`cramers_v_corrected` is not.

    Examples
    --------
    >>> cramers_v(Sample.of([0., 0, 1, 1]), Sample.of([2., 2, 3, 3]))
    1.0
    """
    return float(_cramers_v(*_counts(a, b)))


def cramers_v_corrected(a: Sample, b: Sample) -> float:
    """Cramér's V without the part that chance alone gives; 0 to 1.

    References
    ----------
    Bergsma (2013), Journal of the Korean Statistical Society 42:323.

    Examples
    --------
    >>> once_each = Sample.of([0., 1, 2, 3]), Sample.of([4., 5, 6, 7])
    >>> cramers_v(*once_each), cramers_v_corrected(*once_each)
    (1.0, 0.0)
    """
    counts = _counts(a, b)
    n = counts.sum()
    if n < 3:
        return np.nan
    excess = _cramers_v(*counts) ** 2 - (counts.shape[1] - 1) / (n - 1)
    # Of two groups; the same correction of the number of categories (at least 2) is no less.
    return float(np.sqrt(max(excess, 0.0) * (n - 1) / (n - 2)))


def _v_interval(a: Sample, b: Sample) -> tuple[float, float]:
    """95 % interval of the V of the population: those whose chi-square, a non-central one, makes
    the chi-square found neither too large nor too small."""
    counts = _counts(a, b)
    n, df = counts.sum(), counts.shape[1] - 1
    if df < 1:
        return 0.0, 0.0
    found = float(n * _cramers_v(*counts) ** 2)

    def centrality(chance: float) -> float:
        def above(c: float) -> float:
            return float(stats.ncx2.cdf(found, df, c) - chance)

        least, beyond = 1e-9, found + df + 40 * np.sqrt(found + df) + 40
        return optimize.brentq(above, least, beyond) if above(least) > 0 else 0.0

    low, high = (np.sqrt(centrality(chance) / n) for chance in (0.975, 0.025))
    return float(low), float(min(high, 1.0))


def _counts(a: Sample, b: Sample) -> NDArray:
    """Customers by group and level."""
    levels = np.unique(np.concatenate([a.x, b.x]))
    return np.array([np.bincount(np.searchsorted(levels, s.x), None, len(levels)) for s in (a, b)])


def _ratio(difference, spread):
    """Difference over spread; no spread: 0 if there is no difference, else infinite."""
    difference, spread = np.asarray(difference, float), np.asarray(spread, float)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = difference / spread
    return np.where((spread == 0) & (difference == 0), 0.0, ratio)


def _cramers_v(counts_a, counts_b):
    """V of a 2 × L table given as counts per level, over the last axis.

    A table with one level only has no association: V = 0.
    """
    n_a, n_b = counts_a.sum(-1), counts_b.sum(-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        p_a, p_b = counts_a / n_a[..., None], counts_b / n_b[..., None]
        share_a = (n_a / (n_a + n_b))[..., None]
        both = share_a * p_a + (1 - share_a) * p_b
        terms = np.where(both > 0, share_a * (1 - share_a) * (p_a - p_b) ** 2 / both, 0.0)
    return np.sqrt(np.where((n_a > 0) & (n_b > 0), terms.sum(-1), np.nan))


def _as_difference(value, kind: str, n_a: int, n_b: int):
    """Any measure on the scale of standardised differences.

    Cliff's delta: two normals of equal spread at distance d have delta = 2Φ(d/√2) − 1. Cramér's V:
    V² is the R² of group on category, and d² the Mahalanobis distance of the two lists of shares.
    Complete separation is held at one pair short of it, to stay finite.
    """
    limit = 1 - 1 / (n_a * n_b + 1)
    value = np.clip(value, -limit, limit)
    if kind == "cliffs_delta":
        return np.sqrt(2) * stats.norm.ppf((1 + value) / 2)
    shares = n_a * n_b / (n_a + n_b) ** 2
    return value / np.sqrt(shares * (1 - value**2))


# All measures of one variable ------------------------------------------------------------------


@dataclass(frozen=True)
class RefitSample:
    """One variable in draws of customers in which the segments, and so the groups, are found anew.

    Attributes
    ----------
    refits : Refits
    x : ndarray, shape (m,)
        The values of the customers of ``refits``, NaN for missing.
    groups : ndarray of bool, shape (2, k)
        Which segments the two groups are made of.
    """

    refits: Refits
    x: NDArray
    groups: NDArray


def effect_sizes(
    a: Sample, b: Sample, kind: str, *, n_boot: int, rng, again: RefitSample | None = None
) -> dict:
    """Every measure that suits the kind of variable, with 95 % intervals, on two samples.

    Parameters
    ----------
    a, b : Sample
    kind : {"number", "skewed", "share", "category"}
    n_boot : int
        Bootstrap draws; 0: no intervals.
    rng : Generator
    again : RefitSample, optional
        Draws in which the groups are found anew: intervals are made of them.

    Returns
    -------
    dict
        The columns of :func:`kequn_lab.compare.compare_groups` that belong to one variable.
        A group without any value gives missing effects.
    """
    number = kind != "category"
    known = len(a.x) > 0 and len(b.x) > 0
    out: dict[str, Any] = {}
    for end, sample in (("a", a), ("b", b)):
        out[f"n_{end}"] = len(sample.x)
        out[f"missing_{end}_share"] = 1 - len(sample.x) / sample.n_rows
        out[f"mean_{end}"] = sample.mean if number else np.nan
        out[f"median_{end}"] = sample.median if number else np.nan
    if number:
        points = {
            "smd": standardised_difference(a, b, share=kind == "share"),
            "cliffs_delta": cliffs_delta(a, b),
        }
    else:
        points = {"cramers_v_corrected": cramers_v_corrected(a, b) if known else np.nan}
    out["cramers_v"] = np.nan if number or not known else cramers_v(a, b)
    if not known or not (n_boot or again):
        ends, how = {}, None
    elif again is not None:
        ends, how = _refit_intervals(again, kind, points), "refit"
    elif not number:
        ends, how = {"cramers_v_corrected": _v_interval(a, b)}, "chi-square"
    else:
        drawn, how = _bootstrap(a, b, kind, points, n_boot, rng), "customers"
        # A draw of one single value twice has no spread: it says nothing.
        fine = {name: x[np.isfinite(x)] for name, x in drawn.items()}
        ends = {name: np.quantile(x, [0.025, 0.975]) for name, x in fine.items() if len(x)}
    for name in ("smd", "cliffs_delta", "cramers_v_corrected"):
        out[name] = points.get(name, np.nan)
        out[f"{name}_low"], out[f"{name}_high"] = map(float, ends.get(name, (np.nan, np.nan)))
    main = {"category": "cramers_v_corrected", "skewed": "cliffs_delta"}.get(kind, "smd")
    if main == "smd" and not np.isfinite(out["smd"]):
        main = "cliffs_delta"  # no spread in either group, or one customer each
    out["measure"] = main
    for end in ("", "_low", "_high"):
        value = out[main + end]
        if main != "smd" and known:
            value = float(_as_difference(value, main, len(a.x), len(b.x)))
        out["effect" + end] = value
    out["interval"] = how if np.isfinite(out["effect_low"]) else None
    out["p_value"] = _p_value(a, b, kind) if known else np.nan
    return out


def _p_value(a: Sample, b: Sample, kind: str) -> float:
    """Welch, Mann–Whitney or chi-square test; 1 where nothing varies, NaN where nothing is said."""
    counts = _counts(a, b)
    if counts.shape[1] < 2:
        return 1.0
    if kind in ("share", "category"):
        return float(stats.chi2_contingency(counts, correction=False).pvalue)
    if kind == "skewed":
        return float(stats.mannwhitneyu(a.x, b.x, method="asymptotic").pvalue)
    if not a.variance + b.variance > 0:
        return np.nan
    summary = [(s.mean, np.sqrt(s.variance), len(s.x)) for s in (a, b)]
    return float(stats.ttest_ind_from_stats(*summary[0], *summary[1], equal_var=False).pvalue)


# Bootstrap of histograms -----------------------------------------------------------------------


def _bootstrap(a: Sample, b: Sample, kind: str, points: dict, n_boot: int, rng) -> dict:
    """Draws of each measure, shifted by what the cells alone lose (nothing when exact)."""
    edges = _edges(a, b)
    centre = (a.mean + b.mean) / 2
    cells = [_cells(s, edges, centre) for s in (a, b)]
    counts = [_draw_counts(s, c[0], n_boot, rng) for s, c in zip((a, b), cells)]
    whole = [c[0][None, :] for c in cells]
    measured = {}
    for name in points:
        drawn, once = (_from_cells(name, kind, cells, n) for n in (counts, whole))
        known = np.isfinite(once[0]) and np.isfinite(points[name])
        shift = points[name] - once[0] if known else 0.0
        limit = np.inf if name == "smd" else 1.0
        measured[name] = np.clip(drawn + shift, -limit if name != "cramers_v" else 0.0, limit)
    return measured


def _edges(a: Sample, b: Sample) -> NDArray:
    """Left borders of the cells: all values where they are few, else quantiles and tails."""
    edges = []
    for sample in (a, b):
        x, n = sample.x, len(sample.x)
        distinct = x[np.flatnonzero(np.diff(x, prepend=-np.inf))]
        if len(distinct) > QUANTILES + 2 * TAIL:
            middle = x[np.linspace(TAIL, n - TAIL, QUANTILES, endpoint=False).astype(int)]
            distinct = np.concatenate([x[:TAIL], middle, x[n - TAIL :]])
        edges.append(distinct)
    return np.unique(np.concatenate(edges))


def _cells(sample: Sample, edges: NDArray, centre: float) -> NDArray:
    """Per cell: customers, and the means of x and x² (x from ``centre``)."""
    cell = np.maximum(np.searchsorted(edges, sample.x, "right") - 1, 0)
    x = sample.x - centre
    n, sums, squares = (np.bincount(cell, w, len(edges)) for w in (None, x, x * x))
    return np.array([n, sums / np.maximum(n, 1), squares / np.maximum(n, 1)])


def _draw_counts(sample: Sample, n: NDArray, n_boot: int, rng) -> NDArray:
    """Multinomial counts (n_boot, cells); a last cell, dropped here, holds the missing values."""
    p = np.append(n, sample.n_rows - len(sample.x)) / sample.n_rows
    return rng.multinomial(sample.n_rows, p / p.sum(), size=n_boot)[:, :-1].astype(float)


def _from_cells(name: str, kind: str, cells: list[NDArray], counts: list[NDArray]) -> NDArray:
    """One measure for every row of cell counts."""
    n = [c.sum(axis=1) for c in counts]
    if name == "cramers_v":
        return _cramers_v(*counts)
    with np.errstate(divide="ignore", invalid="ignore"):
        if name == "cliffs_delta":
            wins = 2 * np.cumsum(counts[1], axis=1) - counts[1] - n[1][:, None]
            return np.einsum("ij,ij->i", counts[0], wins) / (n[0] * n[1])
        means = [drawn @ x / size for drawn, (_, x, _), size in zip(counts, cells, n)]
        variances = []
        for drawn, (_, _, squares), size, mean in zip(counts, cells, n, means):
            spread = np.maximum(drawn @ squares / size - mean**2, 0)
            variances.append(spread if kind == "share" else spread / (1 - 1 / size))
    return _ratio(means[0] - means[1], np.sqrt((variances[0] + variances[1]) / 2))


# Draws in which the groups are found anew ------------------------------------------------------


def _refit_intervals(again: RefitSample, kind: str, points: dict) -> dict[str, NDArray]:
    """95 % interval of each measure, from the same cells for both groups."""
    everybody, refits = Sample.of(again.x), again.refits
    edges = _edges(everybody, everybody)
    cells = _cells(everybody, edges, everybody.mean)
    known = np.flatnonzero(~np.isnan(again.x))
    at = np.maximum(np.searchsorted(edges, again.x[known], "right") - 1, 0)
    one_hot = csr_array((np.ones(len(at)), (known, at)), (len(again.x), len(edges)))
    drawn = (refits.member @ one_hot).toarray().reshape(-1, len(refits.segments), len(edges))
    counts = [drawn[:, group].sum(axis=1) for group in again.groups]
    ends = {}
    for name, estimate in points.items():
        if name == "cramers_v_corrected":
            # Chance makes V larger in the customers as they are, and again in a draw of them.
            n, levels = sum(c.sum(axis=1) for c in counts), (sum(counts) > 0).sum(axis=1)
            times = np.where(np.arange(len(drawn)) > 0, 2, 1)
            chance = times * (levels - 1) / np.maximum(n - 1, 1)
            measured = np.sqrt(np.maximum(_cramers_v(*counts) ** 2 - chance, 0))
        else:
            measured = _from_cells(name, kind, [cells] * 2, counts)
        limits = (-np.inf, np.inf) if name == "smd" else (-1 if kind != "category" else 0, 1)
        ends[name] = np.clip(refits.interval(measured, estimate), *limits)
    return ends
