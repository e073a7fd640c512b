"""Few weighted points that represent many rows: what is kept, what is lost."""

import numpy as np
import pandas as pd
import pytest

from kequn_lab.segments import KMeansSearch
from kequn_lab.segments.pipeline import segment_pipeline
from kequn_lab.segments.summaries import as_numbers, nearest, summarise


def test_equal_rows_are_one_point_without_loss():
    X = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, -0.0], [-0.0, 0.0]])
    summary = summarise(X)
    assert summary.exact
    assert summary.points.tolist() == [[0, 0], [0, 1], [1, 0]]
    assert summary.weights.tolist() == [2, 1, 2]
    np.testing.assert_array_equal(summary.points[summary.member], X)


def test_binary_rows_are_exact_however_many():
    X = np.random.default_rng(0).integers(0, 2, (30_000, 6)).astype(float)
    summary = summarise(X, n_points=100)
    assert summary.exact
    assert len(summary.points) == 64
    assert summary.weights.sum() == len(X)


def test_micro_clusters_keep_mean_and_total_sum_of_squares():
    X = np.random.default_rng(0).lognormal(size=(4_000, 3))
    weight = np.random.default_rng(1).integers(0, 3, len(X)).astype(float)
    summary = summarise(X, n_points=200, sample_weight=weight, random_state=0)
    assert not summary.exact
    assert 150 <= len(summary.points) <= 230
    assert summary.weights.sum() == weight.sum()
    mean = np.average(X, axis=0, weights=weight)
    np.testing.assert_allclose(np.average(summary.points, axis=0, weights=summary.weights), mean)
    kept = summary.weights @ (summary.points**2).sum(axis=1)
    assert kept + summary.lost_inertia == pytest.approx(weight @ (X**2).sum(axis=1))


def test_reweighted_shares_the_points():
    summary = summarise(np.arange(6.0).reshape(3, 2))
    other = summary.reweighted(np.array([1.0, 0.0, 5.0]))
    assert other.lifted is summary.lifted
    assert other.weighted[:, -1].tolist() == [1, 0, 5]
    assert summary.weights.tolist() == [1, 1, 1]


def test_nearest_equals_plain_distances():
    rng = np.random.default_rng(0)
    X, centres = rng.normal(50, 1, (40_000, 3)), rng.normal(50, 1, (7, 3))
    plain = ((X[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)
    np.testing.assert_array_equal(nearest(X, centres), plain)


@pytest.mark.parametrize("dtype", [float, np.float32])
def test_nearest_adds_the_offsets(dtype):
    rng = np.random.default_rng(0)
    X, centres = rng.normal(size=(9_000, 3)).astype(dtype), rng.normal(size=(5, 3)).astype(dtype)
    offsets = np.array([0, 0.5, 1, 0.25, 3], dtype)
    plain = ((X[:, None].astype(float) - centres) ** 2).sum(axis=2) + offsets
    np.testing.assert_array_equal(nearest(X, centres, offsets=offsets), plain.argmin(axis=1))
    tie = nearest(np.array([[0.0]]), np.array([[2.0], [1.0]]), offsets=np.array([0.0, 3.0]))
    assert tie.tolist() == [0]  # 4 + 0 and 1 + 3


def test_tie_goes_to_the_first_centre():
    assert nearest(np.array([[2.0]]), np.array([[0.0], [4.0]])).tolist() == [0]


@pytest.mark.parametrize(
    "X, message",
    [
        ([1.0, 2.0], "must be a table"),
        (np.empty((0, 2)), "must be a table"),
        ([[1.0, np.nan], [1.0, 2.0]], r"missing or infinite values in columns \[.*1.*\]"),
        ([[np.inf], [1.0]], "missing or infinite"),
    ],
)
def test_bad_input(X, message):
    with pytest.raises(ValueError, match=message):
        as_numbers(X)


def test_centres_closer_than_rounding_are_told_by_distance():
    centres = np.array([[-0.301511345804779], [-0.30151133905619437], [3.3166247903554]])
    X = np.repeat(centres, 3, axis=0) + 1e-10
    assert nearest(X, centres).tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]


def test_far_rows_stay_points_of_their_own():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(5_000, 3))
    X[:10] = rng.uniform(30, 60, (10, 3))
    alone = {0.0: 0, 0.5: 0}
    for share in alone:
        for seed in range(5):
            summary = summarise(X, n_points=200, far_share=share, random_state=seed)
            alone[share] += int((summary.weights[summary.member[:10]] == 1).sum())
    assert alone[0.5] > 45 > 25 > alone[0.0]


def test_no_summary_loses_weight_or_squares_however_it_is_drawn():
    X = np.random.default_rng(0).standard_t(2, (4_000, 3))
    summary = summarise(X, n_points=200, far_share=0.5, random_state=0)
    assert 150 <= len(summary.points) <= 230
    assert summary.weights.sum() == len(X)
    kept = summary.weights @ (summary.points**2).sum(axis=1)
    assert kept + summary.lost_inertia == pytest.approx((X**2).sum())


def test_points_of_several_levels_cost_no_inertia_and_no_label():
    """The summary averages rows of different levels; labels are decided on rows."""
    rng = np.random.default_rng(0)
    n, k = 5_000, 5
    truth = rng.integers(k, size=n)
    table = pd.DataFrame(rng.normal(size=(n, 2)) + 2.5 * rng.normal(size=(k, 2))[truth]).add_prefix(
        "x"
    )
    for i, n_levels in enumerate((4, 6, 8)):
        own = rng.random(n) < (0.6, 0.4, 0.0)[i]
        level = np.where(own, truth % n_levels, rng.integers(n_levels, size=n))
        table[f"c{i}"] = [f"level {v}" for v in level]
    categories = dict.fromkeys(("c0", "c1", "c2"), ())
    pipeline = segment_pipeline(table, n_clusters=k, categories=categories, random_state=0)
    pipeline.fit(table)
    found, model = pipeline["kmeans"], pipeline[:-1].transform(table)
    points = summarise(model, n_points=found.n_points, random_state=0)
    levels = pd.util.hash_pandas_object(table[list(categories)], index=False)
    assert levels.groupby(points.member).nunique().gt(1).mean() > 0.05  # there are such points
    on_rows = KMeansSearch(k, n_points=n, n_starts=10, n_swaps=10, random_state=1).fit(model)
    assert found.inertia_ <= on_rows.inertia_ * (1 + 1e-4)
    np.testing.assert_array_equal(pipeline.predict(table), found.labels_)
    for row in range(0, n, 200):
        assert pipeline.predict(table.iloc[[row]])[0] == found.labels_[row]
