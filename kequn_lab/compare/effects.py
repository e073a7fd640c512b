"""How large is a difference: standardised difference, Cliff's delta, Cramér's V, their bootstrap.

A bootstrap of a group is a bootstrap of its histogram: to resample n customers is to draw the
counts of the cells from one multinomial. Where a variable has few values that is exact; else the
cells are quantiles of both groups, and the largest and smallest values stand alone, so that heavy
tails keep their say. Cost depends on cells and draws, not on customers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

__all__ = ["Sample", "cliffs_delta", "cramers_v", "measure", "standardised_difference"]

#: Cells per group: this many quantiles, and this many single values at each end.
QUANTILES, TAIL = 128, 48
#: Cells by size of weight, when customers are weighted.
WEIGHT_STRATA = 8


@dataclass(frozen=True)
class Sample:
    """One variable in one group: the known values in rising order, and their weights.

    Attributes
    ----------
    x : ndarray, shape (n,)
        Sorted, without missing values.
    w : ndarray, shape (n,), or None
        Sampling weights > 0; None when all are equal.
    n_rows : int
        Customers in the group, with and without a value.
    """

    x: np.ndarray
    w: np.ndarray | None
    n_rows: int

    @classmethod
    def of(cls, values, *, weights=None, rows=slice(None)) -> Sample:
        """Take some rows of an array with NaN for missing, drop the missing ones, sort."""
        x = np.asarray(values, float)[rows]
        valid = ~np.isnan(x)
        if weights is None:
            return cls(np.sort(x[valid]), None, len(x))
        w = np.asarray(weights, float)[rows]
        valid &= w > 0
        order = np.argsort(x[valid], kind="stable")
        return cls(x[valid][order], w[valid][order], len(x))

    @property
    def weight(self) -> np.ndarray:
        return np.ones(len(self.x)) if self.w is None else self.w

    @property
    def n_effective(self) -> float:
        """Kish: the number of equally weighted customers that say as much."""
        if self.w is None:
            return float(len(self.x))
        return float(self.w.sum() ** 2 / (self.w**2).sum()) if len(self.w) else 0.0

    @property
    def mean(self) -> float:
        return float(np.average(self.x, weights=self.w)) if len(self.x) else np.nan

    @property
    def median(self) -> float:
        """Halves the weight; midway between two values where it falls between them."""
        if not len(self.x):
            return np.nan
        passed = np.cumsum(self.weight)
        half = passed[-1] / 2 * np.array([1 - 1e-12, 1 + 1e-12])
        return float(self.x[np.searchsorted(passed, half)].mean())

    def variance(self) -> float:
        """Unbiased for sampling weights; divisor n − 1 when they are equal."""
        if self.n_effective <= 1:
            return np.nan
        w = self.weight / self.weight.sum()
        return float((w * (self.x - self.mean) ** 2).sum() / (1 - (w**2).sum()))


# Effects on full data --------------------------------------------------------------------------


def standardised_difference(a: Sample, b: Sample, *, share: bool = False) -> float:
    """(mean_a − mean_b) / √((var_a + var_b) / 2); p(1 − p) is the variance of a share.

    Examples
    --------
    >>> round(standardised_difference(Sample.of([3., 5]), Sample.of([1., 3])), 4)
    1.4142
    """
    variances = [s.mean * (1 - s.mean) if share else s.variance() for s in (a, b)]
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
    below = np.concatenate([[0.0], np.cumsum(b.weight)])
    left, right = np.searchsorted(b.x, a.x, "left"), np.searchsorted(b.x, a.x, "right")
    wins = below[left] - (below[-1] - below[right])
    return float((a.weight * wins).sum() / (a.weight.sum() * below[-1]))


def cramers_v(a: Sample, b: Sample) -> float:
    """Cramér's V of group × category, categories given as numbers; 0 (alike) to 1.

    Examples
    --------
    >>> cramers_v(Sample.of([0., 0, 1, 1]), Sample.of([2., 2, 3, 3]))
    1.0
    """
    levels = np.unique(np.concatenate([a.x, b.x]))
    counts = [np.bincount(np.searchsorted(levels, s.x), s.weight, len(levels)) for s in (a, b)]
    return float(_cramers_v(*counts))


def _ratio(difference, spread):
    """Difference over spread; no spread: 0 if there is no difference, else infinite."""
    difference, spread = np.asarray(difference, float), np.asarray(spread, float)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = difference / spread
    return np.where((spread == 0) & (difference == 0), 0.0, ratio)


def _cramers_v(counts_a, counts_b):
    """V of a 2 × L table given as weights per level, over the last axis.

    A table without a second level has nothing to tell apart: V = 0.
    """
    n_a, n_b = counts_a.sum(-1), counts_b.sum(-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        p_a, p_b = counts_a / n_a[..., None], counts_b / n_b[..., None]
        share_a = (n_a / (n_a + n_b))[..., None]
        both = share_a * p_a + (1 - share_a) * p_b
        terms = np.where(both > 0, share_a * (1 - share_a) * (p_a - p_b) ** 2 / both, 0.0)
    return np.sqrt(np.where((n_a > 0) & (n_b > 0), terms.sum(-1), np.nan))


def _as_difference(value, kind: str, n_a: float, n_b: float):
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


def measure(a: Sample, b: Sample, kind: str, *, n_boot: int, confidence: float, rng) -> dict:
    """Every measure that suits the kind of variable, with intervals, on two samples.

    Returns
    -------
    dict
        The columns of :func:`kequn_lab.compare.compare_groups` that belong to one variable.
        A group without any value gives missing effects.
    """
    number = kind != "category"
    out = {
        "n_a": len(a.x),
        "n_b": len(b.x),
        "missing_a_share": 1 - len(a.x) / a.n_rows,
        "missing_b_share": 1 - len(b.x) / b.n_rows,
    }
    for end, sample in (("a", a), ("b", b)):
        out[f"mean_{end}"] = sample.mean if number else np.nan
        out[f"median_{end}"] = sample.median if number else np.nan
    if number:
        points = {
            "smd": standardised_difference(a, b, share=kind == "share"),
            "cliffs_delta": cliffs_delta(a, b),
        }
    else:
        points = {"cramers_v": cramers_v(a, b) if len(a.x) and len(b.x) else np.nan}
    known = len(a.x) > 0 and len(b.x) > 0
    draws = _bootstrap(a, b, kind, points, n_boot, rng) if n_boot and known else {}
    tails = [(1 - confidence) / 2, (1 + confidence) / 2]
    for name in ("smd", "cliffs_delta", "cramers_v"):
        out[name] = points.get(name, np.nan)
        low_high = (np.nan, np.nan)
        if name in draws and np.isfinite(draws[name]).any():
            # A draw of one single value twice has no spread: it says nothing.
            low_high = np.quantile(draws[name][np.isfinite(draws[name])], tails)
        out[f"{name}_low"], out[f"{name}_high"] = map(float, low_high)
    main = {"category": "cramers_v", "skewed": "cliffs_delta"}.get(kind, "smd")
    if main == "smd" and not np.isfinite(out["smd"]):
        main = "cliffs_delta"  # no spread in either group, or one customer each
    out["measure"] = main
    for end in ("", "_low", "_high"):
        value = out[main + end]
        if main != "smd" and known:
            value = float(_as_difference(value, main, a.n_effective, b.n_effective))
        out["effect" + end] = value
    out["p_value"] = _p_value(a, b, kind, out) if known else np.nan
    return out


def _p_value(a: Sample, b: Sample, kind: str, found: dict) -> float:
    """Welch, Mann–Whitney (normal, tie and continuity corrected) or chi-square test."""
    n_a, n_b = a.n_effective, b.n_effective
    if kind in ("share", "category"):
        levels = np.unique(np.concatenate([a.x, b.x]))
        counts = [np.bincount(np.searchsorted(levels, s.x), s.weight, len(levels)) for s in (a, b)]
        if len(levels) < 2:
            return 1.0
        counts = [c * s.n_effective / c.sum() for c, s in zip(counts, (a, b), strict=True)]
        return float(stats.chi2.sf(_cramers_v(*counts) ** 2 * (n_a + n_b), len(levels) - 1))
    if kind == "number":
        v_a, v_b = a.variance() / n_a, b.variance() / n_b
        if not v_a + v_b > 0:
            return 1.0 if a.mean == b.mean and v_a + v_b == 0 else np.nan
        degrees = (v_a + v_b) ** 2 / (v_a**2 / (n_a - 1) + v_b**2 / (n_b - 1))
        return float(2 * stats.t.sf(abs(a.mean - b.mean) / np.sqrt(v_a + v_b), degrees))
    n = n_a + n_b
    _, codes = np.unique(np.concatenate([a.x, b.x]), return_inverse=True)
    scaled = [s.weight * s.n_effective / s.weight.sum() for s in (a, b)]
    ties = np.bincount(codes, np.concatenate(scaled))
    variance = n_a * n_b / 12 * (n + 1 - (ties**3 - ties).sum() / (n * (n - 1)))
    if not variance > 0:
        return 1.0
    z = (abs(found["cliffs_delta"]) * n_a * n_b / 2 - 0.5) / np.sqrt(variance)
    return float(min(1.0, 2 * stats.norm.sf(z)))


# Bootstrap of histograms -----------------------------------------------------------------------


def _bootstrap(a: Sample, b: Sample, kind: str, points: dict, n_boot: int, rng) -> dict:
    """Draws of each measure, shifted by what the cells alone lose (nothing when exact)."""
    edges = _edges(a, b)
    centre = (a.mean + b.mean) / 2
    sums = [_cell_sums(s, edges, centre) for s in (a, b)]
    measured = {}
    counts = [_draw_counts(s, cells, n_boot, rng) for s, cells in zip((a, b), sums, strict=True)]
    for name in points:
        drawn = _from_cells(name, kind, *sums, *counts)
        whole = _from_cells(name, kind, *sums, *(cells["n"][None, :] for cells in sums))[0]
        shift = points[name] - whole if np.isfinite(whole) and np.isfinite(points[name]) else 0.0
        limit = np.inf if name == "smd" else 1.0
        measured[name] = np.clip(drawn + shift, -limit if name != "cramers_v" else 0.0, limit)
    return measured


def _edges(a: Sample, b: Sample) -> np.ndarray:
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


def _cell_sums(sample: Sample, edges: np.ndarray, centre: float) -> dict[str, np.ndarray]:
    """Per cell: customers n, and sums of w, w², w·x, w·x² (x from ``centre``), cell by stratum."""
    cell = np.maximum(np.searchsorted(edges, sample.x, "right") - 1, 0)
    strata = 1
    if sample.w is not None:
        borders = np.unique(np.quantile(sample.w, np.linspace(0, 1, WEIGHT_STRATA + 1)[1:-1]))
        strata = len(borders) + 1
        cell = cell * strata + np.searchsorted(borders, sample.w, "right")
    x, w, size = sample.x - centre, sample.w, len(edges) * strata
    n = np.bincount(cell, minlength=size).astype(float)
    total = {"n": n, "edges": np.repeat(np.arange(len(edges)), strata)}
    total["w"] = n if w is None else np.bincount(cell, w, size)
    total["ww"] = n if w is None else np.bincount(cell, w * w, size)
    total["wx"] = np.bincount(cell, x if w is None else w * x, size)
    total["wxx"] = np.bincount(cell, x * x if w is None else w * x * x, size)
    used = n > 0
    return {name: values[used] for name, values in total.items()}


def _draw_counts(sample: Sample, cells: dict, n_boot: int, rng) -> np.ndarray:
    """Multinomial counts (n_boot, cells); a last cell, dropped here, holds the missing values."""
    missing = sample.n_rows - len(sample.x)
    p = np.append(cells["n"], missing) / sample.n_rows
    return rng.multinomial(sample.n_rows, p / p.sum(), size=n_boot)[:, :-1].astype(float)


def _from_cells(name: str, kind: str, cells_a, cells_b, counts_a, counts_b) -> np.ndarray:
    """One measure for every row of cell counts."""
    both = ((cells_a, counts_a), (cells_b, counts_b))
    if name == "smd":
        means, variances = [], []
        with np.errstate(divide="ignore", invalid="ignore"):
            for cells, counts in both:
                w, ww, wx, wxx = (
                    counts @ (cells[s] / cells["n"]) for s in ("w", "ww", "wx", "wxx")
                )
                mean, spread = wx / w, wxx / w - (wx / w) ** 2
                means.append(mean)
                unbiased = 1.0 if kind == "share" else 1 - ww / w**2
                variances.append(np.maximum(spread, 0) / unbiased)
        return _ratio(means[0] - means[1], np.sqrt((variances[0] + variances[1]) / 2))
    size = 1 + max(cells_a["edges"].max(), cells_b["edges"].max())
    weight_a, weight_b = (_per_edge(cells, counts, size) for cells, counts in both)
    if name == "cramers_v":
        return _cramers_v(weight_a, weight_b)
    total_a, total_b = weight_a.sum(1), weight_b.sum(1)
    wins = 2 * np.cumsum(weight_b, 1) - weight_b - total_b[:, None]
    with np.errstate(invalid="ignore"):
        return np.einsum("ij,ij->i", weight_a, wins) / (total_a * total_b)


def _per_edge(cells: dict, counts: np.ndarray, size: int) -> np.ndarray:
    """Weight per cell of x, the strata of weights added up."""
    weights = counts * (cells["w"] / cells["n"])
    starts = np.flatnonzero(np.diff(cells["edges"], prepend=-1))
    out = np.zeros((len(counts), size))
    out[:, cells["edges"][starts]] = np.add.reduceat(weights, starts, axis=1)
    return out
