"""Agreement of agreement and ids that follow: R's numbers to nine digits."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris
from sklearn.metrics import adjusted_rand_score

from kequn_lab._statistics import adjusted_rand, jaccard
from kequn_lab.validation import agreement


def columns(path):
    table = pd.read_csv(path)
    return table.rename(columns={c: int(c[1:]) for c in table})


def best_jaccard(a, b):
    """For each segment of ``a`` the largest Jaccard index with any segment of ``b``."""
    return jaccard(pd.crosstab(np.asarray(a), np.asarray(b))).max(axis=1)


def test_adjusted_rand_of_a_cross_table_equals_scikit_learn():
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 4, 60), rng.integers(0, 3, 60)
    found = adjusted_rand(pd.crosstab(a, b))
    assert found == pytest.approx(adjusted_rand_score(a, b), abs=1e-12)
    assert adjusted_rand([[2]]) == 1.0
    assert adjusted_rand([[500_000, 0], [0, 500_000]]) == 1.0


def test_partition_agreement_equals_r(reference):
    folder = reference("iris")
    expected = json.loads((folder / "partition_agreement.json").read_text())["k3_vs_species"]
    k3 = pd.read_csv(folder / "k3_partition.csv")["cluster"]
    species = load_iris().target
    table = pd.crosstab(k3, species)
    assert adjusted_rand(table) == pytest.approx(expected["comPart"]["ARI"], abs=1e-9)
    np.testing.assert_allclose(jaccard(table), expected["jaccard_matrix"], atol=1e-9)
    best = best_jaccard(k3, species)
    np.testing.assert_allclose(best, np.max(expected["jaccard_matrix"], axis=1), atol=1e-9)


@pytest.mark.parametrize("name, k", [("iris", 3), ("mcdonalds", 4)])
def test_slsw_of_fixed_resamples_equals_r(reference, name, k):
    folder = reference(name)
    chosen = pd.read_csv(folder / f"k{k}_partition.csv")["cluster"]
    for pair in json.loads((folder / f"slsw_k{k}_first5_fixed.json").read_text()):
        both = [best_jaccard(chosen, pair[c]) for c in ("cluster1", "cluster2")]
        np.testing.assert_allclose((both[0] + both[1]) / 2, pair["slsw"], atol=1e-9)


def test_clusterwise_jaccard_of_fixed_resamples_equals_r(reference):
    folder = reference("iris")
    chosen = pd.read_csv(folder / "clusterboot_partition.csv")["cluster"].to_numpy()
    for draw in json.loads((folder / "clusterboot_first5_fixed.json").read_text()):
        rows = np.array(draw["bsamp_unique"]) - 1
        found = best_jaccard(chosen[rows], draw["bootstrap_partition"])
        np.testing.assert_allclose(found, draw["max_jaccard_per_original_cluster"], atol=1e-9)


SERIES = [
    ("iris", "km28_partitions_relabelled.csv", "slsa.csv"),
    ("mcdonalds", "km28_partitions_relabelled.csv", "slsa.csv"),
    ("mcdonalds", "km28_partitions_before_relabel.csv", "slsa_before_relabel.csv"),
    ("vacmot", "km38_partitions_relabelled.csv", "slsa_km38.csv"),
]


@pytest.mark.parametrize("name, partitions, slsa", SERIES)
def test_slsa_equals_r(reference, name, partitions, slsa):
    folder = reference(name)
    expected = pd.read_csv(folder / slsa)
    found = agreement.across_solutions(columns(folder / partitions))
    # Which number a segment has is the question of test_relabelled_series_equals_r.
    ours = found.sort_values(["k", "slsa"])
    theirs = expected.sort_values(["k", "SLSA"])
    assert ours["k"].tolist() == theirs["k"].tolist()
    np.testing.assert_allclose(ours["slsa"], theirs["SLSA"], atol=1e-9)
    np.testing.assert_allclose(ours["entropy"], theirs["entropy_norm"], atol=1e-9)


@pytest.mark.parametrize("name", ["iris", "mcdonalds"])
def test_relabelled_series_equals_r(reference, name):
    folder = reference(name)
    before = columns(folder / "km28_partitions_before_relabel.csv")
    after = columns(folder / "km28_partitions_relabelled.csv")
    series = pd.concat([after[[2]], before.drop(columns=2)], axis=1)  # R orders k = 2 by centres
    found = agreement.relabel_series(series) + 1
    unique = [k for k in after if (name, k) != ("iris", 8)]  # there two assignments are as good
    pd.testing.assert_frame_equal(found[unique], after[unique].astype(int))
    matched = pd.crosstab(found[7], found[8]).to_numpy()
    as_good = pd.crosstab(after[7], after[8]).to_numpy()
    assert np.sort(matched.max(axis=1)).tolist() == np.sort(as_good.max(axis=1)).tolist()


def test_newcomer_stands_beside_the_segment_it_came_from():
    # Segment 0 of three splits; its part takes place 1 and the others move on.
    series = pd.DataFrame({3: [0, 0, 0, 0, 1, 1, 2, 2], 4: [3, 3, 3, 0, 1, 1, 2, 2]})
    assert agreement.relabel_series(series)[4].tolist() == [0, 0, 0, 1, 2, 2, 3, 3]


def test_flows_add_up():
    series = pd.DataFrame({2: [0, 0, 0, 1, 1], 3: [0, 0, 1, 1, 2]})
    flows = agreement.solution_flows(series)
    assert flows["rows"].sum() == 5
    np.testing.assert_allclose(flows.groupby("segment_to")["share_of_to"].sum(), 1)
    np.testing.assert_allclose(flows.groupby("segment_from")["share_of_from"].sum(), 1)
    mixed = flows[flows["share_of_to"] < 1]
    assert mixed["share_of_to"].tolist() == [0.5, 0.5] and len({*mixed["segment_to"]}) == 1


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: agreement.solution_flows(pd.DataFrame({2: [0, 1]})), "at least two solutions"),
        (lambda: agreement.relabel_series(pd.DataFrame()), "at least one solution"),
        (
            lambda: agreement.relabel_series(pd.DataFrame({3: [0, 1, 2], 2: [0, 1, 1]})),
            "order the columns",
        ),
        (
            lambda: agreement.across_solutions(pd.DataFrame({1: [0, 0], 2: [0, 1]})),
            "one segment",
        ),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_found_against_true_counts_everybody_whose_truth_is_known():
    rng = np.random.default_rng(0)
    people = [f"c{i}" for i in range(300)]
    found = pd.Series(rng.choice(["b", "a", "c"], 300), people).astype(
        pd.CategoricalDtype(["c", "a", "b", "none"])
    )
    truth = pd.Series(rng.choice(["x", "y"], 300), people).where(rng.random(300) > 0.1)
    table = agreement.truth_table(found, truth)
    known = truth.dropna().index
    assert table["customers"].sum() == len(known) and len(table) == 6
    assert list(table["segment_id"].unique()) == ["c", "a", "b"]  # in the order of the categories
    assert np.allclose(table.groupby("segment_id", observed=True)["share_of_segment"].sum(), 1)
    assert np.allclose(table.groupby("true_id")["share_of_truth"].sum(), 1)
    expected = adjusted_rand_score(truth[known], found[known])
    assert table["adjusted_rand"].unique() == pytest.approx([expected])
