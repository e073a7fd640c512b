"""Verdicts by stated thresholds, each traceable to its numbers."""

import numpy as np
import pandas as pd
import pytest

from kequn_lab.validation import decisions

SCORES = pd.DataFrame(
    {
        "k": [2, 3, 4, 5],
        "inertia": [50.0, 20.0, 15.0, 12.0],
        "inertia_drop": [50.0, 30.0, 5.0, 3.0],
        "silhouette": [0.5, 0.4, 0.3, 0.2],
        "davies_bouldin": [0.9, 0.5, 0.7, 0.8],
        "gap": [0.1, 0.5, 0.52, 0.6],
        "gap_se": [0.05, 0.05, 0.05, 0.05],
        "smallest_share": [0.4, 0.2, 0.1, 0.01],
    }
)
STABILITY = pd.DataFrame({"k": [2, 3, 4, 5], "ari_used": [0.86, 0.95, 0.7, 0.99]})


def test_indices_that_disagree_are_shown_to_disagree():
    table = decisions.read_k(SCORES, stability=STABILITY).set_index("index")
    assert table["k"].to_dict() == {
        "inertia": 3,  # 30 before, 5 after
        "silhouette": 2,
        "davies_bouldin": 3,
        "gap": 3,  # 0.50 >= 0.52 - 0.05
        "ari_used": 5,
    }
    assert table.loc["inertia", "agree"] == 3
    assert table.loc["silhouette", "value"] == 0.5
    reading = decisions.read_k(SCORES, stability=STABILITY).attrs["reading_en"]
    assert reading == (
        "Indices disagree: k = 2 (silhouette), k = 3 (inertia, davies_bouldin, gap), "
        "k = 5 (ari_used)"
    )


def test_indices_that_agree_are_said_to_agree():
    scores = SCORES[["k", "davies_bouldin", "gap", "gap_se"]]
    assert decisions.read_k(scores).attrs["reading_en"].startswith("All indices prefer k = 3")


def test_an_index_may_prefer_none():
    table = decisions.read_k(SCORES, stability=STABILITY.assign(ari_used=0.1))
    last = table.set_index("index").loc["ari_used"]
    assert pd.isna(last["k"]) and last["agree"] == 0


def test_rule_takes_the_steady_served_k_with_the_largest_silhouette():
    choice = decisions.choose_k(SCORES, STABILITY)
    assert choice.k == 2
    assert choice.candidates == (2, 3)  # 4 moves, 5 has a segment of 1 %
    assert "0.500" in choice.why_en and "0.85" in choice.why_en and "2%" in choice.why_en


NULL = SCORES.assign(null_silhouette=[0.3, 0.3, 0.35, 0.35], null_gap=[0.2, 0.6, 0.7, 0.8])
NULL["border_density"] = 0.9


def test_rule_takes_the_possible_k_furthest_from_data_without_segments():
    choice = decisions.choose_k(NULL, STABILITY)
    assert (choice.k, choice.candidates) == (3, (2, 3))
    assert "0.600" in choice.why_en and "without segments" in choice.why_en
    assert "0.600" in choice.why_zh


def test_no_segments_is_an_answer():
    """Stable and large enough, but cut as well where there is nothing."""
    choice = decisions.choose_k(NULL.assign(null_silhouette=0.6), STABILITY)
    assert (choice.k, choice.candidates) == (1, ())
    assert "k = 1" in choice.why_en and "k = 1" in choice.why_zh


def test_valleys_at_every_border_are_enough_where_columns_of_noise_lower_the_silhouette():
    scores = NULL.assign(null_silhouette=0.6, border_density=[0.1, 0.7, 0.1, 0.1])
    assert decisions.choose_k(scores, STABILITY).k == 2
    assert decisions.choose_k(scores.assign(null_gap=-0.1), STABILITY).k == 1  # flags, say
    lumpy = scores.assign(null_border_density=0.05)  # levels leave such gaps by nature
    assert decisions.choose_k(lumpy, STABILITY).k == 1


def test_rule_says_when_no_k_meets_it():
    choice = decisions.choose_k(SCORES, STABILITY.assign(ari_used=[0.1, 0.3, 0.2, 0.1]))
    assert (choice.k, choice.candidates) == (3, ())
    assert "No k is stable" in choice.why_en


def test_rule_needs_the_same_ks():
    with pytest.raises(ValueError, match="same ks"):
        decisions.choose_k(SCORES, STABILITY.assign(k=[7, 8, 9, 10]))


@pytest.fixture
def case():
    """Four segments on a line: a far one, two that touch, one that leans to neither."""
    centres = pd.DataFrame({"x": [0.0, 10.0, 12.0, 30.0]}, index=["XW", "GT", "NH", "LN"])
    X = np.concatenate([np.full(40, 0.1), [10.9] * 30, [11.1] * 20, [30.0] * 10])[:, None]
    values = {"XW": [0.95] * 20, "GT": [0.8] * 20, "NH": [0.4, 0.48] * 10, "LN": [0.3, 0.9] * 10}
    slsw = pd.concat(
        pd.DataFrame({"segment_id": s, "replicate": range(20), "slsw": v})
        for s, v in values.items()
    )
    chance = pd.DataFrame({"set": [0, 1], "segment_id": [0, 0], "separation": [0.4, 0.5]})
    return X, centres, slsw, chance


