"""Data without segments: the same margins but for second peaks, correlations, one hill."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score
from threadpoolctl import threadpool_info, threadpool_limits

from kequn_lab.validation import null_model
from kequn_lab.validation.one_mode import with_one_mode


@pytest.fixture(scope="module")
def mixed():
    """Skewed, binary, many equal values, and a constant column; two hills in one of them."""
    rng = np.random.default_rng(0)
    hill = rng.integers(0, 2, 3_000)
    return pd.DataFrame(
        {
            "skewed": np.exp(rng.normal(hill * 0.8, 0.8)),
            "zeros": np.maximum(rng.normal(hill, 1, 3_000), 0).round(2),
            "binary": (rng.uniform(size=3_000) < 0.2 + 0.6 * hill).astype(float),
            "peaks": rng.normal(-6 * hill, 1),
            "constant": 1.0,
        }
    )


def test_null_data_keep_margins_and_correlations(mixed):
    null = null_model.null_like(mixed, random_state=0)
    assert null.columns.tolist() == mixed.columns.tolist()
    assert len(null) == len(mixed)
    for column in mixed:
        if column != "peaks":
            assert set(null[column]) <= set(mixed[column])
        assert null[column].std() == pytest.approx(mixed[column].std(), rel=0.1)
        assert null[column].mean() == pytest.approx(mixed[column].mean(), rel=0.1, abs=0.1)
    gap = null.corr().sub(mixed.corr()).drop("constant").drop(columns="constant")
    assert gap.abs().max(axis=None) < 0.08


def test_null_data_have_no_gap_where_a_column_has_one(mixed):
    null = null_model.null_like(mixed, random_state=0)
    share = [table["peaks"].between(-4, -2).mean() for table in (mixed, null)]
    assert share[0] < 0.03
    assert share[1] > 0.15


def test_a_zero_that_many_share_keeps_its_share_and_its_gap():
    """None of a thing is no hill, so the null data keep the gap beside it."""
    rng = np.random.default_rng(0)
    rest = np.concatenate([rng.normal(10, 1, 300), rng.normal(20, 1, 300)])
    values = np.sort(np.concatenate([np.zeros(400), rest]))
    one = with_one_mode(values)
    assert (one == 0).sum() == 400
    assert ((one > 0) & (one < values[400])).sum() == 0
    assert ((values > 13.5) & (values < 16.5)).sum() < 5
    assert ((one > 13.5) & (one < 16.5)).sum() > 80


def test_counts_and_flags_stay():
    for values in (np.repeat([0.0, 1.0], 50), np.repeat([0.0, 1.0, 2.0, 9.0], [40, 5, 5, 50])):
        np.testing.assert_array_equal(with_one_mode(values), values)


@pytest.mark.parametrize("shape", ["normal", "gamma", "exponential", "uniform"])
def test_a_column_with_one_peak_is_nearly_kept(shape):
    rng = np.random.default_rng(0)
    values = {
        "normal": rng.normal(size=2_000), "gamma": rng.gamma(2, size=2_000),
        "exponential": rng.exponential(size=2_000), "uniform": rng.uniform(size=2_000),
    }[shape]  # fmt: skip
    values = np.sort(values)
    gap = np.abs(with_one_mode(values) - values)[50:-50]
    assert gap.max() < 0.2 * values.std()


def test_null_data_of_more_columns_than_rows_keep_their_correlations():
    rng = np.random.default_rng(0)
    wide = rng.normal(size=(40, 3)) @ rng.normal(size=(3, 60)) + rng.normal(size=(40, 60))
    null = np.concatenate([null_model.null_like(wide, random_state=seed) for seed in range(100)])
    assert set(null[:, 7]) <= set(wide[:, 7])
    gap = np.corrcoef(null.T) - np.corrcoef(wide.T)
    assert np.sqrt((gap**2).mean()) < 0.05


def test_null_data_have_lost_the_segments():
    """Four of eight corners, told by no column and by no pair: the null data fill all eight."""
    rng = np.random.default_rng(0)
    side = rng.integers(0, 2, (400, 2))
    corner = np.column_stack([side, side[:, 0] ^ side[:, 1]])
    X = 9 * corner + rng.normal(size=(400, 3))
    null = null_model.null_like(X, random_state=0)
    cut = [KMeans(4, n_init=5, random_state=0).fit_predict(data) for data in (X, null)]
    strong, weak = map(silhouette_score, (X, null), cut)
    assert strong > 0.7
    assert weak < 0.6


def test_null_sets_have_their_rows_and_every_segment_its_separation():
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(c, 1, (100, 4)) for c in (0, 6)])
    X[:, 2:] = rng.normal(size=(200, 2))
    null = null_model.null_separation(X, n_clusters=2, n_sets=3, random_state=0)
    assert null.groupby("set")["rows"].sum().tolist() == [200] * 3
    assert null["separation"].between(0, 1).all()
    many = np.tile(X, (26, 1))
    assert (
        null_model.null_separation(many, n_clusters=2, n_sets=1)["rows"].sum()
        == null_model.NULL_ROWS
    )


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: null_model.null_like([[np.nan], [1.0]]), "missing or infinite"),
        (lambda: null_model.null_separation([[0.0], [1.0]], n_clusters=2, n_sets=0), "n_sets"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_null_sets_are_drawn_on_one_thread(monkeypatch):
    def threads():
        return {lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"}

    seen = []
    copula = SimpleNamespace(draw=lambda *args: seen.append(threads()))
    monkeypatch.setattr(null_model, "fit_copula", lambda *args: seen.append(threads()) or copula)
    with threadpool_limits(2):
        null_model.null_sets(np.eye(3), np.random.RandomState(0))(3, np.random.RandomState(0))
    assert seen == [{1}, {1}]
