"""Segments that come back: R's distributions, labels of any kind, what is counted."""

import flexclust
import numpy as np
import pandas as pd
import pytest
from scipy.stats import ks_2samp

from kequn_lab._statistics import corrected_jaccard, jaccard
from kequn_lab.segments import KMeansSearch, SeededKMeans
from kequn_lab.segments.summaries import nearest
from kequn_lab.validation import bootstrap, segment_stability, segmentwise

QUIET = {"random_state": 0, "progress": False}


@pytest.fixture(scope="module")
def hills():
    """Two hills; the upper one is cut in two by its labels."""
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(0, 1, (100, 2)), rng.normal(9, 1, (200, 2))])
    return X, np.array(["left"] * 100 + ["right"] * 100 + ["rest"] * 100)


@pytest.mark.parametrize("name, k", [("iris", 3), ("mcdonalds", 4)])
def test_slsw_is_distributed_as_in_r(reference, reference_data, monkeypatch, name, k):
    """Three random starts by sum of distances, as flexclust seems to run; ten score higher."""
    folder = reference(name)
    labels = pd.read_csv(folder / f"k{k}_partition.csv")["cluster"]
    expected = pd.read_csv(folder / f"slsw_k{k}_values.csv")
    monkeypatch.setattr(segmentwise, "searches", flexclust.searches)
    monkeypatch.setattr(segmentwise, "to_the_end", flexclust.no_end)
    found = segment_stability(reference_data(name), labels=labels, n_starts=3, **QUIET)
    for segment, ours in found.groupby("segment_id")["slsw"]:
        assert ks_2samp(ours, expected[f"seg{segment}"]).pvalue > 0.01, segment


def test_slsw_recomputed_plainly(hills, monkeypatch):
    X, labels = hills
    monkeypatch.setattr(segmentwise, "to_the_end", flexclust.no_end)
    found = segment_stability(X, labels=labels, n_boot=1, **QUIET)
    base = bootstrap.ground(X, method="auto", n_points=5_000, random_state=0, by_row=True)
    rng = base.rng(3, 0, 3)
    both = []
    for side in (0, 1):
        draw = base.draw(0, side)
        assert draw.weights.sum() == len(X)
        ((centres, _),) = bootstrap.searches(base, draw, 3, 1, rng, n_starts=10)
        table = pd.crosstab(labels, nearest(X - X.mean(axis=0), centres))
        both.append(jaccard(table).max(axis=1))
    np.testing.assert_allclose(found["slsw"], (both[0] + both[1]) / 2)
    np.testing.assert_allclose(found["jaccard_2"], both[1])


def test_a_large_segment_is_no_more_stable_than_chance_where_nothing_is():
    """Unrelated labels of 90 %: 0.82 plain, and 0 once their size is taken out."""
    rng = np.random.default_rng(0)
    one, two = rng.random((2, 20_000)) < 0.9
    both = pd.crosstab(one, two).to_numpy()
    assert jaccard(both)[1, 1] == pytest.approx(0.81 / 0.99, abs=0.01)
    assert abs(corrected_jaccard(both)).max() < 0.02
    same = np.diag([900, 100])
    np.testing.assert_allclose(corrected_jaccard(same).diagonal(), 1)
    a, b, n = 900, 500, 1000  # by hand: 460 in both
    expected = (a * b / n) / (a + b - a * b / n)
    plain = 460 / (a + b - 460)
    found = corrected_jaccard([[460, 440], [40, 60]])[0, 0]
    assert found == pytest.approx((plain - expected) / (1 - expected))


def test_natural_segment_returns_and_constructed_ones_do_not(hills):
    X, labels = hills
    found = segment_stability(X, labels=labels, n_boot=20, **QUIET)
    medians = found.groupby("segment_id")["slsw"].median()
    assert medians["left"] > 0.9
    assert medians["rest"] < 0.75
    assert medians["right"] < 0.75
    assert len(found) == 3 * 20


def test_equal_rows_may_carry_different_labels():
    X = np.repeat([[0.0], [9.0]], 10, axis=0)
    labels = np.array([0] * 10 + [1, 1] * 4 + [0, 0])
    found = segment_stability(X, labels=labels, n_boot=3, **QUIET)
    values = found.groupby("segment_id")["slsw"].first()
    assert values[0] == pytest.approx(10 / 12)
    assert values[1] == pytest.approx(8 / 10)


def test_the_same_with_any_number_of_workers(hills):
    X, labels = hills
    run = {"labels": labels, "n_boot": 4, **QUIET}
    one, two = (segment_stability(X, n_jobs=n, **run) for n in (1, 2))
    pd.testing.assert_frame_equal(one, two)


def test_summary_gives_the_same_reading(hills):
    X, labels = hills
    run = {"labels": labels, "n_boot": 20, **QUIET}
    exact = segment_stability(X, **run).groupby("segment_id")["slsw"].median()
    summary = segment_stability(X, method="summary", n_points=100, **run)
    assert (summary.groupby("segment_id")["slsw"].median() - exact).abs().max() < 0.1


@pytest.mark.parametrize(
    "change, message",
    [
        ({"labels": [0, 1]}, "one entry for each of 4 rows"),
        ({"labels": [0, 0, 0, 0]}, "at least two segments"),
        ({"labels": [0, 1, np.nan, 1]}, "1 missing"),
        ({"labels": [0, 1, 2, 3]}, "more than the 3 distinct rows"),
        ({"n_boot": 0}, "n_boot"),
        ({"X": [[0.0], [np.nan], [1.0], [2.0]]}, "missing or infinite"),
    ],
)
def test_bad_input(change, message):
    good = {"X": [[0.0], [1.0], [2.0], [2.0]], "labels": [0, 0, 1, 1], "n_boot": 1}
    call = good | QUIET | change
    with pytest.raises(ValueError, match=message):
        segment_stability(call.pop("X"), **call)


@pytest.mark.parametrize("start", ["search", "levels"])
def test_segments_with_a_smallest_size_are_looked_for_with_it(start):
    rng = np.random.default_rng(5)
    X = rng.normal(size=(400, 2)) + 6.0 * np.eye(3)[:, :2][rng.choice(3, 400, p=[0.6, 0.05, 0.35])]
    levels = [[0.0, 0], [6, 0], [0, 6]]
    kmeans = KMeansSearch(3, n_starts=5, min_size=100, random_state=0)
    kmeans = (kmeans if start == "search" else SeededKMeans(levels, min_size=100)).fit(X)
    run = {"labels": kmeans.labels_, "n_boot": 10, **QUIET}
    run["start"] = kmeans if start == "levels" else None
    with_it = segment_stability(X, min_share=0.25, **run).groupby("segment_id")["slsw"].median()
    without = segment_stability(X, **run).groupby("segment_id")["slsw"].median()
    assert with_it.min() > 0.8 and without.min() < 0.5