def test_every_verdict_follows_from_its_numbers(case):
    X, centres, slsw, chance = case
    table = decisions.stability_summary(X, centres=centres, slsw=slsw, chance=chance)
    table = table.set_index("segment_id")
    assert table["rows"].tolist() == [40, 30, 20, 10]
    assert table["reading"].to_dict() == {
        "XW": "natural",
        "GT": "reproducible",
        "NH": "constructed",
        "LN": "constructed",
    }
    assert table["action"].to_dict() == {"XW": "keep", "GT": "keep", "NH": "merge", "LN": "drop"}
    assert table.loc["NH", "neighbour"] == "GT"
    assert table.loc["NH", "similarity"] == pytest.approx(2 * 0.9 / 2)
    assert table.loc["XW", "separation"] == pytest.approx(1 - 2 * 0.1 / 10)
    assert table["sure"].to_dict() == {"XW": True, "GT": True, "NH": True, "LN": False}
    assert table.loc["NH", "because_en"] == (
        "SLSw 0.44 [0.40, 0.48]; separation 0.10, no more than by chance (0.50); "
        "closest to GT (0.90)"
    )


def test_a_segment_that_another_merges_into_is_not_dropped(case):
    X, centres, slsw, chance = case
    weak = slsw.copy()
    weak.loc[weak["segment_id"] == "GT", "slsw"] = 0.4
    table = decisions.stability_summary(X, centres=centres, slsw=weak, chance=chance)
    table = table.set_index("segment_id")
    # GT is closest to NH, and NH to GT; both are constructed
    assert table.loc[["GT", "NH"], "action"].tolist() == ["merge", "merge"]
    assert table.loc[["GT", "NH"], "neighbour"].tolist() == ["NH", "GT"]
    # where GT alone is too little alike to be merged, it follows the one that merges into it
    ids = pd.Index(["GT", "NH", "LN"])
    advice = pd.DataFrame({
        "segment_id": ids, "action": ["drop", "merge", "drop"], "neighbour": ["LN", "GT", "GT"],
        "similarity": [0.1, 0.9, 0.1],
    })  # fmt: skip
    away = pd.DataFrame(0.1, ids, ids)
    away.loc["GT", "NH"] = 0.05
    decisions._merge_both_ways(advice, away)
    assert advice["action"].tolist() == ["merge", "merge", "drop"]
    assert advice.loc[0, ["neighbour", "similarity"]].tolist() == ["NH", 0.05]


def test_a_segment_is_sure_by_its_own_interval_only(case):
    """GT reaches across the natural threshold but is not separated: it could not be natural."""
    X, centres, slsw, chance = case
    wide = slsw.copy()
    wide.loc[wide["segment_id"] == "GT", "slsw"] = [0.7, 0.9] * 10
    table = decisions.stability_summary(X, centres=centres, slsw=wide, chance=chance)
    table = table.set_index("segment_id")
    assert table.loc["XW", "reading"] == "natural"
    assert table.loc["GT", ["reading", "sure"]].tolist() == ["reproducible", True]


def test_a_segment_without_a_valley_at_its_border_is_not_natural(case):
    """Far from its neighbours' centres, but customers lie all the way between."""
    X, centres, slsw, chance = case
    between = np.concatenate([X, np.linspace(0, 10, 200)[:, None]])
    chance = chance.assign(separation=0.0)
    table = decisions.stability_summary(between, centres=centres, slsw=slsw, chance=chance)
    first = table.set_index("segment_id").loc["XW"]
    assert first["separation"] > 0
    assert first["border_density"] > decisions.VALLEY
    assert first["reading"] == "reproducible"
    assert f"border density {first['border_density']:.2f}" in first["because_en"]


def test_nothing_is_natural_without_null_sets(case):
    X, centres, slsw, _ = case
    table = decisions.stability_summary(X, centres=centres, slsw=slsw)
    assert "natural" not in set(table["reading"])
    assert "no null sets" in table.loc[0, "because_en"]


def test_the_interval_holds_what_another_sample_gives():
    """A distribution of draws that is skewed, as Jaccard indices are; twenty pairs of them."""
    rng = np.random.default_rng(0)
    inside = 0
    for _ in range(1_000):
        draws = pd.DataFrame(rng.beta(8, 1, (20, 2)), columns=["jaccard_1", "jaccard_2"])
        found = decisions._of_other_samples(draws.assign(slsw=draws.mean(axis=1)))
        inside += found["low"] <= rng.beta(8, 1) <= found["high"]
    assert 0.93 <= inside / 1_000 <= 0.97


def test_other_ids_are_refused(case):
    X, centres, slsw, _ = case
    with pytest.raises(ValueError, match="same ids"):
        decisions.stability_summary(X, centres=centres.to_numpy(), slsw=slsw)
