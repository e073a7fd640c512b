"""compare: which customers are in each group, and the table of differences."""

import numpy as np
import pandas as pd
import pytest

from kequn_lab.compare.groups import assign_groups, compare_groups, group_sizes

TARGETS = pd.DataFrame(
    {
        "group_id": ["internet_bank"] * 2 + ["traditional_bank"] * 2 + ["other"],
        "segment_id": ["micro", "young", "young", "elderly", "firm"],
        "primary": [True, True, False, True, True],
    }
)
LABELS = pd.Series(["micro", "young", "elderly", "firm", None, "micro"], index=list("abcdef"))


def frame(n=400, seed=0):
    rng = np.random.default_rng(seed)
    group = pd.Series(rng.choice(["new", "old"], n), index=[f"c{i}" for i in range(n)])
    old = (group == "old").to_numpy()
    return group, pd.DataFrame(
        {
            "age_years": rng.normal(30, 8, n) + 30 * old,
            "aum_cny": rng.lognormal(9, 1.5, n),
            "is_business": rng.random(n) < 0.3,
            "city_tier": np.where(rng.random(n) < 0.4 + 0.2 * old, "tier1", "county"),
        },
        index=group.index,
    )


def test_a_shared_segment_counts_where_it_is_primary():
    assert assign_groups(LABELS, TARGETS)["b"] == "internet_bank"
    kept = assign_groups(LABELS, TARGETS.assign(primary=[True, False, True, True, True]))
    assert kept["b"] == "traditional_bank"
    assert kept.isna().tolist() == [False, False, False, True, True, False]
    assert list(kept.cat.categories) == ["internet_bank", "traditional_bank"]
    undecided = TARGETS.assign(primary=True)
    assert pd.isna(assign_groups(LABELS, undecided)["b"])


def test_sizes_show_every_segment_and_everybody_else():
    sizes = group_sizes(LABELS, TARGETS)
    assert sizes["customers"].tolist() == [2, 1, 1, 1, 1, 1]
    assert sizes["role"].tolist() == [
        *("own", "shared", "own", "shared, not compared", "in neither", "no label"),
    ]
    assert sizes["share_of_group"].tolist()[:2] == [2 / 3, 1 / 3]
    assert sizes["share_of_customers"].sum() == pytest.approx(7 / 6)  # young counted twice


def test_largest_difference_first_with_the_group_names_beside_it():
    group, features = frame()
    before = features.copy()
    table = compare_groups(features, group, n_boot=200)
    pd.testing.assert_frame_equal(features, before)
    assert table["variable"].iloc[0] == "age_years"
    assert table["effect"].abs().is_monotonic_decreasing
    age = table.iloc[0]
    assert (age["group_a"], age["group_b"]) == ("new", "old")
    assert age["mean_a"] == pytest.approx(features.loc[group == "new", "age_years"].mean())
    assert age["effect_low"] < age["effect"] < age["effect_high"] < 0
    kinds = table.set_index("variable")["kind"].to_dict()
    assert kinds == {
        **{"age_years": "number", "aum_cny": "skewed"},
        **{"is_business": "share", "city_tier": "category"},
    }
    adjusted = table.sort_values("p_value")["p_adjusted"]
    assert adjusted.is_monotonic_increasing and (table["p_adjusted"] >= table["p_value"]).all()


def test_adjusted_p_is_that_of_statsmodels():
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    table = compare_groups(frame()[1], frame()[0], n_boot=0)
    plain = multitest.multipletests(table["p_value"], method="fdr_bh")[1]
    np.testing.assert_allclose(table["p_adjusted"], plain, rtol=1e-9)


def test_swapping_the_groups_flips_every_sign():
    group, features = frame()
    one = compare_groups(features, group, n_boot=0).set_index("variable")
    two = compare_groups(features, group, groups=("old", "new"), n_boot=0).set_index("variable")
    np.testing.assert_allclose(two["smd"], -one.loc[two.index, "smd"])
    np.testing.assert_allclose(two["cliffs_delta"], -one.loc[two.index, "cliffs_delta"])


