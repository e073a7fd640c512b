"""Clusters of a smallest size: the cheapest labels, a rule that gives them, and their price."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import parametrize_with_checks

from kequn_lab.segments.kmeans import KMeansSearch
from kequn_lab.segments.pipeline import fit_segments
from kequn_lab.segments.seeded import GivenKMeans, SeededKMeans
from kequn_lab.segments.transport import assign


@parametrize_with_checks(
    [KMeansSearch(n_clusters=3, n_starts=4, n_swaps=4, min_size=2, random_state=0)],
    expected_failed_checks=lambda estimator: {
        "check_fit2d_1sample": "1 row cannot be 3 clusters of 2 rows, and the error says so",
    },
)
def test_scikit_learn_conventions(estimator, check):
    check(estimator)


def uneven(n_rows=600, n_features=4, seed=0):
    """Hills of very different sizes."""
    rng = np.random.default_rng(seed)
    tops = rng.normal(0, 2, (6, n_features))
    at = rng.choice(6, n_rows, p=[0.5, 0.3, 0.1, 0.05, 0.03, 0.02])
    return tops[at] + rng.normal(0, 1, (n_rows, n_features))


def by_linear_programming(cost, least):
    """The least cost, of all labels in parts, too."""
    n, k = cost.shape
    once = np.kron(np.eye(n), np.ones(k))
    size = np.tile(np.eye(k), n)
    return linprog(
        cost.ravel(), A_ub=-size, b_ub=-np.full(k, least), A_eq=once, b_eq=np.ones(n)
    ).fun


@st.composite
def tables(draw):
    rng = np.random.default_rng(draw(st.integers(0, 100_000)))
    k = draw(st.integers(2, 6))
    n = draw(st.integers(2 * k, 60))
    X, centres = rng.normal(size=(n, 3)), rng.normal(size=(k, 3)) * draw(st.sampled_from([0.1, 2]))
    if draw(st.booleans()):  # ties
        X = X.round()
        centres[1] = centres[0]
    cost = ((X[:, None] - centres) ** 2).sum(axis=2)
    return cost, draw(st.integers(1, n // k))


@given(tables())
@settings(max_examples=60, deadline=None)
def test_labels_cost_as_little_as_linear_programming_finds(table):
    cost, least = table
    labels, prices = assign(cost, least)
    assert np.bincount(labels, minlength=cost.shape[1]).min() >= least
    spent = cost[np.arange(len(cost)), labels].sum()
    assert spent == pytest.approx(by_linear_programming(cost, least), rel=1e-9, abs=1e-9)
    assert (prices >= 0).all()  # and the prices prove it
    dual = (cost - prices).min(axis=1).sum() + least * prices.sum()
    assert dual == pytest.approx(spent, rel=1e-9, abs=1e-9)


def test_few_rows_are_looked_at_and_the_labels_are_still_the_best(monkeypatch):
    X = uneven(5_000)
    cost = ((X[:, None] - X[:6]) ** 2).sum(axis=2)
    full = assign(cost, 700)
    monkeypatch.setattr("kequn_lab.segments.transport.CANDIDATES", 2)
    monkeypatch.setattr("kequn_lab.segments.transport.SWEEPS", 1)
    few = assign(cost, 700)
    np.testing.assert_array_equal(few[0], full[0])


@pytest.mark.parametrize("n_points", [2_000, 300])
@pytest.mark.parametrize("least", [60, 100])
def test_every_cluster_has_its_size_by_a_rule_that_is_predict(least, n_points):
    X = uneven()
    free = KMeansSearch(6, n_points=n_points, random_state=0).fit(X)
    model = clone(free).set_params(min_size=least).fit(X)
    assert np.bincount(free.labels_).min() < least <= np.bincount(model.labels_).min()
    np.testing.assert_array_equal(model.predict(X), model.labels_)
    gap = ((X[:, None] - model.cluster_centers_) ** 2).sum(axis=2)
    np.testing.assert_array_equal((gap + model.offsets_).argmin(axis=1), model.labels_)
    assert model.offsets_.min() == 0 and model.offsets_.max() > 0
    above = np.bincount(model.labels_) > least
    assert (model.offsets_[above] == model.offsets_.max()).all()  # nothing moves their borders
    means = [X[model.labels_ == j].mean(axis=0) for j in range(6)]
    np.testing.assert_allclose(model.cluster_centers_, means, atol=1e-6)
    spent = gap[np.arange(len(X)), model.labels_].sum()
    assert model.inertia_ == pytest.approx(spent) and spent > free.inertia_
    if n_points > len(X):  # nothing moves any more: these labels are the cheapest
        assert spent == pytest.approx(gap[np.arange(len(X)), assign(gap, least)[0]].sum())
    assert model.free_inertia_ == free.inertia_
    assert {*map(tuple, model.free_centers_)} == {*map(tuple, free.cluster_centers_)}


def test_labels_keep_a_distance_from_the_borders():
    """A label must not depend on the last digit of a distance: SQL counts in another order."""
    X = uneven()
    model = KMeansSearch(6, min_size=100, random_state=0).fit(X)
    score = ((X[:, None] - model.cluster_centers_) ** 2).sum(axis=2) + model.offsets_
    first, second = np.sort(score, axis=1)[:, :2].T
    assert (second - first).min() > 1e-6 * score.max()


def test_a_size_that_all_clusters_have_changes_nothing():
    X = uneven()
    free = KMeansSearch(3, random_state=0).fit(X)
    small = KMeansSearch(3, random_state=0, min_size=5).fit(X)
    np.testing.assert_array_equal(small.cluster_centers_, free.cluster_centers_)
    np.testing.assert_array_equal(small.labels_, free.labels_)
    assert not small.offsets_.any() and not free.offsets_.any()
    assert small.free_inertia_ == small.inertia_


def test_all_clusters_of_one_size():
    X = uneven(120)
    model = KMeansSearch(4, min_size=30, random_state=0).fit(X)
    assert np.bincount(model.labels_).tolist() == [30] * 4


def test_the_start_at_given_levels_keeps_its_order():
    X = uneven()
    free = SeededKMeans(X[:5]).fit(X)
    model = SeededKMeans(X[:5], min_size=90).fit(X)
    assert np.bincount(free.labels_, minlength=5).min() < 90 <= np.bincount(model.labels_).min()
    np.testing.assert_array_equal(model.predict(X), model.labels_)
    pulled = SeededKMeans(X[:5], pull=0.5, min_size=90).fit(X)
    assert np.bincount(pulled.labels_).min() >= 90
    near = [np.linalg.norm(m.means_ - X[:5]) for m in (pulled, model)]
    assert np.linalg.norm(pulled.cluster_centers_ - X[:5]) < near[0] and near[0] > 0


def test_the_same_with_any_number_of_workers():
    X = uneven()
    one, two = (KMeansSearch(6, min_size=80, random_state=3, n_jobs=n).fit(X) for n in (1, 2))
    np.testing.assert_array_equal(one.cluster_centers_, two.cluster_centers_)
    np.testing.assert_array_equal(one.offsets_, two.offsets_)


def test_equal_rows_go_together():
    X = np.repeat([[0.0], [1.0], [1.2], [9.0]], [50, 3, 4, 20], axis=0)
    model = KMeansSearch(3, min_size=7, random_state=0).fit(X)
    assert sorted(np.bincount(model.labels_)) == [7, 20, 50]
    with (
        pytest.warns(ConvergenceWarning, match="min_size=25 was asked for, the smallest cluster"),
        warnings.catch_warnings(),
    ):
        warnings.filterwarnings("ignore", "3 clusters were asked for")
        KMeansSearch(3, min_size=25, random_state=0).fit(X)
    yes_no = np.random.default_rng(0).random((800, 7)) < [0.1, 0.2, 0.3, 0.5, 0.8, 0.9, 0.9]
    yes_no = yes_no.astype(float)  # at most 128 kinds of rows
    model = KMeansSearch(6, min_size=125, random_state=0).fit(yes_no)
    assert np.bincount(model.labels_).min() >= 125
    np.testing.assert_array_equal(model.predict(yes_no), model.labels_)


def test_weights_count_as_rows():
    X, rng = uneven(), np.random.default_rng(0)
    weight = rng.integers(1, 4, len(X)).astype(float)
    model = KMeansSearch(5, min_size=180, random_state=0).fit(X, sample_weight=weight)
    assert np.bincount(model.labels_, weight).min() >= 180
    np.testing.assert_array_equal(model.predict(X), model.labels_)


@pytest.mark.parametrize(
    "least, message",
    [
        (0, "min_size must be a whole number from 1"),
        (2.5, "min_size must be a whole number"),
        (True, "min_size must be a whole number"),
        (101, "6 clusters of at least 101 rows need 606, there are 600"),
    ],
)
def test_a_size_that_cannot_be(least, message):
    with pytest.raises(ValueError, match=message):
        KMeansSearch(6, min_size=least).fit(uneven())
    with pytest.raises(ValueError, match=message):
        SeededKMeans(uneven()[:6], min_size=least).fit(uneven())


def test_the_pipeline_says_it_of_customers():
    table = pd.DataFrame(uneven(200)).rename(columns=str)
    with pytest.raises(ValueError, match="4 clusters of at least 60 customers need 240 customers"):
        fit_segments(table, n_clusters=4, min_size=60)
    with pytest.raises(ValueError, match=r"the smallest size \(--min-size\) is 0"):
        fit_segments(table, n_clusters=4, min_size=0)
    table["side"] = np.arange(200) % 2
    with pytest.raises(ValueError, match="does not go with groups"):
        fit_segments(table, n_clusters=2, min_size=20, by="side")
    few = pd.DataFrame({"a": np.repeat([0.0, 1, 2], [90, 5, 5])})
    with pytest.raises(ValueError, match="rows that are equal go together"):
        fit_segments(few, n_clusters=3, min_size=20)


def test_centres_found_elsewhere_have_no_offsets():
    """The table of stability reads the offsets of whatever k-means there is."""
    kmeans = GivenKMeans([[1.0], [-1.0]]).fit([[-0.9], [0.8]])
    assert kmeans.offsets_.tolist() == [0.0, 0.0]
