"""Borders between segments: R's numbers to nine digits."""

import json

import numpy as np
import pandas as pd
import pytest

from kequn_lab.validation import shadows

CASES = [
    ("iris", "k3", "X.csv"),
    ("mcdonalds", "k4", "X_binary.csv"),
    ("vacmot", "ng6", "X_binary.csv"),
]


@pytest.fixture(params=CASES, ids=[c[0] for c in CASES])
def case(request, shared):
    name, solution, data = request.param
    folder = shared / "reference" / name
    centres = pd.read_csv(folder / f"{solution}_centers.csv", index_col=0)
    return pd.read_csv(folder / data), centres, folder, solution


def test_margins_equal_r(case):
    X, centres, folder, solution = case
    expected = pd.read_csv(folder / f"{solution}_partition.csv")
    found = shadows.margins(X, centres=centres)
    np.testing.assert_array_equal(found["segment_id"], expected["cluster"])
    np.testing.assert_array_equal(found["second"], expected["second"])
    np.testing.assert_allclose(found["distance"], expected["d1"], atol=1e-9)
    np.testing.assert_allclose(found["second_distance"], expected["d2"], atol=1e-9)
    np.testing.assert_allclose(1 - found["margin"], expected["shadow"], atol=1e-9)
    summary = json.loads((folder / f"{solution}_summary.json").read_text())
    means = 1 - found.groupby("segment_id")["margin"].mean()
    np.testing.assert_allclose(means, summary["mean_shadow_by_segment"], atol=1e-9)


def test_cluster_similarity_equals_r(case):
    X, centres, folder, solution = case
    expected = pd.read_csv(folder / f"{solution}_clsim_shadow.csv", index_col=0)
    found = shadows.cluster_similarity(shadows.margins(X, centres=centres), centres.index)
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_gorge_equals_r(case):
    X, centres, folder, solution = case
    expected = pd.read_csv(folder / f"{solution}_gorge_first50.csv")
    found = shadows.gorge(X, centres=centres)
    np.testing.assert_allclose(found[: len(expected)], expected, atol=1e-9)
    counted = pd.read_csv(folder / f"{solution}_gorge_hist_breaks0.05.csv").to_numpy()
    bars = [np.histogram(found[s], np.linspace(0, 1, 21))[0] for s in found]
    np.testing.assert_array_equal(np.transpose(bars), counted)


def test_five_customers():
    X = pd.DataFrame({"x": [0.0, 1.0, 2.0, 4.0, 3.0]}, index=list("abcde"))
    rows = shadows.margins(X, centres=pd.DataFrame({"x": [0.0, 4.0]}, index=["GT", "LN"]))
    assert rows["segment_id"].tolist() == ["GT", "GT", "GT", "LN", "LN"]  # a tie: the first
    assert rows["margin"].tolist() == [1, 0.5, 0, 1, 0.5]
    assert rows.index.tolist() == list("abcde")


def test_far_rows_do_not_underflow():
    assert shadows.gorge([[1e6]], centres=[[0.0], [1.0]]).notna().all(axis=None)


@pytest.mark.parametrize(
    "X, centres, message",
    [
        ([[np.nan]], [[0.0], [1.0]], "missing or infinite"),
        ([[0.0]], [[0.0]], "at least two segments"),
        ([[0.0]], [[0.0, 1.0], [1.0, 1.0]], "1 columns, the centres have 2"),
    ],
)
def test_bad_input(X, centres, message):
    with pytest.raises(ValueError, match=message):
        shadows.margins(X, centres=centres)


@pytest.mark.parametrize(
    "gap, least, most", [(0, 0.8, 1), (3, 0.5, 0.8), (4, 0.2, 0.45), (6, 0, 0.1)]
)
def test_density_at_the_border_falls_with_the_gap(gap, least, most):
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal((x, 0), 1, (2_000, 2)) for x in (0, gap)])
    side = X[:, 0] > gap / 2
    centres = [X[~side].mean(axis=0), X[side].mean(axis=0)]
    found = shadows.border_density(X, centres=centres)
    assert found[0] == found[1]
    assert least <= found[0] <= most


def test_density_at_the_border_is_that_of_the_neighbour_that_is_separated_least():
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(x, 1, (1_000, 1)) for x in (0, 3, 30)])
    centres = pd.DataFrame({"x": [0.0, 3.0, 30.0, 99.0]}, index=["a", "b", "far", "empty"])
    found = shadows.border_density(X, centres=centres)
    assert found["a"] == found["b"] > 0.5
    assert found["far"] < 0.01
    assert np.isnan(found["empty"])