def test_a_new_variable_changes_no_interval():
    group, features = frame()
    alone = compare_groups(features[["aum_cny"]], group, random_state=3)
    table = compare_groups(features, group, random_state=3)
    got = table[table["variable"] == "aum_cny"].drop(columns="p_adjusted").reset_index(drop=True)
    pd.testing.assert_frame_equal(got, alone.drop(columns="p_adjusted"))


def test_missing_values_are_left_out_and_counted():
    features = pd.DataFrame({"x": [1.0, 3, 5, np.nan, 2, 4]}, index=list("abcdef"))
    group = pd.Series(["A", "A", "A", "A", "B", "B"], index=list("fedcba")[::-1])
    row = compare_groups(features, group, n_boot=0).iloc[0]
    assert row["mean_a"] == 3
    assert (row["n_a"], row["n_b"], row["missing_a_share"]) == (3, 2, 0.25)


def test_nullable_and_categorical_columns_are_read():
    features = pd.DataFrame(
        {
            "count": pd.array([1, None, 3, 4], dtype="Int64"),
            "flag": pd.array([True, False, None, True], dtype="boolean"),
            "tier": pd.Categorical(["a", "b", "a", None]),
        }
    )
    table = compare_groups(features, pd.Series(["A", "A", "B", "B"]), n_boot=10)
    kinds = table.set_index("variable")["kind"]
    assert kinds["flag"] == "share" and kinds["tier"] == "category"
    assert table.set_index("variable").loc["count", ["n_a", "n_b"]].tolist() == [1, 2]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f, g: (f, g.replace("old", "new")), "two groups are compared; found"),
        (lambda f, g: (f, g.set_axis([f"x{i}" for i in range(400)])), "check that both tables"),
        (lambda f, g: (f.assign(aum_cny=np.inf), g), "aum_cny has 400 infinite values"),
        (lambda f, g: (pd.concat([f, f.head(1)]), g), "customers twice, for example"),
        (lambda f, g: (f[[]], g), "at least one column"),
    ],
)
def test_bad_tables(change, message):
    group, features = frame()
    features, group = change(features, group)
    with pytest.raises(ValueError, match=message):
        compare_groups(features, group)


def test_a_group_that_nobody_is_in():
    group, features = frame()
    with pytest.raises(ValueError, match="no customer of features is in group 'gone'"):
        compare_groups(features, group, groups=("new", "gone"))


def test_bad_groups():
    with pytest.raises(ValueError, match="has no group 'fintech'; it has internet_bank"):
        assign_groups(LABELS, TARGETS, groups=("fintech", "traditional_bank"))
    with pytest.raises(ValueError, match="target_groups lacks segment_id"):
        group_sizes(LABELS, TARGETS[["group_id"]])
    with pytest.raises(ValueError, match="both groups. lacks primary"):
        assign_groups(LABELS, TARGETS.drop(columns="primary"))


def test_opposite_signs_are_both_shown_with_why():
    """A few very rich customers lift the mean of the group that most customers are below."""
    from kequn_lab._words import Words
    from kequn_lab.report._tables import opposite_signs

    rng = np.random.default_rng(0)
    a = np.r_[rng.lognormal(0, 0.5, 190), rng.lognormal(6, 0.5, 10)]
    features = pd.DataFrame({"aum_cny": np.r_[a, rng.lognormal(1, 0.5, 200)]})
    features["age_years"] = rng.normal(size=400)
    table = compare_groups(features, pd.Series(["A"] * 200 + ["B"] * 200), n_boot=0)
    row = table.set_index("variable").loc["aum_cny"]
    assert row["kind"] == "skewed" and row["signs_differ"]
    assert row["smd"] > 0 > row["effect"]
    assert not table.set_index("variable").loc["age_years", "signs_differ"]
    for language, why in (("en", "A few large values raise the mean"), ("zh", "少数大额客户")):
        text = opposite_signs(table, Words.of(), language)
        assert why in text and f"{row['smd']:.2f}" in text and "age_years" not in text
    assert not opposite_signs(table[table["variable"] == "age_years"], Words.of(), "en")
