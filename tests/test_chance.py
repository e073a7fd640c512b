"""Data without segments: the same margins and correlations, one hill."""

import json

import numpy as np
import pandas as pd
import pytest

from kequn_lab.choosing import chance

QUIET = {"random_state": 0, "progress": False}


def test_prediction_strength_is_near_r(shared):
    folder = shared / "reference/iris"
    expected = json.loads((folder / "prediction_strength.json").read_text())["mean.pred"][1:]
    found = chance.prediction_strength(pd.read_csv(folder / "X.csv"), ks=range(2, 7), **QUIET)
    means = found.groupby("k")["strength"].mean()
    np.testing.assert_allclose(means, expected, atol=0.06)
    assert means[means > 0.8].index.max() == 3  # fpc's choice


def test_prediction_strength_of_hills_and_of_one_hill():
    rng = np.random.default_rng(0)
    hills = np.concatenate([rng.normal(0, 1, (100, 2)), rng.normal(8, 1, (100, 2))])
    run = {"ks": [2], "n_splits": 5, **QUIET}
    assert chance.prediction_strength(hills, **run)["strength"].min() > 0.95
    one = chance.prediction_strength(rng.normal(0, 1, (200, 2)), **run)
    assert one["strength"].mean() < 0.85


def test_one_row_segments_are_counted():
    X = np.concatenate([np.random.default_rng(0).normal(size=(20, 1)), [[99.0], [-99.0]]])
    found = chance.prediction_strength(X, ks=[3], n_splits=10, **QUIET)
    assert found["one_row_segments"].max() >= 1
    assert found["strength"].between(0, 1).all()


@pytest.fixture(scope="module")
def mixed():
    """Skewed, binary, many equal values, and a constant column; two hills."""
    rng = np.random.default_rng(0)
    hill = rng.integers(0, 2, 3_000)
    return pd.DataFrame(
        {
            "skewed": np.exp(rng.normal(hill * 2, 0.5)),
            "binary": (rng.uniform(size=3_000) < 0.2 + 0.6 * hill).astype(float),
            "normal": rng.normal(-3 * hill, 1),
            "constant": 1.0,
        }
    )


def test_null_data_keep_margins_and_correlations(mixed):
    null = chance.null_like(mixed, random_state=0)
    assert null.columns.tolist() == mixed.columns.tolist()
    assert len(null) == len(mixed)
    for column in mixed:
        assert set(null[column]) <= set(mixed[column])
        assert null[column].mean() == pytest.approx(mixed[column].mean(), rel=0.1, abs=0.1)
    gap = null.corr().sub(mixed.corr()).drop("constant").drop(columns="constant")
    assert gap.abs().max(axis=None) < 0.06


def test_null_data_of_more_columns_than_rows_keep_their_correlations():
    rng = np.random.default_rng(0)
    wide = rng.normal(size=(40, 3)) @ rng.normal(size=(3, 60)) + rng.normal(size=(40, 60))
    null = chance.null_like(wide, n_rows=4_000, random_state=0)
    assert set(null[:, 7]) <= set(wide[:, 7])
    gap = np.corrcoef(null.T) - np.corrcoef(wide.T)
    assert np.sqrt((gap**2).mean()) < 0.05


def test_null_data_have_lost_the_segments():
    rng = np.random.default_rng(0)
    hills = np.concatenate([rng.normal(c, 1, (200, 10)) for c in rng.normal(0, 1.5, (4, 10))])
    null = chance.null_like(hills, random_state=0)
    strong, weak = (
        chance.prediction_strength(X, ks=[4], n_splits=5, **QUIET)["strength"].mean()
        for X in (hills, null)
    )
    assert strong > 0.95
    assert weak < 0.8  # below it prediction strength calls nothing a segment


def test_null_data_have_as_many_rows_as_are_asked_for(mixed):
    assert chance.null_like(mixed, n_rows=7, random_state=0).shape == (7, 4)


def test_reference_and_what_lies_beyond_it():
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(c, 1, (60, 3)) for c in (0, 7)])
    null = chance.null_reference(X, ks=[2, 3], n_sets=2, n_boot=4, n_splits=2, **QUIET)
    assert null[["set", "k"]].to_numpy().tolist() == [[0, 2], [0, 3], [1, 2], [1, 3]]
    assert null.notna().all(axis=None)
    observed = pd.DataFrame({"k": [2], "silhouette": [0.99], "davies_bouldin": [5.0]})
    table = chance.against_chance(observed, null).set_index("index")
    assert table.loc["silhouette", "beyond"]
    assert not table.loc["davies_bouldin", "beyond"]  # less is better, 5 is worse
    assert table.loc["silhouette", "chance_high"] == null.query("k == 2")["silhouette"].max()


def test_null_sets_have_their_rows_and_every_segment_its_separation():
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(c, 1, (100, 4)) for c in (0, 6)])
    X[:, 2:] = rng.normal(size=(200, 2))
    null = chance.null_separation(X, n_clusters=2, n_sets=3, random_state=0)
    assert null.groupby("set")["rows"].sum().tolist() == [200] * 3
    assert null["separation"].between(0, 1).all()
    few = chance.null_separation(X, n_clusters=2, n_sets=1, n_rows=50, random_state=0)
    assert few["rows"].sum() == 50


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: chance.null_like([[np.nan], [1.0]]), "missing or infinite"),
        (lambda: chance.prediction_strength([[0.0], [1.0]] * 2, ks=[3]), "more than the 2"),
        (lambda: chance.prediction_strength([[0.0], [1.0]] * 4, ks=[2], n_splits=0), "n_splits"),
        (lambda: chance.null_separation([[0.0], [1.0]], n_clusters=2, n_sets=0), "n_sets"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
