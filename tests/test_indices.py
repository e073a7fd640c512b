"""Indices of one partition: scikit-learn's and R's numbers to nine digits."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics

from kequn_lab.choosing.indices import partition_indices, silhouettes

CASES = [
    ("iris", "k3", "X.csv"),
    ("mcdonalds", "k4", "X_binary.csv"),
    ("vacmot", "ng6", "X_binary.csv"),
]


def silhouette_of(X, labels, weight=None):
    X, labels = np.asarray(X, float), np.asarray(labels)
    return silhouettes(X, [labels], np.ones(len(X)) if weight is None else weight)[0]


@pytest.mark.parametrize("name, solution, data", CASES)
def test_silhouettes_equal_r(shared, name, solution, data):
    folder = shared / "reference" / name
    X, expected = pd.read_csv(folder / data), pd.read_csv(folder / f"{solution}_partition.csv")
    found = silhouette_of(X, expected["cluster"])
    np.testing.assert_allclose(found, expected["silhouette_cluster"], atol=1e-9)


def test_cluster_statistics_equal_r(shared):
    folder = shared / "reference/iris"
    expected = json.loads((folder / "k3_cluster_stats.json").read_text())
    X, labels = pd.read_csv(folder / "X.csv"), pd.read_csv(folder / "k3_partition.csv")["cluster"]
    found = partition_indices(X, labels=labels)
    assert found["inertia"] == pytest.approx(expected["within.cluster.ss"], abs=1e-9)
    assert found["calinski_harabasz"] == pytest.approx(expected["ch"], abs=1e-9)
    assert found["smallest_rows"] == min(expected["cluster.size"])
    means = pd.Series(silhouette_of(X, labels)).groupby(labels).mean()
    np.testing.assert_allclose(means, expected["clus.avg.silwidths"], atol=1e-9)


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    return rng.normal(size=(80, 3)), rng.integers(0, 4, 80), rng.integers(1, 4, 80)


def test_equal_scikit_learn(rows):
    X, labels, _ = rows
    found = partition_indices(X, labels=labels)
    assert found["calinski_harabasz"] == pytest.approx(metrics.calinski_harabasz_score(X, labels))
    assert found["davies_bouldin"] == pytest.approx(metrics.davies_bouldin_score(X, labels))
    ours = silhouette_of(X, labels)
    np.testing.assert_allclose(ours, metrics.silhouette_samples(X, labels), atol=1e-8)


def test_weights_are_rows(rows):
    X, labels, weight = rows
    repeated = np.repeat(X, weight, axis=0), np.repeat(labels, weight)
    ours = partition_indices(X, labels=labels, sample_weight=weight)
    pd.testing.assert_series_equal(ours, partition_indices(repeated[0], labels=repeated[1]))
    values = silhouette_of(X, labels, weight)
    plain = metrics.silhouette_samples(*repeated)
    np.testing.assert_allclose(np.repeat(values, weight), plain, atol=1e-8)


def test_simplified_silhouette_by_hand():
    # Centres 0.5 and 4: distances 0.5/4, 0.5/3, 0/3.5.
    found = partition_indices([[0.0], [1.0], [4.0]], labels=[0, 0, 1])["simplified_silhouette"]
    assert found == pytest.approx((3.5 / 4 + 2.5 / 3 + 1) / 3)


def test_only_row_of_a_segment_has_silhouette_zero():
    assert silhouette_of([[0.0], [1.0], [4.0]], [0, 0, 1])[2] == 0


def test_bad_input():
    with pytest.raises(ValueError, match="2 entries, X 3 rows"):
        partition_indices([[0.0], [1.0], [2.0]], labels=[0, 1])
    with pytest.raises(ValueError, match="missing or infinite"):
        partition_indices([[0.0], [np.nan]], labels=[0, 1])
