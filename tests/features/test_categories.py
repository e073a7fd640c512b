"""Categories become coordinates of a stated weight; bad columns are named."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from kequn_lab.features.categories import CategoryEncoder
from kequn_lab.features.weights import ColumnWeights, resolve_weights

JOBS = pd.DataFrame({"job": ["clerk"] * 50 + ["farmer"] * 30 + ["nurse"] * 20})


def column(*levels):
    return pd.DataFrame({"job": [text for text, n in levels for _ in range(n)]})


@parametrize_with_checks(
    [
        CategoryEncoder(rare_share=0, rare_customers=0, max_levels=10_000),
        ColumnWeights(),
    ]
)
def test_scikit_learn_conventions(estimator, check):
    check(estimator)


def test_nominal_is_the_coding_of_mixed_factor_analysis_recomputed():
    z = CategoryEncoder().set_output(transform="pandas").fit_transform(JOBS)
    assert list(z) == ["job:clerk", "job:farmer", "job:nurse"]
    dummies = pd.get_dummies(JOBS["job"]).astype(float)
    plain = (dummies - dummies.mean()) / np.sqrt(dummies.mean())
    np.testing.assert_allclose(z, plain / np.sqrt(2))
    np.testing.assert_allclose(z.var(ddof=0).sum(), 1)  # (3 − 1) / 2
    four = pd.concat([JOBS, column(("miner", 40))], ignore_index=True)
    for total, variance in (("levels", (4 - 1) / 2), ("one", 1)):
        coded = CategoryEncoder(total=total).fit_transform(four)
        np.testing.assert_allclose(coded.var(axis=0).sum(), variance)
    with pytest.raises(ValueError, match="total is 'two'; give"):
        CategoryEncoder(total="two").fit(JOBS)


def test_with_total_one_two_levels_are_as_far_apart_as_a_standardised_yes_and_no():
    table = column(("yes", 30), ("no", 70))
    z = CategoryEncoder(total="one").fit_transform(table)
    number = (table["job"] == "yes").astype(float)
    number = (number - number.mean()) / number.std(ddof=0)
    np.testing.assert_allclose(np.linalg.norm(z[0] - z[-1]), number.iloc[0] - number.iloc[-1])


def test_missing_is_the_mean_and_the_column_weighs_the_same():
    table = pd.concat([JOBS, pd.DataFrame({"job": [None] * 40})], ignore_index=True)
    z = CategoryEncoder().fit_transform(table)
    assert (z[-40:] == 0).all()
    np.testing.assert_allclose(z.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(z.var(axis=0).sum(), 1)
    own = CategoryEncoder(missing={"job": "level"}).fit(table)
    assert own.get_feature_names_out()[-1] == "job:(missing)"
    assert own.transform(table)[-1, -1] > 0
    empty = table.replace({"job": {None: " "}})
    np.testing.assert_array_equal(CategoryEncoder().fit_transform(empty), z)


def test_order_is_scored_by_mid_ranks():
    table = pd.DataFrame({"education": ["小学"] * 20 + ["大学"] * 20 + ["中学"] * 60})
    encoder = CategoryEncoder(orders={"education": ["小学", "中学", "大学"]})
    z = encoder.set_output(transform="pandas").fit_transform(table)
    assert list(z) == ["education"]
    ranks = table["education"].map({"小学": 1, "中学": 2, "大学": 3}).rank()
    np.testing.assert_allclose(z["education"], (ranks - ranks.mean()) / ranks.std(ddof=0))


def test_rare_levels_are_pooled_and_unseen_ones_are_with_them():
    table = column(("a", 400), ("b", 300), ("c", 15), ("d", 10))
    encoder = CategoryEncoder().fit(table)
    assert encoder.get_feature_names_out().tolist() == ["job:a", "job:b", "job:(other)"]
    assert encoder.codings_[0].pooled == {"c": 15, "d": 10}
    new = column(("d", 1), ("z", 2), ("A", 1))
    z = encoder.transform(new)
    np.testing.assert_array_equal(z[0], z[1])
    np.testing.assert_array_equal(z[3], encoder.transform(column(("a", 1)))[0])
    assert encoder.levels_.set_index("level")["place"].to_dict() == {
        "a": "own", "b": "own", "c": "other", "d": "other",
    }  # fmt: skip


def test_rare_levels_that_are_rare_together_and_unseen_ones_are_at_the_mean():
    encoder = CategoryEncoder().fit(column(("a", 400), ("b", 300), ("c", 3)))
    assert encoder.get_feature_names_out().tolist() == ["job:a", "job:b"]
    np.testing.assert_array_equal(encoder.transform(column(("c", 1), ("new", 1))), 0)


def test_spellings_that_differ_in_blanks_case_or_width_are_one_level():
    table = column(
        ("Clerk", 40), (" clerk ", 30), ("Ｃｌｅｒｋ", 5), ("sales  man", 25), ("Sales Man", 30)
    )
    encoder = CategoryEncoder().fit(table)
    assert encoder.codings_[0].levels == ("Clerk", "Sales Man")
    assert encoder.codings_[0].unified == {
        "clerk": "Clerk", "Ｃｌｅｒｋ": "Clerk", "sales  man": "Sales Man",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("table", "options", "says"),
    [
        (column(*((f"c{i}", 25) for i in range(21))), {}, "21 levels, more than 20: group them"),
        (column(*((f"c{i}", 5) for i in range(9))), {}, "job: all levels are rare .fewer than 20"),
        (column(("a", 95), ("b", 3)), {}, "all levels are rare but 'a'"),
        (column(("1", 50), ("2", 50), ("farmer", 50)), {}, "job mixes numbers and words"),
        (column((1, 50), ("farmer", 50)), {}, "job mixes numbers and words"),
        (JOBS, {"orders": {"job": ["clerk", "nurse"]}}, "order of job lacks 'farmer'"),
        (JOBS, {"orders": {"job": ["clerk", "Clerk", "nurse", "farmer"]}}, "a level twice: Clerk"),
        (JOBS, {"orders": {"jobs": ["clerk"]}}, "orders: X has no column jobs"),
        (JOBS, {"missing": "zero"}, "missing of all columns is 'zero'"),
        (
            JOBS,
            {"orders": {"job": ["clerk", "nurse", "farmer"]}, "missing": {"job": "level"}},
            "in which a missing value has no place",
        ),
    ],
)  # fmt: skip
def test_bad_columns_are_named(table, options, says):
    with pytest.raises(ValueError, match=says):
        CategoryEncoder(**options).fit(table)


def test_nothing_that_was_given_is_changed():
    table, orders = JOBS.copy(), {"job": ["clerk", "nurse", "farmer"]}
    encoder = clone(CategoryEncoder(orders=orders)).fit(table)
    encoder.transform(table)
    pd.testing.assert_frame_equal(table, JOBS)
    assert orders == {"job": ["clerk", "nurse", "farmer"]}


def test_weights_multiply_squared_distances():
    z = pd.DataFrame({"age": [-1.0, 1], "job:a": [1.0, -1], "job:b": [-1.0, 1]})
    out = ColumnWeights(weights={"age": 2, "job": 0.5}).fit_transform(z)
    np.testing.assert_allclose(out.var(axis=0), [2, 0.5, 0.5])
    with pytest.raises(ValueError, match="no column city"):
        ColumnWeights(weights={"city": 2}).fit(z)


@pytest.mark.parametrize(
    ("weights", "says"),
    [
        ({"age": -1}, "weight of age is -1; give a number above 0"),
        ({"age": 0}, "weight of age is 0; .*--drop"),
        ({"age": "2"}, "weight of age is '2'"),
        ({"age": True}, "weight of age is True"),
        ({"age": float("nan")}, "weight of age is nan"),
        ({"ages": 2}, "weights: no column ages; there are age, "),
        ({"city:*": 2}, "no column city"),
        ({"channel:*": 2, "*web": 1}, "both fit channel:web; name it in full"),
    ],
)
def test_bad_weights_are_named(weights, says):
    with pytest.raises(ValueError, match=says):
        resolve_weights(["age", "channel:app", "channel:web"], weights)


def test_a_column_named_in_full_does_not_follow_the_pattern():
    weights = {"channel:web": 3, "channel:*": 0.5}
    assert resolve_weights(["channel:app", "channel:web"], weights) == {
        "channel:app": 0.5, "channel:web": 3.0,
    }  # fmt: skip
