"""effects: each measure against hand computation, scipy or statsmodels; its bootstrap plainly."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from kequn_lab.compare import effects
from kequn_lab.compare.effects import Sample

RNG = np.random.default_rng(6)
A, B = RNG.lognormal(0, 1, 240), RNG.lognormal(0.3, 1.2, 170)
COUNTS_A, COUNTS_B = RNG.poisson(3, 150).astype(float), RNG.poisson(4, 90).astype(float)


def measure(a, b, kind="number", *, n_boot=0, seed=0):
    rng = np.random.default_rng(seed)
    return effects.effect_sizes(a, b, kind, n_boot=n_boot, rng=rng)


def test_the_standardised_difference_is_the_formula():
    plain = (A.mean() - B.mean()) / np.sqrt((A.var(ddof=1) + B.var(ddof=1)) / 2)
    assert effects.standardised_difference(Sample.of(A), Sample.of(B)) == pytest.approx(
        plain, 1e-12
    )


@pytest.mark.parametrize(("a", "b"), [(A, B), (COUNTS_A, COUNTS_B)])
def test_cliffs_delta_and_its_p_are_those_of_mann_whitney(a, b):
    test = stats.mannwhitneyu(a, b, method="asymptotic")
    got = measure(Sample.of(a), Sample.of(b), "skewed")
    assert got["cliffs_delta"] == pytest.approx(2 * test.statistic / len(a) / len(b) - 1, abs=1e-12)
    assert got["p_value"] == pytest.approx(test.pvalue, rel=1e-9)


def test_the_welch_p_is_scipys():
    plain = stats.ttest_ind(A, B, equal_var=False).pvalue
    assert measure(Sample.of(A), Sample.of(B))["p_value"] == pytest.approx(plain, rel=1e-9)


def test_cramers_v_and_its_p_are_scipys():
    table = [np.bincount(c.astype(int), minlength=12) for c in (COUNTS_A, COUNTS_B)]
    table = np.array(table)[:, np.sum(table, 0) > 0]
    got = measure(Sample.of(COUNTS_A), Sample.of(COUNTS_B), "category")
    association = stats.contingency.association(table, method="cramer")
    assert got["cramers_v"] == pytest.approx(association, rel=1e-9)
    assert got["p_value"] == pytest.approx(stats.chi2_contingency(table).pvalue, rel=1e-9)


def test_a_share_has_the_variance_of_a_share_and_the_z_test_of_two_proportions():
    a, b = np.repeat([1.0, 0], [30, 70]), np.repeat([1.0, 0], [90, 60])
    got = measure(Sample.of(a), Sample.of(b), "share")
    assert got["smd"] == pytest.approx((0.3 - 0.6) / np.sqrt((0.21 + 0.24) / 2), rel=1e-12)
    proportion = pytest.importorskip("statsmodels.stats.proportion")
    z = proportion.proportions_ztest([30, 90], [100, 150])[1]
    assert got["p_value"] == pytest.approx(z, rel=1e-9)


def test_the_common_scale_is_that_of_two_normals():
    # Two normals one standard deviation apart: delta = 2 * Phi(1 / sqrt(2)) - 1.
    delta = 2 * stats.norm.cdf(1 / np.sqrt(2)) - 1
    assert effects._as_difference(delta, "cliffs_delta", 1e6, 1e6) == pytest.approx(1, rel=1e-6)
    # For a category, the Mahalanobis distance between the two lists of shares.
    p_a, p_b = np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.3, 0.5])
    a, b = np.repeat([0.0, 1, 2], (p_a * 100).astype(int)), np.repeat([0.0, 1, 2], [20, 30, 50])
    within = sum((np.diag(p) - np.outer(p, p))[:2, :2] for p in (p_a, p_b)) / 2
    gap = (p_a - p_b)[:2]
    plain = np.sqrt(gap @ np.linalg.solve(within, gap))
    v = effects.cramers_v(Sample.of(a), Sample.of(b))
    assert effects._as_difference(v, "cramers_v", 100, 100) == pytest.approx(plain, rel=1e-9)


@pytest.mark.parametrize(("kind", "name"), [("number", "smd"), ("skewed", "cliffs_delta")])
def test_intervals_are_those_of_the_plain_loop(kind, name):
    rng = np.random.default_rng(1)
    a, b = rng.lognormal(0, 1, 1500), rng.lognormal(0.2, 1.2, 1100)
    loop = []
    for _ in range(1500):
        drawn = Sample.of(rng.choice(a, len(a))), Sample.of(rng.choice(b, len(b)))
        function = effects.cliffs_delta if kind == "skewed" else effects.standardised_difference
        loop.append(function(*drawn))
    got = measure(Sample.of(a), Sample.of(b), kind, n_boot=1500)
    low, high = np.quantile(loop, [0.025, 0.975])
    # Both are random: a quantile of 1,500 draws has a standard error of about 4 % of the width.
    tolerance = 0.15 * (high - low)
    assert got[f"{name}_low"] == pytest.approx(low, abs=tolerance)
    assert got[f"{name}_high"] == pytest.approx(high, abs=tolerance)
    assert low < got[name] < high


def test_cells_are_exact_where_values_are_few():
    a, b = Sample.of(COUNTS_A), Sample.of(COUNTS_B)
    edges = effects._edges(a, b)
    assert set(edges) == set(COUNTS_A) | set(COUNTS_B)
    cells = [effects._cells(s, edges, 3.0) for s in (a, b)]
    counts = [c[0][None, :] for c in cells]
    for name in ("smd", "cliffs_delta", "cramers_v"):
        function = {"smd": effects.standardised_difference}.get(name) or getattr(effects, name)
        got = effects._from_cells(name, "number", cells, counts)[0]
        assert got == pytest.approx(function(a, b), rel=1e-9)


def test_missing_values_are_redrawn_too():
    # 5 of 10 known: a draw knows between 0 and 10 of them, so intervals are wider.
    a = np.array([1.0, 2, 3, 4, 5] + [np.nan] * 5)
    got = measure(Sample.of(a), Sample.of(A[:50]), n_boot=400)
    assert (got["n_a"], got["missing_a_share"]) == (5, 0.5)
    known = measure(Sample.of(a[:5]), Sample.of(A[:50]), n_boot=400)
    assert got["smd"] == known["smd"]
    assert got["smd_high"] - got["smd_low"] > known["smd_high"] - known["smd_low"]


def test_without_spread():
    same = measure(Sample.of([2.0, 2]), Sample.of([2.0, 2]), n_boot=50)
    assert (same["smd"], same["effect"], same["p_value"]) == (0, 0, 1)
    apart = measure(Sample.of([2.0, 2]), Sample.of([1.0, 1]), n_boot=50)
    assert (apart["measure"], apart["cliffs_delta"]) == ("cliffs_delta", 1)
    assert 1 < apart["effect"] < 10
    assert np.isnan(apart["p_value"])
    empty = measure(Sample.of([np.nan]), Sample.of([1.0, 2]), n_boot=50)
    assert np.isnan(empty["effect"]) and np.isnan(empty["p_value"])


values = st.lists(st.integers(-20, 20).map(float), min_size=2, max_size=30)


@settings(max_examples=60, deadline=None)
@given(values, values, st.sampled_from(["number", "skewed", "category"]))
def test_swapping_the_groups_flips_every_sign(a, b, kind):
    one = measure(Sample.of(a), Sample.of(b), kind)
    other = measure(Sample.of(b), Sample.of(a), kind)
    for name in ("smd", "cliffs_delta"):
        assert other[name] == pytest.approx(-one[name], abs=1e-12, nan_ok=True)
    sign = 1 if kind == "category" else -1
    assert other["effect"] == pytest.approx(sign * one["effect"], abs=1e-9, nan_ok=True)
    assert other["p_value"] == pytest.approx(one["p_value"], abs=1e-12, nan_ok=True)


@settings(max_examples=60, deadline=None)
@given(values, values)
def test_bounds(a, b):
    got = measure(Sample.of(a), Sample.of(b), "skewed", n_boot=20)
    assert -1 <= got["cliffs_delta_low"] <= got["cliffs_delta_high"] <= 1
    v = measure(Sample.of(a), Sample.of(b), "category", n_boot=20)
    assert 0 <= v["cramers_v"] <= 1 + 1e-12


def test_corrected_v_is_the_formula_of_bergsma():
    rng = np.random.default_rng(3)
    a, b = rng.choice(4, 60, p=[0.4, 0.3, 0.2, 0.1]), rng.choice(4, 90)
    table = np.array([np.bincount(x, minlength=4) for x in (a, b)])
    n, rows, columns = table.sum(), 2, 4
    phi2 = stats.chi2_contingency(table, correction=False).statistic / n
    excess = max(0.0, phi2 - (rows - 1) * (columns - 1) / (n - 1))
    smaller = rows - (rows - 1) ** 2 / (n - 1)
    got = effects.cramers_v_corrected(Sample.of(a), Sample.of(b))
    assert got == pytest.approx(np.sqrt(excess / (smaller - 1)), rel=1e-9)


@pytest.mark.parametrize(("levels", "slope"), [(2, 0.0), (5, 0.0), (60, 0.0), (2, 0.8), (5, 0.8)])
def test_the_interval_of_v_covers_also_where_there_is_nothing(levels, slope):
    """A percentile bootstrap covers 0 in none of these; 300 draws of a true 0.95: 0.91 or more."""
    shares = np.exp(np.outer([0.0, slope], np.linspace(-1, 1, levels)))
    shares /= shares.sum(axis=1, keepdims=True)
    truth = np.sqrt(0.25 * ((shares[0] - shares[1]) ** 2 / shares.mean(axis=0)).sum())
    rng = np.random.default_rng(levels)
    covered, plain, corrected = [], [], []
    for _ in range(300):
        a, b = (Sample.of(rng.choice(levels, 150, p=p)) for p in shares)
        low, high = effects._v_interval(a, b)
        covered.append(low - 1e-12 <= truth <= high)
        plain.append(effects.cramers_v(a, b))
        corrected.append(effects.cramers_v_corrected(a, b))
    assert np.mean(covered) >= 0.91
    assert abs(np.mean(corrected) - truth) < abs(np.mean(plain) - truth) + 0.02
    if not slope:
        assert np.mean(corrected) < np.mean(plain) / 2


def test_a_noise_column_of_many_levels_does_not_come_first():
    rng = np.random.default_rng(4)
    a, b = Sample.of(rng.choice(60, 150)), Sample.of(rng.choice(60, 150))
    noise = measure(a, b, "category", n_boot=50)
    shift = measure(Sample.of(rng.normal(0.5, 1, 150)), Sample.of(rng.normal(0, 1, 150)))
    assert noise["cramers_v"] > 0.35 and noise["effect_low"] == 0
    assert noise["effect"] < shift["effect"]
