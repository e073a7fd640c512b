"""The evidence by k: recomputed with scikit-learn, shown whole."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics

from kequn_lab import validation
from kequn_lab.validation.agreement import across_solutions

QUIET = {"random_state": 0, "progress": False}


@pytest.fixture(scope="module")
def hills():
    rng = np.random.default_rng(0)
    tops = np.array([[0, 0, 0], [8, 0, 0], [0, 8, 0], [0, 0, 8]])
    return tops[rng.integers(0, 4, 500)] + rng.normal(0, 1, (500, 3))


@pytest.fixture(scope="module")
def scores(hills):
    return validation.score_k(hills, ks=range(2, 7), n_reference=5, **QUIET)


def test_one_row_per_k_with_the_documented_columns(scores):
    assert scores["k"].tolist() == [2, 3, 4, 5, 6]
    for column in scores:
        assert f"``{column}``" in validation.score_k.__doc__
    assert scores.notna().all(axis=None)


def test_columns_equal_scikit_learn(hills, scores):
    models = validation.fit_each_k(hills, ks=[4], **QUIET)
    row, labels = scores.set_index("k").loc[4], models[4].labels_
    assert row["inertia"] == pytest.approx(models[4].inertia_)
    assert row["silhouette"] == pytest.approx(metrics.silhouette_score(hills, labels))
    assert row["calinski_harabasz"] == pytest.approx(metrics.calinski_harabasz_score(hills, labels))
    assert row["davies_bouldin"] == pytest.approx(metrics.davies_bouldin_score(hills, labels))
    assert row["smallest_rows"] == np.bincount(labels).min()
    assert row["silhouette_se"] == 0  # all rows were used


def test_drops_start_from_one_segment(hills, scores):
    total = ((hills - hills.mean(axis=0)) ** 2).sum()
    first, second = scores["inertia"][:2]
    assert scores["inertia_drop"][0] == pytest.approx(total - first)
    assert scores["inertia_drop_share"][1] == pytest.approx((first - second) / first)


def test_clear_hills_are_seen_by_every_index(scores):
    at = scores.set_index("k")
    assert at["silhouette"].idxmax() == 4
    assert at["calinski_harabasz"].idxmax() == 4
    assert at["davies_bouldin"].idxmin() == 4
    assert at["gap"].idxmax() == 4


def test_gap_of_uniform_data_prefers_no_segments():
    X = np.random.default_rng(0).uniform(size=(400, 2)) * [3, 1]  # its box is its own
    gap = validation.score_k(X, ks=[2, 3, 4], n_reference=10, **QUIET)["gap"]
    assert gap.abs().max() < 0.15


def test_silhouette_is_sampled_above_its_size(hills, monkeypatch):
    whole = validation.score_k(hills, ks=[4], n_reference=0, **QUIET).loc[0]
    monkeypatch.setattr("kequn_lab.validation.scores.SILHOUETTE_ROWS", 200)
    sampled = validation.score_k(hills, ks=[4], n_reference=0, **QUIET).loc[0]
    assert 0 < sampled["silhouette_se"] < 0.03
    assert abs(sampled["silhouette"] - whole["silhouette"]) < 4 * sampled["silhouette_se"]
    assert np.isnan(sampled["gap"])


def test_simplified_silhouette_by_hand():
    # Centres 0.5 and 4: distances 0.5 of 4, 0.5 of 3, 0 of 3.5.
    scores = validation.score_k([[0.0], [1.0], [4.0]], ks=[2], n_reference=0, **QUIET)
    assert scores.loc[0, "simplified_silhouette"] == pytest.approx((3.5 / 4 + 2.5 / 3 + 1) / 3)


def test_indices_equal_those_of_r(reference, reference_data):
    expected = json.loads((reference("iris") / "k3_cluster_stats.json").read_text())
    row = validation.score_k(reference_data("iris"), ks=[3], n_reference=0, **QUIET).loc[0]
    assert row["inertia"] == pytest.approx(expected["within.cluster.ss"], abs=1e-9)
    assert row["calinski_harabasz"] == pytest.approx(expected["ch"], abs=1e-9)
    assert row["smallest_rows"] == min(expected["cluster.size"])
    assert row["silhouette"] == pytest.approx(expected["avg.silwidth"], abs=1e-9)


def test_the_same_with_any_number_of_workers(hills):
    run = {"ks": [2, 3], "n_reference": 3, **QUIET}
    one, two = (validation.score_k(hills, n_jobs=n, **run) for n in (1, 2))
    pd.testing.assert_frame_equal(one, two)


def test_models_are_reused_and_followed_across_k(hills):
    models = validation.fit_each_k(hills, ks=[3, 4], **QUIET)
    scores = validation.score_k(hills, models=models, n_reference=0, **QUIET)
    assert scores["k"].tolist() == [3, 4]
    slsa = across_solutions(pd.DataFrame({k: m.labels_ for k, m in models.items()}))
    assert slsa["slsa"].min() > 0.9  # four hills out of three segments: one was split


def test_data_frames_and_binary_data(hills):
    X = pd.DataFrame((hills > 4).astype(int), columns=list("abc"))
    scores = validation.score_k(X, ks=[2, 3, 4], n_reference=2, **QUIET)
    assert scores.loc[2, "inertia"] == 0  # four different rows


@pytest.mark.parametrize(
    "X, ks, message",
    [
        ([[0.0], [1.0]], [1], "start from 2"),
        ([[0.0], [1.0]], [3], "more than the 2 distinct rows"),
        ([[0.0], [1.0], [1.0], [1.0]], [3], "more than the 2 distinct rows"),
        ([[0.0], [1.0], [2.0]], [3, 2], "ascend"),
        ([[0.0], [np.nan], [2.0]], [2], "missing or infinite"),
    ],
)
def test_bad_input(X, ks, message):
    with pytest.raises(ValueError, match=message):
        validation.score_k(X, ks=ks, **QUIET)


KINDS = np.random.default_rng(0).integers(0, 2, (300, 3))
FEW = {
    "as many clusters as kinds of rows": (KINDS.astype(float), 8),
    "fewer": (KINDS.astype(np.float32), 6),
    "one column": (KINDS[:, :1] * 2.0 + KINDS[:, 1:2], 4),
    "a constant column": (KINDS * [1.0, 1.0, 0.0], 3),
    "as many clusters as rows": (np.random.default_rng(0).normal(size=(10, 47)), 10),
    "a kind with one row": (np.repeat([[0.0], [1.0]], [199, 1], axis=0), 2),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("X", "k"), FEW.values(), ids=FEW)
def test_few_kinds_of_rows_are_scored_without_a_warning(X, k):
    scores = validation.score_k(X, ks=[k], n_reference=2, n_starts=2, **QUIET)
    assert (scores["inertia"] >= 0).all()
    assert len(validation.global_stability(X, ks=[k], n_boot=2, **QUIET)) == 2
    labels = validation.fit_each_k(X, ks=[k], n_starts=2, **QUIET)[k].labels_
    slsw = validation.segment_stability(X, labels=labels, n_boot=2, **QUIET)
    assert slsw["slsw"].between(0, 1).all()
    null = validation.null_separation(X, n_clusters=k, n_sets=2, random_state=0)
    assert null["separation"].between(0, 1).all()


def test_scores_stand_beside_those_of_data_without_segments():
    rng = np.random.default_rng(0)
    hill = rng.normal(size=(300, 3))
    hills = hill + 8 * rng.integers(0, 2, (300, 1))
    run = {"ks": [2, 3], "n_starts": 3, "n_reference": 0, **QUIET}
    one, two = (validation.score_k(X, **run).set_index("k") for X in (hill, hills))
    assert two.loc[2, "silhouette"] > two.loc[2, "null_silhouette"] + 0.1
    assert one.loc[2, "silhouette"] < one.loc[2, "null_silhouette"] + 0.02
    assert two.loc[2, "null_gap"] > 0.5 > abs(one.loc[2, "null_gap"])
    without = validation.score_k(hill, n_null=0, **run)
    assert without[["null_silhouette", "null_gap"]].isna().all(axis=None)
    with pytest.raises(ValueError, match="n_null"):
        validation.score_k(hill, n_null=-1, **run)
