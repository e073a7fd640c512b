"""Bootstrap pairs: right for fixed draws, like R's for random ones, the same on any machine."""

import json

import flexclust
import numpy as np
import pandas as pd
import pytest
from scipy.stats import ks_2samp
from threadpoolctl import threadpool_info, threadpool_limits

from kequn_lab._statistics import adjusted_rand
from kequn_lab.segments.summaries import summarise
from kequn_lab.validation import bootstrap, stability

QUIET = {"random_state": 0, "progress": False}


@pytest.fixture(scope="module")
def hills():
    """Three hills, of 60, 30 and 10 %."""
    rng = np.random.default_rng(0)
    which = rng.choice(3, 600, p=[0.6, 0.3, 0.1])
    return np.array([[0, 0], [6, 0], [0, 6]])[which] + rng.normal(0, 1, (600, 2))


def test_fixed_draws_equal_r(reference, reference_data):
    X = reference_data("iris").to_numpy()
    for draw in json.loads((reference("iris") / "boot28_first1_fixed.json").read_text()):
        for fit in draw:
            centres = np.array([fit["centers1"], fit["centers2"]])
            rows = summarise(X)
            table = bootstrap.cross_tables(rows, centres)(0, 1)
            assert adjusted_rand(table) == pytest.approx(fit["ARI"], abs=1e-9)


@pytest.mark.parametrize("name, ks", [("iris", [2, 3, 4, 7]), ("mcdonalds", [2, 3, 4])])
def test_random_draws_are_like_those_of_r(reference, reference_data, monkeypatch, name, ks):
    """R's optimiser: ten random starts, the one with the least sum of distances, no swaps."""
    expected = pd.read_csv(reference(name) / "boot28_ARI.csv")
    monkeypatch.setattr(stability, "searches", flexclust.searches)
    pairs = stability.global_stability(reference_data(name), ks=ks, n_swaps=0, **QUIET)
    for k in ks:
        ours, theirs = pairs.loc[pairs["k"] == k, "ari"], expected[str(k)]
        assert ks_2samp(ours, theirs).pvalue > 0.01, k
        if theirs.quantile(0.75) - theirs.quantile(0.25) < 0.25:  # else two humps: no one middle
            assert abs(ours.median() - theirs.median()) < 0.05, k


def test_unfinished_search_is_told_from_unstable_data(reference_data, monkeypatch):
    X = reference_data("mcdonalds")
    monkeypatch.setattr(stability, "searches", flexclust.searches)
    pairs = stability.global_stability(X, ks=[5], n_boot=40, n_starts=3, n_swaps=10, **QUIET)
    row = stability.stability_by_k(pairs).iloc[0]
    assert row["ari_median"] < 0.75  # what a package with few starts would report
    assert row["ari_search_median"] < 0.75
    assert row["ari_data_median"] > 0.9
    assert row["more_starts"]
    assert row["reading"] == "stable once searched to the end; more starts needed"


def test_no_reading_where_searches_disagree_and_the_end_made_no_swaps():
    """Many flat optima: two draws that share the few known ones would look alike."""
    X = np.random.default_rng(0).normal(size=(2_500, 6))
    run = {"ks": [7], "n_boot": 5, "n_starts": 2, **QUIET}
    pairs = stability.global_stability(X, **run)
    row = stability.stability_by_k(pairs).iloc[0]
    assert pairs.attrs["n_swaps"] == 0 and row["more_starts"]
    assert row["reading"] == "searches disagree; more starts needed"
    assert row["ari_used"] == row["ari_median"] < row["ari_data_median"]
    swapped = stability.stability_by_k(stability.global_stability(X, n_swaps=3, **run)).iloc[0]
    assert swapped["ari_used"] == swapped["ari_data_median"]
    assert "once searched to the end" in swapped["reading"]


def test_hills_are_found_again(hills):
    pairs = stability.global_stability(hills, ks=[2, 3, 5], n_boot=20, **QUIET)
    by_k = stability.stability_by_k(pairs).set_index("k")
    assert by_k.loc[3, "ari_data_median"] > 0.95
    assert by_k.loc[5, "ari_data_median"] < by_k.loc[3, "ari_data_median"] - 0.1
    assert by_k.loc[3, "reading"] == "stable"
    assert by_k.loc[3, "smallest_share"] == pytest.approx(0.1, abs=0.03)
    assert pairs.attrs["method"] == "exact"
    assert (pairs["excess_share"] >= 0).all()


def test_medians_by_k_are_plain_medians(hills):
    pairs = stability.global_stability(hills, ks=[2, 3], n_boot=5, **QUIET)
    by_k = stability.stability_by_k(pairs).set_index("k")
    three = pairs[pairs["k"] == 3]
    assert by_k.loc[3, "ari_median"] == three["ari"].median()
    assert by_k.loc[3, "ari_data_q25"] == three["ari_data"].quantile(0.25)
    assert by_k.loc[3, "instability_search"] == 1 - three["ari_search"].median()


@pytest.mark.parametrize("method", ["exact", "summary"])
def test_the_same_with_any_number_of_workers(hills, method):
    run = {"ks": [2, 3], "n_boot": 6, "method": method, "n_points": 100, **QUIET}
    one, two = (stability.global_stability(hills, n_jobs=n, **run) for n in (1, 2))
    pd.testing.assert_frame_equal(one, two)
    other = stability.global_stability(hills, **run | {"random_state": 1})
    assert not other.equals(one)


def test_draws_do_not_depend_on_the_ks_asked_for(hills):
    run = {"n_boot": 3, **QUIET}
    wide = stability.global_stability(hills, ks=[2, 3], **run)
    narrow = stability.global_stability(hills, ks=[3], **run)
    pd.testing.assert_frame_equal(wide[wide["k"] == 3].reset_index(drop=True), narrow)


@pytest.mark.parametrize("shape", ["equal", "unequal", "heavy"])
def test_summary_reads_like_the_exact_mode(shape):
    """Benchmarks hold the large comparison; here 3,000 rows and 500 points."""
    rng = np.random.default_rng(1)
    p = [0.25] * 4 if shape == "equal" else [0.55, 0.3, 0.1, 0.05]
    tops = rng.normal(0, 2, (4, 5))
    noise = rng.standard_t(3, (3_000, 5)) if shape == "heavy" else rng.normal(size=(3_000, 5))
    X = tops[rng.choice(4, 3_000, p=p)] + noise
    run = {"ks": [3, 4], "n_boot": 20, "n_starts": 3, **QUIET}
    exact = stability.global_stability(X, method="exact", **run)
    summary = stability.global_stability(X, method="summary", n_points=500, **run)
    assert summary.attrs["method"] == "summary"
    assert 0 < summary.attrs["lost_share"] < 0.5
    gap = summary.groupby("k")["ari_data"].median() - exact.groupby("k")["ari_data"].median()
    assert (gap.abs() < 0.1).all(), gap


def test_tiny_segments_are_kept_counted_and_reported():
    X = np.concatenate([np.random.default_rng(0).normal(size=(60, 2)), [[80.0, 80.0]]])
    pairs = stability.global_stability(X, ks=[2], n_boot=20, **QUIET)
    assert len(pairs) == 20
    assert pairs["tiny_segments"].max() >= 1  # the outlier alone, when a draw holds it
    assert pairs["ari"].notna().all()
    by_k = stability.stability_by_k(pairs)
    assert by_k.loc[0, "tiny_segments"] == (pairs["tiny_segments"] > 0).sum()


def test_a_constant_column_changes_nothing(hills):
    run = {"ks": [3], "n_boot": 3, **QUIET}
    plain = stability.global_stability(hills, **run)
    wide = stability.global_stability(np.column_stack([hills, np.ones(len(hills))]), **run)
    np.testing.assert_allclose(wide["ari"], plain["ari"])


def test_input_is_not_changed(hills):
    before = hills.copy()
    stability.global_stability(hills, ks=[2], n_boot=1, method="summary", n_points=50, **QUIET)
    np.testing.assert_array_equal(hills, before)


def test_interruption_is_passed_on_and_leaves_threads_as_they_were(hills, monkeypatch):
    calls = []

    def stop(*args):
        calls.append(args)
        raise KeyboardInterrupt

    monkeypatch.setattr(stability, "_pairs", stop)
    with pytest.raises(KeyboardInterrupt):
        stability.global_stability(hills, ks=[2], n_boot=100, **QUIET)
    assert len(calls) < 100
    monkeypatch.undo()
    assert len(stability.global_stability(hills, ks=[2], n_boot=1, **QUIET)) == 1


def test_rows_are_summarised_on_one_thread(hills, monkeypatch):
    seen = []

    def watched(*args, **kwargs):
        seen.append({lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"})
        return summarise(*args, **kwargs)

    monkeypatch.setattr(bootstrap, "summarise", watched)
    monkeypatch.setattr(bootstrap, "SMALL", 50)
    with threadpool_limits(2):
        bootstrap.ground(hills, method="summary", n_points=100, random_state=0)
    assert seen == [{1}, {1}]


@pytest.mark.parametrize(
    "change, message",
    [
        ({"ks": [1, 2]}, "start from 2"),
        ({"ks": [3, 2]}, "ascend"),
        ({"ks": [2, 2]}, "ascend"),
        ({"ks": []}, "whole numbers"),
        ({"ks": [2.5]}, "whole numbers"),
        ({"ks": [7]}, "k = 7 is more than the 4 distinct rows"),
        ({"n_boot": 0}, "n_boot"),
        ({"n_starts": 0}, "n_starts"),
        ({"method": "fast"}, "method"),
        ({"X": [[np.nan]] * 6}, "missing or infinite"),
        ({"X": [[np.inf]] * 6}, "missing or infinite"),
    ],
)
def test_bad_input(change, message):
    good = {"X": np.array([[0.0], [1.0], [2.0], [3.0], [3.0], [3.0]]), "ks": [2], "n_boot": 1}
    call = good | QUIET | change
    with pytest.raises(ValueError, match=message):
        stability.global_stability(call.pop("X"), **call)


def test_side_by_side_keeps_the_order():
    tasks = [(i,) for i in range(20)]
    done = bootstrap.side_by_side(lambda i: i, tasks, n_jobs=2, progress=False, label="")
    assert done == list(range(20))
